"""Cheapest chains of inserted layers that turn one shape into another.

Shapes here are sizes without the batch, all known. Two layers lead from any shape to any other: a
projection that leaves one place with as many channels as the target has values, then a reshape. Chains of one
layer are found by a case for each layer; of two layers, the cheapest through the shapes that one
layer reaches from both sides.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.layer import LayerSpec
from repair.architecture.search.choices.factorizations import Sizes, factorizations

AdapterStep = tuple[str, tuple[object, ...]]
"""A layer to insert: its type and the values that its arguments are made of."""


class AdapterChain(NamedTuple):
    """Layers to insert one after the other, and their packed cost."""

    cost: int
    steps: tuple[AdapterStep, ...]

    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers to insert, in order."""
        return tuple(_layer_of_step(kind, values) for kind, values in self.steps)


NO_ADAPTERS = AdapterChain(0, ())


@lru_cache(maxsize=1 << 17)
def cheapest_chain(source: Sizes, target: Sizes) -> AdapterChain:
    """The cheapest chain from `source` to `target`, sizes without the batch, at least one each."""
    if source == target:
        return NO_ADAPTERS
    one = single_adapter(source, target)
    if one is not None:
        return one
    two = _through(source, target, _middles(source, target))
    two = two or _through(source, target, _rearrangements(source, target))
    two = two or _through(source, target, [(*(1,) * (len(source) - 1), prod(target))])
    if two is not None:
        return two
    flat, last = (prod(source),), (prod(target),)  # more axes than convolutions values
    parts = [
        part for part in map(single_adapter, (source, flat, last), (flat, last, target)) if part
    ]
    return AdapterChain(sum(part.cost for part in parts), sum((part.steps for part in parts), ()))


@lru_cache(maxsize=1 << 17)
def single_adapter(source: Sizes, target: Sizes) -> AdapterChain | None:
    """The cheapest single layer from `source` to `target`; None: there is none."""
    step = _single_step(source, target)
    return None if step is None else AdapterChain(cost.EDIT + step[0], (step[1],))


def _single_step(s: Sizes, t: Sizes) -> tuple[int, AdapterStep] | None:
    if prod(s) == prod(t):
        return _rearranging_step(s, t)
    if len(s) == len(t):
        return _resizing_step(s, t)
    if len(s) == 1 and len(t) == 2 and t[1] == s[0]:
        return cost.REPEAT, ("RepeatVector", (t[0],))
    if len(t) == 1 and 2 <= len(s) <= 4 and t[0] == s[-1]:
        return cost.GLOBAL_POOL, (f"GlobalAveragePooling{len(s) - 1}D", ())
    return None


def _rearranging_step(s: Sizes, t: Sizes) -> tuple[int, AdapterStep]:
    if len(t) == 1:
        return cost.FLATTEN, ("Flatten", ())
    reordered = [size for size in s if size > 1] != [size for size in t if size > 1]
    if reordered and sorted(s) == sorted(t):
        order: list[int] = []
        for size in t:
            order.append(
                next(k for k, given in enumerate(s, 1) if given == size and k not in order)
            )
        return cost.PERMUTE, ("Permute", tuple(order))
    return cost.RESHAPE + _mixing_cost(s, t), ("Reshape", t)


def _mixing_cost(s: Sizes, t: Sizes) -> int:
    """How much a reshape mixes axes: axes of size 1 come and go for nothing."""
    before, after = ([size for size in sizes if size > 1] for sizes in (s, t))
    if before == after:
        ones = cost.ONES * max(len(t) - len(s) - 1, 0)
        return ones if t[-1] == 1 or s[-1] == t[-1] or s[-1] == 1 else cost.FOLD // 2
    if before[-1:] == after[-1:] or len(before) != len(after):
        return cost.FOLD
    return cost.MIX


def _resizing_step(s: Sizes, t: Sizes) -> tuple[int, AdapterStep] | None:
    rank = len(s) - 1
    space = tuple(zip(s[:-1], t[:-1], strict=True))
    if s[:-1] == t[:-1]:
        return cost.DENSE, ("Dense", (t[-1],))
    if not 1 <= rank <= 3:
        return None
    if s[-1] == t[-1]:
        if all(a <= b for a, b in space):
            if all(a > 1 and b % a == 0 for a, b in space):
                return cost.UPSAMPLE, (f"UpSampling{rank}D", tuple(b // a for a, b in space))
            return cost.PAD, (
                f"ZeroPadding{rank}D",
                tuple(((b - a) // 2, b - a - (b - a) // 2) for a, b in space),
            )
        if all(a >= b for a, b in space):
            if all(a % b == 0 for a, b in space):
                return cost.POOL, (f"MaxPooling{rank}D", tuple(a // b for a, b in space))
            return cost.CROP, (
                f"Cropping{rank}D",
                tuple(((a - b) // 2, a - b - (a - b) // 2) for a, b in space),
            )
    strides = tuple(_stride(a, b) for a, b in space)
    if None in strides or s[-1] == t[-1]:
        return None
    thrown = max(a // b for a, b in space)
    return cost.CONVOLUTION + 10 * thrown, (f"Conv{rank}D", (t[-1], strides))


def _stride(a: int, b: int) -> int | None:
    """The smallest stride by which a kernel of 1 takes `a` places to `b`."""
    if b > a:
        return None
    stride = 1 if b == a else (a - 1) // b + 1
    return stride if (a - 1) // stride + 1 == b else None


def _through(s: Sizes, t: Sizes, middles: list[Sizes]) -> AdapterChain | None:
    """The cheapest two layers from s to t through one of these shapes."""
    best = None
    for middle in middles:
        first = single_adapter(s, middle)
        second = single_adapter(middle, t) if first is not None else None
        if first is not None and second is not None:
            total = first.cost + second.cost
            if best is None or total < best.cost:
                best = AdapterChain(total, first.steps + second.steps)
    return best


def _middles(s: Sizes, t: Sizes) -> list[Sizes]:
    """Shapes through which two mild layers may lead from s to t."""
    values, target_values = prod(s), prod(t)
    middles: list[Sizes] = []
    if target_values % prod(s[:-1]) == 0:
        middles.append((*s[:-1], target_values // prod(s[:-1])))
    if values % prod(t[:-1]) == 0:
        middles.append((*t[:-1], values // prod(t[:-1])))
    if len(s) == len(t):
        middles += [(*s[:-1], t[-1]), (*t[:-1], s[-1])]
        for pick in (max, min):
            space = tuple(map(pick, s[:-1], t[:-1]))
            middles += [(*space, s[-1]), (*space, t[-1])]
    if len(t) == 1:
        middles.append((s[-1],))
    if len(s) > 1 and len(t) == 2:
        middles.append((s[-1],))
    return middles


def _rearrangements(s: Sizes, t: Sizes) -> list[Sizes]:
    """Reshape, then pad, crop or project to t; or pad or crop s, then reshape to t."""
    values, target_values = prod(s), prod(t)
    middles = []
    if 2 <= len(t) <= 4:
        middles += [u for u in factorizations(values, len(t)) if u[-1] == t[-1]]
    if 2 <= len(s) <= 4 and target_values % s[-1] == 0:
        middles += [
            (*u, s[-1])
            for u in factorizations(target_values // s[-1], len(s) - 1)
            if all(map(int.__ge__, u, s)) or all(map(int.__le__, u, s))
        ]
    return middles


def _layer_of_step(kind: str, values: tuple[object, ...]) -> LayerSpec:
    if kind == "Flatten" or kind.startswith("Global"):
        return LayerSpec(kind)
    if kind.startswith("Conv"):
        filters, strides = values
        ones = (1,) * len(strides)  # type: ignore[arg-type]
        return LayerSpec(kind, {"filters": filters, "kernel_size": ones, "strides": strides})  # type: ignore
    name = {
        "Reshape": "target_shape",
        "Permute": "dims",
        "RepeatVector": "n",
        "Dense": "units",
        "UpSampling": "size",
        "ZeroPadding": "padding",
        "MaxPooling": "pool_size",
        "Cropping": "cropping",
    }[kind.rstrip("123D") if kind[-1] == "D" else kind]
    takes_tuple = name in ("target_shape", "dims")
    value = values if takes_tuple or len(values) > 1 else values[0]
    return LayerSpec(kind, {name: value})  # type: ignore[dict-item]
