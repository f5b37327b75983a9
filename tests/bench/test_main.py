"""The command itself: one real run end to end, and bad input, each with one message and exit code 2."""

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bench import __main__ as command
from bench.attacks import Square
from bench.config import experiments
from bench.datasets import dataset as data
from bench.records import store
from bench.records.record import to_json
from bench.scenarios import Scenario, Trained
from repair.weights.experts.file import load_experts

SMALL = [
    "+experiment=quickstart",
    "scenario.network.epochs=8",
    "repair_images=300",
    "validation_images=100",
    "method.k=3",
    "method.full=false",
    "wandb.mode=disabled",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The one run of SMALL, by the command itself, and what it printed."""
    folder, said = tmp_path_factory.mktemp("small"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["bench", *SMALL])
        assert command.main() == 0
    (stored,) = store.contents(folder / "results/runs").runs
    return folder, stored, said.getvalue()


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    """The command with arguments, in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        code = command.main()
        return code, *capfd.readouterr()

    return call


def test_a_run_leaves_a_valid_record_and_is_not_done_twice(small, bench, monkeypatch):
    folder, stored, said = small
    assert "digits" in said or "quickstart" in said
    schema = json.loads(Path(store.__file__).with_name("record.schema.json").read_text())
    jsonschema.validate(json.loads(to_json(stored.record)), schema)
    assert stored.folder.parent.parent.name == "quickstart"
    assert stored.folder.name == "seed=0"
    assert stored.config()["method"]["k"] == 3
    assert stored.record.chosen in stored.record.combinations
    assert (stored.folder / "experts.npz").is_file()
    written = (stored.folder / "record.json").stat().st_mtime_ns
    monkeypatch.chdir(folder)
    code, _, err = bench(*SMALL)
    assert code == 0
    assert "finished before" in err
    assert (stored.folder / "record.json").stat().st_mtime_ns == written


def test_the_same_config_and_seed_give_the_same_record_apart_from_times(small, bench, tmp_path):
    assert bench(*SMALL)[0] == 0
    _, first, _ = small
    (second,) = store.contents(tmp_path / "results/runs").runs
    assert first.record.combinations == second.record.combinations
    assert first.record.config_hash == second.record.config_hash
    one, two = ((run.folder / "experts.npz").read_bytes() for run in (first, second))
    assert one == two


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which experiment?"),
        (["+experiment=quickstrt"], "unknown experiment 'quickstrt'. Did you mean 'quickstart'?"),
        (["+experiment=quickstart", "sede=1"], "unknown setting 'sede'. Did you mean 'seed'?"),
        (["+experiment=quickstart", "method.kk=1"], "unknown setting of method 'kk'"),
        (["+experiment=quickstart", "method=nnrepare"], "unknown method 'nnrepare'"),
        (["+experiment=quickstart", "seed=one"], "setting 'seed'"),
        (["+experiment=quickstart", "solver.name=cplex"], "unknown solver 'cplex'"),
        (["+experiment=quickstart", "task=repare"], "unknown task 'repare'"),
        (["+experiment=quickstart", "wandb.mode=onlin"], "onlin"),
        (["+experiment=quickstart", "layers=dense_3"], "unknown layer 'dense_3'"),
        (["+experiment=quickstart", "layers=aut"], "Did you mean 'auto'?"),
        (["+experiment=quickstart", "layers=[auto,last]"], "layers=auto stands alone"),
        (["+experiment=quickstart", "repair_images=9999"], "repair_images=9999"),
        (["+experiment=quickstart", "method.k=33"], "choose k from 1 to 32"),
        (["+experiment=quickstart", "method._target_=no.such.Thing"], "no.such.Thing"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(bench, arguments, message):
    quick = ["wandb.mode=disabled", "scenario.network.epochs=1"] if arguments else []
    code, out, err = bench(*quick, *arguments)
    assert code == 2
    said = [line for line in err.splitlines() if message in line]
    assert len(said) == 1
    assert "Traceback" not in out + err
    assert "Error executing job" not in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=-1"], "seed is -1; expected at least 0"),
        (["seed=4294967296"], "seed is 4294967296; expected a number below"),
        (["layers=null"], "layers is None; expected a text or a list"),
        (["layers=5"], "layers is 5; expected a text or a list"),
        (["layers=[]"], "layers is []; expected a text or a list of at least 1"),
        (["layers=[last,5]"], "layers[1] is 5; expected a text"),
        (["repair_images=0"], "repair_images is 0; expected at least 1"),
        (["most_passing=-1"], "most_passing is -1; expected at least 0"),
        (["overwrite=-1"], "overwrite is -1; expected true or false"),
        (["scale=0..2"], "unknown scale '0..2'"),
        (["solver.gap=-1"], "solver.gap is -1.0; expected at least 0"),
        (["method=finetune", "solver.gap=nan"], "solver.gap is nan; expected a finite number"),
        (["method=refit", "solver.name=cplex"], "unknown solver 'cplex'"),
        (["solver.gap=1" + "0" * 400], "setting 'solver.gap'"),
        (["+foo=3"], "unknown setting 'foo'. Known: architecture, augmented_copies, data"),
        (["+solver.foo=3"], "unknown setting of solver 'foo'"),
        (["+wandb.foo=3"], "unknown setting of wandb 'foo'"),
        (["+method.foo=3"], "unexpected keyword argument 'foo'"),
        (["method.k=2.5"], "NNRepair: k is 2.5; expected a whole number"),
        (["method.k=3.0"], "NNRepair: k is 3.0; expected a whole number"),
        (["method.bound=inf"], "method.bound is inf; expected a finite number"),
        (["method.localize=null"], "NNRepair: localize is None; expected an object"),
        (["method._target_=builtins.dict"], "builtins.dict makes a dict, which has no __call__"),
        (["scenario._target_=builtins.dict"], "builtins.dict makes a dict, which has no problem"),
        (["method=null"], "method=null: expected the name of a group's file"),
        (["localize=5"], "localize=5: expected the name of a group's file"),
        (["method=[]"], "setting 'method': Missing mandatory value"),
        (["method=minimal", "method.generation.rows=-1"], "method.generation: Generation: rows is"),
        (
            ["scenario.attack.target=1.5"],
            "scenario.attack: Square: target is 1.5; expected a whole",
        ),
        (["scenario.attack.target=10"], "target is 10; the classes are 0 to 9"),
        (["scenario.network.epochs=1.5"], "scenario.network: Trained: epochs is 1.5"),
        (
            ["task=architecture", "architecture.build=[torch]"],
            "unknown architecture.build[0] 'torch'",
        ),
        (["task=replay", "replay.sets=tset"], "unknown replay.sets 'tset'. Did you mean 'test'?"),
    ],
)
def test_an_odd_setting_is_refused_before_anything_is_done(bench, tmp_path, arguments, message):
    code, out, err = bench("+experiment=quickstart", "wandb.mode=disabled", *arguments)
    assert code == 2, err
    assert err.count(message) == 1, err
    assert "Traceback" not in out + err
    assert "Error executing job" not in out + err
    assert "repair of" not in err
    assert not list(tmp_path.rglob("record.json"))


def test_an_unknown_experiment_lists_those_that_exist(bench):
    _, _, err = bench("+experiment=nothing")
    assert all(name in err for name in experiments())


def test_missing_data_without_a_network_says_what_to_do(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code, _, err = bench("+experiment=low_quality_mnist", "wandb.mode=disabled")
    assert code == 2
    assert "BENCH_DATA" in err
    assert "Traceback" not in err


def test_a_damaged_network_is_named(bench, monkeypatch, tmp_path, data_pack):
    """The network's file has one byte changed: its checksum says so before anything is read."""
    folder = tmp_path / "pack"
    (folder / "mnist").parent.mkdir()
    (folder / "mnist").symlink_to(data_pack / "mnist")
    file = folder / "nnrepair/models/mnist0_poisoned.h5"
    file.parent.mkdir(parents=True)
    content = bytearray((data_pack / "nnrepair/models/mnist0_poisoned.h5").read_bytes())
    content[500_000] ^= 1
    file.write_bytes(content)
    monkeypatch.setenv("BENCH_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code, _, err = bench("+experiment=poison_mnist", "wandb.mode=disabled")
    assert code == 2
    assert "mnist0_poisoned.h5" in err


def test_validation_data_chooses_and_test_data_only_measures(small):
    _, stored, _ = small
    validation = stored.record.details["validation"]
    sums = {
        name: sum(pair[part]["accuracy"] for part in ("clean", "defect"))
        for name, pair in validation.items()
    }
    assert sums[stored.record.chosen] == pytest.approx(max(sums.values()))
    assert np.isclose(
        stored.record.metrics["clean_after"].accuracy,
        stored.record.combinations[stored.record.chosen].clean.accuracy,
    )


def test_the_patch_file_is_the_answer_where_it_is_one_network(bench, tmp_path):
    bench(*SMALL, "method.full=true", "solver.time_limit=2")
    (stored,) = store.contents(tmp_path / "results/runs").runs
    scenario = Scenario(
        "digits_backdoor",
        "digits",
        Trained(epochs=8),
        Square(row=6, column=6, size=2),
        300,
        100,
        0,
    )
    experts = load_experts(stored.folder / "experts.npz", scenario.original)
    right = experts.answers(scenario.defect_test.images)
    combinations = stored.record.combinations
    assert any(experts.patch_of(name) is not None for name in combinations)
    for name, combination in combinations.items():
        assert combination.defect.correct == (right[name] == scenario.defect_test.labels).sum()
        patch = experts.patch_of(name)
        if patch is not None:
            answers = patch.apply(scenario.original).predict(scenario.defect_test.images)
            assert combination.defect.correct == (answers == scenario.defect_test.labels).sum()


def own_network(tmp_path, *, inputs=64, spoil=None):
    """An ONNX file made without this package: flatten, Gemm."""
    weights = np.random.default_rng(0).normal(size=(inputs, 10)).astype(np.float32)
    if spoil == "nan":
        weights[3, 4] = np.nan
    side = round(inputs**0.5)
    kind = "Hardmax" if spoil == "operator" else "Gemm"
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node(kind, ["flat"] + ([] if spoil == "operator" else ["w"]), ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("x", 1, ["n", 1, side, side])],
        [helper.make_tensor_value_info("y", 1, ["n", 10])],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "own.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def test_a_network_of_ones_own_is_repaired(bench, tmp_path):
    path = own_network(tmp_path)
    given = [s for s in SMALL if not s.startswith("method.")]
    code, _, _ = bench(*given, "method=refit", f"network={path}", "scale=0..1", "layers=auto")
    assert code == 0
    (stored,) = store.contents(tmp_path / "results/runs").runs
    assert stored.record.status == "ok"
    (ranked,) = stored.record.details["layers_ranked"]
    assert ranked["layers"] == ["dense_1"]  # it has no other
    assert ranked["best"]
    # Counted without this package, on both files: random weights became a network that reads digits.
    digits = data.load("digits")
    images = Square(row=6, column=6, size=2).stamp(digits.test_images).astype(np.float32) / 255
    counts = {
        when: int((onnx_answers(file, images.transpose(0, 3, 1, 2)) == digits.test_labels).sum())
        for when, file in (("before", path), ("after", stored.folder / "repaired.onnx"))
    }
    assert counts == {when: stored.record.metrics[f"defect_{when}"].correct for when in counts}
    assert counts["before"] < 100
    assert counts["after"] > 400


def onnx_answers(path, images):
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: images})[0].argmax(1)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"spoil": "operator"}, "Hardmax"),
        ({"spoil": "nan"}, "NaN"),
        ({"inputs": 49}, "(300, 8, 8, 1)"),
    ],
)
def test_a_network_file_that_will_not_do_is_one_message(bench, tmp_path, spoilt, message):
    path = own_network(tmp_path, **spoilt)
    code, _, err = bench(*SMALL, f"network={path}", "scale=0..1")
    assert code == 2
    assert message in err
    assert "Traceback" not in err
