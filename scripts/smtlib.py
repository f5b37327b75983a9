"""Reader of the SMT-LIB subset of NNrepair's published constraint files, in exact arithmetic.

The subset: `declare-fun` of reals, `assert` and `assert-soft` of `=`, `<` and `>` over sums and
products of decimals and names. A name that an `assert (= name term)` defines is replaced by its
term, so rows speak of the free names only. Solutions are read by `bench.replay.solutions`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from repair.errors import InputError
from repair.weights.programs.maxsat import LinearConstraints

# The files' sums of products of two decimals have fewer than 60 digits: no rounding, or an error.
_EXACT = Context(prec=200, traps=[Inexact])
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SILENT = {"declare-fun", "check-sat", "get-model", "set-logic", "set-option"}

# A linear form: free name -> factor, "" -> constant. As a row it must be greater than 0.
Form = dict[str, Decimal]


@dataclass
class Constraints:
    """What a file asks for.

    Attributes:
        lower: free name -> number that it must exceed.
        upper: free name -> number that it must stay below.
        hard: rows that must hold.
        soft: rows of which as many as possible should hold.
    """

    lower: dict[str, Decimal] = field(default_factory=dict)
    upper: dict[str, Decimal] = field(default_factory=dict)
    hard: list[Form] = field(default_factory=list)
    soft: list[Form] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The free names, in the order of the file."""
        return list(self.lower)

    def arrays(self, rows: list[Form]) -> LinearConstraints:
        """Rows as a matrix (m, n) and sides (m,), float64, columns in the order of `names`."""
        factors = [[float(row.get(name, 0)) for name in self.names] for row in rows]
        sides = [-float(row.get("", 0)) for row in rows]
        return LinearConstraints(
            np.array(factors).reshape(len(rows), len(self.names)), np.array(sides)
        )

    def box(self, inset: float) -> tuple[np.ndarray, np.ndarray]:
        """The bounds (n,) and (n,), float64, moved inwards by inset, as they are strict."""
        lower = np.array([float(self.lower[name]) for name in self.names])
        upper = np.array([float(self.upper[name]) for name in self.names])
        return lower + inset, upper - inset

    def admits(self, values: Mapping[str, Fraction]) -> bool:
        """Whether values keep the bounds and all hard rows, exactly."""
        inside = (self.lower[n] < values[n] < self.upper[n] for n in self.names)
        return all(inside) and self.held(self.hard, values) == len(self.hard)

    @staticmethod
    def held(rows: Iterable[Form], values: Mapping[str, Fraction]) -> int:
        """How many rows hold, exactly."""
        one = {**values, "": Fraction(1)}
        return sum(sum(Fraction(f) * one[name] for name, f in row.items()) > 0 for row in rows)


def read_constraints(text: str) -> Constraints:
    """Read a constraint file.

    Raises:
        InputError: for what is not in the subset, and for a free name without bounds.
    """
    found = Constraints()
    defined: dict[str, Form] = {}
    free: set[str] = set()
    for command, *terms in _commands(text, defined):
        if command in _SILENT:
            continue
        if command not in ("assert", "assert-soft") or not isinstance(terms[0], list):
            raise InputError(f"SMT-LIB: cannot read {command} {terms}; known: assert, assert-soft.")
        relation, left, right = terms[0]
        if command == "assert" and relation == "=" and isinstance(left, str):
            defined[left] = _form(right, defined)
        elif command == "assert" and (side := _bound(relation, left, right, defined)):
            bounds = found.lower if side == "lower" else found.upper
            bounds[left] = Decimal(right)
        elif relation in ("<", ">"):
            low, high = (left, right) if relation == "<" else (right, left)
            row = _add(_form(high, defined), _times(_form(low, defined), {"": Decimal(-1)}))
            free |= row.keys()
            (found.soft if command == "assert-soft" else found.hard).append(row)
        else:
            raise InputError(f"SMT-LIB: unknown relation {relation!r}; known: =, <, >.")
    unbounded = sorted((free | found.lower.keys() | found.upper.keys()) - {""})
    unbounded = [n for n in unbounded if n not in found.lower or n not in found.upper]
    if unbounded:
        raise InputError(f"SMT-LIB: no bounds for {', '.join(unbounded)}; each name needs two.")
    return found


def _commands(text: str, defined: dict[str, Form]) -> Iterator[list]:
    """The top-level lists, sums and products already evaluated; a stack, as terms nest deep."""
    stack: list[list] = [[]]
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            raise InputError("SMT-LIB: a ')' too many; is the file complete?")
        else:
            done: Any = stack.pop()
            if done and done[0] in ("+", "*"):
                operator = _add if done[0] == "+" else _times
                forms = [_form(term, defined) for term in done[1:]]
                done = reduce(operator, forms)
            if len(stack) == 1:
                yield done
            else:
                stack[-1].append(done)
    if len(stack) > 1:
        raise InputError("SMT-LIB: a ')' is missing; is the file complete?")


def _form(term: str | Form, defined: dict[str, Form]) -> Form:
    """A form of the caller's own, which it may change."""
    if not isinstance(term, str):
        if isinstance(term, list):
            raise InputError(f"SMT-LIB: unknown operator {term[0]!r}; known: +, *.")
        return term
    if _NUMBER.fullmatch(term):
        return {"": Decimal(term)}
    return dict(defined[term]) if term in defined else {term: Decimal(1)}


def _add(a: Form, b: Form) -> Form:
    for name, factor in b.items():
        a[name] = _EXACT.add(a[name], factor) if name in a else factor
    return a


def _times(a: Form, b: Form) -> Form:
    form, number = (a, b) if b.keys() <= {""} else (b, a)
    if not number.keys() <= {""}:
        raise InputError("SMT-LIB: a product of two names is not linear.")
    factor = number.get("", Decimal(0))
    return {name: _EXACT.multiply(f, factor) for name, f in form.items()}


def _bound(relation: str, name: object, number: object, defined: dict[str, Form]) -> str:
    """The side ("lower" or "upper") that a relation of a free name and a number bounds, or ""."""
    if not (isinstance(name, str) and isinstance(number, str)):
        return ""
    if name in defined or _NUMBER.fullmatch(name) or not _NUMBER.fullmatch(number):
        return ""
    return {">": "lower", "<": "upper"}.get(relation, "")
