"""Signs at rays, and new rays, in two kinds of arithmetic.

int64: rays are primitive integer vectors.  With b_k the Hadamard bound in bits for
k x k minors, the wrapper proves ``b_r + b_(r-1) + 1 <= 62`` and that no partial
sum of a dot product overflows; a primitive ray is a vector of (r-1) x (r-1) minors
divided by their gcd, a value at a ray an r x r minor, so every product below stays
under 2**62.

Filtered: rays are floats with a proven error bound, and exact vectors of minors are
computed from the rows tight at the ray only where a sign is in doubt.

Error bounds (u = 2**-53).  A row is stored as x^ with ``|x^ - x| <= u |x^|`` entry by
entry (x scaled by powers of two); a ray as p^, ``max |p^| <= 1``, with
``max |p^ - c p| <= e`` for some c > 0.  Then ``fl(x^ . p^)`` differs from ``c x . p``
by at
most ``|x^|_1 (e (1 + u) + u) + gamma_r |x^|_1 <= |x^|_1 * 1.01 (e + (r + 4) u)``; an
underflow anywhere adds at most r 2**-1074, which the slack in 1.01 u |x^|_1 covers
since the rows are scaled to ``max |x^| >= 1/2``.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels import limbs
from arrangement._kernels.compile import inlined, inner
from arrangement._kernels.limbs import ONE

U = 2.0**-53
PRIME = np.int64(2147483629)
PRIMES = (2147483629, 2147483587, 2147483579, 2147483563, 2147483549)


@inlined
def value_error(norm, error, width):
    """Bound on the error of a float value (see the module's docstring)."""
    return norm * 1.01 * (error + (width + 4) * U)


@inlined
def error_bound(rows, pool, row, ray):
    """Bound on the error of the float value of ``row`` at ``ray``."""
    return value_error(rows.norms[row], pool.errors[ray], rows.floats.shape[1])


@inlined
def float_value(rows, pool, row, ray):
    """Return the float value of ``row`` at ``ray``."""
    value = 0.0
    for k in range(rows.floats.shape[1]):
        value += rows.floats[row, k] * pool.floats[ray, k]
    return value


@inner
def exact_sign(rows, words, row, dot):
    """Sign of ``row`` at an exact ray ``words`` (r, n_words); ``dot`` is scratch."""
    limbs.clear(dot)
    for k in range(words.shape[0]):
        limbs.add_product(dot, rows.words[row, k], words[k], np.bool_(False))
    return limbs.sign(dot)


@inner
def _independent(rows, tight, n_tight, wanted, prime, residues):
    """Move ``wanted`` rows independent modulo ``prime`` to the front of ``tight``.

    Independence modulo a prime proves independence.  Returns how many were found.
    """
    width = rows.words.shape[1]
    n_digits = rows.words.shape[2] - 1
    base = np.int64(4294967296) % prime
    found = 0
    for t in range(n_tight):
        if found == wanted:
            break
        row = tight[t]
        for k in range(width):
            value = np.int64(0)
            for digit in range(n_digits - 1, -1, -1):
                value = (value * base + np.int64(rows.words[row, k, digit])) % prime
            if rows.words[row, k, n_digits] == ONE:
                value = (prime - value) % prime
            residues[found, k] = value
        for f in range(found):
            pivot = residues[f, width]
            factor = residues[found, pivot]
            if factor != 0:
                lead = residues[f, pivot]
                for k in range(width):
                    a = residues[found, k] * lead % prime
                    b = residues[f, k] * factor % prime
                    residues[found, k] = (a - b + prime) % prime
        for k in range(width):
            if residues[found, k] != 0:
                residues[found, width] = k
                tight[t] = tight[found]
                tight[found] = row
                found += 1
                break
    return found


@inner
def _cofactors(rows, tight, minors, out):
    """Exact vector orthogonal to the ``r - 1`` rows ``tight``: signed minors.

    Laplace expansion over column subsets: ``minors[mask]`` is the minor of the first
    popcount(mask) rows on the columns of ``mask``.
    """
    width = rows.words.shape[1]
    full = (1 << width) - 1
    limbs.clear(minors[0])
    minors[0, 0] = ONE
    for mask in range(1, full):
        size = 0
        for k in range(width):
            size += (mask >> k) & 1
        row = tight[size - 1]
        limbs.clear(minors[mask])
        position = 0
        for k in range(width):
            if (mask >> k) & 1:
                # expansion along the last row: sign (-1)**(size - 1 + position)
                flip = (size - 1 + position) % 2 == 1
                limbs.add_product(
                    minors[mask], rows.words[row, k], minors[mask ^ (1 << k)], flip
                )
                position += 1
    for k in range(width):
        source = minors[full ^ (1 << k)]
        for w in range(out.shape[1]):
            out[k, w] = source[w]
        if k % 2 == 1:
            limbs.negate(out[k])


@inner
def refine(rows, pool, scratch, ray, n_tight, witness_row, witness_sign):
    """Make a ray exact from the rows tight at it, and its float as good as can be.

    ``scratch.tight[:n_tight]`` are all facets of a cell that contain the ray (their
    rank is r - 1), ``witness_row`` a row of known sign there.  Returns False only if
    no prime of the list shows r - 1 independent rows.
    """
    width = rows.words.shape[1]
    found = 0
    for prime in PRIMES:
        found = _independent(
            rows, scratch.tight, n_tight, width - 1, np.int64(prime), scratch.residues
        )
        if found == width - 1:
            break
    if found < width - 1:
        return False
    words = pool.words[ray]
    _cofactors(rows, scratch.tight, scratch.minors, words)
    if exact_sign(rows, words, witness_row, scratch.dot) != witness_sign:
        for k in range(width):
            limbs.negate(words[k])
    set_floats(rows, pool, scratch, ray)
    return True


@inner
def set_floats(rows, pool, scratch, ray):
    """Round the exact ray to floats: entries within 4u relative, or underflow."""
    width = rows.words.shape[1]
    peak = -(1 << 60)
    for k in range(width):
        bits = limbs.exponent(pool.words[ray, k], scratch.word)
        if bits > 0 and bits + rows.shifts[k] > peak:
            peak = bits + rows.shifts[k]
    for k in range(width):
        pool.floats[ray, k] = limbs.scaled_float(
            pool.words[ray, k], scratch.word, rows.shifts[k] - peak
        )
    pool.errors[ray] = 8.0 * U
    pool.exact[ray] = 1


@inner
def _gcd(a, b):
    while b != 0:
        a, b = b, a % b
    return a


@inlined
def combine_ints(pool, new, plus, minus, value_plus, value_minus):
    """Primitive int64 ray where the row vanishes between two adjacent rays."""
    width = pool.ints.shape[1]
    divisor = np.int64(0)
    for k in range(width):
        value = value_plus * pool.ints[minus, k] - value_minus * pool.ints[plus, k]
        pool.ints[new, k] = value
        if divisor != 1:
            divisor = _gcd(divisor, abs(value))
    if divisor > 1:
        for k in range(width):
            pool.ints[new, k] //= divisor


@inlined
def combine_floats(rows, pool, row, new, plus, minus, value_plus, value_minus):
    """Float ray where ``row`` vanishes between two adjacent rays, with its error.

    ``n = |v_m| p + v_p m``; each value is off by at most E (`error_bound`) and each
    ray by e, so n is off by at most
    ``v_p e_m + E_p (1 + e_m) + |v_m| e_p + E_m (1 + e_p) + 3u (v_p + |v_m|)``.
    Dividing by the largest entry t costs one more rounding.
    """
    width = pool.floats.shape[1]
    a, b = abs(value_plus), abs(value_minus)
    e_plus, e_minus = pool.errors[plus], pool.errors[minus]
    error = (
        a * e_minus
        + error_bound(rows, pool, row, plus) * (1.0 + e_minus)
        + b * e_plus
        + error_bound(rows, pool, row, minus) * (1.0 + e_plus)
        + 3.0 * U * (a + b)
    )
    peak = 0.0
    for k in range(width):
        value = a * pool.floats[minus, k] + b * pool.floats[plus, k]
        pool.floats[new, k] = value
        peak = max(peak, abs(value))
    pool.exact[new] = 0
    # 2**-500 keeps underflow far below the error bound; else: decide exactly
    if not (peak > 2.0**-500) or not (error < peak):
        pool.errors[new] = math.inf
        for k in range(width):
            pool.floats[new, k] = 0.0
        return
    for k in range(width):
        pool.floats[new, k] /= peak
    pool.errors[new] = 1.01 * error / peak + 2.0 * U


@inner
def negate_ray(pool, ray, filtered):
    """Replace a ray by its opposite."""
    if filtered:
        for k in range(pool.floats.shape[1]):
            pool.floats[ray, k] = -pool.floats[ray, k]
            limbs.negate(pool.words[ray, k])
    else:
        for k in range(pool.ints.shape[1]):
            pool.ints[ray, k] = -pool.ints[ray, k]
