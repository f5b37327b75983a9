import errno
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from bench.records.store import (
    Stored,
    Unreadable,
    contents,
    finished,
    locked,
    needs_run,
    run_folder,
    save,
    write_text,
)
from repair.errors import InputError


def folder_of(root, record):
    return run_folder(root, record.experiment, record.config_hash, record.seed)


def test_a_saved_run_reads_back_whole(tmp_path, record_of):
    record = record_of(seed=3)
    folder = folder_of(tmp_path, record)
    assert folder == tmp_path / "poison_mnist" / record.config_hash / "seed=3"
    delta = np.arange(4.0)
    save(
        folder,
        record,
        {"seed": 3, "k": [5]},
        {"patch.npz": lambda path: np.savez(path, delta=delta)},
    )
    run = finished(folder)
    assert run == Stored(folder, record)
    assert run.config() == {"seed": 3, "k": [5]}
    np.testing.assert_array_equal(np.load(folder / "patch.npz")["delta"], delta)
    assert {path.name for path in folder.iterdir()} == {"record.json", "config.yaml", "patch.npz"}
    assert contents(tmp_path).runs == (run,)


def test_equal_runs_are_equal_bytes(tmp_path, record_of):
    record = record_of()
    one, two = (
        save(folder_of(tmp_path / name, record), record, {"b": 1, "a": 2}).folder for name in "xy"
    )
    for name in ("record.json", "config.yaml"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_record_cut_in_half_is_not_finished_and_is_named(tmp_path, record_of):
    record = record_of()
    path = save(folder_of(tmp_path, record), record, {}).folder / "record.json"
    path.write_bytes(path.read_bytes()[:300])
    run = finished(path.parent)
    assert isinstance(run, Unreadable)
    assert str(path) in str(run)
    assert "not finished" in str(run)
    assert contents(tmp_path).runs == ()
    assert contents(tmp_path).unreadable == (run,)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe\x00", b'{"schema_version": 1}'])
def test_foreign_files_are_named_and_do_not_stop_the_reading(tmp_path, record_of, content):
    good = record_of()
    save(folder_of(tmp_path, good), good, {})
    foreign = tmp_path / "other" / "record.json"
    foreign.parent.mkdir()
    foreign.write_bytes(content)
    found = contents(tmp_path)
    assert [run.record for run in found.runs] == [good]
    assert [broken.path for broken in found.unreadable] == [foreign]


def test_a_record_in_the_folder_of_another_run_is_foreign(tmp_path, record_of):
    record = record_of(seed=1)
    save(folder_of(tmp_path, record_of(seed=2)), record, {})
    assert "foreign folder" in str(contents(tmp_path).unreadable[0])


def test_a_run_that_dies_while_writing_is_not_finished(tmp_path, record_of):
    record = record_of()
    folder = folder_of(tmp_path, record)
    save(folder, record, {}, {"patch.npz": lambda path: path.write_bytes(b"old")})

    def full_disk(path: Path) -> None:
        path.write_bytes(b"ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match=r"disk is full.*results_dir="):
        save(folder, record, {}, {"patch.npz": full_disk})
    assert finished(folder) is None
    assert (folder / "patch.npz").read_bytes() == b"old"  # whole, never half new
    assert not [path for path in folder.iterdir() if path.name.endswith("-patch.npz")]


def test_results_of_an_earlier_run_do_not_stay_beside_another_record(tmp_path, record_of):
    record = record_of()
    folder = folder_of(tmp_path, record)
    names = ("patch.npz", "experts.npz", "examples.npz", "repaired.h5", "cases.csv", "replay.md")
    save(folder, record, {}, {name: lambda path: path.write_bytes(b"old") for name in names})
    assert {*names} < {path.name for path in folder.iterdir()}
    save(folder, record, {}, {"experts.npz": lambda path: path.write_bytes(b"new")})
    assert {p.name for p in folder.iterdir()} == {"record.json", "config.yaml", "experts.npz"}
    assert (folder / "experts.npz").read_bytes() == b"new"


def test_what_a_killed_run_left_is_swept_away(tmp_path, record_of):
    record = record_of()
    folder = folder_of(tmp_path, record)
    folder.mkdir(parents=True)
    (folder / ".unfinished-77-record.json").write_text("{")
    save(folder, record, {})
    assert {path.name for path in folder.iterdir()} == {"record.json", "config.yaml"}


def test_the_patch_of_an_earlier_run_does_not_stay(tmp_path, record_of):
    record = record_of()
    folder = folder_of(tmp_path, record)

    def old(path):
        path.write_bytes(b"old")

    save(folder, record, {}, {"patch-0.npz": old, "patch-1.npz": old})
    save(folder, record, {}, {"patch-1.npz": old})
    assert [path.name for path in folder.glob("patch*")] == ["patch-1.npz"]
    save(folder, record_of(status="infeasible"), {})
    assert not list(folder.glob("patch*"))


def test_a_place_that_cannot_be_written_is_one_message(tmp_path, record_of):
    (tmp_path / "file").write_text("")
    record = record_of()
    folder = folder_of(tmp_path / "file", record)
    with pytest.raises(InputError, match=r"is a file.*results_dir="):
        save(folder, record, {})
    with pytest.raises(InputError, match=r"is a file.*results_dir="), locked(folder):
        pass
    with pytest.raises(InputError, match="is a file"):
        write_text(tmp_path / "file" / "table.md", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_message(tmp_path, record_of):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="no permission"):
        save(folder_of(tmp_path, record_of()), record_of(), {})
    tmp_path.chmod(0o700)


def test_no_results_folder_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r"\+experiment=quickstart"):
        contents(tmp_path / "absent")


def test_what_is_run_again(record_of):
    ok, late, infeasible = (
        record_of(status=status) for status in ("ok", "time_limit", "infeasible")
    )
    assert needs_run(None)
    assert not needs_run(ok)
    assert needs_run(ok, overwrite=True)
    assert not needs_run(late)
    assert needs_run(late, retry=True)
    assert not needs_run(infeasible, retry=True)


def test_two_sweeps_at_once_do_each_run_once(tmp_path, record_of):
    record = record_of()
    folder = folder_of(tmp_path, record)
    done = []

    def worker() -> None:
        with locked(folder):
            if finished(folder) is None:
                done.append(save(folder, record, {}))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_the_lock_holds_across_processes_and_goes_with_a_killed_one(tmp_path):
    code = f"""
        import sys
        from pathlib import Path
        from bench.records.store import locked
        with locked(Path({str(tmp_path)!r})):
            print("held", flush=True)
            sys.stdin.read()
    """
    other = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="held by another run"), locked(tmp_path, timeout=0.1):
            pass
    finally:
        other.kill()
        other.communicate()
    with locked(tmp_path, timeout=5):
        pass
