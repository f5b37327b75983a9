"""One definition file from reading to repair."""

import os
import tempfile
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from repair.architecture.definition import Definition, ReadOptions, read_definition
from repair.architecture.graph import Graph
from repair.architecture.meaning.consequences import consequences
from repair.architecture.meaning.kinds import Consequence
from repair.architecture.search import ArchitectureRepair, SearchResult, SearchStatus, repair
from repair.architecture.trace import Trace, trace
from repair.errors import InputError

CODE = ("keras", "keras-json", "nnx", "plain")
"""What a network can be written as besides the format that it came in."""


@dataclass(frozen=True)
class Answer:
    """What there is to say about a definition.

    Args:
        name: the name of the file.
        rules: name of the rule set.
        definition: the definition as it was read.
        trace: the shapes and errors of its network.
        result: the result of the search.
        texts: for each repair the file with it, or None and why the format cannot say it.
        meanings: for each repair what it means to a user.
        best: which repair is the answer: the first that can be written.
        written: the file that was written.
        code: the answer in another format.
    """

    name: str
    rules: str
    definition: Definition
    trace: Trace
    result: SearchResult
    texts: tuple[tuple[str | None, str | None], ...]
    meanings: tuple[tuple[Consequence, ...], ...]
    best: int
    written: Path | None = None
    code: str | None = None

    @property
    def exit_code(self) -> int:
        """0: valid; 1: repaired; 3: no repair, or none that the file can say."""
        if self.result.status is SearchStatus.VALID:
            return 0
        writable = any(text is not None for text, _ in self.texts)
        return 1 if writable or self.code is not None else 3

    def diff(self, text: str) -> str:
        """The unified diff from the file to a text."""
        old, new, name = self.definition.text, text, self.definition.target.name
        lines = unified_diff(
            old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", n=2, lineterm=""
        )
        return "".join(f"{line}\n" for line in lines)


def answer(
    path: Path,
    options: ReadOptions,
    *,
    alternatives: int = 3,
    time_limit: float = 10.0,
    write: bool = False,
    to: str | None = None,
) -> Answer:
    """Reads, traces and repairs a definition file; writes it if asked.

    Args:
        path: the file.
        options: what a person says besides the file.
        alternatives: most repairs to look for.
        time_limit: seconds for the search.
        write: put the repair into the file.
        to: the repaired network in this format too, one of `CODE`.

    Raises:
        InputError: the file or an option is no good.
    """
    definition = read_definition(path, options)
    result = _searched(definition, options, alternatives, time_limit)
    texts = tuple(_text(definition, repaired) for repaired in result.repairs)
    best = next((k for k, (text, _) in enumerate(texts) if text is not None), 0)
    whole = Answer(
        path.name,
        options.rules.name,
        definition,
        trace(definition.graph, options.rules),
        result,
        texts,
        _meanings(definition, options, result),
        best,
    )
    if to is not None and result.repairs:
        whole = replace(whole, code=code(result.repairs[best].graph, to))
    if write and result.status is SearchStatus.REPAIRED and texts[best][0] is not None:
        _write(definition.target, str(texts[best][0]))
        whole = replace(whole, written=definition.target)
    return whole


def _meanings(
    definition: Definition, options: ReadOptions, result: SearchResult
) -> tuple[tuple[Consequence, ...], ...]:
    return tuple(
        consequences(
            definition.graph,
            one.graph,
            one.edits,
            options.rules,
            given_weights=not definition.stated,
        )
        for one in result.repairs
    )


def _searched(
    definition: Definition, options: ReadOptions, alternatives: int, time_limit: float
) -> SearchResult:
    graph, rules = definition.graph, options.rules
    try:
        if definition.stated:
            from repair.architecture.source.stated_sizes import repair_stated

            return repair_stated(graph, rules, alternatives=alternatives, time_limit=time_limit)
        return repair(graph, rules, alternatives=alternatives, time_limit=time_limit)
    except RecursionError:
        raise InputError(
            f"the network of {len(graph)} layers is too deep for the search: give a part of it."
        ) from None


def code(graph: Graph, form: str) -> str:
    """A valid network as "keras" or "nnx" source, Keras JSON, or a plain list.

    Raises:
        InputError: a layer that the format does not have.
    """
    graph = graph.without_stated_inputs()
    from repair.architecture.formats.json_layout import pretty
    from repair.architecture.formats.keras.code import keras_code
    from repair.architecture.formats.keras.write import write_keras
    from repair.architecture.formats.nnx.code import nnx_class
    from repair.architecture.formats.plain import write_plain

    if form == "keras":
        return keras_code(graph)
    if form == "nnx":
        return nnx_class(graph)
    return pretty(write_keras(graph) if form == "keras-json" else write_plain(graph))


def _text(definition: Definition, repaired: ArchitectureRepair) -> tuple[str | None, str | None]:
    if repaired.graph == definition.graph:
        return definition.text, None
    try:
        return definition.rewrite(repaired), None
    except InputError as error:
        return None, str(error)


def _write(path: Path, text: str) -> None:
    """Replaces a file at once, so that no half of it is ever there."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if path.exists():
            os.chmod(name, path.stat().st_mode & 0o777)
        os.replace(name, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from None
