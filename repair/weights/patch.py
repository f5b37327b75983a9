"""A patch: a sparse change of weights, a file of a few kB.

The file is a NumPy archive (`.npz`) that is applied without this package like this, for a network whose
weights are arrays `weights[layer][array]` (dense kernels (in, out), convolution kernels (height, width,
in, out), biases (out,)):

    patch = np.load("patch.npz")
    for key in patch.files:
        if key.endswith("/indices"):
            layer, array, _ = key.rsplit("/", 2)
            changed = weights[layer][array].astype(np.float64)
            changed.ravel()[patch[key]] += patch[f"{layer}/{array}/values"]
            weights[layer][array] = changed.astype(np.float32)

`LAYER/ARRAY/shape` is the array's shape, and `base` the fingerprint of the network that the patch is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Float64, Int64

from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive
from repair.weights.network.convolution import Shape
from repair.weights.network.network import Network

VERSION = 1
Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Delta:
    """Change of some elements of one array.

    Attributes:
        indices: (k,) ascending C-order indices in the array.
        values: (k,) what is added there; finite, none of them zero.
        shape: the array's shape.
    """

    indices: Int64[np.ndarray, " k"]
    values: Float64[np.ndarray, " k"]
    shape: Shape

    def __post_init__(self) -> None:
        """Sort, drop zeros; InputError for indices or values that cannot be."""
        indices, values = np.asarray(self.indices), np.asarray(self.values, np.float64)
        shape = tuple(int(size) for size in self.shape)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        if indices.ndim != 1 or indices.shape != values.shape or indices.dtype.kind not in "iu":
            raise InputError(
                f"a delta needs as many values as whole indices; got {values.shape} {values.dtype} and"
                f" {indices.shape} {indices.dtype}."
            )
        order = np.argsort(indices, kind="stable")
        indices, values = indices[order].astype(np.int64), values[order]
        size = int(np.prod(shape))
        if indices.size and not (
            indices[0] >= 0 and indices[-1] < size and np.all(np.diff(indices))
        ):
            raise InputError(f"indices of a delta must be different and within 0..{size - 1}.")
        if not np.isfinite(values).all():
            raise InputError("values of a delta must be finite; got NaN or infinite ones.")
        kept = values != 0
        for name, value in (("indices", indices[kept]), ("values", values[kept]), ("shape", shape)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, dense: Any) -> Self:
        """The nonzero part of a dense change."""
        dense = np.asarray(dense, np.float64)
        indices = np.flatnonzero(dense)
        return cls(indices, dense.ravel()[indices], dense.shape)

    @property
    def dense(self) -> Float64[np.ndarray, "..."]:
        """The change as a float64 array of the full shape."""
        full = np.zeros(self.shape)
        full.ravel()[self.indices] = self.values
        return full


@dataclass(frozen=True, eq=False)
class Patch:
    """Changes of a network's weights; deltas of the same network add up, and scale.

    Attributes:
        base: fingerprint of the network that the patch is for (`Network.fingerprint`).
        deltas: what changes, by (layer, "kernel" | "bias"); arrays without a change are left out.
    """

    base: str
    deltas: Mapping[Key, Delta] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Leave out empty deltas; order the others, so that equal patches are written alike."""
        kept = {key: delta for key, delta in sorted(self.deltas.items()) if delta.indices.size}
        object.__setattr__(self, "deltas", kept)

    @classmethod
    def dense(cls, network: Network, changes: Mapping[Key, Any]) -> Self:
        """From dense changes by (layer, array), each of the array's shape; zeros change nothing."""
        patch = cls(
            network.fingerprint(), {key: Delta.of(change) for key, change in changes.items()}
        )
        for key, change in changes.items():
            patch._check(network, key, np.shape(change))
        return patch

    @classmethod
    def sparse(cls, network: Network, changes: Mapping[Key, tuple[Any, Any]]) -> Self:
        """From (indices, values) by (layer, array); indices are those of the array in C order."""
        deltas = {}
        for (layer, array), (indices, values) in changes.items():
            weights = network.weights(layer)
            shape = weights[array].shape if array in weights else ()
            cls(network.fingerprint())._check(network, (layer, array), shape)
            deltas[layer, array] = Delta(np.asarray(indices), np.asarray(values), shape)
        return cls(network.fingerprint(), deltas)

    @classmethod
    def between(cls, network: Network, other: Network) -> Self:
        """The patch that turns `network` into `other`, a network of the same layers."""
        return cls.dense(
            network,
            {
                (layer, array): np.asarray(value, np.float64) - np.asarray(before, np.float64)
                for layer in network.weighted
                for (array, before), value in zip(
                    network.weights(layer).items(), other.weights(layer).values(), strict=True
                )
            },
        )

    def apply(self, network: Network) -> Network:
        """The patched network: base weights plus deltas in float64, rounded to float32 once.

        Raises:
            InputError: another network than the one that the patch is for.
        """
        fingerprint = network.fingerprint()
        if fingerprint != self.base:
            raise InputError(
                f"the patch is for a network with fingerprint {self.base[:12]}..., but this one has"
                f" {fingerprint[:12]}...: its weights or layers differ. Apply it to the network it was made for."
            )
        for layer in self.layers:
            changed = {}
            for (name, array), delta in self.deltas.items():
                if name == layer:
                    self._check(network, (name, array), delta.shape)
                    changed[array] = (
                        np.asarray(network.weights(name)[array], np.float64) + delta.dense
                    )
            network = network.replace(layer, **changed)
        return network

    def _check(self, network: Network, key: Key, shape: Shape) -> None:
        weights, (layer, array) = network.weights(key[0]), key
        if array not in weights or weights[array].shape != tuple(shape):
            has = ", ".join(f"{name} {value.shape}" for name, value in weights.items()) or "none"
            raise InputError(
                f"a change of {array} {tuple(shape)} does not fit layer {layer!r}, whose weights are: {has}."
            )

    def __add__(self, other: "Patch") -> Self:
        """Both changes at once; both patches must be for the same network."""
        if self.base != other.base:
            raise InputError("patches for different networks cannot be added.")
        keys = (*self.deltas, *other.deltas)
        summed = {
            key: Delta.of(
                sum(patch.deltas[key].dense for patch in (self, other) if key in patch.deltas)
            )
            for key in keys
        }
        return type(self)(self.base, summed)

    def scaled(self, factor: float) -> Self:
        """The patch with every value multiplied by the factor."""
        return type(self)(
            self.base,
            {
                key: Delta(delta.indices, delta.values * factor, delta.shape)
                for key, delta in self.deltas.items()
            },
        )

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that change."""
        return tuple(dict.fromkeys(layer for layer, _ in self.deltas))

    @property
    def weights_changed(self) -> int:
        """How many numbers change, kernels and biases together."""
        return sum(delta.indices.size for delta in self.deltas.values())

    @property
    def l1(self) -> float:
        """Sum of the absolute changes."""
        return float(sum(np.abs(delta.values).sum() for delta in self.deltas.values()))

    @property
    def linf(self) -> float:
        """Largest absolute change; 0 for an empty patch."""
        return float(
            max((np.abs(delta.values).max() for delta in self.deltas.values()), default=0.0)
        )

    def describe(self) -> dict[str, Any]:
        """The record's `patch` entry: layers, weights_changed, l1, linf."""
        return {
            "layers": list(self.layers),
            "weights_changed": self.weights_changed,
            "l1": self.l1,
            "linf": self.linf,
        }

    def save(self, path: str | Path) -> None:
        """Write the patch, atomically; equal patches give equal bytes."""
        write_archive(Path(path), {"version": np.array(VERSION), **self.arrays()})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The patch in a file; InputError for a damaged one or one that holds no patch."""
        arrays = read_archive(Path(path))
        if "version" not in arrays or "base" not in arrays or arrays["version"] != VERSION:
            raise InputError(
                f"{path} is no patch file of version {VERSION}; expected what Patch.save writes."
            )
        return cls.of_arrays(arrays, str(path))

    def arrays(self) -> dict[str, np.ndarray]:
        """The patch as named arrays, in the names of its file."""
        arrays = {"base": np.array(self.base)}
        for (layer, array), delta in self.deltas.items():
            arrays[f"{layer}/{array}/indices"] = delta.indices
            arrays[f"{layer}/{array}/values"] = delta.values
            arrays[f"{layer}/{array}/shape"] = np.array(delta.shape, np.int64)
        return arrays

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], source: str) -> Self:
        """The patch of what `arrays` gave; `source` says in an error where they are from."""
        deltas = {}
        for key in arrays:
            if not key.endswith("/indices"):
                continue
            stem = key.removesuffix("/indices")
            values, shape = arrays.get(f"{stem}/values"), arrays.get(f"{stem}/shape")
            if "/" not in stem or values is None or shape is None:
                raise InputError(
                    f"{source} lacks the values or the shape of {stem!r}; the file is damaged."
                )
            layer, array = stem.rsplit("/", 1)
            deltas[layer, array] = Delta(arrays[key], values, tuple(shape.ravel().tolist()))
        return cls(str(arrays["base"]), deltas)
