"""What the interpreter follows of Python: it knows the value, and it is the one that Python gives."""

import pytest

from repair.architecture.source.python.builtins.semantics import BuiltinSemantics
from repair.architecture.source.python.interpreter import StaticInterpreter
from repair.architecture.source.python.values import Unknown, Value
from repair.architecture.source.text import SourceText

CLASSES = """
import math
class Shape:
    rank = 2
    sizes = (8, 4)
    def __init__(self, width=8, *, depth=1, **options):
        self.width, self.depth = width, depth
        self.options = options
        self.names = []
    def area(self, scale=1):
        return self.width * self.depth * scale
    def named(self, name):
        self.names.append(f"{name}_{len(self.names)}")
        return self
    @property
    def volume(self):
        return self.area() * self.rank
    @staticmethod
    def double(n):
        return 2 * n
    @classmethod
    def square(cls, n):
        return cls(n, depth=n)
    def __call__(self, n):
        return self.width + n
class Box(Shape):
    rank = 3
    def __init__(self, width, **options):
        super().__init__(width, depth=5, **options)
    def area(self, scale=1):
        return super().area(scale) + 1
class Left(Shape):
    def area(self, scale=1): return super().area(scale) * 10
class Right(Shape):
    def area(self, scale=1): return super().area(scale) + 3
class Both(Left, Right):
    pass
config = {"width": 6, "kinds": ["conv", "pool"], 3: "three"}
"""
KNOWN = [
    "Shape().area()",
    "Shape(3, depth=4).area(scale=2)",
    "Shape(**{'width': 9}).width",
    "Shape(a=1, b=2).options",
    "Shape().named('x').named('y').names",
    "Shape(3).volume",
    "Shape.double(4) + Shape().double(5)",
    "Shape.square(3).area()",
    "Box.square(3).depth if False else Box(2).depth",
    "Box(2).area()",
    "Box(2).volume",
    "Box(2, k=1).options['k']",
    "Box.rank + Shape.rank",
    "Box(2).sizes[0]",
    "Box(2)(5)",
    "Shape.area(Box(2))",
    "Both(2).area()",
    "getattr(Shape(4), 'width') + getattr(Shape(4), 'height', 7)",
    "hasattr(Shape(), 'width')",
    "isinstance(Box(2), Shape), isinstance(Shape(), Box), isinstance(3, (str, int))",
    "[k * v for k, v in zip((1, 2), [3, 4])]",
    "[(k, v) for k, v in enumerate('ab', start=1)]",
    "[k for k in reversed([1, 2])]",
    "sorted(config['kinds'], reverse=True)",
    "sorted({'b': 1, 'a': 2}.items())",
    "{k: len(str(k)) for k, v in config.items()}",
    "list(config), list(config.keys()), list(config.values())",
    "config.get('width', 1), config.get('height', 1), config.get('height')",
    "config[3]",
    "[*config, *reversed((1, 2))]",
    "[n for n in range(9) if n % 2 if n not in (3, 5)]",
    "'conv' in config['kinds'], 'z' in config, 'o' in 'conv', 2 in {1, 2}",
    "sum(n * n for n in range(4)), max(n for n in (1, 5, 2)), any(n > 2 for n in (1, 3))",
    "dict(zip('ab', (1, 2)), c=3)",
    'f\'{config["width"]:>4}|{1.5:.2f}|{"a"!r}\'',
    "'%s-%03d' % ('a', 7) + '%d%%' % 5",
    "'{}-{}-{n:>3}'.format('a', 2, n=5) + '{1}{0}'.format('a', 'b')",
    "'_'.join(str(n) for n in (1, 2)).upper().replace('_', '-').split('-')",
    "'conv_block'.startswith('conv'), ' a '.strip(), 'a' * 3 + 'b'",
    "math.ceil(7 / 2), math.prod([2, 3, 4]), round(2.6), abs(-3), int('12')",
    "not config, not [], bool('a')",
    "None is None, config is not None, Shape() is None",
]


def interpreted(text: str) -> Value:
    """What the interpreter says of x after a program."""
    interpreter = StaticInterpreter(SourceText.of(text), (BuiltinSemantics(),), {})
    interpreter.program()
    return interpreter.globals["x"]


@pytest.mark.parametrize("expression", KNOWN)
def test_known_values_are_those_of_python(expression: str) -> None:
    text = CLASSES + f"x = {expression}\n"
    names: dict[str, object] = {}
    exec(text, names)
    assert interpreted(text) == names["x"]


UNKNOWN = {
    "a base that is imported": "from a import Base\nclass C(Base):\n    n = 3\nx = C().n\n",
    "a metaclass": "class C(metaclass=u):\n    n = 3\nx = C.n\n",
    "a decorated class": "from a import d\n@d\nclass C:\n    n: int = 3\nx = C().n\n",
    "attributes that are computed": "class C:\n    n = 3\n    def __getattribute__(self, name):\n"
    "        return 4\nx = C().n\n",
    "a property that is set": "class C:\n    def __init__(self): self.n = 3\n    @property\n"
    "    def n(self): return self.m\n    @n.setter\n    def n(self, v): self.m = v + 1\nx = C().n\n",
    "private names of two classes": "class B:\n    def __init__(self): self.__n = 2\n"
    "    def get(self): return self.__n\nclass C(B):\n    def __init__(self):\n"
    "        super().__init__()\n        self.__n = 5\nx = C().get()\n",
    "an attribute set by a computed name": "class C:\n    n = 3\nc = C()\nsetattr(c, u(), 4)\nx = c.n\n",
    "an attribute set by the method for it": "class C:\n    n = 3\nc = C()\n"
    "c.__setattr__('n', 4)\nx = c.n\n",
    "an attribute set through its dictionary": "class C:\n    n = 3\nc = C()\nc.__dict__['n'] = 4\n"
    "x = c.n\n",
    "a decorated method": "class C:\n    @u\n    def f(self): return 3\nx = C().f()\n",
    "an iterator that is kept": "z = zip([1], [2])\nlist(z)\nx = list(z)\n",
    "a view that is kept": "d = {'a': 1}\nk = d.keys()\nd['b'] = 2\nx = list(k)\n",
    "an object changed under another name": "class C:\n    n = 3\nc = C()\nwhile u():\n    q = c\n"
    "    q.n = 4\nx = c.n\n",
    "a list changed under another name": "v = [1]\nif u():\n    w = v\n    w.append(2)\nx = len(v)\n",
    "what a constructor changes": "v = [1]\nclass C:\n    def __init__(self): v.append(2)\n"
    "if u(): C()\nx = len(v)\n",
    "what a method of super() changes": "v = [1]\nclass B:\n    def f(self): v.append(2)\n"
    "class C(B):\n    def f(self):\n        if u(): super().f()\nC().f()\nx = len(v)\n",
    "what a property changes": "v = [1]\nclass C:\n    @property\n    def f(self): v.append(2)\n"
    "c = C()\nif u(): c.f\nx = len(v)\n",
    "a list sorted while it is read": "v = [3, 1, 2]\nx = 0\nfor n in v:\n    v.sort(key=u)\n    x = n\n",
    "an identity of numbers": "x = 1000 is 10 ** 3\n",
    "a wide field": "x = f'{1:>99999999}'\n",
    "a wide field that is given": "x = '%*d' % (99999999, 1)\n",
    "fields of attributes": "x = '{0.__class__}'.format(1)\n",
    "a long text": "x = ('a' * 9999).replace('a', 'a' * 9999)\n",
    "a function of the same name": "from numpy import *\nx = max(1, 2)\n",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_only_running_tells_is_not_claimed(name: str) -> None:
    assert isinstance(interpreted(UNKNOWN[name]), Unknown)
