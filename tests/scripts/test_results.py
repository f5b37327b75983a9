"""The committed results say what the committed records say."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What `python scripts/results.py` writes now."""
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "scripts/results.py", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_committed_results_are_those_of_the_committed_records(written):
    committed = (ROOT / "results" / "RESULTS.md").read_text("utf-8")
    assert committed == (written / "RESULTS.md").read_text("utf-8"), (
        "run `python scripts/results.py`: records, published numbers or notes changed."
    )


def test_the_committed_figure_is_that_of_the_committed_records(written):
    """The last digits of its coordinates are the processor's affair."""
    committed, now = (
        (folder / "accuracy_by_method.svg").read_text("utf-8")
        for folder in (ROOT / "results", written)
    )
    assert NUMBER.sub("", committed) == NUMBER.sub("", now)
    points = [np.array(NUMBER.findall(text), float) for text in (committed, now)]
    np.testing.assert_allclose(*points, atol=0.01)
    assert len(committed) < 150_000


def test_the_readme_has_the_summary_of_the_results():
    results, readme = (
        (ROOT / name).read_text("utf-8") for name in ("results/RESULTS.md", "README.md")
    )
    summary = results.partition("## Summary\n")[2].partition("\n## ")[0]
    lines = [line for line in summary.splitlines() if line.startswith("| ")]
    assert len(lines) == 7
    assert "\n".join(lines) in readme
