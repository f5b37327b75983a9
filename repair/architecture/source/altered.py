"""How a program spells layers: other arguments in place, and the code of new layers."""

import ast
from collections.abc import Mapping

from repair.architecture.errors import Diagnostic
from repair.architecture.formats.keras.code import keras_layer
from repair.architecture.formats.nnx.layers import nnx_code
from repair.architecture.formats.python_code import spell
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import normal_arguments
from repair.architecture.source.changes import CannotWrite, Changes
from repair.architecture.source.places import line_after
from repair.architecture.source.program import Program
from repair.architecture.source.text import Edit
from repair.architecture.source.values import Parameter, Tensor, Tensors, Written
from repair.architecture.trace import trace

HOLE = "__input__"
SIMPLE = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


class Spelling:
    """The code of layers in the style of one program.

    Args:
        program: it.
        repaired: the network after the repair, whose shapes new layers are made for.
    """

    def __init__(self, program: Program, repaired: Graph) -> None:
        self.program = program
        self.repaired = repaired
        self.shapes = trace(repaired).shapes
        self.missing: list[str] = []
        self.attributes: list[Edit] = []

    def constructor(self, node: Node) -> str:
        """The expression that constructs a new layer, or that of one that is moved."""
        if node.name in self.program.graph:
            call = self.program.site(node.name).written.call
            if call is not None:
                return self.program.source.of_node(call)
        prefix = self._prefix()
        if prefix == "":
            self.missing.append(node.layer.type)
        return self.quoted(keras_layer(node.layer, prefix))

    def quoted(self, code: str) -> str:
        """Code with the quotes that the program prefers."""
        text = self.program.source.text
        return code.replace('"', "'") if text.count("'") > text.count('"') else code

    def apply(self, node: Node, reads: str) -> str:
        """The expression of a new layer on a tensor that a variable or expression holds."""
        if self.program.framework == "keras":
            return f"{self.constructor(node)}({reads})"
        return self._nnx(node, reads)

    def around(self, node: Node, inner: ast.expr) -> tuple[str, str]:
        """What stands before and after an expression when a new layer is applied to it."""
        if self.program.framework == "keras":
            return f"{self.constructor(node)}(", ")"
        if node.layer.type in ("Flatten", "Reshape"):
            sizes = self.shapes[node.name] or ()
            text = f"{HOLE}.reshape(-1, {', '.join(map(str, sizes[1:]))})"
        else:
            text = self._nnx(node, HOLE)
        parts = text.split(HOLE)
        if len(parts) != 2:
            raise CannotWrite(f"{node.layer.type} cannot be written around an expression.")
        if not isinstance(inner, SIMPLE):
            return f"{parts[0]}(", f"){parts[1]}"
        return parts[0], parts[1]

    def variable(self, reference: str, time: int) -> str | None:
        """A variable that holds a tensor at a moment of the program."""
        latest: dict[str, object] = {}
        for moment, _, name, value in self.program.pool.bound:
            if moment < time:
                latest[name] = value
        for name, value in latest.items():
            if isinstance(value, Tensor | Tensors) and value.reference == reference:
                return name
        return None

    def imports(self) -> list[Edit]:
        """New attributes of the module, and imports of layers that are named bare."""
        if not self.missing:
            return self.attributes
        for statement in ast.walk(self.program.source.tree):
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").endswith(
                "layers"
            ):
                known = {alias.name for alias in statement.names}
                new = [kind for kind in dict.fromkeys(self.missing) if kind not in known]
                if "*" in known or not new:
                    return self.attributes
                _, end = self.program.source.span(statement.names[-1])
                start, _ = self.program.source.span(statement.names[-1])
                own = self.program.source.first_on_line(start)
                gap = self.program.source.newline + self.program.source.indent(start)
                names = "".join(f",{gap if own else ' '}{kind}" for kind in new)
                return [*self.attributes, Edit(end, end, names)]
        raise CannotWrite(f"the program does not import {', '.join(self.missing)}.")

    def _prefix(self) -> str:
        """What stands before the names of layers: "layers.", or nothing."""
        for node in self.program.graph.nodes:
            call = self.program.site(node.name).written.call
            if call is not None and node.layer.type != "Input":
                if isinstance(call.func, ast.Attribute):
                    return self.program.source.of_node(call.func.value) + "."
                if isinstance(call.func, ast.Name):
                    return ""
        return "keras.layers."

    def _nnx(self, node: Node, reads: str) -> str:
        shape = self.shapes[node.inputs[0]]
        if shape is None:
            raise CannotWrite(f"the shape that {node.name!r} reads is not known.")
        code = nnx_code(node.layer, (shape,), (reads,), f"self.{node.name}")
        for suffix, text in code.init.items():
            self._attribute(f"self.{node.name}{suffix} = {text}")
        return code.call

    def _attribute(self, line: str) -> None:
        """One more line at the end of __init__."""
        owner = self.program.owner
        init = owner.of.methods.get("__init__") if owner else None
        if init is None:
            raise CannotWrite("the class has no __init__ for a new layer.")
        names = [a.arg for a in (*init.args.args, *init.args.kwonlyargs)]
        if "rngs" not in names:
            raise CannotWrite("__init__ has no parameter rngs, which a new layer needs.")
        edit = line_after(self.program.source, init.body[-1], line)
        if edit not in self.attributes:
            self.attributes.append(edit)


def moved_shape(spelling: Spelling, target: str, codes: list[str]) -> tuple[list[str], list[Edit]]:
    """The codes of layers put in front of the first one, which states the shape of the input."""
    call = spelling.program.site(target).written.call
    stated = [k for k in call.keywords if k.arg in FIRST] if call else []
    start = spelling.program.graph[spelling.program.graph[target].inputs[0]]
    if call is None or not stated or start.layer.type != "Input":
        return codes, []
    from repair.architecture.source.call_text import changed_call

    sizes = spell(start.layer.arguments["shape"])
    first = changed_call(codes[0], {Parameter("input_shape"): sizes})
    gone = dict.fromkeys((Parameter(str(k.arg)) for k in stated), None)
    return [first, *codes[1:]], [_edited(spelling.program, call, gone, None)]


FIRST = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_shape")
"""Arguments of a first layer that state the shape of the input."""


def altered_edits(spelling: Spelling, difference: Changes) -> list[Edit]:
    """The edits of layers with other arguments, another type or other sizes of their input."""
    edits: list[Edit] = []
    program = spelling.program
    for name, (before, after) in difference.altered.items():
        if after.shares:
            continue  # written where it is first called
        site = program.site(name)
        if site.written.call is not None:
            edits += _calls(spelling, site.written, before.layer, after.layer)
        elif program.framework == "nnx" and isinstance(site.use, ast.expr) and site.reads[0]:
            text = spelling._nnx(after, program.source.of_node(site.reads[0]))
            if site.target is not None:
                text = f"{program.source.of_node(site.target)} = {text}"
            edits.append(_replaced(program, site.use, text))
        elif before.layer.type != after.layer.type or site.use is not None:
            raise CannotWrite(f"{name!r} is not written as a layer with arguments.")
    return edits + _features(spelling)


def _features(spelling: Spelling) -> list[Edit]:
    """Other sizes of inputs, which NNX wants written."""
    edits = []
    program = spelling.program
    for node in spelling.repaired.nodes:
        if node.name not in program.graph or node.shares:
            continue
        site = program.site(node.name)
        shape = spelling.shapes[node.inputs[0]] if node.inputs else None
        before = program.graph[node.name].layer
        if site.written.features is None or site.written.call is None or not shape:
            continue
        if _stated(before) not in (None, shape[-1]) and shape[-1] is not None:
            values: dict[Parameter, str | None] = {site.written.features: str(shape[-1])}
            edits.append(_edited(program, site.written.call, values, None))
    return edits


def _stated(layer: LayerSpec) -> int | None:
    """The size of the input's last axis that the given weights of a layer are made for."""
    for name, shape in layer.weights.items():
        if name != "kernel":
            return shape[-1]
        if layer.type.endswith("Transpose"):
            return shape[-1]
        groups = layer.arguments.get("groups", 1)
        inner = shape[-2]
        if layer.type.startswith("Conv") and isinstance(groups, int) and inner is not None:
            return inner * groups
        return inner
    return None


def _calls(spelling: Spelling, written: Written, before: LayerSpec, after: LayerSpec) -> list[Edit]:
    """The edits of the call that constructs a layer, and of those that it wraps."""
    edits: list[Edit] = []
    for index, inner in enumerate(written.inner):
        old = before.inner[index] if index < len(before.inner) else None
        new = after.inner[index] if index < len(after.inner) else None
        if old is None or new is None:
            raise CannotWrite(f"{before.type} wraps another number of layers.")
        if old != new:
            edits += _calls(spelling, inner, old, new)
    if len(before.inner) != len(after.inner) or (before.inner and not written.inner):
        raise CannotWrite(f"{before.type} wraps another number of layers.")
    rename = after.type if after.type != before.type and written.renames else None
    values = _values(spelling, written, before, after)
    if written.call is None:
        if values or rename:
            raise CannotWrite(f"{before.type} is not written as a call.")
        return edits
    if rename and isinstance(written.call.func, ast.Name):
        spelling.missing.append(rename)
    if values or rename:
        edits.append(_edited(spelling.program, written.call, values, rename))
    return edits


def _values(
    spelling: Spelling, written: Written, before: LayerSpec, after: LayerSpec
) -> dict[Parameter, str | None]:
    """New texts of the arguments that differ."""
    old, new = normal_arguments(before), normal_arguments(after)
    if isinstance(new, Diagnostic):
        raise CannotWrite(f"{after.type} {new.text}.")
    values: dict[Parameter, str | None] = {}
    for name in dict.fromkeys([*before.arguments, *after.arguments]):
        if before.arguments.get(name) == after.arguments.get(name) and (
            name in after.arguments
        ) == (name in before.arguments):
            continue
        parameter = written.parameters.get(name)
        if parameter is None:
            parameter = Parameter(name)
        if not written.renames and not isinstance(old, Diagnostic):
            # another framework has other defaults: what holds is written
            if old.get(name) != new.get(name):
                new_value = parameter.spell(_simple(new.get(name), before, name))
                values[parameter] = spelling.quoted(spell(new_value))
        elif name in after.arguments:
            new_value = parameter.spell(_simple(after.arguments[name], before, name))
            values[parameter] = spelling.quoted(spell(new_value))
        else:
            values[parameter] = None
    return values


def _simple(value: object, before: LayerSpec, name: str) -> object:
    """One size for several equal ones, where the program wrote one."""
    one = isinstance(before.arguments.get(name), int)
    if one and isinstance(value, tuple) and value and len(set(value)) == 1:
        return value[0]
    return value


def _edited(
    program: Program, call: ast.Call, values: Mapping[Parameter, str | None], rename: str | None
) -> Edit:
    # libcst takes over a second to import: only when a call is really changed
    from repair.architecture.source.call_text import changed_call, trimmed

    start, end = program.source.span(call)
    text = program.source.text[start:end]
    return trimmed(start, text, changed_call(text, values, rename))


def _replaced(program: Program, place: ast.expr, text: str) -> Edit:
    from repair.architecture.source.call_text import trimmed

    start, end = program.source.span(place)
    return trimmed(start, program.source.text[start:end], text)
