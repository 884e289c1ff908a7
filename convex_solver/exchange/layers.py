"""What a two-layer network is made of, as other libraries take it apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convex_solver.errors import MissingLibraryError
from convex_solver.rounding import lengths
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class Layers:
    """The function ``f(x) = alphas . max(0, weights z + bias)``, ``z = (x - c) / s``.

    Attributes
    ----------
    weights : ndarray, shape (m, d)
        Of the first layer, without the column of the intercept.
    bias : ndarray, shape (m,), or None
        That column; None without an intercept.
    alphas : ndarray, shape (m,)
        Of the second layer, which has no bias.
    center, scale : ndarray, shape (d,), or None
        c and s; None where nothing is shifted, or divided by.
    """

    weights: Array
    bias: Array | None
    alphas: Array
    center: Array | None = None
    scale: Array | None = None

    @property
    def is_scaled(self) -> bool:
        """Whether the data are shifted or divided first."""
        return self.center is not None or self.scale is not None

    def folded(self) -> Layers:
        """Return the same function of the data as they are, but for rounding.

        ``weights / s`` and ``bias - (weights / s) . c``: with a centre there is a bias,
        also where there was none.
        """
        weights = self.weights if self.scale is None else self.weights / self.scale
        bias = self.bias
        if self.center is not None:
            bias = (0.0 if bias is None else bias) - weights @ self.center
        return Layers(weights, bias, self.alphas)

    def outputs(self, X: Array) -> Array:
        """Return f at each row of ``X`` (n, d), shape (n,)."""
        inner = X if self.center is None else X - self.center
        if self.scale is not None:
            inner = inner / self.scale
        hidden = inner @ self.weights.T
        if self.bias is not None:
            hidden = hidden + self.bias
        return np.asarray(np.maximum(hidden, 0.0) @ self.alphas)

    def probes(self, count: int = 64) -> Array:
        """Return points (count, d) at which two forms of the network are compared.

        They are spread around the centre of the data as far as the scale says, and as
        far as the biases reach.
        """
        width = self.weights.shape[1]
        reach: Any = 1.0
        if self.bias is not None and self.bias.size:
            norms = lengths(self.weights)
            moving = norms > 0.0
            reach = max(1.0, np.abs(self.bias[moving] / norms[moving]).max(initial=0.0))
        points = np.random.default_rng(0).standard_normal((count, width))
        points[count // 2 :] *= reach
        if self.scale is not None:
            points = points * self.scale
        return points if self.center is None else points + self.center


def missing(what: str, library: str, extra: str) -> MissingLibraryError:
    """Return the error that says what to install."""
    return MissingLibraryError(
        f"{what} needs {library}, which is not installed; pip install {library}, or "
        f"this package with [{extra}]."
    )
