"""Whole random networks against Keras 3: valid ones build with our shapes, faulty ones do not."""

from functools import partial

import keras_oracle as oracle
import pytest

from repair.architecture.generate import faulty_network, valid_network
from repair.architecture.graph import Graph
from repair.architecture.trace import trace


def in_keras(graph: Graph) -> bool:
    """Neither layers that Keras 3 does not have nor code."""
    types = {layer.type for node in graph.nodes for layer in (node.layer, *node.layer.inner)}
    inner = {layer.type for node in graph.nodes for a in node.layer.inner for layer in a.inner}
    return not (types | inner) & set(oracle.NOT_IN_KERAS)


VALID = [graph for graph in map(partial(valid_network, 8), range(10)) if in_keras(graph)]
FAULTY = [graph for graph in map(partial(faulty_network, 8), range(10)) if in_keras(graph)]


@pytest.mark.parametrize("graph", VALID, ids=range(len(VALID)))
@pytest.mark.filterwarnings("ignore")
def test_valid_networks_build_with_the_same_shapes(graph: Graph) -> None:
    assert dict(trace(graph).shapes) == dict(oracle.build(graph))


@pytest.mark.parametrize("graph", FAULTY, ids=range(len(FAULTY)))
@pytest.mark.filterwarnings("ignore")
def test_faulty_networks_do_not_build(graph: Graph) -> None:
    with pytest.raises(oracle.REFUSALS):
        oracle.build(graph)
