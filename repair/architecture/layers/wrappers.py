"""Layers around layers: TimeDistributed, Bidirectional, RNN around cells, Sequential."""

from collections.abc import Callable

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers.arguments import Argument, choice, optional
from repair.architecture.layers.recurrent import (
    LOOP,
    STATES,
    check_initial_states,
    recurrent_output_shape,
)
from repair.architecture.layers.space import too_few_dimensions
from repair.architecture.layers.table import Arguments, Inferred, LayerType, Outputs
from repair.architecture.rules import Rules

Apply = Callable[[LayerSpec, tuple[Shape, ...], Rules], Inferred]
LOOPS = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
CELLS = tuple(f"{name}Cell" for name in STATES)


def _inside(diagnostic: Diagnostic, layer: LayerSpec) -> Diagnostic:
    return diagnostic._replace(text=f"wraps {layer.type}, which {diagnostic.text}")


def wrappers(apply: Apply) -> tuple[LayerType, ...]:
    """The entries of wrapping layers; `apply` infers any layer of the table."""

    def chain(layers: tuple[LayerSpec, ...], shape: Shape, rules: Rules) -> Inferred:
        output: Inferred = shape
        for layer in layers:
            if isinstance(output, Outputs):
                return Diagnostic(
                    ErrorKind.TYPE, f"passes several outputs on to {layer.type}", "one output"
                )
            output = apply(layer, (output,), rules)  # type: ignore[arg-type]
            if isinstance(output, Diagnostic):
                rest = output.plausible
                following = layers[layers.index(layer) + 1 :]
                if rest is not None and following:
                    more = chain(following, rest, rules.below_error)
                    rest = more if not isinstance(more, Diagnostic | Outputs) else None
                return _inside(output, layer)._replace(plausible=rest)
        return output

    def sequential(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        return chain(a["inner"], shapes[0], rules)

    def distributed(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) < 3:
            return too_few_dimensions(shape, 3)
        step = apply(a["inner"][0], ((shape[0], *shape[2:]),), rules)
        if isinstance(step, Outputs):
            return Diagnostic(
                ErrorKind.TYPE, "wraps a layer of several outputs", "a layer of one output"
            )
        if isinstance(step, Diagnostic):
            meant = step.plausible and (shape[0], shape[1], *step.plausible[1:])
            return _inside(step, a["inner"][0])._replace(plausible=meant)
        return (shape[0], shape[1], *step[1:])

    def bidirectional(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        forward = a["inner"][0]
        for layer in a["inner"]:
            if layer.type not in LOOPS:
                return Diagnostic(
                    ErrorKind.TYPE,
                    f"wraps {layer.type}: expected a recurrent layer",
                    f"one of {', '.join(LOOPS)}",
                )
        if len(a["inner"]) == 2:
            settled = [dict(layer.arguments) for layer in a["inner"]]
            for name in ("stateful", "return_sequences", "return_state"):
                if bool(settled[0].get(name)) != bool(settled[1].get(name)):
                    return Diagnostic(
                        ErrorKind.ARGUMENT,
                        f"wraps two layers of which only one has {name}",
                        f"equal {name}",
                        argument=name,
                    )
            if bool(settled[0].get("go_backwards")) == bool(settled[1].get("go_backwards")):
                return Diagnostic(
                    ErrorKind.ARGUMENT,
                    "wraps two layers that read in the same direction",
                    "go_backwards=True on the second",
                    argument="go_backwards",
                )
        both = [apply(layer, shapes, rules) for layer in (forward, a["inner"][-1])]
        for inferred in both:
            if isinstance(inferred, Diagnostic):
                return _inside(inferred, forward)._replace(
                    plausible=_merged(a["merge_mode"], inferred.plausible)
                )
        outputs = [
            inferred.shapes if isinstance(inferred, Outputs) else (inferred,) for inferred in both
        ]
        states = (*outputs[0][1:], *outputs[1][1:])
        if a["merge_mode"] is None:
            return Outputs((outputs[0][0], outputs[1][0], *states))  # type: ignore[arg-type]
        if a["merge_mode"] != "concat" and outputs[0][0] != outputs[1][0]:
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"merges {shape_text(outputs[0][0])} and {shape_text(outputs[1][0])} by "  # type: ignore[arg-type]
                f"{a['merge_mode']!r}",
                "equal shapes, or merge_mode='concat'",
                outputs[0][0],  # type: ignore[arg-type]
                "merge_mode",
            )
        merged = outputs[0][0]
        if a["merge_mode"] == "concat":
            merged = (*merged[:-1], _sum(merged[-1], outputs[1][0][-1]))  # type: ignore
        return Outputs((merged, *states)) if states else merged  # type: ignore

    def recurrent(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) < 3:
            return too_few_dimensions(shape, 3)
        step: Shape = (shape[0], *shape[2:])
        states: list[Shape] = []
        for cell in a["inner"]:
            if cell.type not in CELLS:
                return Diagnostic(
                    ErrorKind.TYPE,
                    f"wraps {cell.type}: expected a cell",
                    f"one of {', '.join(CELLS)}",
                )
            inferred = apply(cell, (step,), rules)
            if isinstance(inferred, Diagnostic):
                return _inside(inferred, cell)
            step = inferred  # type: ignore[assignment]
            states += [step] * STATES[cell.type.removesuffix("Cell")]
        bad = check_initial_states(shapes, tuple(states))
        return bad or recurrent_output_shape(a, shape, step, tuple(states), rules)

    return (
        LayerType("Sequential", sequential, inner=(1, None)),
        LayerType("TimeDistributed", distributed, inner=(1, 1)),
        LayerType(
            "Bidirectional",
            bidirectional,
            {
                "merge_mode": Argument(
                    optional(choice("sum", "mul", "ave", "concat")), "concat", editable=True
                )
            },
            inputs=(1, 5),
            inner=(1, 2),
        ),
        LayerType("RNN", recurrent, LOOP, inputs=(1, None), inner=(1, None)),
    )


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _merged(mode: str | None, plausible: Shape | None) -> Shape | None:
    if plausible is None or mode is None:
        return None
    if mode != "concat":
        return plausible
    return (*plausible[:-1], _sum(plausible[-1], plausible[-1]))
