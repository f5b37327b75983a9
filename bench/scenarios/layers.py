"""The words for layers: by their position in a network, all of them, or those that a localization chooses."""

from repair.errors import InputError, unknown
from repair.weights.network.network import Network

AUTO = "auto"
# As `layers`: every dense and convolution layer, or those of them that a localization chooses.
EVERY = ("all", AUTO)


def resolve_layers(network: Network, layers: str | tuple[str, ...]) -> tuple[str, ...]:
    """The names of layers, with the words for them replaced by the network's own names.

    Args:
        network: the network that has the layers.
        layers: names of layers; "last" and "intermediate" are the last layer with weights and the one before, "all"
            is every dense and convolution layer, and so is "auto", before a localization chooses of them.

    Raises:
        InputError: a name that is no layer's, or a word for all layers beside other names.
    """
    if layers in EVERY:
        return network.linear
    weighted = network.weighted
    by_position = {"last": weighted[-1], "intermediate": weighted[max(len(weighted) - 2, 0)]}
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    for name in names:
        if name in EVERY:
            raise InputError(f"layers={name} stands alone; got {', '.join(names)}.")
        if name not in by_position and name not in network.names:
            raise unknown("layer", name, (*by_position, *EVERY, *network.names))
    return tuple(by_position.get(name, name) for name in names)
