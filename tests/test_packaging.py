"""The files that make a fresh clone installable say the same things."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = sorted({*re.search(r"(?m)^\.PHONY: (.*)$", MAKEFILE)[1].split()} - {"clean"})


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[;~! ]", line)[0].lower() for line in requirements}


def test_lock_names_no_host_and_no_path():
    assert not re.search(r"https?://|file:|--(extra-)?index|--find-links|@ |/home/|/opt/", LOCK)


def test_every_locked_line_is_pinned_and_hashed():
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", LOCK).strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_lock_holds_every_direct_dependency():
    extras = PROJECT["optional-dependencies"]
    wanted = names(PROJECT["dependencies"]) | names(extras["dev"])
    for extra in ("keras", "parallel", "slurm"):
        wanted |= names(extras[extra])
    locked = set(re.findall(r"(?m)^([a-z0-9-]+)==", LOCK))
    assert wanted - locked == {"repairbench"}


def test_every_import_of_the_packages_is_declared():
    """A module imported by repair or bench is the library's own, standard, or a dependency."""
    distributions = {"hydra": "hydra-core", "sklearn": "scikit-learn", "yaml": "pyyaml"}
    distributions |= {"orbax": "orbax-checkpoint", "google": "protobuf"}
    declared = names(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared |= names(extra)
    # jaxlib, urllib3 and pydantic_core come with jax, requests and pydantic, in matching versions.
    known = declared | set(sys.stdlib_module_names) | {"repair", "bench"}
    known |= {"jaxlib", "urllib3", "pydantic_core"}
    for path in [*ROOT.glob("repair/**/*.py"), *ROOT.glob("bench/**/*.py")]:
        for module in re.findall(r"(?m)^\s*(?:import|from) ([A-Za-z_0-9]+)", path.read_text()):
            found = distributions.get(module, module).lower().replace("_", "-")
            assert found in known or module in known, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("extra", ["cuda12", "cuda13", "tpu"])
def test_accelerator_extras_are_extras_that_jax_has(extra):
    from importlib.metadata import metadata

    wanted = re.findall(r"\[(\w+)\]", PROJECT["optional-dependencies"][extra][0])
    assert wanted[0] in metadata("jax").get_all("Provides-Extra")


def test_citation_names_both_papers_and_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    papers = {reference["identifiers"][0]["value"] for reference in citation["references"]}
    assert papers == {"arXiv:2103.12535", "arXiv:2306.07995"}


SET_UP = "--require-hashes -r requirements.lock"


@pytest.fixture
def checkout(tmp_path):
    """A folder with this Makefile whose set-up is done: its stamp is newer than what it depends on."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    for age, name in enumerate([".venv/.ready", "requirements.lock", "pyproject.toml"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    return tmp_path


def steps(checkout, target):
    """The commands that `make TARGET` would run."""
    command = ["make", "--dry-run", "--no-print-directory", target]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_make_does_not_set_up_again(checkout, target):
    done = steps(checkout, target)
    assert done
    assert SET_UP not in done
    assert "touch" not in done


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml", ".venv/.ready"])
def test_make_sets_up_first_where_what_it_depends_on_is_newer_or_the_stamp_is_gone(
    checkout, target, changed
):
    last = steps(checkout, target).splitlines()[-1]
    if changed == ".venv/.ready":
        (checkout / changed).unlink()
    else:
        os.utime(checkout / changed, (2000, 2000))
    done = steps(checkout, target)
    assert done.count("touch .venv/.ready") == 1
    assert done.index(SET_UP) < done.index("touch .venv/.ready") < done.rindex(last)
