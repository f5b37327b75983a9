"""Rewrites results/published/nnrepair_*.csv from the published result files of NNrepair.

    BENCH_DATA=FOLDER python scripts/published_tables.py

Of the data folder only nnrepair/results.tar.xz is read: 345 text files of the artifact of Usman et
al., CAV 2021 (arXiv 2103.12535).
"""

import argparse
import csv
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from bench import shipped
from bench.datasets.files import fetch
from bench.records.store import write_text
from repair.errors import InputError

ARCHIVE = "nnrepair/results.tar.xz"
DIGEST = "40df7517c819d76106d2c9f4c71a74a9f81e1b81eebe61e72e2db2a4fb7b27f7"
SCENARIOS = {
    "MNIST-LowQuality": "low_quality_mnist",
    "MNIST-Poisoned": "poison_mnist",
    "Cifar-Poisoned": "poison_cifar",
    "MNIST-Adversarial": "adversarial_mnist",
    "Cifar-Adversarial": "adversarial_cifar",
}
LAYERS = {"Lastlayer": "last", "IntermediateLayer": "intermediate"}
# What the file names call a set -> what it is. The training sets of the poisoned networks are as
# published: their counts show that part of their images carries the trigger.
SETS = {
    "TEST": "clean_test",
    "TRAINING": "train",
    "POISONED_TEST": "defect_test",
    "POISONED_TRAINING": "train",
    "ADV_TEST": "defect_test",
    "ADV_TRAINING": "defect_train",
}
# The two attacked MNIST sets have each other's name: ADV_TEST is made of training images.
CROSSED = {"ADV_TEST": "defect_train", "ADV_TRAINING": "defect_test"}

_NAME = re.compile(
    r"(?:(?P<exp>Exp[A-D])_)?(?P<set>(?:(?:POISONED|ADV)_)?(?:TEST|TRAINING))"
    r"(?:_(?P<selection>f1har|f1))?(?P<listing>_prec_f1)?\.csv$",
    re.IGNORECASE,
)

KEY = ("scenario", "layer", "exp", "selection", "set")
COLUMNS = {
    "rows": (*KEY, "row", "correct", "total", "accuracy_percent"),
    "experts": (*KEY, "expert", "network", "tp", "tn", "fp", "fn", "precision", "recall", "f1"),
    "selections": (*KEY, "expert", "selected", "precision", "f1", "f1_original"),
    "files": ("file", "sha256", *KEY, "content"),
}


@dataclass(frozen=True)
class Key:
    """Which table of the artifact: the columns KEY."""

    scenario: str
    layer: str
    exp: str
    selection: str
    set: str


def key_of(path: str) -> tuple[Key, bool]:
    """What a file of the artifact is about, and whether it lists selected experts."""
    folder, kind, name = path.split("/")[-3:]
    match = _NAME.search(name)
    if match is None or folder not in SCENARIOS or kind not in LAYERS:
        raise InputError(f"{path}: expected a result file of the NNrepair artifact.")
    named = match["set"].upper()
    meaning = CROSSED.get(named) if folder == "MNIST-Adversarial" else None
    selection = {None: "all", "f1": "f1", "f1har": "f1_harmonic"}[match["selection"]]
    key = Key(
        SCENARIOS[folder], LAYERS[kind], match["exp"] or "", selection, meaning or SETS[named]
    )
    return key, match["listing"] is not None


def accuracy_rows(key: Key, text: str) -> Iterator[tuple[object, ...]]:
    """The rows ORIG, the combinations and L0..L9; without those the artifact left empty (NaN)."""
    for row in csv.DictReader(io.StringIO(text), delimiter=";"):
        if row["PASS"] and int(row["PASS"]) + int(row["FAIL"]):
            correct = int(row["PASS"])
            yield (
                *astuple(key),
                row["COMBINATION"],
                correct,
                correct + int(row["FAIL"]),
                row["ACCURACY"],
            )


def expert_rows(key: Key, text: str) -> Iterator[tuple[object, ...]]:
    """For each class the counts of expert and original network as detectors of that class."""
    for row in csv.DictReader(io.StringIO(text), delimiter=";"):
        match = re.fullmatch(r"(ORIG_)?L(\d)", row["COMBINATION"])
        if match is not None:
            counts = (row[name] for name in ("TP", "TN", "FP", "FN", "PREC", "RECALL", "F1"))
            yield *astuple(key), match[2], "original" if match[1] else "expert", *counts


def selection_rows(key: Key, text: str) -> Iterator[tuple[object, ...]]:
    """The figures by which experts were selected, fractions."""
    lists = {
        name: [item.strip() for item in items.split(",") if item.strip()]
        for name, items in re.findall(r"(\w+)=\[(.*?)\]", text)
    }
    columns = (lists["prec"], lists["f1_values"], lists["f1_values_original"])
    for expert, figures in enumerate(zip(*columns, strict=True)):
        yield *astuple(key), expert, int(str(expert) in lists["f1Experts"]), *figures


def tables(archive: Path) -> dict[str, list[tuple[object, ...]]]:
    """All tables of the artifact, tidy: name -> rows in the order of `COLUMNS[name]`.

    Raises:
        InputError: a file in it is none of the artifact's result files.
    """
    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in COLUMNS}
    with tarfile.open(archive, "r:xz") as tar:
        for member in sorted((m for m in tar if m.name.endswith(".csv")), key=lambda m: m.name):
            stream = tar.extractfile(member)
            if stream is None:
                raise InputError(f"{archive}: {member.name} is no plain file.")
            content = stream.read()
            text = content.decode()
            key, listing = key_of(member.name)
            if listing:
                rows["selections"] += selection_rows(key, text)
            else:
                rows["rows"] += accuracy_rows(key, text)
                rows["experts"] += expert_rows(key, text)
            digest = hashlib.sha256(content).hexdigest()
            kind = "selection" if listing else "accuracies"
            rows["files"].append((member.name, digest, *astuple(key), kind))
    return rows


def as_csv(name: str, rows: list[tuple[object, ...]]) -> str:
    """The text of a table's file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS[name])
    writer.writerows(rows)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=shipped("results/published"))
    arguments = parser.parse_args()
    try:
        for name, rows in tables(fetch(ARCHIVE, DIGEST)).items():
            path = arguments.out / f"nnrepair_{name}.csv"
            write_text(path, as_csv(name, rows))
            print(f"{path}: {len(rows)} rows")
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
