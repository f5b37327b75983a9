"""Documents of the published tool's form that are not right: one message, never another exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.architecture.formats.exais import read
from repair.architecture.rules import KERAS3, STRICT
from repair.architecture.trace import trace
from repair.errors import InputError


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "list of 'layers'"),
        ({"layers": 3}, "list of 'layers'"),
        ({"layers": []}, "no layers"),
        ({"layers": ["x"]}, "layer 0: expected an object"),
        ({"layers": [{"type": "dense"}]}, "no 'shape'"),
        ({"shape": [], "layers": [{"type": "flatten"}]}, "no 'shape'"),
        ({"shape": "(1,4)", "layers": [{"type": "danse", "nodes": "3"}]}, "Did you mean 'dense'"),
        ({"shape": "((((((((((1", "layers": [{"type": "flatten"}]}, "cannot read the value"),
        ({"shape": "[" * 5000 + "]" * 5000, "layers": [{"type": "flatten"}]}, "nested"),
        ({"shape": "(1,4)", "layers": [{"type": "dense", "nodes": str(10**12)}]}, "at most"),
        ({"layers": [{"type": "add", "name": "a", "inputs": ["b"]}]}, "'b', which does not exist"),
        ({"layers": [{"type": "add", "name": "a", "inputs": ["a"]}]}, "circle"),
        ({"layers": [{"type": "add", "name": "a", "inputs": [["b"]]}]}, "as texts"),
        ([["a", "add_layer"]], "expected \\[name, functor, arguments\\]"),
        ([["a", "ad_layer", []]], "Did you mean 'add_layer'"),
        ([["a", "dense_layer", ["x"]]], "too few arguments"),
        ([["a", "flatten_layer", [{"s": [1, 2]}, 3]]], "1 arguments too many"),
        ([["a", "dense_layer", [{"s": []}, {"s": []}, {"s": []}]]], "expected {'s'"),
        ({"shape": "(1,4)", "layers": [{"type": "dense", "weight_shape": "()"}]}, "weight_shape"),
        ([["a", "flatten_layer", [{"s": "x"}]]], "expected {'s': \\[sizes\\]}"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_documents_are_refused_with_their_reason(document: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(document)


SIZES = st.sampled_from(
    [
        "(1)",
        "(2, 2)",
        "((1, 1), (0, 2))",
        "[1, 4, 4, 1]",
        "[[0.5, 1]]",
        "true",
        "",
        "-1",
        "1e999",
        "(",
        "x",
    ]
)
TYPES = st.sampled_from(
    [
        "dense",
        "conv2d",
        "maxpool2d",
        "lstm",
        "grucell",
        "add",
        "reshape",
        "dot",
        "zeropadding2d",
        "function",
        "prelu",
        "embedding",
        "softmax",
    ]
)
KEYS = st.sampled_from(
    [
        "nodes",
        "weights",
        "bias",
        "kernel_shape",
        "strides",
        "padding",
        "size",
        "axis",
        "axes",
        "func",
        "input_shape",
        "recurrent_weights",
        "weight_shape",
        "alphas",
        "gammas",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | SIZES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
LAYERS = st.lists(
    st.builds(
        lambda kind, name, inputs, rest: {"type": kind, "name": name, "inputs": inputs, **rest},
        TYPES,
        st.sampled_from("abcd"),
        st.lists(st.sampled_from(["a", "b", "c", "[[[1, 2]]]", "[[1], [2]]"]), max_size=3),
        st.dictionaries(KEYS, SIZES | JSON, max_size=5),
    ),
    max_size=4,
)
FUNCTORS = st.sampled_from(
    [
        "dense_layer",
        "conv1D_layer",
        "lstm_layer",
        "add_layer",
        "dot_layer",
        "separable_conv2D_layer",
        "prelu_layer",
        "permute_layer",
    ]
)
TENSORS = st.builds(lambda sizes: {"s": sizes}, st.lists(st.integers(-1, 5), max_size=5))
TERMS = st.lists(
    st.tuples(st.sampled_from("abcd"), FUNCTORS, st.lists(JSON | TENSORS, max_size=8)).map(list),
    max_size=4,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    JSON
    | TERMS
    | st.builds(lambda shape, layers: {"shape": shape, "layers": layers}, SIZES, LAYERS)
)
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        graph = read(document)
    except InputError:
        return
    for rules in (KERAS3, STRICT):
        trace(graph, rules)
