"""The functions and classes that a program defines, and the scope in which a function starts."""

import ast

from repair.architecture.source.python.assign import Assigner
from repair.architecture.source.python.bindings import bound_names, outer_names
from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.values import (
    BoundCall,
    Class,
    Function,
    QualifiedName,
    Unknown,
    Value,
)

KEEPING_DECORATORS = ("property", "staticmethod", "classmethod")
"""Builtin decorators, which leave what a function computes as it is."""


class Definer(Assigner):
    """Follows definitions; `StaticInterpreter` follows the statements around them."""

    def function(self, node: ast.FunctionDef | ast.Lambda) -> Function:
        """The function that a definition makes, the defaults of its parameters evaluated now."""
        signature = node.args
        names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
        first = len(names) - len(signature.defaults)
        defaults = dict(zip(names[first:], map(self.value, signature.defaults), strict=True))
        for argument, default in zip(signature.kwonlyargs, signature.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = self.value(default)
        if isinstance(node, ast.Lambda):
            body = ast.copy_location(ast.Return(node.body), node.body)
            named = ast.FunctionDef("<lambda>", signature, [body], [])
            node = ast.copy_location(named, node)
        return Function(node, self.scopes, defaults)

    def decorated(self, node: ast.FunctionDef | ast.ClassDef, value: Value) -> Value:
        """A definition under its decorators: those that are imported keep what it computes."""
        for decorator in node.decorator_list:
            root = decorator
            while isinstance(root, ast.Call | ast.Attribute):
                root = root.func if isinstance(root, ast.Call) else root.value
            decorating = self.value(root)
            self.value(decorator)
            plain = isinstance(root, ast.Name) and root.id in KEEPING_DECORATORS
            if not plain and not isinstance(decorating, QualifiedName):
                text = f"{node.name}, decorated by {self.source.text_of(root)}"
                value = Unknown(node.lineno, text)
        return value

    def defined_class(self, node: ast.ClassDef) -> Class:
        """A class, with the methods that it inherits from others of the program."""
        functions: dict[str, Function] = {}
        framework = None
        for base in node.bases:
            value = self.value(base)
            if isinstance(value, Class):
                framework, functions = value.framework, {**value.functions, **functions}
            for semantics in self.semantics:
                framework = semantics.extends(value) or framework
        self.forget(*node.keywords)
        outer = self.scopes
        for item in node.body:
            for name in bound_names(item):
                functions.pop(name, None)
            self.scopes = [*outer, Scope()]  # names of a class are not those of its methods
            self.forget(item)
            self.scopes = outer
            if isinstance(item, ast.FunctionDef):
                functions[item.name] = self.function(item)
        defined = Class(node, framework, functions)
        self.classes.append(defined)
        return defined

    def parameters(self, function: Function, call: BoundCall, first: Value) -> Scope:
        """The scope that a function starts with: arguments, defaults, unknown where there is neither."""
        node, signature = function.node, function.node.args
        names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
        scope = Scope()
        every = [*names, *(argument.arg for argument in signature.kwonlyargs)]
        rest = [argument.arg for argument in (signature.vararg, signature.kwarg) if argument]
        types = [parameter.name for parameter in getattr(node, "type_params", ())]
        for name in (*every, *rest, *types):
            scope[name] = Unknown(node.lineno, name)
        if call.unknown is None:
            scope |= function.defaults
        if first is not None and names:
            scope[names.pop(0)] = first
        for name, (value, _) in zip(names, call.positional, strict=False):
            scope[name] = value
        if signature.vararg and call.unknown is None:
            scope[signature.vararg.arg] = tuple(v for v, _ in call.positional[len(names) :])
        for name, (value, _) in call.named.items():
            if name in every:
                scope[name] = value
        for name in scope:
            if name in self.defined:
                scope[name] = self.defined[name]
        for name, outside in outer_names(node.body):
            owner = next((s for s in reversed(function.scopes[1:]) if name in s), None)
            scope.elsewhere[name] = self.globals if outside or owner is None else owner
        return scope
