"""Statements on a few names whose values are known, of which programs are drawn."""

HEAD = "a, b = 2, 3\nxs = [4, 5]\nd = {'k': 6}\n"
HEAD += """class O:
    k = 2
    def __init__(self, v=7):
        self.a = v
    def set(self, v):
        self.a = v
    def __call__(self, v):
        return self.a * v
    def grow(self):
        xs.append(self.a)
    @property
    def twice(self):
        return self.a * 2
    @classmethod
    def make(cls, v):
        return cls(v)
    @staticmethod
    def helper(v):
        return v + 1
class N(O):
    def __init__(self, v):
        super().__init__(v + 1)
    def set(self, v):
        super().set(v + 1)
o = O()
def f(): return 8
"""
HEAD += "c, e, p, ys = 1, d, o, xs\n"
OBSERVED = ("a", "b", "xs[0]", "len(xs)", "d['k']", "f()", "o.a", "o.k", "O.k")
SIMPLE = [
    "a = 1",
    "b = a + 1",
    "a += b",
    "b -= 1",
    "a *= 2",
    "a //= 2",
    "a, b = b, a",
    "xs.append(a)",
    "xs += [b]",
    "xs = [a, b, 3]",
    "ys = xs",
    "ys = [9]",
    "ys.append(a)",
    "a = xs[0]",
    "xs[0] = b",
    "a = len(xs)",
    "del xs[-1]",
    "xs[1:] = []",
    "a = (b := 3)",
    "[a for a in (5, 6)]",
    "[(b := c) for c in (5, 6) if c > 5]",
    "b = [c for c in (1, 2) if c > 1][0]",
    "b = [c + e for c in (1, 2) for e in (3, 4)][-1]",
    "xs = [c for c in xs if unknown()] + [1]",
    "f()",
    "a = f()",
    "a = unknown()",
    "b = a if unknown() else 2",
    "unknown() and (a := 7)",
    "a = unknown() or 4",
    "a = 0 or 4",
    "b = 1 and a",
    "a: int = 4",
    "a: int",
    "d['k'] = a",
    "a = d['k']",
    "d = {**d, 'k': 1}",
    "d = dict(k=b)",
    "d.update(k=2)",
    "e = d",
    "e['k'] = 1",
    "xs.pop()",
    "xs.insert(0, a)",
    "xs.reverse()",
    "xs.sort()",
    "xs.extend([a, b])",
    "xs.remove(xs[0])",
    "c, *xs = [a, b, 3]",
    "*xs, b = (1, 2)",
    "(a, (b, *xs)) = 1, (2, 3)",
    "f = lambda: 5",
    "f = lambda v=a: v",
    "f = (lambda v: lambda: v)(a)",
    "o.a = b",
    "a = o.a",
    "o.a += 1",
    "o.set(a)",
    "a = 1 < b < 4",
    "f'{(a := 9)}'",
    "(lambda: (a := 3))()",
    "xs = xs[::-1]",
    "xs = xs * 2",
    "p = o",
    "p.a = 3",
    "pass",
    "a = (b, *xs)[0]",
    "a = len([*xs, *items()])",
    "assert (a := 5)",
    "assert a, (b := 1)",
    "from math import pi",
    "b = (lambda *v, **w: len(v))(1, *xs)",
    "xs = items()",
    "a = max(xs[0], 2)",
    "import math as m, os.path",
    "a = [g for g in range(9)][3]",
    "b = (lambda v, *, w=2: v + w)(1, **{'w': 5})",
    "a = (3 if a == b else 4)",
    "a = [g * h for g, h in zip(xs, (2, 3))][-1]",
    "for g, h in zip(xs, reversed(xs)): a = g - h",
    "for g, h in enumerate(xs, 1): b = g + h",
    "for g, h in d.items(): a = h",
    "for g in d: a = d[g]",
    "for g in d.values(): xs.append(g)",
    "for g in xs[:2]: xs.append(g)",
    "for g in xs: xs.sort(); a = g",
    "a = sum(g for g in xs)",
    "b = max(g for g in xs if g > 1)",
    "a = sorted(xs, reverse=True)[0]",
    "b = sorted(d.items())[0][1]",
    "a = d.get('k', 5) + d.get('z', 1)",
    "d.update({'k': a})",
    "d.pop('k')",
    "d.setdefault('z', a)",
    "d |= {'k': a}",
    "d = {g: h for g, h in zip('km', (a, b))}",
    "d = {1: a, 'k': b}",
    "a = dict(zip(('k', 'm'), xs))['k']",
    "xs += d.values()",
    "xs.extend(g + 1 for g in (1, 2))",
    "a, b = d.values(), 3",
    "(b,) = d.values()",
    "a = len(f'{a}-{b:>3}')",
    "b = len('%d of %s' % (a, 'k')) + len('{}:{z}'.format(a, z=b))",
    "a = int(''.join(str(g) for g in xs)) % 7",
    "a = 1 if 'k' in d else 2",
    "a = 1 if a in xs else 2",
    "a = 1 if a in {2, 3} else 2",
    "a = 1 if isinstance(xs, list) and not isinstance(range(2), list) else 2",
    "a = 1 if isinstance(p, O) else 2",
    "a = 1 if o is None else 2",
    "a = 1 if not xs or any(g > 4 for g in xs) else 2",
    "o = O()",
    "o.set(b)\na = o.a",
    "q = o\nq.set(9)",
    "for q in (o, p): q.a = 3",
    "for q in [o]: q.set(a)",
    "setattr(o, 'a', 3)",
    "vars(o)['a'] = 5",
    "a = getattr(o, 'a')",
    "a = o(2) + o.k + O.k",
    "O.k = 5",
    "o.k += 1",
    "a = o.twice",
    "a = O.make(3).a",
    "a = o.helper(1) + O.helper(b)",
    "N(b).set(3)",
    "a = N(b).a",
    "n = N(a)\nn.set(b)\na = n.a",
    "a = N(a).twice",
    "o.grow()",
    "def g(*v, **w): return len(v) + w.get('k', 0)\na = g(1, *xs, k=b)",
    "import math\na = math.ceil(b / 2)",
]
HEADS = [
    "if unknown():",
    "if a > 2:",
    "if 1:",
    "if not xs:",
    "with manager() as a:",
    "with manager():",
    "with manager() as (c, *xs):",
    "class C:",
]
LOOPS = [
    "while unknown():",
    "for a in (1, 2):",
    "for a in items():",
    "for b, c in [(1, 2), (3, 4)]:",
    "for xs[0] in (1, 2):",
    "for o.a in (1, 2):",
    "for d['k'] in items():",
    "for c in list(xs):",
]
DEFS = [
    "def f():",
    "def f(a=1):",
    "def f(a=a, *b):",
    "def f(xs=xs):",
    "def f(p=a, /, *, a=b):",
    "@keep\ndef f():",
    "def f():\n    global a, xs",
    "def f():\n    global b",
]
CASES = [
    "case 2:",
    "case [a, b]:",
    "case [b, *xs]:",
    "case {'k': b, **d}:",
    "case a:",
    "case int() as b:",
]
