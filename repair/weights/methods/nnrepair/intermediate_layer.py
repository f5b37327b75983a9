"""NNrepair at an intermediate layer: an inferred activation pattern says what a class needs there."""

import numpy as np
from jaxtyping import Bool, Float, Int

from repair.errors import InputError
from repair.weights.certificate import MarginConstraints
from repair.weights.localization.localization import Entering, highest
from repair.weights.methods.nnrepair.constraints import neuron_signs
from repair.weights.methods.nnrepair.expert_problem import TIGHTENED, ExpertProblem
from repair.weights.methods.nnrepair.layer_settings import LayerSettings
from repair.weights.methods.nnrepair.oracle import infer_patterns
from repair.weights.methods.nnrepair.shuffled_tests import ShuffledTests
from repair.weights.network.network import Network
from repair.weights.programs.maxsat import LinearConstraints

K = 50  # incoming edges of a neuron that the paper frees


class IntermediateLayer:
    """Failing tests are to have their class's pattern, passing tests that have it are to keep it.

    Intermediate-layer repair of Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), section 3.

    Args:
        network: the network under repair.
        layer: a dense layer that is followed by a ReLU.
        tests: the repair set; patterns are inferred from its clean tests that are classified right.
        settings: what it is told.

    Raises:
        InputError: a layer that is not followed by a ReLU.
    """

    def __init__(self, network: Network, layer: str, tests: ShuffledTests, settings: LayerSettings):
        after = network.layers[network.position(layer) + 1]
        if not followed_by_relu(network, layer):
            raise InputError(
                f"an intermediate repair needs a layer with a ReLU behind it, whose neurons are on or"
                f" off; behind {layer!r} stands {after.name!r} ({after.kind})."
            )
        self.network, self.layer, self.tests = network, layer, tests
        self.localize, self.localize_tests = settings.localize, settings.localize_tests
        self.after = after.name
        self.kernel, self.bias = (
            np.asarray(network.weights(layer)[key], np.float64) for key in ("kernel", "bias")
        )
        self.k, self.bound = settings.k or K, 1.0 if settings.bound is None else settings.bound
        self.failing, self.passing = settings.failing, settings.passing
        learned = tests.entering.take(tests.right & tests.clean)
        before = self._before(learned)
        self.margin = settings.margin * (float(np.abs(before).mean()) or 1.0)
        self.patterns = infer_patterns(
            before > 0, learned.labels, seed=settings.seed, max_depth=settings.depth
        )

    def expert_problem(self, label: int) -> ExpertProblem | None:
        """The k edges most to blame of each pattern neuron that the first failing tests violate.

        Returns:
            None for a class without a pattern, without failing or passing tests, or whose failing tests
            all have the pattern.
        """
        failing, passing = self.tests.failing(label), self.tests.passing(label)
        pattern = self.patterns.get(label)
        if pattern is None or not len(failing) or not len(passing):
            return None
        chosen = failing.take(slice(self.failing))
        wrong = (self._before(chosen)[:, pattern.neurons] > 0) != pattern.on
        violated = pattern.neurons[wrong.any(axis=0)]
        if not len(violated):
            return None
        seen = slice(self.localize_tests)
        scores = self.localize(self.network, self.layer, failing.take(seen), passing.take(seen))
        what = f"layer {self.layer!r}, a neuron of class {label}"
        free = [highest(scores[:, n], self.k, what) * self.kernel.shape[1] + n for n in violated]
        details = {
            "pattern_neurons": len(pattern.neurons),
            "pattern_support": pattern.support,
            "pattern_precision": pattern.precision,
            "violated_neurons": len(violated),
        }
        keeping = passing.take(self._keeps(label, passing)).take(slice(self.passing))
        return ExpertProblem(label, np.sort(np.concatenate(free)), chosen, keeping, details)

    def rows(
        self, expert: ExpertProblem, free: Int[np.ndarray, " v"]
    ) -> tuple[LinearConstraints, LinearConstraints]:
        """Hard rows of the passing and soft rows of the failing tests, over the deltas of `free`."""
        pattern = self.patterns[expert.label]
        inputs, outputs = np.divmod(free, self.kernel.shape[1])
        hard, soft = (
            neuron_signs(t.values, self._before(t), pattern.neurons, pattern.on, inputs, outputs)
            for t in (expert.passing, expert.failing)
        )
        return hard, soft

    def claims(self, images: np.ndarray, tests: Entering, label: int) -> MarginConstraints:
        """The rows of tests, in the order of `rows`, for the certificate."""
        pattern = self.patterns[label]
        return MarginConstraints.pattern(images, self.after, pattern.neurons, pattern.on)

    def _before(self, tests: Entering) -> Float[np.ndarray, "N out"]:
        """The layer's pre-activations before the repair."""
        return tests.values.astype(np.float64) @ self.kernel + self.bias

    def _keeps(self, label: int, tests: Entering) -> Bool[np.ndarray, " N"]:
        """Whether tests have the pattern by more than the tightest margin."""
        pattern = self.patterns[label]
        before = self._before(tests)[:, pattern.neurons]
        return np.all(np.where(pattern.on, before, -before) > TIGHTENED[-1] * self.margin, axis=1)


def followed_by_relu(network: Network, layer: str) -> bool:
    """Whether a ReLU stands behind a layer that is not the last one."""
    return getattr(network.layers[network.position(layer) + 1], "function", None) == "relu"
