"""Records as a run would make them, for the tests of what reads them."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.record import Accuracy, Combination, Record, before_and_after, config_hash


def make_record(
    scenario: str = "poison_mnist",
    *,
    exp: str = "ExpC",
    layer: str = "last",
    method: str = "nnrepair",
    seed: int = 0,
    status: str = "ok",
    clean: int = 9552,
    defect: int = 5594,
    **changes: Any,
) -> Record:
    """A record as `bench.run` writes it; `clean` and `defect` are those of CONF, of 10000."""
    passing = {"ExpA": 0, "ExpB": 10, "ExpC": 50, "ExpD": 100}[exp]
    config = {"scenario": scenario, "method": method, "passing_tests": passing, "layers": layer}
    done = status == "ok"
    conf = Combination(Accuracy(clean, 10000), Accuracy(defect, 10000))
    votes = Combination(Accuracy(clean - 12, 10000), Accuracy(defect + 30, 10000))
    fields: dict[str, Any] = {
        "experiment": scenario,
        "scenario": scenario,
        "method": method,
        "seed": seed,
        "status": status,
        "reason": None if done else "the solver reached its time limit of 5 s",
        "config_hash": config_hash(config),
        "metrics": before_and_after(
            Accuracy(9863, 10000),
            conf.clean if done else None,
            Accuracy(1038, 10000),
            conf.defect if done else None,
            **({"efficacy": 0.9} if done else {}),
        ),
        "chosen": "CONF" if done else None,
        "combinations": {"CONF": conf, "VOTES": votes} if done else {},
        "patch": {"layers": ["dense_2"], "weights_changed": 50, "l1": 9.5, "linf": 0.5}
        if done
        else None,
        "solver": {"name": "highs", "status": "optimal", "objective": 3.0, "bound": 3.0},
        "seconds": {"total": 12.5, "solve": 3.25},
        "environment": {
            "code_version": "abc",
            "python": "3.11.7",
            "jax": "0.10.2",
            "device": "cpu: 1 x cpu",
        },
        "details": {"layer": layer, "passing_tests": passing, "exp": exp},
    }
    return Record(**{**fields, **changes})


@pytest.fixture(scope="session")
def record_of() -> Callable[..., Record]:
    return make_record
