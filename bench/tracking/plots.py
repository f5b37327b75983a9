"""What W&B shows: the table and plots of all records, the confusion matrices and images of one."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import wandb

from bench.records.gallery import Gallery
from bench.records.record import Record
from bench.records.rows import row
from bench.report.compare import compare
from bench.report.published import published


def results_table(records: Sequence[Record]) -> wandb.Table:
    """A row for each record, the columns of `bench.records.rows.row`."""
    rows = [row(record) for record in records]
    return _table(list(rows[0]), [list(r.values()) for r in rows])


def plots(records: Sequence[Record]) -> dict[str, Any]:
    """Clean against defect accuracy of all records, and the published figures beside ours.

    A plot of which there is nothing to show is left out.
    """
    return _scatter(records) | _beside_published(records)


def confusions(record: Record) -> dict[str, Any]:
    """The confusion matrices of a record and what changed in its predictions, as W&B's own charts."""
    matrices = {f"confusion/{name}": m for name, m in record.details.get("confusion", {}).items()}
    matrices |= {f"flips/{name}": m for name, m in record.details.get("flips", {}).items()}
    return {name: _matrix(name, np.asarray(matrix)) for name, matrix in matrices.items()}


def images(gallery: Gallery) -> dict[str, Any]:
    """A few test images, clean and attacked side by side, with the answers to the attacked one."""
    pairs = np.concatenate([gallery.clean, gallery.attacked], axis=2)
    pairs = pairs if pairs.shape[-1] == 3 else pairs[..., 0]
    answers = zip(gallery.labels, gallery.before, gallery.after, strict=True)
    captions = [f"is {label}; before {before}, after {after}" for label, before, after in answers]
    shown = [wandb.Image(pair, caption=text) for pair, text in zip(pairs, captions, strict=True)]
    return {"examples": shown} if shown else {}


def _matrix(name: str, counts: np.ndarray) -> Any:
    rows = [[str(i), str(j), int(count)] for (i, j), count in np.ndenumerate(counts)]
    table = _table(["Actual", "Predicted", "nPredictions"], rows)
    fields = {column: column for column in ("Actual", "Predicted", "nPredictions")}
    what, _, on = name.partition("/")
    title = f"{'Answers before (rows) and after repair' if what == 'flips' else 'True class and answer'}: {on}"
    return wandb.plot_table("wandb/confusion_matrix/v1", table, fields, {"title": title})


def _scatter(records: Sequence[Record]) -> dict[str, Any]:
    rows = [row(record) for record in records]
    points = [
        [r["clean_after"], r["defect_after"], f"{r['method']} {r['config_hash']} seed {r['seed']}"]
        for r in rows
        if r["clean_after"] is not None and r["defect_after"] is not None
    ]
    if not points:
        return {}
    x, y = "clean accuracy, %", "defect accuracy, %"
    title = "Defect against clean accuracy after repair (test data)"
    return {"defect_vs_clean": wandb.plot.scatter(_table([x, y, "run"], points), x, y, title)}


def _beside_published(records: Sequence[Record]) -> dict[str, Any]:
    """One pair of bars for each cell: the published best, and the mean of ours over seeds."""
    heights: dict[str, list[float]] = {}
    for line in compare(records, published()):
        if line.published_best is None or line.chosen is None:
            continue
        for whose, named in (("published best", line.published_best), ("ours", line.chosen)):
            height = 100 * named.result.defect.accuracy
            heights.setdefault(f"{line.scenario} {line.layer} {line.exp}, {whose}", []).append(
                height
            )
    if not heights:
        return {}
    label, value = "cell", "defect accuracy, %"
    title = "Published beside ours (defect test data, mean over runs)"
    bars = [[name, fmean(of)] for name, of in heights.items()]
    bar = wandb.plot.bar(_table([label, value], bars), label, value, title)
    return {"published_beside_ours": bar}


def _table(columns: list[Any], lines: list[list[Any]]) -> wandb.Table:
    # Types are declared and rows put in as they are: W&B's check of each cell takes milliseconds a
    # row, and every run of a sweep adds to a table of all runs before it.
    types = [
        str if any(isinstance(value, str) for value in column) else float
        for column in zip(*lines, strict=True)
    ]
    table = wandb.Table(columns=columns, dtype=types)
    table.data.extend(lines)
    return table
