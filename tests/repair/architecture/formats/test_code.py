"""Networks written as programs: the programs build what the graph says, in Keras and in NNX."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repair.architecture.formats.keras.code import keras_code
from repair.architecture.formats.keras.write import write_keras
from repair.architecture.formats.nnx.code import nnx_class
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import LAYERS
from repair.architecture.trace import trace
from repair.errors import InputError

L = LayerSpec


def chain(shape: tuple[int, ...], *layers: LayerSpec) -> Graph:
    nodes = [Node("x", L("Input", {"shape": shape}))]
    for number, layer in enumerate(layers):
        nodes.append(Node(f"n{number}", layer, (nodes[-1].name,)))
    return Graph.of(nodes)


def two(a: tuple[int, ...], b: tuple[int, ...], layer: LayerSpec) -> Graph:
    return Graph.of(
        [
            Node("a", L("Input", {"shape": a})),
            Node("b", L("Input", {"shape": b})),
            Node("m", layer, ("a", "b")),
            Node("out:side".replace(":", "_"), L("Flatten"), ("m",)),
        ]
    )


LSTM = L("LSTM", {"units": 3})
STEPS = L("LSTM", {"units": 3, "return_sequences": True})
NETWORKS = {
    "convolutions": chain(
        (9, 8, 4),
        L("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "use_bias": False}),
        L("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 2, "activation": "relu"}),
        L("SeparableConv2D", {"filters": 5, "kernel_size": 2, "padding": "same"}),
        L("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}),
        L("MaxPooling2D", {"pool_size": 2, "padding": "same"}),
        L("AveragePooling2D", {"pool_size": 2, "strides": 1, "padding": "same"}),
        L("GlobalMaxPooling2D", {"keepdims": True}),
        L("Flatten"),
        L("Dense", {"units": 2}),
    ),
    "shapes": chain(
        (6, 5, 4),
        L("ZeroPadding2D", {"padding": ((1, 0), (2, 1))}),
        L("Cropping2D", {"cropping": ((0, 1), (1, 0))}),
        L("UpSampling2D", {"size": (2, 1)}),
        L("Permute", {"dims": (2, 1, 3)}),
        L("Resizing", {"height": 4, "width": 6}),
        L("Reshape", {"target_shape": (-1, 8)}),
        L("TimeDistributed", {}, (L("Dense", {"units": 3}),)),
        L("GlobalAveragePooling1D"),
        L("RepeatVector", {"n": 4}),
        L("Rescaling", {"scale": 0.5}),
    ),
    "sequences": chain(
        (7,),
        L("Embedding", {"input_dim": 20, "output_dim": 6}),
        L("Dropout", {"rate": 0.5}),
        STEPS,
        L(
            "Bidirectional",
            {"merge_mode": "sum"},
            (L("GRU", {"units": 4, "return_sequences": True}),),
        ),
        L("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}),
        L("Bidirectional", {}, (LSTM,)),
    ),
    "backwards": chain((5, 2), L("SimpleRNN", {"units": 3, "go_backwards": True})),
    "norms": chain(
        (4, 6),
        L("BatchNormalization", {"scale": False}),
        L("LayerNormalization"),
        L("GroupNormalization", {"groups": 3}),
        L("UnitNormalization"),
        L("PReLU"),
        L("LeakyReLU"),
        L("ELU"),
        L("ReLU", {"max_value": 6.0}),
        L("Softmax"),
        L("Activation", {"activation": "gelu"}),
        L("SpatialDropout1D", {"rate": 0.1}),
    ),
    "volumes": chain(
        (6, 6, 6, 1),
        L("Conv3D", {"filters": 2, "kernel_size": (2, 3, 1)}),
        L("MaxPooling3D"),
        L("Flatten"),
    ),
    **{
        kind: two((4, 3), (4, 3), L(kind))
        for kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    },
    "broadcast": two((4, 3), (3,), L("Add")),
    "dot": two((4, 3), (5, 3), L("Dot", {"axes": -1})),
    "attention": two((4, 6), (5, 6), L("MultiHeadAttention", {"num_heads": 2, "key_dim": 3})),
    "shared": Graph.of(
        [
            Node("left", L("Input", {"shape": (4,)})),
            Node("right", L("Input", {"shape": (4,)})),
            Node("class", L("Dense", {"units": 3}), ("left",)),
            Node("again", L("Dense", {"units": 3}), ("right",), "class"),
            Node("2nd", L("Subtract"), ("class", "again")),
        ]
    ),
}

# Builds and runs every program of a file {name: [kind, source, input shapes]}; prints the shapes.
RUN = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy_weights
import jax.numpy as jnp, keras, numpy as np
from flax import nnx
found = {}
for name, (kind, source, shapes) in json.load(open(sys.argv[1])).items():
    names = {}
    if kind == "json":
        names["model"] = keras.models.model_from_json(source)
    else:
        exec(source, names)
    xs = [jnp.ones((2, *shape)) for shape in shapes]
    if kind == "nnx":
        y = nnx.jit(lambda network, *x: network(*x))(names["Network"](rngs=nnx.Rngs(0)), *xs)
        found[name] = list(y.shape), bool(jnp.isfinite(y).all())
    else:
        found[name] = list(names["model"].output_shape), True
print(json.dumps(found))
"""


def test_all_programs_build_and_run(tmp_path: Path) -> None:
    programs, wanted = {}, {}
    for name, graph in NETWORKS.items():
        shapes = [node.layer.arguments["shape"] for node in graph.nodes if not node.inputs]
        shape = trace(graph).shapes[graph.outputs[0]]
        assert shape is not None
        for kind, source in (
            ("keras", keras_code(graph)),
            ("nnx", nnx_class(graph)),
            ("json", json.dumps(write_keras(graph))),
        ):
            programs[f"{name} {kind}"] = kind, source, shapes
            batch = 2 if kind == "nnx" else None
            wanted[f"{name} {kind}"] = [[batch, *shape[1:]], True]
    (tmp_path / "programs.json").write_text(json.dumps(programs))
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_NUMPY_DTYPE_PROMOTION": "standard",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, tmp_path / "programs.json"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == wanted


@pytest.mark.parametrize("kind", ["GaussianNoise", "ThresholdedReLU"])
def test_what_a_framework_does_not_have_is_refused_by_name(kind: str) -> None:
    value = {"GaussianNoise": {"stddev": 0.1}, "ThresholdedReLU": {"theta": 1.0}}[kind]
    write = nnx_class if kind == "GaussianNoise" else keras_code
    with pytest.raises(InputError, match=kind):
        write(chain((4,), L(kind, value)))


def test_every_layer_is_written_or_refused_by_name() -> None:
    from repair.architecture.formats.nnx.layers import WRITERS

    assert set(WRITERS) <= set(LAYERS)


def test_only_a_valid_network_is_written() -> None:
    with pytest.raises(InputError, match="only a valid network"):
        nnx_class(chain((4,), L("Conv2D", {"filters": 3, "kernel_size": 3})))
