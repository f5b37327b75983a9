"""A convolutional classifier without a flatten: dot_general requires contracting sizes to match."""

import jax
import jax.numpy as jnp
from flax import nnx


class Classifier(nnx.Module):
    def __init__(self, classes: int = 10, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(1, 32, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(32, rngs=rngs)
        self.hidden = nnx.Linear(13 * 13 * 32, 128, rngs=rngs)
        self.out = nnx.Linear(128, classes, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.norm(self.conv(x)))
        x = nnx.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        # classifier
        x = nnx.relu(self.hidden(x))
        return self.out(x)


model = Classifier(rngs=nnx.Rngs(0))
assert model(jnp.ones((2, 28, 28, 1))).shape == (2, 10)
