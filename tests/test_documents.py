"""What the documents name is there: files, modules, experiments."""

import json
import os
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "docs/guide.md", "results/RESULTS.md"]
TOP = ("repair", "bench", "configs", "docs", "hydra_plugins", "scripts", "tests")
DATA = ("results/reference", "results/published", "results/notes")  # other results a run makes
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join((*TOP, *DATA))})/[\w./*-]*[\w/*]")
NAME = re.compile(r"(?<![\w./-])(?:repair|bench)(?:\.[A-Za-z_]\w*)+(?![\w/])")
SUFFIX = re.compile(r"\.(?:py|json|yaml|md|csv|npz|sh)\b")


def text_of(document):
    return (ROOT / document).read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_in_the_repository(document):
    text, folder = text_of(document), (ROOT / document).parent
    links = [link for link in LINK.findall(text) if "://" not in link]
    named = set(PATH.findall(text))
    assert links or named
    missing = [link for link in links if not (folder / link).exists()]
    missing += [path for path in sorted(named) if not list(ROOT.glob(path.rstrip("/")))]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_or_class_that_a_document_names_can_be_imported(document):
    names = {name for name in NAME.findall(text_of(document)) if not SUFFIX.search(name)}
    for name in sorted(names):
        module, rest = name, []
        while not spec_of(module):
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            assert module, f"{name} of {document}"
        found = import_module(module) if rest else None
        for part in rest:
            found = getattr(found, part)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_config_that_a_document_names_is_there(document):
    groups = {path.name: path for path in (ROOT / "configs").iterdir() if path.is_dir()}
    for group, names in re.findall(r"(?<![\w./])\+?([a-z_]+)=([a-z_,]+)\b", text_of(document)):
        if group in groups:
            for name in names.split(","):
                assert (groups[group] / f"{name}.yaml").is_file(), f"{group}={name} of {document}"


def spec_of(module):
    try:
        return find_spec(module)
    except ModuleNotFoundError:  # a part of it is no package
        return None


def test_the_method_and_the_attack_of_the_documents_run(tmp_path):
    """As a reader would try them: in one file, in one run."""
    blocks = [code_of("README.md"), code_of("docs/guide.md")]
    (tmp_path / "mine.py").write_text("\n\n".join(blocks))
    arguments = ["+experiment=quickstart", "method=custom", "method._target_=mine.NudgeBias"]
    arguments += ["+method.step=2.0", "scenario=trained", "scenario/attack=custom"]
    arguments += ["scenario.attack._target_=mine.Fade", "+scenario.attack.contrast=0.2"]
    arguments += ["scenario.network.epochs=2", "scenario.network.keep=false"]
    arguments += ["repair_images=100", "validation_images=50", "wandb.mode=disabled"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.rglob("record.json")
    record = json.loads(path.read_text())
    assert (record["method"], record["status"]) == ("nudgebias", "ok")
    assert "PATCH" in record["combinations"]  # whether it is better, validation data say


def code_of(document):
    """The Python file that a document shows: the indented lines that begin with its imports."""
    lines = text_of(document).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("    from dataclasses"))
    last = next(i for i in range(first, len(lines)) if lines[i] and lines[i][:4] != "    ")
    return textwrap.dedent("\n".join(lines[first:last]))
