"""What may be done at a layer of several inputs: which shapes its inputs are brought to."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, product
from math import prod
from typing import NamedTuple

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import Outputs, infer
from repair.architecture.rules import Rules
from repair.architecture.search.choices.edits_in_place import edits_in_place
from repair.architecture.search.choices.factorizations import factorizations
from repair.architecture.search.choices.weights import fit_weights

ELEMENTWISE = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
MOST_TARGETS = 96
ADD = LayerSpec("Add")


class MergeOption(NamedTuple):
    """Input shapes with which a layer is valid, as it stands or edited: packed cost, layer, output."""

    cost: int
    layer: LayerSpec
    shapes: tuple[Shape, ...]
    output: Shape | Outputs


def candidate_inputs(
    layer: LayerSpec,
    given: Sequence[Sequence[Shape]],
    rules: Rules,
    guided: tuple[tuple[Shape, ...], ...] = (),
) -> Iterable[tuple[Shape, ...]]:
    """Input shapes with which the layer may be valid, as it stands or edited.

    Args:
        layer: the layer.
        given: for each input, the shapes that it can have, cheapest first.
        rules: the rule set.
        guided: combinations of the relaxed solution, to try besides the likely ones.
    """
    return dict.fromkeys(chain(guided, _likely(layer, given, rules)))


@lru_cache(maxsize=1 << 15)
def merge_options(
    layer: LayerSpec,
    shapes: tuple[Shape, ...],
    rules: Rules,
    target_shapes: tuple[Shape, ...],
    editable: bool,
) -> tuple[MergeOption, ...]:
    """The layer as it stands, and edited in position, for these inputs.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs.
        rules: the rule set.
        target_shapes: outputs that its reader would take.
        editable: whether the layer itself may change.
    """
    options = []
    unchanged = fit_weights(layer, shapes, rules)
    if not isinstance(unchanged, Diagnostic):
        options.append(MergeOption(unchanged.cost, unchanged.layer, shapes, unchanged.output))
    editable = editable and layer.type not in ELEMENTWISE  # they have nothing to edit
    if editable and (isinstance(unchanged, Diagnostic) or target_shapes):
        options += [
            MergeOption(c.cost, c.layer, shapes, c.output)
            for c in edits_in_place(layer, shapes, rules, target_shapes)
        ]
    return tuple(options)


def _likely(
    layer: LayerSpec, given: Sequence[Sequence[Shape]], rules: Rules
) -> Iterator[tuple[Shape, ...]]:
    few = [list(shapes)[: 6 if len(given) == 2 else 2] for shapes in given]
    equal = layer.type in ELEMENTWISE and rules.strict
    if len(given) <= 6 and not equal:
        yield from product(*few)
    everything = tuple(dict.fromkeys(shape for shapes in given for shape in shapes))
    if layer.type in ELEMENTWISE:
        for target in everything[:MOST_TARGETS]:
            yield tuple(_broadcasting(shapes, target, rules) for shapes in given)
            if not rules.strict:
                yield (target,) * len(given)
    elif layer.type == "Concatenate":
        yield from _joined(layer, given, everything)
    elif layer.type == "Dot":
        yield from _multiplied(layer, given)
    else:
        yield from _like_the_others(given)


def _broadcasting(shapes: Sequence[Shape], target: Shape, rules: Rules) -> Shape:
    """The target, or the first shape that broadcasts to it as it stands."""
    if not rules.strict:
        for shape in shapes:
            if infer(ADD, (target, shape), rules) == target:
                return shape
    return target


def _joined(
    layer: LayerSpec, given: Sequence[Sequence[Shape]], everything: tuple[Shape, ...]
) -> Iterator[tuple[Shape, ...]]:
    """All inputs like one of them but on the axis along which they are joined, or alike: for another axis."""
    axis = layer.arguments.get("axis", -1)
    for target in everything[:MOST_TARGETS]:
        if isinstance(axis, int) and -len(target) <= axis < len(target) and axis % len(target):
            position = axis % len(target)
            yield tuple(
                next(
                    (
                        (*target[:position], shape[position], *target[position + 1 :])
                        for shape in shapes
                        if len(shape) == len(target)
                    ),
                    target,
                )
                for shapes in given
            )
        yield (target,) * len(given)


def _multiplied(layer: LayerSpec, given: Sequence[Sequence[Shape]]) -> Iterator[tuple[Shape, ...]]:
    """One input as it is, or folded to a rank that Dot takes; the other with an equal axis."""
    axes = layer.arguments.get("axes")
    both = axes if isinstance(axes, tuple) and len(axes) == 2 else (axes, axes)
    forms = [[form for shape in shapes[:6] for form in _forms(shape)] for shapes in given]
    for mine in (0, 1):
        for shape in forms[mine][:10]:
            others = [shape]
            for other in forms[1 - mine][:10]:
                i, j = both[mine], both[1 - mine]
                if isinstance(i, int) and isinstance(j, int) and i < len(shape) and j < len(other):
                    others.append((*other[:j], shape[i], *other[j + 1 :]))
            yield from ((o, shape) if mine else (shape, o) for o in dict.fromkeys(others))


def _forms(shape: Shape) -> list[Shape]:
    """The shape if Dot takes its rank; else flattened, and folded to three dimensions."""
    if None in shape[1:] or len(shape) in (2, 3):
        return [shape]
    sizes: tuple[int, ...] = shape[1:]  # type: ignore[assignment]
    folds = factorizations(prod(sizes), 2) if prod(sizes) <= 64 else ()
    return [(shape[0], prod(sizes)), *((shape[0], *fold) for fold in folds)]


def _like_the_others(given: Sequence[Sequence[Shape]]) -> Iterator[tuple[Shape, ...]]:
    """Each input of the rank, and of the last size, of another one."""
    firsts = tuple(shapes[0] for shapes in given if shapes)
    if len(firsts) < len(given):
        return
    for target in dict.fromkeys(firsts):
        yield (target,) * len(given)
        same = tuple((*s[:-1], target[-1]) if len(s) == len(target) else target for s in firsts)
        yield same
        yield tuple(
            (*target[:1], *s[1:-1], target[-1])
            if len(s) == len(target)
            else (target[0], *s[1:], *(1,) * (len(target) - 1 - len(s)), target[-1])
            if len(s) < len(target)
            else target
            for s in firsts
        )
