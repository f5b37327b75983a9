"""Finished runs measured again: with every setting of their problem, and without code of a stranger's folder."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from bench import __main__ as command
from bench.datasets import dataset as data
from bench.records import store
from bench.runs.building import require_our_classes
from bench.runs.stored import prepare_again
from bench.scenarios import Trained
from repair.errors import InputError
from repair.weights import formats

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import measure_again as script  # noqa: E402

QUICK = [
    "+experiment=quickstart",
    "method=refit",
    "scenario.network.epochs=3",
    "repair_images=60",
    "validation_images=50",
    "wandb.mode=disabled",
]


@pytest.fixture
def done(monkeypatch, tmp_path):
    """Does one run with further settings, by the command, and returns it."""
    monkeypatch.chdir(tmp_path)

    def run(*settings):
        monkeypatch.setattr(sys, "argv", ["bench", *QUICK, *settings])
        assert command.main() == 0
        (stored,) = store.contents("results/runs").runs
        return stored

    return run


@pytest.fixture
def again(monkeypatch, capsys):
    """The script on a folder: its exit code, and what it printed on either stream."""

    def call(folder):
        monkeypatch.setattr(sys, "argv", ["measure_again.py", str(folder)])
        capsys.readouterr()
        code = script.main()
        return code, *capsys.readouterr()

    return call


def network_file(folder):
    """A network for digits that the quickstart would not train."""
    digits = data.load("digits")
    settings = Trained(epochs=1, poisoned=0.0, keep=False)
    path = folder / "network.npz"
    formats.save(settings(digits, None, 5), path)
    return path


def archive(folder):
    """Digits, some of them darker: images and the same with a defect."""
    digits = data.load("digits")
    images, labels = digits.train_images[:300], digits.train_labels[:300]
    path = folder / "mine.npz"
    np.savez(path, images=images, labels=labels, defect_images=images // 2)
    return path


def correct(problem, examples):
    """By class, how many examples the network classifies correctly, and how many it does not."""
    hits = problem.network.predict(examples.images) == examples.labels
    return [np.bincount(examples.labels[hits == right], minlength=10) for right in (True, False)]


# What a run is given, and what that makes of its problem.
SETTINGS = {
    "nothing": (lambda _: [], lambda p: len(p.repair_clean) == 60),
    "mirrored images": (lambda _: ["mirrored_images=true"], lambda p: len(p.repair_clean) == 120),
    "augmented copies": (lambda _: ["augmented_copies=2"], lambda p: len(p.repair_clean) == 180),
    "failing tests": (
        lambda _: ["most_failing=2"],
        lambda p: [counts.max() for counts in correct(p, p.repair_defect)] == [0, 2],
    ),
    "passing tests": (
        lambda _: ["most_passing=3"],
        lambda p: [counts.max() for counts in correct(p, p.repair_clean)] == [3, 0],
    ),
    "a network": (
        lambda folder: [f"network={network_file(folder)}"],
        lambda p: p.network.fingerprint() == formats.load("network.npz").fingerprint(),
    ),
    "data": (
        lambda folder: [f"data={archive(folder)}"],
        lambda p: np.array_equal(p.repair_clean.images // 2, p.repair_defect.images),
    ),
    "layers": (lambda _: ["layers=auto"], lambda p: len(p.layers) == 2),
}


@pytest.mark.parametrize(("settings", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_a_run_comes_out_again_with_each_setting(done, again, tmp_path, settings, expected):
    run = done(*settings(tmp_path))
    code, said, _ = again("results")
    assert (code, said) == (0, f"equal: {run.folder}\n")
    assert expected(prepare_again(run).problem)


def test_a_record_of_another_repair_set_does_not_agree(done, again):
    run = changed(done(), mirrored_images=True)
    code, said, _ = again("results")
    assert (code, said) == (1, f"different: {run.folder}\n")


def changed(run, **settings):
    """The run, with other settings in its config.yaml."""
    path = run.folder / store.CONFIG
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, **settings}))
    return run


def scenario_of(run):
    return yaml.safe_load((run.folder / store.CONFIG).read_text())["scenario"]


def test_what_an_older_version_did_not_write_has_its_default(done, again):
    run = done()
    path = run.folder / store.CONFIG
    config = yaml.safe_load(path.read_text())
    for name in ("mirrored_images", "augmented_copies", "most_failing", "network", "scale", "data"):
        del config[name]
    path.write_text(yaml.safe_dump(config))
    code, said, _ = again("results")
    assert (code, said) == (0, f"equal: {run.folder}\n")


def test_no_code_of_a_strangers_folder_is_run(done, again, tmp_path):
    run = done()
    marker = tmp_path / "marker"
    node = {**scenario_of(run), "attack": {"_target_": "os.mkdir", "path": str(marker)}}
    changed(run, scenario=node)
    code, said, err = again("results")
    assert (code, said) == (2, "")
    assert "scenario.attack._target_ is 'os.mkdir': expected a settings class of bench or" in err
    assert not marker.exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("data", 5), ("seed", "x"), ("layers", {}), ("scenario", None), ("network", "gone.npz")],
)
def test_a_config_that_no_run_has_is_one_message(done, again, setting, value):
    changed(done(), **{setting: value})
    code, said, err = again("results")
    assert (code, said) == (2, "")
    assert setting in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "subprocess.run"},
        {"_target_": "bench.records.environment.subprocess.run"},
        {"_target_": "bench.records.store.Path"},
        {"_target_": "bench.records.store.write_text"},
        {"_target_": "bench.nothing.Here"},
        {"_target_": ["bench.attacks.Square"]},
        {"_target_": "bench.attacks.Square", "_partial_": True},
        {"_target_": "bench.attacks.Square", "row": "${oc.env:HOME}"},
        {"row": [{"_target_": "os.getcwd"}]},
    ],
    ids=str,
)
def test_only_settings_classes_of_this_project_may_be_named(node):
    good = {"_target_": "bench.scenarios.Scenario", "attack": {"_target_": "bench.attacks.Square"}}
    require_our_classes("scenario", good)
    with pytest.raises(InputError, match=r"^scenario\.attack"):
        require_our_classes("scenario", {**good, "attack": node})
