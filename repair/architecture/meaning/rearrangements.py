"""What layers that rearrange their input mean: axes in another order, joined, mixed, steps lost."""

from collections.abc import Iterable, Iterator

from repair.architecture.edits import ChangeArgument, ChangeType, Edit, Insert, Move
from repair.architecture.errors import shape_text
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.meaning.axes import REARRANGING, order_of_axes, regroupings, reorders
from repair.architecture.meaning.kinds import Consequence, Kind
from repair.architecture.meaning.steps import (
    inputs_with_steps,
    made_by_layers,
    tensors_with_steps,
    walks_along_steps,
)
from repair.architecture.trace import Trace


def rearrangements(
    before: Graph, old: Trace, after: Graph, new: Trace, edits: Iterable[Edit]
) -> tuple[Consequence, ...]:
    """What new or edited layers that rearrange their input do to its axes.

    Args:
        before: the network as it was given.
        old: its shapes.
        after: the repaired network.
        new: its shapes.
        edits: what was changed.
    """
    names = [edit.name if isinstance(edit, Insert | Move) else _edited(edit) for edit in edits]
    layers = [after[name] for name in dict.fromkeys(names) if name in after]
    layers = [node for node in layers if node.layer.type in REARRANGING]
    if not layers:
        return ()
    steps = tensors_with_steps(after, new, inputs_with_steps(before, old))
    found: list[Consequence] = []
    for node in layers:
        given, output = new.shapes[node.sources[0][0]], new.shapes[node.name]
        if given is not None and output is not None:
            has_steps = node.sources[0][0] in steps
            found += _rearrangement(node.name, node.layer, given, output, has_steps)
            readers = map(after.__getitem__, after.consumers[node.name])
            made = len(given) == 2 and made_by_layers(node, after, new)
            if made and output[1] != 1 and any(map(_reads_steps, readers)):
                text = f"turns features into time steps: {from_to(given, output)}"
                found.append(Consequence(Kind.TURNS_FEATURES_INTO_STEPS, text, node.name))
    return tuple(found)


def _reads_steps(node: Node) -> bool:
    return walks_along_steps(node.layer)


def _edited(edit: Edit) -> str:
    return edit.layer if isinstance(edit, ChangeArgument | ChangeType) else ""


def _rearrangement(
    name: str, layer: LayerSpec, given: Shape, output: Shape, has_steps: bool
) -> Iterator[Consequence]:
    shapes = from_to(given, output)
    order = order_of_axes(layer)
    steps = has_steps and given[1] != 1
    if order is not None:
        if steps and order[0] != 1:
            text = f"moves the axis of time steps: {shapes}"
            yield Consequence(Kind.MIXES_TIME_STEPS, text, name)
        if reorders(order, given):
            text = f"changes the layout of the data: {shapes}, axes in another order"
            yield Consequence(Kind.CHANGES_LAYOUT, text, name)
        return
    groups = regroupings(given, output)
    if steps and not any(group.keeps and group.before == (1,) for group in groups):
        yield Consequence(Kind.MIXES_TIME_STEPS, f"mixes time steps with features: {shapes}", name)
    if any(group.mixes for group in groups):
        text = f"changes the layout of the data: {shapes} in memory order"
        yield Consequence(Kind.CHANGES_LAYOUT, text, name)
    if any(group.joins for group in groups):
        if len(groups) == 1:
            yield Consequence(Kind.FLATTENS, f"flattens the data: {shapes}", name)
        else:
            yield Consequence(Kind.GLUES_AXES, f"glues axes of the data: {shapes}", name)


def from_to(given: Shape, output: Shape) -> str:
    """Two shapes as a text."""
    return f"{shape_text(given)} to {shape_text(output)}"
