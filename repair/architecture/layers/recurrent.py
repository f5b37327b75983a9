"""Recurrent layers and their cells; RNN around cells is in `wrappers`."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    activation,
    choice,
    flag,
    number,
    size,
    sizes,
)
from repair.architecture.layers.convolution import convolution_output_shape, strides_and_dilation
from repair.architecture.layers.space import unknown_size, wrong_rank
from repair.architecture.layers.table import Arguments, Inferred, LayerType, Outputs
from repair.architecture.rules import Rules

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
LOOP = {
    "return_sequences": Argument(flag, False, editable=True),
    "return_state": Argument(flag, False),
    "go_backwards": Argument(flag, False),
    "stateful": Argument(flag, False),
    "unroll": Argument(flag, False),
    "zero_output_for_mask": Argument(flag, False),
}


def recurrent_output_shape(
    a: Arguments, shape: Shape, step: Shape, states: tuple[Shape, ...], rules: Rules
) -> Inferred:
    """Output of a loop over axis 1 whose step yields `step` and keeps `states`."""
    output = (shape[0], shape[1], *step[1:]) if a["return_sequences"] else (shape[0], *step[1:])
    if a["stateful"] and shape[0] is None and not rules.lenient:
        return Diagnostic(
            ErrorKind.ARGUMENT,
            "has stateful=True, which needs a fixed batch size",
            "Input(batch_size=...) or stateful=False",
            output,
            "stateful",
        )
    if a.get("unroll") and shape[1] is None and not rules.lenient:
        return Diagnostic(
            ErrorKind.ARGUMENT,
            "has unroll=True, which needs a fixed number of steps",
            "a fixed number of steps or unroll=False",
            output,
            "unroll",
        )
    return Outputs((output, *states)) if a["return_state"] else output


def check_initial_states(shapes: tuple[Shape, ...], states: tuple[Shape, ...]) -> Diagnostic | None:
    """The diagnostic of given initial states that are not of the layer's state shapes."""
    given = shapes[1:]
    fits = len(given) == len(states) and all(
        len(x) == len(y) and all(a == b or None in (a, b) for a, b in zip(x, y, strict=True))
        for x, y in zip(given, states, strict=True)
    )
    if not given or fits:
        return None
    return Diagnostic(
        ErrorKind.INPUT_SHAPES,
        f"gets the initial states {' and '.join(map(shape_text, given))}: its states are "
        f"{' and '.join(map(shape_text, states))}",
        f"states of {' and '.join(map(shape_text, states))}",
    )


def _cell_arguments(name: str) -> dict[str, Argument]:
    gated = {"recurrent_activation": activation("sigmoid")} if name != "SimpleRNN" else {}
    specific = {
        "LSTM": {"unit_forget_bias": Argument(flag, True)},
        "GRU": {"reset_after": Argument(flag, True)},
    }
    return {
        "units": Argument(size(), editable=True, width=True),
        "activation": activation("tanh"),
        **gated,
        "use_bias": Argument(flag, True),
        **specific.get(name, {}),
        "dropout": Argument(number(), 0.0),
        "recurrent_dropout": Argument(number(), 0.0),
    }


def _recurrent(name: str) -> tuple[LayerType, LayerType]:
    gates, count = GATES[name], STATES[name]

    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        units = a["units"]
        wide: Shape = (2, gates * units) if a.get("reset_after") else (gates * units,)
        bias = {"bias": wide} if a["use_bias"] else {}
        kernels: dict[str, Shape] = {
            "kernel": (shapes[0][-1], gates * units),
            "recurrent_kernel": (units, gates * units),
        }
        return kernels | bias

    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != 3:
            middle = (None,) if a["return_sequences"] else ()
            return wrong_rank(shape, 3, (shape[0], *middle, a["units"]))
        if shape[-1] is None and not rules.lenient:
            return unknown_size(shape, "feature")
        state = (shape[0], a["units"])
        bad = check_initial_states(shapes, (state,) * count)
        return bad or recurrent_output_shape(a, shape, state, (state,) * count, rules)

    def step(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != 2:
            return wrong_rank(shape, 2, (shape[0], a["units"]))
        if shape[-1] is None and not rules.lenient:
            return unknown_size(shape, "feature")
        return (shape[0], a["units"])

    cell, inputs = _cell_arguments(name), (1, 1 + count)
    kinds = (ErrorKind.WEIGHT_DIMENSION, ErrorKind.ARGUMENT)
    return (
        LayerType(name, infer, cell | LOOP, weights, inputs, rank=3, weight_kinds=kinds),
        LayerType(f"{name}Cell", step, cell, weights, inputs, rank=2, weight_kinds=kinds),
    )


def _conv_lstm(rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        first = a["data_format"] == "channels_first"
        shape = shapes[0]
        if len(shape) != rank + 3:
            middle = (None,) * (rank + 1 if a["return_sequences"] else rank)
            plausible = None if first else (shape[0], *middle, a["filters"])
            return Diagnostic(
                ErrorKind.DIMENSION,
                f"needs an input of {rank + 3} dimensions (batch, steps, {rank} spatial, "
                f"channels) but gets {shape_text(shape)}, which has {len(shape)}",
                f"{rank + 3} dimensions",
                plausible,
            )
        frame = (shape[0], *shape[3:], shape[2]) if first else (shape[0], *shape[2:])
        if None in frame[1:] and not rules.lenient:
            return unknown_size(shape, "every spatial and channel")
        step = convolution_output_shape(a, frame, a["filters"])
        step = strides_and_dilation(a, step) or step
        if isinstance(step, Diagnostic):
            steps = (shape[1],) if a["return_sequences"] else ()
            return step._replace(
                plausible=None if first else (shape[0], *steps, *plausible_sizes(step))
            )
        state = (step[0], step[-1], *step[1:-1]) if first else step
        bad = check_initial_states(shapes, (state, state))
        return bad or recurrent_output_shape(a, shape, state, (state, state), rules)

    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        channels = shapes[0][2 if a["data_format"] == "channels_first" else -1]
        wide = 4 * a["filters"]
        bias: dict[str, Shape] = {"bias": (wide,)} if a["use_bias"] else {}
        kernels: dict[str, Shape] = {
            "kernel": (*a["kernel_size"], channels, wide),
            "recurrent_kernel": (*a["kernel_size"], a["filters"], wide),
        }
        return kernels | bias

    arguments = {
        "filters": Argument(size(), editable=True, width=True),
        "kernel_size": Argument(sizes(rank), editable=True),
        "strides": Argument(sizes(rank), (1,) * rank, editable=True),
        "padding": Argument(choice("valid", "same"), "valid", editable=True),
        "data_format": DATA_FORMAT,
        "dilation_rate": Argument(sizes(rank), (1,) * rank, editable=True),
        **{k: v for k, v in _cell_arguments("LSTM").items() if k != "units"},
        **{k: v for k, v in LOOP.items() if k not in ("unroll", "zero_output_for_mask")},
    }
    return LayerType(
        f"ConvLSTM{rank}D",
        infer,
        arguments,
        weights,
        inputs=(1, 3),
        rank=rank + 3,
        variants={k: f"ConvLSTM{k}D" for k in (1, 2, 3)},
    )


def plausible_sizes(step: Diagnostic) -> Shape:
    """Sizes of the step that was most likely meant, without the batch."""
    return step.plausible[1:] if step.plausible else ()


RECURRENT = (
    *(entry for name in GATES for entry in _recurrent(name)),
    *map(_conv_lstm, (1, 2, 3)),
)
