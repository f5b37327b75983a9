"""Packed costs of repairs."""

from repair.architecture import cost


def test_costs_are_lexicographic() -> None:
    widths, many, one = cost.KEPT, 9 * (cost.EDIT + cost.REMOVE), cost.EDIT + cost.REMOVE
    assert widths > many > one > cost.EDIT + cost.DENSE > cost.EDIT + cost.ARGUMENT
    packed = 2 * cost.KEPT + 3 * cost.EDIT + 7
    assert (cost.not_kept(packed), cost.edits(packed), cost.drastic(packed)) == (2, 3, 7)
