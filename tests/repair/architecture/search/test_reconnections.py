"""Repairs that change connections."""

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import KERAS3
from repair.architecture.search import repair
from repair.architecture.search.broken_network import BrokenNetwork
from repair.architecture.search.reconnections import reconnections
from repair.architecture.trace import trace

CONV = LayerSpec("Conv2D", {"filters": 8, "kernel_size": (3, 3)})
DENSE = LayerSpec("Dense", {"units": 10})


def chain(*layers: LayerSpec) -> Graph:
    names = [f"{layer.type.lower()}_{k}" for k, layer in enumerate(layers)]
    reads = [(), *((name,) for name in names[:-1])]
    return Graph.of(map(Node, names, layers, reads))


def test_an_output_that_does_not_exist_is_read_where_it_does() -> None:
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (4, 3)})),
            Node("lstm", LayerSpec("LSTM", {"units": 5}), ("x",)),
            Node("head", DENSE, ("lstm:1",)),
        ]
    )
    (best, *_) = repair(graph).repairs
    assert [str(e) for e in best.edits] == ["head: reads lstm instead of lstm:1"]
    assert best.not_kept == 0


def test_moves_and_rewirings_are_valid_and_a_rewiring_keeps_less() -> None:
    flat, reshape = LayerSpec("Flatten"), LayerSpec("Reshape", {"target_shape": (4, 4, 2)})
    graph = chain(LayerSpec("Input", {"shape": (32,)}), CONV, reshape, flat, DENSE)
    found = reconnections(BrokenNetwork.of(graph, KERAS3))
    assert found == ()  # the convolution has weights: it is not moved
    graph = chain(LayerSpec("Input", {"shape": (8, 8, 2)}), flat, LayerSpec("MaxPooling2D"), DENSE)
    texts = [[str(e) for e in r.edits] for r in reconnections(BrokenNetwork.of(graph, KERAS3))]
    assert ["move flatten_1 between maxpooling2d_2 and dense_3"] in texts
    for made in reconnections(BrokenNetwork.of(graph, KERAS3)):
        assert trace(made.graph).valid
        assert made.count == 2
