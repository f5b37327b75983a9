"""The frameworks whose programs are read: one folder and one entry of this table for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from repair.architecture.graph import Graph
from repair.architecture.source.arrays.semantics import ArraySemantics
from repair.architecture.source.edit.spelling import Spelling
from repair.architecture.source.keras.semantics import KerasSemantics
from repair.architecture.source.keras.spelling import KerasSpelling
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.program import NetworkProgram
from repair.architecture.source.network.semantics import NetworkSemantics
from repair.architecture.source.nnx.semantics import NnxSemantics
from repair.architecture.source.nnx.spelling import NnxSpelling
from repair.architecture.source.python.builtins.semantics import BuiltinSemantics
from repair.architecture.source.python.semantics import Semantics


@dataclass(frozen=True)
class Framework:
    """A framework whose programs are read and edited.

    Args:
        title: the name by which people know it.
        forward_name: the name of the method that its modules compute by.
        states_sizes: whether its layers state the size of their input, which then is a part of
            the text that can be wrong.
        semantics: what its names mean, for a graph that its layers are drawn into.
        spelling: how its layers are spelled, for a program and its repaired network.
    """

    title: str
    forward_name: str
    states_sizes: bool
    semantics: Callable[[GraphBuilder], Semantics]
    spelling: Callable[[NetworkProgram, Graph], Spelling]


FRAMEWORKS: Mapping[str, Framework] = {
    "nnx": Framework("Flax NNX", "__call__", True, NnxSemantics, NnxSpelling),
    "keras": Framework("Keras", "call", False, KerasSemantics, KerasSpelling),
}
"""The frameworks by name, those that are asked first what a name means first."""


def all_semantics(
    builder: GraphBuilder,
) -> tuple[NetworkSemantics, tuple[Semantics, ...]]:
    """What names mean in a program whose layers are drawn into a graph.

    Returns:
        The semantics of modules, and all semantics in the order in which they are asked.
    """
    modules = NetworkSemantics(builder, tuple(f.forward_name for f in FRAMEWORKS.values()))
    frameworks = (framework.semantics(builder) for framework in FRAMEWORKS.values())
    return modules, (BuiltinSemantics(), modules, *frameworks, ArraySemantics(builder))
