"""Finished runs measured once more from their stored patches: do their accuracies come out again?

    python scripts/measure_again.py results/reference/minimal [--write]

Prepares the problem of each run from its config, applies its patch.npz or experts.npz and compares all combinations,
the choice among them and the metrics of the chosen one with its record; of a run that left the network as it was and
has neither, that network alone.
With --write a record that agrees gets what its version of the code did not keep: confusion matrices, flips, and
examples.npz. Exit code 1 where a record does not agree.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bench.evaluate import Evaluation
from bench.records.gallery import EXAMPLES
from bench.records.record import ORIGINAL, to_json
from bench.records.store import EXPERTS, PATCH, RECORD, Stored, contents, write_text
from bench.runs.measure import measure
from bench.runs.repair import Repaired
from bench.runs.stored import prepare_again, repairs
from repair.errors import InputError
from repair.weights.experts.file import load_experts
from repair.weights.methods import Repair
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.status import RepairStatus


def keeps_repair(run: Stored) -> bool:
    """Whether the run's folder has what its record measures after repair."""
    files = (run.folder / EXPERTS, run.folder / PATCH)
    return run.record.kept_original or any(path.is_file() for path in files)


def stored_repair(run: Stored, network: Network) -> Repair:
    """What the run's folder keeps of its repair."""
    experts, patch = run.folder / EXPERTS, run.folder / PATCH
    if experts.is_file():
        return Repair(experts=load_experts(experts, network))
    if patch.is_file():
        return Repair(patch=Patch.load(patch))
    return Repair(RepairStatus.SKIPPED, "no repair was chosen.")


def measured_again(run: Stored) -> Evaluation:
    """What the stored repair reaches on the problem of the run, prepared from its config."""
    prepared = prepare_again(run)
    repair = stored_repair(run, prepared.problem.network)
    return measure(prepared, Repaired(prepared.problem, repair)).evaluation


def compared(run: Stored, *, write: bool) -> str:
    """One word or two of what came out: "equal", "different", or "no patch"."""
    if not repairs(run) or not keeps_repair(run):
        return "no patch"
    evaluation, record = measured_again(run), run.record
    expected = dict(record.combinations)
    # Of a repair that was not chosen no patch is kept.
    if evaluation.combinations.keys() == {ORIGINAL}:
        expected = {ORIGINAL: expected[ORIGINAL]}
    if (evaluation.chosen, dict(evaluation.combinations)) != (record.chosen, expected):
        return "different"
    # An older version did not measure all of them.
    common = record.metrics.keys() & evaluation.metrics.keys()
    if any(record.metrics[name] != evaluation.metrics[name] for name in common):
        return "different"
    if write and "flips" not in record.details:
        further = {"confusion": evaluation.confusion, "flips": evaluation.flips}
        evaluation.gallery.save(run.folder / EXAMPLES)
        text = to_json(replace(record, details={**record.details, **further}))
        write_text(run.folder / RECORD, text)
    return "equal"


def main() -> int:
    """Runs the command; returns the exit code: 0 all agree, 1 a record does not, 2 bad input."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    try:
        results = []
        for run in contents(arguments.folder).runs:
            results.append(compared(run, write=arguments.write))
            print(f"{results[-1]}: {run.folder}", flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return int("different" in results)


if __name__ == "__main__":
    sys.exit(main())
