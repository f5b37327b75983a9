"""The task "repair": a scenario's problem, a method's repair, its evaluation, its record."""

import re
import time
from dataclasses import replace
from typing import Any

import hydra.utils
from omegaconf import DictConfig, OmegaConf

from bench.evaluate import Evaluation, evaluate
from bench.own import with_data
from bench.records.environment import environment
from bench.records.gallery import EXAMPLES
from bench.records.record import Record
from bench.renamed import hint
from bench.report.compare import EXPERIMENTS
from bench.runs.handover import Handover
from bench.runs.progress import stage
from bench.runs.specification import method_name
from bench.runs.tasks import About, Done
from bench.scenarios import AUTO, File, Scenario
from repair.errors import InputError
from repair.weights.methods import Method
from repair.weights.problem import Problem
from repair.weights.ranking import Blame, located
from repair.weights.source import SourceFile

MORE_IMAGES = ("repair_mirrored", "repair_copies")
CALLED = {
    "scenario": "problem",
    "method": "__call__",
}  # what an object of a class of the user's own must have


def run(config: DictConfig, about: About) -> Done:
    """Repair and measure.

    Args:
        config: the run's resolved config, a `bench.config.Config`.
        about: what its record says of it.

    Raises:
        InputError: settings that do not fit the scenario, or data that is not there.
    """
    began = time.perf_counter()
    scenario: Scenario = build(
        "scenario",
        config.scenario,
        repair_images=config.repair_images,
        **_more_images(config),
        validation_images=config.validation_images,
        seed=config.seed,
    )
    if not isinstance(scenario, Scenario) and (config.network or config.data):
        raise InputError(
            f"network= and data= are for a bench.scenarios.Scenario; scenario is a {type(scenario).__name__}."
        )
    scenario, source = _own(scenario, config, about)
    method: Method = build("method", config.method)
    with stage(f"{scenario.name}: network and repair set"):
        problem = scenario.problem(_layers(config.layers))
        problem = problem.limited(config.most_failing, config.most_passing)
    prepared = time.perf_counter()
    ranking: list[Blame] = []
    if config.layers == AUTO:
        with stage("localization of layers"):
            problem, ranking = located(problem, method, seed=config.seed)
    chosen = time.perf_counter()
    with stage(f"{method_name(config)}: repair of {', '.join(problem.layers)}"):
        repair = method(problem, seed=config.seed)
    repaired = time.perf_counter()
    with stage("evaluation on validation and test data"):
        evaluation = evaluate(scenario, problem, repair)
    done = time.perf_counter()
    seconds = {
        "prepare": prepared - began,
        **({"localize_layers": chosen - prepared} if ranking else {}),
        "repair": repaired - chosen,
        **{f"repair/{name}": value for name, value in repair.seconds.items()},
        "evaluate": done - repaired,
        "total": done - began,
    }
    repair = replace(repair, details={**repair.details, **_described(ranking)})
    handover = Handover(repair, evaluation.validation, evaluation.chosen, source)
    record = _record(config, about, scenario, problem, handover, evaluation, seconds)
    return Done(record, {EXAMPLES: evaluation.gallery.save, **handover.files(problem.network)})


def build(what: str, node: Any, **further: Any) -> Any:
    """The object that a config node names by `_target_`.

    Raises:
        InputError: nothing is there by this name, or it does not take these settings.
    """
    if not OmegaConf.is_dict(node) or "_target_" not in node:
        raise InputError(
            f"{what} needs a _target_: the path of a class, such as package.module.Name."
        )
    try:
        made = hydra.utils.instantiate(node, **further, _convert_="all")
    except hydra.errors.InstantiationException as error:
        cause = error.__cause__
        node_of = re.search(r"full_key: (\S+)", str(error))
        where = node_of[1] if node_of else what
        if isinstance(cause, InputError):
            raise InputError(f"{where}: {cause}") from error
        if cause is not None and not isinstance(cause, TypeError | ImportError | AttributeError):
            raise cause from error
        why = cause or str(error).splitlines()[0]
        raise InputError(
            f"{where}: cannot make {node['_target_']} of these settings: {why}{hint(error)}"
        ) from error
    if not callable(getattr(made, CALLED[what], None)):
        raise InputError(
            f"{what}: {node['_target_']} makes a {type(made).__name__}, which has no {CALLED[what]}(...)."
        )
    return made


def _own(
    scenario: Scenario, config: DictConfig, about: About
) -> tuple[Scenario, SourceFile | None]:
    """The scenario with the network and the data of the user's own, and the file of that network."""
    source = None
    if config.network is not None:
        source = about.files["network"]
        scenario = replace(scenario, network=File(source, config.scale))
    elif "scenario.network.path" in about.files and isinstance(scenario.network, File):
        source = about.files["scenario.network.path"]
        scenario = replace(scenario, network=File(source, scenario.network.scale))
    if config.data is not None:
        scenario = with_data(scenario, about.files["data"])
    return scenario, source


def _layers(layers: Any) -> str | tuple[str, ...]:
    return layers if isinstance(layers, str) else tuple(layers)


def _more_images(config: DictConfig) -> dict[str, Any]:
    """What is made of the repair images, where asked for: a scenario of one's own need not know it."""
    return {name: config[name] for name in MORE_IMAGES if config[name]}


def _described(ranking: list[Blame]) -> dict[str, Any]:
    return {"layers_ranked": [blame.describe() for blame in ranking]} if ranking else {}


def _record(
    config: DictConfig,
    about: About,
    scenario: Scenario,
    problem: Problem,
    handover: Handover,
    evaluation: Evaluation,
    seconds: dict[str, float],
) -> Record:
    repair = handover.repair
    passing = config.method.get("passing_tests")
    layer = (
        "last" if problem.layers == (problem.network.weighted[-1],) else "+".join(problem.layers)
    )
    details = {
        "layer": layer,
        "passing_tests": passing,
        "exp": EXPERIMENTS.get(passing),
        "repair_images": len(problem.repair_clean),
        **_more_images(config),
        "validation": evaluation.validation,
        "confusion": evaluation.confusion,
        "flips": evaluation.flips,
        "no_patch": handover.no_patch,
        **repair.details,
    }
    return Record(
        experiment=about.experiment,
        scenario=scenario.name,
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
