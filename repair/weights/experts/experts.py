"""Experts: patches that each put one class right, run side by side and combined into one answer.

All experts differ in few layers. The activations that enter the first of these are computed once,
and one compiled pass over stacked weights gives the logits of all experts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Any, Literal, Self

import jax
import numpy as np
from flax import nnx
from jaxtyping import Float, Int32

from repair.errors import InputError
from repair.weights.experts.combinations import RULES, Detection, combine, selected
from repair.weights.localization.localization import Entering
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.network import SMALL_BATCH, Network
from repair.weights.patch import Key, Patch

Precision = Literal["float32", "float64"]
BATCH = 2048


def patched_logits(
    network: Network,
    patches: Sequence[Patch],
    activations: Float[np.ndarray, "N ..."],
    at: str,
    dtype: Precision = "float32",
) -> Float[np.ndarray, "P N classes"]:
    """Logits of the network under each of P patches, in one pass.

    Args:
        network: the unpatched network.
        patches: (P,) for this network; they change layers from `at` on.
        activations: (N, ...) entering layer `at`, as `Network.activations` gives them.
        at: the layer.
        dtype: "float64" repeats a run that was made in double precision.

    Raises:
        InputError: a patch for another network, or one that changes a layer before `at`.
    """
    for patch in patches:
        _check(network, patch, at)
    if not patches or not len(activations):
        return np.zeros((len(patches), len(activations), network.classes), dtype)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        graph, state = nnx.split(network)
        state = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), state)
        keys = sorted({key for patch in patches for key in patch.deltas})
        stacks = {
            key: np.stack([_patched(network, patch, key) for patch in patches]).astype(dtype)
            for key in keys
        }
        state, stacks = replicated((state, stacks))
        step = partial(_stacked, graph, state, stacks, start=at, count=len(patches))
        size = SMALL_BATCH if len(activations) <= SMALL_BATCH else BATCH
        return in_batches(step, np.asarray(activations, dtype), size, axis=1)


def mean_patch(network: Network, patches: Sequence[Patch]) -> Patch:
    """The patch to the mean of the experts' weights, for AVERAGE; an empty one without experts.

    The unrepaired network is no part of the mean: only so the published rows come out.
    """
    none = Patch(network.fingerprint())
    return reduce(add, patches, none).scaled(1 / max(len(patches), 1))


def _check(network: Network, patch: Patch, at: str) -> None:
    if patch.base != network.fingerprint():
        raise InputError("a patch was made for another network than the one it is to be run with.")
    early = [name for name in patch.layers if network.position(name) < network.position(at)]
    if early:
        raise InputError(
            f"a patch changes layer {early[0]!r}, which lies before {at!r};"
            f" give activations that enter {early[0]!r}."
        )


def _patched(network: Network, patch: Patch, key: Key) -> np.ndarray:
    layer, array = key
    base = np.asarray(network.weights(layer)[array], np.float64)
    return base + patch.deltas[key].dense if key in patch.deltas else base


@partial(jax.jit, static_argnames=("graph", "start", "count"))
def _stacked(
    graph: Any, state: Any, stacks: dict[Key, jax.Array], x: jax.Array, *, start: str, count: int
) -> jax.Array:
    network = nnx.merge(graph, state)

    def one(weights: dict[Key, jax.Array]) -> jax.Array:
        changed = jax.tree.map(lambda leaf: leaf, state)
        for (layer, array), value in weights.items():
            variables = changed["layers"][network.position(layer)]
            variables[array] = variables[array].replace(value)
        return nnx.merge(graph, changed).run(x, start, None)

    # Without a change there is nothing to map over: all patches are empty.
    return jax.vmap(one, axis_size=count)(stacks)


@dataclass(frozen=True, eq=False)
class Experts:
    """One expert for each of some classes of a network, and what combines them.

    Attributes:
        network: the unrepaired network.
        layer: the first layer that the experts change.
        patches: class -> the patch of its expert; a class without a repair is left out.
        precisions: class -> the expert's precision for it on repair data, for PREC and PVC.
        selections: name -> the classes whose experts a selection keeps, such as {"f1": (0, 7)}.
        full: one patch solved for all classes together, for FULL.
    """

    network: Network
    layer: str
    patches: Mapping[int, Patch]
    precisions: Mapping[int, float]
    selections: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    full: Patch | None = None

    def __post_init__(self) -> None:
        """Bring patches into the order of classes; InputError for a class without a precision."""
        repaired = set(self.patches)
        kept = set().union(*self.selections.values()) if self.selections else set()
        outside = repaired - set(range(self.network.classes))
        if repaired - set(self.precisions) or kept - repaired or outside:
            raise InputError(
                f"experts for the classes {sorted(repaired)}, precisions for"
                f" {sorted(self.precisions)}, selected {sorted(kept)}; expected a precision for"
                " each expert, selections of experts, and classes from 0 to"
                f" {self.network.classes - 1}."
            )
        object.__setattr__(self, "patches", dict(sorted(self.patches.items())))

    @classmethod
    def measured(
        cls,
        network: Network,
        layer: str,
        patches: Mapping[int, Patch],
        clean: Entering,
        defect: Entering,
        full: Patch | None = None,
    ) -> Self:
        """Experts with precisions and selections "f1" and "f1_harmonic" measured on repair data.

        Both sets are given as activations that enter the layer; where the defect is low accuracy,
        both are the same object.

        Precisions are those on all examples, the F1s those on the ones with the defect, which the
        harmonic variant weighs against those on the clean ones.
        """
        patches = dict(sorted(patches.items()))
        on_defect = _detections(network, layer, patches, defect)
        on_clean = on_defect if clean is defect else _detections(network, layer, patches, clean)
        precisions = (on_defect[0] + on_clean[0]).precision.tolist()
        selections = {
            "f1": selected(tuple(patches), on_defect),
            "f1_harmonic": selected(tuple(patches), on_defect, on_clean),
        }
        measured = dict(zip(patches, precisions, strict=True))
        return cls(network, layer, patches, measured, selections, full)

    @property
    def names(self) -> tuple[str, ...]:
        """The combinations that `answers` gives; "CONF@f1" is CONF of the experts that f1 keeps."""
        rules = (*RULES, "AVERAGE")
        full = ("FULL",) if self.full is not None else ()
        chosen = (f"{rule}@{name}" for name in self.selections for rule in rules)
        return ("ORIG", *rules, *full, *chosen)

    def patch_of(self, name: str) -> Patch | None:
        """The patch of a combination that is one network; None where experts answer side by side."""
        if name.partition("@")[0] == "AVERAGE":
            return mean_patch(self.network, [self.patches[c] for c in self.taking_part(name)])
        return {"ORIG": Patch(self.network.fingerprint()), "FULL": self.full}.get(name)

    def taking_part(self, name: str) -> tuple[int, ...]:
        """The classes whose experts take part in a combination of experts, such as "CONF@f1"."""
        selection = name.partition("@")[2]
        return self.selections[selection] if selection else tuple(self.patches)

    def answers(self, images: Any) -> dict[str, Int32[np.ndarray, " N"]]:
        """The answers of every combination in `names` to images (N, ...)."""
        return self.answers_to(self.network.activations(images, at=self.layer))

    def answers_to(
        self, activations: Float[np.ndarray, "N ..."], dtype: Precision = "float32"
    ) -> dict[str, Int32[np.ndarray, " N"]]:
        """As `answers`, from the activations (N, ...) that enter `layer`."""
        groups = {"": tuple(self.patches), **{f"@{n}": c for n, c in self.selections.items()}}
        averages = {
            f"AVERAGE{name}": mean_patch(self.network, [self.patches[c] for c in of])
            for name, of in groups.items()
        }
        single = {"ORIG": Patch(self.network.fingerprint()), **averages}
        if self.full is not None:
            single["FULL"] = self.full
        every = [*self.patches.values(), *single.values()]
        logits = patched_logits(self.network, every, activations, self.layer, dtype)
        experts, others = np.split(logits, [len(self.patches)])
        alone = dict(zip(single, others, strict=True))
        answers = {name: outputs.argmax(-1).astype(np.int32) for name, outputs in alone.items()}
        precisions = [self.precisions[c] for c in self.patches]
        for name, kept in groups.items():
            combined = combine(alone["ORIG"], experts, tuple(self.patches), precisions, kept)
            answers |= {rule + name: combined[rule] for rule in RULES}
        return {name: answers[name] for name in self.names}


def _detections(
    network: Network, layer: str, patches: Mapping[int, Patch], tests: Entering
) -> tuple[Detection, Detection]:
    """The experts and the unrepaired network as detectors of the experts' classes."""
    every = [*patches.values(), Patch(network.fingerprint())]
    answers = patched_logits(network, every, tests.values, layer).argmax(-1)
    after, before = answers[:-1], answers[-1]
    classes = tuple(patches)
    return (
        Detection.of(after, tests.labels, classes),
        Detection.of(before, tests.labels, classes),
    )
