"""Configs, patches, examples and cases beside a record that are none: each is a warning and costs its own figure."""

import os
import zipfile

import numpy as np
import pytest

from bench.records.gallery import EXAMPLES, Gallery
from bench.records.store import run_folder, save
from bench.records.stored_config import read_config
from bench.report import collect
from bench.report.figures import drawings
from repair.errors import InputError
from repair.weights.patch import Delta, Patch

ALIASES = "task: repair\na: &a [x, x]\nb: &b [*a, *a]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ALIASES, "alias"),
        ("a: &a {b: *a}", "alias"),
        ("[" * 5000, "within each other"),
        ("a: " + "9" * 3000, "characters"),
        ("a: " + ":".join(["59"] * 5000), "characters"),
        ("[1, 2]", "expected settings"),
        ("a: [", "no config"),
        ("a: !!python/object:os.system x", "no config"),
        ("a: 2001-99-99", "no config"),
        ("{[1]: 2}", "no config"),
        ("a: \x07", "no config"),
        ("a" * 300_000, "bytes"),
    ],
)
def test_a_config_that_is_none_is_refused_with_the_cause(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as refused:
        read_config(path)
    assert str(path) in str(refused.value)


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("clean.npy", bytes(2**28 + 1))


def arrays(**given):
    return lambda path: np.savez(path, **given)


def patch(shape, indices, values):
    names = ("shape", "indices", "values")
    parts = zip(names, (shape, indices, values), strict=True)
    return arrays(**{f"d/kernel/{name}": np.asarray(part) for name, part in parts})


IMAGES = np.zeros((2, 4, 4, 1), np.uint8)
GALLERY = {
    "clean": IMAGES,
    "attacked": IMAGES,
    **dict.fromkeys(("labels", "before", "after"), np.arange(2)),
}
BESIDE = {
    "config.yaml": [
        lambda path: path.write_text(ALIASES),
        lambda path: path.write_text("task: [1]"),
        lambda path: path.write_text("task: x"),
        lambda path: path.write_text("[1]"),
    ],
    EXAMPLES: [
        bomb,
        lambda path: path.write_bytes(b"PK\x03\x04"),
        arrays(**{**GALLERY, "clean": IMAGES[0]}),
        arrays(**{**GALLERY, "labels": np.array(["a", "b"])}),
        arrays(**{**GALLERY, "after": np.arange(3)}),
        arrays(**{**GALLERY, "clean": IMAGES[:, :0], "attacked": IMAGES[:, :0]}),
        arrays(**{name: np.repeat(array, 50, axis=0) for name, array in GALLERY.items()}),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
    ],
    "patch.npz": [
        bomb,
        patch([10**6, 10**6], [0], [1.0]),
        patch([-8, -8], [0], [1.0]),
        patch([64], [0], [1.0]),
        patch([8, 8], [64], [1.0]),
        patch([8, 8], [0.5], [1.0]),
        patch([8, 8], [0, 1, 2], [1.0, 2.0]),
        patch([8, 8], [0], [np.nan]),
        patch([8, 8], [0], [1e300]),
        patch(["x", "y"], [0], [1.0]),
        arrays(**{"d/kernel/shape": np.array([8, 8])}),
    ],
    "cases.csv": [
        lambda path: path.write_text("a,b\n1,2\n"),
        lambda path: path.write_text("status,edits,milliseconds\nrepaired,nan,1\n"),
        lambda path: path.write_text("status,edits,milliseconds\nrepaired,x,1\n"),
        lambda path: path.write_text(f"status,edits\nrepaired,{'1' * 200_000}\n"),
        lambda path: path.write_bytes(b"\xff\xfe"),
    ],
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_bad_file_beside_a_record_is_one_warning_and_costs_nobody_else_a_figure(
    name, tmp_path, record_of, caplog
):
    kernel = np.zeros((8, 8))
    kernel[1, 2] = 1.0
    good = {
        "patch.npz": Patch("n", {("d", "kernel"): Delta.of(kernel)}).save,
        EXAMPLES: Gallery(**GALLERY).save,
    }
    good["cases.csv"] = lambda path: path.write_text("status,edits,milliseconds\nrepaired,1,1\n")
    method = "architecture_search" if name == "cases.csv" else "minimal"
    writers = [*BESIDE[name], good.get(name, lambda path: path.write_text("task: repair\n"))]
    for number, write in enumerate([*writers, writers[-1]]):
        record = record_of(
            method=f"{method}" if name == "cases.csv" else f"{method}{number}",
            config_hash=f"{number % len(writers):016x}",
            seed=number // len(writers),
            details={"layer": f"l{number % len(writers)}", "rules": f"r{number}"},
        )
        folder = run_folder(tmp_path, "e", record.config_hash, record.seed)
        save(
            folder,
            record,
            {"task": "repair"},
            {other: w for other, w in good.items() if other != name},
        )
        (folder / name).unlink(missing_ok=True)
        write(folder / name)
    found = {drawing.stem for drawing in drawings(collect(tmp_path))}
    warnings = [record.getMessage() for record in caplog.records]
    assert all(name in said and "left out" in said for said in warnings)
    if name == "config.yaml":
        return
    assert len(warnings) == len(BESIDE[name])
    stems = {EXAMPLES: "examples_poison_mnist", "patch.npz": "kernels_poison_mnist--d"}
    assert name == "cases.csv" or stems[name] in found
    assert sum(stem.startswith("cases_") for stem in found) >= (2 if name == "cases.csv" else 0)
