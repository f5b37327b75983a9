"""What a repair means to a user, as values: layers lost, data laid out anew, parameters gained."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import prod

from repair.architecture.edits import (
    ABSENT,
    ChangeArgument,
    ChangeInner,
    ChangeType,
    Edit,
    Insert,
    MakeWeights,
    Move,
    Rewire,
)
from repair.architecture.errors import shape_text
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import LayerSpec, Shape, Value
from repair.architecture.layers import entry_of
from repair.architecture.meaning.axes import REARRANGING, order_of_axes, regroupings, reorders
from repair.architecture.meaning.steps import (
    inputs_with_steps,
    tensors_with_steps,
    walks_along_steps,
)
from repair.architecture.rules import Rules
from repair.architecture.size import known_parameters
from repair.architecture.trace import Trace, trace

NOTABLE = 2
"""Parameters that become so many times as many, or as few, are worth a word."""


class Kind(StrEnum):
    """The kinds of consequences, those that a user minds most first.

    REMOVES_LAYER: a layer of the definition is gone.
    CHANGES_OUTPUT: an output of the network is of another shape than the definition means.
    MIXES_TIME_STEPS: the axis of time steps is joined with another, split, or moved elsewhere.
    TURNS_FEATURES_INTO_STEPS: a layer that walks along steps gets a vector, cut into several.
    CHANGES_LAYOUT: values come to lie on other axes: axes in another order, a reshape after which
        none of some axes is left, or a layer that looks for channels on another axis.
    GLUES_AXES: some axes of the data, but not all, become one.
    CHANGES_CONNECTIONS: a layer reads another one than before.
    CHANGES_WIDTH: units or filters of a layer; the number is the new width.
    CHANGES_TYPE: a layer is of another type.
    ADDS_LAYER_WITH_WEIGHTS: a new layer that has to learn; the number is that of its parameters.
    LOSES_WEIGHTS: given weights are made anew.
    DROPS_VALUES, ADDS_VALUES: a new layer without weights yields fewer or more values an example
        than it reads; the number is the ratio, after to before.
    KEEPS_LAST_STEP: a recurrent layer that gave each step gives the last one alone.
    FLATTENS: all axes of the data become one.
    TIMES_PARAMETERS: the network has at least twice, or at most half as many parameters; the
        number is the ratio, after to before.
    """

    REMOVES_LAYER = "removes_layer"
    CHANGES_OUTPUT = "changes_output"
    MIXES_TIME_STEPS = "mixes_time_steps"
    TURNS_FEATURES_INTO_STEPS = "turns_features_into_steps"
    CHANGES_LAYOUT = "changes_layout"
    GLUES_AXES = "glues_axes"
    CHANGES_CONNECTIONS = "changes_connections"
    CHANGES_WIDTH = "changes_width"
    CHANGES_TYPE = "changes_type"
    ADDS_LAYER_WITH_WEIGHTS = "adds_layer_with_weights"
    LOSES_WEIGHTS = "loses_weights"
    DROPS_VALUES = "drops_values"
    ADDS_VALUES = "adds_values"
    KEEPS_LAST_STEP = "keeps_last_step"
    FLATTENS = "flattens"
    TIMES_PARAMETERS = "times_parameters"


_ORDER = {kind: position for position, kind in enumerate(Kind)}


@dataclass(frozen=True)
class Consequence:
    """One thing that a repair means.

    Args:
        kind: what it is.
        text: the same for a person, a part of a sentence.
        layer: the layer that it comes from, by its name after the repair, or before where it is
            gone; None: the network as a whole.
        number: see `Kind`; None where the kind has no number.
    """

    kind: Kind
    text: str
    layer: str | None = None
    number: float | None = None

    def __str__(self) -> str:
        return self.text


def consequences(
    before: Graph,
    after: Graph,
    edits: Iterable[Edit],
    rules: Rules,
    *,
    given_weights: bool = True,
) -> tuple[Consequence, ...]:
    """What a repair means, what a user minds most first; none where all is in the edits.

    Args:
        before: the network as it was given.
        after: the repaired network, valid under the rules.
        edits: what was changed.
        rules: the rule set.
        given_weights: the weights of layers are arrays that exist; False: sizes that a program states.
    """
    edits, old, new = tuple(edits), trace(before, rules), trace(after, rules)
    found = [
        Consequence(
            Kind.REMOVES_LAYER, f"removes the layer {node.name} ({node.layer.type})", node.name
        )
        for node in before.nodes
        if node.name not in after
    ]
    found += _outputs(before, old, after, new)
    found += rearrangements(before, old, after, new, edits)
    parameters = known_parameters(after, new, rules)
    for edit in edits:
        if isinstance(edit, MakeWeights) and not given_weights:
            continue
        found += _of_edit(edit, after, new, parameters.get(getattr(edit, "name", "")) or 0)
    found += _parameters(known_parameters(before, old, rules), parameters)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: _ORDER[one.kind]))


def _outputs(before: Graph, old: Trace, after: Graph, new: Trace) -> Iterator[Consequence]:
    for meant, made in zip(before.outputs, after.outputs, strict=False):
        was, now = old.shape_of(*source(meant)), new.shape_of(*source(made))
        if was is None or now is None:
            continue
        same = len(was) == len(now) and all(
            a == b or None in (a, b) for a, b in zip(was, now, strict=True)
        )
        if not same:
            text = f"changes the output: {shape_text(now)} in place of {shape_text(was)}"
            yield Consequence(Kind.CHANGES_OUTPUT, text, source(made)[0])


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
            if len(given) == 2 and output[1] != 1 and any(map(_reads_steps, readers)):
                text = f"turns features into time steps: {_shapes(given, output)}"
                found.append(Consequence(Kind.TURNS_FEATURES_INTO_STEPS, text, node.name))
    return tuple(found)


def _reads_steps(node: Node) -> bool:
    return walks_along_steps(node.layer)


def _edited(edit: Edit) -> str:
    return edit.layer if isinstance(edit, ChangeArgument | ChangeType) else ""


def _rearrangement(
    name: str, layer: LayerSpec, given: Shape, output: Shape, has_steps: bool
) -> Iterator[Consequence]:
    shapes = _shapes(given, output)
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
        if len(output) == 2:
            yield Consequence(Kind.FLATTENS, f"flattens the data: {shapes}", name)
        else:
            yield Consequence(Kind.GLUES_AXES, f"glues axes of the data: {shapes}", name)


def _shapes(given: Shape, output: Shape) -> str:
    return f"{shape_text(given)} to {shape_text(output)}"


def _of_edit(edit: Edit, after: Graph, new: Trace, parameters: int) -> Iterator[Consequence]:
    """What one edit means; `parameters` are those of the layer that it inserts."""
    if isinstance(edit, Insert):
        yield from _inserted(edit, after, new, parameters)
    elif isinstance(edit, ChangeArgument) and edit.layer in after:
        yield from _argument(edit, after[edit.layer].layer)
    elif isinstance(edit, ChangeInner):
        entry = entry_of(edit.after.type)
        for name in entry.widths if edit.before.type == edit.after.type else ():
            was, now = (one.arguments.get(name, ABSENT) for one in (edit.before, edit.after))
            if was != now:
                yield _width(edit.layer, name, now)
    elif isinstance(edit, ChangeType):
        text = f"makes {edit.layer} a {edit.after.type} in place of a {edit.before.type}"
        yield Consequence(Kind.CHANGES_TYPE, text, edit.layer)
    elif isinstance(edit, MakeWeights):
        text = f"loses the given weights of {edit.layer}"
        yield Consequence(Kind.LOSES_WEIGHTS, text, edit.layer)
    elif isinstance(edit, Move):
        yield Consequence(Kind.CHANGES_CONNECTIONS, f"moves {edit.name} elsewhere", edit.name)
    elif isinstance(edit, Rewire):
        text = f"{edit.layer} reads {edit.after} in place of {edit.before}"
        yield Consequence(Kind.CHANGES_CONNECTIONS, text, edit.layer)


def _inserted(edit: Insert, after: Graph, new: Trace, parameters: int) -> Iterator[Consequence]:
    if parameters:
        text = f"adds a {edit.layer.type} of {parameters:,} parameters to learn"
        yield Consequence(Kind.ADDS_LAYER_WITH_WEIGHTS, text, edit.name, parameters)
        return
    if edit.name not in after or edit.layer.type in REARRANGING or not after[edit.name].sources:
        return
    given, output = new.shapes[after[edit.name].sources[0][0]], new.shapes[edit.name]
    if not given or not output or None in (*given[1:], *output[1:]):
        return
    ratio = prod(output[1:]) / prod(given[1:])  # type: ignore[arg-type]
    shapes = _shapes(given, output)
    if ratio < 1:
        yield Consequence(Kind.DROPS_VALUES, f"drops values: {shapes}", edit.name, ratio)
    elif ratio > 1:
        yield Consequence(Kind.ADDS_VALUES, f"pads or repeats values: {shapes}", edit.name, ratio)


def _argument(edit: ChangeArgument, layer: LayerSpec) -> Iterator[Consequence]:
    if edit.argument in entry_of(layer.type).widths:
        yield _width(edit.layer, edit.argument, edit.after)
    elif edit.argument == "data_format":
        text = f"changes the layout of the data that {edit.layer} expects: {edit.after}"
        if edit.after == ABSENT:
            text = f"changes the layout of the data that {edit.layer} expects to Keras's own"
        yield Consequence(Kind.CHANGES_LAYOUT, text, edit.layer)
    elif edit.argument == "return_sequences" and edit.before is True and edit.after is not True:
        text = f"{edit.layer} gives its last time step alone"
        yield Consequence(Kind.KEEPS_LAST_STEP, text, edit.layer)


def _width(layer: str, argument: str, after: Value) -> Consequence:
    number = after if isinstance(after, int) else None
    return Consequence(
        Kind.CHANGES_WIDTH, f"changes the width of {layer}: {argument}={after!r}", layer, number
    )


def _parameters(
    before: dict[str, int | None], after: dict[str, int | None]
) -> Iterator[Consequence]:
    """The ratio of parameters; a layer whose size was hidden by an error counts as it is now."""
    now = sum(value or 0 for value in after.values())
    was = sum((after.get(name) or 0) if value is None else value for name, value in before.items())
    ratio = now / was if was else 1.0
    if now and (ratio >= NOTABLE or ratio <= 1 / NOTABLE):
        shown = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
        text = f"{shown} times the parameters ({now:,} in place of {was:,})"
        yield Consequence(Kind.TIMES_PARAMETERS, text, None, ratio)
