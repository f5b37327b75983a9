"""What may be done at one layer for given inputs: nothing, edits in place, layers before it."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.errors import Fault
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import LAYERS, Outputs, entry_of, settled
from repair.architecture.rules import Rules
from repair.architecture.search.choices.adapters import NOTHING, Chain, Sizes, adapt, single
from repair.architecture.search.choices.changes import changes, fit
from repair.architecture.search.choices.lifts import channels_first, channels_moved, lifts

LOSES = ("Flatten", "Reshape", "Permute", "RepeatVector", "Global")
"""Layers whose removal undoes a loss of axes."""


RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional")


class Option(NamedTuple):
    """One way through a layer.

    Args:
        cost: packed.
        layer: as it stands or edited; None: taken out.
        chains: what is inserted before each input.
        output: what comes out.
    """

    cost: int
    layer: Layer | None
    chains: tuple[Chain, ...]
    output: Shape | Outputs


def bridge(source: Shape, target: Shape) -> Chain | None:
    """The cheapest inserted layers from one shape to another, batch first; None: none."""
    if source == target:
        return NOTHING
    if None in source[1:] or None in target[1:]:
        return _open_bridge(source, target)
    if len(source) < 2 or len(target) < 2:
        return None
    return adapt(source[1:], target[1:])  # type: ignore[arg-type]


def _open_bridge(source: Shape, target: Shape) -> Chain | None:
    """Where sizes are not known only the last axis can be projected, or the rest pooled away."""
    if len(source) == len(target):
        if all(
            a == b or a is None or b is None for a, b in zip(source[1:], target[1:], strict=True)
        ):
            return NOTHING
        if source[1:-1] == target[1:-1] and source[-1] and target[-1]:
            return Chain(cost.EDIT + cost.DENSE, (("Dense", (target[-1],)),))
    if len(target) == 2 and 3 <= len(source) <= 5 and source[-1] == target[-1]:
        pool = f"GlobalAveragePooling{len(source) - 2}D"
        return Chain(cost.EDIT + cost.GLOBAL_POOL, ((pool, ()),))
    return None


def removable(layer: Layer) -> bool:
    """Taking it out loses no width and no kernel that the user chose."""
    entry = LAYERS.get(layer.type)
    return (
        entry is not None
        and not entry.widths
        and not layer.inner
        and entry.inputs == (1, 1)
        and layer.type not in ("Lambda", "BatchNormalization", "PReLU")
    )


def standing(layer: Layer, shape: Shape, rules: Rules) -> tuple[Option, ...]:
    """The layer as it stands, where it takes its input."""
    stands = fit(layer, (shape,), rules)
    if isinstance(stands, Fault):
        return ()
    return (Option(stands.cost, stands.layer, (NOTHING,), stands.output),)


@lru_cache(maxsize=1 << 15)
def unary(layer: Layer, shape: Shape, rules: Rules, wanted: tuple[Shape, ...], *,
          editable: bool = True, extra: int = 0, first: bool = False,
          hinted: Shape | None = None) -> tuple[Option, ...]:  # fmt: skip
    """All ways through a layer of one input, cheapest first.

    Args:
        layer: the layer.
        shape: its input.
        rules: the rule set.
        wanted: outputs that its reader would take.
        editable: whether the layer itself may change; not so where its weights are shared.
        extra: packed cost on top of each inserted layer, behind the head.
        first: whether it reads an input of the network, which may be an image of other layout.
        hinted: an input to try besides the likely ones.
    """
    found = list(standing(layer, shape, rules))
    valid = bool(found)
    if editable:
        found += [Option(c.cost, c.layer, (NOTHING,), c.output)
                  for c in changes(layer, (shape,), rules, wanted)]  # fmt: skip
        if removable(layer):
            price = cost.TAKEN_OUT if layer.type.startswith(LOSES) else cost.REMOVE
            found.append(Option(cost.EDIT + price, None, (NOTHING,), shape))
        if first:
            found += _other_layout(layer, shape, rules)
    if None not in shape[1:] and len(shape) > 1:
        sizes: Sizes = shape[1:]  # type: ignore[assignment]
        targets = () if valid else _targets(layer, sizes)
        if first:
            for target in channels_moved(sizes):
                moved = fit(layer, ((shape[0], *target),), rules)
                chain = single(sizes, target)
                if chain is not None and not isinstance(moved, Fault):
                    chain = Chain(cost.EDIT + cost.IMAGE, chain.steps)
                    found.append(Option(chain.cost, moved.layer, (chain,), moved.output))
        for target in targets:
            chain = single(sizes, target)
            lifted = fit(layer, ((shape[0], *target),), rules)
            if chain is not None and not isinstance(lifted, Fault):
                price = chain.cost + extra * len(chain.steps) + lifted.cost
                if layer.type in RECURRENT and target[-1] != sizes[-1]:
                    price += cost.STEPS
                found.append(Option(price, lifted.layer, (chain,), lifted.output))
        if not found:
            found += _both(layer, shape, rules, wanted, targets, extra)
        if hinted is not None and hinted != shape:
            found += _both(layer, shape, rules, wanted, (hinted[1:],), extra)  # type: ignore[arg-type]
    else:
        for pooled in _pooled(shape):
            chain_open, lifted = bridge(shape, pooled), fit(layer, (pooled,), rules)
            if not valid and chain_open is not None and not isinstance(lifted, Fault):
                found.append(Option(chain_open.cost + extra + lifted.cost, lifted.layer,
                                    (chain_open,), lifted.output))  # fmt: skip
    if not found and editable and layer.type != "Lambda":  # better a repair without it than none
        found.append(Option(cost.KEPT + cost.EDIT + cost.REMOVE, None, (NOTHING,), shape))
    return tuple(sorted(found, key=lambda option: option.cost))


def _other_layout(layer: Layer, shape: Shape, rules: Rules) -> list[Option]:
    """The layer told that the channels come first, where they seem to."""
    entry = entry_of(layer.type)
    if "data_format" not in entry.arguments or not channels_first(shape[1:]):
        return []
    fitted = fit(layer.change(data_format="channels_first"), (shape,), rules)
    if isinstance(fitted, Fault):
        return []
    price = cost.EDIT + cost.LAYOUT + fitted.cost
    return [Option(price, fitted.layer, (NOTHING,), fitted.output)]


def _both(layer: Layer, shape: Shape, rules: Rules, wanted: tuple[Shape, ...],
          targets: tuple[Sizes, ...], extra: int) -> list[Option]:  # fmt: skip
    """An inserted layer and an edit in place together, where neither is enough alone."""
    found = []
    for target in targets:
        chain = adapt(shape[1:], target)  # type: ignore[arg-type]
        lifted = (shape[0], *target)
        stands = fit(layer, (lifted,), rules)
        for c in (*changes(layer, (lifted,), rules, wanted),
                  *(() if isinstance(stands, Fault) else (stands,))):  # fmt: skip
            price = chain.cost + extra * len(chain.steps) + c.cost
            found.append(Option(price, c.layer, (chain,), c.output))
    return found


def _pooled(shape: Shape) -> list[Shape]:
    return [(shape[0], shape[-1])] if 3 <= len(shape) <= 5 and shape[-1] else []


@lru_cache(maxsize=1 << 14)
def _targets(layer: Layer, sizes: Sizes) -> tuple[Sizes, ...]:
    """Input sizes that the layer may take and one inserted layer may make."""
    found: dict[Sizes, None] = {}
    if layer.type == "Reshape":
        a = settled(layer)
        if not isinstance(a, Fault):
            want = prod(t for t in a["target_shape"] if t > 0)
            if want % prod(sizes[:-1]) == 0:
                found[(*sizes[:-1], want // prod(sizes[:-1]))] = None
    for rank in _ranks(layer, len(sizes)):
        found |= dict.fromkeys(lifts(sizes, rank))
    return tuple(found)


def _ranks(layer: Layer, present: int) -> tuple[int, ...]:
    """Numbers of sizes that the layer takes, batch not counted."""
    entry = entry_of(layer.type)
    if entry.rank is not None:
        return (entry.rank - 1,)
    if layer.type.startswith("ConvLSTM"):
        return (int(layer.type[-2]) + 2,)
    if layer.type == "RNN":
        return (2,)
    if layer.type == "Bidirectional" and layer.inner:
        return _ranks(layer.inner[0], present)
    if layer.type in ("TimeDistributed", "Sequential") and layer.inner:
        more = int(layer.type == "TimeDistributed")
        return tuple(rank + more for rank in _ranks(layer.inner[0], present - more))
    if layer.type == "Permute" and isinstance(layer.arguments.get("dims"), tuple):
        return (len(layer.arguments["dims"]),)  # type: ignore[arg-type]
    return tuple(rank for rank in (present + 1, present - 1, 1, 2, 3, 4) if 0 < rank <= 4)
