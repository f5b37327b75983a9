"""Arguments that many layers take."""

from collections.abc import Mapping
from types import MappingProxyType

from repair.architecture.layers.domains import Argument, anything, choice, optional

ACTIVATIONS = tuple(
    "linear relu relu6 leaky_relu elu celu selu gelu glu silu swish hard_silu hard_swish softmax "  # noqa: SIM905  a list of words reads better
    "log_softmax sparsemax softplus softsign tanh hard_tanh tanh_shrink hard_shrink soft_shrink "
    "squareplus sparse_plus sparse_sigmoid threshold sigmoid log_sigmoid hard_sigmoid exponential "
    "mish".split()
)
"""Names of Keras 3's activations."""

DATA_FORMAT = Argument(optional(choice("channels_last", "channels_first")), None)


def activation(default: str | None = None) -> Argument:
    """An activation by name, None for none."""
    return Argument(optional(choice(*ACTIVATIONS)), default, editable=True)


_WEIGHTS = (
    "kernel",
    "bias",
    "recurrent",
    "beta",
    "gamma",
    "moving_mean",
    "moving_variance",
    "depthwise",
    "pointwise",
    "embeddings",
    "alpha",
    "activity",
)
_PLAIN = (
    "name",
    "trainable",
    "dtype",
    "autocast",
    "seed",
    "input_shape",
    "batch_input_shape",
    "input_dim",
    "input_dtype",
    "input_length",
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "implementation",
    "use_cudnn",
    "weights",
)
BOOKKEEPING: Mapping[str, Argument] = MappingProxyType(
    {
        name: Argument(anything, None)
        for name in (
            *_PLAIN,
            *(f"{of}_{what}" for of in _WEIGHTS for what in ("initializer", "regularizer")),
            *(f"{of}_constraint" for of in _WEIGHTS),
        )
    }
)
"""Arguments that layers take and that do not touch shapes."""
