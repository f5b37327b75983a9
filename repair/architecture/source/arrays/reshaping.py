"""Functions that change the axes of a tensor: reshape, transpose, expand_dims, and its entries."""

import ast

from repair.architecture.layer import LayerSpec
from repair.architecture.source.arrays.function_call import FunctionCall
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.calls import apply_function
from repair.architecture.source.network.constants import constant
from repair.architecture.source.network.values import BatchSize, LayerOutputs, Tensor
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import Value


def reshaped(called: FunctionCall) -> Value:
    """A new shape, given as a tuple or as several sizes."""
    named = called.call.named
    shape = named["shape"][0] if "shape" in named else called.rest
    shape = called.call.get("newshape", None, shape)
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], list | tuple):
        shape = shape[0]
    if not isinstance(shape, list | tuple) or not shape:
        return NotImplemented
    # -1 in place of the batch is the batch, as long as the sizes fit
    if not (isinstance(shape[0], BatchSize) or type(shape[0]) is int or shape[0] is None):
        return NotImplemented
    target = constant(tuple(shape[1:]), "reshape", called.node.lineno)
    if target == (-1,):
        return called.apply(LayerSpec("Flatten"))
    return called.apply(LayerSpec("Reshape", {"target_shape": target}))


def flattened(called: FunctionCall) -> Value:
    """One axis for all but the batch."""
    if isinstance(called.node.func, ast.Attribute):
        return NotImplemented
    return called.apply(LayerSpec("Flatten"))


def transposed(called: FunctionCall) -> Value:
    """The axes in another order, the batch first."""
    axes = called.call.get("axes", None, called.rest)
    axes = axes[0] if isinstance(axes, list) and len(axes) == 1 else axes
    if not isinstance(axes, list | tuple) or len(axes) < 2 or axes[0] != 0:
        return NotImplemented
    dims = constant(tuple(axes)[1:], "axes", called.node.lineno)
    return called.apply(LayerSpec("Permute", {"dims": dims}))


def with_axis_changed(called: FunctionCall) -> Value:
    """A new axis of size 1 (expand_dims), or one left out (squeeze), as a Reshape."""
    shape, inserts = called.shape, called.name == "expand_dims"
    axis = called.call.get("axis", 1)
    if shape is None or type(axis) is not int or None in shape[1:]:
        return NotImplemented
    rank = len(shape) + inserts
    axis += rank if axis < 0 else 0
    if not 0 < axis < rank or (not inserts and shape[axis] != 1):
        return NotImplemented
    target = list(shape)
    if inserts:
        target.insert(axis, 1)
    else:
        del target[axis]
    layer = LayerSpec("Reshape", {"target_shape": tuple(target[1:])})
    return called.apply(layer, name=called.name)


def entries_of_tensor(
    interpreter: Interpreter,
    builder: GraphBuilder,
    tensor: Tensor | LayerOutputs,
    node: ast.Subscript,
) -> Tensor | None:
    """x[:, -1] and its like: code, with the output shape that it has here; None: not known."""
    shape = builder.shape(tensor.reference)
    picks = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if shape is None or not picks or not _is_whole(picks[0]) or len(picks) > len(shape):
        return None
    output: list[int | None] = []
    rest = list(shape[1:])
    for pick in picks[1:]:
        match pick:
            case ast.Constant(value=None):
                output.append(1)
            case _ if _is_whole(pick):
                output.append(rest.pop(0))
            case ast.Constant(value=int(at)) if type(at) is int:
                rest.pop(0)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
                rest.pop(0)
            case _:
                return None
    text = interpreter.source.text_of(node)[:100]
    layer = LayerSpec("Lambda", {"function": text, "output_shape": (*output, *rest)})
    # a copy, which no statement sets a variable to: new layers are put around it where it stands
    use = ast.copy_location(ast.Subscript(node.value, node.slice, node.ctx), node)
    inputs = [(tensor.reference, node.value)]
    return apply_function(interpreter, builder, layer, inputs, use, name="pick")


def _is_whole(index: ast.expr) -> bool:
    """Whether an index is `:`, which keeps the axis as it is."""
    match index:
        case ast.Slice(lower=None, upper=None, step=None):
            return True
    return False
