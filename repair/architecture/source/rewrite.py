"""A repair as a minimal edit of the program it is for, checked by reading the result again."""

import ast
from collections.abc import Callable
from itertools import groupby

from repair.architecture.graph import source as split
from repair.architecture.rules import Rules
from repair.architecture.search.result import ArchitectureRepair
from repair.architecture.source.altered import Spelling, altered_edits, moved_shape
from repair.architecture.source.changes import CannotWrite, Changes, Connection, changes
from repair.architecture.source.places import (
    entry_after,
    entry_before,
    line_after,
    line_before,
    without,
)
from repair.architecture.source.pool import Site
from repair.architecture.source.program import Program
from repair.architecture.source.text import Edit
from repair.architecture.trace import trace
from repair.errors import InputError


def rewrite(
    program: Program, repair: ArchitectureRepair, rules: Rules, again: Callable[[str], Program]
) -> str:
    """The program with a repair written into it.

    Args:
        program: what was read.
        repair: of its network.
        rules: by which the result is checked.
        again: reads a program as this one was read.

    Raises:
        CannotWrite: the source cannot say the repair by a local edit.
    """
    difference = changes(program.graph, repair)
    spelling = Spelling(program, repair.graph)
    try:
        edits = altered_edits(spelling, difference)
        edits += _removals(spelling, difference)
        for _, group in groupby(difference.connections, key=lambda link: link.chain):
            edits += _connect(spelling, list(group))
        edits += spelling.imports()
        text = program.source.edited(edits)
        result = again(text).graph
    except CannotWrite:
        raise
    except InputError as error:
        raise CannotWrite(f"the edited program is not read as meant: {error}") from None
    wanted, found = trace(repair.graph, rules), trace(result, rules)
    ends = [wanted.shapes[split(name)[0]] for name in repair.graph.outputs]
    if not found.valid or ends != [found.shapes[split(name)[0]] for name in result.outputs]:
        raise CannotWrite("the edit touches code that is used in several places.")
    return text


def _is_entry(site: Site) -> bool:
    """Whether a layer stands in a list of layers or in a statement such as model.add(...)."""
    return site.elements is not None or isinstance(site.use, ast.stmt)


def _removals(spelling: Spelling, difference: Changes) -> list[Edit]:
    edits: list[Edit] = []
    source = spelling.program.source
    for name in difference.removed:
        site = spelling.program.site(name)
        use = site.use
        if use is None:
            raise CannotWrite(f"{name!r} is not in the program.")
        if _is_entry(site):
            edits.append(without(source, use, site.elements or ()))
            continue
        read = site.reads[0] if len(site.reads) == 1 else None
        if read is None or isinstance(use, ast.stmt):
            raise CannotWrite(f"{name!r} cannot be taken out of its expression.")
        match site.statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if (
                value is use and isinstance(read, ast.Name) and read.id == target
            ):
                edits.append(without(source, site.statement, ()))
            case _:
                (start, end), (inner, inner_end) = source.span(use), source.span(read)
                edits += [Edit(start, inner, ""), Edit(inner_end, end, "")]
    return edits


def _connect(spelling: Spelling, links: list[Connection]) -> list[Edit]:
    """Puts a chain of new layers, or another tensor, in front of one or more inputs."""
    first = links[0]
    if not first.chain:
        return [edit for link in links for edit in _rewire(spelling, link)]
    program = spelling.program
    start = split(first.start)[0]
    site = program.site(start)
    if len(links) == 1 and first.target is not None and not first.rewired:
        target = program.site(first.target)
        if _is_entry(target) and target.use is not None:
            codes = [spelling.constructor(node) for node in first.chain]
            moved: list[Edit] = []
            if program.graph[start].layer.type == "Input":
                codes, moved = moved_shape(spelling, first.target, codes)
            return moved + entry_before(program.source, target.use, codes)
        return _before(spelling, first, target)
    if any(link.rewired for link in links):
        raise CannotWrite("new layers and another connection in one place.")
    if _is_entry(site) and site.use is not None:
        codes = [spelling.constructor(node) for node in first.chain]
        return entry_after(program.source, site.use, codes)
    everyone = len(program.graph.consumers[start]) + (first.start in program.graph.outputs)
    if len(links) < everyone:
        raise CannotWrite(f"only some of the layers that read {start!r} shall read it changed.")
    return _after(spelling, first, site)


def _before(spelling: Spelling, link: Connection, site: Site) -> list[Edit]:
    """New layers between a layer and one that reads it: on a line of their own where possible."""
    source = spelling.program.source
    read = site.reads[link.position] if link.position < len(site.reads) else None
    if read is None:
        raise CannotWrite(f"what {link.target!r} reads does not stand alone in the program.")
    place = site.statement
    name = _free_name(place, read)
    if place is not None and name and source.first_on_line(source.span(place)[0]):
        edits = []
        reads = source.of_node(read)
        for node in link.chain:
            edits.append(line_before(source, place, f"{name} = {spelling.apply(node, reads)}"))
            reads = name
        joined = Edit(edits[0].start, edits[0].end, "".join(edit.text for edit in edits))
        if isinstance(read, ast.Name) and read.id == name:
            return [joined]
        return [joined, Edit(*source.span(read), name)]
    return _wrapped(spelling, link, read)


def _free_name(place: ast.stmt | None, read: ast.expr) -> str | None:
    """The variable that a line before a statement may set: the one that the statement sets."""
    kinds = ast.Assign | ast.AugAssign | ast.Return
    if not isinstance(read, ast.Name) or not isinstance(place, kinds):
        return None
    value = place.value
    loaded = [n.id for n in ast.walk(value) if isinstance(n, ast.Name)] if value else []
    if isinstance(place, ast.AugAssign):
        return read.id if read is place.target and read.id not in loaded else None
    if loaded.count(read.id) != 1:
        return None
    if isinstance(place, ast.Return):
        return read.id
    target = place.targets[0]
    if len(place.targets) != 1 or not isinstance(target, ast.Name):
        return None
    return target.id if target.id == read.id or target.id not in loaded else None


def _wrapped(spelling: Spelling, link: Connection, inner: ast.expr) -> list[Edit]:
    """New layers around an expression, in place."""
    source = spelling.program.source
    start, end = source.span(inner)
    before, after = "", ""
    for node in link.chain:
        head, tail = spelling.around(node, inner)
        before, after = head + before, after + tail
    return [Edit(start, start, before), Edit(end, end, after)]


def _after(spelling: Spelling, link: Connection, site: Site) -> list[Edit]:
    """New layers on all that a layer returns."""
    source, place = spelling.program.source, site.statement
    if not isinstance(site.use, ast.expr):
        raise CannotWrite(f"{link.start!r} is not in the program.")
    name = _set_to(site) if spelling.program.graph[split(link.start)[0]].inputs else None
    if name is None or place is None:
        return _wrapped(spelling, link, site.use)
    lines = [f"{name} = {spelling.apply(node, name)}" for node in link.chain]
    gap = source.newline + source.indent(source.span(place)[0])
    return [line_after(source, place, gap.join(lines))]


def _set_to(site: Site) -> str | None:
    """The variable that a statement sets to what a node returns, and to nothing else."""
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.use:
            return name
        case ast.AugAssign(target=ast.Name(id=name)) if site.target is not None:
            return name
    return None


def _rewire(spelling: Spelling, link: Connection) -> list[Edit]:
    """Another variable in place of what a layer reads."""
    if link.target is None:
        raise CannotWrite("the network returns another tensor.")
    site = spelling.program.site(link.target)
    read = site.reads[link.position] if link.position < len(site.reads) else None
    name = spelling.variable(link.start, site.time)
    if read is None or name is None or read is site.target:
        raise CannotWrite(f"no variable holds {link.start!r} where {link.target!r} reads it.")
    return [Edit(*spelling.program.source.span(read), name)]
