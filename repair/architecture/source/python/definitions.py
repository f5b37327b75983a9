"""The functions and classes that a program defines, and the scope in which a function starts."""

import ast

from repair.architecture.source.python.assign import Assigner
from repair.architecture.source.python.bindings import outer_names
from repair.architecture.source.python.members import SUPER, linearized, special
from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.values import (
    BoundCall,
    Class,
    Function,
    Instance,
    QualifiedName,
    Super,
    Unknown,
    Value,
)

PLAIN_BASES = (QualifiedName("builtins.object"), QualifiedName("abc.ABC"))
"""Bases that add nothing to what the program says of a class."""
KINDS = {
    "builtins.property": "property",
    "builtins.staticmethod": "static",
    "builtins.classmethod": "class",
    "abc.abstractmethod": "plain",
    "setter": "accessor",
    "getter": "accessor",
    "deleter": "accessor",
}
"""What a decorator makes of a method."""
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
        """A class: its methods, the constants of its body, and those of the classes it extends."""
        bases: list[Class] = []
        framework, plain = None, not node.decorator_list and not node.keywords
        for base in node.bases:
            value = self.value(base)
            if isinstance(value, Class):
                bases.append(value)
                framework = value.framework or framework
            plain = plain and (isinstance(value, Class) or value in PLAIN_BASES)
            for semantics in self.semantics:
                framework = semantics.extends(value) or framework
        self.forget(*node.keywords)
        line = linearized(bases)
        defined = Class(node, framework, *line)
        self._class_body(defined)
        kinds = [kind for kind in defined.line if kind is not defined]
        defined.plain &= plain and all(kind.plain for kind in kinds) and not special(defined)
        self.classes.append(defined)
        return defined

    def _class_body(self, defined: Class) -> None:
        """Follows the body of a class: definitions and plain assignments; the rest is forgotten."""
        outer, scope = self.scopes, Scope()
        defined.attributes = scope  # type: ignore[assignment]
        for item in defined.node.body:
            self.scopes = [*outer, scope]
            match item:
                case ast.FunctionDef():
                    function = self.function(item)
                    self.forget(*item.decorator_list)
                    decorators = [self._decorator(one) for one in item.decorator_list]
                    kind = KINDS.get(decorators[0], "other") if decorators else "plain"
                    kind = "other" if len(decorators) > 1 else kind
                    # names of a class are not those of its methods
                    scope[item.name] = Function(item, outer, function.defaults, kind, defined)
                case ast.Assign(targets=targets, value=value) if _simple(value, *targets):
                    constant = self.value(value)
                    for target in targets:
                        scope[target.id] = constant  # type: ignore[attr-defined]
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
                    defined.framework is None and _simple(value)
                ):
                    scope[name] = self.value(value)
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    self.forget(item)
            self.scopes = outer

    def _decorator(self, node: ast.expr) -> str:
        """The full name of a decorator, or its last part where it is no name that is imported."""
        if isinstance(node, ast.Attribute) and node.attr in ("setter", "getter", "deleter"):
            return node.attr
        known = self.value(node) if isinstance(node, ast.Name | ast.Attribute) else None
        return known.path if isinstance(known, QualifiedName) else ""

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
        if signature.kwarg and call.unknown is None:
            more = {name: value for name, (value, _) in call.named.items()}
            by_position = [argument.arg for argument in signature.posonlyargs]
            free = [name for name in more if name not in every or name in by_position]
            scope[signature.kwarg.arg] = {name: more[name] for name in free}
        for name, (value, _) in call.named.items():
            if name in every:
                scope[name] = value
        for name in scope:
            if name in self.defined:
                scope[name] = self.defined[name]
        owner = scope[every[0]] if function.of and every else None
        scope[SUPER] = Unknown(node.lineno, "super()")
        if function.of and isinstance(owner, Instance | Class):
            scope[SUPER] = Super(function.of, owner)
        for name, outside in outer_names(node.body):
            home = next((s for s in reversed(function.scopes[1:]) if name in s), None)
            scope.elsewhere[name] = self.globals if outside or home is None else home
        return scope


def _simple(value: ast.expr, *targets: ast.expr) -> bool:
    """Whether an assignment in a class binds names to what makes no scope of its own."""
    scopes = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    inner = any(isinstance(node, scopes | ast.NamedExpr) for node in ast.walk(value))
    return not inner and all(isinstance(target, ast.Name) for target in targets)
