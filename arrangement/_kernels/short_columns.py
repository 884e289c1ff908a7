"""What floats say about short columns: a basis, and how large minors can be.

What is so near a border that rounding may decide is left to integers, so that the
results are the same as theirs.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels.compile import bare_forced, bare_kernel

# squares of entries, and sums of them, are far from the limits of float64
LARGE = 2.0**400
# how near a border a decision may be, and what rounding may do to it, far less
_NEAR, _ROUNDED = 2.0**-20, 2.0**-30
U = 2.0**-53
# steps of the algorithm, and the largest entry of a basis
_MOST_STEPS, _LONGEST = 200, 2.0**20
# what is found: the columns stay, or they are to be turned by the basis, or no answer
STAY, TURN, UNSURE = range(3)


@bare_kernel
def minor_logs(rows, logs, norms):
    """Write the logarithms of Hadamard's bounds of minors; return the largest entry.

    ``rows`` (n, r) float64, each entry rounded once and below LARGE.  ``logs[k]``
    (k, 2) gets half of the binary logarithm of the product of the k + 1 largest
    ``norms`` (k + 1,) of rows, and of that of columns (see `exact.MinorBounds`), both
    within 2**-30; at least 1 is counted for each norm and each largest entry.
    """
    return _minor_logs(rows, logs, norms)


@bare_forced
def _minor_logs(rows, logs, norms):
    width, most = rows.shape[1], logs.shape[0]
    for k in range(most):
        norms[k] = 1.0
    for i in range(rows.shape[0]):
        norm = 0.0
        for k in range(width):
            norm += rows[i, k] * rows[i, k]
        if norm > norms[most - 1]:
            _insert(norms, most, norm)
    total = 0.0
    for k in range(most):
        # rows that are not there have no part in any product
        if k < rows.shape[0]:
            total += math.log2(norms[k])
        logs[k, 0] = 0.5 * total
        norms[k] = 1.0
    for k in range(width):
        peak = 1.0
        for i in range(rows.shape[0]):
            peak = max(peak, abs(rows[i, k]))
        if peak > norms[most - 1]:
            _insert(norms, most, peak)
    total = 0.0
    for k in range(most):
        size = k + 1
        total += math.log2(norms[k])
        logs[k, 1] = total + 0.5 * min(size, width) * math.log2(size)
    return norms[0]


@bare_forced
def _insert(values, count, value):
    """Put a value among the largest ones, in descending order."""
    k = count - 1
    while k > 0 and values[k - 1] < value:
        values[k] = values[k - 1]
        k -= 1
    values[k] = value


@bare_kernel
def short_basis(rows, most, is_fixed, basis, work, logs):
    """Find a basis with short columns as `exact.reduce_columns` does, if floats do.

    ``rows`` (n, r) float64 as in `minor_logs`, of which the first ``most`` are looked
    at; ``basis`` (r, r) int64 gets the columns, one a row, of which the last stays
    where ``is_fixed``.  ``work`` (4, r, r) float64 is scratch, and ``logs`` (r, 2) gets
    the `minor_logs` of the rows.  STAY where the basis lowers no bound, TURN where it
    does, UNSURE where that is not clear.
    """
    width = rows.shape[1]
    gram = work[0]
    for i in range(width):
        for j in range(width):
            basis[i, j] = 1 if i == j else 0
            gram[i, j] = 0.0
    if not _minor_logs(rows, logs, work[3, 0]) < LARGE:
        return UNSURE
    n_rows = min(most, rows.shape[0])
    for t in range(n_rows):
        for i in range(width):
            for j in range(i + 1):
                gram[i, j] += rows[t, i] * rows[t, j]
    for i in range(width):
        for j in range(i):
            gram[j, i] = gram[i, j]
    if not _reduce(work, basis, (n_rows + 4 * width) * U, is_fixed):
        return UNSURE
    is_turned = False
    for i in range(width):
        size = 0
        for j in range(width):
            size += abs(basis[i, j])
        is_turned |= size != 1
    if not is_turned:
        return STAY
    return _compare(rows, basis, work, logs)


@bare_forced
def _reduce(work, basis, unit, is_fixed):
    """Run the algorithm of Lenstra, Lenstra & Lovasz; False in doubt.

    ``work[0]`` is the Gram matrix of the columns, within ``unit`` of the products of
    their lengths.  Whatever is found is unimodular: products of the basis are taken
    anew from it at each step, so that errors do not pile up.
    """
    width = basis.shape[0]
    k = np.int64(0)
    for _ in range(_MOST_STEPS):
        if k == width:
            return True
        if not _orthogonalise(work, basis, k, unit):
            return False
        if k > 0:
            moved = _shorten(work, basis, k, k - 1)
            if moved < 0:
                return False
            mu = work[1, k, k - 1]
            left, right = work[2, k, k], (0.75 - mu * mu) * work[2, k - 1, k - 1]
            is_movable = not (is_fixed and k == width - 1)
            if is_movable and not abs(left - right) > _NEAR * work[2, k - 1, k - 1]:
                return False
            if is_movable and left < right:
                for i in range(width):
                    basis[k, i], basis[k - 1, i] = basis[k - 1, i], basis[k, i]
                k = max(k - 1, 1)
                continue
            for j in range(k - 2, -1, -1):
                if _shorten(work, basis, k, j) < 0:
                    return False
        k += 1
    return k == width


@bare_forced
def _orthogonalise(work, basis, k, unit):
    """Coefficients ``work[1]`` and squares ``work[2]`` of the first k + 1 columns.

    False where rounding may have a part in them.
    """
    gram, mu, products = work[0], work[1], work[2]
    width = basis.shape[0]
    for i in range(k + 1):
        length = 0.0
        for s in range(width):
            length += abs(basis[i, s]) * math.sqrt(gram[s, s])
        for j in range(i + 1):
            value = 0.0
            for s in range(width):
                for t in range(width):
                    value += basis[i, s] * basis[j, t] * gram[s, t]
            for s in range(j):
                value -= mu[j, s] * products[i, s]
            products[i, j] = value
            if j < i:
                mu[i, j] = value / products[j, j]
        # errors are those of products of lengths, and all of what is left of them
        if not length * length * unit < _ROUNDED * products[i, i]:
            return False
    return True


@bare_forced
def _shorten(work, basis, k, j):
    """Take from column k the nearest multiple of column j; -1 in doubt."""
    mu = work[1]
    place = math.floor(mu[k, j] + 0.5)
    if not abs(place) < _LONGEST or abs(mu[k, j] + 0.5 - round(mu[k, j] + 0.5)) < _NEAR:
        return -1
    if place == 0.0:
        return 0
    count = np.int64(place)
    for i in range(basis.shape[0]):
        basis[k, i] -= count * basis[j, i]
        if not abs(basis[k, i]) < _LONGEST:
            return -1
    mu[k, j] -= place
    for i in range(j):
        mu[k, i] -= place * mu[j, i]
    return 1


@bare_forced
def _is_clear(log):
    """Whether a number of which this is the binary logarithm has so many bits.

    1 more or less does not matter then.
    """
    return log > 30.0 and _NEAR < log - math.floor(log) < 1.0 - _NEAR


@bare_forced
def _compare(rows, basis, work, logs):
    """Whether the columns of a basis lower the bound of the largest minors."""
    width = rows.shape[1]
    norms, peaks, image = work[3, 0], work[3, 1], work[1, 0]
    for k in range(width):
        norms[k] = 1.0
        peaks[k] = 1.0
    for i in range(rows.shape[0]):
        norm, terms = 0.0, 0.0
        for j in range(width):
            value = 0.0
            for k in range(width):
                product = rows[i, k] * basis[j, k]
                value += product
                terms = max(terms, abs(product))
            image[j] = abs(value)
            norm += value * value
        # what cancels is not known well enough
        if not terms * terms * width * U < _ROUNDED * norm:
            return UNSURE
        for j in range(width):
            peaks[j] = max(peaks[j], image[j])
        if norm > norms[width - 1]:
            _insert(norms, width, norm)
    by_rows, by_columns = 0.0, 0.5 * width * math.log2(width)
    for k in range(width):
        by_rows += 0.5 * math.log2(norms[k])
        by_columns += math.log2(peaks[k])
    before = min(logs[width - 1, 0], logs[width - 1, 1])
    after = min(by_rows, by_columns)
    if not (_is_clear(before) and _is_clear(after)):
        return UNSURE
    return TURN if math.floor(after) < math.floor(before) else STAY
