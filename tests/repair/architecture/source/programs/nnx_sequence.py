"""A recurrent classifier over frames: the frames are still images when the cell sees them."""

import jax.numpy as jnp
from flax import nnx


class Recognizer(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.rnn = nnx.RNN(nnx.LSTMCell(64, 48, rngs=rngs))
        self.out = nnx.Linear(48, 5, rngs=rngs)

    def __call__(self, x):
        x = self.rnn(x)
        return self.out(x[:, -1])


model = Recognizer(nnx.Rngs(0))
assert model(jnp.ones((2, 20, 8, 8))).shape == (2, 5)
