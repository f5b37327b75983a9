import pytest

from repair.architecture.errors import ErrorKind
from repair.architecture.generate import faulty_network, random_layer, valid_network
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import LAYERS, entry_of, normal_arguments
from repair.architecture.rules import KERAS3, STRICT, rules_named
from repair.architecture.trace import trace
from repair.errors import InputError


def network(*layers: LayerSpec, shape: tuple[int | None, ...]) -> Graph:
    nodes = [Node("input", LayerSpec("Input", {"shape": shape}))]
    for number, layer in enumerate(layers, 1):
        nodes.append(Node(f"{layer.type}_{number}", layer, (nodes[-1].name,)))
    return Graph.of(nodes)


CONV = LayerSpec("Conv2D", {"filters": 8, "kernel_size": 3})


def test_shapes_of_a_valid_network() -> None:
    graph = network(
        CONV,
        LayerSpec("MaxPooling2D"),
        LayerSpec("Flatten"),
        LayerSpec("Dense", {"units": 10}),
        shape=(28, 28, 1),
    )
    found = trace(graph)
    assert found.valid
    assert list(found.shapes.values()) == [
        (None, 28, 28, 1),
        (None, 26, 26, 8),
        (None, 13, 13, 8),
        (None, 1352),
        (None, 10),
    ]


def test_an_error_says_what_where_and_how_it_came_there() -> None:
    graph = network(LayerSpec("Flatten"), CONV, shape=(28, 28, 1))
    (error,) = trace(graph).errors
    assert (error.kind, error.layer, error.root) == (ErrorKind.DIMENSION, "Conv2D_2", True)
    assert error.sentence == (
        "Conv2D 'Conv2D_2' needs an input of 4 dimensions (batch, height, width, channels) but "
        "gets (batch, 784), which has 2."
    )
    assert error.chain == (("input", (None, 28, 28, 1)), ("Flatten_1", (None, 784)))
    assert error.expected == "4 dimensions"


def test_every_independent_error_is_found() -> None:
    """Below a broken layer the walk goes on; what depends on an error is no root, wrong arguments are."""
    graph = network(
        LayerSpec("Flatten"),
        CONV,
        LayerSpec("MaxPooling1D"),
        LayerSpec("Dense", {"units": -1}),
        shape=(28, 28, 1),
    )
    found = trace(graph)
    assert [error.kind for error in found.errors] == [
        ErrorKind.DIMENSION,
        ErrorKind.DIMENSION,
        ErrorKind.ARGUMENT,
    ]
    assert [error.layer for error in found.roots] == ["Conv2D_2", "Dense_4"]


def test_wrong_arguments_below_an_unknown_shape_are_found() -> None:
    wrong = [LayerSpec("Dense", {"units": 3, "filters": k}) for k in (1, 2)]
    found = trace(network(*wrong, shape=(4,)))
    assert [(error.layer, error.root) for error in found.errors] == [
        ("Dense_1", True),
        ("Dense_2", True),
    ]


def test_two_branches_give_two_roots() -> None:
    nodes = [Node("x", LayerSpec("Input", {"shape": (8, 8, 3)}))]
    for name in ("a", "b"):
        nodes.append(Node(name, LayerSpec("LSTM", {"units": 4}), ("x",)))
    nodes.append(Node("sum", LayerSpec("Add"), ("a", "b")))
    assert [error.layer for error in trace(Graph.of(nodes)).roots] == ["a", "b"]


def test_what_is_unknown_only_because_of_an_error_is_no_error() -> None:
    graph = network(
        LayerSpec("LSTM", {"units": 4, "return_sequences": True}),
        LayerSpec("Flatten"),
        LayerSpec("Dense", {"units": 2}),
        shape=(8, 8, 3),
    )
    assert [error.layer for error in trace(graph).errors] == ["LSTM_1"]
    variable = network(LayerSpec("Flatten"), LayerSpec("Dense", {"units": 2}), shape=(None, 3))
    assert [error.layer for error in trace(variable).errors] == ["Dense_2"]


def test_a_shared_layer_keeps_the_weights_of_its_first_call() -> None:
    dense = LayerSpec("Dense", {"units": 4})
    inputs = [
        Node("x", LayerSpec("Input", {"shape": (3,)})),
        Node("y", LayerSpec("Input", {"shape": (5,)})),
    ]
    first, again = Node("d", dense, ("x",)), Node("e", dense, ("y",), shares="d")
    (error,) = trace(Graph.of([*inputs, first, again])).errors
    assert (error.layer, error.kind) == ("e", ErrorKind.WEIGHT_SHAPE)
    own = Node("e", dense, ("y",))
    assert trace(Graph.of([*inputs, first, own])).valid


def test_a_shared_layer_whose_first_call_is_wrong_has_no_weights_to_keep() -> None:
    conv = LayerSpec("Conv2D", {"filters": 4, "kernel_size": (3, 3)})
    again = Node("again", conv, ("x",), shares="first")
    for wrong in ((), ("x", "x")):  # as damaged files have it: inputs that the layer does not take
        first = Node("first", conv, wrong)
        graph = Graph.of([Node("x", LayerSpec("Input", {"shape": (8, 8, 3)})), first, again])
        assert [error.layer for error in trace(graph, KERAS3).errors] == ["first"]


def test_several_outputs_are_read_by_index() -> None:
    lstm = LayerSpec("LSTM", {"units": 4, "return_state": True})
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (6, 3)})),
        Node("lstm", lstm, ("x",)),
        Node("h", LayerSpec("Dense", {"units": 2}), ("lstm:1",)),
    ]
    assert trace(Graph.of(nodes)).shapes["h"] == (None, 2)
    nodes[2] = Node("h", LayerSpec("Dense", {"units": 2}), ("lstm:3",))
    (error,) = trace(Graph.of(nodes)).errors
    assert error.kind == ErrorKind.TYPE
    assert "'lstm:3'" in error.sentence


def test_nested_layers() -> None:
    inner = LayerSpec("Sequential", inner=(CONV, LayerSpec("GlobalMaxPooling2D")))
    graph = network(
        LayerSpec("TimeDistributed", inner=(inner,)),
        LayerSpec("Bidirectional", inner=(LayerSpec("LSTM", {"units": 5}),)),
        shape=(7, 16, 16, 3),
    )
    assert list(trace(graph).shapes.values())[1:] == [(None, 7, 8), (None, 10)]
    (error,) = trace(network(LayerSpec("TimeDistributed", inner=(inner,)), shape=(7, 16, 3))).errors
    assert "wraps Sequential, which wraps Conv2D, which needs" in error.sentence


def test_opaque_code_needs_a_declared_shape() -> None:
    code = LayerSpec("Lambda", {"function": "lambda x: x[:, 0]"})
    (error,) = trace(network(code, shape=(4, 3))).errors
    assert error.kind == ErrorKind.TYPE
    declared = network(code.change(output_shape=(3,)), shape=(4, 3))
    assert trace(declared).shapes["Lambda_1"] == (None, 3)


def test_rule_sets_differ_where_the_published_tool_is_stricter() -> None:
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (4, 3)})),
        Node("y", LayerSpec("Input", {"shape": (1, 3)})),
        Node("sum", LayerSpec("Add"), ("x", "y")),
    ]
    assert trace(Graph.of(nodes), KERAS3).shapes["sum"] == (None, 4, 3)
    (error,) = trace(Graph.of(nodes), STRICT).errors
    assert error.kind == ErrorKind.INPUT_SHAPES
    with pytest.raises(InputError, match="Known: keras3, strict"):
        rules_named("keras4")


def test_an_unknown_layer_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="Did you mean 'Conv2D'"):
        trace(network(LayerSpec("Conv2d"), shape=(3,)))
    assert entry_of("MaxPool2D") is LAYERS["MaxPooling2D"]


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_every_entry_refuses_an_argument_that_it_does_not_have(name: str) -> None:
    layer = LayerSpec(name, {"no_such_argument": 1})
    assert getattr(normal_arguments(layer), "kind", None) == ErrorKind.ARGUMENT


def test_variants_and_edits_name_what_exists() -> None:
    for entry in LAYERS.values():
        assert set(entry.variants.values()) <= set(LAYERS)
        assert set(entry.widths) <= set(entry.editable)


@pytest.mark.parametrize("size", [1, 5, 40])
@pytest.mark.parametrize("rules", [KERAS3, STRICT], ids=["keras3", "strict"])
def test_generated_networks_are_as_promised(size: int, rules) -> None:  # type: ignore[no-untyped-def]
    for seed in range(5):
        assert trace(valid_network(size, seed, rules), rules).valid
        assert len(valid_network(size, seed, rules)) == size + 2
        broken = faulty_network(size, seed, rules)
        assert trace(broken, rules).roots
        assert broken == faulty_network(size, seed, rules)
    with pytest.raises(InputError, match="1 or more"):
        valid_network(0, 1)


def test_random_layers_cover_the_table() -> None:
    from random import Random

    for name in set(LAYERS) - {"Lambda", "EinsumDense", "Input"}:
        assert not hasattr(
            normal_arguments(random_layer(name, Random(1), (None, 4, 4, 3))), "kind"
        ), name
