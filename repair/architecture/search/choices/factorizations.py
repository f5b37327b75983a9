"""Ways to write a number of values as sizes."""

from functools import lru_cache

Sizes = tuple[int, ...]
"""Sizes of a tensor without the batch, all known."""
MOST_FACTORIZATIONS = 400


@lru_cache(maxsize=1 << 12)
def divisors(number: int) -> tuple[int, ...]:
    """All divisors, in order."""
    low = [k for k in range(1, int(number**0.5) + 1) if number % k == 0]
    return tuple(low + [number // k for k in reversed(low) if k * k != number])


@lru_cache(maxsize=1 << 12)
def factorizations(number: int, rank: int) -> tuple[Sizes, ...]:
    """Ordered ways to write a number as a product of `rank` sizes, at most 400 of them."""
    if rank == 1:
        return ((number,),)
    products = [
        (first, *rest)
        for first in divisors(number)
        for rest in factorizations(number // first, rank - 1)
    ]
    return tuple(products[:MOST_FACTORIZATIONS])
