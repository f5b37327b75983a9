"""Every statement, expression and pattern of Python's grammar in a few words, on names `u_...`."""

import ast
import sys

STATEMENTS = [
    "u_f = 1", "u_a = u_b = (1, 2)", "u_a, *u_b = 1, 2, 3", "[u_a, (u_b, *u_c)] = [1, (2, 3)]",
    "u_o.a = 1", "u_o[0] = 1", "u_o[1:2, ::3] = 1", "u_a: int", "u_a: int = 3", "(u_a): list[int] = []",
    "u_o.a: int = 1", "u_a += 1", "u_a -= 1", "u_a *= 2", "u_a /= 255", "u_a //= 2", "u_a %= 2",
    "u_a **= 2", "u_a <<= 2", "u_a >>= 2", "u_a |= 2", "u_a ^= 2", "u_a &= 2", "u_a @= u_b",
    "u_o.a += 1", "u_o[0] /= 255", "u_o['a'][1:] -= 1", "del u_a", "del u_o.a, u_o[0], (u_b, [u_c])",
    "pass", "assert u_a, 'text'", "assert (u_a := 3) == 3, f'{(u_b := 4)}'", "u_a",
    "import os", "import os.path as u_p", "from os import path as u_p", "from . import u_m",
    "from ..u_m import u_n as u_p", "from os.path import (join as u_j, split as u_s,)",
    "if u_a:\n    u_b = 1\nelif u_c:\n    u_b = 2\nelse:\n    u_b = 3",
    "for u_i in u_a:\n    u_b = u_i\n    if u_b: break\n    continue\nelse:\n    u_c = 1",
    "for u_i, (u_j, *u_k) in [(1, (2, 3))]:\n    continue\nelse:\n    u_c = 1",
    "for u_o.a in (1, 2):\n    break", "for u_o[0] in range(3): pass",
    "while u_a:\n    u_a -= 1\n    if u_a: break\nelse:\n    u_b = 1",
    "with u_o as u_a, open('x') as (u_b, *u_c), u_o: u_d = 1", "with (u_o as u_a, u_o as u_b.c): pass",
    "try:\n    u_a = 1\nexcept (OSError, ValueError) as u_e:\n    u_b = 1\nexcept Exception:\n    pass\n"
    "else:\n    u_c = 1\nfinally:\n    u_d = 1",
    "try:\n    u_a = 1\nexcept* OSError as u_e:\n    u_a = 2", "try:\n    import u_m\nfinally:\n    u_a = 1",
    "try:\n    raise ValueError('u') from None\nexcept ValueError:\n    pass",
    "def u_g(a, /, b: int, c=1, *d, e, f=2, **g) -> None:\n    '''text'''\n    return a",
    "@u_a.b(1)\n@u_c\ndef u_g():\n    global u_a, u_b\n    u_a = 1\n    raise u_b",
    "def u_g():\n    u_a = 1\n    def u_h():\n        nonlocal u_a\n        u_a = 2\n    return u_h",
    "def u_g():\n    u_b = yield\n    u_c = yield u_b\n    yield from u_c\nu_g()",
    "async def u_g():\n    async with u_a as u_b, u_c: await u_d\n    async for u_i in u_a: pass\n"
    "    else: u_e = [u_i async for u_i in u_a]\n    return await u_b",
    "class u_C: pass",
    "@u_a\nclass u_C(u_a, *u_b, metaclass=u_c, **u_d):\n    '''text'''\n    u_a: int = 1\n    u_b = u_a\n"
    "    def u_g(self): return super().u_g()\n    class u_D: u_x = 1\n    for u_i in (1, 2): pass",
    "match u_a:\n    case 1 | -2 | 'a' | None | True | 1 + 2j: u_b = 1\n    case u_o.a: pass\n"
    "    case [u_x, 2, *u_y]: u_b = 2\n    case (u_z, *_): pass\n    case {'k': u_x, **u_r}: u_b = 3\n"
    "    case u_C(1, a=u_x) if u_x: u_b = 4\n    case [[u_v]] as u_w: u_b = 5\n    case _: u_b = 6",
    "match u_a, *u_b:\n    case u_c: pass",
]  # fmt: skip
LEAVE = ["return", "return 1, *u_a", "break", "continue", "raise", "raise u_a", "raise u_a from u_b",
         "yield 1", "await u_a", "async with u_a: pass", "async for u_a in u_b: pass", "nonlocal u_a",
         "global u_a", "from os import *"]  # fmt: skip
"""Statements that end what is around them, or belong in some places only."""
if sys.version_info >= (3, 12):
    STATEMENTS += [
        "type u_T = list[u_T]", "type u_T[A, *B, **C] = dict[A, C]",
        "def u_g[A: int, *B, **C](a: A, *b: *B) -> A: return a", "class u_C[A: (int, str)](u_a[A]): pass",
    ]  # fmt: skip
if sys.version_info >= (3, 13):
    STATEMENTS += ["class u_C[A = int, *B = *tuple[int], **C = []]: pass"]

EXPRESSIONS = [
    "u_a", "1", "0x_ff", "1.5e3", "2j", "'a' 'b'", "b'a' b'b'", "...", "None", "True", "'\\ud800'", "10**400",
    "u_a.b.c", "u_a[0]", "u_a[1:2, ::3, ..., None]", "u_a[:, -1]", "u_a[*u_b]", "(1, 2)", "()", "[1, *u_a]",
    "{1, 2, *u_a}", "{}", "{'a': 1, **u_a, 2: u_b}", "(u_w := 4)", "u_a if u_b else u_c", "u_a or 3",
    "1 and u_a and 2", "not u_a", "-u_a", "+1", "~1", "u_a + 1", "1 - 2j", "u_a * u_b", "7 / 2", "7 // 0",
    "7 % 2", "2 ** -1", "1 << 70", "1 >> 1", "1 | 2", "1 ^ 2", "1 & 2", "u_a @ u_b", "1 < u_a <= 3 != 4",
    "1 == 1 >= 0", "u_a > 1", "1 in [1]", "1 not in u_a", "u_a is None", "u_a is not u_b",
    "lambda a, /, b=1, *c, d=2, **e: (a, b)", "lambda: (yield)", "[u_i for u_i in (1, 2)]",
    "[u_i for u_i in (1, 2, 3) if u_i > 1 if u_i]", "[u_i + u_j for u_i in (1, 2) for u_j in u_a]",
    "{u_i for u_i in u_a}", "{u_i: u_j for u_i, u_j in u_a}", "(u_i for u_i in range(3) if (u_w := u_i))",
    "f'{u_a}'", "f'{u_a!r:>{u_b}}{(u_w := 1)=} é {u_c:{1}.{2}}'", "'%d' % 3", "u_f(1, *u_a, b=2, **u_c)",
    "u_f(u_i for u_i in u_a)", "range(10 ** 30)", "range(0)", "range(1, 9, 0)", "len([1])", "int(1e400)",
    "max(1, 2)", "min()", "dict(a=1)", "list((1, 2))", "tuple([1])", "float(3)", "super()", "(8, 8, 3)[::-1]",
    "[1, 2, 3][True]", "(1, 2)[5]", "{'a': 3}['a']", "[3].pop()", "(lambda u_x: u_x)(4)", "print(1)",
    "__import__('os').system('touch CANARY')", "open('CANARY', 'w').write('x')", "exec('u_a = 1')",
]  # fmt: skip


def kinds() -> set[type[ast.AST]]:
    """The node classes of the running Python of which programs are made."""
    roots = (ast.stmt, ast.expr, ast.pattern, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
             ast.excepthandler, *[c for c in [getattr(ast, "type_param", None)] if c])  # fmt: skip
    found: set[type[ast.AST]] = {ast.alias, ast.arg, ast.arguments, ast.comprehension, ast.keyword,
                                 ast.match_case, ast.withitem}  # fmt: skip
    return found.union(*(root.__subclasses__() for root in roots))
