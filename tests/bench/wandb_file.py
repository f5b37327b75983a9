"""What a W&B run wrote while offline: the one place that knows the form of its file.

W&B's API reads back what a server has: `wandb.Api`. Of an offline run (wandb 0.31) no public call gives history,
summary or artifacts, nor does its `Run` after the end; `wandb sync` only sends the file, and `wandb beta leet` only
draws it. What the `Run` itself says (id, group, project, tags, config), tests ask of the `Run`.
"""

import struct
from pathlib import Path

from waiting import until
from wandb.proto import wandb_internal_pb2
from wandb.proto.wandb_internal_pb2 import Record


def read_back(path: Path) -> list[Record]:
    """The messages of a .wandb file: LevelDB log blocks of 32 kB after a header of 7 bytes."""
    data, position, message = path.read_bytes(), 7, b""
    assert data[:4] == b":W&B"
    messages = []
    while position < len(data):
        left = 32768 - position % 32768
        if left < 7:  # a block's end too short for a record is padding
            position += left
            continue
        _, length, kind = struct.unpack("<IHB", data[position : position + 7])
        message += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part
            messages.append(wandb_internal_pb2.Record.FromString(message))
            message = b""
    return messages


def messages_in(folder: Path) -> list[Record]:
    """The messages of a run that has ended, by its folder; W&B's own process closes the file shortly after it."""
    (path,) = folder.glob("run-*.wandb")
    messages: list[Record] = []

    def ended() -> bool:
        messages[:] = read_back(path)
        return bool(messages) and messages[-1].HasField("exit")

    until(ended, 60, lambda: f"{path} has no end")
    return messages
