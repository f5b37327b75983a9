"""Seeded random networks: valid ones, and faulty ones of any size for scaling curves.

A network grows forward: each layer is drawn, with arguments, until one takes the shape at hand.
A fault is one mutation of a valid network: an argument, a rank, a lost layer or a wrong input.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from repair.architecture.errors import Diagnostic
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape, Value
from repair.architecture.layers import LAYERS, Outputs, infer
from repair.architecture.layers.arguments import REQUIRED
from repair.architecture.rules import KERAS3, Rules
from repair.architecture.trace import trace
from repair.errors import InputError

Sampler = Callable[[Random, int], Value]
MERGES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate", "Dot")
CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell")
LOOPS = ("SimpleRNN", "LSTM", "GRU")
SINGLE = tuple(
    name
    for name, entry in LAYERS.items()
    if entry.inputs[0] == 1 and name not in (*MERGES, *CELLS, "Lambda", "EinsumDense")
)
"""Layer types of one input that the generator draws from."""
CHANGING = tuple(
    name
    for name in SINGLE
    if LAYERS[name].rank or name in ("Dense", "Flatten", "Reshape", "Permute", "Embedding")
)
"""Those that change the shape, or take one number of dimensions only."""
LARGEST_TENSOR = 100_000
BREADTH = 4


def _each(low: int, high: int) -> Sampler:
    return lambda rng, rank: tuple(rng.randint(low, high) for _ in range(rank))


def _pairs(rng: Random, rank: int) -> Value:
    pairs = tuple((rng.randint(0, 2), rng.randint(0, 2)) for _ in range(rank))
    return pairs if rank > 1 else pairs[0]


def _one(*values: Value) -> Sampler:
    return lambda rng, rank: rng.choice(values)


SAMPLERS: dict[str, Sampler] = {
    "filters": _one(1, 2, 3, 4, 8),
    "units": _one(1, 2, 3, 4, 8),
    "kernel_size": _each(1, 3),
    "strides": lambda rng, rank: tuple(rng.choice((1, 1, 2, 3)) for _ in range(rank)),
    "dilation_rate": lambda rng, rank: tuple(rng.choice((1, 1, 1, 2)) for _ in range(rank)),
    "padding": _one("valid", "same"),
    "output_padding": _one(None, None, 0, 1),
    "data_format": _one(None, None, "channels_last", "channels_first"),
    "groups": _one(1, 1, 2),
    "depth_multiplier": _one(1, 2),
    "pool_size": _each(1, 3),
    "cropping": _pairs,
    "size": _each(1, 3),
    "n": _one(1, 2, 5),
    "height": _one(1, 2, 4),
    "factor": _one(0.1, 0.2),
    "height_factor": _one(0.1, 0.2),
    "width_factor": _one(0.1, 0.2),
    "width": _one(1, 2, 4),
    "axis": _one(-1, 1, 2, 3),
    "axes": _one((1, 1), (2, 2), (1, 2), -1, 1),
    "dims": lambda rng, rank: tuple(rng.sample(range(1, rank + 1), rank)),
    "target_shape": _each(1, 4),
    "input_dim": _one(10, 100),
    "output_dim": _one(2, 8),
    "rate": _one(0.1, 0.5),
    "stddev": _one(0.1, 1.0),
    "scale": _one(0.5, True),
    "shared_axes": _one(None, (1,), (1, 2)),
    "keepdims": _one(False, True),
    "return_sequences": _one(False, True),
    "merge_mode": _one("concat", "sum", "ave", "mul"),
    "score_mode": _one("dot", "concat"),
    "num_heads": _one(1, 2),
    "key_dim": _one(1, 4),
    "activation": _one("linear", "relu", "tanh", "sigmoid", "softmax", "gelu"),
}
"""How arguments are drawn, by their name; an argument that is not here keeps its default."""
RARELY = ("data_format", "groups", "output_padding", "shared_axes", "activation", "keepdims")


def random_layer(name: str, rng: Random, shape: Shape | None = None) -> LayerSpec:
    """A layer of a type with random arguments; `shape`, batch first, makes a fit more likely."""
    if name in ("TimeDistributed", "Bidirectional", "RNN", "Sequential"):
        return _wrapper(name, rng, shape)
    entry = LAYERS[name]
    rank = (entry.rank or (len(shape) if shape else 4)) - (2 if name[-1] == "D" else 1)
    if name.startswith("ConvLSTM"):
        rank -= 1
    rank = int(name[-2]) if name[-1] == "D" else max(rank, 1)
    if name.endswith("Transpose"):
        rank = int(name[4])
    arguments: dict[str, Value] = {}
    for argument in entry.arguments:
        optional = entry.arguments[argument].default is not REQUIRED
        rarely = argument in RARELY and optional and name != "GroupNormalization"
        if argument not in SAMPLERS or (rarely and rng.random() < 0.8):
            continue
        arguments[argument] = SAMPLERS[argument](rng, rank)
    if name.startswith("ZeroPadding"):
        arguments["padding"] = _pairs(rng, rank)
    if name == "UpSampling1D":
        arguments["size"] = rng.randint(1, 3)
    if "BatchNormalization" in name or name in ("LayerNormalization", "GroupNormalization"):
        arguments.pop("scale", None)
    if name == "Reshape" and shape and shape[1:] and None not in shape[1:]:
        arguments["target_shape"] = _factors(rng, shape)
    return LayerSpec(name, arguments)


def _factors(rng: Random, shape: Shape) -> Value:
    """A target of as many values as the shape has: some of its sizes merged or split off."""
    sizes = [size for size in shape[1:] if size is not None]
    while len(sizes) > 1 and rng.random() < 0.5:
        at = rng.randrange(len(sizes) - 1)
        sizes[at : at + 2] = [sizes[at] * sizes[at + 1]]
    while len(sizes) < 4 and rng.random() < 0.5:
        at = rng.randrange(len(sizes))
        split = rng.choice([d for d in range(1, sizes[at] + 1) if sizes[at] % d == 0][:20])
        sizes[at : at + 1] = [sizes[at] // split, split]
    return tuple(sizes)


def _wrapper(name: str, rng: Random, shape: Shape | None) -> LayerSpec:
    if name == "RNN":
        cells = tuple(random_layer(rng.choice(CELLS), rng) for _ in range(rng.choice((1, 1, 2))))
        return LayerSpec(name, {"return_sequences": rng.random() < 0.5}, inner=cells)
    if name == "Bidirectional":
        mode = SAMPLERS["merge_mode"](rng, 1)
        return LayerSpec(name, {"merge_mode": mode}, inner=(random_layer(rng.choice(LOOPS), rng),))
    step = (*shape[:1], *shape[2:]) if shape and name == "TimeDistributed" else shape
    plain = [one for one in SINGLE if LAYERS[one].inner == (0, 0) and one not in LOOPS]
    count = 1 if name == "TimeDistributed" else rng.randint(1, 2)
    inner = [random_layer(rng.choice(plain), rng, step) for _ in range(count)]
    return LayerSpec(name, inner=tuple(inner))


def valid_network(size: int, seed: int, rules: Rules = KERAS3, inputs: int = 2) -> Graph:
    """A valid random network of `size` layers besides its inputs.

    Args:
        size: number of layers, from 1 on.
        seed: the seed of all random choices.
        rules: the rule set that says what is valid.
        inputs: number of inputs.

    Raises:
        InputError: a size below 1 or inputs below 1.
    """
    if size < 1 or inputs < 1:
        raise InputError(f"a network of {size} layers and {inputs} inputs: expected 1 or more.")
    rng = Random(seed)
    nodes: list[Node] = []
    ends: dict[str, Shape] = {}
    for number in range(inputs):
        sizes = tuple(rng.randint(4, 12) for _ in range(rng.randint(1, 3)))
        nodes.append(Node(f"input_{number + 1}", LayerSpec("Input", {"shape": sizes})))
        ends[nodes[-1].name] = (None, *sizes)
    while len(nodes) < size + inputs:
        node, shape = _grow(f"layer_{len(nodes) - inputs + 1}", ends, rng, rules)
        consumed = len(ends) > BREADTH or rng.random() < 0.8
        for name in node.inputs if consumed else ():
            ends.pop(name, None)
        nodes.append(node)
        ends[node.name] = shape
    return Graph.of(nodes)


def _grow(name: str, ends: dict[str, Shape], rng: Random, rules: Rules) -> tuple[Node, Shape]:
    """A layer that takes one or two of the open ends."""
    while True:
        two = len(ends) > 1 and rng.random() < 0.25
        chosen = tuple(rng.sample(sorted(ends), 2 if two else 1))
        shapes = tuple(ends[end] for end in chosen)
        types = MERGES if two else CHANGING if rng.random() < 0.7 else SINGLE
        layer = random_layer(rng.choice(types), rng, shapes[0])
        output = infer(layer, shapes, rules)
        if isinstance(output, Diagnostic | Outputs) or None in output[1:] or 0 in output[1:]:
            continue
        count = 1
        for sizes in output[1:]:
            count *= sizes or 1
        if count <= LARGEST_TENSOR and len(output) <= 6:
            return Node(name, layer, chosen), output


def faulty_network(size: int, seed: int, rules: Rules = KERAS3, faults: int = 1) -> Graph:
    """A random network that is not valid: a valid one after at least `faults` mutations.

    Args:
        size: number of layers of the valid network, from 1 on.
        seed: the seed of all random choices.
        rules: the rule set that says what is valid.
        faults: fewest errors, those that follow from others included.

    Raises:
        InputError: a size below 1.
    """
    graph = valid_network(size, seed, rules)
    rng = Random(f"faults {seed}")
    errors = 0
    while errors < faults:
        mutated = _mutated(graph, rng)
        more = len(trace(mutated, rules).errors)
        if more > errors:
            graph, errors = mutated, more
    return graph


def _mutated(graph: Graph, rng: Random) -> Graph:
    """One mutation: another rank, other arguments, a lost or an added layer, another input."""
    node = rng.choice([node for node in graph.nodes if node.inputs])
    entry, kind = LAYERS[node.layer.type], rng.random()
    if kind < 0.3 and len(entry.variants) > 1:
        other = rng.choice([name for name in entry.variants.values() if name != entry.name])
        return graph.with_layer(node.name, random_layer(other, rng))
    if kind < 0.6 and entry.editable:
        return graph.with_layer(node.name, random_layer(node.layer.type, rng))
    source = node.inputs[0]
    if kind < 0.75 and len(node.inputs) == 1:
        kept = [other for other in graph.nodes if other is not node]
        return Graph.of(_reading(other, node.name, source) for other in kept)
    if kind < 0.9:
        added = Node(graph.fresh("added"), random_layer(rng.choice(CHANGING), rng), (source,))
        after = _reading(node, source, added.name)
        return Graph.of(one for n in graph.nodes for one in ((added, after) if n is node else (n,)))
    other = rng.choice(graph.nodes[: graph.nodes.index(node)]).name
    return Graph.of(_reading(n, source, other) if n is node else n for n in graph.nodes)


def _reading(node: Node, old: str, new: str) -> Node:
    return replace(node, inputs=tuple(new if name == old else name for name in node.inputs))
