"""A network as Keras 3 source."""

from collections.abc import Mapping, Sequence

from repair.architecture.formats.keras.write import GONE, is_chain
from repair.architecture.formats.python_code import spell, variable_names
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import LayerSpec, Value
from repair.architecture.layers import LAYERS
from repair.architecture.layers.arguments import REQUIRED
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


def keras_layer(layer: LayerSpec, prefix: str = "layers.") -> str:
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


def _functional(graph: Graph) -> str:
    names = variable_names(graph)
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
        instance = f"{owner}_layer" if shared else keras_layer(node.layer)
        lines.append(f"{names[node.name]} = {instance}({_reads(node, reads)})")
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
        return ", ".join(
            reads[:1] + ([f"initial_state=[{', '.join(reads[1:])}]"] if len(reads) > 1 else [])
        )
    return f"[{', '.join(reads)}]" if together else reads[0]


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _leading(layer: LayerSpec) -> list[str]:
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
