"""What the names of an object or a class of the program stand for, by Python's own rules."""

import ast
from dataclasses import replace

from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Class,
    Function,
    Instance,
    Super,
    Unknown,
    Value,
)

SUPER = "super()"
"""The name under which the scope of a method keeps what `super()` is in it."""
ATTRIBUTE_SETTERS = ("setattr", "delattr", "vars", "__setattr__", "__delattr__")
"""Functions that set the attributes of their first argument, by a name or through a dictionary."""
KNOWN_SPECIAL = ("__init__", "__call__", "__doc__", "__str__", "__repr__")
"""Special names that do not change what the other names of an object stand for."""


def member(
    interpreter: Interpreter, owner: Instance | Class | Super, name: str
) -> tuple[Value] | None:
    """The value of owner.name in a tuple; None: the program does not say."""
    if isinstance(owner, Instance):
        return _of_instance(interpreter, owner, name)
    if isinstance(owner, Class):
        return _bound(owner.find(name), name, owner, owner) if owner.followed else None
    inside = owner.owner
    kind = inside.of if isinstance(inside, Instance) else inside
    assert isinstance(kind, Class)
    found = kind.find(name, owner.after)
    if found is None:
        return (BoundMethod(owner, name),)
    if isinstance(found[0], Function) and found[0].kind == "property":
        return (interpreter.enter(found[0], BoundCall(), inside),)
    return _bound(found, name, inside, kind)


def property_of(owner: Value, name: str) -> Function | None:
    """The function that is called where the attribute is read; None: none is."""
    found = owner.of.find(name) if isinstance(owner, Instance) else None
    if found and isinstance(found[0], Function) and found[0].kind in ("property", "accessor"):
        return found[0]
    return None


def _of_instance(interpreter: Interpreter, owner: Instance, name: str) -> tuple[Value] | None:
    found = owner.of.find(name)
    computed = property_of(owner, name)
    if name == "__dict__":
        hide(owner)
    if computed is not None:
        line, text = computed.node.lineno, f"what {name} returns"
        if computed.kind == "accessor" or not owner.followed:
            interpreter.forget_function(computed, BoundCall(), owner)
            return (Unknown(line, text),)
        return (interpreter.enter(computed, BoundCall(), owner),)
    if found is None and name in ATTRIBUTE_SETTERS:
        return (BoundMethod(owner, name),)
    method = found is not None and isinstance(found[0], Function)
    if (owner.opaque or not owner.followed) and not method:
        return None
    if name in owner.attributes:
        return (owner.attributes[name],)
    return _bound(found, name, owner, owner.of)


def _bound(found: tuple[Value] | None, name: str, owner: Value, kind: Class) -> tuple[Value] | None:
    """What is found in a class as its object, or the class itself, reads it."""
    if found is None or not isinstance(found[0], Function):
        return found
    function = found[0]
    if function.kind == "static":
        return (replace(function, kind="plain"),)
    if function.kind == "class":
        return (BoundMethod(owner, name, function, kind),)
    if isinstance(owner, Instance):
        return (BoundMethod(owner, name, function, owner),)
    return (function,) if function.kind == "plain" else None


def called_method(owner: Instance) -> tuple[Function, Value] | tuple[()]:
    """The method by which an object is called, and what it is given first."""
    found = owner.of.find("__call__")
    if found and isinstance(found[0], Function) and not owner.of.framework:
        return found[0], owner
    return ()


def hide(owner: Value) -> None:
    """Makes unknown what an object or a class holds, from now on."""
    if isinstance(owner, Instance):
        owner.opaque = True
    elif isinstance(owner, Class):
        owner.plain = False
        for name, value in owner.attributes.items():
            if not isinstance(value, Function):
                owner.attributes[name] = Unknown(owner.node.lineno, f"{owner.node.name}.{name}")


def special(kind: Class) -> bool:
    """Whether the body of a class says itself what its objects' names stand for."""
    names = (name for name in kind.attributes if name.startswith("__") and name.endswith("__"))
    accessors = (isinstance(v, Function) and v.kind == "accessor" for v in kind.attributes.values())
    return (
        any(name not in KNOWN_SPECIAL for name in names)
        or any(accessors)
        or (len(kind.line) > 1 and any(_has_private_names(one.node) for one in kind.line))
    )


def _has_private_names(node: ast.ClassDef) -> bool:
    """Whether a class uses attributes such as `self.__a`, which each class has for itself."""
    names = (inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute))
    return any(name.startswith("__") and not name.endswith("__") for name in names)


def linearized(bases: list[Class]) -> tuple[tuple[Class, ...], bool]:
    """The classes that one with these bases inherits from, nearest first, and whether Python agrees."""
    waiting = [*(list(base.line) for base in bases), list(bases)]
    line: list[Class] = []
    while waiting := [chain for chain in waiting if chain]:
        heads = (chain[0] for chain in waiting)
        behind = [kind for chain in waiting for kind in chain[1:]]
        first = next((kind for kind in heads if kind not in behind), None)
        if first is None:
            rest = [kind for chain in waiting for kind in chain]
            return (*line, *dict.fromkeys(rest)), False
        line.append(first)
        waiting = [[kind for kind in chain if kind is not first] for chain in waiting]
    return tuple(line), True
