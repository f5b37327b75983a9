"""The cache of trained networks: what makes an entry another, and that none is trusted unseen."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from waiting import until

from bench.attacks import Square
from bench.training import MLP, cached
from bench.training.cached import trained_once
from repair.weights.network.layers import Dense, Flatten
from repair.weights.network.network import Network

SETTINGS = {"network": MLP((4,)), "trigger": Square(0, 0), "data": {"a": "b"}, "seed": 0}
# A process that makes the network, and says so in a file. It may be told to die before the entry is in place.
MAKER = """
import os, sys
import numpy as np
from bench.training import MLP, cached
from repair.weights.network.layers import Dense, Flatten
from repair.weights.network.network import Network

def network(fill):
    return Network([Flatten("f"), Dense("d", np.full((4, 3), fill))], input_shape=(2, 2, 1), scale="0..1")

def say(word):
    with open(sys.argv[1], "a") as file:
        file.write(word + " ")

def make():
    say("made")
    open(sys.argv[3]).close()  # a pipe: until the test opens it too
    return network(2.0)

if sys.argv[2] == "dies":
    cached.os.replace = lambda *_: os._exit(9)
say("here")
cached.trained_once({"seed": 5}, lambda: network(0.0), make)
"""


def network(fill=0.0):
    layers = [Flatten("f"), Dense("d", np.full((4, 3), fill))]
    return Network(layers, input_shape=(2, 2, 1), scale="0..1")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "repairbench/networks"


class Maker:
    """Makes a network and counts."""

    def __init__(self):
        self.made = 0

    def __call__(self):
        self.made += 1
        return network(2.0)


def opened(pipe):
    """Opens a named pipe for whoever waits for that; whether somebody did."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # nobody reads it
        return False
    return True


def entries(cache):
    return [path for path in cache.iterdir() if path.is_dir()]


def test_an_entry_is_made_once_and_used_again(cache):
    make = Maker()
    first, second = (trained_once(SETTINGS, network, make) for _ in range(2))
    assert make.made == 1
    assert first.fingerprint() == second.fingerprint() == network(2.0).fingerprint()
    assert len(entries(cache)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"network": MLP((5,))},
        {"trigger": Square(0, 1)},
        {"trigger": None},
        {"data": {"a": "c"}},
    ],
    ids=str,
)
def test_another_setting_is_another_entry(change):
    def key(settings):
        return json.dumps(cached.plain(settings), sort_keys=True)

    assert key(SETTINGS) != key(SETTINGS | change)
    assert key(SETTINGS) == key(dict(reversed(SETTINGS.items())))


def test_another_version_of_the_code_is_another_entry(cache, monkeypatch):
    make = Maker()
    trained_once(SETTINGS, network, make)
    before = cached.code(SETTINGS)
    monkeypatch.setattr(cached, "code", lambda _: before | {"source": ["changed"]})
    trained_once(SETTINGS, network, make)
    assert make.made == 2
    assert len(before["source"]) == len(cached.SOURCES)


def damage(entry, how):
    if how == "manifest":
        (entry / "manifest.json").write_text("{")
        return
    files = [path for path in entry.rglob("*") if path.is_file() and path.name != "manifest.json"]
    largest = max(files, key=lambda path: path.stat().st_size)
    if how == "missing":
        largest.unlink()
    else:
        content = bytearray(largest.read_bytes())
        content[len(content) // 2] ^= 1
        largest.write_bytes(content)


@pytest.mark.parametrize("how", ["bit", "missing", "manifest"])
def test_a_damaged_entry_is_made_again_with_a_warning(cache, caplog, how):
    make = Maker()
    trained_once(SETTINGS, network, make)
    damage(entries(cache)[0], how)
    again = trained_once(SETTINGS, network, make)
    assert make.made == 2
    assert "is damaged and is made again" in caplog.text
    assert again.fingerprint() == network(2.0).fingerprint()
    caplog.clear()
    trained_once(SETTINGS, network, make)
    assert make.made == 2
    assert not caplog.text


def test_a_cache_that_cannot_be_written_is_done_without(cache, caplog, monkeypatch):
    cache.parent.write_text("a file where the folder should be")
    make = Maker()
    assert trained_once(SETTINGS, network, make).fingerprint() == network(2.0).fingerprint()
    assert make.made == 1
    assert "is not kept" in caplog.text


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("exhausted")])
def test_a_disk_that_fills_up_costs_the_entry_and_not_the_network(
    cache, caplog, monkeypatch, error
):
    def full(*_):
        raise error

    monkeypatch.setattr(cached.os, "replace", full)
    make = Maker()
    assert trained_once(SETTINGS, network, make).fingerprint() == network(2.0).fingerprint()
    assert make.made == 1
    assert "is not kept" in caplog.text
    assert not entries(cache)


def test_processes_make_it_once_and_one_that_is_killed_leaves_nothing_trusted(cache, tmp_path):
    said, pipe = tmp_path / "said", tmp_path / "pipe"
    os.mkfifo(pipe)

    def start(how):
        return subprocess.Popen([sys.executable, "-c", MAKER, str(said), how, str(pipe)])

    dies = start("dies")
    until(lambda: opened(pipe))
    assert dies.wait() == 9
    (left,) = entries(cache)
    assert left.name.startswith(".")
    assert said.read_text().split() == ["here", "made"]
    both = [start("lives"), start("lives")]
    until(lambda: said.read_text().count("here") == 3)
    until(lambda: opened(pipe))
    assert [process.wait() for process in both] == [0, 0]
    assert said.read_text().count("made") == 2
    (entry,) = entries(cache)
    assert not entry.name.startswith(".")
