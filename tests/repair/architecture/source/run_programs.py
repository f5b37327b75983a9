"""Runs the programs named on the command line, which this repository wrote, one after the other."""

import json
import runpy
import sys
import warnings

import numpy_weights  # noqa: F401  before Keras

outcomes = {}
for path in sys.argv[1:]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(path)
        outcomes[path] = "ran"
    except Exception as error:  # noqa: BLE001  whatever a broken program raises is the outcome
        outcomes[path] = type(error).__name__
print(json.dumps(outcomes))
