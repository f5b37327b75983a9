"""Every file that a run leaves, evaluated without the harness, against the figures of its record.

The networks are run here in NumPy (and repaired ones by the software that they are for), patches added as the README
says, experts combined as their paper words it.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import onnx
import pytest
from by_hand import check, unit
from onnx import helper, numpy_helper

from bench import __main__ as command
from bench.attacks import Square
from bench.datasets import dataset as data
from bench.records import store
from bench.scenarios import Scenario, Trained
from repair.weights import formats
from repair.weights.network.layers import Activation, Dense, Flatten
from repair.weights.network.network import Network

HIDDEN, CLASSES = 24, 10
HINGE = (
    "method=minimal",
    "method/loss=hinge",
    "method.loss.target_margins=[0.5]",
    "method.strengths=[0.01]",
    "method.loss.sample_weights=[1.0]",
)


def digits():
    """Images (N, 8, 8, 1), labels, and the images with a square."""
    whole = data.load("digits")
    images = np.concatenate([whole.train_images, whole.test_images])[:900]
    labels = np.concatenate([whole.train_labels, whole.test_labels])[:900]
    return images, labels, Square(row=6, column=6, size=2).stamp(images)


def fitted():
    """A random hidden layer and a last one by least squares on half of the images, "hidden" and "out"."""
    images, labels, _ = (part[:300] for part in digits())
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(64, HIDDEN)) / 4, rng.normal(size=HIDDEN) / 4
    hidden = np.maximum(unit(images) @ kernel + bias, 0)
    padded = np.pad(hidden, ((0, 0), (0, 1)), constant_values=1)
    last = np.linalg.lstsq(padded, np.eye(CLASSES)[labels])[0]
    arrays = {"hidden": (kernel, bias), "out": (last[:-1], last[-1])}
    return {
        name: {"kernel": np.float32(kernel), "bias": np.float32(bias)}
        for name, (kernel, bias) in arrays.items()
    }


def keras_file(folder):
    keras = pytest.importorskip("keras", reason="Keras made the network of this test")
    layers = keras.layers
    hidden, out = (
        layers.Dense(units, name=name) for name, units in (("hidden", HIDDEN), ("out", 10))
    )
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), hidden, layers.ReLU(), out, layers.Softmax()]
    )
    model.set_weights([array for layer in fitted().values() for array in layer.values()])
    model.save(folder / "model.h5")
    return folder / "model.h5"


def onnx_file(folder):
    weights = fitted()
    kinds = {"weight": "kernel", "bias": "bias"}
    values = {
        f"{name}.{kind}": weights[name][key] for name in weights for kind, key in kinds.items()
    }
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "hidden.weight", "hidden.bias"], ["h"], "/hidden/Gemm"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "out.weight", "out.bias"], ["output"], "/out/Gemm"),
    ]
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("input", 1, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("output", 1, ["batch", 10])],
        [numpy_helper.from_array(array, name) for name, array in values.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def own_file(folder):
    arrays = fitted()
    hidden, out = (Dense(name, layer["kernel"], layer["bias"]) for name, layer in arrays.items())
    layers = [Flatten("flat"), hidden, Activation("relu"), out]
    formats.save(Network(layers, input_shape=(8, 8, 1), scale="0..1"), folder / "model.npz")
    return folder / "model.npz"


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    """Does one run; returns it and what was printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", "wandb.mode=disabled", *arguments])
        code = command.main()
        said = capfd.readouterr()
        assert code == 0, said.err
        (run,) = store.contents(tmp_path / "results/runs").runs
        return run, said.err

    return call


@pytest.mark.parametrize(
    "method",
    [
        ("method=nnrepair", "method.k=3", "method.full=false"),
        HINGE,
        ("method=refit",),
        ("method=finetune", "method.steps=60", "method.checks=2"),
        ("method=custom", "method._target_=mixed_repairs.Mixed", "+method.gives=bad"),
    ],
)
def test_the_files_of_a_method_are_what_its_record_measures(bench, method):
    images = ("repair_images=300", "validation_images=100", "scenario.network.epochs=8")
    run, said = bench("+experiment=quickstart", *images, *method)
    square = Square(row=6, column=6, size=2)
    scenario = Scenario("digits", "digits", Trained(epochs=8), square, 300, 100, seed=0)
    network = scenario.original
    weights = {name: network.weights(name) for name in network.weighted}
    weights = {name: {k: np.asarray(layer[k]) for k in layer} for name, layer in weights.items()}
    sets = {"clean": scenario.clean_test, "defect": scenario.defect_test}
    tests = {what: (found.images, found.labels) for what, found in sets.items()}
    check(run, weights, tests)
    assert (run.record.chosen == "ORIG") == ("+method.gives=bad" in method)
    assert run.record.details.get("no_patch", "") in said


def own(bench, folder, make, *method):
    """A run on a network and images of one's own, checked: its record, files and what was printed."""
    images, labels, stamped = digits()
    arrays = {"images": images[:600], "labels": labels[:600], "defect_images": stamped[:600]}
    arrays |= {"test_images": images[600:], "test_labels": labels[600:]}
    np.savez(folder / "mine.npz", **arrays, defect_test_images=stamped[600:])
    path, given = make(folder), ("+experiment=custom", "scale=0..1", "data=mine.npz", "layers=last")
    run, said = bench(*given, f"network={path}", *method)
    tests = {"clean": (images[600:], labels[600:]), "defect": (stamped[600:], labels[600:])}
    experts, patch, repaired = check(run, fitted(), tests)
    named = [f"repaired{path.suffix}"] if patch else []
    assert [file.name for file in repaired] == named
    return run.record, experts, patch, said


CHOSEN = {
    "good": "PATCH",
    "bad": "ORIG",
    "empty": "ORIG",
    "nothing": "ORIG",
    "uncertified": "PATCH",
    "uncertified and bad": "ORIG",
    "bad experts": "ORIG",
    "full": "FULL",
    "average": "AVERAGE",
    "side by side": "NAIVE",
    "selected": "CONF@f1",
}


@pytest.mark.parametrize(("gives", "chosen"), CHOSEN.items())
def test_a_repaired_network_of_ones_own_is_the_one_that_was_measured(
    bench, tmp_path, gives, chosen
):
    method = ("method=custom", "method._target_=mixed_repairs.Mixed", f"+method.gives='{gives}'")
    record, experts, patch, said = own(bench, tmp_path, onnx_file, *method)
    assert record.chosen == chosen
    assert (patch is not None) == (chosen in ("PATCH", "FULL", "AVERAGE"))
    assert (experts is not None) == (
        gives in ("bad experts", "full", "average", "side by side", "selected")
    )
    if patch is None:
        why = record.details["no_patch"]
        assert why in said
        assert "no patch.npz and no repaired.onnx" in why
        assert ("experts that were not chosen" in why) == (gives == "bad experts")
        assert ("side by side" in why) == chosen.startswith(("NAIVE", "CONF"))
        assert ("No repair does better" in why) == (chosen == "ORIG" and gives != "nothing")
    assert (record.patch is None) == (gives == "nothing")


@pytest.mark.parametrize("make", [keras_file, own_file])
@pytest.mark.parametrize("gives", ["good", "bad", "side by side"])
def test_so_it_is_in_every_format(bench, tmp_path, make, gives):
    method = ("method=custom", "method._target_=mixed_repairs.Mixed", f"+method.gives='{gives}'")
    record, *_ = own(bench, tmp_path, make, *method)
    assert record.chosen == CHOSEN[gives]


@pytest.mark.parametrize("make", [keras_file, onnx_file, own_file])
def test_so_it_is_of_minimal_repair(bench, tmp_path, make):
    record, _, patch, _ = own(bench, tmp_path, make, *HINGE)
    assert patch is not None
    assert record.metrics["defect_after"].correct > record.metrics["defect_before"].correct
