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
the value ``beta + alpha t``; the signs at the vertex with row k are those of
``beta alpha_k - alpha beta_k``: two products, a sum and two compares.

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

from arrangement._kernels.bits import ONE, ZERO, compare_words
from arrangement._kernels.cells import emit
from arrangement._kernels.compile import inlined, kernel
from arrangement._kernels.state import BLOCK_FULL, DONE, N_EMITTED, STEP, VALID

U = 2.0**-53

# how far inside a chamber its point lies, relative to the vertex
SMALL = 2.0**-26

# control beside the entries shared with the walks: rows eliminated, the next last row
# (-1: the prefix is new), the place of the prefix to increase (-1: none), the end of
# the range of the first row
DEPTH, LAST, INCREASE, STOP = 2, 6, 7, 8

# bounds at each depth
E, M, E0, M0 = range(4)

# reports beside those of the walks
UNDECIDED_PREFIX, UNDECIDED_VERTEX, NOT_GENERIC = 10, 11, 12


@inlined
def next_prefix(prefix, control, n_free, size):
    """Increase the prefix at the place asked for; False when it was the last."""
    q = control[INCREASE]
    control[INCREASE] = -1
    while q >= 0:
        prefix[q] += 1
        # room for the rest of the prefix and for the last row
        is_within = q > 0 or prefix[0] < control[STOP]
        if is_within and prefix[q] <= n_free - 1 - (size - q):
            control[DEPTH] = min(control[DEPTH], q)
            for later in range(q + 1, size):
                prefix[later] = prefix[later - 1] + 1
            return True
        q -= 1
    return False


@inlined
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
        for k in range(coords.shape[2]):
            value = coords[depth, source, k] - coords[depth, pivot, k] * weight
            coords[depth + 1, c, k] = value
            largest = max(largest, abs(value))
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


@inlined
def rank_offsets(prefix, size, binomials, offsets):
    """Places in the tables of all subsets of a prefix and a last row, but for it.

    ``offsets[q]`` is for those without row q, ``offsets[size]`` for the whole prefix;
    a subset {s_0 < s_1 < ..} has place ``sum C(s_i, i + 1)``.
    """
    total = np.int64(0)
    for q in range(size):
        total += binomials[q + 1, prefix[q]]
    offsets[size] = total
    for q in range(size):
        place = np.int64(0)
        for i in range(size):
            if i < q:
                place += binomials[i + 1, prefix[i]]
            elif i > q:
                place += binomials[i, prefix[i]]
        offsets[q] = place


@inlined
def signs_at_vertex(alpha, beta, p, q, bound, others, always, union):
    """Signs of all rows at a vertex, into ``union``; False where one is in doubt."""
    for w in range(others.size):
        above, below = compare_words(alpha, beta, 64 * w, p, q, bound)
        if others[w] & ~(above | below) != ZERO:
            return False
        union[w] = (above & others[w]) | always[w]
    return True


@inlined
def others_than(fixed, prefix, size, free, others):
    """Mask of the rows that are not in the prefix."""
    for w in range(others.size):
        others[w] = fixed[VALID, w]
    for q in range(size):
        place = free[prefix[q]]
        others[place >> 6] &= ~(ONE << np.uint64(place & 63))


@kernel
def advance(
    coords, bounds, signs, prefix, offsets, control, free, binomials, chi, chi_next,
    fixed, always, others, union, outside, members, patterns, bases,
    sides,
):  # fmt: skip
    """List the chambers of one level until the block is full or a sign is in doubt.

    ``coords`` (depths, d + 1, places) float64, depth 0 filled, coordinate 0 of the
    chart; ``fixed[VALID]`` the rows but row 0, ``always`` row 0 and ``free`` (n_free,)
    the places of the others; ``chi`` and ``chi_next`` int8 the tables of this level (or
    empty) and of the next.  ``bases`` (chambers, d)
    int64 gets S, or is empty, and ``sides`` the signs there.
    ``control[LAST]`` is the row in doubt, or the block stopped before it.
    """
    size = prefix.size
    n_free = free.size
    while True:
        if control[INCREASE] >= 0 and not next_prefix(prefix, control, n_free, size):
            return DONE
        if control[LAST] < 0:
            while control[DEPTH] < size:
                depth = control[DEPTH]
                row = free[prefix[depth]]
                if not eliminate(coords, bounds, signs, depth, size + 2 - depth, row):
                    return UNDECIDED_PREFIX
                control[DEPTH] = depth + 1
            control[LAST] = prefix[size - 1] + 1 if size > 0 else 0
        rank_offsets(prefix, size, binomials, offsets)
        others_than(fixed, prefix, size, free, others)
        alpha, beta = coords[size, 1], coords[size, 0]
        off, off0 = bounds[size, E], bounds[size, E0]
        slope = 1.01 * (off0 + 3.0 * U * bounds[size, M0])
        height = 1.01 * (off + 3.0 * U * bounds[size, M])
        base = (
            1.01 * (off * bounds[size, M0] + off0 * bounds[size, M] + 2.0 * off * off0)
            + 2.0**-1000
        )  # for underflow
        for last in range(control[LAST], n_free if size > 0 else control[STOP]):
            control[LAST] = last
            place = free[last]
            a, b = alpha[place], beta[place]
            if not abs(a) > off:
                return UNDECIDED_VERTEX
            if control[N_EMITTED] + control[STEP] > patterns.shape[0]:
                return BLOCK_FULL
            word, flag = place >> 6, ONE << np.uint64(place & 63)
            others[word] &= ~flag
            bound = abs(a) * slope + abs(b) * height + base
            decided = signs_at_vertex(
                alpha, beta, -b if a > 0.0 else b, abs(a), bound, others, always, union
            )
            others[word] |= flag
            if not decided:
                return UNDECIDED_VERTEX
            orientation = signs[size] if a > 0.0 else -signs[size]
            if chi.size > 0:
                chi[offsets[size] + binomials[size + 1, last]] = orientation
            for s in range(size + 1):
                at = offsets[s] + (binomials[size, last] if s < size else 0)
                # -(-1)**s chi_next chi
                side = chi_next[at] * orientation
                if side == 0:
                    return NOT_GENERIC
                row = free[prefix[s]] if s < size else place
                is_plus = (side > 0) == (s & 1 == 1)
                if is_plus:
                    union[row >> 6] |= ONE << np.uint64(row & 63)
                if bases.shape[0] > 0:
                    chamber = control[N_EMITTED] // control[STEP]
                    bases[chamber, s] = row
                    sides[chamber, s] = 1.0 if is_plus else -1.0
            emit(union, fixed, outside, members, control, patterns)
        control[LAST] = -1
        control[INCREASE] = size - 1
        if size == 0:
            return DONE


@kernel
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


@inlined
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


@kernel
def emit_words(words, fixed, outside, members, control, patterns):
    """Write chambers given by the rows positive there, as far as there is room."""
    for k in range(words.shape[0]):
        if control[N_EMITTED] + control[STEP] > patterns.shape[0]:
            return k
        emit(words[k], fixed, outside, members, control, patterns)
    return words.shape[0]
