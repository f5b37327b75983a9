"""The answer of the command: a shape trace, what is wrong, the repair; for people or as JSON."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from repair.architecture import cost
from repair.architecture.answer import Answer
from repair.architecture.errors import LayerError, shape_text
from repair.architecture.layer import LayerSpec
from repair.architecture.meaning.kinds import Consequence
from repair.architecture.search.result import PROVEN, ArchitectureRepair, SearchResult, SearchStatus
from repair.architecture.trace import Trace
from repair.errors import printable

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS = 200
"""Layers that are shown; of more, those around the errors."""
AROUND = 3


def as_json(answer: Answer) -> str:
    """The whole answer for machines: one JSON object.

    "file", "form", "rules": strings. "status": "valid", "repaired" or "unrepairable".
    "layers": of the definition as it is, each {"name", "type", "arguments", "inputs",
    "output_shape" (sizes, null where not known), "line" (null where there is none)}.
    "errors": each {"layer", "type", "kind", "sentence", "given", "expected", "argument",
    "independent" (no other error causes it), "chain" of {"layer", "output_shape"}, "line"}.
    "repairs": the best first, each
        "edits": sentences, "count": their number, as published repairs are counted;
        "consequences": what it means to a user, the worst first, each {"kind": a value of
        `meaning.kinds.Kind`, "layer": string or null, "number": number or null, both as
        `Kind` says, "text": the same for a person};
        "cost": {"not_kept": widths and heads that it does not keep, "edits": number,
        "parameters", "operations": by how many the layers change};
        "size": {"parameters", "operations"} of the repaired network;
        "diff": of the file, or null, and then "not_written_because": a sentence.
    "bound": no repair has fewer edits. "minimal": "proven", or "at least N edits"; "proof": what
    is proven of the first repair, a sentence, or null. "seconds": of the search. "written": the
    file that was written, or null. "code": the network in another format, or null.
    """
    traced, result = answer.trace, answer.result
    document = {
        "file": answer.name,
        "form": answer.definition.form,
        "rules": answer.rules,
        "notes": list(answer.definition.notes),
        "status": str(result.status),
        "layers": [
            {
                "name": node.name,
                "type": node.layer.type,
                "arguments": dict(node.layer.arguments),
                "inputs": list(node.inputs),
                "output_shape": traced.shapes[node.name],
                "line": answer.definition.lines.get(node.name),
            }
            for node in answer.definition.graph.nodes
        ],
        "errors": [_error(error, answer.definition.lines) for error in traced.errors],
        "repairs": [
            _repair(repair, meaning, text, reason, answer)
            for repair, meaning, (text, reason) in zip(
                result.repairs, answer.meanings, answer.texts, strict=True
            )
            if result.status is SearchStatus.REPAIRED
        ],
        "bound": result.bound,
        "minimal": "proven" if result.proven else f"at least {result.bound} edits",
        "proof": PROVEN if result.proven else None,
        "seconds": round(result.seconds, 6),
        "written": None if answer.written is None else str(answer.written),
        "code": answer.code,
    }
    return json.dumps(document, indent=2)


def _error(error: LayerError, lines: Mapping[str, int]) -> dict[str, object]:
    return {
        "layer": error.layer,
        "type": error.type,
        "kind": str(error.kind),
        "sentence": error.sentence,
        "given": error.given,
        "expected": error.expected,
        "argument": error.diagnostic.argument,
        "independent": error.root,
        "chain": [{"layer": name, "output_shape": shape} for name, shape in error.chain],
        "line": lines.get(error.layer),
    }


def _repair(
    repair: ArchitectureRepair,
    meaning: tuple[Consequence, ...],
    text: str | None,
    reason: str | None,
    answer: Answer,
) -> dict[str, object]:
    return {
        "edits": [str(edit) for edit in repair.edits],
        "count": repair.count,
        "consequences": [
            {"kind": str(one.kind), "layer": one.layer, "number": one.number, "text": one.text}
            for one in meaning
        ],
        "cost": {
            "not_kept": repair.not_kept,
            "edits": cost.edits(repair.cost),
            "parameters": repair.change.parameters,
            "operations": repair.change.operations,
        },
        "size": {"parameters": repair.size.parameters, "operations": repair.size.operations},
        "diff": None if text is None else answer.diff(text),
        "not_written_because": reason,
    }


def print_answer(console: "Console", answer: Answer) -> None:
    """The whole answer for a person."""
    traced, result = answer.trace, answer.result
    console.print(
        f"[bold]{_plain(answer.name)}[/]: {_plain(answer.definition.form)}, "
        f"{len(answer.definition.graph)} layers, rules {answer.rules}"
    )
    for note in answer.definition.notes:
        console.print(f"[yellow]note[/]: {_plain(note)}")
    _print_trace(console, answer, traced)
    if result.status is SearchStatus.VALID:
        console.print("[green]valid[/]")
        return
    _print_errors(console, traced.errors, answer.definition.lines)
    if not result.repairs:
        console.print(
            f"[red]no repair found[/] in {result.seconds:.2f} s; any repair takes at "
            f"least {result.bound} edits"
        )
        return
    _print_repairs(console, answer, result)
    if answer.written is not None:
        console.print(f"written to {_plain(str(answer.written))}")


def _print_trace(console: "Console", answer: Answer, traced: Trace) -> None:
    from rich.table import Table

    broken = {error.layer: error for error in traced.errors}
    lines = answer.definition.lines
    table = Table(box=None, pad_edge=False, header_style="dim")
    if lines:
        table.add_column("line", justify="right", style="dim")
    for name in ("layer", "is", "output shape", ""):
        table.add_column(name, overflow="fold")
    nodes = answer.definition.graph.nodes
    near = {
        k + d
        for k, node in enumerate(nodes)
        if node.name in broken
        for d in range(-AROUND, AROUND + 1)
    }
    skipped = False
    for position, node in enumerate(nodes):
        if len(nodes) > MOST_ROWS and position not in near and position < len(nodes) - 1:
            skipped = True
            continue
        if skipped:
            table.add_row(*([""] if lines else []), "...", "", "", "")
            skipped = False
        error = broken.get(node.name)
        shape = shape_text(traced.shapes[node.name])
        mark = "" if error is None else "[red]<- broken[/]" if error.root else "[yellow]<- ?[/]"
        style = None if error is None else "red" if error.root else "yellow"
        row = [
            _plain(node.name),
            _plain(_layer(node.layer)),
            _plain(f"meant {shape}" if error else shape),
            mark,
        ]
        table.add_row(*([str(lines.get(node.name, ""))] if lines else []), *row, style=style)
    console.print(table)


def _print_errors(
    console: "Console", errors: tuple[LayerError, ...], lines: Mapping[str, int]
) -> None:
    for error in errors:
        where = f"line {lines[error.layer]}: " if error.layer in lines else ""
        cause = "" if error.root else " (may follow from an error above)"
        console.print(f"[red]{error.kind}[/]: {where}{_plain(error.sentence)}{cause}")
        if error.expected:
            console.print(f"  expected: {_plain(error.expected)}", style="dim")
        chain = " -> ".join(f"{name} {shape_text(shape)}" for name, shape in error.chain[-4:])
        if chain:
            console.print(f"  shapes: {_plain(chain)}", style="dim")


def _print_repairs(console: "Console", answer: Answer, result: SearchResult) -> None:
    from rich.syntax import Syntax

    for position, repair in enumerate(result.repairs):
        text, reason = answer.texts[position]
        console.print()
        if position == answer.best:
            console.print(
                f"[bold green]repair[/]: {_summary(repair)}; {result.seconds * 1000:.0f} ms"
            )
        else:
            console.print(f"[bold]alternative {position + 1}[/]: {_summary(repair)}")
        for edit in repair.edits:
            console.print(f"  {_plain(str(edit))}")
        for meaning in answer.meanings[position]:
            console.print(f"  - {_plain(meaning.text)}", style="yellow")
        if position == answer.best:
            console.print(f"  {_proof(result, position)}", style="dim")
        if reason is not None:
            console.print(f"  cannot be written into this file: {_plain(reason)}", style="yellow")
        elif text is not None and position == answer.best:
            console.print(Syntax(printable(answer.diff(text)), "diff", background_color="default"))


def _proof(result: SearchResult, position: int) -> str:
    """What is known of repairs with fewer edits."""
    if result.proven and position == 0:
        return f"proven: {PROVEN}"
    noun = "edit" if result.bound == 1 else "edits"
    return (
        "not proven: any repair that keeps widths, head and connections takes at least "
        f"{result.bound} {noun}"
    )


def _summary(repair: ArchitectureRepair) -> str:
    noun = "edit" if repair.count == 1 else "edits"
    kept = repair.not_kept
    keeps = "keeps input, widths and head" if not kept else f"{kept} widths or heads not kept"
    size = repair.size
    return (
        f"{repair.count} {noun}, {keeps}; "
        f"{size.parameters:,} parameters, {size.operations:,} multiply-adds"
    )


def _layer(layer: LayerSpec) -> str:
    text = str(layer)
    return text if len(text) <= 100 else text[:97] + "..."


def _plain(text: str) -> str:
    """Text in which rich sees no markup, and the terminal nothing to obey."""
    return printable(text).replace("[", "\\[")
