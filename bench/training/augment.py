"""Augmentation of training images, on the device."""

import jax
import jax.numpy as jnp

SHIFT = 4  # pixels, as He, Zhang, Ren and Sun, arXiv 1512.03385, section 4.2


def flipped_and_cropped(key: jax.Array, images: jax.Array) -> jax.Array:
    """Images (N, H, W, C), each flipped left to right or not, and shifted by up to SHIFT pixels; zeros come in."""
    flip, shift = jax.random.split(key)
    flips = jax.random.bernoulli(flip, shape=(len(images), 1, 1, 1))
    images = jnp.where(flips, images[:, :, ::-1], images)
    padded = jnp.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
    starts = jax.random.randint(shift, (len(images), 2), 0, 2 * SHIFT + 1)

    def crop(image: jax.Array, start: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (start[0], start[1], 0), images.shape[1:])

    return jax.vmap(crop)(padded, starts)
