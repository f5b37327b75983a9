"""What a model that is part of another states of its input, beside what it is given there."""

import ast
from dataclasses import replace

from repair.architecture.graph import source
from repair.architecture.layer import Dim, LayerSpec
from repair.architecture.source.network.builder import GraphBuilder, Site
from repair.architecture.source.network.values import (
    AnyTensor,
    FunctionalModel,
    LayerInstance,
    Parameter,
    SequentialEntry,
    SequentialModel,
    WrittenLayer,
)


def stated_input(builder: GraphBuilder, model: SequentialModel, reads: str, site: Site) -> str:
    """The input of a Sequential on the way of a tensor; the tensor itself where none is stated.

    Args:
        builder: the graph.
        model: the model, which is called or is an entry of another.
        reads: the tensor that it is given.
        site: the code of the call or of the entry.
    """
    first = model.entries[0] if model.entries else None
    if first is not None and isinstance(first.value, AnyTensor) and is_input(builder, first):
        own = source(first.value.reference)[0]
        shape = (builder.shape(own) or ())[1:]
        return _checked(
            builder, f"{model.title}/{own}", shape, reads, site, builder.sites[own].written
        )
    value = first.value if first is not None else None
    name = f"{model.title}/input"
    if isinstance(value, LayerInstance) and value.input_shape is not None:
        call = value.written.call
        if _only_length(call):
            return reads
        written = WrittenLayer(call, _shape_parameter(call, "input_shape"))
        return _checked(builder, name, value.input_shape, reads, site, written)
    if model.input_shape is not None:
        return _checked(builder, name, model.input_shape, reads, site, WrittenLayer())
    return reads


def functional_input(
    builder: GraphBuilder, model: FunctionalModel, own: str, reads: str, site: Site
) -> str:
    """One input of a functional model on the way of the tensor that it is given.

    Args:
        builder: the graph.
        model: the model, which is called or is an entry of another.
        own: its input.
        reads: the tensor that it is given there.
        site: the code of the call or of the entry.
    """
    shape = builder.shape(own)
    if shape is None:
        return reads
    name = source(own)[0]
    layer = builder.nodes[name].layer
    written = builder.sites[name].written if layer.type == "Input" else WrittenLayer()
    return _checked(builder, f"{model.title}/{name}", shape[1:], reads, site, written)


def is_input(builder: GraphBuilder, entry: SequentialEntry) -> bool:
    """Whether an entry of a Sequential is a keras.Input."""
    value = entry.value
    return (
        isinstance(value, AnyTensor)
        and builder.nodes[source(value.reference)[0]].layer.type == "Input"
    )


def _checked(
    builder: GraphBuilder,
    name: str,
    shape: tuple[Dim, ...],
    reads: str,
    site: Site,
    written: WrittenLayer,
) -> str:
    """The node of an input that is stated; none where an input of the same shape is given."""
    giver = builder.nodes[source(reads)[0]]
    if giver.layer.type == "Input" and giver.layer.arguments["shape"] == shape:
        return reads
    # what the call gives is what the model returns, not what its input does
    use = site.use if site.elements is not None or isinstance(site.use, ast.stmt) else None
    own = replace(site, written=written, use=use, time=builder.tick())
    return builder.add(LayerSpec("Input", {"shape": shape}), (reads,), own, name)


def _only_length(call: ast.Call | None) -> bool:
    """Whether a first layer says no more of its input than the input_length of old, which Keras ignores."""
    named = {keyword.arg for keyword in call.keywords} if call else set()
    return "input_length" in named and named.isdisjoint(("input_shape", "batch_input_shape"))


def _shape_parameter(call: ast.Call | None, name: str) -> dict[str, Parameter]:
    """How the shape of the input is written, where it can be changed."""
    named = [keyword.arg for keyword in call.keywords] if call else []
    return {"shape": Parameter(name)} if name in named else {}
