"""The published tool's Prolog terms: a list of [name, functor, arguments], in and out.

Tensors stand as {"s": [sizes]}, the batch first, which is 1 throughout. Functors and the order of
their arguments: ExAIS, "Semantic-Based Neural Network Repair", ISSTA 2023, and its data.
"""

from collections.abc import Mapping

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape, Value, freeze
from repair.errors import InputError, unknown

# One letter for each argument of a term:
#   i input, I list of inputs, k kernel or pool sizes, s strides, d dilation, p padding as a truth
#   value, m margins (before and after each axis), z sizes, t target shape;
#   <name> is an argument of the layer, r<name> all the rest as one, {name} a weight.
_WINDOWS = "k {kernel} {bias} s p"
_RECURRENT = "{kernel} {recurrent_kernel} {bias}"
GRAMMAR: Mapping[str, tuple[str, int, str]] = {
    **{
        f"{name}_layer": (name.title(), 0, "I")
        for name in ("add", "average", "maximum", "minimum", "multiply")
    },
    "subtract_layer": ("Subtract", 0, "i i"),
    "concatenate_layer": ("Concatenate", 0, "I <axis>"),
    "dot_layer": ("Dot", 0, "i i r<axes>"),
    **{f"conv{k}D_layer": (f"Conv{k}D", k, f"i {_WINDOWS} d") for k in (1, 2, 3)},
    **{f"conv{k}D_transpose_layer": (f"Conv{k}DTranspose", k, f"i {_WINDOWS}") for k in (1, 2, 3)},
    "depthwise_conv2D_layer": ("DepthwiseConv2D", 2, f"i {_WINDOWS}"),
    **{
        f"separable_conv{k}D_layer": (f"SeparableConv{k}D", k, "i k {depthwise_kernel} {bias} s p")
        for k in (1, 2)
    },
    **{
        f"locally_connected{k}D_layer": (f"LocallyConnected{k}D", k, "i k {kernel} {bias} s")
        for k in (1, 2)
    },
    **{f"average_pooling{k}D_layer": (f"AveragePooling{k}D", k, "i k s p") for k in (1, 2, 3)},
    **{f"max_pool{k}D_layer": (f"MaxPooling{k}D", k, "i k s p") for k in (1, 2, 3)},
    **{
        f"global_average_pooling{k}D_layer": (f"GlobalAveragePooling{k}D", 0, "i")
        for k in (1, 2, 3)
    },
    **{f"global_max_pool{k}D_layer": (f"GlobalMaxPooling{k}D", 0, "i") for k in (1, 2, 3)},
    **{f"cropping{k}D_layer": (f"Cropping{k}D", k, "i m") for k in (1, 2, 3)},
    **{f"zero_padding{k}D_layer": (f"ZeroPadding{k}D", k, "i m") for k in (1, 2, 3)},
    **{f"up_sampling{k}D_layer": (f"UpSampling{k}D", k, "i z") for k in (1, 2, 3)},
    "dense_layer": ("Dense", 0, "i {kernel} {bias}"),
    "simple_rnn_layer": ("SimpleRNN", 0, f"i {_RECURRENT}"),
    "lstm_layer": ("LSTM", 0, f"i {_RECURRENT}"),
    "gru_layer": ("GRU", 0, f"i {_RECURRENT} <reset_after>"),
    "simple_rnncell_layer": ("SimpleRNNCell", 0, f"i {_RECURRENT}"),
    "lstmcell_layer": ("LSTMCell", 0, f"i {_RECURRENT}"),
    "grucell_layer": ("GRUCell", 0, f"i {_RECURRENT} <reset_after>"),
    "batch_normalization_layer": (
        "BatchNormalization",
        0,
        "i <axis> <epsilon> {gamma} {beta} {moving_mean} {moving_variance}",
    ),
    "layer_normalization_layer": ("LayerNormalization", 0, "i <axis> <epsilon>"),
    "flatten_layer": ("Flatten", 0, "i"),
    "reshape_layer": ("Reshape", 0, "i t"),
    "permute_layer": ("Permute", 0, "i r<dims>"),
    "masking_layer": ("Masking", 0, "i <mask_value>"),
    "sigmoid_layer": ("Activation", 0, "i"),
    "softmax_layer": ("Softmax", 0, "i <axis>"),
    "relu_layer": ("ReLU", 0, "i <max_value> <negative_slope> <threshold>"),
    "leaky_relu_layer": ("LeakyReLU", 0, "i <negative_slope>"),
    "elu_layer": ("ELU", 0, "i <alpha>"),
    "thresholded_relu_layer": ("ThresholdedReLU", 0, "i <theta>"),
    "prelu_layer": ("PReLU", 0, "i {alpha}"),
}


def read_terms(document: object, *, weights: bool = True) -> Graph:
    """The network of a list of terms, in the tool's order of execution.

    Args:
        document: the parsed JSON: [[name, functor, [argument, ...]], ...].
        weights: whether the given weights bind; if not, layers make weights of their own, as
            Keras does.

    Raises:
        InputError: not of this form, or a functor that is not known.
    """
    if not isinstance(document, list):
        raise InputError(f"expected a list of terms, got {type(document).__name__}.")
    nodes: list[Node] = []
    for position, term in enumerate(document):
        if not (isinstance(term, list) and len(term) == 3 and isinstance(term[2], list)):
            raise InputError(f"term {position}: expected [name, functor, arguments].")
        name, functor, arguments = term
        if not isinstance(name, str) or not isinstance(functor, str):
            raise InputError(f"term {position}: name and functor must be texts.")
        nodes += _Term(name, functor, arguments).nodes(weights)
    return Graph.of(nodes)


class _Term:
    """One term while it is read: a cursor over its arguments."""

    def __init__(self, name: str, functor: str, rest: list[object]) -> None:
        if functor not in GRAMMAR:
            raise unknown("functor", functor, GRAMMAR)
        self.name = name
        self.type, self.rank, self.grammar = GRAMMAR[functor]
        self.rest = list(rest)
        self.tensors: list[Node] = []

    def nodes(self, weights: bool) -> list[Node]:
        """The literal tensors of the term as inputs of the network, then its layer."""
        inputs: list[str] = []
        arguments: dict[str, Value] = {}
        shapes: dict[str, Shape] = {}
        for token in self.grammar.split():
            if token == "i":
                inputs.append(self._reference(self._next()))
            elif token == "I":
                inputs += [self._reference(item) for item in self._list()]
            elif token == "t":
                arguments["target_shape"] = freeze(self._list(), self.name)
            elif token.startswith("{"):
                shapes[token[1:-1]] = self._shape(self._next())
            elif self.rest or token not in ("s", "p", "d"):
                arguments |= self._argument(token)
        if self.rest:
            raise InputError(f"{self.name}: {len(self.rest)} arguments too many.")
        layer = _layer(self.type, arguments, shapes, weights)
        return [*self.tensors, Node(self.name, layer, tuple(inputs))]

    def _argument(self, token: str) -> dict[str, Value]:
        if token.startswith("r<"):
            values, self.rest = freeze(self.rest, self.name), []
            return {token[2:-1]: values}
        if token.startswith("<"):
            return {token[1:-1]: freeze(self._next(), self.name)}
        if token == "p":
            return {"padding": "same" if self._next() else "valid"}
        sizes = tuple(
            freeze(self._next(), self.name) for _ in range(self.rank * (1 + (token == "m")))
        )
        if token == "m":
            pairs = sizes if self.rank == 1 else tuple(zip(sizes[::2], sizes[1::2], strict=True))
            return {"cropping" if self.type.startswith("Cropping") else "padding": pairs}
        if token == "z" and self.rank == 1:
            return {"size": sizes[0]}
        kernel = "pool_size" if "Pooling" in self.type else "kernel_size"
        return {{"k": kernel, "s": "strides", "d": "dilation_rate", "z": "size"}[token]: sizes}

    def _next(self) -> object:
        if not self.rest:
            raise InputError(f"{self.name}: too few arguments for {self.type}.")
        return self.rest.pop(0)

    def _list(self) -> list[object]:
        value = self._next()
        if not isinstance(value, list):
            raise InputError(f"{self.name}: expected a list, got {value!r:.100}.")
        return value

    def _reference(self, value: object) -> str:
        if isinstance(value, str):
            return value
        name = f"{self.name}_input" + (f"_{len(self.tensors) + 1}" if self.tensors else "")
        shape = self._shape(value)
        self.tensors.append(Node(name, LayerSpec("Input", {"shape": shape[1:]})))
        return name

    def _shape(self, value: object) -> Shape:
        sizes = value.get("s") if isinstance(value, dict) else None
        frozen = freeze(sizes, self.name)
        sized = isinstance(frozen, tuple) and bool(frozen)
        if not sized or not all(type(size) is int for size in frozen):  # type: ignore[union-attr]
            raise InputError(f"{self.name}: expected {{'s': [sizes]}}, got {value!r:.100}.")
        return frozen  # type: ignore[return-value]


def _layer(
    kind: str, arguments: dict[str, Value], weights: dict[str, Shape], keep: bool
) -> LayerSpec:
    """The layer, its width read off its weights."""
    cell = kind.endswith("Cell")
    recurrent = cell or "recurrent_kernel" in weights
    if recurrent:
        arguments = {"units": weights["recurrent_kernel"][0], **arguments}
    elif kind == "DepthwiseConv2D":
        arguments = {"depth_multiplier": weights["kernel"][-1], **arguments}
    elif "kernel_size" in arguments or kind == "Dense":
        width = "units" if kind == "Dense" else "filters"
        arguments = {width: weights["bias"][-1], **arguments}
    if kind.startswith("SeparableConv"):
        # two stacked tensors: only the shape of the first, depthwise one is in the data
        weights = {**weights, "depthwise_kernel": weights["depthwise_kernel"][1:]}
    if kind == "Activation":
        arguments = {"activation": "sigmoid"}
    layer = LayerSpec(kind, arguments, weights=weights if keep else {})
    return LayerSpec("RNN", inner=(layer,)) if cell else layer
