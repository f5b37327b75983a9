"""Models made by classes and functions, several in one program, and what a message names."""

import pytest

from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = "import keras\nimport os\nfrom keras import layers\n"
BUILDER = (
    HEAD
    + """
class Builder:
    depth = 2
    def __init__(self, config, **more):
        self.config = {**config, **more}
        self.inputs = keras.Input(self.config["shape"])
    def block(self, x, width, *, name=None):
        return layers.Dense(width, name=name)(x)
    @property
    def classes(self):
        return self.config.get("classes", 10)

class Network(Builder):
    depth = 3
    def __init__(self, config):
        super().__init__(config, norm="batch")
    def build(self):
        x = self.inputs
        for k, width in enumerate(self.config["widths"], 1):
            x = self.block(x, width, name=f"block_{k}")
            if self.config["norm"] in ("batch", "layer"):
                x = layers.BatchNormalization(name="norm_%d" % k)(x)
        for kind, value in {"Dense": self.depth, "Dropout": 0.5}.items():
            x = getattr(layers, kind)(value)(x)
        self.model = keras.Model(self.inputs, self.block(x, self.classes, name="head"))
        return self.model

network = Network({"shape": (4,), "widths": [16, 32]})
"""
)
LAYERS = [
    ("block_1", "Dense(units=16)"),
    ("norm_1", "BatchNormalization()"),
    ("block_2", "Dense(units=32)"),
    ("norm_2", "BatchNormalization()"),
    ("dense", "Dense(units=3)"),
    ("dropout", "Dropout(rate=0.5)"),
    ("head", "Dense(units=10)"),
]


@pytest.mark.parametrize(
    "use", ["net = network.build()", "network.build()", "network.build()\nnetwork.model.summary()"]
)
def test_a_class_that_builds_a_model(use: str) -> None:
    graph = read_program(BUILDER + use + "\n").graph
    assert [(node.name, str(node.layer)) for node in graph.nodes][1:] == LAYERS


PAIR = (
    HEAD
    + """
def maker():
    model = keras.Sequential()
    model.add(layers.Dense(16, input_shape=(4,)))
    return model
def critic():
    model = keras.Sequential([layers.Dense(1, input_shape=(16,))])
    return model
"""
)
CHAIN = "def chain(a, b):\n    model = keras.Sequential()\n    model.add(a)\n    model.add(b)\n"
CHAIN += "    return model\nfirst, second = maker(), critic()\nwhole = chain(first, second)\n"


def output(text: str, model: str | None = None) -> tuple[object, ...]:
    graph = read_program(text, model=model).graph
    return trace(graph).shapes[graph.outputs[0]]


def test_the_outermost_of_several_models_is_meant() -> None:
    kinds = [node.layer.type for node in read_program(PAIR + CHAIN).graph.nodes]
    assert kinds.count("Dense") == 2  # of the generator and of the critic
    encoder = "i = keras.Input((4,))\nz = layers.Dense(2)(i)\nencoder = keras.Model(i, z)\n"
    assert output(HEAD + encoder + "both = keras.Model(i, layers.Dense(4)(z))\n") == (None, 4)


@pytest.mark.parametrize(
    ("name", "width"), [("maker", 16), ("critic", 1), ("6", 16), ("10", 1), ("whole", 1)]
)
def test_a_model_is_named_by_its_variable_its_function_or_its_line(name: str, width: int) -> None:
    assert output(PAIR + CHAIN, name) == (None, width)


def test_models_of_one_name_are_told_apart_by_their_places() -> None:
    with pytest.raises(InputError, match=r"maker \(line 6\), critic \(line 10\)"):
        read_program(PAIR + "a = maker()\nb = critic()\n")
    with pytest.raises(InputError, match=r"line 6, line 6"):
        read_program(PAIR + "a = maker()\nb = maker()\n", model="maker")
    with pytest.raises(InputError, match="unknown model 'other'"):
        read_program(PAIR + CHAIN, model="other")


CAUSES = {
    "for n in os.listdir('a'):\n    x = layers.Dense(int(n))(x)": "line 5: .*loop over os.listdir",
    "if os.path.exists('a'):\n    x = layers.Dense(3)(x)": r"line 5: .*if os.path.exists",
    "x = os.fspath(x)": r"line 5: os.fspath\(x\)",
    "x = layers.Add()([x, os.fspath(x)])": r"line 5: os.fspath\(x\)",
}


@pytest.mark.parametrize("statement", CAUSES)
def test_what_is_not_followed_is_named_with_its_own_line(statement: str) -> None:
    text = f"{HEAD}x = i = keras.Input((4,))\n{statement}\ny = layers.Dense(2)(x)\n"
    with pytest.raises(InputError, match=CAUSES[statement]):
        read_program(text + "m = keras.Model(i, layers.Dense(1)(y))\n")


def test_a_layer_is_found_by_the_name_that_the_program_gives_it() -> None:
    text = f"{HEAD}i = keras.Input((4,))\nx = layers.Dense(3, name='middle')(i)\n"
    text += "base = keras.Model(i, layers.Dense(2)(x))\n"
    graph = read_program(
        text + "m = keras.Model(base.input, base.get_layer('middle').output)\n"
    ).graph
    assert any(node.name == "middle" for node in graph.nodes)
    for name in ("other", "dense"):
        with pytest.raises(InputError, match=r"line 7: base\.get_layer"):
            read_program(
                text + f"m = keras.Model(base.input, base.get_layer('{name}').output)\n", model="m"
            )
