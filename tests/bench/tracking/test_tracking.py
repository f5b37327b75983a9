import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wandb
from checkout import ROOT, TESTS
from PIL import Image
from waiting import until
from wandb_file import messages_in

from bench.records.gallery import EXAMPLES, Gallery
from bench.records.rows import row
from bench.records.store import run_folder, save
from bench.tracking import NoTracker, WandbSettings, run_id, tracked
from repair.errors import InputError

GALLERY = Gallery(
    clean=np.zeros((2, 4, 4, 1), np.uint8),
    attacked=np.full((2, 4, 4, 1), 200, np.uint8),
    labels=np.array([3, 1]),
    before=np.array([7, 7]),
    after=np.array([3, 7]),
)
COUNTS = [[5, 1], [0, 4]]


def run(root, record, settings=None, progress=()):
    """One run as the harness does it."""
    config = {"scenario": record.scenario, "method": record.method}
    with tracked(
        settings or WandbSettings(),
        results_dir=root,
        experiment=record.experiment,
        config_hash=record.config_hash,
        seed=record.seed,
        config=config,
    ) as tracker:
        for values in progress:
            tracker.log(values)
        folder = run_folder(root, record.experiment, record.config_hash, record.seed)
        files = {"patch.npz": lambda path: path.write_bytes(b"a patch")}
        if record.patch:
            files |= {
                "experts.npz": lambda path: path.write_bytes(b"experts"),
                EXAMPLES: GALLERY.save,
            }
        tracker.finish(save(folder, record, config, files if record.patch else {}))
    return tracker


def tables(folder, key):
    """The tables that a run logged under a key, as W&B will read them."""
    found = sorted((folder / "files" / "media" / "table").glob(f"{key}_*.table.json"))
    return [json.loads(path.read_text()) for path in found]


def offline(root, seed):
    (folder,) = (root / "wandb").glob(f"offline-run-*-{seed}")
    return folder


def messages_of(root, seed):
    return messages_in(offline(root, seed))


def newest(root):
    """The folder of the newest part of the run of all results; there is no other."""
    (folder,) = (root / "wandb").glob("*-results/*/wandb/offline-run-*-results")
    return folder


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, record_of):
    """Three runs of a sweep, the second without a repair, the last with counts of its predictions.

    And what the run of all results was after each: its messages and its table; and every `wandb.Run` in order.
    """
    root = tmp_path_factory.mktemp("sweep")
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("cwd"))
    patch.setattr("bench.tracking.results._SECONDS", 0)
    opened, init = [], wandb.init
    patch.setattr(wandb, "init", lambda **given: opened.append(init(**given)) or opened[-1])
    records = [
        record_of(seed=0),
        record_of(seed=1, status="infeasible"),
        record_of(seed=2, defect=5000),
    ]
    counts = {"confusion": {"clean_after": COUNTS}, "flips": {"defect": COUNTS}}
    records[2] = replace(records[2], details={**records[2].details, **counts})
    results = []
    for record in records:
        run(root, record, progress=({"solve/gap": 0.5}, {"solve/gap": 0.0}))
        folder = newest(root)
        results.append((messages_in(folder), *tables(folder, "results")))
    assert list(Path.cwd().iterdir()) == []  # nothing is left where the command was started
    patch.undo()
    return root, records, results, opened


def test_the_table_grows_by_a_row_for_each_record(sweep):
    _, records, results, _ = sweep
    for done, (_, table) in enumerate(results, start=1):
        expected = [row(record) for record in records[:done]]
        assert table["columns"] == list(expected[0])
        assert [
            dict(zip(table["columns"], line, strict=True)) for line in table["data"]
        ] == expected


def test_the_results_of_many_processes_are_parts_of_one_run(sweep):
    parts = [messages for messages, _ in sweep[2]]
    opened = [one for one in sweep[3] if one.job_type == "results"]
    assert [(one.id, one.group) for one in opened] == 3 * [("poison_mnist-results", "poison_mnist")]
    # The step is the number of records: what several nodes wrote goes together in one order.
    assert [m.history.step.num for part in parts for m in part if m.HasField("history")] == [
        1,
        2,
        3,
    ]
    assert [items_of(part, "summary")["runs"][-1] for part in parts] == [1, 2, 3]


def items_of(messages, kind):
    """Key -> the values that were written under it, in order; nested keys with slashes."""
    found = {}
    for message in messages:
        logged = message.history.item if kind == "history" else message.summary.update
        for item in logged:
            key = item.key or "/".join(item.nested_key)
            found.setdefault(key, []).append(json.loads(item.value_json))
    return found


def test_quick_runs_are_shown_together_at_the_latest_as_their_process_ends(tmp_path):
    code = """
import sys
from pathlib import Path
from conftest import make_record
from test_tracking import newest, run
for seed in range(3):
    run(Path(sys.argv[1]), make_record(seed=seed))
print(newest(Path(sys.argv[1])).parent.parent.name)
"""
    command = [sys.executable, "-c", code, tmp_path]
    folders = [Path(__file__).parent, TESTS / "bench", TESTS, ROOT]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["000001"]  # the first at once, the others within seconds
    (table,) = tables(newest(tmp_path), "results")
    assert len(table["data"]) == 3


def test_the_wandb_file_refers_to_the_table(sweep):
    folder = newest(sweep[0])
    logged = items_of(messages_in(folder), "history")
    assert logged["results/nrows"] == [3]
    assert (folder / "files" / logged["results/path"][0]).is_file()


def test_a_run_logs_its_progress_and_the_machine(sweep):
    messages = messages_of(sweep[0], 2)
    assert items_of(messages, "history")["solve/gap"] == [0.5, 0.0]
    assert any(m.HasField("environment") for m in messages)


def test_the_machine_is_measured_while_a_run_lasts(tmp_path, record_of):
    record = record_of()
    named = {"experiment": "poison_mnist", "config_hash": record.config_hash, "seed": 0}
    lengths = iter(
        [0.5, 1, 2, 4, 8, 16]
    )  # seconds of a run; a sample comes a little after the start
    keys = set()

    def measured():
        root = tmp_path / str(seconds := next(lengths))
        with tracked(WandbSettings(), results_dir=root, **named, config={}):
            threading.Event().wait(seconds)
        sampled = [m.stats for m in messages_of(root, 0) if m.HasField("stats")]
        keys.update(item.key for stats in sampled for item in stats.item)
        return keys

    until(measured)
    assert any(key.startswith("cpu") or "memory" in key for key in keys), keys


def test_confusion_flips_and_examples_are_shown(sweep):
    root, *_ = sweep
    folder = offline(root, 2)
    logged = items_of(messages_of(root, 2), "history")
    for key in ("confusion/clean_after", "flips/defect"):
        (table,) = tables(folder, f"{key}_table")
        assert [line[2] for line in table["data"]] == [5, 1, 0, 4]
    assert logged["examples/count"] == [2]
    assert logged["examples/captions"] == [["is 3; before 7, after 3", "is 1; before 7, after 7"]]
    (first, _) = [folder / "files" / name for name in logged["examples/filenames"][0]]
    pixels = np.asarray(Image.open(first))
    assert pixels.shape == (4, 8)  # the clean image, the attacked one beside it
    assert set(np.unique(pixels[:, :4])) == {0}
    assert set(np.unique(pixels[:, 4:])) == {200}
    assert "examples/count" not in items_of(messages_of(root, 1), "history")


def test_a_run_has_its_group_id_config_and_summary(sweep):
    root, records, _, opened = sweep
    messages = messages_of(root, 2)
    name = run_id("poison_mnist", records[2].config_hash, 2)
    (one,) = [one for one in opened if one.id == name]
    assert (one.group, one.project, one.tags) == (
        "poison_mnist",
        "repairbench",
        ("poison_mnist", "nnrepair", "ok"),
    )
    assert one.config["scenario"] == "poison_mnist"
    summary = {key: values[-1] for key, values in items_of(messages, "summary").items()}
    assert summary["defect_after"] == pytest.approx(50)
    assert summary["chosen"] == "CONF"
    assert summary["seconds/solve"] == pytest.approx(3.25)
    assert "reason" not in summary


def test_plots_show_the_finished_runs_and_the_published(sweep):
    root, *_ = sweep
    folder = newest(root)
    (scatter,) = tables(folder, "defect_vs_clean_table")
    assert [line[1] for line in scatter["data"]] == pytest.approx([55.94, 50.0])
    (bars,) = tables(folder, "published_beside_ours_table")
    assert dict(bars["data"]) == {
        "poison_mnist last ExpC, published best": pytest.approx(55.94),
        "poison_mnist last ExpC, ours": pytest.approx((55.94 + 50.0) / 2),
    }


def test_the_patch_is_an_artifact_kept_below_the_results(sweep):
    root, *_ = sweep
    named = [m.artifact for m in messages_of(root, 0) if m.HasField("artifact")]
    (patch,) = [artifact for artifact in named if artifact.type == "patch"]
    assert json.loads(patch.metadata)["chosen"] == "CONF"
    found = {entry.path: Path(entry.local_path) for entry in patch.manifest.contents}
    assert found["patch.npz"].read_bytes() == b"a patch"
    assert found["experts.npz"].read_bytes() == b"experts"
    assert all(root in path.parents for path in found.values())
    without = [m.artifact.type for m in messages_of(root, 1) if m.HasField("artifact")]
    assert "patch" not in without


def test_a_run_done_again_continues_its_own(tmp_path, record_of, monkeypatch):
    monkeypatch.setattr("bench.tracking.results._SECONDS", 0)
    run(tmp_path, record_of())
    second = int(time.time())
    until(lambda: int(time.time()) > second)  # W&B names folders by the second
    run(tmp_path, record_of())
    names = {path.name for path in tmp_path.glob("wandb/offline-run-*/run-*.wandb")}
    assert len(names) == 1
    assert len(tables(newest(tmp_path), "results")[-1]["data"]) == 1  # one record, one row


def test_a_block_that_raises_is_a_failed_run(tmp_path, record_of):
    record = record_of()
    named = {"experiment": "poison_mnist", "config_hash": record.config_hash, "seed": 0}
    settings = WandbSettings(group="mine")
    with (
        pytest.raises(ZeroDivisionError),
        tracked(settings, results_dir=tmp_path, **named, config={}),
    ):
        _ = 1 // 0
    messages = messages_of(tmp_path, 0)
    assert [m.exit.exit_code for m in messages if m.HasField("exit")] == [1]
    assert {m.run.run_group for m in messages if m.HasField("run")} == {"mine"}


@pytest.fixture
def server(monkeypatch):
    """The address of a W&B server that accepts connections and never says a word."""
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    monkeypatch.setenv("WANDB_BASE_URL", url)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    wandb.teardown()  # W&B reads its environment once
    yield silent, url
    silent.close()
    monkeypatch.undo()
    wandb.teardown()


@pytest.mark.parametrize("state", ["refuses", "silent"])
def test_online_without_a_server_goes_on_offline(
    tmp_path, record_of, server, caplog, state, monkeypatch
):
    monkeypatch.setattr("bench.tracking.results._SECONDS", 0)
    listening, url = server
    if state == "refuses":
        listening.close()
    settings = WandbSettings(mode="online", timeout=0.5)
    with caplog.at_level(logging.WARNING):
        for seed in (0, 1):
            run(tmp_path, record_of(seed=seed), settings)
    said = [record.message for record in caplog.records if url in record.message]
    assert len(said) == 1  # once, not for each run
    assert "scripts/wandb_sync.sh" in said[0]
    assert len(tables(newest(tmp_path), "results")[0]["data"]) == 2


def test_online_with_a_server_that_dies_goes_on_offline(tmp_path, record_of, server, monkeypatch):
    monkeypatch.setattr("requests.head", lambda *_, **__: None)  # it answered this one question
    run(tmp_path, record_of(), WandbSettings(mode="online", timeout=0.5))
    assert len(tables(newest(tmp_path), "results")[0]["data"]) == 1


def test_online_without_a_key_goes_on_offline(tmp_path, record_of, server, monkeypatch, caplog):
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr("requests.head", lambda *_, **__: None)
    with caplog.at_level(logging.WARNING):
        run(tmp_path, record_of(), WandbSettings(mode="online", timeout=0.5))
    assert "wandb login" in caplog.text
    assert offline(tmp_path, 0).is_dir()


def test_disabled_leaves_no_trace(tmp_path, record_of):
    tracker = run(tmp_path, record_of(), WandbSettings(mode="disabled"), progress=({"a": 1},))
    assert isinstance(tracker, NoTracker)
    assert not (tmp_path / "wandb").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"mode": "onlin"}, "Did you mean 'online'"),
        ({"mode": False}, "expected 'offline', 'online' or"),  # what YAML makes of mode: off
        ({"timeout": "long"}, "timeout is 'long'; expected a number"),
        ({"timeout": 0}, "timeout is 0; expected a number above 0"),
        ({"backend": "tensorbord"}, "Did you mean 'tensorboard'"),
        ({"backend": "tensorboard", "mode": "online"}, "only writes files"),
    ],
)
def test_bad_settings_are_one_message(setting, words):
    with pytest.raises(InputError, match=words):
        WandbSettings(**setting)


def test_the_sync_command_takes_every_part_and_says_what_it_lacks(sweep, tmp_path):
    script = ROOT / "scripts" / "wandb_sync.sh"

    def call(*arguments):
        return subprocess.run([script, *map(str, arguments)], capture_output=True, text=True)

    root, *_ = sweep
    listed = call(root, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    said = listed.stdout + listed.stderr
    assert all(
        folder.name in said for folder in (newest(root), *(offline(root, n) for n in range(3)))
    )
    absent = call(tmp_path)
    assert (absent.returncode, absent.stdout) == (2, "")
    assert "has no folder wandb" in absent.stderr
