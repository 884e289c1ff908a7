"""The last digits of a network that meets kinks of its loss: rounded one by one.

Where beta is tiny a network is at kinks of the loss, and what its predictions miss by
the rounding of weights costs more than the last digits of the decay.  There are more
weights than samples, and so each neuron can be rounded knowing what the others were
rounded to: what that misses is passed on to those that are left, as in the nearest
plane method of Babai (1986), the largest neurons first.  A neuron is the product of
its two layers, and of all ways to share its size between these that cost nothing the
one is taken whose rounding is made up for best.
"""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from arrangement.exact import exact_product
from convex_solver.certificates import ExactRows, exact_predictions, exact_upper_bound
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.rounding import lengths
from convex_solver.typing import Array

Indices = NDArray[np.intp]

# A sample is at a kink that it misses by no more than this, relative to what neurons
# could add up to there.
NEAR = 2.0**-36
# How far beyond a kink a sample is aimed at where that costs nothing, likewise.
BEYOND = 2.0**-53
# A row is on the boundary of a neuron that is this near to zero there, relative.
EDGE = 2.0**-48
# Singular values below this share of the largest are not inverted: neurons would have
# to change by more than is free.
CUT = 1e-8
# Sizes of the second layer that are tried of a neuron, on either side, one unit in the
# last place apart, as the decay grows by the square of their distance: the more, the
# smaller what is left, by the root of rank d.  Operations of trying them, about.
FEWEST, MOST, TRYING = 2**8, 2**14, 2e7
# Operations, at most; about ten seconds.
MOST_WORK = 4 * 10**8
# Numbers outside lose digits in products.
SMALL, LARGE = 1e-100, 1e100


@np.errstate(all="ignore")  # what overflows is no better
def with_last_digits(
    program: ConvexProgram, network: TwoLayerReLU, v: Array, deadline: float = math.inf
) -> TwoLayerReLU:
    """Return a network with other last digits, if its exact objective is lower.

    Parameters
    ----------
    program : ConvexProgram
    network : TwoLayerReLU
        Near the optimum; not modified.
    v : ndarray, shape (n,)
        Dual point in the domain of the conjugate, which says what kinks are meant.
    deadline : float
        Of `time.monotonic`; past it the network stays as it came.

    Returns
    -------
    TwoLayerReLU
        With the same number of neurons, but for those that are zero, or ``network``.
    """
    sizes = lengths(network.weights) * np.abs(network.alphas)
    used = sizes > 0.0
    work = (program.n * int(used.sum())) ** 2 * program.d
    if not np.any(used) or work > MOST_WORK:
        return network
    if not (_is_tame(sizes[used]) and _is_tame(lengths(program.X) * sizes.sum())):
        return network
    chosen = network.replace(network.weights[used], network.alphas[used]).balance()
    f = exact_predictions(chosen, program.data)
    rows = None if f is None else ExactRows.of(program.data)
    if f is None or rows is None:
        return network
    bound, missed = _missed(program, chosen, v, f)
    if not bound.size:
        return network
    try:
        found = _Rounding(program, chosen, rows, bound, missed).run(deadline)
    except np.linalg.LinAlgError:  # LAPACK gave up
        return network
    if found is None:
        return network
    bounds = [
        exact_upper_bound(each, program.data, program.beta, program.data_term)
        for each in (found, network)
    ]
    return found if bounds[0] < bounds[1] else network


def _is_tame(sizes: Array) -> bool:
    """Whether all numbers are zero, or keep their digits in products."""
    return bool(np.all((sizes == 0.0) | ((sizes > SMALL) & (sizes < LARGE))))


def _missed(
    program: ConvexProgram, network: TwoLayerReLU, v: Array, f: list[Fraction]
) -> tuple[Indices, list[Fraction]]:
    """Return samples that are meant to be at kinks, and what these miss."""
    sizes = lengths(network.weights) * np.abs(network.alphas)
    scale = program.pool(lengths(program.X) * float(sizes.sum()))
    bound, missed = [], []
    for i, corner in enumerate(program.data_term.corners_at(v)):
        if corner is None:
            continue
        at, inward = corner
        rest = at - f[i]
        if abs(rest) <= Fraction(NEAR * float(scale[i])):
            bound.append(i)
            missed.append(rest + inward * Fraction(BEYOND * float(scale[i])))
    return np.array(bound, dtype=np.intp), missed


class _Rounding:
    """Neurons on their way to float64, and what predictions miss so far.

    ``missed`` is exact: of the neurons as they are, those to come with their old
    digits.
    """

    def __init__(
        self,
        program: ConvexProgram,
        network: TwoLayerReLU,
        rows: ExactRows,
        bound: Indices,
        missed: list[Fraction],
    ) -> None:
        self.network, self.rows, self.bound = network, rows, bound
        self.missed = missed
        self.weights, self.alphas = network.weights.copy(), network.alphas.copy()
        sizes = lengths(network.weights) * np.abs(network.alphas)
        self.order = np.argsort(-sizes, kind="stable")
        hidden = program.X @ network.weights.T
        edges = EDGE * np.outer(lengths(program.X), lengths(network.weights))
        is_on = hidden > edges
        sides = np.sign(network.alphas)
        # what a unit of change of a block adds to predictions, relative to its size
        self.slopes = [
            (side * size * program.pool(on[:, None] * program.X))[bound]
            for side, size, on in zip(sides, sizes, is_on.T, strict=True)
        ]
        self.sizes, self.sides, self.X = sizes, sides, program.X
        places = np.full(program.n, -1)
        places[bound] = np.arange(bound.size)
        places = program.spread(places)
        is_edge = (np.abs(hidden) <= edges) & (places[:, None] >= 0)
        # rows on the boundary of each neuron, and the places of their samples
        self.edges = [
            (rows_there, places[rows_there])
            for rows_there in (np.flatnonzero(there) for there in is_edge.T)
        ]

    def run(self, deadline: float) -> TwoLayerReLU | None:
        """Round all neurons, the largest first; None if time ends before."""
        spans = self._span(self.order)
        for t, j in enumerate(self.order.tolist()):
            if time.monotonic() > deadline:
                return None
            basis, values = spans
            spans = self._span(self.order[t + 1 :])
            missed = np.array([float(x) for x in self.missed])
            # the least change of all that are left, relative to their sizes
            change = self.slopes[j].T @ (basis @ (basis.T @ missed / values / values))
            self._round(j, self.sizes[j] * change, missed, spans[0])
        return self.network.replace(self.weights, self.alphas)

    def _span(self, left: Indices) -> tuple[Array, Array]:
        """Return an orthonormal basis of what neurons can change, singular values."""
        if not left.size:
            return np.zeros((self.bound.size, 0)), np.zeros(0)
        slopes = np.concatenate([self.slopes[j] for j in left.tolist()], axis=1)
        basis, values, _ = np.linalg.svd(slopes, full_matrices=False)
        kept = values > CUT * values[0]
        return basis[:, kept], values[kept]

    def _round(self, j: int, change: Array, missed: Array, basis: Array) -> None:
        """Round neuron j plus a change of its block, as the span of the rest is best.

        ``change`` (d,) of ``|alpha| u``.
        """
        block = np.full(change.size, abs(float(self.alphas[j])))
        high, low = exact_product(self.weights[j], block)
        size = math.sqrt(float(lengths(high[None])[0]))
        n, rank = basis.shape
        count = int(min(max(TRYING / (n * (rank + 1)), FEWEST), MOST))
        count *= rank < n  # what others make up for needs no search
        alphas = size + np.arange(-count, count + 1)[:, None] * np.spacing(size)
        weights, moved = _nearest(high, low, change, alphas)
        # what those that are left cannot make up for
        left = missed - self._gained(j, alphas, weights, moved)
        left -= (left @ basis) @ basis.T
        best = int(np.argmin(np.abs(left).sum(axis=1)))
        before = self._outputs(j)
        self.weights[j] = weights[best]
        self.alphas[j] = math.copysign(float(alphas[best, 0]), self.alphas[j])
        after = self._outputs(j)
        self.missed = [
            x + old - new
            for x, old, new in zip(self.missed, before, after, strict=True)
        ]

    def _gained(self, j: int, alphas: Array, weights: Array, moved: Array) -> Array:
        """Return what predictions gain (k, n) if neuron j is one of k.

        Where the data are on its boundary it may be on or off by its last digits.
        """
        gained = np.asarray(moved @ (self.slopes[j] / self.sizes[j]).T)
        rows, places = self.edges[j]
        if rows.size:
            exact, unit = self.rows.heights(self.weights[j : j + 1])
            old = np.array([float(unit * x) for x in exact[rows, 0].tolist()])
            new = old + (weights - self.weights[j]) @ self.X[rows].T
            before = abs(float(self.alphas[j])) * np.maximum(old, 0.0)
            change = self.sides[j] * (alphas * np.maximum(new, 0.0) - before)
            for place, part in zip(places.tolist(), change.T, strict=True):
                gained[:, place] += part
        return gained

    def _outputs(self, j: int) -> list[Fraction]:
        """Return what neuron j adds to the predictions at kinks, exactly."""
        hidden, unit = self.rows.outputs(self.weights[j : j + 1])
        unit *= Fraction(float(self.alphas[j]))
        return [unit * x for x in hidden[self.bound, 0].tolist()]


def _nearest(
    high: Array, low: Array, change: Array, alphas: Array
) -> tuple[Array, Array]:
    """Round ``(high + low + change) / alpha`` for each alpha (k, 1).

    Returns weights (k, d), and how far ``alpha u`` is then from ``high + low``: to
    some 2**-50 of that.
    """
    rest = low + change
    weights = high / alphas
    product, lost = exact_product(weights, np.broadcast_to(alphas, weights.shape))
    weights = weights + ((high - product) - lost + rest) / alphas
    product, lost = exact_product(weights, np.broadcast_to(alphas, weights.shape))
    return weights, ((product - high) + lost) - low
