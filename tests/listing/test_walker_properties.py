"""`Walker`: what it lists, required signs, single chambers.

Every case is walked in integers of one word and of two, and in filtered arithmetic
(which the layout is made to choose): the same listing, byte for byte.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels.state import N_EMITTED, PAUSED
from arrangement.listing.cells import walker
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.model.patterns import unpack

from instances import rows_in_rank, spread
from reference.brute_force import chambers
from reference.exact_checks import extreme_ray_images, facet_rows, image, is_extreme
from reference.walks import KINDS, layout_of, walk
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


def signs_listed(layout, patterns, n):
    """Signs by place of listed patterns; 0 where a place has no input row."""
    bits = unpack(patterns, n)
    out = np.zeros((len(patterns), layout.input_row.size), dtype=np.int8)
    held = np.flatnonzero(layout.input_row >= 0)
    out[:, held] = np.where(bits[:, layout.input_row[held]], 1, -1)
    return out


# --- the listing itself -------------------------------------------------------


@moderate
@given(matrices(max_rows=7))
def test_all_arithmetics_list_the_same_bytes(X):
    if Arrangement(X).rank == 0:
        return
    for step in (1, 2):
        one, *others = (
            walk(Walker(layout_of(X, kind=kind), step=step))[0] for kind in KINDS
        )
        assert all(np.array_equal(one, other) for other in others)


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
