"""A network as a program: Keras 3 code, or a Flax NNX class."""

import json
import keyword
import re
from collections.abc import Mapping, Sequence

from repair.architecture.formats.keras_write import GONE, is_chain
from repair.architecture.formats.nnx_layers import nnx_code
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Layer, Shape, Value
from repair.architecture.layers import LAYERS
from repair.architecture.layers.domains import REQUIRED
from repair.architecture.trace import trace
from repair.errors import InputError


def keras_code(graph: Graph) -> str:
    """Keras 3 source that builds the network as `model`.

    Raises:
        InputError: a layer that Keras 3 does not have, or that is code.
    """
    for node in graph.nodes:
        if node.layer.type in (*GONE, "Lambda"):
            raise InputError(f"{node.name!r} is a {node.layer.type}: Keras 3 code needs your own.")
    if is_chain(graph):
        entries = "".join(f"        {keras_layer(node.layer)},\n" for node in graph.nodes)
        body = f"model = keras.Sequential(\n    [\n{entries}    ]\n)\n"
    else:
        body = _functional(graph)
    return f"import keras\nfrom keras import layers\n\n{body}"


def keras_layer(layer: Layer, prefix: str = "layers.") -> str:
    """The expression that constructs a layer."""
    if layer.type == "Input":
        return f"keras.Input({_arguments(layer.arguments)})"
    inner = [keras_layer(wrapped, prefix) for wrapped in layer.inner]
    if layer.type == "Sequential":
        return f"keras.Sequential([{', '.join(inner)}])"
    if layer.type == "RNN" and len(inner) > 1:
        inner = [f"[{', '.join(inner)}]"]
    if layer.type == "Bidirectional" and len(inner) == 2:
        inner[1] = f"backward_layer={inner[1]}"
    written = [*inner, _arguments(layer.arguments, _leading(layer))]
    return f"{prefix}{layer.type}({', '.join(part for part in written if part)})"


def nnx_class(graph: Graph) -> str:
    """Flax NNX source of the network as the class `Network`, called with its inputs.

    Raises:
        InputError: a layer that NNX has no counterpart of.
    """
    shapes = trace(graph)
    if not shapes.valid:
        raise InputError(f"only a valid network is written as code: {shapes.errors[0].sentence}")
    names = _names(graph)
    init: list[str] = []
    body: list[str] = []
    for node in graph.nodes:
        if node.layer.type == "Input":
            continue
        given = tuple(_shape(shapes.shapes, shapes.outputs, *read) for read in node.sources)
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


def _shape(
    shapes: Mapping[str, Shape | None],
    several: Mapping[str, tuple[Shape, ...]],
    name: str,
    index: int,
) -> Shape:
    found = several[name][index] if index else shapes[name]
    return found or ()


def _functional(graph: Graph) -> str:
    names = _names(graph)
    several = trace(graph).outputs
    lines = []
    for node in graph.nodes:
        reads = [
            f"{names[name]}[{index}]" if name in several else names[name]
            for name, index in node.sources
        ]
        if node.layer.type == "Input":
            lines.append(f"{names[node.name]} = {keras_layer(node.layer)}")
            continue
        owner = names[node.shares or node.name]
        shared = any(other.shares == (node.shares or node.name) for other in graph.nodes)
        if shared and not node.shares:
            lines.append(f"{owner}_layer = {keras_layer(node.layer)}")
        made = f"{owner}_layer" if shared else keras_layer(node.layer)
        lines.append(f"{names[node.name]} = {made}({_reads(node, reads)})")
    starts = [names[node.name] for node in graph.nodes if node.layer.type == "Input"]
    ends = [
        f"{names[name]}[{index}]" if name in several else names[name]
        for name, index in map(source, graph.outputs)
    ]
    model = f"model = keras.Model({_one_or_list(starts)}, {_one_or_list(ends)})"
    return "\n".join([*lines, model]) + "\n"


def _reads(node: Node, reads: list[str]) -> str:
    entry = LAYERS[node.layer.type]
    if node.layer.type == "MultiHeadAttention":
        return ", ".join(reads)
    together = entry.inputs[1] is None or entry.inputs[0] > 1
    if node.layer.type in ("RNN", "Bidirectional") or (not together and len(reads) > 1):
        return ", ".join(reads[:1] + ([f"initial_state=[{', '.join(reads[1:])}]"]
                                      if len(reads) > 1 else []))  # fmt: skip
    return f"[{', '.join(reads)}]" if together else reads[0]


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _names(graph: Graph) -> dict[str, str]:
    """A Python name for each node, unlike any name that the code itself uses."""
    taken = {"keras", "layers", "model", "self", "nnx", "jax", "jnp", "rngs", "step", "Network"}
    names: dict[str, str] = {}
    for node in graph.nodes:
        stem = re.sub(r"\W", "_", node.name, flags=re.ASCII)[:60] or "layer"
        if stem[0].isdigit() or keyword.iskeyword(stem) or stem.startswith("__"):
            stem = f"layer_{stem.lstrip('_')}"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        # attributes and shared layers are named after nodes, with these suffixes
        taken |= {name, f"{name}_layer", f"{name}_back", f"{name}_point"}
        names[node.name] = name
    return names


def _leading(layer: Layer) -> list[str]:
    """The arguments that people write by position: those first ones that have no default."""
    leading: list[str] = []
    for name, argument in LAYERS[layer.type].arguments.items():
        if argument.default is not REQUIRED or name not in layer.arguments:
            break
        leading.append(name)
    return leading


def _arguments(arguments: Mapping[str, Value], leading: Sequence[str] = ()) -> str:
    by_position = [spell(arguments[name]) for name in leading]
    named = [f"{name}={spell(value)}" for name, value in arguments.items() if name not in leading]
    return ", ".join(by_position + named)


def spell(value: object) -> str:
    """A plain value as source text, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(spell, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
