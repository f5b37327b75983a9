"""TensorBoard's files, read back as TensorBoard reads them."""

import struct
import sys

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from bench.records.gallery import EXAMPLES, Gallery
from bench.records.store import run_folder, save
from bench.tracking import WandbSettings, tracked
from repair.errors import InputError


def events(folder):
    """The events of all files below a folder: TFRecords of length, its checksum, message, its checksum."""
    found = []
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            found.append(Event.FromString(data[place + 12 : place + 12 + length]))
            place += 16 + length
    return found


@pytest.fixture
def follow(tmp_path, record_of):
    def run(record):
        named = {"experiment": record.experiment, "config_hash": record.config_hash, "seed": 0}
        settings = WandbSettings(backend="tensorboard")
        with tracked(
            settings, results_dir=tmp_path, **named, config={"method": {"k": 5}}
        ) as tracker:
            tracker.log({"solve/gap": 0.5})
            tracker.log({"solve/gap": 0.25})
            gallery = Gallery(
                np.zeros((1, 4, 4, 1), np.uint8),
                np.ones((1, 4, 4, 1), np.uint8),
                *(np.array([n]) for n in (3, 7, 3)),
            )
            folder = run_folder(tmp_path, record.experiment, record.config_hash, 0)
            tracker.finish(save(folder, record, {}, {EXAMPLES: gallery.save}))
        (place,) = (tmp_path / "tensorboard").iterdir()
        return place

    return run


def test_progress_result_matrices_and_images_are_there(follow, record_of):
    record = record_of(details={"flips": {"defect": [[5, 1], [0, 4]]}, "layer": "last"})
    found = [value for event in events(follow(record)) for value in event.summary.value]
    scalars = {v.tag: v.simple_value for v in found if v.HasField("simple_value")}
    assert scalars["result/defect_after"] == pytest.approx(55.94)
    assert scalars["seconds/solve"] == pytest.approx(3.25)
    assert [v.simple_value for v in found if v.tag == "solve/gap"] == [0.5, 0.25]
    images = {v.tag: v.image for v in found if v.HasField("image")}
    assert (images["flips/defect"].height, images["flips/defect"].width) == (32, 32)
    (example,) = [image for tag, image in images.items() if tag.startswith("examples/")]
    assert (example.height, example.width) == (4, 8)
    texts = {v.tag: v.tensor.string_val[0].decode() for v in found if v.HasField("tensor")}
    assert "k: 5" in texts["config/text_summary"]
    assert "| chosen | CONF |" in texts["result/text_summary"]


def test_a_run_done_again_adds_to_its_own_folder(follow, record_of):
    assert follow(record_of()) == follow(record_of())


def test_without_the_package_one_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.delitem(sys.modules, "bench.tracking.tensorboard", raising=False)
    settings = WandbSettings(backend="tensorboard")
    named = {"experiment": "poison_mnist", "config_hash": "a" * 16, "seed": 0}
    with (
        pytest.raises(InputError, match=r"repairbench\[tensorboard\]"),
        tracked(settings, results_dir=tmp_path, **named, config={}),
    ):
        pass
