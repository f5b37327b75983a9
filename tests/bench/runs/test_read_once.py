"""A run is of the files as they were when it was asked for: its hash, what it measures and what it writes."""

import gc
import os
import sys
import weakref
from dataclasses import replace
from hashlib import sha256

import hydra
import numpy as np
import pytest

from bench import __main__ as command
from bench import shipped
from bench.architecture import load
from bench.config import register
from bench.datasets import dataset as data
from bench.records import store
from bench.runs.specification import specify
from bench.scenarios import File, with_data
from repair.weights import formats
from repair.weights.network.layers import Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.source import SourceFile

QUICK = (
    "method/loss=hinge",
    "method.loss.target_margins=[0.5]",
    "method.strengths=[0.01]",
    "method.loss.sample_weights=[1.0]",
)


def network(seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(64, 10)).astype(np.float32)
    return Network(
        [Flatten("flat"), Dense("out", kernel, np.zeros(10))], input_shape=(8, 8, 1), scale="0..1"
    )


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The current folder, with a network and an archive."""
    monkeypatch.chdir(tmp_path)
    train = data.load("digits")
    images, labels = train.train_images[:60], train.train_labels[:60]
    np.savez("mine.npz", images=images, labels=labels, defect_images=images)
    formats.save(network(0), "model.h5")
    return tmp_path


def config(*overrides):
    register()
    given = ["+experiment=custom", "data=mine.npz", "wandb.mode=disabled", *overrides]
    with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
        return hydra.compose("config", given)


@pytest.mark.parametrize("named", ["network", "scenario.network.path"])
def test_files_that_change_or_go_while_a_run_lasts(mine, named):
    given = config(*QUICK, f"{named}=model.h5")
    run = specify(given)
    content, archive = (mine / "model.h5").read_bytes(), (mine / "mine.npz").read_bytes()
    # Another network, and images of which the labels say something else.
    formats.save(network(1), mine / "model.h5")
    np.savez("mine.npz", images=np.zeros((60, 8, 8, 1), np.uint8), labels=np.zeros(60, np.int64))
    done = run.task.run(given, run.about)
    (mine / "model.h5").unlink()
    (mine / "mine.npz").unlink()
    done.files["patch.npz"](mine / "patch.npz")
    done.files["repaired.h5"](mine / "repaired.h5")
    patched = Patch.load(mine / "patch.npz").apply(network(0))
    assert formats.load(mine / "repaired.h5").fingerprint() == patched.fingerprint()
    # And again, with the files as they were: the same run, the same figures.
    (mine / "model.h5").write_bytes(content)
    (mine / "mine.npz").write_bytes(archive)
    again = specify(given)
    assert again.folder == run.folder
    assert again.task.run(given, again.about).record.metrics == done.record.metrics


def test_each_file_of_a_run_is_opened_once(mine, monkeypatch, watched):
    given = [
        "+experiment=custom",
        "data=mine.npz",
        "network=model.h5",
        "wandb.mode=disabled",
        *QUICK,
    ]
    monkeypatch.setattr(sys, "argv", ["bench", *given])
    with watched() as opened:
        assert command.main() == 0
    paths = [path for path, _ in opened]
    assert (paths.count(mine / "model.h5"), paths.count(mine / "mine.npz")) == (1, 1)
    (run,) = store.contents(mine / "results/runs").runs
    assert (run.folder / "repaired.h5").is_file()


def test_a_plan_keeps_no_content_and_sees_each_change(mine):
    given = config("network=model.h5")
    planned = specify(given, hold=False)
    assert not planned.about.files
    run = specify(given)
    assert run.folder == planned.folder
    held = weakref.ref(run.about.files["network"])
    del run
    gc.collect()
    assert held() is None
    before = os.stat("model.h5")
    content = bytearray((mine / "model.h5").read_bytes())
    content[-1] ^= 1
    (mine / "model.h5").write_bytes(content)
    os.utime("model.h5", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert specify(given, hold=False).folder != planned.folder
    assert specify(given, hold=False).folder == specify(given).folder


def test_the_checksum_of_data_is_that_of_the_arrays(mine):
    content = (mine / "mine.npz").read_bytes()
    plain = config().scenario
    scenario = hydra.utils.instantiate(plain, repair_images=None, validation_images=None, seed=0)
    scenario = with_data(replace(scenario, network=File("model.h5")), "mine.npz")
    (mine / "mine.npz").write_bytes(b"another")
    assert scenario.data.checksums == {"data": sha256(content).hexdigest()}


def test_cases_are_those_that_were_read(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text('{"case": 1, "model": {"layers": []}}\n', encoding="utf-8")
    source = SourceFile.read(path)
    path.unlink()
    assert [case.name for case in load(source)] == ["1"]
