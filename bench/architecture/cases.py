"""Sets of broken definitions: those of the data pack, or of any file of the same form."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.datasets.files import fetch
from repair.architecture.formats.exais import read
from repair.architecture.graph import Graph
from repair.architecture.rules import Rules
from repair.errors import InputError, unknown
from repair.weights.source import SourceFile

RANDOM = "1d1093c004b977d929459f8f5e7aafaddb5dbc635c402e23760d1444c406cb50"
RANDOM_PUBLISHED = "31e16ae902ec6fef68db9ffc06f960e9f88a0232457d33d29223628e414cebab"
MANUAL = "25f6c187c4aeaf4814dd13b4e610f3f7ff50a4ab7a926f90c2d762e56dbc58c7"
MANUAL_PUBLISHED = "3281d99212826c0e06a6c0249dd74cdf0d434768c484419817605639f93fd7ee"
NETS = {
    "mnist_conv_small_relu_diffai": (
        "6c40dd9de6d253219eff1960b84e245c972e28b914f09537efa6b05fcb7f7de5",
        "74d925364850d384b5ffa8cee32b8c9c7309eb4b9b817d5e0055b7a9c31cc7c7",
    ),
    "mnist_relu_9_200": (
        "3c6a806f711a07f2c76c793785025c80368052627c9cf8269f5f5dbfdc3b9c42",
        "00ee0aa158744cff01ab1fb70a526ed3bc192eca2806a82ef70797d7d4a7e92f",
    ),
    "svhn": (
        "2642c25f949d539839056b0ce85e9a987d5f3c190cdd4ce56b7ec8672107eb56",
        "856cfc0d6010d6634e1dfd90afdc7f84b92009ce43b40357dc43fdba628ab10f",
    ),
}
SETS = ("random", "manual", "nets")
"""The sets of the data pack; any other name is a file."""
MOST_CASES = 100_000
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One broken definition.

    Args:
        name: the name of the case in the table.
        document: the definition in the form of the published tool, as `repair.architecture.formats.exais` reads.
        weights: whether the given weights bind under Keras's rules too; else only under `strict`.
        files: shapes of weights that the document gives by the name of a file.
        published: what the published tool needed: `edits`, `widths` (silently changed), `seconds`.
        expected: edits of which a person would expect one group among the first repairs.
        original: the network before it was broken, where there is one.
    """

    name: str
    document: Any
    weights: bool = False
    files: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    expected: Sequence[Sequence[str]] = ()
    original: Any = None

    def graph(self, rules: Rules, *, original: bool = False) -> Graph:
        """The definition as a graph, or the original.

        Raises:
            InputError: it cannot be read.
        """
        document = self.original if original else self.document
        return read(document, weights=self.weights or rules.strict, files=self.files)


def load(cases: str | SourceFile) -> tuple[Case, ...]:
    """A set by its name, or the cases of a file.

    Args:
        cases: "random", "manual", "nets", or a file (or its path) with one JSON object a line (gzip
            if it ends in .gz), each with `case` and `model`.

    Raises:
        InputError: no such set or file, a line that is not of this form, missing data.
    """
    if isinstance(cases, SourceFile):
        return tuple(Case(str(line["case"]), line) for line in lines(cases))
    if cases == "random":
        return _random()
    if cases == "manual":
        return _manual()
    if cases == "nets":
        return tuple(_net(name, *digests) for name, digests in NETS.items())
    if not Path(cases).suffix and not Path(cases).exists():
        raise unknown("set of architecture cases (or file)", cases, SETS)
    return load(SourceFile.read(cases))


def lines(source: SourceFile) -> list[dict[str, Any]]:
    """The objects of a file with one JSON object a line.

    Raises:
        InputError: the file cannot be read; the message names the line.
    """
    path, stream = source.path, io.BytesIO(source.content)
    raw = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
    objects = []
    try:
        with io.TextIOWrapper(raw, encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    objects.append(_line(text, f"{path}, line {number}"))
                if len(objects) > MOST_CASES:
                    raise InputError(f"{path} has over {MOST_CASES} cases: split it.")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not objects:
        raise InputError(f"{path} has no cases: expected a JSON object with 'case' a line.")
    return objects


def _line(text: str, where: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}.") from error
    if not isinstance(line, dict) or "case" not in line or "model" not in line:
        raise InputError(f"{where}: expected an object with 'case' and 'model'.")
    return line


def _random() -> tuple[Case, ...]:
    path = fetch("exais/random_even.jsonl.gz", RANDOM)
    published = {row["case"]: row for row in _rows("published_random_even.csv", RANDOM_PUBLISHED)}
    return tuple(
        Case(
            str(line["case"]),
            line["terms"],
            published={
                "edits": int(row["t_edit_ops"]),
                "widths": int(row["t_units_changed"]),
                "seconds": float(row["seconds"]),
            },
        )
        for line in lines(SourceFile.read(path))
        for row in (published[str(line["case"])],)
    )


def _manual() -> tuple[Case, ...]:
    documents = json.loads(fetch("exais/manual16.json", MANUAL).read_text(encoding="utf-8"))
    rows = {row["case"]: row for row in _rows("manual16_published.csv", MANUAL_PUBLISHED)}
    intents = json.loads((HERE / "manual16.json").read_text(encoding="utf-8"))
    intent = {entry["case"]: entry for entry in intents}
    cases = []
    for document in documents:
        name = document["case"]
        model, meant = dict(document["model"]), intent[name]
        changed = meant.get("layers", {})
        model["layers"] = [
            layer | changed.get(str(k), {}) for k, layer in enumerate(model["layers"])
        ]
        model["shape"] = meant.get("shape", model["shape"])
        seconds = rows[name]["published_s"]
        published = {"seconds": float(seconds)} if seconds else {}
        cases.append(Case(name, model, True, published=published, expected=meant["expected"]))
    return tuple(cases)


def _net(name: str, original: str, broken: str) -> Case:
    folder = f"exais/benchmark_nets/{name}"
    before, after = (
        json.loads(fetch(f"{folder}/{file}", digest).read_text(encoding="utf-8"))
        for file, digest in (("spec.json", original), ("spec_added_bugs.json", broken))
    )
    shapes = json.loads((HERE / "weight_files.json").read_text(encoding="utf-8"))[name]
    files = {file: tuple(shape) for file, shape in shapes.items()}
    return Case(name, after, True, files, original=before)


def _rows(name: str, digest: str) -> list[dict[str, str]]:
    with fetch(f"exais/{name}", digest).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
