"""The network under repair: an ordered stack of named layers that can be entered and left anywhere.

Images. A `uint8` array holds pixels 0..255, a floating one holds unit images 0..1: always, whatever the network was
trained on. The network knows its own `scale` and converts, so that the wrong scale cannot be fed by accident.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from functools import partial
from typing import Any, Self, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Float32, Int32, Num, Shaped, UInt8

from repair.errors import InputError, unknown
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.convolution import Shape
from repair.weights.network.layers import Conv, Dense, Layer
from repair.weights.settings import Scale

SCALES: tuple[str, ...] = get_args(Scale)
SMALL_BATCH = 32
Images = UInt8[np.ndarray, "..."] | Float32[np.ndarray, "..."]
# pixel / 255 as a table: a compiler may replace a division by a multiplication that rounds differently.
UNIT = np.arange(256, dtype=np.float32) / np.float32(255)


class Network(nnx.Module):
    """Named layers in order, from images to logits; a pure function of its weights and its input.

    `network(x)`, `features` and `logits_from` are for use under jit and grad; `logits`, `activations` and `predict`
    take and return NumPy arrays of any length, in batches, on all devices.

    Args:
        layers: the layers in order; the last one gives one number for each class.
        input_shape: (H, W, C) of an image, or (D,).
        scale: what the first layer was trained on: unit images "0..1" or pixels "0..255".
        softmax: whether the file that the network is written to ends in a softmax; logits are always before it.
        channels_first: whether such a file takes NCHW images where its format leaves the choice (ONNX).

    Raises:
        InputError: names that are not unique, layers that do not fit each other, an unknown scale.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        *,
        input_shape: Shape,
        scale: str,
        softmax: bool = False,
        channels_first: bool = False,
    ):
        self.layers = nnx.List(list(layers))
        self.names: tuple[str, ...] = tuple(layer.name for layer in self.layers)
        self.input_shape: Shape = tuple(int(size) for size in input_shape)
        if scale not in SCALES:
            raise unknown("scale of the input", str(scale), SCALES)
        self.scale = scale
        self.softmax = bool(softmax)
        self.channels_first = bool(channels_first)
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice or not self.names:
            raise InputError(
                "a network needs layers with unique names; got"
                f" {f'{twice[0]!r} more than once' if twice else 'no layers'}."
            )
        self.shapes: tuple[Shape, ...] = self._chain()
        self.classes: int = self.shapes[-1][0]

    def _chain(self) -> tuple[Shape, ...]:
        shapes = [self.input_shape]
        for layer in self.layers:
            shapes.append(tuple(layer.output_shape(shapes[-1])))
        if len(shapes[-1]) != 1:
            raise InputError(
                f"the last layer {self.names[-1]!r} gives shape {shapes[-1]}; expected one number per class."
            )
        return tuple(shapes)

    # Pure functions, for use under jit, grad and vmap.

    def __call__(self, x: Num[Array, "N ..."]) -> Float[Array, "N classes"]:
        """Logits (N, classes) of images (N, *input_shape): uint8 pixels or unit images."""
        return self.run(x, None, None)

    def features(self, x: Num[Array, "N ..."], at: str) -> Float[Array, "N ..."]:
        """Activations (N, ...) entering layer `at`, for images x."""
        return self.run(x, None, at)

    def logits_from(self, z: Float[Array, "N ..."], at: str) -> Float[Array, "N classes"]:
        """Logits (N, classes) of activations z (N, ...) that enter layer `at`."""
        return self.run(z, at, None)

    def run(
        self, x: Num[Array, "N ..."], start: str | None, stop: str | None
    ) -> Float[Array, "N ..."]:
        """Activations entering layer `stop` (None: logits), from those entering `start` (None: from images)."""
        first = 0 if start is None else self.position(start)
        last = len(self.names) if stop is None else self.position(stop)
        x = self._scaled(x) if start is None else x
        for layer in self.layers[first:last]:
            x = layer(x)
        return x

    def _scaled(self, x: jax.Array) -> jax.Array:
        if x.dtype == jnp.uint8:
            return x.astype(jnp.float32) if self.scale == "0..255" else jnp.asarray(UNIT)[x]
        x = x.astype(jnp.float32)
        return x * 255.0 if self.scale == "0..255" else x

    # Structure and weights.

    def position(self, name: str) -> int:
        """Place of a layer, from 0; InputError listing the layers when there is no such name."""
        if name not in self.names:
            raise unknown("layer", name, self.names)
        return self.names.index(name)

    def layer(self, name: str) -> Layer:
        """The layer of that name."""
        return self.layers[self.position(name)]

    @property
    def weighted(self) -> tuple[str, ...]:
        """Names of the layers that have weights, in order."""
        return tuple(layer.name for layer in self.layers if layer.parameters)

    @property
    def linear(self) -> tuple[str, ...]:
        """Names of the dense and convolution layers, in order."""
        return tuple(layer.name for layer in self.layers if isinstance(layer, Conv | Dense))

    def shape_at(self, name: str) -> Shape:
        """Shape, without the batch axis, of the activations that enter layer `name`."""
        return self.shapes[self.position(name)]

    def weights(self, name: str) -> dict[str, Float[Array, "..."]]:
        """The weights of a layer: kernel HWIO of a convolution, kernel (in, out) of a dense layer, bias (out,)."""
        layer = self.layer(name)
        return {key: getattr(layer, key)[...] for key in layer.parameters}

    def replace(self, name: str, **weights: Any) -> Self:
        """The same network with other weights in one layer; compiled code is shared. Differentiable.

        Raises:
            InputError: an unknown layer or weight, or another shape than the present one.
        """
        present = self.weights(name)
        for key, value in weights.items():
            if key not in present:
                raise unknown(f"weight of layer {name!r}", key, present)
            if np.shape(value) != present[key].shape:
                raise InputError(
                    f"{key} of layer {name!r} has shape {present[key].shape};"
                    f" got {np.shape(value)} in its place."
                )
        graph, state = nnx.split(self)
        for key, value in weights.items():
            variables: Any = state["layers"][self.position(name)]
            variables[key] = variables[key].replace(jnp.asarray(value, dtype=jnp.float32))
        merged: Self = nnx.merge(graph, state)
        return merged

    def fingerprint(self) -> str:
        """SHA-256 over structure and arrays (little-endian float32, C order): equal exactly for equal networks."""
        digest = hashlib.sha256(json.dumps([self.input_shape, self.scale]).encode())
        for layer in self.layers:
            digest.update(json.dumps(layer.config(), sort_keys=True).encode())
            for key, value in layer.arrays().items():
                digest.update(f"{key}{value.shape}".encode())
                digest.update(np.asarray(value, dtype="<f4").tobytes())
        return digest.hexdigest()

    # Whole data sets, NumPy to NumPy.

    def logits(
        self, images: Any, batch_size: int | None = None
    ) -> Float32[np.ndarray, "N classes"]:
        """Logits of images.

        Args:
            images: (N, *input_shape) uint8 pixels or unit images.
            batch_size: images in a batch; None for what suits the device.

        Raises:
            InputError: images of another shape or type, or floating values outside 0..1.
        """
        return self._batched(self.check_images(images), None, None, batch_size)

    def predict(self, images: Any, batch_size: int | None = None) -> Int32[np.ndarray, " N"]:
        """The class with the largest logit, of images as in `logits`; the first one of equals."""
        return self.logits(images, batch_size).argmax(1).astype(np.int32)

    def activations(
        self, images: Any, at: str, batch_size: int | None = None
    ) -> Float32[np.ndarray, "N ..."]:
        """Activations that enter layer `at`, of images as in `logits`."""
        self.position(at)
        return self._batched(self.check_images(images), None, at, batch_size)

    def logits_of(
        self, activations: Any, at: str, batch_size: int | None = None
    ) -> Float32[np.ndarray, "N classes"]:
        """Logits of activations (N, ...) that enter layer `at`."""
        activations, expected = np.asarray(activations, dtype=np.float32), self.shape_at(at)
        if activations.shape[1:] != expected:
            raise InputError(
                f"layer {at!r} takes activations of shape (N, *{expected}); got {activations.shape}."
            )
        return self._batched(activations, at, None, batch_size)

    def check_images(self, images: Any) -> Images:
        """The images as an array, if they are of this network's shape and either uint8 or within 0..1."""
        images = np.asarray(images)
        if images.shape[1:] != self.input_shape or images.ndim == 0:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            raise InputError(
                f"images have shape {images.shape}; this network takes ({expected}), channels last."
            )
        return check_pixels(images)

    def _batched(
        self, x: np.ndarray, start: str | None, stop: str | None, size: int | None
    ) -> np.ndarray:
        graph, state = nnx.split(self)
        with jax.default_matmul_precision("highest"):
            step = partial(_run, graph, replicated(state), start=start, stop=stop)
            return in_batches(step, x, size or self._batch_size(len(x)))

    def _batch_size(self, count: int) -> int:
        """Inputs per batch: on CPU so many that a layer's activations stay in the cache."""
        largest = 4 * max(math.prod(shape) for shape in self.shapes)
        cpu = jax.default_backend() == "cpu"
        size = (2**21 if cpu else 2**29) // largest
        size = 1 << (min(max(size, 16), 1024 if cpu else 8192).bit_length() - 1)
        # A handful of inputs should not pay for a whole batch: a second, small, static shape.
        return min(size, SMALL_BATCH) if count <= SMALL_BATCH else size


@partial(jax.jit, static_argnames=("graph", "start", "stop"))
def _run(graph: Any, state: Any, x: jax.Array, start: str | None, stop: str | None) -> jax.Array:
    # Weights are arguments: a network and its patched versions share one compiled function.
    return nnx.merge(graph, state).run(x, start, stop)


def check_pixels(images: Shaped[np.ndarray, "..."]) -> Images:
    """Images of any shape, if they are either uint8 or floating and within 0..1; the latter as float32."""
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(
            f"images have type {images.dtype}; give uint8 pixels 0..255 or floating unit images 0..1."
        )
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise InputError(
            f"floating images must lie in 0..1; got values from {images.min():g} to {images.max():g}."
            " Divide by 255, or give pixels as uint8."
        )
    return images.astype(np.float32, copy=False)


def require_finite(network: Network, source: str) -> Network:
    """The network, if all its arrays are finite; else InputError naming the layer."""
    for layer in network.layers:
        for key, value in layer.arrays().items():
            bad = int((~np.isfinite(np.asarray(value))).sum())
            if bad:
                raise InputError(
                    f"{source}: {key} of layer {layer.name!r} holds {bad} of {value.size} values that are NaN or"
                    " infinite; expected finite weights. The file is damaged or its training diverged."
                )
    return network
