import pickle
from dataclasses import replace

import pytest

from repair.architecture.graph import Graph, Node, depth_first
from repair.architecture.layer import LARGEST, LayerSpec
from repair.errors import InputError

INPUT = LayerSpec("Input", {"shape": (8,)})


def test_nodes_are_put_in_order_and_a_good_order_is_kept() -> None:
    a, b = Node("a", INPUT), Node("b", LayerSpec("Dense", {"units": 2}), ("a",))
    c = Node("c", LayerSpec("Flatten"), ("a",))
    assert [n.name for n in Graph.of([b, c, a]).nodes] == ["a", "b", "c"]
    assert [n.name for n in Graph.of([a, c, b]).nodes] == ["a", "c", "b"]
    assert Graph.of([b, c, a]).outputs == ("b", "c")
    assert Graph.of([a, b, c], ["b"]).consumers["a"] == ("b", "c")


def test_depth_first_is_the_order_of_evaluation() -> None:
    nodes = [Node("x", INPUT), Node("y", INPUT), Node("sum", LayerSpec("Add"), ("y", "x"))]
    assert [n.name for n in depth_first(nodes, ["sum"])] == ["y", "x", "sum"]


def test_a_long_chain_needs_no_recursion() -> None:
    chain = [Node("0", INPUT)]
    chain += [Node(str(k), LayerSpec("Identity"), (str(k - 1),)) for k in range(1, 9_000)]
    assert len(Graph.of(reversed(chain))) == 9_000


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "0 layers"),
        ([Node("a", INPUT), Node("a", INPUT)], "two layers are named 'a'"),
        ([Node("a", LayerSpec("Add"), ("b",))], "reads 'b', which does not exist"),
        (
            [Node("a", LayerSpec("Add"), ("b",)), Node("b", LayerSpec("Add"), ("a",))],
            "circle: a <- b <- a",
        ),
        ([Node("a", LayerSpec("Add"), ("a",))], "circle: a <- a"),
        ([Node("a:1", INPUT)], "ends in ':' and digits"),
        ([Node("", INPUT)], "is empty"),
        (
            [Node("a", INPUT), Node("b", LayerSpec("Flatten"), ("a",), shares="a")],
            "shares the layer",
        ),
        ([Node("a", INPUT), Node("b", LayerSpec("Add"), ("a",) * 1001)], "1001 inputs"),
    ],
)
def test_a_bad_graph_is_refused_with_its_reason(nodes: list[Node], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Graph.of(nodes)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10**12, f"at most {LARGEST}"),
        ([[[[[[[[[[1]]]]]]]]]], "nested"),
        ([1] * 20_000, "long"),
        ("x" * 20_000, "text of 20000 characters"),
        ({"a": 1}, "is a dict"),
    ],
)
def test_absurd_arguments_are_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LayerSpec("Dense", {"units": value})  # type: ignore[dict-item]


def test_layers_are_equal_by_content_and_tell_types_of_numbers_apart() -> None:
    assert LayerSpec("Dense", {"units": [1, 2]}) == LayerSpec("Dense", {"units": (1, 2)})
    assert len({LayerSpec("Dense", {"units": v}) for v in (1, 1.0, True)}) == 3
    layer = LayerSpec("LSTM", {"units": 2}, weights={"kernel": (1, 8)})
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert layer.change(units=3).weights == layer.weights
    assert hash(replace(layer)) == hash(layer)


def test_wrapping_is_bounded() -> None:
    layer = LayerSpec("LSTM", {"units": 2})
    for _ in range(7):
        layer = LayerSpec("TimeDistributed", inner=(layer,))
    with pytest.raises(InputError, match="over 8 deep"):
        LayerSpec("TimeDistributed", inner=(layer,))


def test_a_layer_is_replaced_at_all_its_calls() -> None:
    dense = LayerSpec("Dense", {"units": 2})
    nodes = [Node("a", INPUT), Node("d", dense, ("a",)), Node("e", dense, ("d",), shares="d")]
    graph = Graph.of(nodes).with_layer("e", LayerSpec("Dense", {"units": 8}))
    assert {n.layer.arguments.get("units") for n in graph.nodes[1:]} == {8}
    assert graph.fresh("d") == "d_1"
