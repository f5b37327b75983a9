"""NumPy as the judge of what a reshape does to axes."""

import numpy as np

from repair.architecture.layer import Shape


def depends_together(before: Shape, after: Shape) -> set[tuple[frozenset[int], frozenset[int]]]:
    """Axes that belong together, told by where NumPy puts each value."""
    places = [axis.reshape(after) for axis in np.indices(before)]
    groups = [({i}, set()) for i, size in enumerate(before) if size > 1]
    for j, size in enumerate(after):
        if size == 1:
            continue
        touched = [
            group for group in groups if any(np.any(np.diff(places[i], axis=j)) for i in group[0])
        ]
        groups = [group for group in groups if group not in touched]
        old, new = set(), {j}
        for group in touched:
            old |= group[0]
            new |= group[1]
        groups.append((old, new))
    return {(frozenset(old), frozenset(new)) for old, new in groups}
