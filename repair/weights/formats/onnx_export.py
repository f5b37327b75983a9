"""A network written as an ONNX graph (opset 13) with the same outputs."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from repair.errors import InputError
from repair.weights.atomic import replaced
from repair.weights.formats.onnx_chain import parsed
from repair.weights.formats.onnx_operators import ELEMENTWISE, TO_NCHW, TO_NHWC
from repair.weights.formats.scale import SCALE_NOTE
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
from repair.weights.network.network import Network
from repair.weights.source import SourceFile

OPSET, IR_VERSION = 13, 7
OPERATORS = {function: operator for operator, function in ELEMENTWISE.items()}


def save_like(network: Network, source: SourceFile, path: Path) -> None:
    """Write a network that was loaded from the ONNX file `source`: the input and the output keep their names."""
    graph = parsed(source).graph
    constants = {tensor.name for tensor in graph.initializer}
    entry = next(value.name for value in graph.input if value.name not in constants)
    save(network, path, (entry, graph.output[0].name))


def save(network: Network, path: Path, names: tuple[str, str] | None = None) -> None:
    """Write a network as ONNX, its input in the scale that the network was trained on.

    Args:
        network: any; its layers give the operators their names.
        path: the file.
        names: of input and output; None: "images", and "logits" or, after a softmax, "probabilities". The input is
            (N, H, W, C), or (N, C, H, W) for `channels_first`.
    """
    entry, output = names or ("images", "probabilities" if network.softmax else "logits")
    height_width_channels = network.input_shape
    images = len(height_width_channels) == 3
    sizes = (
        [height_width_channels[i] for i in (2, 0, 1)]
        if network.channels_first and images
        else height_width_channels
    )
    nodes: list[Any] = []
    constants: list[Any] = []
    nchw = network.channels_first

    def add(operator: str, name: str, *values: np.ndarray, **attributes: Any) -> None:
        inputs = [nodes[-1].output[0] if nodes else entry]
        for place, value in enumerate(values):
            constants.append(
                numpy_helper.from_array(np.asarray(value), f"{name}/{operator}/{place}")
            )
            inputs.append(constants[-1].name)
        output = f"{name}/{operator}:0"
        nodes.append(
            helper.make_node(operator, inputs, [output], f"{name}/{operator}", **attributes)
        )

    for layer, shape in zip(network.layers, network.shapes, strict=False):
        if len(shape) == 3 and nchw == isinstance(layer, Flatten):
            nchw = not nchw
            add("Transpose", f"{layer.name}/layout", perm=TO_NCHW if nchw else TO_NHWC)
        _write(add, layer)
    if network.softmax:
        add("Softmax", "softmax", axis=1)
    nodes[-1].output[0] = output
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(entry, TensorProto.FLOAT, ["N", *sizes])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", network.classes])],
        constants,
    )
    model = helper.make_model(
        graph,
        producer_name="repairbench",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {SCALE_NOTE: network.scale})
    onnx.checker.check_model(model)
    with replaced(Path(path)) as draft:
        draft.write_bytes(model.SerializeToString(deterministic=True))


def _write(add: Any, layer: Layer) -> None:
    arrays = {key: np.asarray(value) for key, value in layer.arrays().items()}
    match layer:
        case Dense():
            add("Gemm", layer.name, arrays["kernel"], arrays["bias"])
        case Conv():
            kernel = arrays["kernel"].transpose(3, 2, 0, 1)
            pads = _pads(layer.padding)
            add("Conv", layer.name, kernel, arrays["bias"], strides=layer.strides, **pads)
        case MaxPool() | AvgPool():
            operator = "MaxPool" if isinstance(layer, MaxPool) else "AveragePool"
            pads = _pads(layer.padding)
            add(operator, layer.name, kernel_shape=layer.window, strides=layer.strides, **pads)
        case Activation():
            add(OPERATORS[layer.function], layer.name)
        case BatchNorm():
            add("BatchNormalization", layer.name, *arrays.values(), epsilon=layer.epsilon)
        case ZeroPad():
            (top, bottom), (left, right) = layer.amounts
            add("Pad", layer.name, np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
        case GlobalAvgPool():
            add("GlobalAveragePool", layer.name)
            add("Flatten", layer.name)
        case Flatten():
            add("Flatten", layer.name)
        case _:
            raise InputError(
                f"layer {layer.name!r} ({layer.kind}) has no counterpart in ONNX files."
            )


def _pads(padding: str) -> dict[str, str]:
    return {"auto_pad": "SAME_UPPER" if padding == "same" else "VALID"}
