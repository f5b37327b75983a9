"""Architecture repair in the harness: sets of broken definitions, repaired and counted.

    python -m bench +experiment=arch_random
    python -m bench +experiment=arch_random architecture.cases=FILE architecture.rules=keras3

`cases` reads the sets, `run` repairs them and makes a row for each, `metrics` sums these up, `build`
has Keras and NNX build what came out.
"""

from bench.architecture.cases import SETS, Case, load
from bench.architecture.run import CaseResults, run_cases

__all__ = ["SETS", "Case", "CaseResults", "load", "run_cases"]
