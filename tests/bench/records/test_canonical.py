"""The text of settings that is hashed: as many as there are values, and the old ones for what JSON can hold."""

import hashlib
import itertools
import json
import math
import struct
from datetime import date
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from bench.records.canonical import canonical, difference
from bench.records.record import config_hash
from bench.records.store import CONFIG, contents, save
from bench.records.stored_config import read_config
from bench.runs.tasks import task
from repair.errors import InputError

# Values that one careless step or another takes for each other.
CLOSE = [None, math.nan, math.inf, -math.inf, 0, 0.0, -0.0, False, "0"]
ALIKE = [
    *CLOSE,
    "null",
    "None",
    "",
    "false",
    1,
    1.0,
    True,
    "1",
    "1.0",
    "true",
    10**30,
    1e30,
    "1e30",
    "[]",
    "{}",
    [],
    {},
    "inf",
    ".inf",
    "nan",
    ".nan",
    "NaN",
    "Infinity",
    "2026-01-01",
    "\\ud83d\\ude00",
    "\U0001f600",
    "\u00e9",
    "e\u0301",
    "\x00",
    "\\x00",
    "\x85",
    "\ufeff",
    "\u2028",
    " ",
]
NAMES = ["a", "a b", "\u00e9", "1", 1, "true", True, "1.5", 1.5, "Infinity", math.inf]
KEYS = st.sampled_from(NAMES)
TREES = st.recursive(
    st.sampled_from(CLOSE) | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CONFIGS = st.dictionaries(KEYS, TREES, max_size=3)


@st.composite
def pairs(draw):
    """Two configs whose entries are in another order and that differ in one value at most, at any depth."""
    one, other = draw(st.sampled_from(CLOSE)), draw(st.sampled_from(CLOSE))
    for key in draw(st.lists(KEYS | st.none(), max_size=3)):
        beside = draw(CONFIGS)
        if key is None:
            one, other = [beside, one], [beside, other]
        else:
            one, other = {**beside, key: one}, {key: other} | beside | {key: other}
    return {"a": one}, {"a": other}


def same(one, other):
    """Equal in value and type: the oracle."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        mine, theirs = ({(type(k), k): v for k, v in x.items()} for x in (one, other))
        return mine.keys() == theirs.keys() and all(same(mine[k], theirs[k]) for k in mine)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or struct.pack("d", one) == struct.pack("d", other)
    return one == other


def plain(config):
    return OmegaConf.to_container(OmegaConf.create(config))


@given(st.tuples(CONFIGS, CONFIGS) | pairs())
def test_two_configs_hash_alike_exactly_when_they_are_equal_in_value_and_type(two):
    one, other = map(plain, two)
    assert (config_hash(one) == config_hash(other)) == same(one, other)
    assert (difference(one, other) is None) == same(one, other)


@pytest.mark.parametrize("within", [lambda v: v, lambda v: [1, v], lambda v: {"b": {"c": v}}])
def test_no_two_values_have_one_text(within):
    for one, other in itertools.combinations([plain({"a": within(value)}) for value in ALIKE], 2):
        assert config_hash(one) != config_hash(other), (one, other)


def test_no_two_keys_have_one_text():
    assert len({config_hash(plain({"a": {key: 0}})) for key in NAMES}) == len(NAMES)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=8,
    )
)
def test_the_hash_of_what_json_can_hold_is_that_of_its_json(value):
    text = json.dumps({"method": value}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    assert (
        config_hash({"method": value, "seed": 3}) == hashlib.sha256(text.encode()).hexdigest()[:16]
    )


@given(CONFIGS)
def test_every_config_comes_back_from_its_file(tmp_path_factory, record_of, config):
    stored = save(tmp_path_factory.mktemp("run"), record_of(), config)
    assert difference(stored.config(), config) is None
    assert same(yaml.safe_load((stored.folder / "config.yaml").read_text(encoding="utf-8")), config)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("\ud83d\ude00", "no Unicode text"),
        ("\udcff.onnx", "no Unicode text"),
        pytest.param(10**5000, "too many digits", id="digits"),
        (date(2026, 1, 1), "date"),
        (b"1", "bytes"),
        (Path("1"), "PosixPath"),
        ({1}, "set"),
    ],
)
def test_what_a_config_file_cannot_hold_is_named_with_its_setting(value, words):
    with pytest.raises(InputError, match=rf"setting method\.loss: .*{words}"):
        config_hash({"method": {"loss": value}})


def test_all_nans_are_one_and_a_tuple_is_its_list():
    (other,) = struct.unpack("d", struct.pack("Q", 0x7FF8000000000123))
    assert canonical([math.nan, 1]) == canonical((other, 1)) == "[NaN,1]"


def test_a_difference_is_named_where_it_is():
    one, other = {"k": 3, "loss": {"bound": math.nan}}, {"k": 3, "loss": {"bound": None}}
    assert difference(one, other, "method") == "method.loss.bound is NaN, not null"
    assert difference({"k": [1]}, {"k": [1, 2]}) == "k is [1], not [1,2]"
    assert difference({"k": 1}, {}) == "k is 1, not left out"
    assert difference({}, {"k": 1}) == "k is left out, not 1"


# Settings of the task "repair" under the names that they had when the reference runs were done.
FORMER_NAMES = ("repair_mirrored", "repair_copies")


def test_the_reference_folders_have_the_hashes_of_their_configs():
    runs = contents(ROOT / "results/reference").runs
    assert len(runs) > 100
    for run in runs:
        config = read_config(run.folder / CONFIG)  # as it was written: its names may be old ones
        former = FORMER_NAMES if config["task"] == "repair" else ()
        names = ("experiment", "task", *task(config["task"]).settings, *former)
        settings = {name: config[name] for name in names if config.get(name) is not None}
        assert config_hash(settings) == run.record.config_hash, run.folder
