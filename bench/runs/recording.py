"""The fourth step of a run: its record, and the files of its repair."""

from omegaconf import DictConfig

from bench.records.environment import environment
from bench.records.gallery import EXAMPLES
from bench.records.record import Record
from bench.records.tasks import About, Done
from bench.runs.handover import Handover
from bench.runs.measure import Measured
from bench.runs.prepare import Prepared, augmentations
from bench.runs.repair import Repaired
from bench.runs.specification import method_name
from repair.weights.problem import Problem


def record(
    config: DictConfig,
    about: About,
    prepared: Prepared,
    repaired: Repaired,
    measured: Measured,
    *,
    total_seconds: float,
) -> Done:
    """The record of a run, with the files of what validation data chose.

    Args:
        config: the run's settings, resolved.
        about: what the record says of the run.
        prepared: the scenario and the problem.
        repaired: the repair.
        measured: what the repair reaches.
        total_seconds: how long the run took.
    """
    repair, evaluation = repaired.repair, measured.evaluation
    handover = Handover(repair, evaluation.validation, evaluation.chosen, prepared.network_file)
    details = {
        "layer": _layer(repaired.problem),
        "repair_images": len(prepared.problem.repair_clean),
        **augmentations(config),
        "validation": evaluation.validation,
        "confusion": evaluation.confusion,
        "flips": evaluation.flips,
        "no_patch": handover.no_patch,
        **repair.details,
    }
    seconds = {**prepared.seconds, **repaired.seconds, **measured.seconds, "total": total_seconds}
    run_record = Record(
        experiment=about.experiment,
        scenario=prepared.scenario.name,
        method=method_name(config),
        seed=about.seed,
        status=repair.status,
        reason=repair.reason,
        config_hash=about.config_hash,
        metrics=evaluation.metrics,
        chosen=evaluation.chosen,
        combinations=evaluation.combinations,
        patch=handover.describe(),
        solver=repair.solver,
        seconds=seconds,
        environment=environment(),
        details={key: value for key, value in details.items() if value is not None},
    )
    files = handover.files(prepared.problem.network)
    return Done(run_record, {EXAMPLES: evaluation.gallery.save, **files})


def _layer(problem: Problem) -> str:
    """The repaired layers in words: "last", or their names."""
    return "last" if problem.layers == (problem.network.weighted[-1],) else "+".join(problem.layers)
