"""What becomes of the axes of a tensor whose values are laid out anew."""

from dataclasses import dataclass
from math import prod

from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import normal_arguments

REARRANGING = ("Reshape", "Flatten", "Permute")
"""Layers that keep every value and change nothing but the axes."""
UNKNOWN = 2**61 - 1
"""Stands for a size that is not known: a prime beyond every size, so that no product of others is it."""


@dataclass(frozen=True)
class Regrouping:
    """Neighbouring axes that become other neighbouring axes of as many values, as few as can be.

    Args:
        before: positions of the axes before, the batch being 0; none of size 1.
        after: positions of the axes after.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def keeps(self) -> bool:
        """One axis stays one axis."""
        return len(self.before) == len(self.after) == 1

    @property
    def joins(self) -> bool:
        """Several axes become one."""
        return len(self.before) > 1 and len(self.after) == 1

    @property
    def mixes(self) -> bool:
        """Several axes become several others, none of which is one of theirs."""
        return len(self.before) > 1 and len(self.after) > 1


def regroupings(before: Shape, after: Shape) -> tuple[Regrouping, ...]:
    """How axes become those of another shape of as many values, laid out in the same order.

    Axes of size 1 come and go and are left out. As many unknown sizes on both sides, beside as many
    values, are taken for the same sizes; else all axes make one group.

    Args:
        before: a shape, batch first.
        after: a shape of as many values an example.
    """
    old, new = (
        [(k, UNKNOWN if size is None else size) for k, size in enumerate(shape) if k and size != 1]
        for shape in (before, after)
    )
    if prod(size for _, size in old) != prod(size for _, size in new):
        return (Regrouping(tuple(k for k, _ in old), tuple(k for k, _ in new)),)
    groups: list[Regrouping] = []
    while old and new:
        have, want, i, j = old[0][1], new[0][1], 1, 1
        while have != want:
            if have < want:
                have, i = have * old[i][1], i + 1
            else:
                want, j = want * new[j][1], j + 1
        groups.append(Regrouping(tuple(k for k, _ in old[:i]), tuple(k for k, _ in new[:j])))
        old, new = old[i:], new[j:]
    return tuple(groups)


def order_of_axes(layer: LayerSpec) -> tuple[int, ...] | None:
    """The order in which a Permute puts the axes of its input; None for another layer."""
    arguments = normal_arguments(layer)
    if layer.type != "Permute" or not isinstance(arguments, dict):
        return None
    return tuple(arguments["dims"])


def reorders(order: tuple[int, ...], given: Shape) -> bool:
    """Whether axes of more than one value come in another order."""
    real = [axis for axis in order if given[axis] != 1]
    return real != sorted(real)


def keeps_first_axis(layer: LayerSpec, given: Shape, output: Shape) -> bool:
    """Whether the first axis after the batch is the same axis in the output of a layer."""
    if len(given) < 3 or len(output) < 3 or given[1] != output[1]:
        return False
    order = order_of_axes(layer)
    if order is not None:
        return order[0] == 1
    if layer.type in REARRANGING:
        return given[1] == 1 or Regrouping((1,), (1,)) in regroupings(given, output)
    return True
