"""Edits of the ways between layers: new layers in between, layers taken out, other inputs."""

import ast

from repair.architecture.graph import source as split
from repair.architecture.source.edit.differences import CannotWrite, Connection, Differences
from repair.architecture.source.edit.insertions import (
    entry_after,
    entry_before,
    line_after,
    line_before,
    without,
)
from repair.architecture.source.edit.spelling import Spelling
from repair.architecture.source.network.builder import Site
from repair.architecture.source.text import TextEdit


def _is_entry(site: Site) -> bool:
    """Whether a layer stands in a list of layers or in a statement such as model.add(...)."""
    return site.elements is not None or isinstance(site.use, ast.stmt)


def removals(spelling: Spelling, changed: Differences) -> list[TextEdit]:
    """The edits that take layers out.

    Raises:
        CannotWrite: a layer does not stand in a list, a statement or an expression of its own.
    """
    edits: list[TextEdit] = []
    source = spelling.source
    for name in changed.removed:
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
                edits += [TextEdit(start, inner, ""), TextEdit(inner_end, end, "")]
    return edits


def connect(spelling: Spelling, links: list[Connection]) -> list[TextEdit]:
    """The edits that put a chain of new layers, or another tensor, in front of one or more inputs.

    Raises:
        CannotWrite: they cannot be put there without changing what others read.
    """
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
            moved: list[TextEdit] = []
            if program.graph[start].layer.type == "Input":
                codes, moved = spelling.input_shape_moved(first.target, codes)
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


def _before(spelling: Spelling, link: Connection, site: Site) -> list[TextEdit]:
    """New layers between a layer and one that reads it: on a line of their own where possible."""
    source = spelling.source
    read = site.reads[link.position] if link.position < len(site.reads) else None
    if read is None:
        raise CannotWrite(f"what {link.target!r} reads does not stand alone in the program.")
    statement = site.statement
    name = _free_name(statement, read)
    if statement is not None and name and source.first_on_line(source.span(statement)[0]):
        edits = []
        reads = source.text_of(read)
        for node in link.chain:
            edits.append(line_before(source, statement, f"{name} = {spelling.apply(node, reads)}"))
            reads = name
        joined = TextEdit(edits[0].start, edits[0].end, "".join(edit.text for edit in edits))
        if isinstance(read, ast.Name) and read.id == name:
            return [joined]
        return [joined, TextEdit(*source.span(read), name)]
    return _wrapped(spelling, link, read)


def _free_name(statement: ast.stmt | None, read: ast.expr) -> str | None:
    """The variable that a line before a statement may set: the one that the statement sets."""
    kinds = ast.Assign | ast.AugAssign | ast.Return
    if not isinstance(read, ast.Name) or not isinstance(statement, kinds):
        return None
    value = statement.value
    loaded = [n.id for n in ast.walk(value) if isinstance(n, ast.Name)] if value else []
    if isinstance(statement, ast.AugAssign):
        return read.id if read is statement.target and read.id not in loaded else None
    if loaded.count(read.id) != 1:
        return None
    if isinstance(statement, ast.Return):
        return read.id
    target = statement.targets[0]
    if len(statement.targets) != 1 or not isinstance(target, ast.Name):
        return None
    return target.id if target.id == read.id or target.id not in loaded else None


def _wrapped(spelling: Spelling, link: Connection, inner: ast.expr) -> list[TextEdit]:
    """New layers around an expression, in place."""
    source = spelling.source
    start, end = source.span(inner)
    before, after = "", ""
    for node in link.chain:
        head, tail = spelling.around(node, inner)
        before, after = head + before, after + tail
    return [TextEdit(start, start, before), TextEdit(end, end, after)]


def _after(spelling: Spelling, link: Connection, site: Site) -> list[TextEdit]:
    """New layers on all that a layer returns."""
    source, statement = spelling.source, site.statement
    if not isinstance(site.use, ast.expr):
        raise CannotWrite(f"{link.start!r} is not in the program.")
    name = _variable_set_to(site) if spelling.program.graph[split(link.start)[0]].inputs else None
    if name is None or statement is None:
        return _wrapped(spelling, link, site.use)
    lines = [f"{name} = {spelling.apply(node, name)}" for node in link.chain]
    gap = source.newline + source.indent(source.span(statement)[0])
    return [line_after(source, statement, gap.join(lines))]


def _variable_set_to(site: Site) -> str | None:
    """The variable that a statement sets to what a node returns, and to nothing else."""
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.use:
            return name
        case ast.AugAssign(target=ast.Name(id=name)) if site.target is not None:
            return name
    return None


def _rewire(spelling: Spelling, link: Connection) -> list[TextEdit]:
    """Another variable in place of what a layer reads."""
    if link.target is None:
        raise CannotWrite("the network returns another tensor.")
    site = spelling.program.site(link.target)
    read = site.reads[link.position] if link.position < len(site.reads) else None
    name = spelling.variable(link.start, site.time)
    if read is None or name is None or read is site.target:
        raise CannotWrite(f"no variable holds {link.start!r} where {link.target!r} reads it.")
    return [TextEdit(*spelling.source.span(read), name)]
