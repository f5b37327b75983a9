"""Programs nested or grown without bounds: refused in one message, in bounded time."""

import pytest

from repair.architecture.source.program import read_program
from repair.errors import InputError

DEEP = {
    "parentheses": "x = " + "(" * 10**5 + ")" * 10**5,
    "lists": "x = " + "[" * 10**5 + "]" * 10**5,
    "a sum": "x = " + "+".join(["x"] * 10**4),
    "a comparison": "x = " + "<".join(["x"] * 10**4),
    "minus": "x = " + "-" * 10**5 + "1",
    "not": "x = " + "not " * 10**4 + "1",
    "lambdas": "x = " + "lambda: " * 10**4 + "1",
    "subscripts": "x = x" + "[0]" * 10**4,
    "attributes": "x = x" + ".a" * 10**4,
    "calls": "x = x" + "()" * 10**4,
    "conditions": "x = " + "1 if u else " * 10**4 + "1",
    "branches": "if u: pass\n" + "elif u: pass\n" * 10**4,
    "blocks": "".join(" " * k + "if u:\n" for k in range(99)) + " " * 99 + "pass",
    "f-strings": "x = " + "f'{' * 2" * 50,
    "a list of itself": "x = (1,)\n" + "x = (x, x)\n" * 60 + "import keras\nkeras.layers.Dense(x)",
    "an equal list": "x = y = (1,)\n" + "x, y = (x, x), (y, y)\n" * 40 + "z = x == y",
    "a growing list": "x = [1]\n" + "x += x\nx.extend(x)\n" * 60,
    "comprehensions": "x = " + "[" * 50 + "1" + " for y in range(99)]" * 50,
    "functions": "".join(f"def f{k}():\n  f{k + 1}()\n  f{k + 1}()\n" for k in range(500))
    + "while u:\n  f0()",
}


@pytest.mark.parametrize("name", DEEP)
def test_hostile_nesting_is_refused_in_bounded_time(name: str) -> None:
    with pytest.raises(InputError) as refused:
        read_program(DEEP[name])
    assert len(str(refused.value)) < 5000
