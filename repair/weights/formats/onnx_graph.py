"""ONNX files read as a network: a chain of operators, brought to NHWC images and HWIO kernels.

ONNX convolves NCHW images. Where the graph flattens in that order, the rows of the dense kernel that
follows are permuted, so that ours flattens (H, W, C); outputs stay the same.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper

from repair.errors import InputError
from repair.weights.formats.onnx_chain import Chain, read_chain
from repair.weights.formats.onnx_operators import (
    ELEMENTWISE,
    IGNORED,
    NAMES,
    TO_NCHW,
    TO_NHWC,
    padding_of,
    require_supported,
)
from repair.weights.formats.scale import SCALE_NOTE, agreed_scale
from repair.weights.network.convolution import Shape
from repair.weights.network.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ZeroPad,
)
from repair.weights.network.network import Network, require_finite
from repair.weights.source import SourceFile


def load(source: SourceFile, scale: str | None = None) -> Network:
    """The network in an ONNX file.

    Layers are named by the part before the last of their operator's name (`sequential_1/dense_2/MatMul`
    is `dense_2`, `/fc1/Gemm` is `fc1`), and where there is none, as Keras would: `dense_1`, `conv2d_1`.

    Raises:
        InputError: a damaged file, a graph that is not a chain, an unsupported operator or attribute
            (named, with its place), or weights that are misshapen or not finite.
    """
    path, chain = source.path, read_chain(source)
    scale = agreed_scale(path, scale, chain.notes.get(SCALE_NOTE))
    return require_finite(_Reader(path, chain).network(scale), str(path))


class _Reader:
    """Walks along the chain; knows shape and layout of the tensor that it has reached."""

    def __init__(self, path: Path, chain: Chain):
        self.path, self.chain = path, chain
        self.channels_first = len(chain.sizes) == 3 and self._takes_nchw(chain.sizes)
        # `shape` is ours, (H, W, C); `nchw` says how the graph orders it at this place.
        channels, *rest = chain.sizes
        self.shape: Shape = (*rest, channels) if self.channels_first else chain.sizes
        self.input_shape, self.nchw = self.shape, self.channels_first
        # After a flattening in NCHW order: the graph's index for each of our features.
        self.order: np.ndarray | None = None
        self.layers: list[Layer] = []
        self.softmax = False

    def network(self, scale: str) -> Network:
        for place, node in enumerate(self.chain.nodes):
            self._step(node, f"{self.path}: {self.chain.where(place)}")
        if self.order is not None:
            raise InputError(
                f"{self.path} ends in flattened images; expected a dense layer after them."
            )
        return Network(
            self.layers,
            input_shape=self.input_shape,
            scale=scale,
            softmax=self.softmax,
            channels_first=self.channels_first,
        )

    def _takes_nchw(self, sizes: Shape) -> bool:
        """Whether the graph's input is NCHW: what the first transposition or layer that cares takes."""
        for node in self.chain.nodes:
            if node.op_type == "Transpose":
                perm = next((tuple(e.ints) for e in node.attribute if e.name == "perm"), ())
                return perm == TO_NHWC
            if node.op_type == "Reshape" and sizes[-1] == 1:
                return False
            if node.op_type in ("Conv", "MaxPool", "AveragePool", "BatchNormalization"):
                return True
        return sizes[0] in (1, 3) and sizes[-1] not in (1, 3)

    def _step(self, node: Any, where: str) -> None:
        kind = node.op_type
        attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        require_supported(node, attributes, where)
        if self.softmax:
            raise InputError(f"{where} follows a softmax; only one at the end is supported.")
        steps = {
            "Transpose": self._transpose,
            "Reshape": self._flatten,
            "Flatten": self._flatten,
            "Squeeze": self._flatten,
            "Conv": self._conv,
            "MaxPool": self._pool,
            "AveragePool": self._pool,
            "GlobalAveragePool": self._global_pool,
            "Gemm": self._dense,
            "MatMul": self._dense,
            "Add": self._bias,
            "BatchNormalization": self._batch_norm,
            "Pad": self._pad,
        }
        if kind in ELEMENTWISE:
            self._append(Activation(self._name(node, "activation"), ELEMENTWISE[kind]))
        elif kind == "Softmax":
            self.softmax = True
        elif kind in steps:
            steps[kind](node, attributes, where)
        elif kind not in IGNORED:
            known = ", ".join((*steps, *ELEMENTWISE, "Softmax", *IGNORED))
            raise InputError(f"{where} is not supported. Supported: {known}.")

    def _append(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.shape = tuple(layer.output_shape(self.shape))

    def _name(self, node: Any, kind: str) -> str:
        parts, taken = node.name.split("/"), {layer.name for layer in self.layers}
        if len(parts) > 1 and parts[-2]:
            named = parts[-2] if parts[-2] not in taken else f"{parts[-2]}_{node.op_type.lower()}"
            if named not in taken:
                return named
        stem = NAMES.get(kind, kind)
        return next(name for n in range(1, len(taken) + 2) if (name := f"{stem}_{n}") not in taken)

    def _constant(self, node: Any, place: int, where: str) -> np.ndarray:
        name = node.input[place] if place < len(node.input) else ""
        if name not in self.chain.constants:
            raise InputError(
                f"{where} takes {name!r}, which is computed; expected constant weights."
            )
        return self.chain.constants[name]

    def _images(self, where: str) -> None:
        if len(self.shape) != 3 or not self.nchw:
            raise InputError(f"{where} does not get images in NCHW order, which it needs.")

    def _transpose(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        perm = tuple(attributes.get("perm", ()))
        if len(self.shape) != 3 or perm != (TO_NHWC if self.nchw else TO_NCHW):
            raise InputError(
                f"{where} has perm={perm}; expected a change between NHWC and NCHW images."
            )
        self.nchw = not self.nchw

    def _flatten(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        height, width, channels = self.shape if len(self.shape) == 3 else (1, 1, self.shape[0])
        if node.op_type == "Reshape":
            target = tuple(int(size) for size in self._constant(node, 1, where))
            if not self.nchw and channels == 1 and target[1:] == (1, height, width):
                self.nchw = True  # with one channel, NHWC to NCHW moves no number
                return
            if len(target) != 2 or target[1] not in (-1, math.prod(self.shape)):
                raise InputError(
                    f"{where} gives the shape {target}; expected (N, {math.prod(self.shape)})."
                )
        elif attributes.get("axis", 1) != 1:
            raise InputError(f"{where} has axis={attributes['axis']}; only 1 is supported.")
        if len(self.shape) == 1:
            return  # vectors, or images of one pixel after a global pooling: nothing changes
        if node.op_type == "Squeeze":
            raise InputError(f"{where} does not follow a global pooling, the only place supported.")
        if self.nchw and min(channels, height * width) > 1:
            places = np.arange(math.prod(self.shape)).reshape(channels, height, width)
            self.order = places.transpose(1, 2, 0).ravel()
        self._append(Flatten(self._name(node, "flatten")))

    def _conv(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        self._images(where)
        kernel = self._constant(node, 1, where)
        bias = self._constant(node, 2, where) if len(node.input) > 2 else None
        if kernel.ndim != 4:
            raise InputError(f"{where} has a kernel of shape {kernel.shape}; expected OIHW.")
        name, strides = self._name(node, "conv"), tuple(attributes.get("strides", (1, 1)))
        padding, amounts = padding_of(attributes, self.shape, kernel.shape[2:], strides, where)
        if amounts is not None:
            self._append(ZeroPad(f"{name}_pad", amounts))
        self._append(
            Conv(name, kernel.transpose(2, 3, 1, 0), bias, strides=strides, padding=padding)
        )

    def _pool(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        self._images(where)
        kind = MaxPool if node.op_type == "MaxPool" else AvgPool
        window = tuple(attributes["kernel_shape"])
        strides = tuple(attributes.get("strides", (1, 1)))
        padding, amounts = padding_of(attributes, self.shape, window, strides, where)
        if amounts is not None or (padding == "same" and attributes.get("count_include_pad", 0)):
            raise InputError(
                f"{where} pads by {attributes.get('pads')}; only none or SAME is supported."
            )
        self._append(kind(self._name(node, kind.kind), window, strides, padding))

    def _global_pool(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        self._images(where)
        self._append(GlobalAvgPool(self._name(node, "global_avg_pool")))

    def _dense(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        kernel = self._constant(node, 1, where)
        if kernel.ndim != 2 or len(self.shape) != 1:
            raise InputError(
                f"{where} takes {self.shape} by {kernel.shape}; expected vectors by a matrix."
            )
        kernel = kernel.T if attributes.get("transB", 0) else kernel
        bias = self._constant(node, 2, where).ravel() if len(node.input) > 2 else None
        self._append(Dense(self._name(node, "dense"), self._ordered(kernel), bias))
        self.order = None

    def _ordered(self, values: np.ndarray) -> np.ndarray:
        if self.order is None or len(values) != len(self.order):
            return values
        return values[self.order]

    def _bias(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        constant = next(
            (place for place in (0, 1) if node.input[place] in self.chain.constants), -1
        )
        last = self.layers[-1] if self.layers else None
        if constant < 0 or not isinstance(last, Conv | Dense) or np.any(np.asarray(last.bias[...])):
            raise InputError(f"{where} is not the bias of a convolution or dense layer before it.")
        bias = self._constant(node, constant, where)
        wanted = (self.shape[-1],) + (1, 1) * (len(self.shape) == 3)
        if bias.shape[-len(wanted) :] != wanted or bias.size != self.shape[-1]:
            raise InputError(
                f"{where} adds the shape {bias.shape}; expected one number per channel."
            )
        last.bias[...] = bias.ravel()

    def _batch_norm(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        if len(self.shape) == 3:
            self._images(where)
        values = [self._ordered(self._constant(node, place, where)) for place in range(1, 5)]
        epsilon = attributes.get("epsilon", 1e-5)
        self._append(BatchNorm(self._name(node, "batch_norm"), *values, epsilon=epsilon))

    def _pad(self, node: Any, attributes: dict[str, Any], where: str) -> None:
        self._images(where)
        pads = attributes.get("pads")
        pads = self._constant(node, 1, where) if pads is None else np.asarray(pads)
        value = self._constant(node, 2, where) if len(node.input) > 2 and node.input[2] else 0
        if (
            attributes.get("mode", b"constant") != b"constant"
            or np.any(value)
            or len(pads) != 8
            or np.any(pads[[0, 1, 4, 5]])
        ):
            raise InputError(
                f"{where} does more than put zeros around images, which is all that is supported."
            )
        amounts = ((int(pads[2]), int(pads[6])), (int(pads[3]), int(pads[7])))
        self._append(ZeroPad(self._name(node, "zero_pad"), amounts))
