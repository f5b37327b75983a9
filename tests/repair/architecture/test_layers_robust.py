"""Any arguments and any input shapes: every layer type gives a shape or a fault, never an exception.

ARCHITECTURE_FUZZ_EXAMPLES sets the number of random layers, for a longer run with new ones.
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from repair.architecture.errors import Fault, Kind, show
from repair.architecture.layer import LARGEST, Layer, Shape
from repair.architecture.layers import LAYERS, Outputs, entry_of, infer, settled
from repair.architecture.rules import KERAS3, STRICT

EXAMPLES = os.environ.get("ARCHITECTURE_FUZZ_EXAMPLES")
SMALL = st.integers(-3, 5)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    SMALL,
    st.sampled_from([LARGEST, -LARGEST]),
    st.floats(),
    st.sampled_from(["same", "valid", "causal", "concat", "channels_first", "relu", "ab,bc->ac",
                     "...a,ab->...b", "abc,cd->abd", "a...,ab->b...", "a,b->", "x" * 50]),
    st.lists(SMALL, max_size=4).map(tuple),
    st.lists(st.tuples(SMALL, SMALL), max_size=3).map(tuple),
)  # fmt: skip
SHAPES = st.lists(st.none() | st.integers(1, 6) | st.just(LARGEST), max_size=6).map(tuple)


@st.composite
def layers(draw: st.DrawFn, depth: int = 2) -> Layer:
    entry = LAYERS[draw(st.sampled_from(sorted(LAYERS)))]
    usable = SMALL.filter(bool).map(abs) | st.tuples(*[SMALL.map(abs)] * draw(st.integers(1, 3)))
    arguments = {
        name: draw(usable if draw(st.booleans()) else VALUES)
        for name, argument in entry.arguments.items()
        if argument.default == "<required>" or draw(st.integers(0, 3)) == 0
    }
    inner = draw(st.lists(layers(depth - 1), max_size=2)) if depth and entry.inner[1] != 0 else []
    weights = draw(
        st.dictionaries(st.sampled_from(["kernel", "bias", "alpha"]), SHAPES, max_size=2)
    )
    return Layer(entry.name, arguments, tuple(inner), weights)


@settings(max_examples=int(EXAMPLES or 200), deadline=None, derandomize=EXAMPLES is None)
@given(layers(), st.lists(SHAPES, max_size=4))
def test_any_layer_is_judged(layer: Layer, sizes: list[Shape]) -> None:
    shapes = tuple((None, *shape) for shape in sizes)
    for rules in (KERAS3, STRICT, KERAS3.below_error):
        found = infer(layer, shapes, rules)
        if isinstance(found, Fault):
            assert isinstance(found.kind, Kind)
            assert found.text
            assert found.expected
            assert found.plausible is None or show(found.plausible).startswith("(batch")
            continue
        for shape in found.shapes if isinstance(found, Outputs) else (found,):
            assert all(size is None or size >= 0 for size in shape)
        arguments = settled(layer)
        assert not isinstance(arguments, Fault)
        entry_of(layer.type).weights(arguments, shapes)
