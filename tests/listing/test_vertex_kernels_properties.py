"""Kernels of the walk over vertices against slow references."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement._kernels.state import (
    CONTROL_SIZE,
    INCREASE,
    LAST,
    N_ELIMINATED,
    N_EMITTED,
    STEP,
    STOP,
    Chart,
    Line,
    Path,
    Simple,
)
from arrangement._kernels.vertices import lines
from arrangement._kernels.vertices import walk as vertices
from arrangement._kernels.vertices.lines import E0, M0, E, M
from arrangement.listing.vertices.subsets import place_of

from reference.exact_algebra import determinant

pytestmark = pytest.mark.kernels

U = Fraction(1, 2**53)


@numba.njit
def run_eliminate(coords, bounds, signs, depth, n_left, row):
    return vertices.eliminate(coords, bounds, signs, depth, n_left, row)


@numba.njit
def run_rank_offsets(prefix, size, binomials, offsets):
    vertices.rank_offsets(prefix, size, binomials, offsets)


@numba.njit
def run_next_prefix(prefix, control, n_free, size):
    return vertices.next_prefix(prefix, control, n_free, size)


@numba.njit
def run_signs_at_vertex(chart, path, line, place, rows, k):
    return vertices.signs_at_vertex(chart, path, line, place, rows, k)


@numba.njit
def run_find_order(chart, path, line):
    return lines.find_order(chart, path, line)


@numba.njit
def run_is_certain(chart, path, line):
    return lines.is_certain(chart, path, line)


@numba.njit
def run_write_line(chart, path, line, is_turned, end, simple):
    lines.write_line(chart, path, line, is_turned, end, simple)


@numba.njit
def run_order_line(chart, path, line):
    vertices.order_line(chart, path, line)


def ordered_line(slopes, heights, *, chosen=(), error=2.0**-53):
    """State along a line: row 0 is the chart, the places ``chosen`` are used."""
    n_words = len(slopes) // 64
    size = len(chosen)
    coords = np.zeros((size + 1, 2, len(slopes)))
    coords[size] = heights, slopes
    bounds = np.zeros((size + 1, 4))
    bounds[size, [E, E0]] = error
    bounds[size, [M, M0]] = np.abs(slopes).max(), np.abs(heights).max()
    free = np.arange(1, len(slopes))
    valid = np.full(n_words, 2**64 - 1, dtype=np.uint64)
    valid[0] -= np.uint64(1)
    chart = Chart(
        free=free,
        binomials=np.ones((1, len(slopes)), dtype=np.int64),
        valid=valid,
        base=np.array([1, *[0] * (n_words - 1)], dtype=np.uint64),
        flips=np.full(n_words, 0x123456789ABCDEF0, dtype=np.uint64),
        copies=np.zeros((0, 5), dtype=np.uint64),
    )
    path = Path(
        coords=coords,
        bounds=bounds,
        signs=np.ones(size + 1, dtype=np.int64),
        prefix=np.array(chosen, dtype=np.int64) - 1,
        offsets=np.zeros(size + 1, dtype=np.int64),
        control=np.zeros(CONTROL_SIZE, dtype=np.int64),
    )
    line = Line(
        np.zeros(len(slopes), dtype=np.int16),
        *np.zeros((4, n_words), dtype=np.uint64),
        sides=np.zeros((max(size, 1), n_words), dtype=np.uint64),
        union=np.zeros((2, n_words), dtype=np.uint64),
        order=np.zeros(len(free), dtype=np.int64),
        fractions=np.zeros(len(free)),
        buckets=np.zeros(len(free), dtype=np.int64),
        ends=np.zeros(len(free), dtype=np.int64),
    )
    run_order_line(chart, path, line)
    return chart, path, line


def signs_of(state, place, *, error=None):
    """Signs of all rows at a vertex, or None; ``error`` of the values only."""
    chart, path, line = state
    if error is not None:
        bounds = path.bounds.copy()
        bounds[-1, [E, E0]] = error
        path = path._replace(bounds=bounds)
    n_words = len(chart.valid)
    rows = np.zeros((3, n_words), dtype=np.uint64)
    if not run_signs_at_vertex(chart, path, line, place, rows, 1):
        return None
    assert not rows[0].any()
    assert np.array_equal(rows[2], rows[1] ^ chart.flips)
    words = rows[1].tolist()
    return [words[k // 64] >> (k % 64) & 1 for k in range(64 * n_words)]


def write_all(state, begin, end):
    """Chambers of an ordered line from a row on, with the rows at their vertices."""
    chart, path, line = state
    rows = np.zeros((2 * (end - begin) + 2, len(chart.valid)), dtype=np.uint64)
    bases = np.zeros((len(rows) // 2, len(path.prefix) + 1), dtype=np.int64)
    path.control[[LAST, N_EMITTED, STEP]] = begin, 2, 2
    simple = Simple(rows, bases, np.zeros((len(bases), 0)))
    run_write_line(chart, path, line, False, end, simple)
    assert path.control[[LAST, N_EMITTED]].tolist() == [end, len(rows)]
    assert not rows[:2].any()
    assert not bases[0].any()
    return rows[2:], bases[1:]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0, 2)), st.integers(1, 3))
def test_a_line_written_at_once_is_that_of_its_vertices(seed, size, n_words):
    rng = np.random.default_rng(seed)
    slopes, heights = rng.standard_normal((2, 64 * n_words))
    chosen = tuple(rng.choice(np.arange(1, 20), size, replace=False).tolist())
    state = ordered_line(slopes, heights, chosen=chosen)
    chart, path, line = state
    assert run_find_order(*state)
    assert run_is_certain(*state)
    begin, end = 20, int(rng.integers(20, len(chart.free) + 1))
    rows, bases = write_all(state, begin, end)
    for k, last in enumerate(range(begin, end)):
        place = int(chart.free[last])
        assert bases[k].tolist() == [*chosen, place]
        one = np.zeros((2, n_words), dtype=np.uint64)
        assert run_signs_at_vertex(chart, path, line, place, one, 0)
        assert np.array_equal(rows[2 * k : 2 * k + 2], one)


@pytest.mark.parametrize("kind", ["near", "equal", "flat", "no number", "order"])
def test_an_order_in_doubt_is_not_certain(kind):
    rng = np.random.default_rng(1)
    slopes, heights = rng.standard_normal((2, 128))
    if kind in ("near", "equal"):
        slopes[70], heights[70] = -2.0 * slopes[9], -2.0 * heights[9]
        if kind == "near":
            heights[70] = np.nextafter(heights[70], 9)
    elif kind == "flat":
        slopes[70] = 2.0**-60
    elif kind == "no number":
        heights[70] = np.nan
    state = ordered_line(slopes, heights)
    is_found = run_find_order(*state)
    if kind == "order":
        assert run_is_certain(*state)
        order = state[2].order
        for k in (0, 50, len(order) - 2):
            order[[k, k + 1]] = order[[k + 1, k]]
            assert not run_is_certain(*state)
            order[[k, k + 1]] = order[[k + 1, k]]
        assert run_is_certain(*state)
    else:
        assert not (is_found and run_is_certain(*state))


def test_rows_that_crowd_together_are_not_put_in_order():
    rng = np.random.default_rng(1)
    heights = 1.0 + 1e-9 * rng.standard_normal(1280)
    assert not run_find_order(*ordered_line(np.ones(1280), heights))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_signs_along_a_line_are_those_of_exact_values(data):
    """Rows that cross far apart, close together, and at one place, with their errors.

    No sign is wrong, and only a row that crosses at the vertex itself is in doubt.
    """
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    slopes, heights = rng.uniform(-1, 1, (2, 128))
    spread = data.draw(st.sampled_from((2.0**-20, 2.0**-14, 2.0**-8, 1.0)))
    heights = -slopes * (rng.uniform(-2, 2) + spread * rng.standard_normal(128))
    slopes[rng.random(128) < 0.1] *= data.draw(st.sampled_from((1.0, 2.0**-45)))
    for _ in range(data.draw(st.integers(0, 3))):
        k, j = rng.integers(1, 128, 2)
        slopes[k], heights[k] = -2.0 * slopes[j], -2.0 * heights[j]
    chosen = tuple(rng.choice(np.arange(1, 128), 2, replace=False).tolist())
    state = ordered_line(slopes, heights, chosen=chosen)
    others = [k for k in range(1, 128) if k not in chosen]
    for place in others[::5]:
        b, a = Fraction(heights[place]), Fraction(slopes[place])
        values = [
            (Fraction(heights[k]) - Fraction(slopes[k]) * b / a) for k in range(128)
        ]
        found = signs_of(state, place)
        if found is None:
            near = [abs(values[k] * a) < 2.0**-46 for k in others if k != place]
            assert any(near)
            continue
        assert found[0] == 1
        assert [found[k] for k in chosen] == [0, 0]
        for k in others:
            if k != place:
                assert values[k] != 0
                assert found[k] == (values[k] > 0)
        assert found[place] == (a < 0)


@pytest.mark.parametrize("doubtful", [1, 63, 64, 127])
def test_a_row_in_doubt_stops_a_vertex_and_a_row_left_out_does_not(doubtful):
    rng = np.random.default_rng(doubtful)
    slopes, heights = rng.uniform(0.1, 1, (2, 128))
    place = 70
    for distance in (0.0, 2.0**-40, -(2.0**-40)):
        heights[doubtful] = slopes[doubtful] * (
            heights[place] / slopes[place] + distance
        )
        state = ordered_line(slopes, heights)
        assert signs_of(state, place, error=2.0**-38) is None
        if distance:
            found = signs_of(state, place)
            assert found[doubtful] == (distance > 0)
        state = ordered_line(slopes, heights, chosen=(doubtful,))
        assert signs_of(state, place)[doubtful] == 0


def test_a_row_without_key_is_decided_by_values_everywhere():
    rng = np.random.default_rng(0)
    slopes, heights = rng.uniform(0.1, 1, (2, 64))
    slopes[5], heights[5] = 2.0**-40, 2.0**-40  # too small for its errors
    state = ordered_line(slopes, heights)
    assert state[-1].unsure.tolist() == [1 << 5]
    for place in range(6, 64):
        found = signs_of(state, place)
        assert found[5] == (heights[5] - slopes[5] * heights[place] / slopes[place] > 0)
        assert signs_of(state, place, error=2.0**-38) is None
    # its own vertex too: the others are compared with its value
    found = signs_of(state, 5)
    values = heights - slopes * heights[5] / slopes[5]
    assert [found[k] for k in range(6, 64)] == (values[6:] > 0).tolist()
    # whether it rises or falls must be known, however clear the values
    assert signs_of(state, 5, error=2.0**-40) is None
    state[-1].others[:] = 1 << 5
    assert signs_of(state, 5, error=2.0**-40) is None
    assert signs_of(state, 5) is not None


def rows_of(rng, kind, n, width):
    """Exact rows with entries of at most 1, and their floats."""
    rows = rng.uniform(-1, 1, (n, width))
    if kind == "near":  # one ulp from a common flat
        half = max(1, width - 2)
        rows = rng.uniform(-1, 1, (n, half)) @ rng.uniform(-1, 1, (half, width)) / half
    if kind == "steep":  # the chart's coordinate is large against the others
        rows[:, 1:] *= 2.0 ** -rng.integers(0, 40, (n, 1))
    noise = rng.choice([-1, 0, 1], rows.shape)
    exact = [
        [
            Fraction(x) + int(s) * U * Fraction(abs(x))
            for x, s in zip(*pair, strict=True)
        ]
        for pair in zip(rows.tolist(), noise.tolist(), strict=True)
    ]
    return exact, rows


@pytest.mark.parametrize("kind", ["random", "near", "steep"])
@pytest.mark.parametrize("d", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_bounds_of_an_elimination_hold(seed, d, kind):
    """Values after eliminations are ratios of determinants; errors stay in bounds.

    ``exact`` differs from the floats by up to one rounding, as the kernel supposes.
    """
    rng = np.random.default_rng(seed)
    n = 10
    exact, rows = rows_of(rng, kind, n, d + 1)
    coords = np.zeros((d, d + 1, 64))
    coords[0, :, :n] = rows.T
    bounds = np.zeros((d, 4))
    bounds[0] = [2.0**-53, 1.0, 2.0**-53, 1.0]
    signs = np.ones(d, dtype=np.int64)
    columns = list(range(d + 1))  # the original column at each place
    pivots = []
    chosen = rng.permutation(n)[: d - 1].tolist()
    for depth, row in enumerate(chosen):
        left = coords[depth, 1 : d + 1 - depth, row]
        pivot = 1 + int(np.argmax(np.abs(left)))
        if not run_eliminate(coords, bounds, signs, depth, d + 1 - depth, row):
            # refused only where the pivot may be zero
            assert abs(left).max() <= bounds[depth, E]
            assert depth > 0
            return
        pivots.append(columns[pivot])
        columns[pivot] = columns[-1]
        columns.pop()
        check_values(
            coords[depth + 1], bounds[depth + 1], exact, chosen, pivots, columns
        )
    check_determinants(coords[-1], bounds[-1], signs[-1], exact, chosen)
    check_last_values(coords[-1], bounds[-1], exact, chosen, pivots, columns)


def true_value(exact, chosen, pivots, row, column):
    """Value of a row in a coordinate, with the pivot coordinates eliminated."""
    rows = [exact[k] for k in chosen[: len(pivots)]]
    bottom = determinant([[a[c] for c in pivots] for a in rows])
    top = [[a[c] for c in (*pivots, column)] for a in (*rows, exact[row])]
    return determinant(top) / bottom


def check_values(found, bounds, exact, chosen, pivots, columns):
    for place, column in enumerate(columns):
        error, most = (E0, M0) if place == 0 else (E, M)
        for row in range(len(exact)):
            value = true_value(exact, chosen, pivots, row, column)
            assert abs(Fraction(found[place, row]) - value) <= Fraction(bounds[error])
            assert abs(value) <= Fraction(bounds[most])
            assert abs(found[place, row]) <= bounds[most]


def check_determinants(found, bounds, sign, exact, chosen):
    for row in set(range(len(exact))) - set(chosen):
        value = determinant([exact[k][1:] for k in (*chosen, row)])
        if abs(found[1, row]) > bounds[E]:
            assert (value > 0) - (value < 0) == sign * math.copysign(1, found[1, row])


def check_last_values(found, bounds, exact, chosen, pivots, columns):
    """The bound that the docstring of the kernels states for the value at a vertex."""
    beta, alpha = ([Fraction(x) for x in found[place].tolist()] for place in (0, 1))
    error, most, error0, most0 = (Fraction(x) for x in bounds.tolist())
    free = sorted(set(range(len(exact))) - set(chosen))
    true = [
        [true_value(exact, chosen, pivots, row, column) for row in free]
        for column in columns
    ]
    for k, last in enumerate(free):
        for i, row in enumerate(free):
            computed = found[0, row] * found[1, last] - found[1, row] * found[0, last]
            value = true[0][i] * true[1][k] - true[1][i] * true[0][k]
            bound = Fraction(101, 100) * (
                abs(alpha[last]) * (error0 + 3 * U * most0)
                + abs(beta[last]) * (error + 3 * U * most)
                + error * most0
                + error0 * most
                + 2 * error * error0
            )
            assert abs(Fraction(computed) - value) <= bound


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_places_of_subsets_are_a_bijection(size):
    n = 9
    binomials = np.array(
        [[math.comb(k, c) for k in range(n + 1)] for c in range(size + 2)]
    )
    # colexicographic order, by sorting
    order = {
        length: {
            subset: place
            for place, subset in enumerate(
                sorted(combinations(range(n), length), key=lambda s: s[::-1])
            )
        }
        for length in (size,)
    }
    offsets = np.zeros(size + 1, dtype=np.int64)
    for subset in combinations(range(n), size + 1):
        prefix = np.array(subset)
        run_rank_offsets(prefix, size + 1, binomials, offsets)
        for q in range(size + 1):
            rest = (*subset[:q], *subset[q + 1 :])
            assert offsets[q] == order[size][rest] == place_of(rest)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(("first", "stop"), [(0, 8), (0, 1), (2, 3), (3, 7), (5, 8)])
def test_prefixes_are_all_combinations_with_the_first_in_range(size, first, stop):
    n_free = 8
    control = np.zeros(CONTROL_SIZE, dtype=np.int64)
    control[STOP] = stop
    prefix = first + np.arange(size)
    expected = [
        # room for one more row after the prefix
        chosen
        for chosen in combinations(range(n_free - 1), size)
        if first <= chosen[0] < stop
    ]
    seen = []
    more = prefix[-1] < n_free - 1
    while more:
        before = prefix.copy()
        seen.append(tuple(prefix.tolist()))
        control[INCREASE], control[N_ELIMINATED] = size - 1, size
        more = run_next_prefix(prefix, control, n_free, size)
        assert control[INCREASE] == -1
        if more:
            changed = int(np.argmax(before != prefix))
            assert control[N_ELIMINATED] == changed
    assert seen == expected


def test_increasing_an_early_place_skips_its_prefixes():
    control = np.zeros(CONTROL_SIZE, dtype=np.int64)
    control[STOP] = 9
    prefix = np.array([1, 3, 5])
    control[INCREASE], control[N_ELIMINATED] = 0, 3
    assert run_next_prefix(prefix, control, 9, 3)
    assert (prefix.tolist(), control[N_ELIMINATED]) == ([2, 3, 4], 0)
    control[INCREASE], control[N_ELIMINATED] = 1, 0
    assert run_next_prefix(prefix, control, 9, 3)
    assert (prefix.tolist(), control[N_ELIMINATED]) == ([2, 4, 5], 0)
    prefix[:] = [2, 6, 7]
    control[INCREASE], control[N_ELIMINATED] = 1, 3
    assert run_next_prefix(prefix, control, 9, 3)
    assert (prefix.tolist(), control[N_ELIMINATED]) == ([3, 4, 5], 0)
