"""Exact rays of filtered arithmetic: signed minors of the rows tight at a ray."""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells import limbs
from arrangement._kernels.cells.float_rays import U
from arrangement._kernels.compile import bare_inner, bare_kernel
from arrangement._kernels.state import EXACT

PRIMES = (2147483629, 2147483587, 2147483579, 2147483563, 2147483549)


@bare_inner
def _negate_all(words):
    """Replace an exact vector (r, n_words) by its opposite."""
    for k in range(words.shape[0]):
        limbs.negate(words[k])


@bare_inner
def _exact_sign(row_words, ray_words, row, ray, dot):
    """Sign of a row at an exact ray; ``dot`` (n_digits,) is scratch."""
    limbs.clear(dot)
    for k in range(ray_words.shape[1]):
        limbs.add_product(dot, row_words[row, k], ray_words[ray, k], np.bool_(False))
    return limbs.sign(dot)


@bare_inner
def _independent(row_words, tight, n_tight, wanted, prime, residues):
    """Move ``wanted`` rows independent modulo ``prime`` to the front of ``tight``.

    Independence modulo a prime proves independence.  Returns how many were found.
    """
    width = row_words.shape[1]
    n_digits = row_words.shape[2] - 1
    base = np.int64(4294967296) % prime
    found = 0
    for t in range(n_tight):
        if found == wanted:
            break
        row = tight[t]
        for k in range(width):
            value = np.int64(0)
            for digit in range(n_digits - 1, -1, -1):
                value = (value * base + np.int64(row_words[row, k, digit])) % prime
            if row_words[row, k, n_digits] == ONE:
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


@bare_inner
def _cofactors(row_words, tight, minors, out):
    """Exact vector orthogonal to the ``r - 1`` rows ``tight``: signed minors.

    Laplace expansion over column subsets: ``minors[mask]`` is the minor of the first
    popcount(mask) rows on the columns of ``mask``.
    """
    width = row_words.shape[1]
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
                    minors[mask], row_words[row, k], minors[mask ^ (1 << k)], flip
                )
                position += 1
    for k in range(width):
        source = minors[full ^ (1 << k)]
        for w in range(out.shape[1]):
            out[k, w] = source[w]
        if k % 2 == 1:
            limbs.negate(out[k])


@bare_inner
def _set_floats(rays, ray_words, shifts, scratch, ray):
    """Round the exact ray to floats: entries within 4u relative, or underflow."""
    width = shifts.size
    peak = -(1 << 60)
    for k in range(width):
        bits = limbs.exponent(ray_words[ray, k], scratch)
        if bits > 0 and bits + shifts[k] > peak:
            peak = bits + shifts[k]
    for k in range(width):
        rays[ray, k] = limbs.scaled_float(ray_words[ray, k], scratch, shifts[k] - peak)
    rays[ray, width] = 8.0 * U
    rays[ray, width + 1] = EXACT


@bare_kernel
def resolve(rays, masks, valid, exact, pending, tight, ray):
    """Make a ray exact, its float as good as can be, and decide its pending signs.

    It is the vector of minors of rows tight at it.  The rows known to be tight (not in
    ``pending``) have rank r - 1: they include all that are tight at both parents, and
    the row that made the ray.  Some row of known sign orients it: the base rows have
    rank r, so one of them is not tight, and its sign is known.  Returns False only if
    no prime of the list shows r - 1 independent rows.  ``tight`` (places,) is scratch.
    """
    width = exact.row_words.shape[1]
    n_words = pending.size
    n_tight = np.int64(0)
    known, side = np.int64(-1), np.int64(0)
    for w in range(n_words):
        plus, minus = masks[ray, w], masks[ray, n_words + w]
        rest = valid[w] & ~(plus | minus | pending[w])
        while rest != ZERO:
            tight[n_tight] = 64 * w + lowest(rest)
            n_tight += 1
            rest &= rest - ONE
        if plus | minus != ZERO:
            bit = lowest(plus | minus)
            known = 64 * w + bit
            side = 1 if (plus >> np.uint64(bit)) & ONE != ZERO else -1
    found = 0
    for prime in PRIMES:
        found = _independent(
            exact.row_words, tight, n_tight, width - 1, np.int64(prime), exact.residues
        )
        if found == width - 1:
            break
    if found < width - 1:
        return False
    words = exact.ray_words[ray]
    _cofactors(exact.row_words, tight, exact.minors, words)
    dot = exact.minors[exact.minors.shape[0] - 1]
    if _exact_sign(exact.row_words, exact.ray_words, known, ray, dot) != side:
        _negate_all(words)
    for w in range(n_words):
        while pending[w] != ZERO:
            bit = lowest(pending[w])
            flag = ONE << np.uint64(bit)
            pending[w] ^= flag
            side = _exact_sign(exact.row_words, exact.ray_words, 64 * w + bit, ray, dot)
            if side > 0:
                masks[ray, w] |= flag
            elif side < 0:
                masks[ray, n_words + w] |= flag
    _set_floats(rays, exact.ray_words, exact.shifts, dot, ray)
    return True
