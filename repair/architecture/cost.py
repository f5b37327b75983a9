"""The price of a repair, lexicographic; its first three levels packed into one integer that adds up.

1. What is not kept: a width, the head, a connection. 2. Edits. 3. How drastic each edit is:
in place before inserted, inserted before removed, and layers that keep every value before those
that pad, drop or mix them. Inputs of the network are never changed and constants never added, so
they have no price.

4. Change in parameters, then in multiply-adds: by how much each layer grows or shrinks against the
definition as it was given, summed over the layers (`size.change`). It decides between finished
repairs that are equal in all else (`Repair.rank`), not within the search.
"""

KEPT = 10**9
EDIT = 10**6
NEVER = 10**15
"""More than any repair costs."""

ARGUMENT = 1_000
"""One argument in place; each further one of the same layer adds MORE."""
MORE = 100
TYPE = 1_500
WEIGHTS = 100
"""Weights made anew: no edit of the definition."""
LAYOUT = 900
"""Reading the image with its channels first, where they seem to come first."""
TAKEN_OUT = 3_020
"""A layer that only rearranges or pools everything away, taken out."""
RESHAPE, FLATTEN, REPEAT = 3_000, 3_000, 3_500
PERMUTE, IMAGE = 3_600, 2_800
"""Axes in another order; of an image whose channels seem to come first, IMAGE."""
FOLD, MIX, ONES, STEPS = 200, 800, 30, 50
"""More for a reshape that splits or joins axes, for one that mixes all of them, for each axis of
size 1 but one that it adds, and for features turned into steps before a recurrent layer."""
PAD, UPSAMPLE, POOL, CROP = 4_000, 4_100, 4_200, 4_500
GLOBAL_POOL, DENSE, CONVOLUTION = 4_800, 5_000, 5_100
REMOVE = 6_000
MOVE, REWIRE = 2_500, 6_500


def edits(cost: int) -> int:
    """Number of edits in a packed cost."""
    return cost % KEPT // EDIT


def not_kept(cost: int) -> int:
    """Number of widths, heads and weighted layers that were not kept."""
    return cost // KEPT


def drastic(cost: int) -> int:
    """The third level of a packed cost."""
    return cost % EDIT
