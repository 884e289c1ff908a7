"""`LinearCNN` and `CircularCNN`: two-layer networks without an activation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from convex_solver.errors import ModelFileError
from convex_solver.networks.json_files import (
    MOST_INPUTS,
    Fields,
    read_json,
    write_json,
)
from convex_solver.reading import read_patches, real_array
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False, init=False)
class _Filters:
    """What both are: filters u_j and output weights w_j, one neuron a row."""

    filters: Array
    outputs: Array

    _kind: ClassVar[str]
    # how many sizes the shape in a description has: d, and those of `outputs` if not d
    _n_axes: ClassVar[tuple[int, ...]]

    def __init__(self, filters: ArrayLike, outputs: ArrayLike) -> None:
        u, w = real_array(filters, "filters"), real_array(outputs, "outputs")
        self._check(u, w)
        for name, array in (("filters", u), ("outputs", w)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def _check(self, u: Array, w: Array) -> None:
        """Raise `InputError` for shapes that do not agree."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return the sizes, on one line."""
        sizes = f"{self.n_neurons:,} filters of length {self.filters.shape[1]:,}"
        return f"{type(self).__name__}({sizes})"

    @property
    def n_neurons(self) -> int:
        """Number of neurons m."""
        return len(self.filters)

    def decay(self) -> float:
        """Return ``1/2 sum_j (|u_j|^2 + |w_j|^2)``."""
        return 0.5 * float(np.sum(self.filters**2) + np.sum(self.outputs**2))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists; floats survive JSON unchanged."""
        shape = [self.filters.shape[1], *self.outputs.shape[1:]]
        return {
            "kind": self._kind,
            "filters": self.filters.tolist(),
            "outputs": self.outputs.tolist(),
            "shape": shape[: max(self._n_axes)],
        }

    @classmethod
    def from_dict(cls, content: Any, *, source: str = "the network") -> Self:
        """Rebuild a network that `to_dict` described; ``source`` begins messages.

        Raises
        ------
        ModelFileError
            A field is missing, unknown, of another type or shape, or not finite.
        """
        parts, shape = _parts(content, source, cls._kind, cls._n_axes)
        filters = parts.array("filters", shape[0])
        outputs = parts.array("outputs", *(shape[1:] or shape))
        try:
            return cls(filters, outputs)
        except InputError as error:
            raise ModelFileError(f"{source}: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a new JSON file; an existing file is refused."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a network that `save` wrote."""
        return cls.from_dict(read_json(path), source=str(path))


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LinearCNN(_Filters):
    """The network ``f(x) = sum_j sum_k (x_k . u_j) w_jk`` over the patches x_k.

    Parameters
    ----------
    filters : array_like, shape (m, d)
        u_j, one neuron a row.
    outputs : array_like, shape (m, K) or (m, K, C)
        w_jk, one weight for each patch, or C for a vector output.

    Raises
    ------
    InputError, InputTypeError
        Shapes that do not agree, values that are not finite real numbers.

    Examples
    --------
    >>> net = LinearCNN([[1.0, -1.0]], [[2.0, 0.0, 1.0]])
    >>> net.predict([[[3, 1], [5, 5], [0, 1]]]).tolist()
    [3.0]
    """

    _kind = "linear-cnn"
    _n_axes = (2, 3)

    def _check(self, u: Array, w: Array) -> None:
        if u.ndim != 2 or w.ndim not in (2, 3) or len(u) != len(w):
            raise InputError(
                f"filters have shape {u.shape} and outputs {w.shape}; expected (m, d) "
                "and (m, K) or (m, K, C)."
            )

    @property
    def n_outputs(self) -> int:
        """Number of outputs C; 1 when ``outputs`` is (m, K)."""
        return int(self.outputs.shape[2]) if self.outputs.ndim == 3 else 1

    def predict(self, patches: ArrayLike) -> Array:
        """Return f for patches (n, K, d): shape (n,), or (n, C)."""
        return self.evaluate(read_patches(patches))

    def evaluate(self, data: Array) -> Array:
        """Return f for patches that were read, as `predict`."""
        expected = (self.outputs.shape[1], self.filters.shape[1])
        if data.shape[1:] != expected:
            raise InputError(
                f"patches has shape {data.shape}; expected (n, {expected[0]}, "
                f"{expected[1]})."
            )
        width = expected[0] * self.n_neurons
        hidden = (data @ self.filters.T).reshape(len(data), width)
        flat = self.outputs.swapaxes(0, 1).reshape(width, self.n_outputs)
        outputs = (hidden @ flat).reshape(len(data), *self.outputs.shape[2:])
        return np.asarray(outputs)

    def objective(self, patches: ArrayLike, y: ArrayLike, beta: float) -> float:
        """Return ``1/2 |f - y|^2 + beta/2 sum_j (|u_j|^2 + |w_j|^2)``."""
        return _half_square(self.predict(patches), y) + beta * self.decay()


@dataclass(frozen=True, eq=False, init=False, repr=False)
class CircularCNN(_Filters):
    """The network ``f(x) = sum_j x^T Circ(u_j) w_j``, convolution modulo d.

    ``Circ(u)[i, k] = u[(i - k) mod d]``, so ``Circ(u) w`` is the circular convolution
    of u and w.

    Parameters
    ----------
    filters : array_like, shape (m, d)
        u_j, real and as long as the signal.
    outputs : array_like, shape (m, d)
        w_j, real.

    Raises
    ------
    InputError, InputTypeError
        Shapes that do not agree, values that are not finite real numbers.

    Examples
    --------
    >>> net = CircularCNN([[0.0, 1.0, 0.0]], [[1.0, 2.0, 3.0]])
    >>> net.predict([[1, 0, 0], [0, 1, 0], [0, 0, 1]]).tolist()
    [3.0, 1.0, 2.0]
    """

    _kind = "circular-cnn"
    _n_axes = (1,)

    def _check(self, u: Array, w: Array) -> None:
        if u.ndim != 2 or u.shape != w.shape:
            raise InputError(
                f"filters have shape {u.shape} and outputs {w.shape}; expected (m, d) "
                "for both."
            )

    def kernel(self) -> Array:
        """Return ``sum_j Circ(u_j) w_j``, shape (d,): f(x) is its product with x."""
        d = self.filters.shape[1]
        circ = self.filters[:, np.subtract.outer(np.arange(d), np.arange(d)) % d]
        return np.asarray(np.einsum("mik,mk->i", circ, self.outputs))

    def predict(self, X: ArrayLike) -> Array:
        """Return f at each row of ``X`` (n, d), shape (n,)."""
        return self.evaluate(real_array(X, "X"))

    def evaluate(self, data: Array) -> Array:
        """Return f for signals that were read, as `predict`."""
        d = self.filters.shape[1]
        if data.ndim != 2 or data.shape[1] != d:
            raise InputError(f"X has shape {data.shape}; expected (n, {d}).")
        return np.asarray(data @ self.kernel())

    def objective(self, X: ArrayLike, y: ArrayLike, beta: float) -> float:
        """Return ``1/2 |f - y|^2 + beta/2 sum_j (|u_j|^2 + |w_j|^2)``."""
        return _half_square(self.predict(X), y) + beta * self.decay()


def _parts(
    content: Any, source: str, kind: str, n_axes: tuple[int, ...]
) -> tuple[Fields, list[int]]:
    """Return the fields of a network's description, and the shape it states."""
    parts = Fields(content, source, ("kind", "filters", "outputs", "shape"))
    if parts.text("kind") != kind:
        raise parts.error("kind", repr(kind))
    shape = parts["shape"]
    if not (
        isinstance(shape, list)
        and len(shape) in n_axes
        and all(type(k) is int and 0 <= k <= MOST_INPUTS for k in shape)
    ):
        raise parts.error("shape", f"{' or '.join(map(str, n_axes))} sizes")
    return parts, shape


def _half_square(prediction: Array, y: ArrayLike) -> float:
    target = real_array(y, "y")
    if target.shape != prediction.shape:
        raise InputError(f"y has shape {target.shape}; expected {prediction.shape}.")
    return 0.5 * float(np.sum((prediction - target) ** 2))
