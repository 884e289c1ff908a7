"""List the chambers that open at simple vertices, one vertex each.

In coordinates y with row 0 equal to y_0, let level j be the flat y_0 = .. = y_(j-1) = 0
in the chart y_j = 1: level 0 is the arrangement itself, level j + 1 lies at the far end
of level j, where y_(j+1) grows without bound.  A chamber of level j either has a
highest vertex, where y_(j+1) is largest, or reaches level j + 1, in one chamber there;
so all chambers are counted once by the vertices of all levels.  At a simple vertex
(d = r - 1 - j rows S) one chamber opens downwards.  Its sign on a row outside S is that
of the row at the vertex; on the s-th row of S it is the sign of lambda_s in
``-e_1 = sum lambda_s a_s``, a_s the normals in coordinates j+1, j+2, ..: by Cramer's
rule ``-(-1)**s chi_(j+1)(S - s) / chi_j(S)``, chi_j the sign of the determinant of the
rows in coordinates j+1, ..  The coordinates are random, and none of these signs may
vanish.

Eliminating one coordinate per row of S but the last leaves a line, on which a row has
the value ``beta + alpha t``.  The signs at the vertex with row k are told by the order
in which the rows cross the line, so by their keys (`_kernels/keys.py`); where two keys
are too close, by those of ``beta alpha_k - alpha beta_k``.

Error bounds (u = 2**-53).  At depth q the coordinates other than y_j of all rows are
at most M and off by at most E, y_j at most M0 and off by E0; at first 1 and u.
Eliminating with a row s of pivot P (its largest), w = y_s / P, |w| <= 1, |w_0| = W:
``|w^ - w| <= 2.03 E / (P - E) + 1.01 u =: D``,
``|w0^ - w0| <= 1.01 (E0 + (W + D) E) / (P - E) + 1.01 u W =: D0``, so that
``E' = 1.01 (E (2 + D) + M D + 5 u M)``,
``E0' = 1.01 (E0 + E (W + D0) + M D0 + 3 u (M0 + M W))``; M' and M0' are the largest
values found, plus E' and E0'.
The last value is off by at most ``1.01 (|alpha_k| (E0 + 3 u M0) + |beta_k| (E + 3 u M)
+ E M0 + E0 M + 2 E E0)``.  What is not above its bound goes to exact integers.
"""

from __future__ import annotations

import numpy as np

from arrangement._kernels.bits import ONE, ZERO, compare_words, subtract_multiple
from arrangement._kernels.cells import emit
from arrangement._kernels.compile import bare_forced, bare_kernel
from arrangement._kernels.keys import CERTAIN, compare_keys, order_rows
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    HEAD,
    INCREASE,
    LAST,
    N_ELIMINATED,
    N_EMITTED,
    NOT_GENERIC,
    OPEN,
    ORDER,
    PAUSED,
    STEP,
    STOP,
    UNDECIDED_PREFIX,
    UNDECIDED_VERTEX,
)
from arrangement._kernels.vertices.lines import (
    E0,
    M0,
    E,
    M,
    U,
    copy_bits,
    is_ordered,
    turn_sides,
    value_bound,
    write_basis,
    write_line,
)

# how far inside a chamber its point lies, relative to the vertex
SMALL = 2.0**-26

# bits of a table: determinants below zero, and those known not to vanish
CHI, KNOWN = range(2)


@bare_forced
def next_prefix(prefix, control, n_free, size):
    """Increase the prefix at the place asked for; False when it was the last."""
    q, head = control[INCREASE], control[HEAD]
    control[INCREASE] = -1
    while q >= head:
        prefix[q] += 1
        # room for the rest of the prefix and for the last row
        is_within = q > head or prefix[head] < control[STOP]
        if is_within and prefix[q] <= n_free - 1 - (size - q):
            control[N_ELIMINATED] = min(control[N_ELIMINATED], q)
            for later in range(q + 1, size):
                prefix[later] = prefix[later - 1] + 1
            return True
        q -= 1
    return False


@bare_forced
def eliminate(coords, bounds, signs, depth, n_left, row):
    """Eliminate a row: the largest of its coordinates 1 .. n_left - 1; False in doubt.

    The last coordinate takes the place of the one that goes; ``signs`` tracks the
    sign of the determinant.
    """
    pivot = 1
    for c in range(2, n_left):
        if abs(coords[depth, c, row]) > abs(coords[depth, pivot, row]):
            pivot = c
    size = coords[depth, pivot, row]
    error, most = bounds[depth, E], bounds[depth, M]
    error0, most0 = bounds[depth, E0], bounds[depth, M0]
    room = abs(size) - error
    if not room > 0.0:
        return False
    last = n_left - 1
    peak, peak0 = 0.0, 0.0
    for c in range(last):
        source = last if c == pivot else c
        weight = coords[depth, source, row] / size
        largest = 0.0
        target, other = coords[depth + 1, c], coords[depth, pivot]
        for k in range(0, coords.shape[2], 64):
            part = subtract_multiple(target, coords[depth, source], other, k, weight)
            largest = max(largest, part)
        if c == 0:
            peak0 = largest
        else:
            peak = max(peak, largest)
    weight0 = 1.01 * abs(coords[depth, 0, row] / size)
    off = 2.03 * error / room + 1.01 * U
    off0 = 1.01 * (error0 + (weight0 + off) * error) / room + 1.01 * U * weight0
    bounds[depth + 1, E] = 1.01 * (error * (2.0 + off) + most * off + 5.0 * U * most)
    bounds[depth + 1, M] = peak + bounds[depth + 1, E]
    bounds[depth + 1, E0] = 1.01 * (
        error0
        + error * (weight0 + off0)
        + most * off0
        + 3.0 * U * (most0 + most * weight0)
    )
    bounds[depth + 1, M0] = peak0 + bounds[depth + 1, E0]
    # moving the last column to the pivot's place passes n_left - 2 - pivot others, and
    # the pivot is pivot - 1 places from the first column
    swaps = pivot - 1 if pivot == last else n_left - 3
    flips = (swaps & 1) ^ np.int64(size < 0.0)
    signs[depth + 1] = -signs[depth] if flips else signs[depth]
    return True


@bare_forced
def rank_offsets(prefix, size, binomials, offsets):
    """Places in the next table of a prefix without one of its rows.

    A subset {s_0 < s_1 < ..} has place ``sum C(s_i, i + 1)``; ``offsets[q]`` is that of
    the prefix without row q.
    """
    for q in range(size):
        place = np.int64(0)
        for i in range(size):
            if i < q:
                place += binomials[i + 1, prefix[i]]
            elif i > q:
                place += binomials[i, prefix[i]]
        offsets[q] = place


@bare_forced
def others_than(chart, prefix, others):
    """Mask of the rows that are not in the prefix."""
    for w in range(others.size):
        others[w] = chart.valid[w]
    for q in range(prefix.size):
        place = chart.free[prefix[q]]
        others[place >> 6] &= ~(ONE << np.uint64(place & 63))


@bare_forced
def reach_line(path, free):
    """Eliminate the rows of the prefix that are not yet; False in doubt."""
    control, prefix = path.control, path.prefix
    size = prefix.size
    while control[N_ELIMINATED] < size:
        depth = control[N_ELIMINATED]
        row = free[prefix[depth]]
        if not eliminate(
            path.coords, path.bounds, path.signs, depth, size + 2 - depth, row
        ):
            return False
        control[N_ELIMINATED] = depth + 1
    return True


@bare_forced
def order_line(chart, path, line):
    """Order the rows along the line of a prefix: keys and masks."""
    size = path.prefix.size
    alpha, beta = path.coords[size, 1], path.coords[size, 0]
    off = path.bounds[size, E]
    least = CERTAIN * (off + path.bounds[size, E0]) + 2.0**-900
    others_than(chart, path.prefix, line.others)
    for w in range(line.others.size):
        negative, sure = order_rows(alpha, beta, 64 * w, off, least, line.keys)
        line.negative[w] = negative
        line.unsure[w] = line.others[w] & ~sure


@bare_forced
def begin_sides(chart, path, line, chi_next):
    """Signs of the rows at the vertices of a line; whether the last row is turned."""
    prefix, offsets = path.prefix, path.offsets
    size = prefix.size
    n_words = line.others.size
    is_odd = path.signs[size] < 0
    for w in range(n_words):
        line.known[w] = line.others[w]
    for s in range(size):
        turned = ~ZERO if is_odd ^ (s & 1 == 1) else ZERO
        for w in range(n_words):
            line.sides[s, w] = chi_next[offsets[s], CHI, w] ^ line.negative[w] ^ turned
            line.known[w] &= chi_next[offsets[s], KNOWN, w]
    if size == 0:
        return is_odd
    # the prefix itself is its own but the last row, and that
    place = chart.free[prefix[size - 1]]
    word, shift = place >> 6, np.uint64(place & 63)
    whole = offsets[size - 1]
    if (chi_next[whole, KNOWN, word] >> shift) & ONE == ZERO:
        for w in range(n_words):
            line.known[w] = ZERO
    is_negative = (chi_next[whole, CHI, word] >> shift) & ONE != ZERO
    return is_negative ^ is_odd ^ (size & 1 == 1)


@bare_forced
def signs_at_vertex(chart, path, line, place, rows, k):
    """Write the signs of all rows where the row at ``place`` crosses; False in doubt.

    ``rows[k]`` gets them and the bits ``base``, ``rows[k + 1]`` the same with the bits
    ``flips`` turned.  The bit of the row itself is that of ``line.negative``.
    """
    coords = path.coords
    size = coords.shape[0] - 1
    key = np.int64(line.keys[place])
    flag = ONE << np.uint64(place & 63)
    trusted = ~ZERO
    if line.unsure[place >> 6] & flag != ZERO:
        trusted = ZERO
        if not abs(coords[size, 1, place]) > path.bounds[size, E]:
            return False
    for w in range(chart.base.size):
        before, after = compare_keys(line.keys, 64 * w, key)
        others = line.others[w]
        doubt = (others & ~((before | after) & trusted)) | line.unsure[w]
        doubt &= ~flag if w == place >> 6 else ~ZERO
        word = before ^ line.negative[w]
        if doubt != ZERO:
            alpha, beta = coords[size, 1], coords[size, 0]
            a, b = alpha[place], beta[place]
            bound = value_bound(path.bounds, size, a, b)
            p, q = -b if a > 0.0 else b, abs(a)
            above, below = compare_words(alpha, beta, 64 * w, 0, p, q, bound)
            if doubt & ~(above | below) != ZERO:
                return False
            word = (above & doubt) | (word & ~doubt)
        word = (word & others) | chart.base[w]
        rows[k, w] = word
        rows[k + 1, w] = word ^ chart.flips[w]
    return True


@bare_kernel
def advance(chart, path, line, chi_next, outside, simple):
    """List the chambers of one level until the block is full or a sign is in doubt.

    The arrays are named in `state`; ``path.coords[0]`` is filled, coordinate 0 that of
    the chart, and ``chi_next`` (subsets, 2, n_words) uint64 is the table of the next
    level.  ``control[LAST]`` is the row in doubt, or the block stopped before it.
    """
    control, prefix, free = path.control, path.prefix, chart.free
    size, step = prefix.size, control[STEP]
    is_direct = chart.flips[free[0] >> 6] != ZERO
    rows = simple.patterns if is_direct else line.union
    while True:
        if control[INCREASE] >= 0 and not next_prefix(prefix, control, free.size, size):
            return DONE
        if control[LAST] < 0:
            if not reach_line(path, free):
                return UNDECIDED_PREFIX
            control[LAST] = prefix[size - 1] + 1 if size > 0 else 0
            control[ORDER] = OPEN
        rank_offsets(prefix, size, chart.binomials, path.offsets)
        order_line(chart, path, line)
        is_turned = begin_sides(chart, path, line, chi_next)
        emitted = control[N_EMITTED]
        report = DONE
        stop = free.size if size > 0 else control[STOP]
        if is_direct:
            room = (simple.patterns.shape[0] - emitted) // step
            end = min(stop, control[LAST] + room)
            if is_ordered(chart, path, line, end - control[LAST]):
                write_line(chart, path, line, is_turned, end, simple)
                emitted = control[N_EMITTED]
        for last in range(control[LAST], stop):
            place = free[last]
            k = emitted if is_direct else 0
            if emitted + step > simple.patterns.shape[0]:
                report = BLOCK_FULL
            elif not signs_at_vertex(chart, path, line, place, rows, k):
                report = UNDECIDED_VERTEX
            elif (line.known[place >> 6] >> np.uint64(place & 63)) & ONE == ZERO:
                report = NOT_GENERIC
            if report != DONE:
                control[LAST] = last
                control[N_EMITTED] = emitted
                return report
            turn_sides(chart, prefix, line.sides, place, is_turned, rows, k)
            if simple.bases.shape[0] > 0:
                at = emitted // step
                write_basis(
                    prefix, free, place, rows[k], simple.bases[at], simple.sides[at]
                )
            if is_direct:
                copy_bits(chart.copies, simple.patterns, k)
                emitted += 2
            else:
                control[N_EMITTED] = emitted
                emit(line.union[0], outside, control, simple.patterns)
                emitted = control[N_EMITTED]
        control[N_EMITTED] = emitted
        control[LAST] = -1
        control[INCREASE] = size - 1
        if size == 0:
            return DONE


@bare_kernel
def fill_table(chart, path, others, chi, budget):
    """Signs of the determinants of a level, until one is in doubt: DONE, PAUSED, ...

    ``chi`` (prefixes, 2, n_words): bit j of CHI tells whether that of prefix and row j
    is below zero, of KNOWN that this is no doubt.  ``others`` (n_words,) is scratch;
    ``budget`` bounds the prefixes of one call.
    """
    control, prefix = path.control, path.prefix
    size = prefix.size
    n_free = chart.free.size
    alpha = path.coords[size, 1]
    for _ in range(budget):
        if control[INCREASE] >= 0 and not next_prefix(prefix, control, n_free, size):
            return DONE
        if control[LAST] < 0:
            if not reach_line(path, chart.free):
                return UNDECIDED_PREFIX
            control[LAST] = prefix[size - 1] + 1 if size > 0 else 0
            others_than(chart, prefix, others)
            off = path.bounds[size, E]
            place = np.int64(0)
            for q in range(size):
                place += chart.binomials[q + 1, prefix[q]]
            turned = ~ZERO if path.signs[size] < 0 else ZERO
            for w in range(others.size):
                above, below = compare_words(alpha, alpha, 64 * w, 0, 1.0, 0.0, off)
                chi[place, CHI, w] = (below ^ turned) & others[w]
                chi[place, KNOWN, w] = (above | below) & others[w]
        for last in range(control[LAST], n_free):
            if not abs(alpha[chart.free[last]]) > path.bounds[size, E]:
                control[LAST] = last
                return UNDECIDED_VERTEX
        control[LAST] = -1
        control[INCREASE] = size - 1
        if size == 0:
            return DONE
    return PAUSED


@bare_kernel
def interior_points(coords, leading, bases, sides, back, level, system, points):
    """Points just inside the chambers that open at simple vertices.

    ``coords`` (d + 1, places) and ``leading`` (places,) are the coordinates of the rows
    at this level and their y_0; ``bases`` (chambers, d) the rows at the vertex,
    ``sides`` -1.0 or 1.0 their signs; ``back`` (r, r) takes y to the coordinates of
    ``points`` (chambers, r); ``system`` (d, d + 2) is scratch.  Only candidates: the
    proof decides their signs.  Below level 0 y_0 is slightly positive.
    """
    size = bases.shape[1]
    rank = back.shape[0]
    rise = SMALL if level > 0 else 0.0
    for p in range(bases.shape[0]):
        for i in range(size):
            row = bases[p, i]
            for c in range(size):
                system[i, c] = coords[c + 1, row]
            system[i, size] = -coords[0, row] - rise * leading[row]
            system[i, size + 1] = sides[p, i]
        solve_system(system)
        far, away = 1.0, 1e-300
        for i in range(size):
            far = max(far, abs(system[i, size]))
            away = max(away, abs(system[i, size + 1]))
        for i in range(rank):
            total = back[i, level] + (back[i, 0] * rise)
            for c in range(size):
                total += back[i, level + 1 + c] * (
                    system[c, size] + SMALL * far / away * system[c, size + 1]
                )
            points[p, i] = total


@bare_forced
def solve_system(system):
    """Solve in place for the last two columns, pivoting on rows (no check)."""
    size = system.shape[0]
    for c in range(size):
        best = c
        for i in range(c + 1, size):
            if abs(system[i, c]) > abs(system[best, c]):
                best = i
        for j in range(c, size + 2):
            system[c, j], system[best, j] = system[best, j], system[c, j]
        pivot = system[c, c]
        if pivot == 0.0:
            pivot = 1e-300
        for j in range(c, size + 2):
            system[c, j] /= pivot
        for i in range(size):
            factor = system[i, c]
            if i != c:
                for j in range(c, size + 2):
                    system[i, j] -= factor * system[c, j]


@bare_kernel
def emit_words(words, outside, control, patterns):
    """Write chambers given by the rows positive there, as far as there is room."""
    for k in range(words.shape[0]):
        if control[N_EMITTED] + control[STEP] > patterns.shape[0]:
            return k
        emit(words[k], outside, control, patterns)
    return words.shape[0]
