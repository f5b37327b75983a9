"""Assignments: to names, attributes, entries and patterns of these, and in place."""

import ast

from repair.architecture.source.python.evaluate import Evaluator
from repair.architecture.source.python.folding import MOST_ITEMS, PLAIN
from repair.architecture.source.python.values import (
    Class,
    Instance,
    Items,
    ObjectValue,
    Unknown,
    Value,
)


class Assigner(Evaluator):
    """Follows assignments; `StaticInterpreter` follows the statements around them."""

    def assign(self, target: ast.expr, value: Value) -> None:
        """Follows an assignment to a name, an attribute, an entry, or a tuple of them."""
        match target:
            case ast.Name(id=name):
                self.bind(name, value)
                if isinstance(value, ObjectValue):
                    value.bound_to(name)
            case ast.Attribute(value=owner, attr=name):
                self.set_attribute(self.value(owner), name, value)
            case ast.Subscript(value=owner, slice=index):
                self._set_entry(self.value(owner), index, value, target)
            case ast.Starred(value=inner):
                self.assign(inner, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values = self._parts(value, targets)
                for inner, part in zip(targets, values, strict=True):
                    self.assign(inner, part)

    def augment(self, node: ast.AugAssign) -> None:
        """Follows `target op= value`: a list grows in place, all else is a new value."""
        whole = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        before = self.value(node.target)
        if isinstance(before, dict):
            self.lose(before, self.unknown(node))
        if not isinstance(before, list):
            self.assign(node.target, self.value(whole))
            return
        more = self.value(node.value)
        grows = isinstance(node.op, ast.Add) and isinstance(more, list | tuple)
        if grows and len(before) + len(more) <= MOST_ITEMS:  # type: ignore[arg-type]
            before += more  # type: ignore[arg-type]
            if isinstance(node.target, ast.Attribute):
                self.assign(node.target, before)
        else:
            self.lose(before, self.unknown(node))

    def lose(self, container: Value, unknown: Unknown) -> None:
        """Makes unknown what a list or dictionary holds, whoever has it."""
        if isinstance(container, list | dict):
            self.lost[id(container)] = container, unknown

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Sets an attribute of an object of the program's own classes; of others nothing is kept."""
        if isinstance(owner, Unknown) and isinstance(owner.was, Instance):
            value, owner = Unknown(owner.line, f"{owner.text}.{name}"), owner.was
        if isinstance(owner, Class):
            owner.attributes[name] = value
        if not isinstance(owner, Instance):
            return
        owner.attributes[name] = value
        for part in value if isinstance(value, list | tuple) else [value]:
            if isinstance(part, ObjectValue) and owner.of.framework:
                part.becomes_part()
        if isinstance(value, ObjectValue):
            value.held_as(name)

    def _set_entry(
        self, owner: Value, index: ast.expr, value: Value, target: ast.Subscript
    ) -> None:
        position = None if isinstance(index, ast.Slice) else self.value(index)
        if isinstance(owner, list) and type(position) is int:
            if -len(owner) <= position < len(owner):
                owner[position] = value
                return
        elif isinstance(owner, dict) and isinstance(position, PLAIN):
            owner[position] = value
            return
        self.lose(owner, self.unknown(target))

    def _unpacked(self, value: Value, count: int | None) -> Value:
        """A list of what a value of a framework unpacks into; the value where it does not."""
        for semantics in self.semantics:
            parts = semantics.unpacked(value, count)
            if parts is not None:
                return parts
        return value

    def _parts(self, value: Value, targets: list[ast.expr]) -> list[Value]:
        """The values that unpacking one gives to each of some targets, one of them perhaps starred."""
        stars = [k for k, target in enumerate(targets) if isinstance(target, ast.Starred)]
        unknown = Unknown(targets[0].lineno if targets else 0, "a value that is unpacked")
        unknowns: list[Value] = [unknown] * len(targets)
        if isinstance(value, ObjectValue):
            value = self._unpacked(value, None if stars else len(targets))
        if isinstance(value, Items):
            value = list(value.source)
        if isinstance(value, dict | str):
            value = list(value)
        if not isinstance(value, list | tuple):
            return unknowns
        if not stars:
            return list(value) if len(value) == len(targets) else unknowns
        first, after = stars[0], len(targets) - stars[0] - 1
        if len(value) < first + after or len(stars) > 1:
            return unknowns
        end = len(value) - after
        return [*value[:first], list(value[first:end]), *value[end:]]
