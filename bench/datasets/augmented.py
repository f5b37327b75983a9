"""Mirror images and augmented copies: more tests out of the same repair images, as training has long had them.

Each augmented copy is turned, scaled, sheared and shifted a little, by bilinear interpolation (Simard, Steinkraus and
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
# Relative to the size of each axis; a shift of 1.2 pixels of 28.
SCALE = 0.08
SHEAR = 0.12
SHIFT = 0.043
BATCH = 500


def with_mirrored(examples: Examples) -> Examples:
    """The examples, then the mirror image of each, left for right.

    Args:
        examples: images (N, H, W, C).

    Raises:
        InputError: inputs that are no images.
    """
    _must_be_images(examples, "mirrored_images=true", "mirrored", "false")
    return replace(
        examples,
        images=np.concatenate([examples.images, examples.images[:, :, ::-1]]),
        labels=np.tile(examples.labels, 2),
    )


def with_augmented_copies(examples: Examples, copies: int, seed: int) -> Examples:
    """The examples, then so many augmented copies of each; equal motions for equal numbers of examples.

    Args:
        examples: images (N, H, W, C).
        copies: the number of copies of each image.
        seed: the seed of the motions.

    Raises:
        InputError: fewer than no copies, or inputs that are no images.
    """
    if copies < 0:
        raise InputError(f"augmented_copies is {copies}; expected at least 0.")
    if not copies:
        return examples
    _must_be_images(examples, f"augmented_copies={copies}", "augmented", "0")
    motions = np.random.default_rng(seed).uniform(-1, 1, (copies, len(examples), 6))
    augmented = [in_batches(_transformed, examples.images, BATCH, some) for some in motions]
    return replace(
        examples,
        images=np.concatenate([examples.images, *augmented]),
        labels=np.tile(examples.labels, 1 + copies),
    )


def _must_be_images(examples: Examples, setting: str, what: str, without: str) -> None:
    if examples.images.ndim != 4:
        raise InputError(
            f"{setting}: inputs of shape {examples.images.shape[1:]} cannot be {what};"
            f" expected images (H, W, C). Leave it at {without}."
        )


@jax.jit
def _transformed(images: jax.Array, motions: jax.Array) -> jax.Array:
    """Images (N, H, W, C) after motions (N, 6): turn, two scales, shear and two shifts, each from -1 to 1."""
    return jax.vmap(_transformed_one)(images, motions.astype(jnp.float32))


def _transformed_one(image: jax.Array, motion: jax.Array) -> jax.Array:
    size = jnp.array(image.shape[:2], jnp.float32)
    turn, shear = motion[0] * TURN, motion[3] * SHEAR
    cos, sin = jnp.cos(turn), jnp.sin(turn)
    turned, sheared = jnp.array([[cos, -sin], [sin, cos]]), jnp.eye(2).at[1, 0].set(shear)
    matrix = turned @ sheared * (1 + SCALE * motion[1:3])
    centre = (size[:, None, None] - 1) / 2
    positions = jnp.indices(image.shape[:2], jnp.float32) - centre
    positions = jnp.einsum("ij,jhw->ihw", matrix, positions) + centre
    positions = positions + (SHIFT * size * motion[4:])[:, None, None]
    pixels = jax.vmap(lambda plane: map_coordinates(plane, list(positions), order=1), 2, 2)(
        image.astype(jnp.float32)
    )
    return (jnp.round(pixels) if image.dtype == jnp.uint8 else pixels).astype(image.dtype)
