"""Checks a patch by running the patched network: every constraint again, in float32."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, Num

from repair.errors import InputError
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Examples, Which

NOTHING = -1


@dataclass(frozen=True, eq=False)
class MarginConstraints:
    """Constraints on a network's numbers: z[input, larger] - z[input, smaller] > margin.

    z are the logits, or the activations that enter a layer. NOTHING (-1) in place of an index stands for
    the number 0, so that `larger=j, smaller=NOTHING` says that neuron j is on.

    Attributes:
        images: (N, ...) as `Network` takes them.
        inputs: (M,) index of the image of each row.
        larger: (M,) index of the number that must be larger, or NOTHING.
        smaller: (M,) index of the number that must be smaller, or NOTHING.
        margin: (M,) least difference, in the unit of the numbers; a single number is for all rows.
        strict: (M,) whether the row must hold without equality; a single value is for all rows.
        at: the layer whose input is meant, or None for the logits.
    """

    images: Num[np.ndarray, "N ..."]
    inputs: Int64[np.ndarray, " M"]
    larger: Int64[np.ndarray, " M"]
    smaller: Int64[np.ndarray, " M"]
    margin: Float64[np.ndarray, " M"]
    strict: Bool[np.ndarray, " M"]
    at: str | None = None

    def __post_init__(self) -> None:
        """Bring to arrays of one length; InputError for rows of images that are not there."""
        inputs = np.asarray(self.inputs, np.int64)
        columns = {
            "inputs": inputs,
            "larger": np.broadcast_to(np.asarray(self.larger, np.int64), inputs.shape),
            "smaller": np.broadcast_to(np.asarray(self.smaller, np.int64), inputs.shape),
            "margin": np.broadcast_to(np.asarray(self.margin, np.float64), inputs.shape),
            "strict": np.broadcast_to(np.asarray(self.strict, bool), inputs.shape),
        }
        if inputs.size and not (inputs.min() >= 0 and inputs.max() < len(self.images)):
            raise InputError(
                f"rows name images {inputs.min()} to {inputs.max()}; there are {len(self.images)}."
            )
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, which: Which) -> Self:
        """The rows of the given indices, or where a mask (M,) of bool is true."""
        columns = ("inputs", "larger", "smaller", "margin", "strict")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})

    @classmethod
    def margins(cls, examples: Examples, classes: int, margin: float = 0.0) -> Self:
        """The true class of each example above every other class by more than `margin`."""
        count = len(examples)
        rival = np.tile(np.arange(classes), count)
        inputs, label = np.repeat(np.arange(count), classes), np.repeat(examples.labels, classes)
        kept = rival != label
        return cls(
            examples.images,
            inputs[kept],
            label[kept],
            rival[kept],
            margin=np.array(margin),
            strict=np.array(True),
        )

    @classmethod
    def answers(
        cls, network: Network, images: Num[np.ndarray, "N ..."], margin: float = 0.0
    ) -> Self:
        """The network's own answer to each image, kept: above every other class by more than `margin`."""
        kept = Examples(images, network.predict(images), "answers to keep")
        return cls.margins(kept, network.classes, margin)

    @classmethod
    def pattern(cls, images: Num[np.ndarray, "N ..."], at: str, neurons: Any, on: Any) -> Self:
        """Signs of numbers entering layer `at`, for every image: > 0 where `on`, <= 0 elsewhere.

        Args:
            images: (N, ...) as `Network` takes them.
            at: the layer.
            neurons: (K,) C-order indices in the activation that enters the layer.
            on: (K,) whether the number is above 0.
        """
        neurons, on = np.asarray(neurons, np.int64), np.asarray(on, bool)
        inputs = np.repeat(np.arange(len(images)), len(neurons))
        neurons, on = np.tile(neurons, len(images)), np.tile(on, len(images))
        larger, smaller = np.where(on, neurons, NOTHING), np.where(on, NOTHING, neurons)
        return cls(images, inputs, larger, smaller, np.array(0.0), on, at)


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a run of the patched network showed.

    Attributes:
        rows: how many constraints were checked.
        held: how many of them hold.
        smallest_margin: the least z[larger] - z[smaller] over all rows; infinite without rows.
        failing: (F,) indices of the rows that do not hold, worst first.
    """

    rows: int
    held: int
    smallest_margin: float
    failing: Int[np.ndarray, " F"]

    @property
    def ok(self) -> bool:
        """Whether every row holds."""
        return self.held == self.rows

    def describe(self) -> dict[str, Any]:
        """Plain values for the record."""
        smallest = self.smallest_margin if self.rows else None
        return {"rows": self.rows, "held": self.held, "smallest_margin": smallest, "ok": self.ok}


def certify(network: Network, patch: Patch, rows: MarginConstraints) -> Certificate:
    """Run the patched network, in float32 at the highest matmul precision, over all rows.

    Args:
        network: the unpatched network, which the patch is for.
        patch: the change of its weights.
        rows: what is to hold.

    Raises:
        InputError: a patch for another network; rows about numbers or layers that it does not have.
    """
    patched = patch.apply(network)
    if rows.at is None:
        z = patched.logits(rows.images)
    else:
        z = patched.activations(rows.images, at=rows.at).reshape(len(rows.images), -1)
    for column in (rows.larger, rows.smaller):
        if len(rows) and not (column.min() >= NOTHING and column.max() < z.shape[1]):
            raise InputError(
                f"rows name numbers {column.min()} to {column.max()}; {rows.at or 'the logits'} has"
                f" 0 to {z.shape[1] - 1}, and {NOTHING} stands for none."
            )
    # A column of zeros at the end is what the index NOTHING picks.
    z = np.pad(z.astype(np.float64), ((0, 0), (0, 1)))
    difference = z[rows.inputs, rows.larger] - z[rows.inputs, rows.smaller]
    slack = difference - rows.margin
    held = np.where(rows.strict, slack > 0, slack >= 0)
    failing = np.flatnonzero(~held)
    return Certificate(
        rows=len(rows),
        held=int(held.sum()),
        smallest_margin=float(difference.min(initial=np.inf)),
        failing=failing[np.argsort(slack[failing], kind="stable")],
    )
