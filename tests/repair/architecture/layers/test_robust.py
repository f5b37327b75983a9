"""Any arguments and any input shapes: every layer type gives a shape or a fault, never an exception."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.generate import random_layer
from repair.architecture.layer import LARGEST, LayerSpec, Shape
from repair.architecture.layers import LAYERS, Outputs, entry_of, infer, normal_arguments
from repair.architecture.layers.arguments import REQUIRED
from repair.architecture.rules import KERAS3, STRICT

SMALL = st.integers(-3, 5)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    SMALL,
    st.sampled_from([LARGEST, -LARGEST]),
    st.floats(),
    st.sampled_from(
        [
            "same",
            "valid",
            "causal",
            "concat",
            "channels_first",
            "relu",
            "ab,bc->ac",
            "...a,ab->...b",
            "abc,cd->abd",
            "a...,ab->b...",
            "a,b->",
            "x" * 50,
        ]
    ),
    st.lists(SMALL, max_size=4).map(tuple),
    st.lists(st.tuples(SMALL, SMALL), max_size=3).map(tuple),
)
SIZES = st.none() | st.integers(1, 8) | st.just(LARGEST)
SHAPES = st.lists(SIZES, max_size=6).map(tuple)
DRAWN = sorted(set(LAYERS) - {"Input", "Lambda", "EinsumDense"})


@st.composite
def arbitrary(draw: st.DrawFn, depth: int = 2) -> LayerSpec:
    """A layer with arguments of all kinds, most of them wrong."""
    entry = LAYERS[draw(st.sampled_from(sorted(LAYERS)))]
    arguments = {
        name: draw(VALUES)
        for name, argument in entry.arguments.items()
        if argument.default == REQUIRED or draw(st.integers(0, 3)) == 0
    }
    nested = depth and entry.inner[1] != 0
    inner = draw(st.lists(arbitrary(depth - 1), max_size=2)) if nested else []
    weights = draw(
        st.dictionaries(st.sampled_from(["kernel", "bias", "alpha"]), SHAPES, max_size=2)
    )
    return LayerSpec(entry.name, arguments, tuple(inner), weights)


@st.composite
def sensible(draw: st.DrawFn) -> LayerSpec:
    """A layer with good arguments, at times with one of them replaced."""
    name = draw(st.sampled_from(DRAWN))
    layer = random_layer(name, Random(draw(st.integers(0, 10_000))), (None, 4, 4, 3))
    if layer.arguments and draw(st.booleans()):
        return layer.change(**{draw(st.sampled_from(sorted(layer.arguments))): draw(VALUES)})
    return layer


@st.composite
def calls(draw: st.DrawFn) -> tuple[LayerSpec, tuple[Shape, ...]]:
    """A layer and inputs, as many as it takes, most of them of its rank."""
    layer = draw(sensible() | sensible() | arbitrary())
    entry = LAYERS[layer.type]
    low, high = entry.inputs
    count = draw(st.integers(low, min(high or 3, 3)))
    rank = (entry.rank or draw(st.integers(2, 5))) - 1
    right = st.tuples(*[SIZES] * rank)
    one = draw(right)
    return layer, tuple((None, *draw(st.just(one) | right | SHAPES)) for _ in range(count))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(calls())
def test_any_layer_is_judged(called: tuple[LayerSpec, tuple[Shape, ...]]) -> None:
    layer, shapes = called
    for rules in (KERAS3, STRICT, KERAS3.below_error):
        found = infer(layer, shapes, rules)
        if isinstance(found, Diagnostic):
            assert isinstance(found.kind, ErrorKind)
            assert found.text
            assert found.expected
            assert found.plausible is None or shape_text(found.plausible).startswith("(batch")
            continue
        for shape in found.shapes if isinstance(found, Outputs) else (found,):
            assert all(size is None or size >= 0 for size in shape)
        arguments = normal_arguments(layer)
        assert not isinstance(arguments, Diagnostic)
        entry_of(layer.type).weights(arguments, shapes)
