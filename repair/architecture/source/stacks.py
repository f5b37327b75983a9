"""Sequential and functional models as part of another: their layers drawn into its graph."""

from dataclasses import replace

from repair.architecture.graph import source
from repair.architecture.layer import LayerSpec
from repair.architecture.source.pool import Site
from repair.architecture.source.values import (
    Functional,
    Item,
    Made,
    Stack,
    Tensor,
    Tensors,
    Unread,
    Written,
)
from repair.architecture.source.walk import Walk
from repair.errors import InputError

INPUT_WANTED = "give it, such as --input-shape 28,28,1"


def finish_stack(walk: Walk, stack: Stack) -> str:
    """Adds the layers of an outermost Sequential; returns its output."""
    reads: str | None = None
    for item in stack.items:
        value = item.value
        if isinstance(value, Tensor | Tensors) and reads is None:
            reads = value.reference  # keras.Input as the first entry
            continue
        if reads is None:
            shape = stack.input_shape
            if isinstance(value, Made) and value.input_shape is not None:
                shape = value.input_shape
            if isinstance(value, Stack):
                shape = shape or _inner_shape(value)
            if shape is None and walk.input_shapes:
                shape = walk.input_shapes[0]
            if shape is None:
                raise InputError(
                    f"line {stack.line}: {stack.name!r} does not state the shape of its input in "
                    f"a way that can be read without running the program: {INPUT_WANTED}."
                )
            reads = walk.pool.add(LayerSpec("Input", {"shape": shape}), (), Site(Written(None)))
        reads = _add(walk, item, reads, stack)
    if reads is None:
        raise InputError(f"line {stack.line}: {stack.name!r} has no layers: add at least one.")
    return reads


def call_stack(walk: Walk, stack: Stack, reads: str, site: Site) -> str:
    """Adds the layers of a Sequential that is called on a tensor."""
    for item in stack.items:
        if not _is_input(walk, item):
            reads = _add(walk, item, reads, stack)
    stack.calls += 1
    return reads


def call_functional(
    walk: Walk, model: Functional, reads: tuple[str, ...], site: Site
) -> tuple[str, ...]:
    """Adds the layers of a functional model again, reading other tensors."""
    new = dict(zip((source(reference)[0] for reference in model.inputs), reads, strict=False))
    for node in walk.pool.below(model.outputs):
        if node.name in new:
            continue
        inputs = [
            new[name] if index == 0 else f"{new[name]}:{index}" for name, index in node.sources
        ]
        before = walk.pool.sites[node.name]
        stem = f"{model.name}/{node.name}"
        new[node.name] = walk.pool.add(
            node.layer, inputs, replace(before, time=walk.pool.tick()), stem
        )
    found = [source(reference) for reference in model.outputs]
    return tuple(new[name] if index == 0 else f"{new[name]}:{index}" for name, index in found)


def _add(walk: Walk, item: Item, reads: str, stack: Stack) -> str:
    value = item.value
    if isinstance(value, Stack):
        value.used = True
        for inner in value.items:
            if not _is_input(walk, inner):
                reads = _add(walk, inner, reads, value)
        return reads
    site = Site(Written(None), item.place, (), None, walk.pool.tick(), item.elements)
    if isinstance(value, Functional):
        value.used = True
        return call_functional(walk, value, (reads,), site)[0]
    if isinstance(value, Made):
        site = replace(site, written=value.written)
        name = walk.pool.add(value.layer, (reads,), site, value.name, value.first)
        value.first = value.first or name
        return name
    line = item.place.lineno
    what = value.text if isinstance(value, Unread) else type(value).__name__
    raise InputError(
        f"line {line}: {stack.name!r} holds {what}, which is not a layer whose construction can be "
        "read without running the program."
    )


def _is_input(walk: Walk, item: Item) -> bool:
    value = item.value
    return (
        isinstance(value, Tensor | Tensors)
        and walk.pool.nodes[source(value.reference)[0]].layer.type == "Input"
    )


def _inner_shape(stack: Stack) -> tuple[int | None, ...] | None:
    first = stack.items[0].value if stack.items else None
    if isinstance(first, Stack):
        return _inner_shape(first)
    return first.input_shape if isinstance(first, Made) else stack.input_shape
