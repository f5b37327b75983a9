"""How edits are counted."""

from repair.architecture.edits import ChangeArgument, Insert, MakeWeights, Move, Remove, count
from repair.architecture.layer import LayerSpec


def test_edits_are_counted_as_in_the_published_table() -> None:
    flat, dense = LayerSpec("Flatten"), LayerSpec("Dense", {"units": 2})
    edits = [
        ChangeArgument("conv", "padding", "valid", "same"),
        ChangeArgument("conv", "strides", 1, 2),
        MakeWeights("conv", {}, {}),
        MakeWeights("dense", {}, {}),
        Insert("flatten", flat, "conv", "dense"),
        Remove("other", dense),
        Move("last", "conv", None),
    ]
    assert count(edits) == 5  # conv, flatten, other, and a move is a removal and an insertion
