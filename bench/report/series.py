"""Runs that differ in their seed alone, and the run that validation data prefers of a method, scenario and seed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records import details
from bench.records.canonical import difference
from bench.records.record import Accuracy, Record
from bench.records.store import CONFIG, Stored
from bench.records.stored_config import read_config
from bench.renamed import current
from bench.report.beside_record import read_beside
from bench.runs.tasks import TASKS

MEASURES = ("defect", "clean")
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Series:
    """The runs of one method with the same settings in one scenario, by seed.

    Attributes:
        setting: what tells it from other series of the method, for a reader: layers, N, and what else differs.
    """

    scenario: str
    method: str
    setting: str
    runs: tuple[Stored, ...]

    @property
    def name(self) -> str:
        """Method and setting."""
        return ", ".join(part for part in (self.method, self.setting) if part)

    @property
    def repaired(self) -> list[Record]:
        """The records of runs that ended with a repair."""
        return [run.record for run in self.runs if run.record.status == "ok"]


def series_of(runs: Iterable[Stored]) -> list[Series]:
    """All runs with accuracies, in series, ordered by scenario, method and setting.

    Runs belong together when their configs agree in every setting that both have: a config written by an older
    version lacks settings that did not exist.
    """
    alike: dict[tuple, list[Stored]] = defaultdict(list)
    for run in runs:
        if measured(run.record) is not None:
            alike[_key(run.record)].append(run)
    found: list[Series] = []
    for key in sorted(alike, key=str):
        scenario, method, *words = key
        variants = _variants(alike[key])
        for variant, differing in zip(variants, _differing(variants), strict=True):
            setting = ", ".join([*(word for word in words if word), *differing])
            ordered = sorted(variant.runs, key=lambda run: run.record.seed)
            found.append(Series(scenario, method, setting, tuple(ordered)))
    return found


def measured(record: Record) -> dict[str, float] | None:
    """Accuracy on "defect" and "clean" test data in percent, after repair; None where nothing was classified.

    A run without a repair leaves the network as it was: its accuracies are those before.
    """
    found = {}
    for what in MEASURES:
        value = record.metrics.get(f"{what}_after") or record.metrics.get(f"{what}_before")
        if not isinstance(value, Accuracy):
            return None
        found[what] = 100 * value.accuracy
    return found


def before_and_after(records: Iterable[Record], what: str) -> list[tuple[float, float]]:
    """Accuracies before and after repair in percent, on "defect" or "clean" test data, of the runs that have both."""
    pairs = ((r.metrics.get(f"{what}_before"), r.metrics.get(f"{what}_after")) for r in records)
    return [
        (100 * before.accuracy, 100 * after.accuracy)
        for before, after in pairs
        if isinstance(before, Accuracy) and isinstance(after, Accuracy)
    ]


def preferred(runs: Iterable[Stored]) -> dict[tuple[str, str, int], Record]:
    """(scenario, method, seed) -> the run of the method with the best sum of accuracies on validation data.

    Of equals the first by config hash. So a method enters comparisons once, with settings that test data did not
    choose.
    """
    best: dict[tuple[str, str, int], Record] = {}
    for run in sorted(runs, key=lambda run: (-details.worth(run.record), run.record.config_hash)):
        record = run.record
        if measured(record) is not None:
            best.setdefault((record.scenario, record.method, record.seed), record)
    return best


def scores(
    best: Mapping[tuple[str, str, int], Record], measure: str, scenario: str | None = None
) -> dict[str, dict[tuple, float]]:
    """Of `preferred` runs: method -> (scenario, seed) -> accuracy in percent; of one scenario, or of all."""
    found: dict[str, dict[tuple, float]] = defaultdict(dict)
    for (where, method, seed), record in sorted(best.items()):
        values = measured(record)
        if values is not None and scenario in (None, where):
            found[method][where, seed] = values[measure]
    return found


@dataclass
class _Variant:
    runs: list[Stored]
    settings: dict[str, Any]


def repair_images(record: Record) -> int | None:
    """Clean images of the repair set, without mirror images and moved copies of them."""
    images, mirrored, copies = (
        details.count(record, f"repair_{name}") for name in ("images", "mirrored", "copies")
    )
    return images and images // ((1 + (mirrored or 0)) * (1 + (copies or 0)))


def _key(record: Record) -> tuple[str, ...]:
    images, copies = repair_images(record), details.count(record, "repair_copies")
    mirrored = " + mirrored" if details.count(record, "repair_mirrored") else ""
    return (
        record.scenario,
        record.method,
        details.text(record, "layer") or "",
        details.text(record, "exp") or "",
        f"N={images}{mirrored}{f' + {copies} copies' if copies else ''}" if images else "",
    )


def _variants(runs: Sequence[Stored]) -> list[_Variant]:
    by_hash: dict[str, list[Stored]] = defaultdict(list)
    for run in runs:
        by_hash[run.record.config_hash].append(run)
    if len(by_hash) == 1:
        return [_Variant(list(runs), {})]
    variants: list[_Variant] = []
    for name in sorted(by_hash):
        settings = _settings(by_hash[name][0], name)
        fitting = next((v for v in variants if _agree(v, settings, by_hash[name])), None)
        if fitting is None:
            variants.append(_Variant(list(by_hash[name]), settings))
        else:
            fitting.runs += by_hash[name]
            fitting.settings |= settings
    return variants


def _agree(variant: _Variant, settings: Settings, runs: Sequence[Stored]) -> bool:
    """Whether all common settings are equal, of which there are some, and no seed is there twice."""
    seeds = {run.record.seed for run in variant.runs}
    common = variant.settings.keys() & settings.keys()
    differ = any(difference(variant.settings[key], settings[key], key) for key in common)
    return bool(common) and not differ and not any(run.record.seed in seeds for run in runs)


def _settings(run: Stored, name: str) -> dict[str, Any]:
    """The flat settings that the run's result depends on; its hash where it has no config of a task that there is."""
    config = current(read_beside(run.folder / CONFIG, read_config) or {})
    kind = config.get("task")
    if not isinstance(kind, str) or kind not in TASKS:
        return {"config": name}
    asked = {key: config[key] for key in TASKS[kind].settings if key in config}
    return dict(_flat("", asked))


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)
    else:
        yield prefix, value


def _differing(variants: Sequence[_Variant]) -> list[list[str]]:
    """For each variant the settings in which variants differ, as texts."""
    keys = sorted(set().union(*(v.settings for v in variants)))
    # `localize` is a node of its own and, by reference, a part of `method`: once is enough.
    keys = [key for key in keys if f"method.{key}" not in keys]
    differ = [
        key
        for key in keys
        if len({repr(v.settings[key]) for v in variants if key in v.settings}) > 1
    ]
    return [
        [f"{_short(key)}={_value(v.settings[key])}" for key in differ if key in v.settings]
        for v in variants
    ]


def _short(key: str) -> str:
    return key.removesuffix("._target_").rpartition(".")[2]


def _value(value: Any) -> str:
    text = str(value)
    return text.rpartition(".")[2] if text.startswith("repair.") else text
