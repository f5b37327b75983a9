"""Calls whose arguments are not all known: never read as if the others were all."""

import pytest

from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = (
    "import keras\nfrom keras import layers, ops\nfrom setup import options\n"
    "i = keras.Input((8, 4))\nlayer = layers.LSTM(5)\n"
)
"""Five lines."""
CHAIN = "m = keras.Sequential([keras.Input((8, 4))])\n"
MODEL = "m = keras.Model(i, x)\n"
SPREAD = ("**options()", "*options()")
CALLS = {
    "a method of a tensor": "x = i.mean(1, {})\n" + MODEL,
    "a function of tensors": "x = ops.mean(i, 1, {})\n" + MODEL,
    "a function of a package": "x = keras.ops.reshape(i, (-1, 32), {})\n" + MODEL,
    "a call of a layer": "x = layer(i, {})\n" + MODEL,
    "a layer of several inputs": "x = layers.Attention()(i, {})\n" + MODEL,
    "a constructor": "x = layers.Dense(3, {})(i)\n" + MODEL,
    "a merge": "x = layers.concatenate([i, i], {})\n" + MODEL,
    "an input": "j = keras.Input((3,), {})\nm = keras.Model(j, j)\n",
    "a model": "m = keras.Model(i, i, {})\n",
    "a model by its name in another module": "m = keras.models.Model(i, i, {})\n",
    "a model that is called": "f = keras.Model(i, layer(i))\nx = f(i, {})\n" + MODEL,
    "a chain that is called": CHAIN + "x = m(i, {})\nm = keras.Model(i, x)\n",
    "a chain": "m = keras.Sequential({})\n",
    "what is added to a chain": CHAIN + "m.add({})\n",
    "what is taken out of a chain": CHAIN + "m.add(layer)\nm.pop({})\n",
}


@pytest.mark.parametrize("spread", SPREAD)
@pytest.mark.parametrize("name", CALLS)
def test_unknown_arguments_are_named_with_their_line(name: str, spread: str) -> None:
    lines = (HEAD + CALLS[name].format(spread)).splitlines()
    line = next(k for k, text in enumerate(lines, 1) if "options()" in text)
    with pytest.raises(InputError, match=rf"^line {line}: .*\*options\(\)"):
        read_program("\n".join(lines))


@pytest.mark.parametrize("name", CALLS)
def test_where_the_unknown_comes_from_is_told(name: str) -> None:
    text = HEAD + "given = options()\n" + CALLS[name].format("**given")
    with pytest.raises(InputError, match=r"^line \d+: .*\*\*given"):
        read_program(text)


@pytest.mark.parametrize("name", ["constructor", "Conv"])
def test_nnx_layers_too(name: str) -> None:
    text = "from flax import nnx\nfrom setup import options\n"
    text += "class Net(nnx.Module):\n    def __init__(self, rngs):\n        self.d = "
    text += "nnx.Sequential(*options())\n" if name != "Conv" else "nnx.Conv(1, 8, **options())\n"
    text += "    def __call__(self, x): return self.d(x)\nnet = Net(nnx.Rngs(0))\n"
    with pytest.raises(InputError, match=r"^line 5: nnx.* gets \*.*options\(\)"):
        read_program(text, input_shapes=((8, 8, 1),))


KNOWN = {
    "layers.Conv1D(8, **o)": ("o = {'kernel_size': 3, 'padding': 'same'}", (None, 8, 8)),
    "layers.Conv1D(*o)": ("o = (8, 3)", (None, 6, 8)),
    "layers.Conv1D(8, **o, **p)": ("o = {'kernel_size': 3}\np = {'strides': 2}", (None, 3, 8)),
    "layers.LSTM(8, **dict(return_sequences=True))": ("", (None, 8, 8)),
    "layers.Dense(8, **o)": ("o = {'name': options()}", (None, 8, 8)),
    "layers.Dense(8, **{**o, 'use_bias': False})": ("o = {'activation': 'relu'}", (None, 8, 8)),
}


@pytest.mark.parametrize("call", KNOWN)
def test_known_arguments_are_read(call: str) -> None:
    before, wanted = KNOWN[call]
    graph = read_program(f"{HEAD}{before}\nx = {call}(i)\n{MODEL}").graph
    assert trace(graph).shapes[graph.outputs[0]] == wanted


@pytest.mark.parametrize(
    "call",
    [
        "layers.Conv1D(8, **{'kernel_size': options()})(i)",
        "layers.LSTM(8, **{'return_sequences': options()})(i)",
        "i.mean(1, **{'keepdims': options()})",
        "ops.mean(i, **{'axis': options()})",
        "layers.MultiHeadAttention(2, 4)(i, **{'value': options()})",
        "layers.Conv1D(8, **{options(): 3})(i)",
        "layers.Conv1D(8, **(o or options()))(i)",
    ],
)
def test_an_unknown_entry_of_a_known_dictionary_makes_the_call_unread(call: str) -> None:
    with pytest.raises(InputError, match=r"^line \d: .*options\(\)"):
        read_program(f"{HEAD}o = {{}}\nx = {call}\n{MODEL}")


def test_an_axis_that_may_be_kept_is_not_read_as_gone() -> None:
    with pytest.raises(InputError, match=r"^line 6: ops.mean\(i, 1, True\)"):
        read_program(f"{HEAD}x = ops.mean(i, 1, True)\n{MODEL}")


FOLLOWED = (
    "def head(x, units=3, sequences=False): return layers.LSTM(4, return_sequences=sequences)(x)\n"
)


def test_functions_of_the_program_are_followed_with_the_rest_unknown() -> None:
    assert len(read_program(f"{HEAD}{FOLLOWED}x = head(i, 3, False)\n{MODEL}").graph) == 2
    for call in ("head(i, **options())", "head(i, *options())", "head(*options(), i, 3, True)"):
        with pytest.raises(InputError, match=r"^line "):
            read_program(f"{HEAD}{FOLLOWED}x = {call}\n{MODEL}")


def test_what_is_behind_a_spread_of_unknown_length_has_no_position() -> None:
    text = HEAD + "def pick(a, b=2, c=3): return b\n"
    with pytest.raises(InputError, match=r"^line 7: .*\*options\(\)"):
        read_program(f"{text}x = layers.Dense(pick(*options(), 7))(i)\n{MODEL}")


@pytest.mark.parametrize("call", ["u(*options(), m)", "u(model=m)", "u(m, **options())"])
def test_a_chain_that_was_given_away_is_not_forgotten(call: str) -> None:
    with pytest.raises(InputError, match="whether it is the model of before"):
        read_program(f"{HEAD}{CHAIN}m.add(layer)\nfrom setup import u\nm = {call}\nm.add(layer)\n")


@pytest.mark.parametrize("spread", SPREAD)
def test_what_makes_no_network_may_be_called_with_anything(spread: str) -> None:
    text = f"{CHAIN}m.add(layer)\nm.compile({spread})\nm.fit({spread})\nprint({spread})\n"
    text += (
        f"import numpy as np\ny = np.mean(np.zeros((3, 4)), {spread})\nz = m.predict({spread})\n"
    )
    assert len(read_program(HEAD + text).graph) == 2
