"""Whole data sets through a compiled function: in batches of one static shape, on all devices."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Num


def in_batches(
    step: Callable[..., jax.Array],
    x: Num[np.ndarray, "N ..."],
    size: int,
    *further: Num[np.ndarray, "N ..."],
    axis: int = 0,
) -> Num[np.ndarray, "..."]:
    """step(x, *further) for inputs batch by batch, each split over the devices, the last one padded.

    Args:
        step: a compiled function that treats each input on its own.
        x: (N, ...) inputs.
        size: how many inputs are in a batch; rounded up to a multiple of the number of devices.
        further: arrays (N, ...) of the inputs, such as their labels.
        axis: the axis of the inputs in the result of `step`.

    Returns:
        What `step` gives, with N inputs along `axis`.
    """
    size = -(-size // jax.local_device_count()) * jax.local_device_count()
    results = []
    for begin in range(0, max(len(x), 1), size):
        batch = [_padded(array[begin : begin + size], size) for array in (x, *further)]
        results.append(step(*jax.device_put(batch, over_devices("batch"))))
    whole = np.concatenate([np.asarray(result) for result in results], axis=axis)
    return whole[(slice(None),) * axis + (slice(len(x)),)]


def _padded(batch: np.ndarray, size: int) -> np.ndarray:
    return np.pad(batch, [(0, size - len(batch))] + [(0, 0)] * (batch.ndim - 1))


def replicated(tree: Any) -> Any:
    """The arrays of a tree on every device, to go with the batches of `in_batches`."""
    return jax.device_put(tree, over_devices())


def over_devices(*axes: str) -> NamedSharding:
    """How an array lies on the devices: "batch" for an axis that is split over them; all else is whole on each."""
    mesh = Mesh(np.array(jax.local_devices()), ("batch",))
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]
