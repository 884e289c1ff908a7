"""Samples and targets of the linear convolutional programs, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from arrangement.options import short_repr
from convex_solver.reading.arrays import (
    digest,
    read_patches,
    read_signals,
    read_targets,
)
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples and their targets; copies, in which nothing can be changed.

    Attributes
    ----------
    X : ndarray, float64, read-only
        Patches (n, K, d) of a linear CNN, or signals (n, d) of a circular one.
    y : ndarray, shape (n,) or (n, C), float64, read-only
        Targets.
    digest : str
        SHA-256 of both.
    """

    X: Array
    y: Array
    digest: str = field(repr=False)

    __repr__ = short_repr

    @property
    def flat(self) -> Array:
        """One row a sample."""
        return self.X.reshape(len(self.X), -1)

    @property
    def outputs(self) -> Array:
        """The targets as a matrix, (n, C)."""
        return self.y.reshape(len(self.y), -1)


def read_patch_samples(patches: ArrayLike | Any, y: ArrayLike | Any) -> Samples:
    """Read patches (n, K, d) and targets (n,) or (n, C)."""
    X = read_patches(patches)
    return _samples(X, read_targets(y, len(X)))


def read_signal_samples(X: ArrayLike | Any, y: ArrayLike | Any) -> Samples:
    """Read signals (n, d) and targets (n,)."""
    signals = read_signals(X)
    return _samples(signals, read_targets(y, len(signals), vector=False))


def _samples(X: Array, y: Array) -> Samples:
    for array in (X, y):
        array.setflags(write=False)
    return Samples(X, y, digest(X, y))
