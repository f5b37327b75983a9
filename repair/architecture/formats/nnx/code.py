"""A network as the source of a Flax NNX class."""

from repair.architecture.formats.nnx.layers import nnx_code
from repair.architecture.formats.python_code import variable_names
from repair.architecture.graph import Graph, source
from repair.architecture.trace import trace
from repair.errors import InputError


def nnx_class(graph: Graph) -> str:
    """Flax NNX source of the network as the class `Network`, called with its inputs.

    Raises:
        InputError: a layer that NNX has no counterpart of.
    """
    traced = trace(graph)
    if not traced.valid:
        raise InputError(f"only a valid network is written as code: {traced.errors[0].sentence}")
    names = variable_names(graph)
    init: list[str] = []
    body: list[str] = []
    for node in graph.nodes:
        if node.layer.type == "Input":
            continue
        given = tuple(traced.shape_of(name, index) or () for name, index in node.sources)
        inputs = tuple(names[name] for name, _ in node.sources)
        owner = names[node.shares or node.name]
        code = nnx_code(node.layer, given, inputs, f"self.{owner}")
        if not node.shares:
            init += [f"self.{owner}{suffix} = {text}" for suffix, text in code.init.items()]
        body.append(f"{names[node.name]} = {code.call}")
    starts = [names[node.name] for node in graph.nodes if node.layer.type == "Input"]
    ends = [names[source(reference)[0]] for reference in graph.outputs]
    body.append(f"return {', '.join(ends)}")
    lines = "\n        ".join
    return (
        "import jax\nimport jax.numpy as jnp\nfrom flax import nnx\n\n\n"
        "class Network(nnx.Module):\n"
        f"    def __init__(self, *, rngs: nnx.Rngs):\n        {lines(init or ['pass'])}\n\n"
        f"    def __call__(self, {', '.join(starts)}):\n        {lines(body)}\n"
    )
