import json
import subprocess
from importlib.resources import files

import jax
import jsonschema
import numpy as np
import pytest
from checkout import ROOT

from bench.records.environment import environment
from bench.records.record import (
    Accuracy,
    Record,
    before_and_after,
    config_hash,
    from_json,
    to_json,
)
from repair.errors import InputError
from repair.weights.status import RepairStatus

SCHEMA = json.loads(files("bench.records").joinpath("record.schema.json").read_text())


@pytest.mark.parametrize("status", list(RepairStatus))
def test_every_status_fits_the_schema_and_survives_the_disk(record_of, status):
    record = record_of(status=status, environment=environment())
    text = to_json(record)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert from_json(text) == record
    assert to_json(from_json(text)) == text


def test_the_environment_names_this_commit_and_device():
    found = environment()
    if (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert head.startswith(found["code_version"].removesuffix("-dirty"))
    assert found["device"].startswith(jax.default_backend())
    assert found["cpus"] >= 1


def test_the_schema_names_the_statuses_of_the_code():
    assert tuple(SCHEMA["properties"]["status"]["enum"]) == tuple(RepairStatus)


def test_metrics_follow_from_the_accuracies():
    metrics = before_and_after(
        Accuracy(9863, 10000), Accuracy(9552, 10000), Accuracy(1038, 10000), Accuracy(5594, 10000)
    )
    assert metrics["generalization_pp"] == pytest.approx(45.56)
    assert metrics["drawdown_pp"] == pytest.approx(3.11)


def test_a_run_without_repair_has_no_figures_after():
    metrics = before_and_after(Accuracy(9, 10), None, Accuracy(1, 10), None)
    assert metrics.keys() == {"clean_before", "defect_before"}


def test_accuracy_counts_booleans():
    assert Accuracy.of(np.array([True, False, True, True])) == Accuracy(3, 4)
    with pytest.raises(InputError, match="11 of 10"):
        Accuracy(11, 10)


def test_numpy_values_and_missing_bounds_become_json(record_of):
    record = record_of(
        solver={
            "name": "highs",
            "status": "time_limit",
            "objective": np.float64(3),
            "bound": -np.inf,
        },
        details={"shape": (np.int64(2), 3)},
    )
    raw = json.loads(to_json(record))
    assert raw["solver"]["bound"] is None
    assert raw["details"] == {"shape": [2, 3]}
    jsonschema.validate(raw, SCHEMA)


def test_further_keys_are_kept(record_of):
    raw = json.loads(to_json(record_of())) | {"note": "by another tool"}
    assert from_json(json.dumps(raw)).details["note"] == "by another tool"


def test_any_cut_of_a_record_is_refused(record_of):
    text = to_json(record_of()).rstrip()
    for length in range(0, len(text), 37):
        with pytest.raises(InputError):
            from_json(text[:length])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "schema_version 1"),
        ({"status": "fine"}, "time_limit"),
        ({"metrics": 3}, "not a complete record"),
        ({"status": "error", "reason": None}, "needs a reason"),
        ({"chosen": "BEST"}, "Known: CONF, VOTES"),
        ({"seconds": {}}, "total"),
    ],
)
def test_a_foreign_record_is_refused_with_the_cause(record_of, change, words):
    raw = json.loads(to_json(record_of())) | change
    with pytest.raises(InputError, match=words):
        from_json(json.dumps(raw))


@pytest.mark.parametrize("key", [key for key in SCHEMA["required"] if key != "schema_version"])
def test_each_required_key_is_missed(record_of, key):
    raw = json.loads(to_json(record_of()))
    del raw[key]
    with pytest.raises(InputError, match=key):
        from_json(json.dumps(raw))


def test_the_hash_is_that_of_the_computation():
    config = {"method": {"k": 5, "bounds": [-0.5, 0.5]}, "scenario": "poison_mnist", "seed": 0}
    same = {"scenario": "poison_mnist", "seed": 7, "results_dir": "elsewhere", "overwrite": True}
    same |= {"wandb": {"mode": "disabled"}, "method": {"bounds": (-0.5, 0.5), "k": 5}}
    assert config_hash(config) == config_hash(same)
    assert config_hash(config) != config_hash({**config, "method": {"k": 6, "bounds": [-0.5, 0.5]}})
    assert (
        config_hash({"a": 1}) == "015abd7f5cc57a2d"
    )  # sha256 of {"a":1}: folders keep their names


def test_what_json_cannot_hold_is_named(record_of):
    with pytest.raises(InputError, match="set"):
        to_json(record_of(details={"neurons": {1, 2}}))


def test_records_do_not_change_in_use(record_of):
    with pytest.raises(AttributeError):
        record_of().status = "ok"
    assert isinstance(record_of(), Record)
