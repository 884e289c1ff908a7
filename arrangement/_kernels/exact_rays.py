"""Exact rays of filtered arithmetic: signed minors of the rows tight at a ray."""

from __future__ import annotations

import numpy as np

from arrangement._kernels import limbs
from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.compile import inner
from arrangement._kernels.state import VALID

U = 2.0**-53
PRIMES = (2147483629, 2147483587, 2147483579, 2147483563, 2147483549)


@inner
def negate_exact(words):
    """Replace an exact vector (r, n_words) by its opposite."""
    for k in range(words.shape[0]):
        limbs.negate(words[k])


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
def refine(rows, rays, masks, fixed, exact, ray):
    """Make a ray exact from the rows tight at it, and its float as good as can be.

    The rows known to be tight have rank r - 1: they include all that are tight at both
    parents, and the row that made the ray.  Some row of known sign orients it: the
    base rows have rank r, so one of them is not tight, and its sign is known.
    Returns False only if no prime of the list shows r - 1 independent rows.
    """
    width = rows.words.shape[1]
    n_words = exact.pending.size
    n_tight = np.int64(0)
    known, side = np.int64(-1), np.int64(0)
    for w in range(n_words):
        plus, minus = masks[ray, w], masks[ray, n_words + w]
        rest = fixed[VALID, w] & ~(plus | minus | exact.pending[w])
        while rest != ZERO:
            exact.tight[n_tight] = 64 * w + lowest(rest)
            n_tight += 1
            rest &= rest - ONE
        if plus | minus != ZERO:
            known = 64 * w + lowest(plus | minus)
            side = 1 if plus >> np.uint64(known & 63) & ONE != ZERO else -1
    found = 0
    for prime in PRIMES:
        found = _independent(
            rows, exact.tight, n_tight, width - 1, np.int64(prime), exact.residues
        )
        if found == width - 1:
            break
    if found < width - 1:
        return False
    words = rays.words[ray]
    _cofactors(rows, exact.tight, exact.minors, words)
    if exact_sign(rows, words, known, exact.dot) != side:
        negate_exact(words)
    set_floats(rows, rays, exact, ray)
    return True


@inner
def set_floats(rows, rays, exact, ray):
    """Round the exact ray to floats: entries within 4u relative, or underflow."""
    width = rows.words.shape[1]
    peak = -(1 << 60)
    for k in range(width):
        bits = limbs.exponent(rays.words[ray, k], exact.word)
        if bits > 0 and bits + rows.shifts[k] > peak:
            peak = bits + rows.shifts[k]
    for k in range(width):
        rays.floats[ray, k] = limbs.scaled_float(
            rays.words[ray, k], exact.word, rows.shifts[k] - peak
        )
    rays.errors[ray] = 8.0 * U
    rays.exact[ray] = 1
