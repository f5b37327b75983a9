"""Old names are understood for a version: told once on a command line, translated silently in what is stored."""

import importlib
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import shipped
from bench.commandline import accepted
from bench.renamed import CHOICES, GONE, SETTINGS, Renamed, current, hint, moved, present
from bench.renamed_modules import MOVED
from repair.errors import InputError


@dataclass(frozen=True)
class Loss:
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Method:
    strengths: tuple[float, ...] = ()
    price: float = 1.0  # the same class may have it still
    loss: Loss = field(default_factory=Loss)


HERE = __name__
TABLE = (
    Renamed("method.prices", "method.strengths", f"{HERE}.Method"),
    Renamed("method.loss.importances", "method.loss.weights", f"{HERE}.Loss"),
)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[Method.__module__])


@pytest.fixture
def translated():
    def call(*arguments):
        said = []
        return present(arguments, said.append, TABLE), said

    return call


@pytest.mark.parametrize("sign", ["", "+", "++"])
def test_a_setting_has_its_new_name_and_is_told_once(translated, sign):
    given = (f"{sign}method.prices=[1.0,2.0],[3.0]", "seed=0,1", "method.prices=[4.0]")
    found, said = translated(*given)
    assert found == [
        f"{sign}method.strengths=[1.0,2.0],[3.0]",
        "seed=0,1",
        "method.strengths=[4.0]",
    ]
    assert said == ["method.prices is now method.strengths."]


def test_nested_and_taken_away_settings_are_renamed_too(translated):
    found, said = translated("method.loss.importances=[1]", "~method.prices", "~method.prices=[2]")
    assert found == ["method.loss.weights=[1]", "~method.strengths", "~method.strengths=[2]"]
    assert len(said) == 2


def test_nothing_else_is_touched(translated):
    given = [
        *(
            "--cfg",
            "job",
            "-m",
            "--config-dir=method.prices",
            "method.pricest=1",
            "xmethod.prices=1",
        ),
        *(
            "data=method.prices",
            "results_dir=a=b",
            "method.loss=hinge",
            "+own=1",
            "scenario.name=own",
        ),
        *("method.price=2", "'method.prices'=1", "", "=", "~", "+"),
    ]
    assert translated(*given) == (given, [])


def test_a_class_of_the_user_s_own_has_its_own_names(translated):
    given = ["method=custom", "method._target_=mine.X", "+method.prices=2"]
    assert translated(*given) == (given, [])
    ours = ["method._target_=repair.methods.exact.Exact", "method.prices=2"]
    found, said = translated(*ours)
    assert found == ["method._target_=repair.weights.methods.exact.Exact", "method.strengths=2"]
    assert said[0] == "repair.methods.exact.Exact is now repair.weights.methods.exact.Exact."


def test_choices_of_a_group_are_renamed_within_a_sweep(translated, monkeypatch):
    found, said = translated(
        "+experiment=own,quickstart", "scenario=mine/own,own", "experiment=owner"
    )
    assert found == [
        "+experiment=custom,quickstart",
        "scenario=mine/own,custom",
        "experiment=owner",
    ]
    assert said == [
        "experiment=own is now experiment=custom.",
        "scenario=own is now scenario=custom.",
    ]


@pytest.mark.parametrize("argument", ["solver=pdhg", "solver=highs,pdhg", "solver.name=pdhg"])
def test_what_is_gone_says_what_to_take(translated, argument):
    with pytest.raises(InputError, match=r"solver=pdhg is gone.*solver=highs"):
        translated(argument)


def test_targets_within_a_value_are_found(translated):
    found, _ = translated("method.options={_target_: repair.program.SolverOptions, gap: 0.1}")
    assert found == [
        "method.options={_target_: repair.weights.programs.program.SolverOptions, gap: 0.1}"
    ]


def test_a_stored_config_is_translated_by_the_classes_it_names():
    stored = {
        "method": {
            "_target_": f"{HERE}.Method",
            "prices": [1.0],
            "price": 2,
            "loss": {"_target_": f"{HERE}.Loss", "importances": [3]},
            "options": {"_target_": "repair.program.SolverOptions", "prices": 1},
        },
        "other": [{"_target_": "mine.Method", "prices": 1}],
        "prices": None,
    }
    assert current(stored, TABLE) == {
        "method": {
            "_target_": f"{HERE}.Method",
            "strengths": [1.0],
            "price": 2,
            "loss": {"_target_": f"{HERE}.Loss", "weights": [3]},
            "options": {"_target_": "repair.weights.programs.program.SolverOptions", "prices": 1},
        },
        "other": [{"_target_": "mine.Method", "prices": 1}],
        "prices": None,
    }
    assert stored["method"]["prices"] == [1.0]


def test_scenarios_of_the_user_s_data_have_their_new_name(monkeypatch):
    own = {"experiment": "own", "scenario": {"name": "own"}, "seed": 0}
    assert current(own) == {"experiment": "custom", "scenario": {"name": "custom"}, "seed": 0}
    other = {"experiment": "own", "scenario": {"name": "digits"}}
    assert current(other) == other
    assert current({}) == {}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.old)
def test_each_class_has_either_name(setting):
    module, _, name = setting.kind.rpartition(".")
    known = {each.name for each in fields(getattr(importlib.import_module(module), name))}
    assert len(known & {setting.old.rpartition(".")[2], setting.new.rpartition(".")[2]}) == 1


@pytest.mark.parametrize("old", MOVED)
def test_each_module_is_where_it_is_said_to_be(old):
    importlib.import_module(MOVED[old])
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(old)


def test_each_choice_is_there_under_one_name():
    for (group, old), new in CHOICES.items():
        files = [Path(shipped("configs"), group, f"{name}.yaml") for name in (old, new)]
        assert sum(path.is_file() for path in files) == 1
    for group, old in GONE:
        assert not Path(shipped("configs"), group, f"{old}.yaml").exists()


def test_moved_keeps_what_is_below():
    assert moved("repair.localize.Gradient") == "repair.weights.localization.Gradient"
    assert moved("repair.experts_file") == "repair.weights.experts.file"
    assert moved("repair.errors.InputError") == "repair.errors.InputError"
    assert moved("repair.weights.patch") == "repair.weights.patch"


def test_a_module_that_has_moved_is_named_where_it_was_not_found():
    with pytest.raises(ImportError) as refused:
        importlib.import_module("repair.methods.exact")
    assert hint(refused.value) == " repair.methods is now repair.weights.methods."
    outer = ValueError()
    outer.__cause__ = ModuleNotFoundError(name="repair.program")
    assert hint(outer) == " repair.program is now repair.weights.programs.program."
    assert hint(ModuleNotFoundError(name="numpy")) == hint(None) == ""


def test_a_misspelt_setting_is_refused_before_anything_is_composed(capsys):
    with pytest.raises(InputError, match=r"unknown setting 'methd'\. Did you mean 'method'"):
        accepted(["+experiment=quickstart", "methd=minimal"])
    given = [
        "-m",
        "+experiment=a,b",
        "hydra.launcher.n_jobs=2",
        "hydra/launcher=joblib",
        "method/loss=hinge",
    ]
    given += ["seed=range(3)", "+mine=3", "~solver"]
    assert accepted(given) == given
    theirs = ["--config-dir=mine", "+experiment=mine", "group=x"]
    assert accepted(theirs) == theirs
    assert capsys.readouterr().err == ""


def test_a_class_of_the_user_s_own_is_told_where_a_module_is(tmp_path, monkeypatch, capfd):
    (tmp_path / "of_before.py").write_text(
        "from repair.methods import Repair\n\nclass Method: ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    own = ["+experiment=quickstart", "method=custom", "method._target_=of_before.Method"]
    monkeypatch.setattr(sys, "argv", ["bench", *own, "wandb.mode=disabled"])
    assert command.main() == 2
    assert "repair.methods is now repair.weights.methods." in capfd.readouterr().err
