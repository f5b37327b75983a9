"""Combinations of experts into one answer, and the figures by which experts are selected.

An expert is a network repaired for one class; it claims an input when its own class is its top
output. The rules are those of NNrepair (Usman et al., CAV 2021, arXiv 2103.12535), as its published
tables show them; AVERAGE and FULL are single networks and need no rule.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Int32

from repair.errors import InputError

RULES = ("NAIVE", "PREC", "CONF", "VOTES", "PVC")


def combine(
    original: Float[np.ndarray, "N C"],
    experts: Float[np.ndarray, "E N C"],
    classes: Sequence[int],
    precisions: Sequence[float],
    kept: Collection[int] | None = None,
) -> dict[str, Int32[np.ndarray, " N"]]:
    """The answers of the unrepaired network ("ORIG") and of each rule of RULES.

    Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), as its published tables show the rules.

    Without a claim every rule gives the original answer, with one it gives the claimed class. With
    several NAIVE gives the original answer, PREC the claimant of the highest precision, CONF the
    one with the highest own output, VOTES the one with the most votes over all experts' answers,
    PVC the one that those three name most often. Among equals the lowest class wins.

    Args:
        original: logits (N, C) of the unrepaired network; float64 ones are compared as such.
        experts: logits (E, N, C) of the experts.
        classes: (E,) the class of each expert, ascending.
        precisions: (E,) each expert's precision for its class on training data.
        kept: the classes of the experts that take part; all by default.

    Raises:
        InputError: shapes that do not go together.
    """
    owners = np.asarray(classes, np.int32)
    if (
        original.ndim != 2
        or experts.shape != (len(owners), *original.shape)
        or len(precisions) != len(owners)
        or np.any(np.diff(owners) <= 0)
    ):
        raise InputError(
            f"{len(owners)} experts with {len(precisions)} precisions gave logits {experts.shape}, the"
            f" original network {original.shape}; expected (E, N, C) and (N, C), with classes in"
            " ascending order."
        )
    # Precisions only order the experts: ranks keep that exactly whatever the device's float is.
    ranks = np.unique(np.asarray(precisions, np.float64), return_inverse=True)[1].astype(np.int32)
    part = np.isin(owners, owners if kept is None else list(kept))
    with jax.enable_x64(original.dtype == np.float64):
        answers = _combine(original, experts, owners, ranks, part)
    return {name: np.asarray(answer) for name, answer in answers.items()}


@jax.jit
def _combine(
    original: jax.Array,
    experts: jax.Array,
    classes: jax.Array,
    ranks: jax.Array,
    kept: jax.Array,
) -> dict[str, jax.Array]:
    unrepaired = original.argmax(-1).astype(jnp.int32)
    if not len(experts):
        return dict.fromkeys(("ORIG", *RULES), unrepaired)
    # An expert that is not kept names no class: it neither claims nor votes.
    answers = jnp.where(kept[:, None], experts.argmax(-1).astype(jnp.int32), -1)
    claims = answers == classes[:, None]
    claimants = claims.sum(0)

    def settled(scores: jax.Array) -> jax.Array:
        """The claimant (N,) with the highest of the scores (E, N); the lowest class of equals."""
        lowest = -jnp.inf if jnp.issubdtype(scores.dtype, jnp.floating) else -1
        best = classes[jnp.where(claims, scores, lowest).argmax(0)]
        return jnp.where(claimants == 0, unrepaired, best)

    def named(by: jax.Array) -> jax.Array:
        """How often (E, N) each expert's class is among the answers (K, N)."""
        return (by[None] == classes[:, None, None]).sum(1)

    outputs = jnp.take_along_axis(experts, classes[:, None, None], axis=2)[..., 0]
    by_precision = settled(jnp.broadcast_to(ranks[:, None], claims.shape))
    by_output = settled(outputs)
    by_votes = settled(named(answers))
    return {
        "ORIG": unrepaired,
        "NAIVE": jnp.where(claimants == 1, by_precision, unrepaired),
        "PREC": by_precision,
        "CONF": by_output,
        "VOTES": by_votes,
        "PVC": settled(named(jnp.stack([by_precision, by_output, by_votes]))),
    }


@dataclass(frozen=True, eq=False)
class Detection:
    """Experts as detectors of their class: counts (E,) of true and false answers."""

    tp: Int[np.ndarray, " E"]
    tn: Int[np.ndarray, " E"]
    fp: Int[np.ndarray, " E"]
    fn: Int[np.ndarray, " E"]

    @classmethod
    def of(
        cls,
        answers: Int[np.ndarray, "E N"] | Int[np.ndarray, " N"],
        labels: Int[np.ndarray, " N"],
        classes: Sequence[int],
    ) -> "Detection":
        """Count true and false answers.

        Args:
            answers: (E, N) of the experts, or (N,) of one network for all classes.
            labels: (N,) the true classes.
            classes: (E,) the class of each expert.
        """
        owners = np.asarray(classes, np.int32)[:, None]
        named, true = np.asarray(answers) == owners, np.asarray(labels) == owners
        return cls(
            (named & true).sum(1),
            (~named & ~true).sum(1),
            (named & ~true).sum(1),
            (~named & true).sum(1),
        )

    def __add__(self, other: "Detection") -> "Detection":
        """The counts over both sets of inputs."""
        return Detection(
            self.tp + other.tp, self.tn + other.tn, self.fp + other.fp, self.fn + other.fn
        )

    def counts(self, expert: int) -> tuple[int, int, int, int]:
        """(tp, tn, fp, fn) of the expert of this index."""
        tp, tn, fp, fn = (int(c[expert]) for c in (self.tp, self.tn, self.fp, self.fn))
        return tp, tn, fp, fn

    @property
    def precision(self) -> Float[np.ndarray, " E"]:
        """Tp / (tp + fp); 0 where the class is never named."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Float[np.ndarray, " E"]:
        """Tp / (tp + fn); 0 where no input is of the class."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> Float[np.ndarray, " E"]:
        """The harmonic mean of precision and recall; 0 where no input is of the class or named so."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def selected(classes: Sequence[int], *pairs: tuple[Detection, Detection]) -> tuple[int, ...]:
    """The classes whose expert has a higher F1 than the unrepaired network has for that class.

    With one pair (experts, unrepaired network) this is the published selection by F1. With two, on
    data with the defect and on clean data, it is the harmonic variant: the harmonic means of the
    F1s are compared.
    """
    ours, theirs = (_harmonic_mean(np.stack([pair[i].f1 for pair in pairs])) for i in (0, 1))
    return tuple(int(c) for c, keep in zip(classes, ours > theirs, strict=True) if keep)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _harmonic_mean(values: Float[np.ndarray, "K E"]) -> Float[np.ndarray, " E"]:
    """The harmonic mean of each column of values that are not negative; 0 where one of them is."""
    with np.errstate(divide="ignore"):
        return 1 / (1 / values).mean(0)
