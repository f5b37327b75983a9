"""A short training of a repaired classifier of images, and of the network from before the bug.

As in "Semantic-Based Neural Network Repair" (Schumi and Sun, ISSTA 2023): does what came back still
learn? By Keras on JAX: Adam at its default rate, 64 images a step, weights and order by seed.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bench.architecture.build import RefusedError, keras_model, keras_module
from bench.datasets.dataset import Dataset, load
from repair.architecture.formats.keras.write import GONE
from repair.architecture.graph import Graph, source
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.rules import Rules
from repair.architecture.trace import trace

BATCH = 64
CLASSES = 10
DATA: Mapping[int, tuple[str, int]] = MappingProxyType(
    {784: ("mnist", 0), 1024: ("mnist", 2), 3072: ("cifar10", 0)}
)
"""By the number of values of an input: the data set, and black pixels to add on each side."""


def accuracy(graph: Graph, rules: Rules, *, steps: int, seed: int) -> float | None:
    """Accuracy on test data after a short training; None where there is nothing to train it on.

    It is trained where it reads one image of the size of MNIST (28 x 28, or 32 x 32 with a margin)
    or CIFAR-10, in any layout, and ends in one Dense layer of at least 10 units and a softmax or none.

    Args:
        graph: a valid network.
        rules: under which it is valid.
        steps: the number of training steps.
        seed: the seed of the weights and of the order of the images.
    """
    classifier = _input(graph, rules)
    if classifier is None:
        return None
    shape, data, margin = classifier
    keras = keras_module()
    keras.utils.set_random_seed(seed)
    try:
        model = keras_model(graph, rules)
    except RefusedError:
        return None
    order = np.random.default_rng(seed).permutation(len(data.train_labels))
    order = np.resize(order, steps * BATCH)
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=not _softmax(_head(graph))),
    )
    images = _images(data.train_images[order], margin, shape)
    model.fit(images, data.train_labels[order], BATCH, shuffle=False, verbose=0)
    answers = model.predict(_images(data.test_images, margin, shape), 500, verbose=0)
    return float((answers.argmax(-1) == data.test_labels).mean())


def _input(graph: Graph, rules: Rules) -> tuple[tuple[int, ...], Dataset, int] | None:
    """Shape of the images that a classifier takes, data for it, and the margin to add."""
    shapes: Mapping[str, Shape | None] = trace(graph, rules).shapes
    inputs = [node for node in graph.nodes if not node.inputs]
    if len(inputs) != 1 or len(graph.outputs) != 1 or _head(graph) is None:
        return None
    shape, output = shapes[inputs[0].name], shapes[source(graph.outputs[0])[0]]
    if shape is None or output is None or None in shape[1:] or len(output) != 2:
        return None
    sizes: tuple[int, ...] = shape[1:]  # type: ignore[assignment]
    known = DATA.get(int(np.prod(sizes)))
    not_trained = any(node.layer.type in (*GONE, "Lambda", "Embedding") for node in graph.nodes)
    if known is None or not_trained or (output[-1] or 0) < CLASSES:
        return None
    return sizes, load(known[0]), known[1]


def _head(graph: Graph) -> LayerSpec | None:
    """The last layer, where it is a Dense layer or the softmax of one."""
    node = graph[source(graph.outputs[0])[0]]
    above = graph[node.sources[0][0]] if node.sources else node
    if node.layer.type == "Dense" or (_softmax(node.layer) and above.layer.type == "Dense"):
        return node.layer
    return None


def _softmax(layer: LayerSpec | None) -> bool:
    return layer is not None and (
        layer.type == "Softmax" or layer.arguments.get("activation") == "softmax"
    )


def _images(images: np.ndarray, margin: int, shape: tuple[int, ...]) -> np.ndarray:
    """Images of pixels 0..255 (N, H, W, C) as float32 0..1 in the layout of an input."""
    sides = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    unit = np.pad(images, sides).astype(np.float32) / 255
    if len(shape) == 3 and shape[0] == unit.shape[-1] and shape[1:] == unit.shape[1:3]:
        unit = unit.transpose(0, 3, 1, 2)
    return unit.reshape(-1, *shape)
