"""What a network predicts on the data, in whole numbers: no rounding at all.

Entries of the data are rationals, weights are floats; over one denominator each they
are whole numbers, and Python adds and multiplies these exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from convex_solver.networks import TwoLayerReLU
from convex_solver.reading import Data
from convex_solver.typing import Array

Objects = NDArray[np.object_]

# Entries times neurons that are multiplied, at most: some tenths of a second; to read
# an entry takes as long as so many products.
MOST_PRODUCTS, READING = 10**6, 20
# Bits of the denominator of all entries, at most; more come with unlike fractions.
MOST_BITS = 2**13


@dataclass(frozen=True, eq=False)
class ExactRows:
    """The rows as they enter a network, as whole numbers over one denominator.

    Attributes
    ----------
    numbers : ndarray of int, shape (n K, d)
    denominator : int
    n_patches : int
    """

    numbers: Objects = field(repr=False)
    denominator: int
    n_patches: int

    @classmethod
    def of(cls, data: Data) -> ExactRows | None:
        """Return the rows of data; None where they have no short denominator."""
        scale = np.ones(data.X.shape[1])
        if data.scaling is not None:
            scale[: data.rows.width] = data.scaling.scale
        scales = [Fraction(s) for s in scale.tolist()]
        ones = (1,) * data.intercept
        rows = [
            [Fraction(x) / s for x, s in zip((*row, *ones), scales, strict=True)]
            for row in data.entering
        ]
        bottom = 1
        for x in (x for row in rows for x in row):
            bottom = math.lcm(bottom, x.denominator)
            if bottom.bit_length() > MOST_BITS:
                return None
        numbers = np.empty(data.X.shape, dtype=object)
        for i, row in enumerate(rows):
            numbers[i] = [x.numerator * (bottom // x.denominator) for x in row]
        return cls(numbers, bottom, data.n_patches)

    def heights(self, weights: Array) -> tuple[Objects, Fraction]:
        """Return ``X w`` of finite weights (m, d): (n K, m), over a unit."""
        whole, unit = _whole(weights)
        return self.numbers @ whole.T, unit / self.denominator

    def outputs(self, weights: Array) -> tuple[Objects, Fraction]:
        """Return ``sum_k (X_k w)_+`` of finite weights (m, d): (n, m), over a unit."""
        hidden, unit = self.heights(weights)
        hidden = np.where(hidden > 0, hidden, 0)
        if self.n_patches > 1:
            hidden = hidden.reshape(-1, self.n_patches, len(weights)).sum(axis=1)
        return hidden, unit


def exact_predictions(network: TwoLayerReLU, data: Data) -> list[Fraction] | None:
    """Return predictions (n,) of a network without rounding.

    None where there are too many products, or no short denominator of the data.
    """
    if data.X.size * (network.n_neurons + READING) > MOST_PRODUCTS:
        return None
    rows = ExactRows.of(data)
    if rows is None:
        return None
    if not network.n_neurons:
        return [Fraction(0)] * len(data.y)
    hidden, unit = rows.outputs(network.weights)
    alphas, small = _whole(network.alphas)
    return [unit * small * f for f in (hidden @ alphas).tolist()]


def _whole(values: Array) -> tuple[Objects, Fraction]:
    """Return finite floats as whole numbers, over a power of two for all of them."""
    flat = [x.as_integer_ratio() for x in values.ravel().tolist()]
    bottom = max((q for _, q in flat), default=1)
    whole = np.array([p * (bottom // q) for p, q in flat] + [None], dtype=object)[:-1]
    return whole.reshape(values.shape), Fraction(1, bottom)
