"""Reads the network that a Python program defines, without running it."""

import ast
from collections.abc import Mapping
from types import MappingProxyType

from repair.architecture.graph import Graph
from repair.architecture.graph import source as split
from repair.architecture.layer import Dim
from repair.architecture.source.frameworks import all_semantics
from repair.architecture.source.model_places import ModelPlaces
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.calls import references
from repair.architecture.source.network.models import finish_sequential
from repair.architecture.source.network.program import NetworkProgram
from repair.architecture.source.network.values import (
    FunctionalModel,
    Model,
    ModuleInstance,
    SequentialModel,
    Tensor,
)
from repair.architecture.source.python.interpreter import StaticInterpreter
from repair.architecture.source.python.values import BoundCall, Function, Unknown, Value
from repair.architecture.source.text import SourceText
from repair.architecture.source.unread_frameworks import refuse_unread_framework
from repair.errors import InputError


def read_program(
    text: str,
    *,
    input_shapes: tuple[tuple[Dim, ...], ...] = (),
    model: str | None = None,
    defined: Mapping[str, Value] | None = None,
) -> NetworkProgram:
    """The network of a Python program, which is not executed.

    Args:
        text: the program.
        input_shapes: shapes of the inputs, without the batch, in the order of the program; they
            override those that the program states.
        model: the network, where the program defines several: its name, variable or class, the
            function that makes it, or a line of it.
        defined: constants for names that the program computes.

    Raises:
        InputError: not Python, no network or several, or a part of it that cannot be read.
    """
    source, defined = SourceText.of(text), defined or {}
    try:
        program = ProgramReader(source, input_shapes, defined).network(model)
        overriding = _overriding(program.graph, input_shapes)
        if overriding:
            program = ProgramReader(source, input_shapes, defined, overriding).network(model)
        return program
    except RecursionError:
        raise InputError("the program is nested too deeply to follow.") from None


def _overriding(graph: Graph, shapes: tuple[tuple[Dim, ...], ...]) -> Mapping[str, tuple[Dim, ...]]:
    """By the name of an input, the shape that the user gives, where the program states another."""
    inputs = [node for node in graph.nodes if node.layer.type == "Input" and not node.inputs]
    if len(shapes) > len(inputs):
        names = ", ".join(repr(node.name) for node in inputs)
        raise InputError(
            f"--input-shape is given {len(shapes)} times, but the network has {len(inputs)} "
            f"inputs ({names}): give it at most once for each."
        )
    return {
        node.name: shape
        for node, shape in zip(inputs, shapes, strict=False)
        if node.layer.arguments["shape"] != shape
    }


class ProgramReader:
    """Finds the network of a program.

    Args:
        source: the program.
        input_shapes: shapes of the inputs, without the batch, that the user gives.
        defined: constants that the user gives for names that the program computes.
        overriding: by the name of an input, the shape that the user gives in place of the stated.
    """

    def __init__(
        self,
        source: SourceText,
        input_shapes: tuple[tuple[Dim, ...], ...],
        defined: Mapping[str, Value],
        overriding: Mapping[str, tuple[Dim, ...]] = MappingProxyType({}),
    ) -> None:
        self.builder = GraphBuilder(input_shapes, overriding)
        self.modules, semantics = all_semantics(self.builder)
        self.interpreter = StaticInterpreter(source, semantics, defined)

    def network(self, name: str | None) -> NetworkProgram:
        """The network of a name, or the only one that the program defines.

        Raises:
            InputError: no network or several, or a part of it that cannot be read.
        """
        self.interpreter.program()
        if not self._outermost():
            refuse_unread_framework(self.interpreter.source, mixed=False)
            self._try_definitions()
        model = self._chosen(name)
        if isinstance(model, ModuleInstance):
            return self._of_module(model)
        if isinstance(model, SequentialModel):
            return self._of_tensors(model, (finish_sequential(self.builder, model),))
        assert isinstance(model, FunctionalModel)
        return self._of_tensors(model, model.outputs)

    def _outermost(self) -> list[Model]:
        """The models that are not part of another."""
        models = [model for model in self.builder.models if not model.used]
        functional = [model for model in models if isinstance(model, FunctionalModel)]
        nodes = {id(m): {n.name for n in self.builder.nodes_of(m.outputs)} for m in functional}
        inner = [m for m in functional if any(nodes[id(m)] < nodes[id(o)] for o in functional)]
        return [model for model in models if model not in inner]

    def _try_definitions(self) -> None:
        """Follows classes that nothing constructs and functions that nothing calls."""
        empty = BoundCall()
        for kind in self.interpreter.classes:
            if kind.framework and self.modules.forward(kind):
                self.modules.construct(self.interpreter, kind, empty, kind.node.lineno)
        if self.builder.models:
            return
        for value in list(self.interpreter.globals.values()):
            if isinstance(value, Function) and value.node.name != "<lambda>":
                self.interpreter.enter(value, empty, None)

    def _chosen(self, name: str | None) -> Model:
        models = self._outermost()
        if not models:
            refuse_unread_framework(self.interpreter.source, mixed=True)
        places = ModelPlaces(self.interpreter.source)
        if name is not None:
            return places.named(name, models, self.builder.models)
        names = places.names(models)
        if not models:
            raise InputError(
                "the program defines no network that can be read: expected keras.Sequential, "
                "keras.Model(inputs, outputs), or a class of nnx.Module or keras.Model."
            )
        if len(models) > 1:
            raise InputError(
                f"the program defines several networks: {', '.join(names)}. Choose one with "
                "--model."
            )
        return models[0]

    def _of_tensors(self, model: Model, outputs: tuple[str, ...]) -> NetworkProgram:
        """The network of a model that returns these tensors."""
        outputs = self._without_free_ends(outputs)
        graph = Graph.of(self.builder.nodes_of(outputs), outputs)
        source, module = self.interpreter.source, None
        if isinstance(model, ModuleInstance):
            module = model
        notes = tuple(self.builder.notes)
        return NetworkProgram(
            source, graph, self.builder, model.title, model.framework, module, notes
        )

    def _without_free_ends(self, outputs: tuple[str, ...]) -> tuple[str, ...]:
        """The outputs, those that are code of any shape left out up to what the code reads."""
        if not any(map(self.builder.has_free_shape, outputs)):
            return outputs
        ends: dict[str, None] = {}
        for reference in outputs:
            if not self.builder.has_free_shape(reference):
                ends[reference] = None
                continue
            node = self.builder.nodes[split(reference)[0]]
            ends |= dict.fromkeys(node.inputs)
            self.builder.notes.append(
                f"line {self.builder.sites[node.name].line}: {node.layer.type} {node.name!r} "
                f"({node.layer.arguments.get('function')}), the end of the network, is code that "
                "is not read: what it gives may have any shape."
            )
        return tuple(ends)

    def _of_module(self, module: ModuleInstance) -> NetworkProgram:
        """The network of a module: the method that it computes by, followed on its inputs."""
        kind = module.of
        function = self.modules.forward(kind)
        if function is None:
            raise InputError(
                f"line {kind.node.lineno}: {kind.node.name} has no __call__ to follow."
            )
        inputs = self._inputs(module, function.node)
        result = self.interpreter.enter(function, BoundCall(inputs), module)
        outputs = references(result)
        if not outputs:
            lost = result
            if not isinstance(lost, Unknown):
                lost = Unknown(function.node.lineno, "what it returns")
            raise InputError(
                f"line {lost.line}: {lost.text} cannot be read without running the program: "
                "expected layers, functions of jax.nn, and a few of jax.numpy."
            )
        return self._of_tensors(module, outputs)

    def _inputs(
        self, module: ModuleInstance, method: ast.FunctionDef
    ) -> tuple[tuple[Tensor, ast.expr], ...]:
        """The inputs that the method of a module is called with: one of each known shape."""
        name = module.of.node.name
        shapes = module.input_shapes or self.builder.input_shapes
        parameters = [argument.arg for argument in method.args.args[1:]]
        needed = max(1, len(parameters) - len(method.args.defaults))
        if not shapes or not parameters:
            raise InputError(
                f"line {method.lineno}: {name} does not state the shape of its input: give it, "
                "such as --input-shape 28,28,1."
            )
        inputs = tuple(
            (Tensor(self.builder.add_input(shape, parameter)), ast.Name(parameter, ast.Load()))
            for parameter, shape in zip(parameters, shapes, strict=False)
        )
        mode = "deterministic" in parameters or "train" in " ".join(parameters)
        if len(shapes) < needed and not mode:
            raise InputError(
                f"line {method.lineno}: {name} is called with {needed} inputs "
                f"({', '.join(parameters)}): give --input-shape for each."
            )
        return inputs
