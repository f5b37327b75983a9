"""What tensors, layers, models and modules mean in a program, whatever the framework."""

import ast

from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.calls import call_layer, hides_tensors, tensors
from repair.architecture.source.network.values import (
    AnyTensor,
    Array,
    BatchSize,
    DrawnLayer,
    FunctionalModel,
    LayerInstance,
    LayerOutputs,
    ModuleInstance,
    Tensor,
)
from repair.architecture.source.python.semantics import Interpreter, Semantics, WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Class,
    Function,
    Unknown,
    Value,
)


class GraphSemantics(Semantics):
    """The semantics of names whose calls are drawn into a graph.

    Args:
        builder: the graph.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder


class NetworkSemantics(GraphSemantics):
    """Calls of layers and modules, and the attributes of tensors, layers and models.

    Args:
        builder: the graph that the calls are drawn into.
        forward_names: the names of the method that a module computes by, the first one first.
    """

    def __init__(self, builder: GraphBuilder, forward_names: tuple[str, ...]) -> None:
        super().__init__(builder)
        self.forward_names = forward_names

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a call of a layer, of a module, or of the class of one."""
        if isinstance(function, Class) and function.framework:
            return self.construct(interpreter, function, call, node.lineno)
        if isinstance(function, ModuleInstance):
            return self._module(interpreter, function, call, node)
        if isinstance(function, LayerInstance) and tensors(call):
            if hides_tensors(function.layer, call):
                return NotImplemented
            return call_layer(interpreter, self.builder, function, call, node)
        if isinstance(function, BoundMethod) and isinstance(function.owner, FunctionalModel):
            found = self._layer(function.owner, call) if function.name == "get_layer" else None
            return found or NotImplemented
        return NotImplemented

    def without_all(self, function: Value) -> WithoutAll:
        """What the program defines is followed: its other parameters are not known then."""
        followed = isinstance(function, Class | ModuleInstance)
        return WithoutAll.FOLLOWED if followed else WithoutAll.UNREAD

    def _layer(self, model: FunctionalModel, call: BoundCall) -> DrawnLayer | None:
        """The layer of a model that the program itself gives this name, if it is called once."""
        name = call.get("name", 0 if len(call.positional) == 1 else None)
        for node in self.builder.nodes_of(model.outputs):
            written = self.builder.sites[node.name].written.call
            named = written is not None and any(word.arg == "name" for word in written.keywords)
            again = any(other.shares == node.name for other in self.builder.nodes.values())
            if node.name == name and named and node.shares is None and not again:
                return DrawnLayer(node.name)
        return None

    def construct(
        self, interpreter: Interpreter, kind: Class, call: BoundCall, line: int
    ) -> ModuleInstance:
        """An object of a class of the program that is a module, its __init__ followed."""
        module = ModuleInstance(kind.node.name, line, str(kind.framework), kind)
        self.builder.models.append(module)
        method = kind.functions.get("__init__")
        if method is not None:
            interpreter.enter(method, call, module)
        return module

    def forward(self, kind: Class) -> Function | None:
        """The method that the modules of a class compute by, if it has one."""
        names = (name for name in self.forward_names if name in kind.functions)
        return next((kind.functions[name] for name in names), None)

    def _module(
        self, interpreter: Interpreter, module: ModuleInstance, call: BoundCall, node: ast.Call
    ) -> Value:
        shapes = [value.shape for value in call.values if isinstance(value, Array)]
        if shapes:
            module.input_shapes = module.input_shapes or tuple(shape[1:] for shape in shapes)
            return Unknown(node.lineno, "the result of the model")
        method = self.forward(module.of)
        if method is None or not tensors(call):
            return NotImplemented
        module.used = True
        return interpreter.enter(method, call, module)

    def attribute(self, interpreter: Interpreter, owner: Value, node: ast.Attribute) -> Value:
        """The shape of a tensor or an array, the inputs and outputs of a model or a layer."""
        name = node.attr
        if isinstance(owner, AnyTensor) and name == "shape":
            shape = self.builder.shape(owner.reference)
            return (BatchSize(), *shape[1:]) if shape else interpreter.unknown(node)
        if isinstance(owner, Array) and name == "shape":
            return owner.shape
        if isinstance(owner, FunctionalModel) and name in ("input", "output", "inputs", "outputs"):
            references = owner.inputs if name.startswith("input") else owner.outputs
            ends = [Tensor(reference) for reference in references]
            return ends[0] if len(ends) == 1 and not name.endswith("s") else ends
        if isinstance(owner, DrawnLayer) and name in ("input", "output"):
            read = self.builder.nodes[owner.node].inputs
            if name == "input" and len(read) != 1:
                return NotImplemented
            return Tensor(owner.node if name == "output" else read[0])
        if isinstance(owner, LayerInstance) and name in ("output", "input") and owner.first_call:
            if name == "output":
                return Tensor(owner.first_call)
            reads = [Tensor(reference) for reference in self.builder.nodes[owner.first_call].inputs]
            return reads[0] if len(reads) == 1 else reads
        return NotImplemented

    def unpacked(self, value: Value, count: int | None) -> list[Value] | None:
        """The outputs of a layer that has several."""
        if not isinstance(value, LayerOutputs):
            return None
        if count is None:
            count = len(self.builder.shapes.get(value.reference, ()))
        rest = [Tensor(f"{value.reference}:{index}") for index in range(1, count)]
        return [Tensor(value.reference), *rest]

    def variable_bound(self, interpreter: Interpreter, name: str, value: Value) -> None:
        """Notes which variables hold tensors."""
        self.builder.bound(name, value)
