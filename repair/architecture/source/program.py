"""Reads the network that a Python program defines: a Keras model, or a Flax NNX class."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from repair.architecture.graph import Graph
from repair.architecture.layer import LayerSpec
from repair.architecture.source.array_words import ArrayWords
from repair.architecture.source.builtin_words import BuiltinWords
from repair.architecture.source.calls import references
from repair.architecture.source.keras_words import KerasWords
from repair.architecture.source.object_words import ObjectWords, construct
from repair.architecture.source.pool import Pool, Site
from repair.architecture.source.stacks import finish_stack
from repair.architecture.source.text import Source
from repair.architecture.source.values import (
    Class,
    Function,
    Functional,
    Given,
    Instance,
    Stack,
    Tensor,
    Unread,
    Value,
    Written,
)
from repair.architecture.source.walk import Walk
from repair.errors import InputError, unknown

Shapes = tuple[tuple[int | None, ...], ...]
WORDS = (BuiltinWords(), ObjectWords(), KerasWords(), ArrayWords())


@dataclass(frozen=True)
class Program:
    """A network and where it stands in a program.

    Args:
        source: the program.
        graph: the network.
        pool: all nodes of the program with their places.
        name: of the model's variable or class.
        framework: "keras" or "nnx".
        method: the __call__ of a class.
        stack: the Sequential, where it is one.
    """

    source: Source
    graph: Graph
    pool: Pool
    name: str
    framework: str
    stack: Stack | None = None
    owner: Instance | None = None

    def site(self, node: str) -> Site:
        """Where a node comes from."""
        return self.pool.sites[node]


def read_program(
    text: str,
    *,
    input_shapes: Shapes = (),
    model: str | None = None,
    defined: Mapping[str, Value] | None = None,
) -> Program:
    """The network of a Python program, which is not executed.

    Args:
        text: the source.
        input_shapes: of the inputs, without the batch, where the program does not state them.
        model: the variable or class of the network, where the program defines several.
        defined: constants for names that the program computes.

    Raises:
        InputError: not Python, no network or several, or a part of it that cannot be read.
    """
    walk = Walk(Source.of(text), WORDS, defined or {})
    walk.input_shapes = input_shapes
    try:
        return _read(walk, model)
    except RecursionError:
        raise InputError("the program is nested too deeply to follow.") from None


def _read(walk: Walk, model: str | None) -> Program:
    walk.program()
    found = [m for m in walk.models if not m.used]
    if not found:
        _try_functions(walk)
        found = [m for m in walk.models if not m.used]
    chosen = _chosen(found, walk, model)
    if isinstance(chosen, Stack):
        outputs: tuple[str, ...] = (finish_stack(walk, chosen),)
        graph = Graph.of(walk.pool.below(outputs), outputs)
        return Program(walk.source, graph, walk.pool, _name(chosen), "keras", chosen)
    if isinstance(chosen, Functional):
        graph = Graph.of(walk.pool.below(chosen.outputs), chosen.outputs)
        return Program(walk.source, graph, walk.pool, _name(chosen), "keras")
    return _instance(walk, chosen)


def _try_functions(walk: Walk) -> None:
    """Follows classes that nothing constructs and functions that nothing calls."""
    empty = Given((), {})
    for kind in walk.modules:
        if "__call__" in kind.functions or "call" in kind.functions:
            construct(walk, kind, empty, kind.node.lineno)
    if walk.models:
        return
    for value in list(walk.globals.values()):
        if isinstance(value, Function) and value.node.name != "<lambda>":
            walk.enter(value, empty, None)


def _chosen(
    found: list[Stack | Functional | Instance], walk: Walk, model: str | None
) -> Stack | Functional | Instance:
    names = [_name(candidate) for candidate in found]
    if model is not None:
        for candidate, name in zip(found, names, strict=True):
            if name == model:
                return candidate
        raise unknown("model", model, names)
    if not found:
        raise InputError(
            "the program defines no network that can be read: expected keras.Sequential, "
            "keras.Model(inputs, outputs), or a class of nnx.Module or keras.Model."
        )
    if len(found) > 1:
        raise InputError(
            f"the program defines several networks: {', '.join(names)}. Choose one with --model."
        )
    return found[0]


def _name(model: Stack | Functional | Instance) -> str:
    name = model.of.node.name if isinstance(model, Instance) else model.name
    return name.rstrip("?")


def _instance(walk: Walk, owner: Instance) -> Program:
    """The network of a module: its __call__ followed on inputs of known shapes."""
    kind: Class = owner.of
    function = kind.functions.get("__call__") or kind.functions.get("call")
    if function is None:
        raise InputError(f"line {kind.node.lineno}: {kind.node.name} has no __call__ to follow.")
    method = function.node
    shapes = owner.input_shapes or walk.input_shapes
    arguments = [argument.arg for argument in method.args.args[1:]]
    needed = max(1, len(arguments) - len(method.args.defaults))
    if len(shapes) < 1 or not arguments:
        raise InputError(
            f"line {method.lineno}: {kind.node.name} does not state the shape of its input: give "
            "it, such as --input-shape 28,28,1."
        )
    inputs = []
    for name, shape in zip(arguments, shapes, strict=False):
        node = walk.pool.add(LayerSpec("Input", {"shape": shape}), (), Site(Written(None)), name)
        inputs.append((Tensor(node), ast.Name(name, ast.Load())))
    if (
        len(shapes) < needed
        and "deterministic" not in arguments
        and "train" not in " ".join(arguments)
    ):
        raise InputError(
            f"line {method.lineno}: {kind.node.name} is called with {needed} inputs "
            f"({', '.join(arguments)}): give --input-shape for each."
        )
    result = walk.enter(function, Given(tuple(inputs), {}), owner)
    outputs = references(result)
    if not outputs:
        where = result if isinstance(result, Unread) else Unread(method.lineno, "what it returns")
        raise InputError(
            f"line {where.line}: {where.text} cannot be read without running the program: "
            "expected layers, functions of jax.nn, and a few of jax.numpy."
        )
    graph = Graph.of(walk.pool.below(outputs), outputs)
    framework = kind.kind or "nnx"
    return Program(walk.source, graph, walk.pool, kind.node.name, framework, None, owner)
