"""`Walker`: required signs, single chambers, and a walk that stops and grows anywhere.

Every case is walked in int64 and in filtered arithmetic (which the layout is made to
choose): the same listing, byte for byte.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    GROW_LISTS,
    GROW_POOL,
    N_EMITTED,
    PAUSED,
    REFINE,
)
from arrangement.listing.cells import layout as arithmetic
from arrangement.listing.cells import walker
from arrangement.listing.cells.layout import make_layout
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.model.patterns import unpack

from reference.brute_force import chambers
from reference.exact_checks import (
    extreme_ray_images,
    facet_rows,
    image,
    is_extreme,
)
from strategies import affine_arrangements, matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
KINDS = ("int64", "filtered")


def layout_of(X, offsets=None, *, kind="int64"):
    """Lay out an arrangement; in filtered arithmetic even where int64 would do."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "filtered":
            patch.setattr(arithmetic, "_fits_int64", lambda *_: False)
        layout = make_layout(Arrangement(X, offsets))
    if kind == "filtered":
        assert layout.n_digits > 0
    return layout


def walk(one, *, block=4096, witnesses=False, facets=False):
    """Run a walk to its end: patterns, witnesses and facets, chamber by chamber."""
    layout = one.layout
    patterns = np.zeros((block, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(
        layout,
        n_points=block if witnesses else 0,
        n_facets=block if facets else 0,
        room=block * 64 * layout.n_words if facets else 0,
    )._replace(patterns=patterns)
    points, starts, places = output.points, output.starts, output.places
    found, where, sides = [], [], []
    status = PAUSED
    while status != DONE:
        status = one.advance(output)
        count = int(one.control[N_EMITTED])
        assert count > 0 or status != BLOCK_FULL
        found.append(patterns[:count].copy())
        where.append(points[:count].copy())
        ends = starts[: count + 1].tolist()
        sides += [places[a:b].tolist() for a, b in pairwise(ends)]
        one.control[N_EMITTED] = 0
    return np.concatenate(found), np.concatenate(where), sides


def signs_listed(layout, patterns, n):
    """Signs by place of listed patterns; 0 where a place has no input row."""
    bits = unpack(patterns, n)
    out = np.zeros((len(patterns), layout.input_row.size), dtype=np.int8)
    held = np.flatnonzero(layout.input_row >= 0)
    out[:, held] = np.where(bits[:, layout.input_row[held]], 1, -1)
    return out


def rows_in_rank(seed, n=9, d=4, *, size=3):
    """Small integers: parallel rows, rows in common planes, cells with many rays."""
    return np.random.default_rng(seed).integers(-size, size + 1, (n, d))


def spread(X, *, n=130):
    """Put the rows among others parallel to them, over three words."""
    rng = np.random.default_rng(len(X))
    source = np.concatenate([rng.permutation(len(X)), rng.integers(0, len(X), n)])
    return (X[source] * rng.choice([-2, -1, 1, 3], len(source))[:, None])[:n]


# --- the listing itself -------------------------------------------------------


@moderate
@given(matrices(max_rows=7))
def test_both_arithmetics_list_the_same_bytes(X):
    if Arrangement(X).rank == 0:
        return
    for step in (1, 2):
        one, other = (
            walk(Walker(layout_of(X, kind=kind), step=step))[0] for kind in KINDS
        )
        assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_degenerate_cells_are_listed_as_defined(kind, seed):
    X = rows_in_rank(seed, 8, 4, size=1)
    X = X[np.any(X, axis=1)]
    patterns, _, _ = walk(Walker(layout_of(X, kind=kind), step=2))
    bits = [tuple(row) for row in unpack(patterns, len(X)).astype(int).tolist()]
    assert len(set(bits)) == len(bits)
    assert set(bits) == chambers(X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("step", [1, 2])
def test_rows_that_are_no_hyperplanes_keep_their_bits(kind, parallel, step):
    """Zero rows have bit 1 in a chamber and in its antipode; padding stays 0."""
    X = rows_in_rank(3, 9, 3)
    X[[0, 4]] = 0
    if parallel:
        X[6] = -2 * X[1]
        X[8] = 3 * X[2]
    patterns, _, _ = walk(Walker(layout_of(X, kind=kind), step=step))
    assert not (patterns >> np.uint64(9)).any()
    bits = [tuple(row) for row in unpack(patterns, 9).astype(int).tolist()]
    moving = X.any(axis=1)
    opposite = [
        tuple(1 - bit if move else bit for bit, move in zip(row, moving, strict=True))
        for row in bits
    ]
    assert len(set(bits)) == len(bits)
    if step == 2:
        assert opposite[0::2] == bits[1::2]
        assert set(bits) == chambers(X)
    else:
        assert not set(bits) & set(opposite)
        assert set(bits) | set(opposite) == chambers(X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_chambers_come_in_the_order_of_the_base_rows_and_then_of_all(kind, seed):
    """Read as text with + before -: the order that the proof relies on."""
    for X in (rows_in_rank(seed, 10, 4), spread(rows_in_rank(seed, 16, 3))):
        layout = layout_of(X, kind=kind)
        patterns, _, _ = walk(Walker(layout))
        bits = unpack(patterns, len(X))
        base = layout.input_row[layout.base_places]
        keys = [tuple(x) for x in np.hstack([bits[:, base], bits]).tolist()]
        assert all(a > b for a, b in pairwise(keys))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_facets_are_the_rows_that_a_neighbour_is_across(kind, seed):
    for X in (rows_in_rank(seed, 9, 4, size=1), spread(rows_in_rank(seed, 14, 3))):
        layout = layout_of(X, kind=kind)
        patterns, _, facets = walk(Walker(layout), facets=True)
        bits = unpack(patterns, len(X)).astype(int)
        everything = set(map(tuple, bits.tolist()))
        moving = X.any(axis=1)
        everything |= set(map(tuple, np.where(moving, 1 - bits, bits).tolist()))
        for k in range(0, len(bits), 7):
            rows = layout.input_row[facets[k]].tolist()
            assert len(set(rows)) == len(rows)
            own = tuple(bits[k].tolist())
            assert set(rows) == facet_rows(own, everything, X)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_tight_with_others_at_the_same_bit_of_other_words_is_no_facet(kind):
    """Three rows of a common line, one a word; only they are tight along it."""
    X = np.array([[1, 2, k + 1] for k in range(192)])
    X[[5, 69, 133]] = [1, 0, 0], [0, 1, 0], [1, 1, 0]
    layout = layout_of(X, kind=kind)
    assert layout.places[[5, 69, 133]].tolist() == [5, 69, 133]
    patterns, _, facets = walk(Walker(layout), facets=True)
    bits = unpack(patterns, len(X))[:, [5, 69, 133]].astype(int)
    counts = {5: 0, 69: 0, 133: 0}
    for (x, y, _), own in zip(bits.tolist(), facets, strict=True):
        assert not (x == y and 133 in own)  # then x + y has the same sign
        for row in counts:
            counts[row] += row in own
    assert all(counts.values())


# --- required signs -----------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@moderate
@given(st.data())
def test_required_signs_list_those_chambers_of_the_whole_in_its_order(kind, data):
    X = data.draw(matrices(max_rows=7))
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements(max_rows=6))
    if Arrangement(X, offsets).cone.rank == 0:
        return
    layout = layout_of(X, offsets, kind=kind)
    whole, _, _ = walk(Walker(layout))
    places = np.flatnonzero(layout.input_row >= 0)
    required = np.zeros(layout.input_row.size, dtype=np.int8)
    for place in places:
        required[place] = data.draw(st.sampled_from((0, 0, 1, -1)))
    if offsets is not None and data.draw(st.booleans()):
        required[layout.base_places[0]] = 1  # infinity
    signs = signs_listed(layout, whole, len(X))
    used = required.copy()
    used[layout.input_row < 0] = 0
    wanted = np.all((used == 0) | (signs == used), axis=1)
    one = Walker(layout)
    one.require(required)
    assert np.array_equal(walk(one)[0], whole[wanted])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_required_signs_hold_in_every_word(kind, seed):
    X = spread(rows_in_rank(seed, 20, 3))
    layout = layout_of(X, kind=kind)
    whole, _, _ = walk(Walker(layout))
    signs = signs_listed(layout, whole, len(X))
    rng = np.random.default_rng(seed)
    places = np.flatnonzero(layout.input_row >= 0)
    for chosen in (rng.choice(places, 2, replace=False), places[-1:], places):
        required = np.zeros(layout.input_row.size, dtype=np.int8)
        required[chosen] = signs[rng.integers(len(signs)), chosen]
        wanted = np.all((required == 0) | (signs == required), axis=1)
        one = Walker(layout)
        one.require(required)
        assert np.array_equal(walk(one)[0], whole[wanted])


@pytest.mark.parametrize("kind", KINDS)
def test_infinity_required_to_be_negative_leaves_nothing(kind):
    layout = layout_of([[1, 0], [0, 1], [1, 1]], [1, 2, 4], kind=kind)
    required = np.zeros(layout.input_row.size, dtype=np.int8)
    required[layout.base_places[0]] = -1
    one = Walker(layout)
    one.require(required)
    assert len(walk(one)[0]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_few_cells_are_visited_for_few_chambers(kind, monkeypatch):
    """Required rows are inserted first, wherever they are, and cut off the rest."""
    monkeypatch.setattr(walker, "_BUDGET", 1)
    X = np.vander(np.arange(1, 41), 3)
    layout = layout_of(X, kind=kind)
    whole, _, _ = walk(Walker(layout))
    last = np.flatnonzero(layout.input_row >= 0)[-3:]
    signs = signs_listed(layout, whole, len(X))
    sides, counts = np.unique(signs[:, last], axis=0, return_counts=True)
    rare = sides[np.argmin(counts)]
    required = np.zeros(layout.input_row.size, dtype=np.int8)
    required[last] = rare
    limited = Walker(layout)
    limited.require(required)
    visited = 0
    block = np.zeros((4096, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(layout)._replace(patterns=block)
    while limited.advance(output) == PAUSED:
        visited += 1
    found = int(limited.control[N_EMITTED])
    assert found == counts.min()
    roots = 2 ** (layout.rank - 1)
    # a binary tree without dead ends, below at most 3 cuts with one dead end each
    assert visited <= 2 * found + roots * (2 * len(last) + 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_exactly_the_sign_vectors_of_chambers_are_found(kind, seed):
    X = rows_in_rank(seed, 7, 3, size=2)
    X = X[np.any(X, axis=1)]
    layout = layout_of(X, kind=kind)
    whole, _, _ = walk(Walker(layout))
    chambers_by_sign = {
        signs.tobytes(): words
        for signs, words in zip(signs_listed(layout, whole, len(X)), whole, strict=True)
    }
    one = Walker(layout)
    places = np.flatnonzero(layout.input_row >= 0)
    pattern = np.zeros((1, layout.words_per_pattern), dtype=np.uint64)
    n_found = 0
    for sides in product((1, -1), repeat=len(places)):
        signs = np.zeros(layout.input_row.size, dtype=np.int8)
        signs[places] = sides
        words = chambers_by_sign.get(signs.tobytes())
        assert one.find(signs, pattern) == (words is not None)
        if words is not None:
            assert np.array_equal(pattern[0], words)
            n_found += 1
    assert n_found == len(whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "rank"), [(9, 4), (11, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_a_chamber_found_has_the_extreme_rays_of_its_own_cone(kind, n, rank, seed):
    """After any other chamber, and after none was found.

    From rank 5 on, two rays may have r - 2 dependent rows in common.
    """
    X = rows_in_rank(seed, n, rank, size=1)
    X = X[np.any(X, axis=1)]
    layout = layout_of(X, kind=kind)
    whole, _, _ = walk(Walker(layout))
    signs = signs_listed(layout, whole, len(X))
    pattern = np.zeros((1, layout.words_per_pattern), dtype=np.uint64)
    one = Walker(layout)
    rows = Arrangement(X).cone.rows
    for k in range(0, len(signs), 2 if rank == 4 else 8):
        assert not one.find(-signs[k], pattern)
        assert one.find(signs[k], pattern)
        cuts = [
            tuple(int(side) * x for x in row)
            for row, side in zip(rows, signs[k][layout.places], strict=True)
        ]
        rays = one.top_rays()
        assert all(is_extreme(cuts, ray) for ray in rays)
        images = {image(cuts, ray) for ray in rays}
        assert len(images) == len(rays)
        if k % 128 == 0:  # the reference tries all sets of r - 1 rows
            assert images == extreme_ray_images(cuts)


# --- growth, pauses and full blocks -------------------------------------------


def shrink(one):
    """Leave room for a first simplicial cone and for nothing else."""
    rank = one.layout.rank
    one.cells = one.cells._replace(
        ids=one.cells.ids[:rank].copy(),
        masks=one.cells.masks[:rank].copy(),
        rays=one.cells.rays[:rank].copy(),
    )
    one._new_cut(1)
    if one.layout.n_digits:
        words = one._exact.ray_words[:rank].copy()
        one._exact = one._exact._replace(ray_words=words)


CASES = {
    "generic": np.vander(np.arange(1, 15), 4),
    "degenerate": rows_in_rank(1, 14, 4, size=2),
    "many rays": np.vstack(
        [
            np.hstack([np.ones((4, 1), int), side * np.eye(4, dtype=int)])
            for side in (1, -1)
        ]
    ),
    "three words": spread(rows_in_rank(2, 24, 3)),
    "plane": np.column_stack([np.arange(40), np.ones(40, dtype=int)]),
    "half-line": np.ones((3, 1), dtype=int),
}
cases = pytest.mark.parametrize("name", CASES)
kinds = pytest.mark.parametrize("kind", KINDS)


@cases
@kinds
@pytest.mark.parametrize("step", [1, 2])
def test_a_walk_that_starts_too_small_grows_and_lists_the_same_bytes(name, kind, step):
    layout = layout_of(CASES[name], kind=kind)
    expected = walk(Walker(layout, step=step))[0]
    small = Walker(layout, step=step)
    shrink(small)
    grown = []
    whole = small._grow
    small._grow = lambda status: (grown.append(status), whole(status))[1]
    assert np.array_equal(walk(small)[0], expected)
    if layout.rank > 1:
        assert {GROW_POOL, GROW_LISTS} <= set(grown)


@kinds
@pytest.mark.parametrize("short", ["ids", "lists", "pool"])
def test_each_array_grows_on_its_own(kind, short):
    layout = layout_of(CASES["degenerate"], kind=kind)
    expected = walk(Walker(layout), witnesses=True, facets=True)
    small = Walker(layout)
    rank = layout.rank
    if short == "ids":
        small.cells = small.cells._replace(ids=small.cells.ids[:rank].copy())
    elif short == "lists":
        small._new_cut(1)
    else:
        small.cells = small.cells._replace(
            masks=small.cells.masks[:rank].copy(), rays=small.cells.rays[:rank].copy()
        )
        if layout.n_digits:
            words = small._exact.ray_words[:rank].copy()
            small._exact = small._exact._replace(ray_words=words)
    grown = set()
    whole = small._grow
    small._grow = lambda status: (grown.add(status), whole(status))[1]
    got = walk(small, witnesses=True, facets=True)
    assert grown == {GROW_POOL if short == "pool" else GROW_LISTS}
    assert np.array_equal(got[0], expected[0])
    assert np.array_equal(got[1], expected[1])
    assert got[2] == expected[2]


@cases
@kinds
def test_a_walk_that_pauses_at_every_cell_lists_the_same_bytes(name, kind, monkeypatch):
    layout = layout_of(CASES[name], kind=kind)
    expected = walk(Walker(layout), witnesses=True, facets=True)
    monkeypatch.setattr(walker, "_BUDGET", 1)
    small = Walker(layout)
    shrink(small)
    got = walk(small, witnesses=True, facets=True)
    assert np.array_equal(got[0], expected[0])
    assert np.array_equal(got[1], expected[1])
    assert got[2] == expected[2]


@cases
@kinds
@pytest.mark.parametrize("step", [1, 2])
def test_a_block_of_one_chamber_at_a_time_lists_the_same_bytes(name, kind, step):
    layout = layout_of(CASES[name], kind=kind)
    expected = walk(Walker(layout, step=step))[0]
    assert np.array_equal(walk(Walker(layout, step=step), block=step)[0], expected)


@kinds
def test_a_block_without_room_for_facets_is_full(kind):
    layout = layout_of(CASES["generic"], kind=kind)
    expected = walk(Walker(layout), facets=True)
    one = Walker(layout)
    patterns = np.zeros((100, layout.words_per_pattern), dtype=np.uint64)
    room = 64 * layout.n_words + 3
    output = new_output(layout, n_facets=100, room=room)._replace(patterns=patterns)
    starts, places = output.starts, output.places
    found, facets = [], []
    status = PAUSED
    while status != DONE:
        status = one.advance(output)
        count = int(one.control[N_EMITTED])
        found.append(patterns[:count].copy())
        facets += [places[starts[k] : starts[k + 1]].tolist() for k in range(count)]
        one.control[N_EMITTED] = 0
    assert np.array_equal(np.concatenate(found), expected[0])
    assert facets == expected[2]


def through_one_line(seed):
    """Huge rows, five of nine through a common line and one a unit off it."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-(2**62), 2**62, (9, 4)).astype(object) * 2**30
    X += rng.integers(-9, 10, (9, 4))
    X[:6, 3] = -X[:6, :3].sum(axis=1)
    X[5, seed % 4] += 1
    return X[rng.permutation(9)]


@pytest.mark.parametrize("seed", range(6))
def test_rays_in_doubt_are_refined_in_the_middle_of_a_cut(seed, monkeypatch):
    X = through_one_line(seed)
    layout = layout_of(X, kind="filtered")
    expected = chambers(X)
    for budget, block in ((1 << 16, 4096), (1, 1)):
        monkeypatch.setattr(walker, "_BUDGET", budget)
        one = Walker(layout)
        shrink(one)
        step, statuses = one._step, set()

        def noted(*output, step=step, statuses=statuses):
            status = step(*output)
            statuses.add(status)
            return status

        one._step = noted
        patterns = walk(one, block=block)[0]
        assert REFINE in statuses
        bits = [tuple(row) for row in unpack(patterns, len(X)).astype(int).tolist()]
        opposite = [tuple(1 - bit for bit in row) for row in bits]
        assert len(set(bits)) == len(bits)
        assert set(bits) | set(opposite) == expected
