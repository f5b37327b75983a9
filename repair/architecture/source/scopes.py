"""Scopes of names, and what a piece of a program binds in its own: by Python's grammar alone."""

import ast
from collections.abc import Iterator

from repair.architecture.source.values import Value

Definition = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES = (*Definition.__args__, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Scope(dict[str, Value]):
    """The names of a module, a function or a comprehension.

    Args:
        inner: of a comprehension, whose targets nobody else sees.

    Attributes:
        elsewhere: names that `global` or `nonlocal` gives to another scope.
    """

    def __init__(self, *, inner: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.elsewhere: dict[str, Scope] = {}

    def set(self, name: str, value: Value) -> None:
        """Binds a name where it belongs."""
        dict.__setitem__(self.elsewhere.get(name, self), name, value)


def below(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one that run when it runs: not the bodies of functions."""
    if isinstance(node, SCOPES):
        defaults = [default for default in node.args.kw_defaults if default is not None]
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        return [*decorators, *node.args.defaults, *defaults]
    return list(ast.iter_child_nodes(node))


def within(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Some nodes and all that runs with them, in the order of the text."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(below(node))


def bound(*nodes: ast.AST) -> Iterator[str]:
    """The names that some statements or expressions bind, or delete, in the scope they stand in."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield from _names(node)
        inside = below(node)
        if isinstance(node, ast.ClassDef):
            inside = [child for child in inside if child not in node.body]
        if isinstance(node, ast.comprehension):
            inside = [node.iter, *node.ifs]
        waiting += reversed(inside)


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name


def moved(body: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """The names of a function that `global` (True) or `nonlocal` (False) gives to another scope."""
    for node in within(*body):
        if isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                yield name, isinstance(node, ast.Global)


def yields(node: Definition) -> bool:
    """Whether a function is a generator: a call of it runs nothing yet."""
    return any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in within(*node.body))


def returns(node: ast.AST) -> ast.Return | None:
    """The first statement in a piece that would end the function around it."""
    return next((inner for inner in within(node) if isinstance(inner, ast.Return)), None)


def raises(node: ast.AST) -> ast.Raise | None:
    """The first statement in a piece that raises an exception."""
    return next((inner for inner in within(node) if isinstance(inner, ast.Raise)), None)


def leaves_loop(node: ast.AST) -> bool:
    """Whether a piece may end, or go on with, the loop around it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break | ast.Continue):
            return True
        # those in the body of an inner loop are its own; its `else` is not
        waiting += node.orelse if isinstance(node, LOOPS) else below(node)
    return False
