"""Finished runs measured once more from their stored patches: do their accuracies come out again?

    python scripts/measure_again.py results/reference/minimal [--write]

Rebuilds the scenario of each run from its config, applies its patch.npz or experts.npz and compares all combinations
and the choice among them with its record; of a run that left the network as it was and has neither, that network alone.
With --write a record that agrees gets what its version of the code did not keep: confusion matrices, flips, and
examples.npz. Exit code 1 where a record does not agree.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from omegaconf import OmegaConf

from bench.evaluate import Evaluation, evaluate
from bench.records.gallery import EXAMPLES
from bench.records.record import ORIGINAL, to_json
from bench.records.store import EXPERTS, PATCH, RECORD, Stored, contents, write_text
from bench.runs.repairing import build
from bench.scenarios import Scenario
from repair.errors import InputError
from repair.weights.experts.file import load_experts
from repair.weights.methods import Repair
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.status import RepairStatus


def stored_repair(run: Stored, network: Network) -> Repair | None:
    """What the run's folder keeps of its repair; None for nothing, though the record measures a repaired network."""
    experts, patch = run.folder / EXPERTS, run.folder / PATCH
    if experts.is_file():
        return Repair(experts=load_experts(experts, network))
    if patch.is_file():
        return Repair(patch=Patch.load(patch))
    return (
        Repair(RepairStatus.SKIPPED, "no repair was chosen.") if run.record.kept_original else None
    )


def measured(run: Stored) -> Evaluation | None:
    config = run.config()
    scenario: Scenario = build(
        "scenario",
        OmegaConf.create(config["scenario"]),
        repair_images=config["repair_images"],
        validation_images=config["validation_images"],
        seed=config["seed"],
    )
    repair = stored_repair(run, scenario.original)
    if repair is None:
        return None
    layers = config["layers"]
    problem = scenario.problem(layers if isinstance(layers, str) else tuple(layers))
    return evaluate(scenario, problem, repair)


def checked(run: Stored, *, write: bool) -> str:
    found = measured(run)
    record = run.record
    if found is None:
        return "no patch"
    expected = dict(record.combinations)
    if found.combinations.keys() == {ORIGINAL}:  # of a repair that was not chosen no patch is kept
        expected = {ORIGINAL: expected[ORIGINAL]}
    if (found.chosen, dict(found.combinations)) != (record.chosen, expected):
        return "different"
    if write and "flips" not in record.details:
        further = {"confusion": found.confusion, "flips": found.flips}
        found.gallery.save(run.folder / EXAMPLES)
        text = to_json(replace(record, details={**record.details, **further}))
        write_text(run.folder / RECORD, text)
    return "equal"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    try:
        said = []
        for run in contents(given.folder).runs:
            said.append(checked(run, write=given.write))
            print(f"{said[-1]}: {run.folder}", flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return int("different" in said)


if __name__ == "__main__":
    sys.exit(main())
