"""Depth-first walk over the cells in integers: of one word, or of two.

Rays are integer vectors with a further entry that says of which kind: MINORS are the
(r-1) x (r-1) minors of r - 1 rows tight there, PRIMITIVE what is left when their gcd is
divided out.  With b_k the Hadamard bound in bits for k x k minors, the wrapper proves
``b_(r-1) <= 62`` and ``b_r <= 124``, and that no partial sum of a dot product has 127
bits; where ``control[WIDE]`` is PRODUCTS, ``b_r <= 62``, so that a value modulo 2**64
is the value; where it is 0, that products of values and rays stay under 2**61, and all
is done in int64.

A new ray, on the row k between p and q, is a divisor of
``T = (x_k . p) q - (x_k . q) p``.  If q is simple and MINORS, and j its one tight row
where p is not, let B be its other ones and i any that is tight at p and not at q.  The
minors of B and i are ``c p``, and as the determinants of B, i, j on both ways are the
same, ``c |x_j . p| = |x_i . q|``.  By the relation of Grassmann and Pluecker the minors
of B and k are ``(x_k . cp) q - (x_k . q) cp`` over ``|x_i . q|``: so they are
``T / |x_j . p|``, without rest, and no gcd has to be found.  As they have at most 62
bits, T over the twos of the divisor, in one word, times the inverse of its odd part
gives them; if they are shorter than what the twos leave of a word, T modulo 2**64 will
do, as they are the lowest bits of the product, and so will the lower words of values.
Where both ends are tight on more rows, or PRIMITIVE, the gcd is taken.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest
from arrangement._kernels.cells.last_rows import has_many_rays, list_parts
from arrangement._kernels.cells.pairs import find_pairs, split_rays
from arrangement._kernels.cells.parts import value_at
from arrangement._kernels.cells.rays import (
    begin_ray,
    emit,
    emit_last,
    next_row,
    push_root,
    survey,
    write_children,
    write_facets,
)
from arrangement._kernels.compile import bare_forced, bare_inner, bare_kernel
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    DOUBTFUL,
    GROW_LISTS,
    GROW_POOL,
    IS_BEGUN,
    LEAF,
    MINORS,
    N_EMITTED,
    N_FRAMES,
    N_MADE,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    PRIMITIVE,
    REFINE,
    SINGLE,
    SPARE_BITS,
    STEP,
    VALUES,
    WIDE,
)
from arrangement._kernels.wide import add_product, multiply, odd_step, shift, subtract

# larger numbers are left to Python
WIDEST = 2.0**126


@bare_forced
def gcd(a, b):
    """Greatest common divisor of two numbers that are not negative (Stein)."""
    if a == 0 or b == 0:
        return a | b
    twos = lowest(np.uint64(a | b))
    a >>= lowest(np.uint64(a))
    while b != 0:
        b >>= lowest(np.uint64(b))
        a, b = min(a, b), abs(a - b)
    return a << twos


@bare_forced
def wide_value_at(rows, vectors, row, ray):
    """Value of a row at a ray, in two words."""
    high, low = np.int64(0), np.int64(0)
    for k in range(rows.shape[1]):
        high, low = add_product(high, low, rows[row, k], vectors[ray, k])
    return high, low


@bare_forced
def sign_at(rows, vectors, row, ray, wide):
    """Sign of a row at a ray."""
    if wide == VALUES:
        high, low = wide_value_at(rows, vectors, row, ray)
        return -1 if high < 0 else np.int64(high | low != 0)
    value = value_at(rows, vectors, row, ray)
    return -1 if value < 0 else np.int64(value != 0)


@bare_forced
def to_float(high, low):
    """Round a number of two words."""
    return np.float64(high) * 2.0**64 + np.float64(np.uint64(low))


@bare_forced
def absolute(high, low):
    """Size of a number of two words."""
    return subtract(0, 0, high, low) if high < 0 else (high, low)


@bare_forced
def twos_of(high, low):
    """How often two divides a number that is not zero."""
    return lowest(np.uint64(low)) if low != 0 else 64 + lowest(np.uint64(high))


@bare_forced
def inverse_word(odd):
    """Inverse of an odd number modulo 2**64: each step doubles the 5 bits of the first.

    (Newton; the start is right modulo 2**5.)
    """
    x = (3 * odd) ^ 2
    for _ in range(4):
        x *= 2 - odd * x
    return x


@bare_forced
def place_beside(cut, one, other):
    """Place of the lowest row tight at one ray, by position, and not at the other."""
    for w in range(cut.zeros.shape[1]):
        rest = cut.zeros[one, w] & ~cut.zeros[other, w]
        if rest != ZERO:
            return 64 * w + lowest(rest)
    return -1


@bare_forced
def find_value(rows, cells, cut, place, position):
    """Note the lower word of the value of a row at a ray of the cell, if it is not."""
    if cut.has_value[position] == 0:
        cut.value[position] = value_at(rows, cells.rays, place, cut.ray[position])
        cut.has_value[position] = 1


@bare_forced
def find_words(rows, cells, cut, place, position):
    """Note both words of the value of a row at a ray of the cell, if they are not."""
    if cut.has_value[position] < 2:
        if cells.control[WIDE] == VALUES:
            ray = cut.ray[position]
            high, low = wide_value_at(rows, cells.rays, place, ray)
            cut.high[position] = high
            cut.value[position] = low
        else:
            cut.high[position] = cut.value[position] >> 63
        cut.has_value[position] = 2


@bare_forced
def combine(rows, cells, cut, new, i, j, place):
    """Make the ray where a row vanishes between those at the positions ``i`` and ``j``.

    False where a number is too long (see `make_primitive`).
    """
    rays, wide = cells.rays, cells.control[WIDE]
    width = rows.shape[1]
    p, q = cut.ray[i], cut.ray[j]
    find_value(rows, cells, cut, place, i)
    find_value(rows, cells, cut, place, j)
    row, end = -1, p
    if cut.is_simple[j] == 1 and rays[q, width] == MINORS:
        row = place_beside(cut, j, i)
    elif cut.is_simple[i] == 1 and rays[p, width] == MINORS:
        row, end = place_beside(cut, i, j), q
    rays[new, width] = PRIMITIVE if row < 0 else MINORS
    if row >= 0:
        divisor = value_at(rows, rays, row, end)
        # the lower word does not tell
        word = cells.masks[end, cut.pending.size + (row >> 6)]
        if word >> np.uint64(row & 63) & ONE != ZERO:
            divisor = -divisor
        twos = lowest(np.uint64(divisor))
        if wide == 0 or twos < cells.control[SPARE_BITS]:
            inverse = inverse_word(divisor >> twos)
            for k in range(width):
                value = cut.value[i] * rays[q, k] - cut.value[j] * rays[p, k]
                rays[new, k] = ((value >> twos) * inverse) << twos >> twos
            return True
    elif wide == 0:
        for k in range(width):
            rays[new, k] = cut.value[i] * rays[q, k] - cut.value[j] * rays[p, k]
        divide_by_gcd(rays, new, width)
        return True
    find_words(rows, cells, cut, place, i)
    find_words(rows, cells, cut, place, j)
    if row < 0:
        return make_primitive(rays, cut, new, i, j, width)
    high, low = wide_value_at(rows, rays, row, end)
    high, low = absolute(high, low)
    twos = twos_of(high, low)
    # 64 bits are left of 128: a determinant of more twos is never seen
    if twos > 64:
        return False
    _, odd = shift(high, low, twos)
    inverse = inverse_word(odd)
    for k in range(width):
        high, low = cross(rays, cut, i, j, k)
        _, low = shift(high, low, twos)
        rays[new, k] = low * inverse
    return True


@bare_forced
def cross(rays, cut, i, j, k):
    """Entry k of ``v_i q - v_j p``, modulo 2**128, of the rays p and q at i and j."""
    a, b = rays[cut.ray[j], k], rays[cut.ray[i], k]
    high, low = multiply(cut.high[i], cut.value[i], a >> 63, a)
    other = multiply(cut.high[j], cut.value[j], b >> 63, b)
    return subtract(high, low, other[0], other[1])


@bare_forced
def divide_by_gcd(rays, new, width):
    """Make a ray primitive."""
    divisor = np.int64(0)
    for k in range(width):
        rest = abs(rays[new, k])
        # most often what two entries have in common divides the others
        if divisor > 0:
            rest %= divisor
        if rest != 0:
            divisor = gcd(divisor, rest)
            if divisor == 1:
                return
    twos = lowest(np.uint64(divisor))
    inverse = inverse_word(divisor >> twos)
    for k in range(width):
        rays[new, k] = (rays[new, k] >> twos) * inverse


@bare_inner
def make_primitive(rays, cut, new, i, j, width):
    """Make a primitive ray in two words; False where they may not hold ``cross``.

    g is the gcd of the odd parts of the entries so far.  An odd number a is a multiple
    of g just when ``a g^-1`` modulo 2**128, times g, is below 2**128.
    """
    peak_p = peak_q = 0.0
    for k in range(width):
        peak_p = max(peak_p, abs(np.float64(rays[cut.ray[i], k])))
        peak_q = max(peak_q, abs(np.float64(rays[cut.ray[j], k])))
    size = abs(to_float(cut.high[i], cut.value[i])) * peak_q
    size += abs(to_float(cut.high[j], cut.value[j])) * peak_p
    if not size < WIDEST:
        return False
    twos = 128
    g1, g0 = np.int64(0), np.int64(0)
    x1, x0 = np.int64(0), np.int64(0)
    for k in range(width):
        high, low = cross(rays, cut, i, j, k)
        if high | low == 0:
            continue
        high, low = absolute(high, low)
        count = twos_of(high, low)
        twos = min(twos, count)
        a1, a0 = shift(high, low, count)
        if g1 | g0 != 0:
            n1, n0 = multiply(a1, a0, x1, x0)
            if n1 >= 0 and to_float(n1, n0) * to_float(g1, g0) < WIDEST:
                continue
            while a1 != g1 or a0 != g0:
                a1, a0, g1, g0 = odd_step(a1, a0, g1, g0)
        g1, g0 = a1, a0
        x1, x0 = np.int64(0), inverse_word(g0)
        # another step: 128 bits
        y1, y0 = multiply(g1, g0, x1, x0)
        y1, y0 = subtract(0, 2, y1, y0)
        x1, x0 = multiply(x1, x0, y1, y0)
    for k in range(width):
        high, low = cross(rays, cut, i, j, k)
        high, low = shift(high, low, twos)
        _, low = multiply(high, low, x1, x0)
        rays[new, k] = low
    return True


@bare_forced
def decide(rows, cells, new, pending):
    """Decide the pending signs of a new ray."""
    n_words = pending.size
    wide = cells.control[WIDE]
    for w in range(n_words):
        rest = pending[w]
        while rest != ZERO:
            bit = lowest(rest)
            flag = ONE << np.uint64(bit)
            rest ^= flag
            side = sign_at(rows, cells.rays, 64 * w + bit, new, wide)
            if side > 0:
                cells.masks[new, w] |= flag
            elif side < 0:
                cells.masks[new, n_words + w] |= flag
        pending[w] = ZERO


@bare_forced
def cut_cell(rows, cells, cut, place):
    """Cut the top cell by the row at ``place``: 0, or what has to be done first.

    REFINE: Python has to make the ray ``control[DOUBTFUL]``, from its parents; what was
    made before it stays.
    """
    control = cells.control
    top = control[N_FRAMES] - 1
    count, first = cells.n_rays[top], cells.pool_top[top]
    if count >= cut.ray.size:
        return GROW_LISTS
    width = rows.rows.shape[1]
    n_left, n_right = split_rays(rows, cells, cut, place, width)
    n_new = find_pairs(cut, count, n_left, n_right, width)
    if n_new < 0 or cells.start[top] + 2 * (count + n_new) > cells.ids.size:
        return GROW_LISTS
    if first + n_new > cells.masks.shape[0]:
        return GROW_POOL
    for t in range(n_new):
        new = first + t
        cut.ray[count + t] = new
        if t < control[N_MADE]:
            continue
        i, j = cut.parent_p[count + t], cut.parent_q[count + t]
        if control[IS_BEGUN] == 0 and not combine(
            rows.rows, cells, cut, new, i, j, place
        ):
            control[N_MADE] = t
            control[IS_BEGUN] = 1
            control[DOUBTFUL] = count + t
            return REFINE
        control[IS_BEGUN] = 0
        begin_ray(cells.masks, new, cut.ray[i], cut.ray[j], place, cut.pending)
        decide(rows.rows, cells, new, cut.pending)
    control[N_MADE] = 0
    write_children(cells, cut, n_new)
    return 0


@bare_forced
def peak_of(rays, ray, width):
    """Largest size of an entry of a ray, as a float."""
    peak = 0.0
    for k in range(width):
        peak = max(peak, abs(np.float64(rays[ray, k])))
    return peak


@bare_forced
def add_rays(cells, out):
    """Write the sum of the top cell's rays as floats, each scaled to 1: well inside.

    Only a candidate: the proof decides its signs exactly.
    """
    top = cells.control[N_FRAMES] - 1
    start = cells.start[top]
    for k in range(out.size):
        out[k] = 0.0
    for t in range(start, start + cells.n_rays[top]):
        ray = cells.ids[t]
        scale = 1.0 / peak_of(cells.rays, ray, out.size)
        for k in range(out.size):
            out[k] += np.float64(cells.rays[ray, k]) * scale


@bare_kernel
def advance(rows, required, outside, cells, cut, budget, output):
    """List chambers depth first until the block is full: DONE, BLOCK_FULL, PAUSED, ...

    The arrays are named in `state`.  ``budget`` bounds the cells visited in one call.
    """
    control = cells.control
    for _ in range(budget):
        if control[N_FRAMES] == 0:
            if control[NEXT_ROOT] == control[N_ROOTS]:
                return DONE
            push_root(rows, cells)
        survey(cells, cut.union)
        place = next_row(cut.union, required)
        if place >= 0:
            if control[IS_BEGUN] == 0 and (
                emit_last(rows.rows, required, outside, cells, cut, place, output)
                or (
                    has_many_rays(cells)
                    and list_parts(rows.rows, required, outside, cells, cut, output)
                )
            ):
                continue
            status = cut_cell(rows, cells, cut, place)
            if status != 0:
                return status
            continue
        if place == LEAF:
            if control[N_EMITTED] + control[STEP] > output.patterns.shape[0]:
                return BLOCK_FULL
            chamber = control[N_EMITTED] // control[STEP]
            if output.starts.size > 0:
                begin = output.starts[chamber]
                if begin + rows.rows.shape[0] > output.places.size:
                    return BLOCK_FULL
                top = control[N_FRAMES] - 1
                output.starts[chamber + 1] = write_facets(
                    cells.masks, cells.ids, cells.start[top], cells.n_rays[top],
                    rows.valid, output.places, begin,
                )  # fmt: skip
            if output.points.shape[0] > 0:
                add_rays(cells, output.points[chamber])
            emit(cut.union, outside, control, output.patterns)
            if control[SINGLE] == 1:
                return DONE
        control[N_FRAMES] -= 1
    return PAUSED
