"""A definition file of any known format: its network, and the same file with a repair in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repair.architecture.formats import exais
from repair.architecture.formats.files import parse_json, parse_yaml, read_text
from repair.architecture.formats.json_layout import layout_of
from repair.architecture.formats.keras.read import is_keras, read_keras
from repair.architecture.formats.keras.write import write_keras
from repair.architecture.formats.plain import is_plain, read_plain, write_plain
from repair.architecture.formats.plain_text import edited_yaml
from repair.architecture.graph import Graph
from repair.architecture.layer import Value
from repair.architecture.rules import Rules
from repair.architecture.search.result import ArchitectureRepair
from repair.errors import InputError

Shapes = tuple[tuple[int | None, ...], ...]
YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class ReadOptions:
    """What a person says besides the file.

    Args:
        rules: the rule set; under `strict` the weights that the published tool's files give bind.
        input_shapes: the shapes of the inputs without the batch, where the file does not state them;
            of a program also in place of what it states.
        model: which of several models of a program.
        defined: constants for names that a program computes.
    """

    rules: Rules
    input_shapes: Shapes = ()
    model: str | None = None
    defined: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """A network and the file that defines it.

    Args:
        graph: the network.
        form: the format, for a person.
        text: the file, in the layout that diffs are made of.
        target: the file that a repair is written to.
        stated: layers state the sizes of their inputs, so that these are part of the definition.
        lines: the line that a person looks at, by node; empty where lines say little.
        rewrite: the text with a repair in it; raises InputError where the format cannot say it.
        notes: what a person should know of how the file was read.
    """

    graph: Graph
    form: str
    text: str
    target: Path
    rewrite: Callable[[ArchitectureRepair], str]
    stated: bool = False
    lines: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_definition(path: Path, options: ReadOptions) -> Definition:
    """Reads a file: Python by its ending .py, YAML by .yaml or .yml, else JSON by what it holds.

    Raises:
        InputError: unreadable, malformed, of no known format, too large, or not a network.
    """
    text = read_text(path)
    if path.suffix == ".py":
        return _python(path, text, options)
    if path.suffix in YAML:
        return _yaml(path, text, options)
    document = parse_json(text, path.name)
    target = path.with_suffix(".json") if path.suffix == ".keras" else path
    shape = options.input_shapes[0] if options.input_shapes else None
    graph: Graph
    again: Callable[[Graph], object]
    if is_keras(document):
        model = read_keras(document, shape)
        graph, form = model.graph, "Keras 2 JSON" if model.keras2 else "Keras 3 JSON"

        def again(repaired: Graph) -> object:
            return write_keras(repaired, model)

    elif is_plain(document):
        graph, form, again = read_plain(document, shape), "list of layers", write_plain
    else:
        if not isinstance(document, dict | list):
            raise InputError(f"{path.name} holds no network: expected an object or a list.")
        graph = exais.read(document, weights=options.rules.strict)
        form = "ExAIS JSON"

        def again(repaired: Graph) -> object:
            return exais.write(repaired, document)

    layout = layout_of(text, document)
    return Definition(
        graph,
        form,
        layout(document),
        target,
        lambda repair: layout(again(repair.graph)),
        notes=_unused(graph, options.input_shapes),
    )


def _unused(graph: Graph, shapes: Shapes) -> tuple[str, ...]:
    """What is said of given shapes that a document does not need, for it states its own."""
    stated = [n.layer.arguments.get("shape") for n in graph.nodes if n.layer.type == "Input"]
    if not shapes or (len(shapes) == 1 and shapes[0] in stated[:1]):
        return ()
    return (
        f"--input-shape {' and '.join(map(str, shapes))} is not used: the file states the shape of "
        f"its input, {', '.join(map(str, stated))}. Change it there.",
    )


def _python(path: Path, text: str, options: ReadOptions) -> Definition:
    from repair.architecture.source.frameworks import FRAMEWORKS
    from repair.architecture.source.network.program import NetworkProgram
    from repair.architecture.source.program import read_program
    from repair.architecture.source.rewrite import rewrite

    def again(source: str) -> NetworkProgram:
        return read_program(
            source,
            input_shapes=options.input_shapes,
            model=options.model,
            defined=options.defined,
        )

    program = again(text)
    lines = {node.name: program.site(node.name).line for node in program.graph.nodes}
    framework = FRAMEWORKS[program.framework]
    return Definition(
        program.graph,
        f"{framework.title} source, {program.name}",
        text,
        path,
        lambda repair: rewrite(program, repair, options.rules, again),
        framework.states_sizes,
        {name: line for name, line in lines.items() if line},
        program.notes,
    )


def _yaml(path: Path, text: str, options: ReadOptions) -> Definition:
    document = parse_yaml(text, path.name)
    if not isinstance(document, dict | list):
        raise InputError(f"{path.name} holds no network: expected layers: and a list of them.")
    shape = options.input_shapes[0] if options.input_shapes else None
    graph = read_plain(document, shape)

    def rewritten(repair: ArchitectureRepair) -> str:
        after = write_plain(repair.graph)
        return edited_yaml(text, write_plain(graph), after)

    notes = _unused(graph, options.input_shapes)
    return Definition(graph, "list of layers", text, path, rewritten, notes=notes)
