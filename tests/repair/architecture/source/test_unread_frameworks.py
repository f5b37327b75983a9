"""Programs of frameworks that are not read are told so, and are not taken for others."""

import pytest

from repair.architecture.source.program import read_program
from repair.architecture.source.unread_frameworks import UNREAD
from repair.errors import InputError

BODY = """
class Net({base}):
    def __init__(self):
        super().__init__()
        self.first = {layer}
    def forward(self, x):
        return self.first(x)
"""
TORCH = {
    "import torch.nn as nn": ("nn.Module", "nn.Linear(8, 3)"),
    "from torch import nn": ("nn.Module", "nn.Linear(8, 3)"),
    "import torch": ("torch.nn.Module", "torch.nn.Linear(8, 3)"),
    "from torch.nn import Module, Linear": ("Module", "Linear(8, 3)"),
    "from torch.nn import *": ("Module", "Linear(8, 3)"),
    "import numpy as np\nimport torch.nn as tnn": ("tnn.Module", "tnn.Linear(8, 3)"),
}
USES = ("", "net = Net()\n", "net = Net()\ny = net(torch.randn(2, 8))\n", "net = Net")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("imports", TORCH)
def test_pytorch_is_named(imports: str, use: str) -> None:
    base, layer = TORCH[imports]
    text = f"{imports}\n{BODY.format(base=base, layer=layer)}{use}"
    with pytest.raises(InputError, match=r"line \d: PyTorch programs are not read yet"):
        read_program(text)


def test_a_chain_of_pytorch_is_named() -> None:
    text = "import torch.nn as nn\nnet = nn.Sequential(nn.Linear(8, 3), nn.ReLU())\n"
    for name in (None, "net"):
        with pytest.raises(InputError, match="line 1: PyTorch programs are not read yet"):
            read_program(text, model=name)


def test_linen_is_not_nnx() -> None:
    text = (
        "from flax import linen as nn\nclass Net(nn.Module):\n    @nn.compact\n"
        "    def __call__(self, x):\n        return nn.Dense(3)(x)\n"
    )
    with pytest.raises(InputError, match="line 1: Flax linen programs are not read yet"):
        read_program(text, input_shapes=((8,),))


def test_classes_of_other_packages_are_no_models() -> None:
    text = (
        "from django.db import models\nclass Row(models.Model):\n    def call(self, x): return x\n"
    )
    with pytest.raises(InputError, match="defines no network that can be read"):
        read_program(text, input_shapes=((8,),))


def test_a_model_that_is_read_may_stand_beside_what_is_not() -> None:
    keras = "import keras\nm = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])\n"
    for package in UNREAD:
        assert len(read_program(f"import {package}\n{keras}").graph) == 2
