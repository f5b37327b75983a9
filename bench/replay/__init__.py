"""Replay: the published repairs applied here, and every published count compared with ours.

    python -m bench +experiment=replay_published

Published are Z3's solutions (`solutions`) and tables of accuracies (`tables`), for sets of images
that can be rebuilt (`sets`). `run` compares them, `results` writes what came of it.
"""

from bench.replay.results import Replay, ReplayedRow
from bench.replay.run import SETS, replay

__all__ = ["SETS", "Replay", "ReplayedRow", "replay"]
