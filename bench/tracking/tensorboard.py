"""TensorBoard: event files of each run, by tensorboardX, which needs neither TensorFlow nor PyTorch."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.escape import markdown
from bench.records.gallery import EXAMPLES, Gallery
from bench.records.rows import row
from bench.records.store import Stored
from bench.tracking.tracker import Tracker
from repair.errors import InputError

try:
    from tensorboardX import summary
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary
except ImportError as error:
    raise InputError(
        "tracking=tensorboard needs the package tensorboardX: pip install 'repairbench[tensorboard]', or take "
        "tracking=wandb or tracking=none."
    ) from error


class TensorBoardTracker:
    """Follows one run with an open event file, in which each event is written by who shows it.

    A `SummaryWriter` has a thread for that, which dies of a full disk and is waited for in vain.
    """

    def __init__(self, events: EventsWriter) -> None:
        self._events, self._step = events, 0

    def show(self, shown: Summary) -> None:
        """One event, at the present step."""
        self._events.write_event(Event(wall_time=time.time(), step=self._step, summary=shown))

    def log(self, values: Mapping[str, float]) -> None:
        """Progress figures; each call is one step."""
        for name, value in values.items():
            self.show(summary.scalar(name, value))
        self._events.flush()
        self._step += 1

    def finish(self, stored: Stored) -> None:
        """The record's figures as scalars, its texts as one table, matrices and examples as images."""
        record = stored.record
        figures = {f"seconds/{name}": value for name, value in record.seconds.items()}
        texts = {}
        for name, value in row(record).items():
            if isinstance(value, int | float):
                figures[f"result/{name}"] = value
            elif value is not None:
                texts[name] = value
        for name, value in figures.items():
            self.show(summary.scalar(name, value))
        lines = "".join(f"| {name} | {markdown(text)} |\n" for name, text in texts.items())
        self.show(summary.text("result", f"| | |\n| --- | --- |\n{lines}"))
        for what in ("confusion", "flips"):
            for name, counts in record.details.get(what, {}).items():
                self.show(summary.image(f"{what}/{name}", _shaded(np.asarray(counts))))
        examples = stored.folder / EXAMPLES
        if examples.is_file():
            gallery = Gallery.load(examples)
            pairs = np.concatenate([gallery.clean, gallery.attacked], axis=2)
            answers = zip(pairs, gallery.labels, gallery.before, gallery.after, strict=True)
            for place, (pair, label, before, after) in enumerate(answers):
                name = f"examples/{place}: is {label}; before {before}, after {after}"
                self.show(summary.image(name, pair, dataformats="HWC"))


@contextmanager
def tensorboard_run(results_dir: Path, config: Mapping[str, Any], name: str) -> Iterator[Tracker]:
    """An open event file in the folder of this run; a run done again adds to its own folder."""
    folder = results_dir / "tensorboard" / name
    folder.mkdir(parents=True, exist_ok=True)
    with closing(EventsWriter(str(folder / "events"))) as events:
        tracker = TensorBoardTracker(events)
        text = yaml.safe_dump(dict(config), sort_keys=True)
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        tracker.show(summary.text("config", lines))
        yield tracker


def _shaded(counts: np.ndarray) -> np.ndarray:
    """Counts as a grey image (1, 16 K, 16 K), uint8: dark is many, by logarithm."""
    light = 255 * (1 - np.log1p(counts) / np.log1p(max(counts.max(), 1)))
    return np.kron(light, np.ones((16, 16)))[None].astype(np.uint8)
