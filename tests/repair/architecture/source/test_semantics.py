"""The protocol by which a framework gives names a meaning, on a framework that does not exist."""

import ast
from collections.abc import Mapping
from typing import ClassVar

import pytest

from repair.architecture.source.python.builtins.semantics import BuiltinSemantics
from repair.architecture.source.python.interpreter import StaticInterpreter
from repair.architecture.source.python.semantics import Interpreter, Semantics
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    ObjectValue,
    QualifiedName,
    Unknown,
    Value,
)
from repair.architecture.source.text import SourceText
from repair.errors import InputError


class Box(ObjectValue):
    """A box of things, of the framework that does not exist."""

    mutators: ClassVar[Mapping[str, str]] = {"put": "things are put in"}

    def __init__(self, *things: Value) -> None:
        self.things = list(things)
        self.told: list[str] = []

    def bound_to(self, name: str) -> None:
        self.told.append(name)


class BoxSemantics(Semantics):
    """What the names of `boxes` mean."""

    packages = frozenset(("boxes",))

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        if function == QualifiedName("boxes.Box"):
            return Box(*call.values)
        if isinstance(function, BoundMethod) and isinstance(function.owner, Box):
            function.owner.things += call.values
            return None
        return NotImplemented

    def operator(
        self,
        interpreter: Interpreter,
        kind: type[ast.operator],
        operands: tuple[Value, Value],
        node: ast.BinOp,
    ) -> Value:
        left, right = operands
        if not isinstance(left, Box) or not isinstance(right, Box):
            return NotImplemented
        return Box(*left.things, *right.things)

    def attribute(self, interpreter: Interpreter, owner: Value, node: ast.Attribute) -> Value:
        known = isinstance(owner, Box) and node.attr == "size"
        return len(owner.things) if known else NotImplemented  # type: ignore[attr-defined]

    def subscript(self, interpreter: Interpreter, owner: Value, node: ast.Subscript) -> Value:
        if not isinstance(owner, Box):
            return NotImplemented
        return owner.things[interpreter.value(node.slice)]  # type: ignore[index]

    def unpacked(self, value: Value, count: int | None) -> list[Value] | None:
        return value.things if isinstance(value, Box) else None

    def provides(self, name: str) -> bool:
        return name == "Box"

    def extends(self, base: Value) -> str | None:
        return "boxes" if base == QualifiedName("boxes.Box") else None


def interpreted(text: str) -> StaticInterpreter:
    semantics = (BuiltinSemantics(), BoxSemantics())
    interpreter = StaticInterpreter(SourceText.of(text), semantics, {})
    interpreter.program()
    return interpreter


@pytest.mark.parametrize("head", ["from boxes import Box\n", "from boxes import *\n"])
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Box(3, 4)[1]", 4),
        ("(Box(3) + Box(4, 5)).size", 3),
        ("[a * 2 for a, b in [Box(3, 4), Box(5, 6)]]", [6, 10]),
        ("f(Box(2, 7))", 9),
    ],
)
def test_expressions_mean_what_the_semantics_say(
    head: str, expression: str, expected: Value
) -> None:
    text = f"{head}def f(box):\n    a, b = box\n    return a + b\nx = {expression}\n"
    assert interpreted(text).globals["x"] == expected


def test_without_semantics_nothing_of_a_framework_is_known() -> None:
    source = SourceText.of("from boxes import Box\nx = Box(1)\ny = x[0]\nz = 2 + 3\n")
    interpreter = StaticInterpreter(source, (), {})
    interpreter.program()
    values = interpreter.globals
    assert isinstance(values["x"], Unknown)
    assert values["y"] == Unknown(3, "x[0]")
    assert values["z"] == 5


def test_objects_are_told_who_holds_them() -> None:
    held = interpreted("from boxes import Box\nfirst = second = Box()\n").globals["first"]
    assert isinstance(held, Box)
    assert held.told == ["first", "second"]


def test_a_class_belongs_to_the_framework_of_its_base() -> None:
    text = "from boxes import Box\nclass A(Box): pass\nclass B(A): pass\nclass C: pass\n"
    kinds = {kind.node.name: kind.framework for kind in interpreted(text).classes}
    assert kinds == {"A": "boxes", "B": "boxes", "C": None}


@pytest.mark.parametrize("head", ["if unknown():", "for x in unknown():", "while unknown():"])
def test_what_may_change_an_object_is_refused_in_the_words_of_its_class(head: str) -> None:
    text = f"from boxes import Box\nbox = Box()\n{head}\n    box.put(3)\n"
    with pytest.raises(InputError, match=r"^line 4: things are put in in the \w+ statement"):
        interpreted(text)
    assert interpreted(text.replace(head, "if 1:")).globals["box"].things == [3]  # type: ignore
