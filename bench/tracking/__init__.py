"""Tracking: a mirror of runs for the eye. The disk is the truth; a run never fails or waits for it.

`with tracked(settings, ...) as tracker:` opens the tracker of one run, `tracker.log` shows its
progress, `tracker.finish` its record once that is on disk.
"""

from bench.tracking.tracked import tracked
from bench.tracking.tracker import NoTracker, Tracker, WandbSettings, run_id

__all__ = ["NoTracker", "Tracker", "WandbSettings", "run_id", "tracked"]
