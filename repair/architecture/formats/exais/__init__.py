"""The published tool's formats: its model JSON and its terms, told apart by their form."""

from collections.abc import Mapping
from typing import Any

from repair.architecture.formats.exais.model import Files, read_model
from repair.architecture.formats.exais.terms import read_terms
from repair.architecture.formats.exais.write import write_model, write_terms
from repair.architecture.graph import Graph


def read(document: object, *, weights: bool = True, files: Files | None = None) -> Graph:
    """The network of a parsed document of the published tool: a model, or terms.

    Args:
        document: {"layers": ...}, {"model": ...}, a line of the data pack, or a list of terms.
        weights: whether given weights bind; not so under Keras's rules, where layers make theirs.
        files: shapes of weights that a model gives by the name of a file.

    Raises:
        InputError: neither form, or a value that cannot be read.
    """
    if isinstance(document, list):
        return read_terms(document, weights=weights)
    return read_model(document, weights=weights, files=files)


def write(graph: Graph, original: object) -> list[Any] | dict[str, Any]:
    """The network in the form of the document that it was read from.

    Args:
        graph: a repair of what the document describes.
        original: the document.

    Raises:
        InputError: a layer that the tool does not know.
    """
    return write_model(graph, original) if isinstance(original, Mapping) else write_terms(graph)
