"""The runs that a command line with -m asks for."""

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from bench.config import explain, refuse_unfit
from bench.records import store
from bench.records.record import Record
from bench.runs.specification import RunSpecification, specify
from repair.errors import InputError

Load = Callable[[list[str]], DictConfig]


@dataclass(frozen=True, eq=False)  # each is itself: a key of dictionaries
class Job:
    """One run of a sweep.

    Attributes:
        label: the settings that tell it from the sweep's other runs.
        config: all of its settings, resolved.
        specification: what it asks for, and its folder; None where that is bad input, which `refusal` says.
    """

    label: str
    config: DictConfig
    specification: RunSpecification | None
    refusal: str | None = None

    def needed(self) -> bool:
        """Is there work to do, as far as the store knows now?"""
        if self.specification is None:
            return False
        config = self.specification.config
        return store.needs_run(self.record(), overwrite=config["overwrite"], retry=config["retry"])

    def record(self) -> Record | None:
        """The record of the run, where it is finished."""
        found = self.specification.finished() if self.specification else None
        return found.record if isinstance(found, store.Stored) else None


def plan(loader: ConfigLoader, load: Load, arguments: Sequence[str]) -> tuple[Job, ...]:
    """Every combination of the swept values, in the order of the command line, each run once.

    Args:
        load: composes the config of a run from its overrides.
        arguments: overrides; `seed=0,1,2` and `seed=range(5)` are swept.

    Raises:
        InputError: a sweep over what is not discrete.
        HydraException: an override that no config of the sweep can take.
    """
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    composer = _Composer(loader, load)
    jobs: dict[object, Job] = {}
    for combination in itertools.product(*map(_choices, parsed)):
        job = _job(composer.config(combination), _label(parsed, combination))
        jobs.setdefault(job.specification.folder if job.specification else job.label, job)
    return tuple(jobs.values())


def _choices(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [override.input_line or ""]
    if not override.is_discrete_sweep():
        raise InputError(
            f"{override.input_line}: a sweep needs its values listed, such as "
            f"{override.key_or_group}=0,1,2 or {override.key_or_group}=range(3)."
        )
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _label(parsed: Sequence[Override], combination: Sequence[str]) -> str:
    swept = [
        text for o, text in zip(parsed, combination, strict=True) if o.is_sweep_override()
    ] or list(combination)
    return " ".join(text.lstrip("+") for text in swept)


def _job(config: DictConfig, label: str) -> Job:
    try:
        refuse_unfit(config)
        return Job(label, config, specify(config, hold=False))
    except InputError as error:
        return Job(label, config, None, str(error))
    except OmegaConfBaseException as error:
        return Job(label, config, None, str(explain(error)))


class _Composer:
    """Hydra composes once for each choice of config groups; plain values are set in copies of that.

    Composing took 0.18 s (two busy cores), which 200 runs need not pay 200 times.
    """

    def __init__(self, loader: ConfigLoader, load: Load) -> None:
        self._loader, self._load = loader, load
        self._parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._groups: dict[str, bool] = {}
        self._current: DictConfig | None = None
        self._composed: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = {}

    def config(self, overrides: Sequence[str]) -> DictConfig:
        """The config of one run, without Hydra's own node."""
        parsed = [self._parse(override) for override in overrides]
        values = [override for override in parsed if self._is_value(override)]
        if _overlap(parsed):  # then their order matters, which is Hydra's business
            values = []
        rest = tuple(o.input_line or "" for o in parsed if o not in values)
        try:
            config = self._base(rest)
            for override in values:
                OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException:
            return self._base(tuple(overrides))  # Hydra says it as it does for a single run
        return config

    def _base(self, overrides: tuple[str, ...]) -> DictConfig:
        if overrides not in self._composed:
            whole = self._load(list(overrides))
            bare = copy.deepcopy(whole)
            with open_dict(bare):
                bare.pop("hydra", None)
            self._composed[overrides] = (whole, bare)
        whole, bare = self._composed[overrides]
        if whole is not self._current:
            HydraConfig.instance().set_config(whole)  # for the resolver ${hydra:...}
            self._current = whole
        return copy.deepcopy(bare)

    def _parse(self, override: str) -> Override:
        if override not in self._parsed:
            (self._parsed[override],) = self._parser.parse_overrides([override])
        return self._parsed[override]

    def _is_value(self, override: Override) -> bool:
        key = override.key_or_group
        if key not in self._groups:
            self._groups[key] = bool(self._loader.get_group_options(key))
        return (
            override.type is OverrideType.CHANGE
            and override.package is None
            and not key.startswith("hydra")
            and not self._groups[key]
        )


def _overlap(overrides: Sequence[Override]) -> bool:
    keys = sorted(f"{override.key_or_group.replace('/', '.')}." for override in overrides)
    return any(later.startswith(earlier) for earlier, later in itertools.pairwise(keys))
