"""Tracking: a mirror of runs for the eye. The disk is the truth; a run never fails or waits for it.

with tracked(settings, results_dir=..., experiment=..., config=..., seed=...) as tracker:
    tracker.log({"solve/gap": 0.1})
    stored = store.save(...)
    tracker.finish(stored)
"""

from bench.tracking.tracker import MODES, NoTracker, Tracker, WandbSettings, run_id, tracked

__all__ = ["MODES", "NoTracker", "Tracker", "WandbSettings", "run_id", "tracked"]
