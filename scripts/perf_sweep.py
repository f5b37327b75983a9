"""What the harness adds to each run of a sweep: configs, locks, records, offline tracking, the process for the runs.

    python scripts/perf_sweep.py [RUNS]    # 200 quickstart-like runs by default, twice, in folders of their own

The overhead of a run is the time between the beginning of one run and that of the next, less the seconds that the run's
record says it worked. The start of the sweep (imports, planning) comes once, and is told apart. The second sweep has no
tracking: what it takes less of the processor is tracking's share, on a busy machine too.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, median

from bench.records import store

SETTINGS = [
    "+experiment=quickstart",
    "method.full=false",
    "method.k=3",
    "scenario.network.epochs=2",
    "repair_images=100",
    "validation_images=50",
]


def main(runs: int) -> None:
    for mode in ("offline", "disabled"):
        print(f"wandb.mode={mode}")
        measure(runs, mode)


def measure(runs: int, mode: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sweep = [*SETTINGS, f"seed=range({runs})", f"results_dir={folder}", f"wandb.mode={mode}"]
        began, before = time.time(), processor()
        subprocess.run(
            [sys.executable, "-m", "bench", "-m", *sweep], check=True, capture_output=True
        )
        wall, processed = time.time() - began, processor() - before
        done = store.contents(folder).runs
        # The lock's file is made when a run begins, its record when it ends.
        starts = sorted((run.folder / ".lock").stat().st_ctime for run in done)
        work = {run.folder: run.record.seconds["total"] for run in done}
        order = sorted(done, key=lambda run: (run.folder / ".lock").stat().st_ctime)
        gaps = [
            later - earlier - work[run.folder]
            for earlier, later, run in zip(starts, starts[1:], order, strict=False)
        ]
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    print(f"{len(done)} runs in {wall:.1f} s, of which {sum(work.values()):.1f} s are work")
    print(f"start of the sweep: {starts[0] - began:.2f} s")
    print(f"overhead of a run: {fmean(gaps):.3f} s in the mean, {median(gaps):.3f} s in the median")
    print(f"all overhead by the number of runs: {(wall - sum(work.values())) / len(done):.3f} s")
    print(f"processor time, work included: {processed / len(done):.3f} s a run")
    print(f"files: {size / len(done) / 1024:.0f} KiB a run")


def processor() -> float:
    """Seconds of all processes that this one has waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
