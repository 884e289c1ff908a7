"""Minimum-norm interpolation from its definition: reach, CVXPY, local searches."""

from __future__ import annotations

from fractions import Fraction

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from arrangement import enumerate_patterns


def rank(rows):
    """Rank over the rationals by Gaussian elimination."""
    work = [[Fraction(x) for x in row] for row in rows]
    found = 0
    for c in range(len(work[0]) if work else 0):
        hit = next((i for i in range(found, len(work)) if work[i][c]), None)
        if hit is None:
            continue
        work[found], work[hit] = work[hit], work[found]
        for i in range(found + 1, len(work)):
            factor = work[i][c] / work[found][c]
            if factor:
                pairs = zip(work[i], work[found], strict=True)
                work[i] = [x - factor * y for x, y in pairs]
        found += 1
    return found


def class_matrix(rows):
    """``[|c_i| by parallel class | X]``: its columns span what networks output."""
    lines, scales = [], []
    for row in rows:
        lead = next((x for x in row if x), None)
        scales.append(Fraction(0) if lead is None else abs(Fraction(lead)))
        lines.append(None if lead is None else tuple(Fraction(x) / lead for x in row))
    classes = sorted({line for line in lines if line is not None})
    return [
        [scale if line == h else Fraction(0) for h in classes]
        + list(map(Fraction, row))
        for row, line, scale in zip(rows, lines, scales, strict=True)
    ]


def pattern_matrix(X):
    """``[D_1 X | D_2 X | ..]`` over all chambers: the definition of the outputs."""
    listed = enumerate_patterns(X).to_bool()
    rows = [[Fraction(x) for x in row] for row in X]
    return [
        [x if bits[i] else Fraction(0) for bits in listed for x in row]
        for i, row in enumerate(rows)
    ]


def in_reach(matrix, y):
    """Whether y is a combination of the columns, exactly."""
    joined = [[*row, Fraction(t)] for row, t in zip(matrix, y, strict=True)]
    return rank(joined) == rank(matrix)


def optimum(X, y):
    """CVXPY's optimum of (7) over every chamber and every row, and its dual point."""
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    z, size, constraints = np.zeros(len(y)), 0, []
    for bits in enumerate_patterns(X).to_bool():
        v, w = cp.Variable(X.shape[1]), cp.Variable(X.shape[1])
        sides = np.where(bits, 1.0, -1.0)[:, None] * X
        z = z + (bits[:, None] * X) @ (v - w)
        size = size + cp.norm(v, 2) + cp.norm(w, 2)
        constraints += [sides @ v >= 0, sides @ w >= 0]
    meets = z == y
    problem = cp.Problem(cp.Minimize(size), [meets, *constraints])
    return problem.solve(solver="CLARABEL"), meets.dual_value


def line_norm(x, y):
    """Least norm in 1-D with an intercept, by a linear program over directions.

    The directions are the knots and a fine grid of the circle: an upper bound that is
    near, and with the grid alone no part of the package.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, 4001)[:-1]
    knots = np.arctan2(1.0, -np.asarray(x, dtype=float))  # (1, -x) is normal to (x, 1)
    normal = np.arctan2(np.asarray(x, dtype=float), -1.0)
    angles = np.concatenate([angles, knots, normal, normal + np.pi])
    rows = np.column_stack([x, np.ones(len(x))])
    return grid_norm(rows, y, np.column_stack([np.cos(angles), np.sin(angles)]))


def grid_norm(X, y, directions):
    """Least norm of a network with these unit directions only: an upper bound."""
    hidden = np.maximum(np.asarray(X, dtype=float) @ directions.T, 0.0)
    found = linprog(
        np.ones(2 * hidden.shape[1]), A_eq=np.hstack([hidden, -hidden]), b_eq=y
    )
    return found.fun if found.status == 0 else np.inf


def exact_norm(X, y, directions):
    """A network on integer directions that meets y exactly, or None: its norm.

    Solves ``C a = y`` in fractions on the first independent columns.
    """
    rows = [[Fraction(x) for x in row] for row in X]
    columns = []
    for u in directions:
        hidden = [
            max(Fraction(0), sum(a * int(b) for a, b in zip(row, u, strict=True)))
            for row in rows
        ]
        columns.append(hidden)
    work = [[column[i] for column in columns] + [Fraction(t)] for i, t in enumerate(y)]
    pivots = []
    for c in range(len(columns)):
        top = len(pivots)
        hit = next((i for i in range(top, len(work)) if work[i][c]), None)
        if hit is None:
            continue
        work[top], work[hit] = work[hit], work[top]
        lead = work[top][c]
        work[top] = [x / lead for x in work[top]]
        for i in range(len(work)):
            factor = work[i][c]
            if i != top and factor:
                pairs = zip(work[i], work[top], strict=True)
                work[i] = [x - factor * y for x, y in pairs]
        pivots.append(c)
    if any(row[-1] for row in work[len(pivots) :]):
        return None
    norms = np.linalg.norm(np.asarray(directions, dtype=float), axis=1)
    return sum(abs(float(work[k][-1])) * norms[c] for k, c in enumerate(pivots))


def local_searches(X, y, *, n_starts, n_neurons, steps, seed):
    """Norms of networks that Adam finds from random starts, all through the targets.

    The penalised objective ``weight / 2 |f - y|^2 + norm / 2`` is descended with a
    growing weight; then the signed sizes of the found directions are the cheapest that
    interpolate, by a linear program.  Infinite where none do.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    rng = np.random.default_rng(seed)
    spread = np.sqrt(np.abs(y).max() / np.linalg.norm(X, axis=1).mean())
    W = rng.standard_normal((n_starts, n_neurons, X.shape[1])) * spread
    a = rng.choice([-1.0, 1.0], (n_starts, n_neurons)) * np.linalg.norm(W, axis=2)
    W /= np.sqrt(n_neurons)
    a /= np.sqrt(n_neurons)
    state = [np.zeros_like(part) for part in (W, W, a, a)]
    for step in range(1, steps + 1):
        done = step / steps
        weight = 10.0 ** (4.0 * done) / np.abs(y).max()
        rate = 0.05 * spread * (1.0 - done) ** 2 + 1e-5
        active = np.einsum("nd,smd->snm", X, W)
        hidden = np.maximum(active, 0.0)
        missed = weight * (np.einsum("snm,sm->sn", hidden, a) - y)
        slope = (active > 0.0) * missed[:, :, None] * a[:, None, :]
        gradients = (
            np.einsum("snm,nd->smd", slope, X) + W,
            np.einsum("snm,sn->sm", hidden, missed) + a,
        )
        for k, (part, g) in enumerate(zip((W, a), gradients, strict=True)):
            first, second = state[2 * k], state[2 * k + 1]
            first += 0.1 * (g - first)
            second += 0.001 * (g * g - second)
            rise = first / (1.0 - 0.9**step)
            part -= rate * rise / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-12)
    units = W / np.linalg.norm(W, axis=2, keepdims=True)
    return np.array([_through(X, y, directions) for directions in units])


def _through(X, y, directions):
    """Norm of the cheapest sizes on these directions; infinite where none interpolate.

    A linear program finds the neurons, least squares on them removes its tolerance.
    """
    hidden = np.maximum(X @ directions.T, 0.0)
    found = linprog(
        np.ones(2 * hidden.shape[1]), A_eq=np.hstack([hidden, -hidden]), b_eq=y
    )
    used = np.ones(hidden.shape[1], dtype=bool)
    if found.status == 0:
        used = found.x.reshape(2, -1).max(axis=0) > 0
    sizes = np.linalg.lstsq(hidden[:, used], y, rcond=None)[0]
    is_met = np.abs(hidden[:, used] @ sizes - y).max() <= 1e-11 * np.abs(y).max()
    return np.abs(sizes).sum() if is_met else np.inf
