"""ONNX files: ONNX Runtime is the oracle, in both directions."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from repair.errors import InputError
from repair.weights.formats import load, save

runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is the oracle of these tests")


def normal(*shape: int) -> np.ndarray:
    return (np.random.default_rng(sum(shape)).standard_normal(shape) / 3).astype(np.float32)


def run(path: Path, x: np.ndarray) -> np.ndarray:
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    return session.run(None, {entry.name: x})[0]


def graph(path: Path, sizes: list[int], *steps: Any, outputs: int = 3, opset: int = 13) -> Path:
    """A chain of (operator, constants, attributes) as other software would write it."""
    nodes, constants, tensor = [], [], "x"
    for place, (operator, values, attributes) in enumerate(steps):
        names = [f"w{place}_{i}" for i in range(len(values))]
        constants += map(numpy_helper.from_array, values, names)
        name = attributes.pop("name", "")
        output = "y" if place == len(steps) - 1 else f"t{place}"
        nodes.append(helper.make_node(operator, [tensor, *names], [output], name, **attributes))
        tensor = output
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *sizes])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", outputs])],
        constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=7), path)
    return path


def pixels(sizes: list[int]) -> np.ndarray:
    return np.random.default_rng(0).random((5, *sizes), dtype=np.float32)


def batch_norm(channels: int) -> list[np.ndarray]:
    return [normal(channels), normal(channels), normal(channels), normal(channels) ** 2 + 0.5]


CHANNELS_FIRST = {
    "flattened": [
        ("Conv", [normal(4, 3, 3, 3), normal(4)], {"pads": [1, 1, 1, 1], "name": "/c1/Conv"}),
        ("BatchNormalization", batch_norm(4), {"epsilon": 1e-3, "name": "/b1/BatchNormalization"}),
        ("Relu", [], {"name": "/Relu"}),
        ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Conv", [normal(6, 4, 3, 2)], {"pads": [1, 0, 0, 1], "strides": [2, 1]}),
        ("Sigmoid", [], {}),
        ("AveragePool", [], {"kernel_shape": [1, 2]}),
        ("Flatten", [], {}),
        ("Elu", [], {}),
        ("BatchNormalization", batch_norm(6 * 1 * 3), {}),
        ("Gemm", [normal(7, 18), normal(7)], {"transB": 1, "name": "/fc1/Gemm"}),
        ("Softplus", [], {}),
        ("Gemm", [normal(7, 3), normal(3)], {}),
    ],
    "pooled": [
        ("Pad", [np.array([0, 0, 1, 0, 0, 0, 0, 2])], {}),
        ("Conv", [normal(4, 3, 3, 3), normal(4)], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("Tanh", [], {}),
        ("MaxPool", [], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("GlobalAveragePool", [], {}),
        ("Squeeze", [np.array([2, 3])], {}),
        ("MatMul", [normal(4, 3)], {"name": "net/head/MatMul"}),
        ("Add", [normal(3)], {"name": "net/head/Add"}),
        ("Softmax", [], {"axis": 1}),
    ],
}


@pytest.mark.parametrize("kind", CHANNELS_FIRST)
def test_channels_first_graphs_give_the_same_outputs(kind, tmp_path):
    path = graph(tmp_path / "net.onnx", [3, 6, 8], *CHANNELS_FIRST[kind])
    network = load(path, "0..1")
    x = pixels([3, 6, 8])
    ours = network.logits(x.transpose(0, 2, 3, 1))
    wanted = run(path, x)
    if kind == "pooled":
        wanted, ours = np.log(wanted), ours - np.log(np.exp(ours).sum(1, keepdims=True))
    np.testing.assert_allclose(ours, wanted, atol=1e-5)
    assert network.channels_first
    assert network.softmax == (kind == "pooled")
    named = {"flattened": ("c1", "b1", "activation_1", "max_pooling2d_1"), "pooled": ("head",)}
    assert set(named[kind]) <= set(network.names)
    # And back: the file that we write takes and gives what the first one did.
    save(network, tmp_path / "again.onnx")
    np.testing.assert_allclose(run(tmp_path / "again.onnx", x), run(path, x), atol=1e-5)
    assert load(tmp_path / "again.onnx").fingerprint() == network.fingerprint()


@pytest.mark.parametrize("turn", ["Transpose", "Reshape"])
def test_channels_last_graphs_give_the_same_outputs(turn, tmp_path):
    sizes = [5, 6, 1] if turn == "Reshape" else [5, 6, 2]
    first = {
        "Transpose": ("Transpose", [], {"perm": [0, 3, 1, 2]}),
        "Reshape": ("Reshape", [np.array([-1, 1, 5, 6])], {}),
    }[turn]
    back = [("Transpose", [], {"perm": [0, 2, 3, 1]})] if turn == "Transpose" else []
    steps = [
        first,
        ("Conv", [normal(4, sizes[2], 2, 3)], {"name": "model/conv2d/BiasAdd"}),
        ("Add", [normal(1, 4, 1, 1)], {}),
        ("Relu", [], {"name": "model/conv2d/Relu"}),
        *back,
        ("Reshape", [np.array([-1, 64])], {}),
        ("MatMul", [normal(64, 3)], {"name": "model/dense/MatMul"}),
        ("Add", [normal(3)], {"name": "model/dense/BiasAdd"}),
    ]
    path = graph(tmp_path / "net.onnx", sizes, *steps)
    network = load(path, "0..255")
    assert network.names == ("conv2d", "conv2d_relu", "flatten_1", "dense")
    assert not network.channels_first
    assert (network.input_shape, network.scale) == (tuple(sizes), "0..255")
    x = pixels(sizes)
    np.testing.assert_allclose(network.logits(x), run(path, 255 * x), rtol=1e-4, atol=1e-3)


def test_vectors_need_no_images(tmp_path):
    steps = [("Gemm", [normal(4, 6), normal(6)], {}), ("Relu", [], {}), ("Identity", [], {})]
    path = graph(tmp_path / "net.onnx", [4], *steps, ("Gemm", [normal(6, 3), normal(3)], {}))
    network = load(path, "0..1")
    assert network.names == ("dense_1", "activation_1", "dense_2")
    np.testing.assert_allclose(network.logits(pixels([4])), run(path, pixels([4])), atol=1e-6)


def test_what_we_write_runs_the_same(every_kind, unit_images, tmp_path):
    save(every_kind, tmp_path / "ours.onnx")
    x = unit_images(3, 5, every_kind)
    np.testing.assert_allclose(run(tmp_path / "ours.onnx", x), every_kind.logits(x), atol=1e-5)
    again = load(tmp_path / "ours.onnx")
    assert again.fingerprint() == every_kind.fingerprint()
    save(again, tmp_path / "twice.onnx")
    assert (tmp_path / "twice.onnx").read_bytes() == (tmp_path / "ours.onnx").read_bytes()


DENSE = ("Gemm", [normal(4, 3), normal(3)], {})


@pytest.mark.parametrize(
    ("sizes", "steps", "words"),
    [
        (
            [4],
            [("LeakyRelu", [], {"name": "leaky"}), DENSE],
            ["operator 0 LeakyRelu (leaky)", "Relu"],
        ),
        ([4], [("Gemm", [normal(4, 4)], {"alpha": 2.0}), DENSE], ["0 Gemm", "alpha=2"]),
        ([4], [("Add", [normal(4)], {}), DENSE], ["0 Add (unnamed)", "bias"]),
        ([4], [("Softmax", [], {}), DENSE], ["1 Gemm", "follows a softmax"]),
        ([2, 2], [DENSE], ["sizes (2, 2)", "(C, H, W)"]),
        (["W", 2, 2], [DENSE], ["sizes (0, 2, 2)", "known"]),
        ([2, 2, 1], [("Transpose", [], {"perm": [0, 2, 1, 3]}), DENSE], ["0 Transpose", "perm"]),
        ([5], [DENSE], ["'dense_1'", "(5,)", "(4,)"]),
        (
            [2, 4, 4],
            [("Conv", [normal(2, 1, 2, 2)], {"group": 2}), ("Flatten", [], {})],
            ["0 Conv", "group=2; only 1"],
        ),
        (
            [1, 4, 4],
            [("MaxPool", [], {"kernel_shape": [2, 2], "ceil_mode": 1}), ("Flatten", [], {})],
            ["0 MaxPool", "ceil_mode=1"],
        ),
        (
            [1, 4, 4],
            [("MaxPool", [], {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2]}), ("Flatten", [], {})],
            ["0 MaxPool", "pads by [2, 2, 2, 2]"],
        ),
        (
            [2, 3, 3],
            [("Conv", [normal(2, 2, 2, 2)], {}), ("Flatten", [], {})],
            ["ends in flattened"],
        ),
    ],
)
def test_what_is_not_supported_is_named(sizes, steps, words, tmp_path):
    steps = [(operator, values, dict(attributes)) for operator, values, attributes in steps]
    with pytest.raises(InputError) as error:
        load(graph(tmp_path / "net.onnx", sizes, *steps), "0..1")
    assert all(word in str(error.value) for word in words), error.value


def test_branches_are_refused(tmp_path):
    path = graph(tmp_path / "net.onnx", [3], ("Relu", [], {}), ("Identity", [], {}))
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("Add", ["y", "t0"], ["z"], "residual"))
    model.graph.output[0].name = "z"
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"'t0' goes to .*Add \(residual\).*ordered stack"):
        load(path, "0..1")


def test_computed_weights_are_refused(tmp_path):
    path = graph(tmp_path / "net.onnx", [4], ("Gemm", [normal(4, 3), normal(3)], {"name": "g"}))
    model = onnx.load(path)
    model.graph.node.insert(0, helper.make_node("Neg", ["w0_0"], ["negated"], "n"))
    model.graph.node[1].input[1] = "negated"
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"Neg \(n\) is not on the chain"):
        load(path, "0..1")


def test_damaged_files_are_refused(tmp_path):
    path = graph(tmp_path / "net.onnx", [4], ("Gemm", [normal(4, 3), normal(3)], {}))
    whole = path.read_bytes()
    for content in (b"", whole[:50], whole[: len(whole) // 2], b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"net\.onnx is not a readable ONNX file"):
            load(path, "0..1")


def test_weights_elsewhere_or_not_finite_are_refused(tmp_path):
    bad = normal(4, 3)
    bad[1, 2] = np.inf
    path = graph(tmp_path / "net.onnx", [4], ("Gemm", [bad, normal(3)], {"name": "/fc/Gemm"}))
    with pytest.raises(InputError, match="kernel of layer 'fc' holds 1 of 12"):
        load(path, "0..1")
    onnx.save(onnx.load(path), path, save_as_external_data=True, size_threshold=0, location="w")
    with pytest.raises(InputError, match=r"in another file|not a readable ONNX file"):
        load(path, "0..1")
