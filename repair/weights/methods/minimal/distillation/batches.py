"""Batches of tests that stay on the devices, all of one size, so that a function of them is compiled once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from repair.weights.network.batches import over_devices
from repair.weights.tangent import Weights


class DeviceBatch(NamedTuple):
    """Tests on the devices, split over them.

    Attributes:
        entering: (N, ...) float32 activations that enter the first layer.
        targets: (N, classes) float32 soft targets.
        sample_weights: (N,) float32, 0 of tests that pad the batch.
    """

    entering: jax.Array
    targets: jax.Array
    sample_weights: jax.Array


def device_batches(tests: Sequence[np.ndarray], order: np.ndarray, size: int) -> list[DeviceBatch]:
    """Batches of some tests, all of one size; the last is padded with tests of no weight.

    Args:
        tests: the fields of `DeviceBatch`, each (N, ...).
        order: (M,) indices of the tests, in the order of the batches.
        size: tests in a batch, which is rounded up to as many on each device.
    """
    devices = jax.local_device_count()
    size = -(-size // devices) * devices
    batches = []
    for begin in range(0, len(order), size):
        chosen = order[begin : begin + size]
        lacking = size - len(chosen)
        parts = [x[chosen].astype(np.float32) for x in tests]
        padded = [np.pad(x, [(0, lacking)] + [(0, 0)] * (x.ndim - 1)) for x in parts]
        batches.append(DeviceBatch(*jax.device_put(padded, over_devices("batch"))))
    return batches


def first_tests(batch: DeviceBatch, count: int) -> DeviceBatch:
    """The first tests of a batch, at most `count`, as many on each device."""
    count = min(count, len(batch.sample_weights))
    count -= count % jax.local_device_count()
    return DeviceBatch(*jax.device_put([x[:count] for x in batch], over_devices("batch")))


def batch_size(weights: Weights, count: int) -> int:
    """How many of `count` tests to put in a batch: a power of two.

    On CPU so few that memory for activations is not paged in anew at every batch.
    """
    network = weights.network
    shapes = network.shapes[network.position(weights.layers[0]) :]
    room = 2**22 if jax.default_backend() == "cpu" else 2**31
    size = max(16, room // (4 * max(map(math.prod, shapes))))
    return min(1 << round(math.log2(min(size, 8192))), 1 << (count - 1).bit_length())
