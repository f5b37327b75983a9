"""Pooling over windows and over everything."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    choice,
    flag,
    optional,
    sizes,
)
from repair.architecture.layers.space import in_either_data_format, sliding_window_size, wrong_rank
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def _pooling(stem: str, rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != rank + 2:
            return wrong_rank(shape, rank + 2, (shape[0], *(None,) * rank, shape[-1]))
        strides = a["strides"] or a["pool_size"]
        space = tuple(
            map(sliding_window_size, shape[1:-1], a["pool_size"], strides, (a["padding"],) * rank)
        )
        output = (shape[0], *space, shape[-1])
        if any(size is not None and size < 1 for size in space):
            return Diagnostic(
                ErrorKind.POOL,
                f"has pool_size={a['pool_size']}, larger than its input {shape_text(shape)}",
                f"a pool within {shape_text(shape)}, or padding='same'",
                tuple(1 if size is not None and size < 1 else size for size in output),
                "pool_size",
            )
        return output

    arguments = {
        "pool_size": Argument(sizes(rank), (2,) * rank, editable=True),
        "strides": Argument(optional(sizes(rank)), None, editable=True),
        "padding": Argument(choice("valid", "same"), "valid", editable=True),
        "data_format": DATA_FORMAT,
    }
    return in_either_data_format(
        LayerType(
            f"{stem}Pooling{rank}D",
            infer,
            arguments,
            rank=rank + 2,
            variants={k: f"{stem}Pooling{k}D" for k in (1, 2, 3)},
        )
    )


def _global(stem: str, rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        kept = (1,) * rank if a["keepdims"] else ()
        output = (shape[0], *kept, shape[-1])
        return output if len(shape) == rank + 2 else wrong_rank(shape, rank + 2, output)

    def infer_first(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if a["data_format"] != "channels_first" or len(shape) != rank + 2:
            return infer(a, shapes, rules)
        return (*shape[:2], *((1,) * rank if a["keepdims"] else ()))

    arguments = {"data_format": DATA_FORMAT, "keepdims": Argument(flag, False, editable=True)}
    return LayerType(
        f"Global{stem}Pooling{rank}D",
        infer_first,
        arguments,
        rank=rank + 2,
        variants={k: f"Global{stem}Pooling{k}D" for k in (1, 2, 3)},
    )


POOLING = tuple(
    make(stem, rank)
    for make in (_pooling, _global)
    for stem in ("Average", "Max")
    for rank in (1, 2, 3)
)
