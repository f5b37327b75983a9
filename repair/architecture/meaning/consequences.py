"""What a repair means to a user, as values: layers lost, data laid out anew, parameters gained."""

from collections.abc import Iterable, Iterator
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
from repair.architecture.graph import Graph, source
from repair.architecture.layer import LayerSpec, Value
from repair.architecture.layers import entry_of
from repair.architecture.meaning.axes import REARRANGING
from repair.architecture.meaning.kinds import Consequence, Kind
from repair.architecture.meaning.rearrangements import from_to, rearrangements
from repair.architecture.rules import Rules
from repair.architecture.size import known_parameters
from repair.architecture.trace import Trace, trace

NOTABLE = 2
"""Parameters that become so many times as many, or as few, are worth a word."""
_ORDER = {kind: position for position, kind in enumerate(Kind)}


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
        learned = parameters.get(edit.name) if isinstance(edit, Insert) else None
        found += _of_edit(edit, after, new, learned or 0)
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
    shapes = from_to(given, output)
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
