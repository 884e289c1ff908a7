"""Objectives of linear and circular CNNs, and singular values, in rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from reference.exact_algebra import inner


def exact(matrix):
    return [[Fraction(x) for x in row] for row in np.asarray(matrix).tolist()]


def is_above_spectral_norm(rows, bound):
    """Whether ``bound^2 I - G G^T`` is positive semidefinite, by exact elimination."""
    size = len(rows)
    square = Fraction(bound) ** 2
    work = [
        [(square if i == j else 0) - inner(rows[i], rows[j]) for j in range(size)]
        for i in range(size)
    ]
    for c in range(size):
        pivot = work[c][c]
        if pivot < 0 or (pivot == 0 and any(work[i][c] for i in range(c, size))):
            return False
        if pivot == 0:
            continue
        for i in range(c + 1, size):
            factor = work[i][c] / pivot
            work[i] = [x - factor * y for x, y in zip(work[i], work[c], strict=True)]
    return True


def exact_linear(network, patches, y, beta):
    """Objective of a linear CNN in rationals; y is (n, C)."""
    K = patches.shape[1]
    u = exact(network.filters)
    w = network.outputs.reshape(len(u), K, y.shape[1]).tolist()
    total = Fraction(0)
    for sample, target in zip(patches, exact(y), strict=True):
        rows = exact(sample)
        for c, value in enumerate(target):
            f = sum(
                inner(rows[k], u[j]) * Fraction(w[j][k][c])
                for j in range(len(u))
                for k in range(K)
            )
            total += (f - value) ** 2 / 2
    squares = sum(x * x for row in u for x in row)
    squares += sum(Fraction(x) ** 2 for x in network.outputs.ravel().tolist())
    return total + Fraction(beta) * squares / 2


def exact_circular(network, X, y, beta):
    """Objective of a circular CNN in rationals."""
    d = X.shape[1]
    u, w = exact(network.filters), exact(network.outputs)
    kernel = [
        sum(u[j][(i - k) % d] * w[j][k] for j in range(len(u)) for k in range(d))
        for i in range(d)
    ]
    loss = sum(
        (inner(row, kernel) - Fraction(target)) ** 2 / 2
        for row, target in zip(exact(X), y.tolist(), strict=True)
    )
    squares = sum(x * x for row in u + w for x in row)
    return loss + Fraction(beta) * squares / 2
