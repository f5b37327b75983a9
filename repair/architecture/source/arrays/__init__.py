"""Functions of arrays that the frameworks share: those of numpy, jax.numpy, jax.nn and keras.ops."""
