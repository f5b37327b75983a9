"""How few edits any repair needs: two lower bounds.

One counts errors of which no two can have a cause in common (`roots`). The other solves a relaxed
problem (`relaxation`): the same dynamic programming as the search, but over every shape of a shape
grid at once (`shape_grid`), with the cost of inserted layers exact (`insertions`) and edits in place
overestimated in what they can do (`single_input`, `several_inputs`, `broadcast`). It holds for
repairs that keep the widths, do not rewire, and whose tensors stay within the grid: every size of
the network and of the repair that was found, and at least 64, 12 x 12, 6 x 6 x 6 and 5 x 5 x 5 x 5.
Where one of them has a tensor of more sizes, it holds these too, up to the largest number of values
of one, and at least 256.

Where the bound and the best repair differ, the shapes of the relaxed solution guide the search
(`guides`, `merge_guides`).
"""

from repair.architecture.search.bound.guides import Guide, guides
from repair.architecture.search.bound.relaxation import Relaxation, relax
from repair.architecture.search.bound.roots import roots_bound

__all__ = ["Guide", "Relaxation", "guides", "relax", "roots_bound"]
