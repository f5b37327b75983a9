"""Edits of layers that stay: other arguments, another type, other sizes of their input."""

import ast

from repair.architecture.errors import Diagnostic
from repair.architecture.formats.python_code import spell
from repair.architecture.graph import Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import normal_arguments
from repair.architecture.source.edit.call_edits import edited_call, replaced_expression
from repair.architecture.source.edit.differences import CannotWrite, Differences
from repair.architecture.source.edit.spelling import Spelling
from repair.architecture.source.network.values import Parameter, WrittenLayer
from repair.architecture.source.text import TextEdit


def altered_edits(spelling: Spelling, changed: Differences) -> list[TextEdit]:
    """The edits of layers with other arguments, another type or other sizes of their input."""
    edits: list[TextEdit] = []
    program = spelling.program
    for name, (before, after) in changed.altered.items():
        if after.shares:
            continue  # written where it is first called
        site = program.site(name)
        if site.written.call is not None:
            edits += _constructor_edits(spelling, site.written, before.layer, after.layer)
            continue
        function = _function_edit(spelling, after)
        if function is not None:
            edits.append(function)
        elif before.layer.type != after.layer.type or site.use is not None:
            raise CannotWrite(f"{name!r} is not written as a layer with arguments.")
    return edits + _stated_sizes(spelling)


def _function_edit(spelling: Spelling, node: Node) -> TextEdit | None:
    """The edit of a layer that is a function of a tensor; None: it is not written as one."""
    site, source = spelling.program.site(node.name), spelling.source
    read = site.reads[0] if site.reads else None
    if read is None or not isinstance(site.use, ast.expr):
        return None
    text = spelling.function(node, source.text_of(read))
    if text is None:
        return None
    if site.target is not None:
        text = f"{source.text_of(site.target)} = {text}"
    return replaced_expression(source, site.use, text)


def _stated_sizes(spelling: Spelling) -> list[TextEdit]:
    """The edits of layers that state another size of their input than it has after the repair."""
    edits = []
    program = spelling.program
    for node in spelling.repaired.nodes:
        if node.name not in program.graph or node.shares:
            continue
        site = program.site(node.name)
        shape = spelling.shapes[node.inputs[0]] if node.inputs else None
        before = program.graph[node.name].layer
        if site.written.features is None or site.written.call is None or not shape:
            continue
        if _stated_size(before) not in (None, shape[-1]) and shape[-1] is not None:
            values: dict[Parameter, str | None] = {site.written.features: str(shape[-1])}
            edits.append(edited_call(program.source, site.written.call, values))
    return edits


def _stated_size(layer: LayerSpec) -> int | None:
    """The size of the input's last axis that the given weights of a layer are made for."""
    for name, shape in layer.weights.items():
        if name != "kernel":
            return shape[-1]
        if layer.type.endswith("Transpose"):
            return shape[-1]
        groups = layer.arguments.get("groups", 1)
        inner = shape[-2]
        if layer.type.startswith("Conv") and isinstance(groups, int) and inner is not None:
            return inner * groups
        return inner
    return None


def _constructor_edits(
    spelling: Spelling, written: WrittenLayer, before: LayerSpec, after: LayerSpec
) -> list[TextEdit]:
    """The edits of the call that constructs a layer, and of those that it wraps."""
    edits: list[TextEdit] = []
    for index, inner in enumerate(written.inner):
        old = before.inner[index] if index < len(before.inner) else None
        new = after.inner[index] if index < len(after.inner) else None
        if old is None or new is None:
            raise CannotWrite(f"{before.type} wraps another number of layers.")
        if old != new:
            edits += _constructor_edits(spelling, inner, old, new)
    if len(before.inner) != len(after.inner) or (before.inner and not written.inner):
        raise CannotWrite(f"{before.type} wraps another number of layers.")
    rename = after.type if after.type != before.type and written.renames else None
    values = _new_arguments(spelling, written, before, after)
    if written.call is None:
        if values or rename:
            raise CannotWrite(f"{before.type} is not written as a call.")
        return edits
    if rename and isinstance(written.call.func, ast.Name):
        spelling.missing.append(rename)
    if values or rename:
        edits.append(edited_call(spelling.source, written.call, values, rename))
    return edits


def _new_arguments(
    spelling: Spelling, written: WrittenLayer, before: LayerSpec, after: LayerSpec
) -> dict[Parameter, str | None]:
    """New texts of the arguments that differ."""
    old, new = normal_arguments(before), normal_arguments(after)
    if isinstance(new, Diagnostic):
        raise CannotWrite(f"{after.type} {new.text}.")
    values: dict[Parameter, str | None] = {}
    for name in dict.fromkeys([*before.arguments, *after.arguments]):
        if before.arguments.get(name) == after.arguments.get(name) and (
            name in after.arguments
        ) == (name in before.arguments):
            continue
        parameter = written.parameters.get(name)
        if parameter is None:
            parameter = Parameter(name)
        if not written.renames and not isinstance(old, Diagnostic):
            # another framework has other defaults: what holds is written
            if old.get(name) != new.get(name):
                new_value = parameter.spell(_as_one_size(new.get(name), before, name))
                values[parameter] = spelling.quoted(spell(new_value))
        elif name in after.arguments:
            new_value = parameter.spell(_as_one_size(after.arguments[name], before, name))
            values[parameter] = spelling.quoted(spell(new_value))
        else:
            values[parameter] = None
    return values


def _as_one_size(value: object, before: LayerSpec, name: str) -> object:
    """One size for several equal ones, where the program wrote one."""
    one = isinstance(before.arguments.get(name), int)
    if one and isinstance(value, tuple) and value and len(set(value)) == 1:
        return value[0]
    return value
