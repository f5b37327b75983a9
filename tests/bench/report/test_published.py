import csv
import importlib.util
from collections import Counter

import pytest
from checkout import ROOT

from bench import shipped
from bench.report.published import best_on_test, published
from repair.errors import InputError

SCRIPT = ROOT / "scripts" / "published_tables.py"
FOLDER = shipped("results/published")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("published_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(name):
    with (FOLDER / f"nnrepair_{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# The counts that the data pack's README took from the artifact, independent of the script.
ORIGINAL = {
    ("low_quality_mnist", "clean_test"): (9634, 10000),
    ("low_quality_mnist", "train"): (57951, 60000),
    ("poison_mnist", "clean_test"): (9863, 10000),
    ("poison_mnist", "defect_test"): (1038, 10000),
    ("poison_mnist", "train"): (59393, 60000),
    ("poison_cifar", "clean_test"): (7226, 10000),
    ("poison_cifar", "defect_test"): (1589, 10000),
    ("adversarial_mnist", "clean_test"): (9787, 10000),
    ("adversarial_mnist", "train"): (59204, 60000),
    ("adversarial_mnist", "defect_test"): (2992, 10000),  # the crossed names are put right
    ("adversarial_mnist", "defect_train"): (2837, 10000),
    ("adversarial_cifar", "clean_test"): (8104, 10000),
    ("adversarial_cifar", "defect_test"): (3596, 10000),
}


def test_the_unrepaired_counts_are_those_of_the_artifact():
    found = {}
    for row in rows("rows"):
        if row["row"] == "ORIG":
            counts = int(row["correct"]), int(row["total"])
            assert found.setdefault((row["scenario"], row["set"]), counts) == counts
    assert {key: found[key] for key in ORIGINAL} == ORIGINAL


def test_accuracies_follow_from_the_counts():
    assert len(rows("rows")) == 2750
    for row in rows("rows"):
        accuracy = 100 * int(row["correct"]) / int(row["total"])
        # The authors cut or round to two digits.
        assert abs(accuracy - float(row["accuracy_percent"])) <= 0.0101, row


def test_precision_and_recall_follow_from_the_counts():
    assert len(rows("experts")) == 3126
    for row in rows("experts"):
        tp, fp, fn = (int(row[name]) for name in ("tp", "fp", "fn"))
        for count, name in ((fp, "precision"), (fn, "recall")):
            if tp + count:
                assert abs(100 * tp / (tp + count) - float(row[name])) <= 0.0101, row


def test_every_file_of_the_artifact_is_accounted_for():
    files = rows("files")
    assert len({row["file"] for row in files}) == len(files) == 345
    key = ("scenario", "layer", "exp", "selection", "set")
    for content, name in (("accuracies", "rows"), ("selection", "selections")):
        named = {tuple(row[k] for k in key) for row in files if row["content"] == content}
        assert named == {tuple(row[k] for k in key) for row in rows(name)}


def test_rows_are_unique():
    key = ("scenario", "layer", "exp", "selection", "set", "row")
    assert max(Counter(tuple(row[k] for k in key) for row in rows("rows")).values()) == 1


def test_the_headline_claim_is_the_best_combination_of_the_tables():
    claims = list(csv.DictReader((FOLDER / "headlines.csv").open()))
    (claim,) = (row for row in claims if row["scenario"] == "poison_mnist")
    gains = []
    for (scenario, _, _), cell in published().items():
        if scenario == claim["scenario"]:
            best = cell.combinations[best_on_test(cell.combinations)].defect
            gains.append(100 * (best.accuracy - cell.before.defect.accuracy))
    assert max(gains) == pytest.approx(float(claim["gain_points"]))


def test_each_scenario_has_its_cells():
    cells = Counter((scenario, layer) for scenario, layer, _ in published())
    assert cells == {
        ("low_quality_mnist", "last"): 4,
        ("low_quality_mnist", "intermediate"): 1,
        ("poison_mnist", "last"): 4,
        ("poison_mnist", "intermediate"): 4,
        ("poison_cifar", "last"): 4,
        ("adversarial_mnist", "last"): 4,
        ("adversarial_mnist", "intermediate"): 4,
        ("adversarial_cifar", "last"): 4,
    }


def test_files_stay_small():
    assert all(path.stat().st_size < 1_000_000 for path in FOLDER.iterdir())


def test_the_script_makes_the_committed_tables(script, data_pack):
    for name, table in script.tables(data_pack / script.ARCHIVE).items():
        assert script.as_csv(name, table) == (FOLDER / f"nnrepair_{name}.csv").read_text()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "Results/MNIST-Adversarial/Lastlayer/ADVERSARIAL_LAST_LAYER_Eps0_05_ExpA_ADV_TEST_f1.csv",
            (("adversarial_mnist", "last", "ExpA", "f1", "defect_train"), False),
        ),
        (
            "Results/Cifar-Adversarial/Lastlayer/CIFAR_LAST_LAYER_Eps0_01_ExpB_ADV_TEST_prec_f1.csv",
            (("adversarial_cifar", "last", "ExpB", "all", "defect_test"), True),
        ),
        (
            "Results/MNIST-LowQuality/IntermediateLayer/LOW_QUALITY_PATTERN_TEST_f1_prec_f1.csv",
            (("low_quality_mnist", "intermediate", "", "f1", "clean_test"), True),
        ),
    ],
)
def test_file_names_say_what_is_in_them(script, path, expected):
    key, listing = script.key_of(path)
    assert (tuple(vars(key).values()), listing) == expected


def test_a_foreign_file_is_refused(script):
    with pytest.raises(InputError, match="notes"):
        script.key_of("Results/MNIST-Poisoned/Lastlayer/notes.csv")
