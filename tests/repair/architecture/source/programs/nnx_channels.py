"""Colour images into a network written for grey ones, and a norm of another width."""

import jax.numpy as jnp
from flax import nnx


class Block(nnx.Module):
    def __init__(self, inputs, outputs, rngs):
        self.conv = nnx.Conv(inputs, outputs, (3, 3), strides=2, rngs=rngs)
        self.norm = nnx.LayerNorm(32, rngs=rngs)

    def __call__(self, x):
        return nnx.gelu(self.norm(self.conv(x)))


class Net(nnx.Module):
    def __init__(self, rngs):
        self.stem = Block(1, 16, rngs)
        self.head = nnx.Linear(16, 10, rngs=rngs)

    def __call__(self, x):
        x = self.stem(x)
        x = jnp.mean(x, axis=(1, 2))
        return self.head(x)


net = Net(nnx.Rngs(0))
assert net(jnp.ones((2, 32, 32, 3))).shape == (2, 10)
