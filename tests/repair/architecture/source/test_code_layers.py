"""Lambda: code is followed where it is simple, else opaque; never a fault, and never taken out."""

from pathlib import Path

import pytest

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.rules import KERAS3
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = (
    "import keras\nimport tensorflow as tf\nfrom keras import backend as K, layers, ops\n"
    "from elsewhere import strange\n"
    "def halved(t):\n    first = t[:, 0]\n    return first / 2\n"
    "def last(t, axis): return ops.mean(t, axis)\n"
    "e = keras.Input((8, 4))\nencoder = keras.Model(e, layers.LSTM(6)(e))\n"
    "dense = layers.Dense(9)\n"
)
SIMPLE = {
    "lambda t: t / 255.0": (None, 8, 4),
    "lambda t: 1 - t * 2": (None, 8, 4),
    "lambda t: t[:, -1]": (None, 4),
    "lambda t: t[:, :, 2]": (None, 8),
    "lambda t: ops.expand_dims(t, -1)": (None, 8, 4, 1),
    "lambda t: K.mean(t, axis=1)": (None, 4),
    "lambda t: tf.reshape(t, (-1, 16, 2))": (None, 16, 2),
    "lambda t: ops.transpose(t, (0, 2, 1))": (None, 4, 8),
    "lambda t: encoder(t)": (None, 6),
    "encoder": (None, 6),
    "lambda t: encoder(t * 2)": (None, 6),
    "lambda t: dense(t)": (None, 8, 9),
    "lambda t: ops.concatenate([t, t], axis=1)": (None, 16, 4),
    "halved": (None, 4),
    "last, arguments={'axis': 1}": (None, 4),
    "ops.relu": (None, 8, 4),
    "strange, output_shape=(3, 2)": (None, 3, 2),
    "lambda t: t * 2, output_shape=lambda s: s": (None, 8, 4),
}
STRANGE = (
    "strange",
    "lambda t: strange(t)",
    "lambda t: t[0]",
    "lambda t: t[:, ::2]",
    "lambda t: ops.mean(t, 0)",
    "lambda t: K.mean(t, axis=strange())",
    "lambda t: encoder(t, *strange())",
    "lambda t: layers.Dense(strange())(t)",
    "lambda t: encoder(t[:, -1])",
    "last, arguments=strange()",
    "strange, output_shape=strange()",
)
FORMS = (
    "i = keras.Input((8, 4))\nx = layers.Lambda({code}, name='code')(i)\n{more}"
    "model = keras.Model(i, x, name='model')\n",
    "model = keras.Sequential(name='model')\nmodel.add(keras.Input((8, 4)))\n"
    "model.add(layers.Lambda({code}, name='code'))\n{added}",
)


def program(form: str, code: str, layer: str | None = None) -> str:
    more = f"x = {layer}(x)\n" if layer else ""
    return HEAD + form.format(code=code, more=more, added=f"model.add({layer})\n" if layer else "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", SIMPLE)
def test_simple_code_is_followed(code: str, form: str) -> None:
    graph = read_program(program(form, code, "layers.ReLU()"), model="model").graph
    traced = trace(graph)
    assert traced.valid
    assert [node.layer.type for node in graph.nodes] == ["Input", "Lambda", "ReLU"]
    assert traced.shapes[graph.outputs[0]] == SIMPLE[code]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", STRANGE)
def test_what_stands_behind_other_code_is_asked_for_by_name(code: str, form: str) -> None:
    with pytest.raises(InputError, match=r"^line \d+: .*Lambda 'code' .* declare it"):
        read_program(program(form, code, "layers.ReLU()"), model="model")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", STRANGE)
def test_code_at_the_end_may_give_any_shape(code: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(program(form, code))
    found = answer(path, ReadOptions(KERAS3, model="model"))
    assert found.exit_code == 0
    (note,) = found.definition.notes
    assert "Lambda 'code'" in note
    assert "may have any shape" in note


@pytest.mark.parametrize(
    "code",
    ["lambda p: p[0] + p[1] * 0.5", "lambda p: ops.concatenate(p, axis=-1)", "mixed"],
)
def test_code_of_several_tensors(code: str) -> None:
    text = HEAD + "def mixed(pair):\n    a, b = pair\n    return ops.maximum(a, b)\n"
    text += "a = keras.Input((5,))\nb = keras.Input((5,))\n"
    text += f"x = layers.Lambda({code})([a, b])\nmodel = keras.Model([a, b], x, name='model')\n"
    graph = read_program(text, model="model").graph
    wanted = 10 if "concatenate" in code else 5
    assert trace(graph).shapes[graph.outputs[0]] == (None, wanted)


def test_code_has_the_shape_that_it_has_where_it_is_called() -> None:
    text = HEAD + (
        "w = keras.Input((None, 4))\nwide = keras.Model(w, layers.Lambda(lambda t: t * 2)(w))\n"
        "i = keras.Input((7, 4))\nx = layers.Dense(3)(layers.Flatten()(wide(i)))\n"
        "model = keras.Model(i, x, name='model')\n"
    )
    traced = trace(read_program(text, model="model").graph)
    assert traced.valid
    assert traced.shapes["flatten"] == (None, 28)


def test_following_code_leaves_nothing_behind() -> None:
    text = HEAD + (
        "i = keras.Input((8, 4))\nx = layers.Lambda(lambda t: dense(t))(i)\ny = dense(i)\n"
        "model = keras.Model(i, layers.Add()([x, y, dense(i)]), name='model')\n"
    )
    program = read_program(text, model="model")
    kinds = [node.layer.type for node in program.graph.nodes]
    assert kinds == ["Input", "Lambda", "Dense", "Dense", "Add"]
    assert [node.shares for node in program.graph.nodes] == [None, None, None, "dense", None]


@pytest.mark.parametrize("code", ["lambda t: t / 2", "strange, output_shape=(8, 4)"])
def test_code_is_never_taken_out(code: str, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = program(FORMS[1], code, "layers.LSTM(5)") + "model.add(layers.LSTM(3))\n"
    path.write_text(text)
    found = answer(path, ReadOptions(KERAS3, model="model"), write=True)
    assert found.exit_code == 1
    assert all("code" in repair.graph for repair in found.result.repairs)
    assert all(f"layers.Lambda({code}" in str(new) for new, _ in found.texts if new is not None)
    assert answer(path, ReadOptions(KERAS3, model="model")).exit_code == 0


def test_wrapped_code_is_asked_for() -> None:
    text = HEAD + "i = keras.Input((8, 4))\nx = layers.TimeDistributed(layers.Lambda({}))(i)\n"
    text += "model = keras.Model(i, x, name='model')\n"
    with pytest.raises(InputError, match=r"^line 13: TimeDistributed wraps a Lambda.* declare"):
        read_program(text.format("strange"), model="model")
    graph = read_program(text.format("strange, output_shape=(2,)"), model="model").graph
    assert trace(graph).shapes[graph.outputs[0]] == (None, 8, 2)
