"""The project's own network files: exact, reproducible, and without pickle."""

import json

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive
from repair.weights.formats import load, save


def test_a_network_comes_back_exactly(every_kind, tmp_path):
    save(every_kind, tmp_path / "net.npz")
    again = load(tmp_path / "net.npz")
    assert again.fingerprint() == every_kind.fingerprint()
    save(again, tmp_path / "twice.npz")
    assert (tmp_path / "twice.npz").read_bytes() == (tmp_path / "net.npz").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.npz", "twice.npz"]


def test_files_that_are_no_network_are_refused(digits_network, tmp_path):
    path = tmp_path / "net.npz"
    save(digits_network(), path)
    whole, arrays = path.read_bytes(), read_archive(path)
    for content in (b"", whole[:300], whole[:-40], b"no archive"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"net\.npz is not a readable \.npz archive"):
            load(path)
    np.savez(path, network=np.array([{}], object))
    with pytest.raises(InputError, match="not a readable"):
        load(path)
    write_archive(path, {"a": np.zeros(3)})
    with pytest.raises(InputError, match="not an archive of a network"):
        load(path)
    lacking = {name: value for name, value in arrays.items() if name != "dense_1/kernel"}
    write_archive(path, lacking)
    with pytest.raises(InputError, match="dense_1/kernel"):
        load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 99}, "version 99"),
        ({"scale": "0..2"}, "unknown scale"),
        ({"layers": [{"kind": "lambda", "name": "f"}]}, "unknown kind of layer 'f' 'lambda'.*conv"),
        (
            {"layers": [{"kind": "flatten", "name": "f", "code": "x"}]},
            "not an archive of a network",
        ),
        ({"layers": []}, "unique names"),
    ],
)
def test_specifications_that_cannot_be_are_refused(digits_network, tmp_path, change, words):
    path = tmp_path / "net.npz"
    save(digits_network(), path)
    arrays = read_archive(path)
    text = json.dumps(json.loads(bytes(arrays["network"])) | change)
    write_archive(path, arrays | {"network": np.frombuffer(text.encode(), np.uint8)})
    with pytest.raises(InputError, match=words):
        load(path)
