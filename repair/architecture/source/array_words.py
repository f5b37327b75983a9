"""What functions of arrays mean: of jax.numpy, jax.nn, flax.nnx, keras.ops, and array methods."""

import ast

from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layer import Value as Plain
from repair.architecture.layers.arguments import ACTIVATIONS
from repair.architecture.source.folding import is_number
from repair.architecture.source.keras_layers import constant, sizes
from repair.architecture.source.nnx_layers import SPELL
from repair.architecture.source.pool import Site
from repair.architecture.source.values import (
    Array,
    Batch,
    Dotted,
    Given,
    Method,
    Parameter,
    Partial,
    Tensor,
    Tensors,
    Value,
    Written,
)
from repair.architecture.source.walk import Walk
from repair.errors import InputError

ANY = Tensor | Tensors
ROOTS = {"jax", "flax", "numpy", "keras", "tensorflow", "nnx", "jnp"}
OPERATORS = {ast.Add: "Add", ast.Sub: "Subtract", ast.Mult: "Multiply"}
MERGES = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply", "maximum": "Maximum",
          "minimum": "Minimum"}  # fmt: skip
KEEPS = frozenset((
    "abs", "exp", "log", "log1p", "expm1", "sqrt", "square", "sin", "cos", "sign", "negative",
    "clip", "astype", "asarray", "array", "stop_gradient", "cast", "convert_to_tensor",
))  # fmt: skip
"""Functions of one tensor that keep its shape."""
REDUCES = {"mean": "Average", "average": "Average", "max": "Max", "amax": "Max",
           "reduce_mean": "Average", "reduce_max": "Max"}  # fmt: skip
MAKES = ("ones", "zeros", "empty", "full")
DRAWS = ("normal", "uniform", "rand", "randn", "random", "randint", "ones_like", "standard_normal")


class ArrayWords:
    """Functions and operators that make arrays or work on tensors."""

    def call(self, walk: Walk, function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call."""
        if isinstance(function, Partial):
            return self._partial(walk, function, given, node)
        if isinstance(function, Method) and isinstance(function.owner, ANY):
            read = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            whole = Given(((function.owner, read), *given.positional), given.named)
            if function.name == "[]":
                return self._indexed(walk, function.owner, given.positional[0][0], node)
            return self._function(walk, function.name, whole, node, node)
        if isinstance(function, Method) and isinstance(function.owner, Array):
            return function.owner if function.name == "astype" else NotImplemented
        if isinstance(function, Dotted) and function.path.split(".")[0] in ROOTS:
            made = _array(function, given)
            if made is not None:
                return made
            return self._function(walk, function.last, given, node, node)
        return NotImplemented

    def combine(
        self, walk: Walk, kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """A merge of two tensors, or a tensor and a constant, which keeps its shape."""
        both = isinstance(left, ANY) and isinstance(right, ANY)
        if isinstance(left, ANY) and isinstance(right, ANY) and kind in OPERATORS:
            reads = (left.reference, right.reference)
            return self._node(
                walk, LayerSpec(OPERATORS[kind]), reads, node, (node.left, node.right)
            )
        tensor, other, read = (
            (left, right, node.left) if isinstance(left, ANY) else (right, left, node.right)
        )
        if not both and isinstance(tensor, ANY) and is_number(other):
            return self._node(
                walk, LayerSpec("Identity"), (tensor.reference,), node, (read,), "scale"
            )
        return NotImplemented

    def _partial(self, walk: Walk, partial: Partial, given: Given, node: ast.Call) -> Value:
        fixed = walk.given(partial.call)
        merged = Given((*given.positional, *fixed.positional[1:]), {**fixed.named, **given.named},
                       given.open or fixed.open)  # fmt: skip
        if isinstance(partial.function, Dotted) and not fixed.positional[1:]:
            return self._function(walk, partial.function.last, merged, node, partial.call)
        return NotImplemented

    def _function(
        self, walk: Walk, name: str, given: Given, node: ast.Call, place: ast.Call
    ) -> Value:
        """A function of tensors; `place` is where its other arguments stand."""
        first = given.positional[0][0] if given.positional else given.get("x", None)
        if given.open is not None:
            return NotImplemented
        if name in ("concatenate", "concat", "hstack") and isinstance(first, list | tuple):
            return self._concatenated(walk, first, given, node)
        if not isinstance(first, ANY):
            return NotImplemented
        reads, read = (first.reference,), (given.positional[0][1],)
        rest = [value for value, _ in given.positional[1:]]
        if name in MERGES and rest and isinstance(rest[0], ANY):
            both = (first.reference, rest[0].reference)
            return self._node(
                walk, LayerSpec(MERGES[name]), both, node, (*read, given.positional[1][1])
            )
        if name in ACTIVATIONS:
            layer = LayerSpec("Activation", {"activation": name})
            return self._node(walk, layer, reads, node, read, name)
        if name in KEEPS:
            return self._node(walk, LayerSpec("Identity"), reads, node, read, name)
        if name in ("max_pool", "avg_pool"):
            return self._pooled(walk, name, given, node, place)
        if name == "reshape":
            shape = given.named["shape"][0] if "shape" in given.named else rest
            shape = given.get("newshape", None, shape)
            return self._reshaped(walk, first, shape, node, read)
        if name in ("transpose", "permute_dims"):
            axes = given.get("axes", None, rest)
            axes = axes[0] if isinstance(axes, list) and len(axes) == 1 else axes
            if isinstance(axes, list | tuple) and len(axes) > 1 and axes[0] == 0:
                dims = constant(tuple(axes)[1:], "axes", node.lineno)
                return self._node(walk, LayerSpec("Permute", {"dims": dims}), reads, node, read)
        if name in REDUCES:
            return self._reduced(walk, REDUCES[name], first, given, node, read)
        if name in ("expand_dims", "squeeze"):
            return self._axis(walk, name, first, given, node, read)
        if name == "flatten" and not isinstance(node.func, ast.Attribute):
            return self._node(walk, LayerSpec("Flatten"), reads, node, read)
        return NotImplemented

    def _node(
        self,
        walk: Walk,
        layer: LayerSpec,
        inputs: tuple[str, ...],
        node: ast.expr,
        reads: tuple[ast.expr | None, ...],
        name: str | None = None,
        written: Written | None = None,
    ) -> Tensor:
        site = Site(written or Written(None), node, reads, walk.statement, walk.pool.tick())
        return Tensor(walk.pool.add(layer, inputs, site, name))

    def _concatenated(
        self, walk: Walk, items: list[Value] | tuple[Value, ...], given: Given, node: ast.Call
    ) -> Value:
        if not items or not all(isinstance(item, ANY) for item in items):
            return NotImplemented
        place = given.positional[0][1] if given.positional else None
        literal = isinstance(place, ast.List | ast.Tuple) and len(place.elts) == len(items)
        reads = tuple(place.elts) if literal else (None,) * len(items)  # type: ignore[union-attr]
        axis = constant(given.get("axis", 1, 0), "axis", node.lineno)
        written = Written(node, {"axis": Parameter("axis", 1)}, renames=False)
        inputs = tuple(item.reference for item in items)  # type: ignore[attr-defined]
        return self._node(walk, LayerSpec("Concatenate", {"axis": axis}), inputs, node, reads, None,
                          written)  # fmt: skip

    def _pooled(
        self, walk: Walk, name: str, given: Given, node: ast.Call, place: ast.Call
    ) -> Value:
        names = ("window_shape", "strides", "padding")
        values = [
            constant(given.get(key, position, None), f"{name}: {key}", node.lineno)
            for position, key in enumerate(names, 1)
        ]
        window = values[0]
        if not isinstance(window, tuple) or not 1 <= len(window) <= 3:
            raise InputError(f"line {node.lineno}: {name} needs a window_shape of 1 to 3 sizes.")
        arguments: dict[str, Plain] = {
            "pool_size": window,
            "strides": values[1] if values[1] is not None else (1,) * len(window),
        }
        if values[2] is not None:
            arguments["padding"] = str(values[2]).lower()
        kind = "Max" if name == "max_pool" else "Average"
        layer = LayerSpec(f"{kind}Pooling{len(window)}D", arguments)
        keys = ("pool_size", "strides", "padding")
        parameters = {
            key: Parameter(
                parameter, position if place is node else None, SPELL.get(key, lambda value: value)
            )
            for position, (key, parameter) in enumerate(zip(keys, names, strict=True), 1)
        }
        first, read = given.positional[0]
        written = Written(place, parameters, renames=False)
        reference = first.reference  # type: ignore[attr-defined]
        return self._node(walk, layer, (reference,), node, (read,), name, written)

    def _reshaped(
        self, walk: Walk, tensor: Tensor | Tensors, shape: Value, node: ast.Call,
        reads: tuple[ast.expr, ...],
    ) -> Value:  # fmt: skip
        if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], list | tuple):
            shape = shape[0]
        if not isinstance(shape, list | tuple) or not shape:
            return NotImplemented
        # -1 in place of the batch is the batch, as long as the sizes fit
        if not (isinstance(shape[0], Batch) or type(shape[0]) is int or shape[0] is None):
            return NotImplemented
        target = constant(tuple(shape[1:]), "reshape", node.lineno)
        layer = (
            LayerSpec("Flatten")
            if target == (-1,)
            else LayerSpec("Reshape", {"target_shape": target})
        )
        return self._node(walk, layer, (tensor.reference,), node, reads)

    def _reduced(
        self, walk: Walk, kind: str, tensor: Tensor | Tensors, given: Given, node: ast.Call,
        reads: tuple[ast.expr, ...],
    ) -> Value:  # fmt: skip
        axis = constant(given.get("axis", 1, None), "axis", node.lineno)
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axes != tuple(range(1, len(axes) + 1)) or len(axes) > 3:
            return NotImplemented
        keep = {"keepdims": True} if given.get("keepdims", None) is True else {}
        layer = LayerSpec(f"Global{kind}Pooling{len(axes)}D", keep)
        return self._node(walk, layer, (tensor.reference,), node, reads)

    def _axis(
        self, walk: Walk, name: str, tensor: Tensor | Tensors, given: Given, node: ast.Call,
        reads: tuple[ast.expr, ...],
    ) -> Value:  # fmt: skip
        """A new axis of size 1, or one left out: a Reshape of what is known of the shape."""
        shape = walk.pool.shape(tensor.reference)
        axis = given.get("axis", 1, None)
        if shape is None or type(axis) is not int or None in shape[1:]:
            return NotImplemented
        rank = len(shape) + (name == "expand_dims")
        axis += rank if axis < 0 else 0
        if not 0 < axis < rank or (name == "squeeze" and shape[axis] != 1):
            return NotImplemented
        target = list(shape)
        target[axis : axis + (name == "squeeze")] = [] if name == "squeeze" else [1]
        layer = LayerSpec("Reshape", {"target_shape": tuple(target[1:])})
        return self._node(walk, layer, (tensor.reference,), node, reads, name)

    def _indexed(self, walk: Walk, tensor: Tensor | Tensors, index: Value, node: ast.Call) -> Value:
        """x[:, -1] and its like: code, with the output shape that it has here."""
        shape: Shape | None = walk.pool.shape(tensor.reference)
        picks = index.elts if isinstance(index, ast.Tuple) else [index]
        match picks:
            case [ast.Slice(lower=None, upper=None, step=None), *_]:
                whole = True
            case _:
                whole = False
        if shape is None or not whole or len(picks) > len(shape):
            return NotImplemented
        output: list[int | None] = []
        rest = list(shape[1:])
        for pick in picks[1:]:
            match pick:
                case ast.Constant(value=None):
                    output.append(1)
                case ast.Slice(lower=None, upper=None, step=None):
                    output.append(rest.pop(0))
                case ast.Constant(value=int(at)) if type(at) is int:
                    rest.pop(0)
                case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
                    rest.pop(0)
                case _:
                    return NotImplemented
        text = walk.source.of_node(node) if node.end_lineno else "index"
        layer = LayerSpec("Lambda", {"function": text[:100], "output_shape": (*output, *rest)})
        return self._node(walk, layer, (tensor.reference,), node, (node.func,), "pick")


def _array(function: Dotted, given: Given) -> Array | None:
    """An array of a known shape, where a call makes one."""
    values = [value for value, _ in given.positional]
    if function.last in MAKES:
        shape = None if given.open else given.get("shape", 0)
        found = sizes((shape,) if isinstance(shape, int) else shape)
        return None if found is None else Array(found)
    if (
        function.last in DRAWS
        and given.open is None
        and not any(isinstance(value, ANY) for value in values)
    ):
        if function.last in ("rand", "randn") and values:
            found = sizes(tuple(values))
            return None if found is None else Array(found)
        shapes = [sizes(value) for value in [*values, given.get("shape", None),
                                             given.get("size", None)]]  # fmt: skip
        known = [shape for shape in shapes if shape]
        return Array(known[-1]) if known else None
    return None
