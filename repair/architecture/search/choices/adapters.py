"""Cheapest chains of inserted layers that turn one shape into another.

Shapes here are sizes without the batch, all known. Two layers lead from any shape to any other: a
projection that leaves one place with as many channels as are wanted, then a reshape. Chains of one
layer are found by a case for each layer; of two, the mildest by the shapes in the middle that one
layer reaches from both sides.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.layer import Layer

Sizes = tuple[int, ...]
Step = tuple[str, tuple[object, ...]]
"""A layer to insert: its type and the values that its arguments are made of."""


class Chain(NamedTuple):
    """Layers to insert one after the other, and their packed cost."""

    cost: int
    steps: tuple[Step, ...]

    def layers(self) -> tuple[Layer, ...]:
        """The layers."""
        return tuple(_layer(kind, values) for kind, values in self.steps)


NOTHING = Chain(0, ())


@lru_cache(maxsize=1 << 17)
def adapt(source: Sizes, target: Sizes) -> Chain:
    """The cheapest chain from `source` to `target`, sizes without the batch, at least one each."""
    if source == target:
        return NOTHING
    one = single(source, target)
    if one is not None:
        return one
    two = _through(source, target, _middles(source, target))
    two = two or _through(source, target, _rearrangements(source, target))
    two = two or _through(source, target, [(*(1,) * (len(source) - 1), prod(target))])
    if two is not None:
        return two
    flat, last = (prod(source),), (prod(target),)  # more axes than convolutions have
    parts = [part for part in map(single, (source, flat, last), (flat, last, target)) if part]
    return Chain(sum(part.cost for part in parts), sum((part.steps for part in parts), ()))


@lru_cache(maxsize=1 << 17)
def single(source: Sizes, target: Sizes) -> Chain | None:
    """The cheapest single layer from `source` to `target`; None: there is none."""
    found = _single(source, target)
    return None if found is None else Chain(cost.EDIT + found[0], (found[1],))


def _single(s: Sizes, t: Sizes) -> tuple[int, Step] | None:
    if prod(s) == prod(t):
        return _rearranged(s, t)
    if len(s) == len(t):
        return _resized(s, t)
    if len(s) == 1 and len(t) == 2 and t[1] == s[0]:
        return cost.REPEAT, ("RepeatVector", (t[0],))
    if len(t) == 1 and 2 <= len(s) <= 4 and t[0] == s[-1]:
        return cost.GLOBAL_POOL, (f"GlobalAveragePooling{len(s) - 1}D", ())
    return None


def _rearranged(s: Sizes, t: Sizes) -> tuple[int, Step]:
    if len(t) == 1:
        return cost.FLATTEN, ("Flatten", ())
    moved = [size for size in s if size > 1] != [size for size in t if size > 1]
    if moved and sorted(s) == sorted(t):
        order: list[int] = []
        for size in t:
            order.append(next(k for k, have in enumerate(s, 1) if have == size and k not in order))
        return cost.PERMUTE, ("Permute", tuple(order))
    return cost.RESHAPE + _mixing(s, t), ("Reshape", t)


def _mixing(s: Sizes, t: Sizes) -> int:
    """How much a reshape mixes axes: axes of size 1 come and go for nothing."""
    before, after = ([size for size in sizes if size > 1] for sizes in (s, t))
    if before == after:
        ones = cost.ONES * max(len(t) - len(s) - 1, 0)
        return ones if t[-1] == 1 or s[-1] == t[-1] or s[-1] == 1 else cost.FOLD // 2
    if before[-1:] == after[-1:] or len(before) != len(after):
        return cost.FOLD
    return cost.MIX


def _resized(s: Sizes, t: Sizes) -> tuple[int, Step] | None:
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
            return cost.PAD, (f"ZeroPadding{rank}D",
                              tuple(((b - a) // 2, b - a - (b - a) // 2) for a, b in space))  # fmt: skip
        if all(a >= b for a, b in space):
            if all(a % b == 0 for a, b in space):
                return cost.POOL, (f"MaxPooling{rank}D", tuple(a // b for a, b in space))
            return cost.CROP, (f"Cropping{rank}D",
                               tuple(((a - b) // 2, a - b - (a - b) // 2) for a, b in space))  # fmt: skip
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


def _through(s: Sizes, t: Sizes, middles: list[Sizes]) -> Chain | None:
    """The cheapest two layers from s to t through one of these shapes."""
    best = None
    for middle in middles:
        first = single(s, middle)
        second = single(middle, t) if first is not None else None
        if first is not None and second is not None:
            cost_ = first.cost + second.cost
            if best is None or cost_ < best.cost:
                best = Chain(cost_, first.steps + second.steps)
    return best


def _middles(s: Sizes, t: Sizes) -> list[Sizes]:
    """Shapes through which two mild layers may lead from s to t."""
    have, want = prod(s), prod(t)
    found: list[Sizes] = []
    if want % prod(s[:-1]) == 0:
        found.append((*s[:-1], want // prod(s[:-1])))
    if have % prod(t[:-1]) == 0:
        found.append((*t[:-1], have // prod(t[:-1])))
    if len(s) == len(t):
        found += [(*s[:-1], t[-1]), (*t[:-1], s[-1])]
        for pick in (max, min):
            space = tuple(map(pick, s[:-1], t[:-1]))
            found += [(*space, s[-1]), (*space, t[-1])]
    if len(t) == 1:
        found.append((s[-1],))
    if len(s) > 1 and len(t) == 2:
        found.append((s[-1],))
    return found


def _rearrangements(s: Sizes, t: Sizes) -> list[Sizes]:
    """Reshape, then pad, crop or project to t; or pad or crop s, then reshape to t."""
    have, want = prod(s), prod(t)
    found = []
    if 2 <= len(t) <= 4:
        found += [u for u in factorizations(have, len(t)) if u[-1] == t[-1]]
    if 2 <= len(s) <= 4 and want % s[-1] == 0:
        found += [
            (*u, s[-1])
            for u in factorizations(want // s[-1], len(s) - 1)
            if all(map(int.__ge__, u, s)) or all(map(int.__le__, u, s))
        ]
    return found


@lru_cache(maxsize=1 << 12)
def divisors(number: int) -> tuple[int, ...]:
    """All divisors, in order."""
    low = [k for k in range(1, int(number**0.5) + 1) if number % k == 0]
    return tuple(low + [number // k for k in reversed(low) if k * k != number])


MOST_FACTORIZATIONS = 400


@lru_cache(maxsize=1 << 12)
def factorizations(number: int, rank: int) -> tuple[Sizes, ...]:
    """Ordered ways to write a number as a product of `rank` sizes, at most 400 of them."""
    if rank == 1:
        return ((number,),)
    found = [
        (first, *rest)
        for first in divisors(number)
        for rest in factorizations(number // first, rank - 1)
    ]
    return tuple(found[:MOST_FACTORIZATIONS])


def _layer(kind: str, values: tuple[object, ...]) -> Layer:
    if kind == "Flatten" or kind.startswith("Global"):
        return Layer(kind)
    if kind.startswith("Conv"):
        filters, strides = values
        ones = (1,) * len(strides)  # type: ignore[arg-type]
        return Layer(kind, {"filters": filters, "kernel_size": ones, "strides": strides})  # type: ignore
    name = {"Reshape": "target_shape", "Permute": "dims", "RepeatVector": "n", "Dense": "units",
            "UpSampling": "size", "ZeroPadding": "padding", "MaxPooling": "pool_size",
            "Cropping": "cropping"}[kind.rstrip("123D") if kind[-1] == "D" else kind]  # fmt: skip
    listed = name in ("target_shape", "dims")
    value = values if listed or len(values) > 1 else values[0]
    return Layer(kind, {name: value})  # type: ignore[dict-item]
