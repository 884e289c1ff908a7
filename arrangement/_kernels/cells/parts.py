"""Into which parts a few last rows cut a cell, from their values at its rays alone.

Let rows f_1 .. f_k cut an open cell C, K be the cone that their values at its rays
generate, and a *part* the points of C where the rows have given signs: there is one
just if K, whose inside is what the rows are on C, meets that orthant.  A ray within an
orthant shows a part, and so does one on the border of two: the row that vanishes there
has both signs on C.  For what is missing:

- *Circuits.*  Call rows I free if all ``2**|I|`` signs of theirs occur on C; one row
  is, as it cuts C.  Let all proper subsets of I be free and I not, so that signs s of I
  do not occur; then all others do, but perhaps for -s.  (Let s be all +.  A hyperplane
  parts K from that orthant: ``y . f < 0`` on C, or 0, with y >= 0.  For each j a point
  x_j of C has f_i > 0 for all i but j, so f_j < 0 there, as the rest of C is open, and
  y_j > 0.  The matrix ``-f_i(x_j)`` has off its diagonal only numbers below 0, and
  takes y > 0 to something not below 0: it is an M-matrix.  If regular, its inverse is
  positive, and positive sums of the x_j have all signs with a - in them; if singular,
  all on which ``y . f`` vanishes.)  So if some proper subset of I is not free, signs of
  I occur just if those of all its proper subsets do: the parts are the signs without
  any circuit, a circuit being signs that do not occur of rows whose proper subsets are
  free.
- *Signs of rows I* are looked for as in `orthants`, where those of rows one by one
  shows a part of all rows; each subset comes before the sets that it is in.
- *Ties.*  If a face of the cell lies where two rows vanish, floats do not tell, and the
  signs of two rows are decided in integers.

No answer is given where that does not suffice: then the cell is cut.  Rows are scaled
to 1-norm 1, and rays to entries of size 1: values ``near`` are at most 1 and off by at
most ``error``, and their signs are known, so that a value on the wrong side becomes 0.
"""

from __future__ import annotations

import math

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, lowest, popcount
from arrangement._kernels.cells.orthants import (
    MET,
    MISSING,
    OPEN,
    SLACK,
    padded,
    test_signs,
)
from arrangement._kernels.cells.rays import emit
from arrangement._kernels.compile import bare_forced, bare_inner
from arrangement._kernels.state import (
    LAST_ROWS,
    N_EMITTED,
    N_FRAMES,
    STEP,
    VALUES,
    WIDE,
)
from arrangement._kernels.wide import multiply, subtract


@bare_forced
def find_few(union, required, few):
    """Note which rows cut a cell; how many, or 0 if too many or of required sign."""
    n_words = required.plus.size
    count = 0
    for w in range(n_words):
        cutting = union[w] & union[n_words + w]
        if cutting & (required.plus[w] | required.minus[w]) != ZERO:
            return 0
        if count + popcount(cutting) > few.size:
            return 0
        while cutting != ZERO:
            few[count] = 64 * w + lowest(cutting)
            count += 1
            cutting &= cutting - ONE
    return count


@bare_forced
def read_signs(cells, cut, k):
    """Note the signs of the ``k`` rows at the rays: parts with a ray within, or met.

    A part has a number: bit ``k - 1 - j`` is set where row j is negative, so that parts
    come in the order of a listing.  ``cut.signs`` has those bits of the rows positive,
    and ``2**8`` times those of the rows negative.
    """
    masks, top = cells.masks, cells.control[N_FRAMES] - 1
    n_words = masks.shape[1] // 2
    start = cells.start[top]
    within = met = ZERO
    for t in range(cells.n_rays[top]):
        ray = cells.ids[start + t]
        plus = minus = ZERO
        for j in range(k):
            word, shift = cut.few[j] >> 6, np.uint64(cut.few[j] & 63)
            plus = plus << ONE | (masks[ray, word] >> shift) & ONE
            minus = minus << ONE | (masks[ray, n_words + word] >> shift) & ONE
        cut.signs[t] = np.int64(plus | minus << np.uint64(8))
        rest = ((ONE << np.uint64(k)) - ONE) & ~(plus | minus)
        if rest == ZERO:
            within |= ONE << minus
        elif rest & (rest - ONE) == ZERO:
            met |= (ONE << minus) | (ONE << (minus | rest))
    return within, within | met


@bare_forced
def side_of(signs, bit):
    """Sign of a row at a ray."""
    return (signs >> bit & 1) - (signs >> (8 + bit) & 1)


@bare_forced
def half(bit, is_negative):
    """Return the set of the parts where the row of a bit has a sign."""
    # bits whose number has bit 0, 1, .. set
    if bit == 0:
        word = np.uint64(0xAAAAAAAAAAAAAAAA)
    elif bit == 1:
        word = np.uint64(0xCCCCCCCCCCCCCCCC)
    elif bit == 2:
        word = np.uint64(0xF0F0F0F0F0F0F0F0)
    elif bit == 3:
        word = np.uint64(0xFF00FF00FF00FF00)
    elif bit == 4:
        word = np.uint64(0xFFFF0000FFFF0000)
    else:
        word = np.uint64(0xFFFFFFFF00000000)
    return word if is_negative else ~word


@bare_inner
def test_tie(rows, cells, cut, k, some, signs, error):
    """Whether rows have two signs anywhere, in integers: MET, MISSING or OPEN.

    ``a d`` and ``b c`` may be the same where a face of the cell lies where both rows
    vanish.  p is the ray where the quotient is largest in floats, and nothing is known
    where it is not in truth; the values have one word (see `walk_ints`).
    """
    if cells.control[WIDE] == VALUES:
        return OPEN
    a, b = lowest(np.uint64(some)), lowest(np.uint64(some & (some - 1)))
    start = cells.start[cells.control[N_FRAMES] - 1]
    one, two = 1 - 2 * (signs >> a & 1), 1 - 2 * (signs >> b & 1)
    first, second = cut.few[k - 1 - a], cut.few[k - 1 - b]
    count = cells.n_rays[cells.control[N_FRAMES] - 1]
    p, best = np.int64(-1), 0.0
    for t in range(count):
        x, y = one * cut.near[a, t], two * cut.near[b, t]
        if x > 0.0 and y < 0.0 and x > best * -y:
            p, best = t, x / -y
    if p < 0:
        return OPEN
    ray = cells.ids[start + p]
    x = one * value_at(rows, cells.rays, first, ray)
    y = two * value_at(rows, cells.rays, second, ray)
    e, f = abs(cut.near[a, p]), abs(cut.near[b, p])
    least = (e - error) / (f + error)
    most = (e + error) / (f - error) if f > error else math.inf
    bound = -1.01 * (1.0 + most) * (error + SLACK)
    for t in range(count):
        z, w = one * cut.near[a, t], two * cut.near[b, t]
        if z + least * w < bound and z + most * w < bound:
            continue
        ray = cells.ids[start + t]
        u = one * value_at(rows, cells.rays, first, ray)
        v = two * value_at(rows, cells.rays, second, ray)
        # x v - y u, of numbers below 2**62: above 0 beyond the line through p
        high, low = multiply(x >> 63, x, v >> 63, v)
        minus, rest = multiply(y >> 63, y, u >> 63, u)
        high, low = subtract(high, low, minus, rest)
        if high >= 0 and high | low != 0:
            return MET if u < 0 else OPEN
    return MISSING


@bare_forced
def value_at(rows, vectors, row, ray):
    """Value of a row at a ray."""
    total = np.int64(0)
    for c in range(rows.shape[1]):
        total += rows[row, c] * vectors[ray, c]
    return total


@bare_forced
def any_sign(sets, bits):
    """Add to sets of rows, or of their signs, those that differ in some of the bits."""
    while bits != 0:
        bit = lowest(np.uint64(bits))
        bits &= bits - 1
        step, above = ONE << np.uint64(bit), half(bit, True)
        sets |= (sets & ~above) << step | (sets & above) >> step
    return sets


@bare_forced
def signs_beside(parts, others):
    """Return the signs that no part has, of all but the ``others``: + there."""
    rest = ~any_sign(parts, others)
    while others != 0:
        rest &= half(lowest(np.uint64(others)), False)
        others &= others - 1
    return rest


@bare_inner
def find_parts(rows, cells, cut, k, met, error):
    """Return the set of the parts that ``k`` rows make of a cell, or 0 in doubt.

    And those with rays that show them.  ``met`` are those that single rays show
    (`read_signs`).
    """
    count = padded(cells.n_rays[cells.control[N_FRAMES] - 1])
    whole = ~ZERO >> (np.uint64(64) - (ONE << np.uint64(k)))
    # of all sets of rows, by bits: those with a part that is not free
    parts, seen, bound = whole, met, ZERO
    for some in range(3, 1 << k):
        if some & (some - 1) == 0 or (bound >> np.uint64(some)) & ONE != ZERO:
            continue
        others = (1 << k) - 1 ^ some
        rest = whole & signs_beside(seen, others)
        while rest != ZERO:
            signs = lowest(rest)
            rest &= rest - ONE
            found, part = test_signs(cut, count, k, error, some, signs)
            if found == OPEN and popcount(np.uint64(some)) == 2:
                found = test_tie(rows, cells, cut, k, some, signs, error)
            if found == OPEN:
                return ZERO, ZERO
            seen |= part
            if found == MISSING:
                parts &= ~any_sign(ONE << np.uint64(signs), others)
                bound |= any_sign(ONE << np.uint64(some), others)
                # all other signs of these rows occur
                rest = ZERO
        if parts & ~seen == ZERO:
            break
    return parts, seen & ~met


@bare_forced
def has_room(parts, inner, control, output):
    """Whether parts can be written now, with a point in each where these are wanted."""
    n_parts = popcount(parts)
    if control[N_EMITTED] + n_parts * control[STEP] > output.patterns.shape[0]:
        return False
    return output.points.shape[0] == 0 or parts & ~inner == ZERO


@bare_forced
def add_shown(cut, parts, shown, points):
    """Add to the points of the parts ``shown`` those that have shown them."""
    while shown != ZERO:
        number = lowest(shown)
        shown &= shown - ONE
        m = popcount(parts & ((ONE << np.uint64(number)) - ONE))
        for i in range(LAST_ROWS):
            t = cut.corners[number, i]
            if t >= 0:
                share = cut.shares[number, i] * cut.scales[t]
                for c in range(points.shape[1]):
                    points[m, c] += share * cut.turned[c, t]


@bare_inner
def write_inside(rows, cells, cut, k, parts, shown, points):
    """Write a point in each part; False where rounding hides one.

    As in `rays.write_points`: ``S + t Q``, with S the sum of all rays, and Q that of
    those within, or of those that have shown the part.
    """
    top, size = cells.control[N_FRAMES] - 1, points.shape[1]
    start, total = cells.start[top], cut.lines[LAST_ROWS]
    for c in range(size):
        total[c] = 0.0
        for m in range(popcount(parts)):
            points[m, c] = 0.0
    for t in range(cells.n_rays[top]):
        ray, part = cells.ids[start + t], ONE << np.uint64(cut.signs[t] >> 8)
        # one on a border of parts counts for one of these
        m = popcount(parts & (part - ONE)) if parts & part != ZERO else np.int64(0)
        for c in range(size):
            value = np.float64(cells.rays[ray, c])
            points[m, c] += value
            total[c] += value
    add_shown(cut, parts, shown, points)
    m = 0
    while parts != ZERO:
        number = lowest(parts)
        parts &= parts - ONE
        scale = 1.0
        for j in range(k):
            side = 1.0 - 2.0 * (number >> (k - 1 - j) & 1)
            here = whole = 0.0
            for c in range(size):
                value = side * np.float64(rows[cut.few[j], c])
                here += value * points[m, c]
                whole += value * total[c]
            if not here > 0.0:
                return False
            scale = max(scale, 1.0 - 2.0 * whole / here)
        for c in range(size):
            points[m, c] = total[c] + scale * points[m, c]
        m += 1
    return True


@bare_forced
def emit_few(union, few, k, parts, outside, control, patterns):
    """Write the chambers of parts, + before -, and leave the cell."""
    while parts != ZERO:
        number = lowest(parts)
        parts &= parts - ONE
        for j in range(k):
            word, flag = few[j] >> 6, ONE << np.uint64(few[j] & 63)
            if number >> (k - 1 - j) & 1:
                union[word] &= ~flag
            else:
                union[word] |= flag
        emit(union, outside, control, patterns)
    control[N_FRAMES] -= 1
