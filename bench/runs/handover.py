"""What a run hands over as its repaired network: the record's `patch`, the files, and one sentence where there is none.

Whatever is named as the repair is what validation data chose, and what the record measures "after" repair.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.records.record import ORIGINAL, Combination
from bench.records.store import EXPERTS, PATCH
from bench.records.tasks import Writers
from repair.weights import formats
from repair.weights.experts.file import save_experts
from repair.weights.methods import Repair
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.source import SourceFile

NO_CHANGE: Mapping[str, Any] = {"layers": [], "weights_changed": 0, "l1": 0.0, "linf": 0.0}


@dataclass(frozen=True, eq=False)
class Handover:
    """A method's repair, and what validation data chose of it.

    Attributes:
        repair: the repair, as the method gave it.
        validation: the accuracies on validation data of every combination and of ORIG, by name.
        chosen: the name that these accuracies chose.
        source: the file of the user's network that was repaired, as it was read; None for any other network.
    """

    repair: Repair
    validation: Mapping[str, Combination]
    chosen: str
    source: SourceFile | None = None

    @property
    def patch(self) -> Patch | None:
        """The patch that turns the unrepaired network into the chosen one; None where no single one does."""
        if self.chosen == ORIGINAL:
            return None
        experts = self.repair.experts
        return self.repair.patch if experts is None else experts.patch_of(self.chosen)

    def describe(self) -> Mapping[str, Any] | None:
        """The record's `patch`: of experts side by side those that take part, together; None where there is no repair.

        No weight is changed where the unrepaired network was chosen.
        """
        repair, patch = self.repair, self.patch
        if patch is not None:
            return patch.describe()
        if self.chosen == ORIGINAL:
            return NO_CHANGE if repair.experts or repair.patch else None
        assert repair.experts is not None  # what else could have been chosen
        parts = [
            repair.experts.patches[c].describe() for c in repair.experts.taking_part(self.chosen)
        ]
        return {
            "layers": sorted({layer for part in parts for layer in part["layers"]}),
            "weights_changed": sum(part["weights_changed"] for part in parts),
            "l1": sum(part["l1"] for part in parts),
            "linf": max((part["linf"] for part in parts), default=0.0),
        }

    @property
    def no_patch(self) -> str | None:
        """One sentence why there is no patch file, and no file of a repaired network; None where there is."""
        if self.patch is not None:
            return None
        missing = f"there is no {PATCH}" + (f" and no {self._repaired}" if self.source else "")
        if self.chosen != ORIGINAL:
            return (
                f"{self.chosen} lets experts answer side by side ({EXPERTS}), which is no single network, so that"
                f" {missing}."
            )
        if not self.repair.experts and not self.repair.patch:
            return f"The method gave no repair: the network stays as it was, and {missing}."
        others = [name for name in self.validation if name != ORIGINAL]
        best = max(others, key=lambda name: _objective(self.validation[name]))
        unchosen = f"; {EXPERTS} holds experts that were not chosen" if self.repair.experts else ""
        return (
            "No repair does better on validation data than the network as it was"
            f" ({_figures(ORIGINAL, self.validation)}; {_figures(best, self.validation)}), so that {missing}{unchosen}."
        )

    def files(self, network: Network) -> Writers:
        """The files of the repair, by name; of a network of the user's also the repaired one, in its format."""
        files: Writers = {}
        if self.repair.experts is not None:
            files[EXPERTS] = partial(save_experts, self.repair.experts)
        if self.patch is not None:
            files[PATCH] = self.patch.save
            if self.source is not None:
                repaired = self.patch.apply(network)
                files[self._repaired] = partial(formats.save_like, repaired, self.source)
        return files

    @property
    def _repaired(self) -> str:
        return f"repaired{self.source.path.suffix if self.source else ''}"


def _objective(pair: Combination) -> float:
    return pair.clean.accuracy + pair.defect.accuracy


def _figures(name: str, validation: Mapping[str, Combination]) -> str:
    pair = validation[name]
    return (
        f"{name} {100 * pair.clean.accuracy:.2f} % clean, {100 * pair.defect.accuracy:.2f} % defect"
    )
