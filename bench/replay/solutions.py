"""The published repairs: Z3's answers to NNrepair's constraint files, as changes of a kernel."""

import re
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from bench.datasets.files import fetch
from repair.errors import InputError, unknown
from repair.weights.network.network import Network
from repair.weights.patch import Patch

ARCHIVE = "nnrepair/z3solutions.tar.xz"
DIGEST = "33ae651523e4a14aa9702225749167e1ef7fbacf23adc50bcd634916d37b19bc"
SIZE = 676_204
SCENARIOS = {
    "low_quality_mnist": "MNIST-LowQuality",
    "poison_mnist": "MNIST-Poisoned",
    "poison_cifar": "Cifar-Poisoned",
    "adversarial_mnist": "MNIST-Adversarial",
    "adversarial_cifar": "Cifar-Adversarial",
}
LAYERS = {"Lastlayer": ("last", "dense_2"), "IntermediateLayer": ("intermediate", "dense_1")}

_FREE = "sym"
_VALUE = re.compile(
    rf"\(define-fun (?P<name>{_FREE}\S+)\s+\(\)\s+Real\s+"
    r"(?P<minus>\(-\s*)?(?:\(/\s*(?P<over>[\d.]+)\s+(?P<under>[\d.]+)\s*\)|(?P<number>[\d.]+))"
)
_PATH = re.compile(
    r"(?P<scenario>[^/]+)/(?P<layer>[^/]+)/(?:[^/]*(?P<exp>Exp[A-D])/)?\w+?(?P<label>\d)\.txt$"
)


@dataclass(frozen=True, eq=False)
class PublishedSolution:
    """The change of one kernel (in, out) for the expert of one class.

    Attributes:
        layer: the layer with that kernel.
        inputs, outputs: (k,) int64, the rows and columns of the changed weights.
        values: (k,) the exact rationals that are added to these weights.
    """

    layer: str
    inputs: np.ndarray
    outputs: np.ndarray
    values: tuple[Fraction, ...]

    def patch(self, network: Network) -> Patch:
        """The patch, each rational rounded to float64 once."""
        columns = network.weights(self.layer)["kernel"].shape[1]
        flat_indices = self.inputs * columns + self.outputs
        values = np.array([float(value) for value in self.values])
        return Patch.sparse(network, {(self.layer, "kernel"): (flat_indices, values)})

    @property
    def overflowed(self) -> np.ndarray:
        """Outputs with a value whose numerator and denominator are beyond the largest double."""
        parts = (min(abs(value.numerator), value.denominator) for value in self.values)
        return np.unique(self.outputs[[part > sys.float_info.max for part in parts]])


def silenced(network: Network, layer: str, neurons: np.ndarray) -> Patch:
    """The patch that takes the influence of neurons of a dense layer away: zero weights out of them.

    That is what becomes of neurons with a NaN weight where a ReLU is a comparison with zero.
    """
    following = network.weighted[network.weighted.index(layer) + 1]
    kernel = np.asarray(network.weights(following)["kernel"], np.float64)
    change = np.zeros_like(kernel)
    change[neurons] = -kernel[neurons]
    return Patch.dense(network, {(following, "kernel"): change})


def read_model(text: str) -> dict[str, Fraction]:
    """The free variables, those called sym..., of a model as Z3 prints it: name -> value, exact.

    What else a model holds follows from them and is left out.

    Raises:
        InputError: no such variable, or one whose value is no rational number.
    """
    model = {}
    for match in _VALUE.finditer(text):
        value = Fraction(match["over"] or match["number"]) / Fraction(match["under"] or 1)
        model[match["name"]] = -value if match["minus"] else value
    defined = text.count(f"(define-fun {_FREE}")
    if not model or len(model) != defined:
        raise InputError(
            f"a solver's model defines {defined} variables {_FREE}..., {len(model)} of them by"
            " rational numbers; expected at least one, and all."
        )
    return model


def solution_of(text: str, layer: str, label: int) -> PublishedSolution:
    """The change of `layer` that a model stands for.

    The variables are symI (input I of the last layer, whose output is the expert's class) or symO_I
    (output O and input I of an intermediate layer).
    """
    model = read_model(text)
    pairs = [name.removeprefix(_FREE).split("_") for name in model]
    indices = [(label, *pair) if len(pair) == 1 else pair for pair in pairs]
    outputs, inputs = np.array(indices, np.int64).T
    return PublishedSolution(layer, inputs, outputs, tuple(model.values()))


def published(scenario: str) -> Mapping[tuple[str, str], Mapping[int, PublishedSolution]]:
    """A scenario's solutions: ("last" or "intermediate", "ExpA".."ExpD" or "") -> class -> solution.

    Raises:
        InputError: an unknown scenario, or an archive that is missing or not the published one.
    """
    if scenario not in SCENARIOS:
        raise unknown("scenario", scenario, SCENARIOS)
    solutions: dict[tuple[str, str], dict[int, PublishedSolution]] = {}
    for (folder, kind, exp, label), text in _texts().items():
        if folder == SCENARIOS[scenario]:
            layer, name = LAYERS[kind]
            solutions.setdefault((layer, exp), {})[label] = solution_of(text, name, label)
    return solutions


@cache
def _texts() -> Mapping[tuple[str, str, str, int], str]:
    texts = {}
    with tarfile.open(fetch(ARCHIVE, DIGEST, size=SIZE), "r:xz") as tar:
        for member in tar:
            match, stream = _PATH.search(member.name), tar.extractfile(member)
            if match is not None and stream is not None:
                key = (match["scenario"], match["layer"], match["exp"] or "", int(match["label"]))
                texts[key] = stream.read().decode()
    return texts
