"""Every layer type against Keras 3: same verdict, same output shape, on valid and invalid cases.

KERAS_FUZZ_CASES sets the number of cases a layer type, for a longer run.
"""

import os
from random import Random

import keras_oracle as oracle
import pytest

from repair.architecture.errors import Diagnostic, ErrorKind
from repair.architecture.generate import random_layer
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import LAYERS, Outputs, infer
from repair.architecture.rules import KERAS3

CASES = int(os.environ.get("KERAS_FUZZ_CASES", "4"))
NO_LAYER_OF_ITS_OWN = ("Input", "Lambda", "EinsumDense", "SimpleRNNCell", "LSTMCell", "GRUCell")
FUZZED = [name for name in LAYERS if name not in (*oracle.NOT_IN_KERAS, *NO_LAYER_OF_ITS_OWN)]


def ours(layer: LayerSpec, shapes: tuple[Shape, ...]) -> tuple[Shape, ...] | None:
    found = infer(layer, shapes, KERAS3)
    if isinstance(found, Diagnostic):
        return None
    return found.shapes if isinstance(found, Outputs) else (found,)


def refused_on_purpose(layer: LayerSpec, shapes: tuple[Shape, ...]) -> bool:
    """Keras takes these, but reads the batch as steps or as the height of one image.

    Its TimeDistributed does not ask the wrapped layer for a number of dimensions either.
    """
    found = infer(layer, shapes, KERAS3)
    if layer.type == "TimeDistributed":
        return isinstance(found, Diagnostic) and found.kind == ErrorKind.DIMENSION
    few = {"Attention": 2, "AdditiveAttention": 2, "Resizing": 3, "CenterCrop": 3}
    return any(len(shapes[0]) == few.get(one.type) for one in (layer, *layer.inner))


def random_shapes(name: str, rng: Random) -> tuple[Shape, ...]:
    """Inputs of a layer type, mostly of the right rank, the further ones mostly like the first."""
    entry = LAYERS[name]
    rank = entry.rank if entry.rank and rng.random() < 0.8 else rng.randint(2, 5)

    def shape() -> Shape:
        return (None, *(rng.choice((1, 2, 3, 4, 5, 6, 8)) for _ in range(rank - 1)))

    first = shape()
    merges = entry.inputs[0] != 1 or entry.inputs[1] is None
    if not merges or name in ("RNN", "Sequential"):
        return (first,)
    others = []
    for _ in range(rng.randint(max(1, entry.inputs[0] - 1), (entry.inputs[1] or 3) - 1)):
        near = (None, *(size if rng.random() < 0.7 else rng.choice((1, 2)) for size in first[1:]))
        others.append(rng.choice((first, near, shape())))
    return (first, *others)


@pytest.mark.parametrize("name", FUZZED)
def test_verdict_and_shape_are_those_of_keras(name: str) -> None:
    rng = Random(f"{name} {CASES}")
    for _ in range(CASES):
        shapes = random_shapes(name, rng)
        layer = random_layer(name, rng, shapes[0])
        known = not {inner.type for inner in layer.inner} & set(oracle.NOT_IN_KERAS)
        if known and not refused_on_purpose(layer, shapes):
            assert ours(layer, shapes) == oracle.judge(layer, shapes), (layer, shapes)


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (LayerSpec("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 6)}), (4, 5)),
        (LayerSpec("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 6}), (4, 5)),
        (LayerSpec("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 6}), (4, 5)),
        (LayerSpec("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (3, 6)}), (4, 5)),
        (LayerSpec("EinsumDense", {"equation": "abc,cd->abe", "output_shape": (4, 6)}), (4, 5)),
        (LayerSpec("Dense", {"units": 3}), (None,)),
        (LayerSpec("Dense", {"units": 0}), (4,)),
        (LayerSpec("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "Same"}), (4, 4, 3)),
        (LayerSpec("Conv2D", {"filters": 2, "kernel_size": (3, 3, 3)}), (4, 4, 3)),
        (LayerSpec("Conv2D", {"filters": 3, "kernel_size": 1, "groups": 2}), (4, 4, 4)),
        (LayerSpec("Conv2D", {"filters": 4, "kernel_size": 1, "groups": 2}), (4, 4, 3)),
        (LayerSpec("Conv1D", {"filters": 4, "kernel_size": 9, "padding": "causal"}), (4, 3)),
        (LayerSpec("Conv1D", {"filters": 4, "kernel_size": 3}), (None, 3)),
        (
            LayerSpec("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "output_padding": 1}),
            (4, 4, 1),
        ),
        (LayerSpec("MaxPooling2D", {}), (1, 4, 3)),
        (LayerSpec("Reshape", {"target_shape": (-1, 2)}), (3, 4)),
        (LayerSpec("Reshape", {"target_shape": (-1, 5)}), (3, 4)),
        (LayerSpec("Reshape", {"target_shape": (-1, -1)}), (3, 4)),
        (LayerSpec("Permute", {"dims": (2, 1)}), (3, 4)),
        (LayerSpec("Permute", {"dims": (0, 1)}), (3, 4)),
        (LayerSpec("Permute", {"dims": (1, 1)}), (3, 4)),
        (LayerSpec("LSTM", {"units": 2, "return_state": True}), (3, 4)),
        (LayerSpec("GRU", {"units": 2, "return_state": True, "return_sequences": True}), (3, 4)),
        (LayerSpec("LSTM", {"units": 2, "stateful": True}), (3, 4)),
        (LayerSpec("LSTM", {"units": 2, "activation": "rellu"}), (3, 4)),
        (LayerSpec("Dropout", {"rate": 1.5}), (3,)),
        (
            LayerSpec("Bidirectional", {"merge_mode": None}, (LayerSpec("LSTM", {"units": 2}),)),
            (3, 4),
        ),
        (LayerSpec("Bidirectional", {}, (LayerSpec("Dense", {"units": 2}),)), (3, 4)),
        (
            LayerSpec(
                "TimeDistributed", {}, (LayerSpec("Conv2D", {"filters": 2, "kernel_size": 3}),)
            ),
            (5, 8, 8, 3),
        ),
        (LayerSpec("GroupNormalization", {"groups": 3}), (4, 4)),
        (LayerSpec("GroupNormalization", {"groups": -1}), (4, 4)),
        (LayerSpec("BatchNormalization", {"axis": 3}), (4, 4)),
    ],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_chosen_cases(layer: LayerSpec, shapes: tuple[int | None, ...]) -> None:
    given = ((None, *shapes),)
    assert ours(layer, given) == oracle.judge(layer, given)


def test_initial_states_are_inputs_of_their_own() -> None:
    layer = LayerSpec("LSTM", {"units": 2})
    for state in (2, 3):
        given = ((None, 3, 4), (None, state), (None, state))
        assert ours(layer, given) == oracle.judge(layer, given)
