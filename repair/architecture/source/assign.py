"""Assignments: to names, attributes, entries and patterns of these, and in place."""

import ast

from repair.architecture.source.evaluate import Evaluator
from repair.architecture.source.folding import MOST_ITEMS
from repair.architecture.source.values import (
    Functional,
    Instance,
    Made,
    Stack,
    Tensor,
    Tensors,
    Unread,
    Value,
)


class Assigner(Evaluator):
    """Follows assignments; `Walk` follows the statements around them."""

    def assign(self, target: ast.expr, value: Value) -> None:
        """Follows an assignment to a name, an attribute of an own object, or a tuple of them."""
        match target:
            case ast.Name(id=name):
                self.bind(name, value)
                if isinstance(value, Made) and value.name is None:
                    value.name = name
                if isinstance(value, Stack | Functional | Instance) and "?" in value.name:
                    value.name = name
            case ast.Attribute(value=owner, attr=name):
                self._attribute(self.value(owner), name, value)
            case ast.Subscript(value=owner, slice=index):
                self._entry(self.value(owner), index, value, target)
            case ast.Starred(value=inner):
                self.assign(inner, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values = self._several(value, targets)
                for inner, part in zip(targets, values, strict=True):
                    self.assign(inner, part)

    def augment(self, node: ast.AugAssign) -> None:
        """Follows `target op= value`: a list grows in place, all else is a new value."""
        whole = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        before = self.value(node.target)
        if not isinstance(before, list):
            self.assign(node.target, self.value(whole))
            return
        more = self.value(node.value)
        grows = isinstance(node.op, ast.Add) and isinstance(more, list | tuple)
        if grows and len(before) + len(more) <= MOST_ITEMS:  # type: ignore[arg-type]
            before += more  # type: ignore[arg-type]
        else:
            self.lose(before, Unread(node.lineno, self.source.of_node(node)[:60]))

    def lose(self, container: Value, unread: Unread) -> None:
        """What a list or dictionary holds is not known any more, whoever has it."""
        if isinstance(container, list | dict):
            self.lost[id(container)] = container, unread

    def _attribute(self, owner: Value, name: str, value: Value) -> None:
        if isinstance(owner, Unread) and isinstance(owner.was, Instance):
            value, owner = Unread(owner.line, f"{owner.text}.{name}"), owner.was
        if not isinstance(owner, Instance):
            return
        owner.attributes[name] = value
        for part in value if isinstance(value, list | tuple) else [value]:
            if isinstance(part, Stack | Functional | Instance):
                part.used = True  # a part of another model
        if isinstance(value, Made) and value.name is None:
            value.name = name

    def _entry(self, owner: Value, index: ast.expr, value: Value, target: ast.Subscript) -> None:
        position = None if isinstance(index, ast.Slice) else self.value(index)
        if isinstance(owner, list) and type(position) is int:
            if -len(owner) <= position < len(owner):
                owner[position] = value
                return
        elif isinstance(owner, dict) and isinstance(position, str):
            owner[position] = value
            return
        self.lose(owner, Unread(target.lineno, self.source.of_node(target)[:60]))

    def _several(self, value: Value, targets: list[ast.expr]) -> list[Value]:
        """The values that unpacking one gives to each of some targets, one of them perhaps starred."""
        stars = [k for k, target in enumerate(targets) if isinstance(target, ast.Starred)]
        unread = Unread(targets[0].lineno if targets else 0, "a value that is unpacked")
        unknown: list[Value] = [unread] * len(targets)
        if isinstance(value, Tensors):
            outputs = len(self.pool.shapes.get(value.reference, ())) if stars else len(targets)
            rest = [Tensor(f"{value.reference}:{k}") for k in range(1, outputs)]
            value = [Tensor(value.reference), *rest]
        if not isinstance(value, list | tuple):
            return unknown
        if not stars:
            return list(value) if len(value) == len(targets) else unknown
        first, after = stars[0], len(targets) - stars[0] - 1
        if len(value) < first + after or len(stars) > 1:
            return unknown
        end = len(value) - after
        return [*value[:first], list(value[first:end]), *value[end:]]
