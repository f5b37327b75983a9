"""Where the modules of version 0.1 are now; a module that is not named is in the package that is, or where it was."""

_IN_WEIGHTS = ("formats", "methods", "patch", "problem", "tangent")
_IN_NETWORK = ("batches", "convolution", "layers", "network", "residual")
_IN_PROGRAMS = ("components", "maximise", "maxsat", "program", "solvers")
_IN_DATASETS = ("cifar", "digits", "download", "files", "idx", "networks")
_IN_RECORDS = ("environment", "gallery", "record", "rows", "store")
_IN_RUNS = ("memory", "repairing", "run", "tasks")


def _into(package: str, names: tuple[str, ...], before: str) -> dict[str, str]:
    return {f"{before}.{name}": f"{package}.{name}" for name in names}


MOVED = {
    **_into("repair.weights", _IN_WEIGHTS, "repair"),
    **_into("repair.weights.network", _IN_NETWORK, "repair"),
    **_into("repair.weights.programs", _IN_PROGRAMS, "repair"),
    **_into("bench.datasets", _IN_DATASETS, "bench"),
    **_into("bench.records", _IN_RECORDS, "bench"),
    **_into("bench.runs", _IN_RUNS, "bench"),
    "repair.certify": "repair.weights.certificate",
    "repair.combinations": "repair.weights.experts.combinations",
    "repair.experts": "repair.weights.experts.experts",
    "repair.experts_file": "repair.weights.experts.file",
    "repair.formats.archive": "repair.weights.archive",
    "repair.localization": "repair.weights.localization",
    "repair.localization.layers": "repair.weights.ranking",
    "repair.localize": "repair.weights.localization",
    "repair.oracle": "repair.weights.methods.nnrepair.oracle",
    "repair.relu_program": "repair.weights.methods.exact.relu_program",
    "bench.asked": "bench.runs.specification",
    "bench.copies": "bench.datasets.augmented",
    "bench.data": "bench.datasets.dataset",
    "bench.npz": "repair.weights.archive",
    "bench.own": "bench.scenarios.custom",
    "bench.statistics": "bench.report.statistics",
}
