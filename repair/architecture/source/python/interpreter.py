"""Follows the statements of a program without running it."""

import ast
from collections.abc import Sequence

from repair.architecture.source.python.bindings import bound_names
from repair.architecture.source.python.calls import Caller, outside
from repair.architecture.source.python.displays import turns
from repair.architecture.source.python.evaluate import MOST_SHOWN
from repair.architecture.source.python.forget import LoopLeft, Raised, Returned
from repair.architecture.source.python.values import Items, QualifiedName, Unknown, Value


class StaticInterpreter(Caller):
    """Follows a program once, from its first statement to its last."""

    def program(self) -> None:
        """Follows the whole module, or up to an exception that it certainly raises."""
        try:
            self.block(self.source.tree.body)
        except LoopLeft as left:
            raise outside(left.node, "loop") from None
        except Raised:
            return

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Follows statements one after the other."""
        for statement in body:
            self.count()
            outer, self.statement = self.statement, statement
            self.follow(statement)
            self.statement = outer

    def follow(self, node: ast.stmt) -> None:
        """Follows one statement."""
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imported(node)
            case ast.Assign(targets=targets, value=value):
                several = any(isinstance(target, ast.Tuple | ast.List) for target in targets)
                assigned = self.raw(value) if several and len(targets) == 1 else self.value(value)
                for target in targets:
                    self.assign(target, assigned)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.assign(target, self.value(value))
            case ast.AugAssign():
                self.augment(node)
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assert(test=test, msg=message):
                self.value(test)
                if message is not None:
                    self.forget(message)
            case ast.FunctionDef():
                self.bind(node.name, self.decorated(node, self.function(node)))
            case ast.ClassDef():
                self.bind(node.name, self.decorated(node, self.defined_class(node)))
            case ast.Return() if not self.depth:
                raise outside(node, "function")
            case ast.Return(value=value):
                raise Returned(None if value is None else self.value(value))
            case ast.Raise():
                raise Raised
            case ast.Break() | ast.Continue():
                raise LoopLeft(node)
            case ast.If(test=test, body=body, orelse=orelse):
                truth = self.truth(test)
                if truth is None:
                    self.forget_course(node)
                else:
                    self.block(body if truth else orelse)
            case ast.For():
                self.loop(node, self.raw(node.iter))
            case ast.With(items=managers, body=body):
                for manager in managers:
                    self.value(manager.context_expr)
                    text = self.source.text_of(manager.context_expr)[:MOST_SHOWN]
                    if manager.optional_vars is not None:
                        self.assign(manager.optional_vars, Unknown(node.lineno, text))
                self.block(body)
            case ast.Try() | ast.TryStar():
                self.attempt(node)
            case ast.Pass() | ast.Global() | ast.Nonlocal():
                pass
            case _:
                self.forget_course(node)

    def loop(self, node: ast.For, items: Value) -> None:
        """Follows a loop over known items."""
        if not isinstance(items, list | tuple | dict | str | Items):
            self.forget_course(node)
            return
        for turn in turns(self, items):
            if turn is None:
                self.forget_course(node)
                return
            self.assign(node.target, turn[0])
            try:
                self.block(node.body)
            except LoopLeft as left:
                if not left.known:
                    self.forget_course(node)
                    return
                if isinstance(left.node, ast.Break):
                    return
        self.block(node.orelse)

    def attempt(self, node: ast.Try | ast.TryStar) -> None:
        """Follows a `try` as if nothing went wrong, but what its handlers set is not known after.

        An import is taken to succeed, whatever is imported in its place where it does not.
        """
        outer = self.guarded
        try:
            self.guarded += bool(node.handlers)
            self.block(node.body)
            self.guarded = outer
            self.block(node.orelse)
        except Raised:
            self.guarded = outer
            if node.handlers:
                self.forget_course(node)
                return
            self.block(node.finalbody)
            raise
        except (LoopLeft, Returned):
            self.guarded = outer
            self.block(node.finalbody)
            raise
        imported = {
            name: value
            for name in bound_names(*node.handlers)
            if isinstance(value := self.lookup(name, node.lineno), QualifiedName)
        }
        self.forget(*node.handlers)
        for name, value in imported.items():
            self.bind(name, value)
        self.block(node.finalbody)

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Binds the names that are imported."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                self.bind(name, QualifiedName(alias.name if alias.asname else name))
            elif node.level:  # of the program's own package, whatever it is called
                self.bind(alias.asname or alias.name, Unknown(node.lineno, alias.name))
            elif alias.name == "*":
                self.globals[f"* {node.module}"] = QualifiedName(node.module or "")
            else:
                self.bind(alias.asname or alias.name, QualifiedName(f"{node.module}.{alias.name}"))
