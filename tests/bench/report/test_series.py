"""Runs in series over seeds, and the tables that compare methods."""

import csv
import io
from dataclasses import replace

import pytest

from bench.records.record import Accuracy, Combination, before_and_after
from bench.records.store import run_folder, save
from bench.report import Report, collect
from bench.report.figures.accuracy import methods
from bench.report.figures.comparison import groups_of
from bench.report.figures.profiles import cactus
from bench.report.page import page
from bench.report.series import measured, preferred, scores, series_of
from bench.report.tables.comparison import comparison_table
from bench.report.tables.methods import comparisons_table, ranks_table
from bench.report.tables.over_seeds import series_table


@pytest.fixture
def run_of(tmp_path, record_of):
    """A stored run with a config of its own."""

    def make(name="a" * 16, *, validation=0.5, images=100, config=None, **changes):
        record = record_of(config_hash=name, **changes)
        pair = {"clean": {"accuracy": validation}, "defect": {"accuracy": validation}}
        details = {
            **record.details,
            "repair_images": images,
            "validation": {str(record.chosen): pair},
        }
        record = replace(record, details=details)
        settings = {"task": "repair", "method": {"_target_": "repair.m.M", **(config or {})}}
        folder = run_folder(tmp_path / "runs", record.experiment, name, record.seed)
        return save(folder, record, settings)

    return make


def test_seeds_of_configs_that_agree_where_both_say_are_one_series(run_of):
    old = run_of("a" * 16, config={"margin": 1})
    new = run_of("b" * 16, config={"margin": 1, "added_later": True}, seed=1)
    other = run_of("c" * 16, config={"margin": 2, "added_later": True}, seed=2)
    found = series_of([other, new, old])
    assert [[run.record.seed for run in one.runs] for one in found] == [[0, 1], [2]]
    assert [one.setting for one in found] == [
        "last, ExpC, N=100, margin=1",
        "last, ExpC, N=100, margin=2",
    ]


def test_settings_agree_by_value_and_type_and_nan_agrees_with_itself(run_of):
    values = {"a": float("nan"), "b": float("nan"), "c": None, "d": 1, "e": True, "f": 1.0}
    runs = [
        run_of(name * 16, config={"bound": value, f"added_{name}": 0}, seed=seed)
        for seed, (name, value) in enumerate(values.items())
    ]
    found = [[run.record.seed for run in one.runs] for one in series_of(runs)]
    assert found == [[0, 1], [2], [3], [4], [5]]


@pytest.mark.parametrize("content", ["{", "- 1", "task: another", "method: 3", "\xff"])
def test_a_run_whose_config_cannot_be_read_is_a_series_of_its_own(run_of, content):
    one, other = run_of("a" * 16), run_of("b" * 16, seed=1)
    (other.folder / "config.yaml").write_bytes(content.encode("latin-1"))
    assert [[run.record.seed for run in one.runs] for one in series_of([one, other])] == [[0], [1]]


# What records name their numbers of added images, now and in version 0.1.
NAMES = pytest.mark.parametrize(
    ("mirrored_images", "augmented_copies"),
    [("mirrored_images", "augmented_copies"), ("repair_mirrored", "repair_copies")],
)


@NAMES
def test_augmented_copies_are_no_further_images_and_make_another_series(
    run_of, mirrored_images, augmented_copies
):
    one, other = run_of("a" * 16, images=4000), run_of("b" * 16, images=1000, seed=1)
    details = {**one.record.details, augmented_copies: 3}
    one = replace(one, record=replace(one.record, details=details))
    assert {series.setting for series in series_of([one, other])} == {
        "last, ExpC, N=1000",
        "last, ExpC, N=1000 + 3 augmented copies",
    }


@NAMES
def test_mirror_images_are_no_further_images_either(run_of, mirrored_images, augmented_copies):
    one, other = run_of("a" * 16, images=8000), run_of("b" * 16, images=2000, seed=1)
    both = {**one.record.details, mirrored_images: True, augmented_copies: 3}
    one = replace(one, record=replace(one.record, details=both))
    mirrored = {**other.record.details, mirrored_images: True}
    other = replace(other, record=replace(other.record, details=mirrored))
    assert {series.setting for series in series_of([one, other])} == {
        "last, ExpC, N=1000 + mirrored",
        "last, ExpC, N=1000 + mirrored + 3 augmented copies",
    }


def test_a_seed_is_in_a_series_once(run_of):
    twice = [run_of("a" * 16), run_of("b" * 16, config={"added_later": True})]
    assert [len(one.runs) for one in series_of(twice)] == [1, 1]


def test_other_images_layers_and_methods_are_other_series(run_of):
    runs = [
        run_of("a" * 16),
        run_of("b" * 16, images=1000, seed=1),
        run_of("c" * 16, layer="dense_1", seed=2),
        run_of("d" * 16, method="finetune", seed=3),
    ]
    assert len(series_of(runs)) == 4


def test_a_run_without_repair_counts_as_the_network_before(run_of):
    failed = run_of(status="infeasible")
    assert measured(failed.record) == pytest.approx({"defect": 10.38, "clean": 98.63})
    (line,) = series_table(series_of([failed])).numbers
    assert (line["seeds"], line["failed"], line["defect_after"]) == (0, 1, None)


NOT_CHOSEN = {
    "chosen": "ORIG",
    "combinations": {
        "ORIG": Combination(Accuracy(9863, 10000), Accuracy(1038, 10000)),
        "PATCH": Combination(Accuracy(9000, 10000), Accuracy(1000, 10000)),
    },
    "patch": {"layers": [], "weights_changed": 0, "l1": 0.0, "linf": 0.0},
}


def test_a_repair_that_was_not_chosen_counts_for_nothing(run_of, tmp_path):
    certificate = {"certificate": {"ok": True}}
    chosen, other = run_of(seed=0), run_of(seed=1, clean=9863, defect=1038, **NOT_CHOSEN)
    runs = [
        replace(run, record=replace(run.record, details={**run.record.details, **certificate}))
        for run in (chosen, other)
    ]
    (series,) = series_of(runs)
    (numbers,) = series_table([series]).numbers
    assert (numbers["seeds"], numbers["failed"], numbers["left_as_it_was"]) == (2, 0, 1)
    assert (numbers["certified"], numbers["certificates"]) == (1, 1)
    assert numbers["weights_changed"] == 25
    assert numbers["defect_after"] == pytest.approx((55.94 + 10.38) / 2)
    (drawn,) = cactus(Report.of([run.record for run in runs], runs))
    steps, marks = drawn.figure.axes[0].lines
    assert list(steps.get_ydata()) == list(marks.get_ydata()) == [12.5]


def trained_by_seed(run_of, **changes):
    """Three runs of networks that differ by seed; the first ended without a repair, the last lacks figures before."""

    def metrics(seed, after=True):
        before, defect = Accuracy(9000 + 100 * seed, 10000), Accuracy(1000 * seed, 10000)
        return before_and_after(
            before, before if after else None, defect, defect if after else None
        )

    lacking = {name: v for name, v in metrics(9).items() if not name.endswith("before")}
    failed = run_of(seed=0, status="infeasible", metrics=metrics(0, after=False), **changes)
    good = [run_of(seed=seed, metrics=metrics(seed), **changes) for seed in (1, 2, 4)]
    return [failed, *good, run_of(seed=5, metrics=lacking, **changes)]


def test_before_and_after_are_means_over_the_same_seeds(run_of):
    (series,) = series_of(trained_by_seed(run_of))
    table = series_table([series])
    (numbers,), (line,) = table.numbers, table.lines
    # These repairs change no answer: whatever is taken from other seeds shows as a difference.
    for what, mean in (("defect", 700 / 30), ("clean", 90 + 7 / 3)):
        for end in ("", "_low", "_high"):
            before, after = (numbers[f"{what}_{when}{end}"] for when in ("before", "after"))
            assert before == pytest.approx(after)
        assert numbers[f"{what}_before"] == pytest.approx(mean)
        before, after = line[table.columns.index(f"{what} accuracy, %")].split(" → ")
        assert before == after
        assert "[" in before


def test_what_is_drawn_before_repair_is_of_the_same_seeds(run_of):
    runs = trained_by_seed(run_of)[1:4] + trained_by_seed(run_of, method="other")[1:2]
    (drawn,) = methods(Report.of([run.record for run in runs], runs))
    (axes,) = drawn.figure.axes
    dots, befores = {}, {}
    for line in axes.lines:
        x, y = list(line.get_xdata()), list(line.get_ydata())
        if len(y) == 1:
            dots[y[0]] = x[0]
        else:
            befores.setdefault(sum(y) / 2, []).append(x[0])
    assert befores.keys() == {0, 1}
    for place, found in befores.items():
        assert found == pytest.approx([dots[place + 0.12], dots[place - 0.12]])
    assert dots[0.12] != pytest.approx(dots[1.12])


def test_published_beside_ours_has_before_of_our_seeds(run_of, tmp_path):
    runs = trained_by_seed(run_of)[1:4]
    combinations = [
        {"CONF": Combination(r.record.metrics["clean_after"], r.record.metrics["defect_after"])}
        for r in runs
    ]
    records = [
        replace(run.record, combinations=found)
        for run, found in zip(runs, combinations, strict=True)
    ]
    report = Report.of(records)
    table = comparison_table(report.comparison)
    (line,) = [one for one in table.lines if one[1] == "3"]
    before, ours = (
        line[table.columns.index(name)] for name in ("before", "ours, chosen on validation")
    )
    assert ours == f"CONF {before}"
    assert "[" in before
    (group,) = [g for g in groups_of("poison_mnist", report.comparison) if "3 seeds" in g.label]
    assert group.before == group.results[2]


def test_validation_data_prefers_never_test_data(run_of):
    good_on_test = run_of("a" * 16, validation=0.6, defect=9000)
    good_on_validation = run_of("b" * 16, validation=0.7, defect=6000, images=1000)
    best = preferred([good_on_test, good_on_validation])
    assert best["poison_mnist", "nnrepair", 0] == good_on_validation.record
    assert scores(best, "defect") == {"nnrepair": {("poison_mnist", 0): pytest.approx(60.0)}}
    assert scores(best, "defect", "elsewhere") == {}


def test_the_tables_agree_with_the_records_and_call_no_difference_of_five_seeds(run_of, tmp_path):
    for seed in range(6):
        run_of("a" * 16, seed=seed, defect=6000 + 10 * seed, method="slow")
        run_of("b" * 16, seed=seed, defect=5000, method="fast")
        if seed < 5:
            run_of("c" * 16, seed=seed, defect=4000, method="rare")
    tables = collect(tmp_path / "runs").tables()
    lines = {line["method"]: line for line in csv.DictReader(io.StringIO(tables["methods"].csv()))}
    slow = lines["slow"]
    assert (slow["seeds"], slow["failed"]) == ("6", "0")
    assert float(slow["defect_after"]) == pytest.approx(60.25)
    assert 60 <= float(slow["defect_after_low"]) < 60.25 < float(slow["defect_after_high"]) <= 60.5
    compared = {
        (n["first"], n["second"]): n
        for n in tables["comparisons"].numbers
        if n["data"] == "defect" and n["scope"] == "poison_mnist"
    }
    assert compared["fast", "slow"]["verdict"] == "slow is better"
    assert compared["fast", "slow"]["better"] == "slow"
    assert compared["fast", "rare"]["better"] is None
    assert compared["fast", "slow"]["difference_pp"] == pytest.approx(-10.25)
    assert compared["fast", "rare"]["verdict"].startswith("undecided")
    assert compared["fast", "rare"]["pairs"] == 5
    assert "all scenarios" not in {n["scope"] for n in tables["comparisons"].numbers}
    found = page(collect(tmp_path / "runs"), tables, [], {})
    assert "poison_mnist, defect data: slow is better; fast minus slow is -10.25 points" in found
    ranks = {n["method"]: n["rank_defect"] for n in tables["ranks"].numbers}
    assert ranks == {"slow": 1.0, "fast": 2.0, "rare": 3.0}
    assert tables["ranks"].numbers[0]["blocks"] == 5


def test_nothing_to_compare_is_no_table(run_of):
    best = preferred([run_of()])
    assert comparisons_table(best) is None
    assert ranks_table(best) is None


def test_published_beside_ours_has_intervals_over_seeds(run_of, tmp_path):
    for seed, defect in enumerate((5500, 5600, 5700)):
        run_of(seed=seed, defect=defect)
    table = collect(tmp_path / "runs").tables()["published_beside_ours"]
    (line,) = [one for one in table.lines if one[1] == "3"]
    assert line[0] == "poison_mnist last ExpC"
    ours = line[table.columns.index("ours, chosen on validation")]
    assert ours.startswith("CONF 95.52 [95.52, 95.52]/56.00 [55.")
    assert len([n for n in table.numbers if n["exp"] == "ExpC" and n["layer"] == "last"]) == 3


def test_accuracies_without_any_repair_are_kept_apart_from_runs_that_classify_nothing(record_of):
    metrics = before_and_after(Accuracy(9, 10), None, Accuracy(1, 10), None)
    assert measured(record_of(metrics=metrics)) == pytest.approx({"clean": 90, "defect": 10})
    assert measured(record_of(metrics={"success": 1.0})) is None
