"""Flax NNX: source of a network and of its layers."""

from repair.architecture.formats.nnx.code import nnx_class
from repair.architecture.formats.nnx.layers import nnx_code

__all__ = ["nnx_class", "nnx_code"]
