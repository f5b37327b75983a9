"""The cost of a repair, a lexicographic one: its first three components, packed into one integer.

1. What is not kept: a width, the head, a connection. 2. Edits. 3. How drastic each edit is: edits
in place cost less than inserted layers, these less than removed ones, and layers that keep every
value less than those that pad, drop or mix them. Packed costs add up. Inputs of the network are
never changed and constants never added, so these have no cost.

4. Disorder: how many layers mix time steps, then how many glue axes of the data
(`ArchitectureRepair.disorder`). 5. The change in parameters, then in multiply-adds: by how much each
layer grows or shrinks against the definition as it was given, summed over the layers
(`size.size_change`). These decide between finished repairs that are equal in all else
(`ArchitectureRepair.rank`), not within the search.
"""

KEPT = 10**9
EDIT = 10**6
NEVER = 10**15
"""More than any repair costs."""

ARGUMENT = 1_000
"""The cost of one argument changed in place; each further one of the same layer adds MORE."""
MORE = 100
TYPE = 1_500
WEIGHTS = 100
"""The cost of weights made anew, which is no edit of the definition."""
LAYOUT = 900
"""The cost of reading an image with its channels first, where they seem to come first."""
TAKEN_OUT = 3_020
"""The cost of taking out a layer that only rearranges its input or pools everything away."""
RESHAPE, FLATTEN, REPEAT = 3_000, 3_000, 3_500
PERMUTE, IMAGE = 3_600, 2_800
"""The cost of axes in another order; IMAGE where the channels of an image seem to come first."""
FOLD, MIX, ONES, STEPS = 200, 800, 30, 50
"""Costs added for a reshape that splits or joins axes, for one that mixes all of them, for each axis of
size 1 but one that it adds, and for features turned into steps before a recurrent layer."""
PAD, UPSAMPLE, POOL, CROP = 4_000, 4_100, 4_200, 4_500
GLOBAL_POOL, DENSE, CONVOLUTION = 4_800, 5_000, 5_100
REMOVE = 6_000
MOVE, REWIRE = 2_500, 6_500


def edits(cost: int) -> int:
    """The number of edits in a packed cost."""
    return cost % KEPT // EDIT


def not_kept(cost: int) -> int:
    """The number of widths, heads and weighted layers that were not kept."""
    return cost // KEPT


def drastic(cost: int) -> int:
    """The third component of a packed cost: how drastic the edits are."""
    return cost % EDIT
