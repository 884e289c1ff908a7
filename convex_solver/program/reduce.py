"""`reduce_network`: as few neurons as a prediction needs, at no more weight decay.

With unit directions ``u_j``, columns ``c_j = (X u_j)_+`` and weights ``a_j`` of either
sign, a balanced network predicts ``C a`` and its decay is ``beta sum |a_j|`` (Lemma 2
of Pilanci & Ergen 2020).  While there are more columns than their rank, some ``z != 0``
has ``C z = 0``; moving along ``z`` or ``-z``, whichever does not raise ``sum |a_j|``,
until the first weight is zero drops a neuron and keeps the prediction (Caratheodory).
So ``rank C <= n`` neurons are enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import scipy.linalg as la
from scipy.optimize import minimize_scalar

from convex_solver.networks import TwoLayerReLU
from convex_solver.program.program import ConvexProgram
from convex_solver.program.recovery import (
    blocks_from_network,
    join_neurons,
    network_from_blocks,
)
from convex_solver.reading import check_kind, read_number
from convex_solver.rounding import U, lengths
from convex_solver.typing import Array

# Columns that join the independent ones at a time, at least.  As long as all are
# independent they are doubled; then a part of them is added, so that factorisations and
# steps in the null space take about as long.
CHUNK, SLICES = 64, 6
# Independent columns whose triangle has a smaller reciprocal condition number are
# nearly dependent.
BLURRED = 1e-10
# How much the objective may rise: the rounding of its own evaluation.  Networks that
# are equal in exact arithmetic differ by a few u in it, half of them upwards; a strict
# comparison would refuse those at random.
RISE = 16 * U
# Singular values below this share of the largest are not inverted when the prediction
# is restored: the correction must stay small beside the weights.
CUT = 1e-9
# Cosine from which two directions may be joined, 1.4e-4 apart; what that changes is
# looked at pair by pair.
CLOSE = 1.0 - 1e-8
# Squares of larger weights overflow; such a network is returned as it came.
LARGE = 1e150


def reduce_network(
    program: ConvexProgram,
    network: TwoLayerReLU,
    *,
    change: float = 1e-9,
    rise: float = RISE,
    deadline: float = math.inf,
) -> TwoLayerReLU:
    """Return a network with the same predictions, not dearer, and few neurons.

    Parameters
    ----------
    program : ConvexProgram
        The data that the predictions are kept on, and the objective.
    network : TwoLayerReLU
        Any network on the program's columns; not modified.
    change : float
        How far a prediction may move, relative to the largest that the neurons could
        add up to without their signs, at least 0.  An interior point method leaves
        neurons of next to no weight, and pairs on both sides of a face where one on
        the face would do; at 1e-6 such pairs mostly become one.  The objective does
        not rise whatever this is.
    rise : float
        How far the objective may rise, relative; the rounding of its own evaluation
        unless said otherwise.
    deadline : float
        Of `time.monotonic`; past it no more neurons are dropped, and more than said
        below may be left: see `keep_largest`.

    Returns
    -------
    TwoLayerReLU
        Balanced (``|u_j| = |alpha_j|``).  At most as many neurons as the numerical rank
        of the columns ``(X u_j)_+`` of the given ones, hence at most n.  Its
        ``program.network_objective`` is at most that of ``network``, or above it by
        less than 2e-15 of it, which is the rounding of that number itself.
        Predictions on the data agree within ``change``; elsewhere they may differ.

    Raises
    ------
    InputError
        ``change`` negative or not finite; a network with another intercept, center or
        scale than the program.

    Notes
    -----
    Neurons of one pattern and sign are added up, pairs of nearly one direction are
    joined and weak neurons left out as far as ``change`` and the objective allow.  The
    others are taken in chunks:
    the null space Z of the independent columns and the chunk is what solving for the
    chunk leaves, each step moves in it, and a reflection of Z removes the
    direction that would bring a dropped neuron back, so that Z stays orthonormal.
    O(m r (m + r)) after one QR factorisation of the columns, for m neurons of rank r;
    no array is larger than (n, m).  Steps go down the
    slope of ``sum |a_j|``; at an optimum there is none, and the nearest face
    ``a_j = 0`` is taken.  The result is a vertex of the linear program of the cheapest
    network with this prediction, not always its best one; the fewest neurons of all
    are NP-hard to find.

    Where rounding would raise the objective, fewer neurons are dropped.

    Examples
    --------
    >>> program = ConvexProgram([[-1.0, 1.0], [1.0, 1.0]], [0.0, 2.0], 0.1)
    >>> wide = program.network([[2.0, 0.0], [2.0, 1.0], [0.0, 1.0]], [0.3, 0.4, -0.5])
    >>> reduce_network(program, wide).n_neurons
    2
    """
    check_kind(program, ConvexProgram, "program")
    check_kind(network, TwoLayerReLU, "network")
    change = read_number(change, "change", at_least=0.0)
    rise = read_number(rise, "rise", at_least=0.0)
    check_kind(deadline, (float, int), "deadline")
    sizes = [
        np.abs(part).max(initial=0.0) for part in (network.weights, network.alphas)
    ]
    if sizes[0] > LARGE / max(sizes[1], 1.0):
        return network
    limit = program.network_objective(network) * (1.0 + rise)
    best = join_neurons(program, network)
    if not program.network_objective(best) <= limit:
        best = network
    best = _join_close(program, best, change, limit)
    return _to_vertex(program, best, limit, deadline)


@np.errstate(all="ignore")  # an objective that overflows is not the best
def keep_largest(program: ConvexProgram, network: TwoLayerReLU) -> TwoLayerReLU:
    """Return the n neurons with the largest weights, all scaled alike as is best.

    For where there is no time to reduce a network: its predictions change, and its
    objective may rise.

    Parameters
    ----------
    program : ConvexProgram
    network : TwoLayerReLU
        Any network on the program's columns; not modified.

    Returns
    -------
    TwoLayerReLU
        Of at most n neurons, balanced.
    """
    blocks, sides = blocks_from_network(network)
    sizes = lengths(blocks)
    kept = np.argsort(-sizes, kind="stable")[: program.n]
    blocks, sides = blocks[kept], sides[kept]
    largest = network_from_blocks(program, blocks, sides)
    prediction = largest.evaluate(program.data.design)
    decay = program.beta * float(sizes[kept].sum())

    def objective(scale: float) -> float:
        value = program.data_term.value(scale * prediction) + scale * decay
        return math.inf if math.isnan(value) else value

    # beyond it decay alone is more than the zero network's objective
    most = objective(0.0) / decay if decay > 0.0 else 0.0
    scales = [0.0, 1.0]
    if 0.0 < most < math.inf:
        options = {"xatol": 1e-9 * min(most, 1.0)}
        bounds = (0.0, most)
        best = minimize_scalar(
            objective, bounds=bounds, method="bounded", options=options
        )
        scales.append(float(best.x))
    scale = min(scales, key=objective)
    return network_from_blocks(program, scale * blocks, sides)


def _join_close(
    program: ConvexProgram, network: TwoLayerReLU, change: float, limit: float
) -> TwoLayerReLU:
    """Join pairs of close neurons and leave out weak ones: half of them if it is dear.

    The closest and the weakest come first; each spends a part of what may change.
    """
    blocks, sides = blocks_from_network(network)
    outputs = program.outputs(blocks)
    allowed = 0.5 * change * float(np.max(outputs.sum(axis=1), initial=0.0))
    pairs = _affordable_pairs(program, blocks, sides, outputs, allowed)
    weak = np.argsort(outputs.max(axis=0, initial=0.0), kind="stable")
    weak = weak[np.cumsum(outputs[:, weak].max(axis=0, initial=0.0)) <= allowed]
    while len(pairs) or len(weak):
        joined, alive = blocks.copy(), np.ones(len(blocks), dtype=np.bool_)
        alive[weak] = False
        for i, j in pairs:
            if alive[i] and alive[j]:
                joined[i] += joined[j]
                alive[j] = False
        candidate = network_from_blocks(program, joined[alive], sides[alive])
        if program.network_objective(candidate) <= limit:
            return candidate
        pairs, weak = pairs[: len(pairs) // 2], weak[: len(weak) // 2]
    return network


def _affordable_pairs(
    program: ConvexProgram,
    blocks: Array,
    sides: Array,
    outputs: Array,
    allowed: float,
) -> list[tuple[int, int]]:
    """Disjoint pairs of one sign, closest first, whose joining changes ``allowed``."""
    norms = lengths(blocks)
    units = blocks / np.where(norms > 0.0, norms, 1.0)[:, None]
    near = np.triu((units @ units.T > CLOSE) & (sides[:, None] == sides), 1)
    first, second = np.nonzero(near)
    order = np.argsort(np.linalg.norm(units[first] - units[second], axis=1))
    free = np.ones(len(blocks), dtype=np.bool_)
    pairs: list[tuple[int, int]] = []
    for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if not (free[i] and free[j]):
            continue
        together = program.outputs((blocks[i] + blocks[j])[None, :])[:, 0]
        cost = float(np.abs(outputs[:, i] + outputs[:, j] - together).max())
        if cost > allowed:
            continue
        allowed -= cost
        free[[i, j]] = False
        pairs.append((i, j))
    return pairs


def _to_vertex(
    program: ConvexProgram, network: TwoLayerReLU, limit: float, deadline: float
) -> TwoLayerReLU:
    """Drop neurons until their columns are independent or the objective rises."""
    best = network
    blocks, sides = blocks_from_network(best)
    norms = lengths(blocks)
    units = blocks / np.where(norms > 0.0, norms, 1.0)[:, None]
    columns = program.outputs(units)
    # by a power of two: squares of large ones overflow, and nothing else changes
    columns = np.ldexp(columns, -np.frexp(np.abs(columns).max(initial=0.0))[1])
    if program.n > norms.size:
        # rotated: the same null vectors and least squares with fewer rows
        columns = _triangle(columns)
    weights = sides * norms
    # all are dropped at once, and a bisection only follows where that is too dear
    accepted, refused, attempt = 0, len(weights) + 1, len(weights)
    while refused - accepted > 1 and time.monotonic() < deadline:
        found = None
        for final in _ends(columns, weights, attempt, deadline):
            candidate = network_from_blocks(
                program, np.abs(final)[:, None] * units, np.sign(final)
            )
            if program.network_objective(candidate) <= limit:
                found = candidate
                break
        if found is None:
            refused = attempt
        else:
            best, accepted = found, attempt
        attempt = (accepted + refused) // 2
    return best


def _ends(
    columns: Array, weights: Array, most: int, deadline: float
) -> Iterator[Array]:
    """Yield weights with at most ``most`` dropped: with the prediction restored, not.

    The restored ones solve a least-squares problem for what the steps lost by rounding.
    """
    fewer = drop_columns(columns, weights, most, deadline)
    kept = fewer != 0.0
    is_in_time = time.monotonic() < deadline
    if np.any(kept) and not np.all(kept) and is_in_time:
        lost = columns @ (weights - fewer)
        change = la.lstsq(columns[:, kept], lost, cond=CUT, lapack_driver="gelsy")[0]
        restored = fewer.copy()
        restored[kept] += change
        yield restored
    yield fewer


def drop_columns(
    columns: Array, weights: Array, most: int, deadline: float = math.inf
) -> Array:
    """Make at most ``most`` weights zero, ``columns @ weights`` and signs kept.

    Parameters
    ----------
    columns : ndarray, shape (n, m), float64
    weights : ndarray, shape (m,), float64
        Not modified.
    most : int
        The number of zeros to stop at; with m, no more columns are left than their
        numerical rank.
    deadline : float
        Of `time.monotonic`; past it no more are made.

    Returns
    -------
    ndarray, shape (m,), float64
        ``sum |weights|`` is not larger than before but for rounding.
    """
    n, m = columns.shape
    fewer = weights.copy()
    # an upper bound of the largest singular value, so that the rank of the columns
    # taken here is never above the usual numerical rank of all of them
    tolerance = 2.0 * U * max(n, m) * float(np.linalg.norm(columns))
    order = np.argsort(-np.abs(weights), kind="stable")
    order = order[weights[order] != 0.0]
    active = order[:0]
    is_growing = True
    while order.size and most > 0 and time.monotonic() < deadline:
        size = max(CHUNK, active.size if is_growing else active.size // SLICES)
        known = active.size
        active, order = np.concatenate([active, order[:size]]), order[size:]
        null = _null_space(columns[:, active], known, tolerance)
        fewer[active] = _walk(null, fewer[active], most)
        most -= int(np.sum(fewer[active] == 0.0))
        active = active[fewer[active] != 0.0]
        is_growing = null.shape[1] == 0
    return fewer


def _triangle(columns: Array) -> Array:
    return np.asarray(np.linalg.qr(columns, mode="r"))


def _null_space(columns: Array, known: int, tolerance: float) -> Array:
    """Orthonormal columns (m, k) that ``columns`` map to at most ``tolerance``.

    The first ``known`` columns A are independent, and null vectors ``(-A^+ B z, z)``
    take a tenth of the time of singular values of all columns, which decide where
    dependence is a matter of rounding.
    """
    n, m = columns.shape
    if known:
        A, B = columns[:, :known], columns[:, known:]
        solved = _solved(A, B) if known == n else _solved_dependent(A, B, tolerance)
        if solved is not None:
            null = np.ascontiguousarray(np.linalg.qr(np.vstack(solved))[0])
            if np.linalg.norm(columns @ null) <= tolerance:
                return null
    square = _triangle(columns) if n > m else columns
    rank = int(np.sum(np.linalg.svd(square, compute_uv=False) > tolerance))
    if rank == m:  # seen at a fifth of the cost
        return np.zeros((m, 0))
    right = np.linalg.svd(square, full_matrices=True)[2]
    return np.ascontiguousarray(right[rank:].T)


def _solved(A: Array, B: Array) -> tuple[Array, Array] | None:
    """Return ``(-A^-1 B, I)``; None where A is singular."""
    lu, pivots, info = la.lapack.dgetrf(A)
    if info != 0:
        return None
    return -la.lapack.dgetrs(lu, pivots, B)[0], np.eye(B.shape[1])


def _solved_dependent(
    A: Array, B: Array, tolerance: float
) -> tuple[Array, Array] | None:
    """Return ``(-R^-1 Q^T B z, z)``, ``A = QR``, z null vectors of ``B - Q Q^T B``.

    None in doubt: nearly dependent columns of A blur by their condition what B adds.
    """
    Q, R = np.linalg.qr(A)
    along = Q.T @ B
    rest = B - Q @ along
    again = Q.T @ rest
    along += again
    rest -= Q @ again
    share, info = la.lapack.dtrcon(R)
    if info != 0 or not share > BLURRED:
        return None
    square = _triangle(rest) if len(rest) > rest.shape[1] else rest
    _, sizes, right = np.linalg.svd(square, full_matrices=True)
    z = right[int(np.sum(sizes > tolerance / share)) :].T
    return -la.solve_triangular(R, along @ z, check_finite=False), z


def _walk(null: Array, weights: Array, most: int) -> Array:
    """Step through the faces of ``sum |weights|`` in the null space, to a vertex.

    ``null`` (m, k) orthonormal, overwritten.  k weights become zero, or ``most``.
    """
    weights = weights.copy()
    signs = np.sign(weights)
    for _ in range(min(null.shape[1], most)):
        z = _direction(null, weights, signs)
        times = np.full(weights.size, np.inf)
        np.divide(np.abs(weights), np.abs(z), out=times, where=signs * z < 0.0)
        j = int(np.argmin(times))
        weights += times[j] * z
        weights[signs * weights < 0.0] = 0.0  # two at once, apart by rounding
        weights[j] = 0.0
        null = _without(null, j)
    return weights


def _direction(null: Array, weights: Array, signs: Array) -> Array:
    """Return the null vector to move along: ``sum |weights|`` does not grow.

    The steepest slope if there is one.  A slope of rounding errors leads nowhere; then
    the nearest face is taken, on the side that the slope allows.
    """
    slope = null.T @ signs
    if np.linalg.norm(slope) > 4.0 * U * signs.size:
        return -(null @ slope)
    sizes = np.linalg.norm(null, axis=1)
    times = np.full(weights.size, np.inf)
    np.divide(np.abs(weights), sizes, out=times, where=sizes > 0.0)
    j = int(np.argmin(times))
    return np.asarray(null @ (-signs[j] * null[j]))


def _without(null: Array, j: int) -> Array:
    """Orthonormal basis of the vectors of ``null`` whose entry j is zero.

    A Householder reflection turns row j into a multiple of the first unit vector.
    """
    row = null[j].copy()
    row[0] += np.copysign(np.linalg.norm(row), row[0])
    scale = 2.0 / float(row @ row)
    null -= np.outer(null @ row, scale * row)
    null[j] = 0.0
    return null[:, 1:]
