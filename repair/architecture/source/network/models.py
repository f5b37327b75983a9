"""Sequential and functional models as part of another: their layers drawn into its graph."""

from dataclasses import replace

from repair.architecture.graph import source
from repair.architecture.layer import Dim
from repair.architecture.source.network.builder import GraphBuilder, Site
from repair.architecture.source.network.stated_inputs import (
    functional_input,
    is_input,
    stated_input,
)
from repair.architecture.source.network.values import (
    AnyTensor,
    FunctionalModel,
    LayerInstance,
    ModuleInstance,
    SequentialEntry,
    SequentialModel,
)
from repair.architecture.source.python.values import QualifiedName, Unknown, Value
from repair.errors import InputError

INPUT_WANTED = "give it, such as --input-shape 28,28,1"


def finish_sequential(builder: GraphBuilder, model: SequentialModel) -> str:
    """Adds the layers of an outermost Sequential; returns its output."""
    reads: str | None = None
    for entry in model.entries:
        value = entry.value
        if isinstance(value, AnyTensor) and reads is None:
            reads = value.reference  # keras.Input as the first entry
            continue
        if reads is None:
            shape = model.input_shape
            if isinstance(value, LayerInstance) and value.input_shape is not None:
                shape = value.input_shape
            if isinstance(value, SequentialModel | FunctionalModel):
                shape = shape or _inner_shape(builder, value)
            if shape is None and builder.input_shapes:
                shape = builder.input_shapes[0]
            if shape is None:
                raise InputError(
                    f"line {model.line}: {model.name!r} does not state the shape of its input in "
                    f"a way that can be read without running the program: {INPUT_WANTED}."
                )
            reads = builder.add_input(shape)
        reads = _add(builder, entry, reads, model)
    if reads is None:
        raise InputError(f"line {model.line}: {model.name!r} has no layers: add at least one.")
    return reads


def call_sequential(builder: GraphBuilder, model: SequentialModel, reads: str, site: Site) -> str:
    """Adds the layers of a Sequential that is called on a tensor.

    Args:
        builder: the graph.
        model: the model.
        reads: the tensor.
        site: the code of the call.
    """
    reads = stated_input(builder, model, reads, site)
    for entry in model.entries:
        if not is_input(builder, entry):
            reads = _add(builder, entry, reads, model)
    return reads


def call_functional(
    builder: GraphBuilder, model: FunctionalModel, reads: tuple[str, ...], site: Site
) -> tuple[str, ...]:
    """Adds the layers of a functional model again, reading other tensors.

    Args:
        builder: the graph.
        model: the model.
        reads: the tensors, one for each input.
        site: the code of the call.

    Raises:
        InputError: another number of tensors.
    """
    if len(reads) != len(model.inputs):
        line = f"line {site.line}: " if site.line else ""
        raise InputError(
            f"{line}{model.title!r} takes {len(model.inputs)} inputs, but is given {len(reads)}."
        )
    new = {}
    for position, (own, read) in enumerate(zip(model.inputs, reads, strict=True)):
        expressions = site.reads[position : position + 1]
        one = replace(site, reads=expressions)
        new[source(own)[0]] = functional_input(builder, model, own, read, one)
    for node in builder.nodes_of(model.outputs):
        if node.name in new:
            continue
        inputs = [
            new[name] if index == 0 else f"{new[name]}:{index}" for name, index in node.sources
        ]
        before = builder.sites[node.name]
        stem = f"{model.name}/{node.name}"
        code = builder.code.get(node.name)
        layer = node.layer if code is None else builder.layer_of(code, tuple(inputs))
        name = builder.add(layer, inputs, replace(before, time=builder.tick()), stem)
        if code is not None:
            builder.code[name] = code
        new[node.name] = name
    outputs = [source(reference) for reference in model.outputs]
    return tuple(new[name] if index == 0 else f"{new[name]}:{index}" for name, index in outputs)


def _add(builder: GraphBuilder, entry: SequentialEntry, reads: str, model: SequentialModel) -> str:
    value = entry.value
    site = Site(use=entry.written, time=builder.tick(), elements=entry.elements)
    if isinstance(value, SequentialModel):
        value.used = True
        return call_sequential(builder, value, reads, site)
    if isinstance(value, FunctionalModel):
        value.used = True
        return call_functional(builder, value, (reads,), site)[0]
    if isinstance(value, LayerInstance):
        site = replace(site, written=value.written)
        return builder.apply(value, (reads,), site)
    line = value.line if isinstance(value, Unknown) else entry.written.lineno
    raise InputError(
        f"line {line}: {model.name!r} holds {_shown(value)}, which is not a layer whose construction can be "
        "read without running the program."
    )


def _inner_shape(
    builder: GraphBuilder, model: SequentialModel | FunctionalModel
) -> tuple[Dim, ...] | None:
    """The shape, without the batch, that a model states of its input."""
    if isinstance(model, FunctionalModel):
        shape = builder.shape(model.inputs[0])
        return None if shape is None else shape[1:]
    first = model.entries[0].value if model.entries else None
    if isinstance(first, SequentialModel | FunctionalModel):
        return model.input_shape or _inner_shape(builder, first)
    if isinstance(first, AnyTensor):
        shape = builder.shape(first.reference)
        return None if shape is None else shape[1:]
    stated = first.input_shape if isinstance(first, LayerInstance) else None
    return stated or model.input_shape


def _shown(value: Value) -> str:
    """A value in words, for a message."""
    if isinstance(value, Unknown):
        return value.text
    if isinstance(value, QualifiedName):
        return value.path
    if isinstance(value, ModuleInstance):
        return value.title
    if isinstance(value, AnyTensor):
        return "a tensor"
    plain = value is None or isinstance(value, bool | int | float | str)
    return f"{value!r:.60}" if plain else f"a {type(value).__name__.lower()}"
