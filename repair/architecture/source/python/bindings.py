"""What a piece of a program binds, leaves or raises: told by Python's grammar alone."""

import ast
from collections.abc import Iterator

Definition = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (*Definition.__args__, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


def children_that_run(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one that run when it runs: the bodies of functions do not."""
    if isinstance(node, FUNCTIONS):
        defaults = [default for default in node.args.kw_defaults if default is not None]
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        return [*decorators, *node.args.defaults, *defaults]
    return list(ast.iter_child_nodes(node))


def running_with(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Yields some nodes and all that runs with them, in the order of the text."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children_that_run(node))


def bound_names(*nodes: ast.AST) -> Iterator[str]:
    """Yields the names that some nodes bind, or delete, in the scope that they stand in."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield from _names_bound_by(node)
        inside = children_that_run(node)
        if isinstance(node, ast.ClassDef):
            inside = [child for child in inside if child not in node.body]
        if isinstance(node, ast.comprehension):
            inside = [node.iter, *node.ifs]
        waiting += reversed(inside)


def _names_bound_by(node: ast.AST) -> Iterator[str]:
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


def given(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yields what a node assigns to, and the expression that the value is taken from."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield target, value
        case (
            ast.NamedExpr(target=target, value=value)
            | ast.AnnAssign(target=target, value=ast.expr() as value)
        ):
            yield target, value
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield target, value
        case ast.comprehension(target=target, iter=value):
            yield target, value
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield target, value


def outer_names(body: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """Yields the names that a function gives to another scope: by `global` (True) or `nonlocal`."""
    for node in running_with(*body):
        if isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                yield name, isinstance(node, ast.Global)


def is_generator(node: Definition) -> bool:
    """Whether a function is a generator: a call of it runs nothing yet."""
    return any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in running_with(*node.body))


def first_return(node: ast.AST) -> ast.Return | None:
    """The first statement in a piece that would end the function around it."""
    return next((inner for inner in running_with(node) if isinstance(inner, ast.Return)), None)


def first_raise(node: ast.AST) -> ast.Raise | None:
    """The first statement in a piece that raises an exception."""
    return next((inner for inner in running_with(node) if isinstance(inner, ast.Raise)), None)


def may_leave_loop(node: ast.AST) -> bool:
    """Whether a piece may end the loop around it, or go on with its next turn."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break | ast.Continue):
            return True
        # those in the body of an inner loop are its own; its `else` is not
        waiting += node.orelse if isinstance(node, LOOPS) else children_that_run(node)
    return False
