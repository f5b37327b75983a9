"""Mirror images and moved copies: more tests out of the same repair images, as training has long had them.

Each moved copy is turned, scaled, sheared and shifted a little, by bilinear interpolation (Simard, Steinkraus and
Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR 2003, section 2).
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from repair.errors import InputError
from repair.weights.network.batches import in_batches
from repair.weights.problem import Examples

TURN = np.deg2rad(10)
SCALE = 0.08  # relative, of each axis
SHEAR = 0.12
SHIFT = 0.043  # relative to the image's sides: 1.2 pixels of 28
BATCH = 500


def with_mirrored(examples: Examples) -> Examples:
    """The examples, then each as in a mirror, left for right.

    Args:
        examples: images (N, H, W, C).

    Raises:
        InputError: inputs that are no images.
    """
    _must_be_images(examples, "repair_mirrored=true", "mirrored", "false")
    return replace(
        examples,
        images=np.concatenate([examples.images, examples.images[:, :, ::-1]]),
        labels=np.tile(examples.labels, 2),
    )


def with_copies(examples: Examples, copies: int, seed: int) -> Examples:
    """The examples, then so many moved copies of each; equal motions for equal numbers of examples.

    Args:
        examples: images (N, H, W, C).
        copies: of each.
        seed: of the motions.

    Raises:
        InputError: fewer than no copies, or inputs that are no images.
    """
    if copies < 0:
        raise InputError(f"repair_copies is {copies}; expected at least 0.")
    if not copies:
        return examples
    _must_be_images(examples, f"repair_copies={copies}", "moved", "0")
    motions = np.random.default_rng(seed).uniform(-1, 1, (copies, len(examples), 6))
    moved = [in_batches(_moved, examples.images, BATCH, some) for some in motions]
    return replace(
        examples,
        images=np.concatenate([examples.images, *moved]),
        labels=np.tile(examples.labels, 1 + copies),
    )


def _must_be_images(examples: Examples, setting: str, what: str, without: str) -> None:
    if examples.images.ndim != 4:
        raise InputError(
            f"{setting}: inputs of shape {examples.images.shape[1:]} cannot be {what};"
            f" expected images (H, W, C). Leave it at {without}."
        )


@jax.jit
def _moved(images: jax.Array, motions: jax.Array) -> jax.Array:
    """Images (N, H, W, C) after motions (N, 6): turn, two scales, shear and two shifts, each from -1 to 1."""
    return jax.vmap(_one_moved)(images, motions.astype(jnp.float32))


def _one_moved(image: jax.Array, motion: jax.Array) -> jax.Array:
    size = jnp.array(image.shape[:2], jnp.float32)
    turn, shear = motion[0] * TURN, motion[3] * SHEAR
    cos, sin = jnp.cos(turn), jnp.sin(turn)
    turned, sheared = jnp.array([[cos, -sin], [sin, cos]]), jnp.eye(2).at[1, 0].set(shear)
    matrix = turned @ sheared * (1 + SCALE * motion[1:3])
    centre = (size[:, None, None] - 1) / 2
    places = jnp.indices(image.shape[:2], jnp.float32) - centre
    places = jnp.einsum("ij,jhw->ihw", matrix, places) + centre
    places = places + (SHIFT * size * motion[4:])[:, None, None]
    pixels = jax.vmap(lambda plane: map_coordinates(plane, list(places), order=1), 2, 2)(
        image.astype(jnp.float32)
    )
    return (jnp.round(pixels) if image.dtype == jnp.uint8 else pixels).astype(image.dtype)
