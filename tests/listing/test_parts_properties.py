"""Parts that a few last rows cut a cell into, seen from its rays alone.

References: a walk that cuts every cell, and hyperplanes that part a cone of values from
an orthant, among all that touch enough rays.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels.bits import ZERO
from arrangement._kernels.cells import last_rows, orthants, walk_ints
from arrangement._kernels.cells import parts as kernels
from arrangement._kernels.cells.orthants import MISSING
from arrangement._kernels.state import (
    DONE,
    LAST_ROWS,
    LEAST_RAYS,
    N_FRAMES,
    PAUSED,
    PRODUCTS,
    VALUES,
    WIDE,
)
from arrangement.exact import determinant
from arrangement.listing.cells.layout import packed_flags
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.model.patterns import unpack

from instances import rows_in_rank
from reference.walks import layout_of, walk

pytestmark = pytest.mark.kernels


def _find(rows, cells, cut, k):
    _, met = kernels.read_signs(cells, cut, k)
    error = last_rows.fill_near(rows, cells, cut, k)
    parts, shown = kernels.find_parts(rows, cells, cut, k, met, error)
    return met | shown, parts


def _is_below(cut, count, error):
    return orthants.is_below(cut, count, error)


def _part_shown(cut, k, some, error):
    return orthants.part_shown(cut, k, some, error)


def _test_signs(rows, cells, cut, k, signs):
    kernels.read_signs(cells, cut, k)
    error = last_rows.fill_near(rows, cells, cut, k)
    count = orthants.padded(cells.n_rays[0])
    return orthants.test_signs(cut, count, k, error, (1 << k) - 1, signs)


find, is_below, part_shown, signs_tested = (
    function if numba.config.DISABLE_JIT else numba.njit(function)
    for function in (_find, _is_below, _part_shown, _test_signs)
)


def looking(layout, **options):
    """Return a walker that looks at the last rows of every cell."""
    one = Walker(layout, **options)
    one.control[LEAST_RAYS] = 0
    return one


def cell_of(rows, rays, wide=0):
    """Rows, a cell of some rays alone, and scratch that knows which rows cut it."""
    # any arrangement of this rank has room for them
    rank, k = len(rays[0]), len(rows)
    layout = layout_of(rows_in_rank(1, 20, rank))
    one = Walker(layout)
    one.control[WIDE], one.control[N_FRAMES] = wide, 1
    cells, cut = one.cells, one._cut
    table = np.zeros((64 * layout.n_words, rank), dtype=np.int64)
    table[:k] = rows
    cut.few[:k] = range(k)
    exact = np.array(rows, dtype=object) @ np.array(rays, dtype=object).T
    cells.start[0], cells.n_rays[0] = 0, len(rays)
    cells.ids[: len(rays)] = range(len(rays))
    cells.rays[: len(rays), :rank] = rays
    sides = np.zeros((len(rays), 64 * layout.n_words), dtype=np.int8)
    sides[:, :k] = (exact > 0).T.astype(np.int8) - (exact < 0).T
    masks = [packed_flags(sides > 0), packed_flags(sides < 0)]
    cells.masks[: len(rays)] = np.concatenate(masks, axis=1)
    return table, cells, cut


def parts_found(rows, rays, wide=0):
    """Parts that rays show, and all parts (0: doubt), of the cone of some rays."""
    k = len(rows)
    met, found = find(*cell_of(rows, rays, wide), k)
    return as_signs(met, k), as_signs(found, k)


def as_signs(parts, k):
    """Signs of the parts of a set."""
    return {
        tuple(1 - 2 * (number >> (k - 1 - j) & 1) for j in range(k))
        for number in range(1 << k)
        if int(parts) >> number & 1
    }


def parts_expected(rows, rays):
    """Signs such that no y of these signs, or 0, has ``y . v <= 0`` at all values v.

    Such y, but for 0, are a cone without a line: some touch k - 1 conditions that are
    independent.
    """
    k = len(rows)
    values = [[sum(map(int.__mul__, row, ray)) for row in rows] for ray in rays]
    units = [[int(i == j) for j in range(k)] for i in range(k)]
    parting = []
    for some in combinations([*values, *units], k - 1):
        minors = [
            (-1) ** j * determinant([row[:j] + row[j + 1 :] for row in some])
            for j in range(k)
        ]
        heights = [sum(map(int.__mul__, minors, v)) for v in values]
        if any(minors) and max(heights) <= 0:
            parting.append(minors)
        if any(minors) and min(heights) >= 0:
            parting.append([-x for x in minors])
    return {
        signs
        for signs in product((1, -1), repeat=k)
        if not any(min(map(int.__mul__, signs, y)) >= 0 for y in parting)
    }


def drawn_cell(seed, rank, k, n_rays, size):
    """Rows that cut a cone, no two of them proportional, and its rays; or None."""
    rng = np.random.default_rng(seed)
    rays = rng.integers(-size, size + 1, (n_rays, rank))
    # well within a half-space, so that there is an outside
    rays[:, 0] = rng.integers(1, size + 1, n_rays)
    rows = rng.integers(-size, size + 1, (k, rank))
    values = rays @ rows.T
    pairs = combinations(rows.tolist(), 2)
    if (
        np.linalg.matrix_rank(rays) < rank
        or np.any(values.max(axis=0) <= 0)
        or np.any(values.min(axis=0) >= 0)
        or any(np.linalg.matrix_rank(pair) < 2 for pair in pairs)
    ):
        return None
    return rows.tolist(), rays.tolist()


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(
    seed=st.integers(0, 10**6),
    rank=st.integers(2, 5),
    extra=st.integers(0, 5),
    size=st.sampled_from((1, 2, 5, 2**20)),
    wide=st.sampled_from((0, PRODUCTS, VALUES)),
)
def test_they_are_those_that_nothing_parts_from_the_values(
    k, seed, rank, extra, size, wide
):
    cell = drawn_cell(seed, rank, k, rank + extra, size)
    assume(cell is not None)
    expected = parts_expected(*cell)
    met, found = parts_found(*cell, wide)
    assert met <= expected
    if found or (k == 2 and wide != VALUES):
        assert found == expected


def test_most_are_found():
    """Two rows never are left in doubt in integers, and more by ties alone."""
    for k, least in ((2, 1.0), (3, 0.9), (4, 0.9), (5, 0.9), (6, 0.9)):
        cells = [drawn_cell(seed, 4, k, 8, 100) for seed in range(600)]
        cells = [cell for cell in cells if cell is not None]
        found = sum(bool(parts_found(*cell)[1]) for cell in cells)
        assert len(cells) > 50
        assert found >= least * len(cells)


def test_values_that_a_float_rounds_together_are_told_apart():
    """Rows at (big, -big) and (-big, big + 1): beyond one line, or on it."""
    big = 2**57
    rows = [[1, 0, 0], [0, 1, 0]]
    base = [[-1, -1, 0], [-1, -1, 1], [-1, -1, -1]]
    for off in (-1, 0, 1):
        rays = [[big, -big, 0], [-big, big + off, 0], *base]
        met, found = parts_found(rows, rays)
        assert (1, 1) not in met
        assert ((1, 1) in found) == (off > 0)
        assert parts_found(rows, rays, VALUES)[1] in (set(), found)


def test_what_shows_that_signs_are_missing_has_no_weight_below_zero():
    """Not even by a rounding, as nothing else bounds what that would do."""
    n_missing = 0
    for seed in range(400):
        k = 3 + seed % 4
        cell = drawn_cell(seed, 3 + seed % 3, k, 9, 4)
        if cell is None:
            continue
        rows, cells, cut = cell_of(*cell)
        for signs in range(1 << k):
            found, _ = signs_tested(rows, cells, cut, k, signs)
            if found == MISSING:
                assert np.all(cut.weights * cut.turn >= 0.0)
                n_missing += 1
    assert n_missing > 300


def close_cell(seed):
    """Two rows, and rays where their sum, scaled, is about 0: floats do not tell.

    Of two of these one row is positive each, and both are negative at the others.
    """
    rng = np.random.default_rng(seed)
    rows = [[int(x) for x in row] for row in rng.integers(1, 20, (2, 3))]
    norms = [sum(row) for row in rows]
    total = [norms[1] * x + norms[0] * y for x, y in zip(*rows, strict=True)]
    line = np.cross(total, rng.integers(-20, 21, 3))
    peak = int(np.abs(line).max(initial=1))
    rays = [[-1, -1, -1], [-1, -2, -1], [-2, -1, -1]]
    for side in (1, -1):
        scale = side * int(rng.integers(2**54, 2**55)) // peak
        few = rng.integers(-9, 10, 3).tolist()
        rays.append([scale * x + y for x, y in zip(line.tolist(), few, strict=True)])
    return rows, rays


def test_no_rounding_of_values_hides_or_shows_a_part():
    n_met = 0
    for seed in range(300):
        rows, rays = close_cell(seed)
        expected = parts_expected(rows, rays)
        assert parts_found(rows, rays)[1] == expected
        n_met += (1, 1) in expected
    assert 50 < n_met < 250


def scratch():
    """Scratch for the values of rows at rays, in which all rows vanish."""
    cut = Walker(layout_of(rows_in_rank(1, 20, 3)))._cut
    for array in (cut.near, cut.present, cut.weights, cut.turn, cut.inverse):
        array[:] = 0.0
    return cut


def test_a_part_is_missing_only_if_that_is_sure_at_every_ray():
    cut, error = scratch(), 2.0**-50
    cut.weights[1] = 1.0
    for count in (1, 31, 32, 64):
        for t in range(count):
            cut.near[1, :count], cut.present[:count] = -0.5, 1.0
            assert is_below(cut, count, error)
            for value in (0.5, 0.0, -0.5 * error):
                cut.near[1, t] = value
                assert not is_below(cut, count, error)
            # a ray where all rows vanish is on the border of every part
            cut.near[1, t] = cut.present[t] = 0.0
            assert is_below(cut, count, error)


def test_a_part_is_shown_only_where_signs_are_sure():
    cut, error = scratch(), 2.0**-50
    cut.basis[:] = -1
    cut.basis[1:3] = 0, 1
    cut.inverse[LAST_ROWS, 1:3] = 0.5
    cut.turn[0] = 1.0
    sure = 2.0**-30
    for value, other, expected in (
        (sure, sure, (True, 1 << 0b00)),
        (sure, -sure, (True, 1 << 0b10)),
        (sure, 0.5 * error, (True, 0)),
        (sure, 0.0, (True, 0)),
        (0.5 * error, sure, (False, 0)),
        (-sure, sure, (False, 0)),
    ):
        # the sum at two rays, of values of either sign
        cut.near[:2, 0] = 0.5, -0.5
        cut.near[:2, 1] = 2.0 * value - 0.5, 2.0 * other + 0.5
        assert part_shown(cut, 2, 0b01, error) == expected


@pytest.mark.parametrize("kind", ["int64", "products", "values"])
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rank=st.integers(2, 6),
    more=st.integers(1, 7),
    size=st.sampled_from((1, 2, 9, 1000)),
    block=st.integers(1, 40),
    is_affine=st.booleans(),
)
def test_walks_that_look_at_them_list_what_cuts_do(
    kind, seed, rank, more, size, block, is_affine
):
    X = rows_in_rank(seed, rank + more, rank, size=size)
    X = X[np.any(X, axis=1)]
    assume(len(X) > 0)
    offsets = None
    if is_affine:
        offsets = np.random.default_rng(seed).integers(-size, size + 1, len(X))
    layout = layout_of(X, offsets, kind="int64" if kind == "int64" else "two words")
    if kind == "products":
        # values of one word are proven for some rows only
        assume(layout.wide != VALUES)
        layout = replace(layout, wide=PRODUCTS)
    elif kind == "values":
        layout = replace(layout, wide=VALUES)
    # facets are read off rays: every cell is cut
    expected, _, _ = walk(Walker(layout, step=1), facets=True)
    for witnesses in (False, True):
        found, _, _ = walk(looking(layout, step=1), block=block, witnesses=witnesses)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("seed", range(6))
def test_their_points_are_inside(seed):
    X = rows_in_rank(seed, 10, 5, size=3)
    arrangement = Arrangement(X)
    layout = layout_of(X)
    patterns, points, _ = walk(looking(layout), block=1 << 12, witnesses=True)
    # entries of points are sums of small integers
    normals = np.array(arrangement.cone.rows, dtype=float)
    inside = points @ normals[arrangement.class_of].T * arrangement.orientation > 0
    assert len(patterns) > 100
    assert np.array_equal(inside, unpack(patterns, len(X)))


def visits(layout, least, *, witnesses):
    """How many cells a walk visits that looks at cells of ``least`` rays or more."""
    room = 1 << 14
    output = new_output(layout, n_points=room if witnesses else 0)
    words = np.zeros((room, layout.words_per_pattern), np.uint64)
    output = output._replace(patterns=words)
    one = Walker(layout)
    one.control[LEAST_RAYS] = least
    count = 0
    status = PAUSED
    while status != DONE:
        status = walk_ints.advance(*one._state(), 1, output)
        if status not in (DONE, PAUSED):
            one._grow(status)
        count += 1
    return count


def test_fewer_cells_are_visited():
    layout = layout_of(rows_in_rank(5, 13, 6, size=50))
    for witnesses in (False, True):
        cut, seen = (visits(layout, k, witnesses=witnesses) for k in (1 << 30, 0))
        assert 2 * seen < cut


def test_sets_of_parts_are_halves():
    half = kernels.half if numba.config.DISABLE_JIT else numba.njit(_half)
    for bit in range(6):
        chosen = int(half(bit, True))
        assert [chosen >> n & 1 for n in range(64)] == [n >> bit & 1 for n in range(64)]
        assert int(half(bit, False)) == chosen ^ (2**64 - 1)


def _half(bit, is_negative):
    return kernels.half(bit, is_negative) | ZERO
