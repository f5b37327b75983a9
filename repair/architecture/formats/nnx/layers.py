"""Layers as Flax NNX source: what __init__ constructs and what __call__ computes.

Follows Keras's semantics with channels last; activations are not written here. Layers that NNX has
no counterpart for are refused by name.
"""

from collections.abc import Mapping

from repair.architecture.errors import Diagnostic
from repair.architecture.formats.nnx.computed import COMPUTED
from repair.architecture.formats.nnx.weighted import WEIGHTED
from repair.architecture.formats.nnx.writers import LayerToWrite, NNXCode, Writer, activated
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import normal_arguments
from repair.errors import InputError


def nnx_code(
    layer: LayerSpec, shapes: tuple[Shape, ...], inputs: tuple[str, ...], attribute: str
) -> NNXCode:
    """The source of a layer, its own activation included.

    Args:
        layer: a layer that accepts the shapes.
        shapes: the shapes of its inputs, batch first.
        inputs: the expressions of its inputs.
        attribute: the attribute for what it keeps, such as "self.dense".

    Raises:
        InputError: NNX has no counterpart of the layer, or of one of its arguments.
    """
    arguments = normal_arguments(layer)
    if isinstance(arguments, Diagnostic):
        raise InputError(f"{layer.type} {arguments.text}.")
    writer = WRITERS.get(layer.type)
    if writer is None or arguments.get("data_format") == "channels_first":
        what = f"{layer.type} with channels first" if writer else layer.type
        raise InputError(f"Flax NNX has no counterpart of {what}: choose --to keras.")
    code = writer(LayerToWrite(arguments, shapes, inputs, attribute, layer))
    applies = layer.type not in ("Activation", "SimpleRNN", "LSTM", "GRU")
    if applies and arguments.get("activation") not in (None, "linear"):
        return code._replace(call=activated(str(arguments["activation"]), code.call))
    return code


def _recurrent(layer: LayerToWrite) -> NNXCode:
    cell = {"SimpleRNN": "SimpleCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}[layer.spec.type]
    written = {"activation": "tanh"} | (
        {} if layer.spec.type == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    )
    odd = [name for name, value in written.items() if layer.a[name] != value]
    if layer.a["return_state"] or odd or len(layer.x) > 1:
        what = odd[0] if odd else "return_state" if layer.a["return_state"] else "initial states"
        raise InputError(
            f"{layer.spec.type} with {what} is not written for NNX: choose --to keras."
        )
    reverse = ", reverse=True" if layer.a["go_backwards"] else ""
    init = f"nnx.RNN(nnx.{cell}({layer.shapes[0][-1]}, {layer.a['units']}, rngs=rngs){reverse})"
    return NNXCode(
        f"{layer.attribute}({layer.x[0]})" + ("" if layer.a["return_sequences"] else "[:, -1]"),
        {"": init},
    )


def _bidirectional(layer: LayerToWrite) -> NNXCode:
    forward = layer.spec.inner[0]
    if forward.type not in ("SimpleRNN", "LSTM", "GRU") or len(layer.spec.inner) > 1:
        raise InputError(f"Bidirectional around {forward.type} is not written for NNX.")
    if layer.a["merge_mode"] is None:
        raise InputError("Bidirectional with merge_mode=None is not written for NNX.")
    ahead = nnx_code(forward, layer.shapes, layer.x, layer.attribute)
    back = nnx_code(
        forward.change(go_backwards=True), layer.shapes, layer.x, layer.attribute + "_back"
    )
    turned = "[:, ::-1]" if forward.arguments.get("return_sequences") else ""
    both = (ahead.call, back.call + turned)
    merged = {
        "concat": f"jnp.concatenate([{both[0]}, {both[1]}], axis=-1)",
        "sum": f"{both[0]} + {both[1]}",
        "mul": f"{both[0]} * {both[1]}",
        "ave": f"({both[0]} + {both[1]}) / 2",
    }[layer.a["merge_mode"]]
    return NNXCode(merged, {"": ahead.init[""], "_back": back.init[""]})


def _distributed(layer: LayerToWrite) -> NNXCode:
    shape = layer.shapes[0]
    inner = nnx_code(layer.spec.inner[0], ((None, *shape[2:]),), ("step",), layer.attribute)
    if inner.init.keys() - {""}:
        raise InputError(
            f"TimeDistributed around {layer.spec.inner[0].type} is not written for NNX."
        )
    return NNXCode(f"jax.vmap(lambda step: {inner.call}, 1, 1)({layer.x[0]})", inner.init)


def _attention(layer: LayerToWrite) -> NNXCode:
    a = layer.a
    odd = a["value_dim"] not in (None, a["key_dim"]) or a["attention_axes"] not in (None, (1,))
    query, value, key = (*layer.shapes, layer.shapes[1])[:3]
    if odd or a["output_shape"] is not None or len(query) != 3 or value[-1] != key[-1]:
        raise InputError("MultiHeadAttention with these arguments is not written for NNX.")
    bias = "" if a["use_bias"] else ", use_bias=False"
    init = (
        f"nnx.MultiHeadAttention({a['num_heads']}, {query[-1]}, {a['num_heads'] * a['key_dim']}, "
        f"{query[-1]}, in_kv_features={value[-1]}{bias}, decode=False, rngs=rngs)"
    )
    xs = (layer.x[0], layer.x[2] if len(layer.x) > 2 else layer.x[1], layer.x[1])
    return NNXCode(f"{layer.attribute}({', '.join(xs)})", {"": init})


WRITERS: Mapping[str, Writer] = {
    **WEIGHTED,
    **COMPUTED,
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Bidirectional": _bidirectional,
    "TimeDistributed": _distributed,
    "MultiHeadAttention": _attention,
}
"""All layers that are written, by Keras name."""
