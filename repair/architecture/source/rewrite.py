"""A repair as a minimal edit of the program it is for, checked by reading the result again."""

from collections.abc import Callable
from itertools import groupby

from repair.architecture.graph import source as split
from repair.architecture.rules import Rules
from repair.architecture.search.result import ArchitectureRepair
from repair.architecture.source.edit.altered_layers import altered_edits
from repair.architecture.source.edit.connections import connect, removals
from repair.architecture.source.edit.differences import CannotWrite, differences
from repair.architecture.source.frameworks import FRAMEWORKS
from repair.architecture.source.network.program import NetworkProgram
from repair.architecture.trace import trace
from repair.errors import InputError


def rewrite(
    program: NetworkProgram,
    repair: ArchitectureRepair,
    rules: Rules,
    read_again: Callable[[str], NetworkProgram],
) -> str:
    """The program with a repair written into it.

    Args:
        program: the program and the network that was read from it.
        repair: the repair of that network.
        rules: the rules by which the result is checked.
        read_again: reads a program as this one was read.

    Raises:
        CannotWrite: the source cannot say the repair by a local edit.
    """
    changed = differences(program.graph, repair)
    spelling = FRAMEWORKS[program.framework].spelling(program, repair.graph)
    try:
        edits = altered_edits(spelling, changed)
        edits += removals(spelling, changed)
        for _, group in groupby(changed.connections, key=lambda link: link.chain):
            edits += connect(spelling, list(group))
        edits += spelling.elsewhere()
        text = program.source.edited(edits)
        result = read_again(text).graph
    except CannotWrite:
        raise
    except InputError as error:
        raise CannotWrite(f"the edited program is not read as meant: {error}") from None
    expected, written = trace(repair.graph, rules), trace(result, rules)
    ends = [expected.shapes[split(name)[0]] for name in repair.graph.outputs]
    if not written.valid or ends != [written.shapes[split(name)[0]] for name in result.outputs]:
        raise CannotWrite("the edit touches code that is used in several places.")
    return text
