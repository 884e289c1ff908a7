"""`Walker`: a walk that stops and grows anywhere lists the same bytes.

Every case is walked in integers of one word and of two, and in filtered arithmetic.
"""

from __future__ import annotations

import numpy as np
import pytest

from arrangement._kernels.state import (
    DONE,
    GROW_LISTS,
    GROW_POOL,
    N_EMITTED,
    PAUSED,
    REFINE,
)
from arrangement.listing.cells import walker
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.model.patterns import unpack

from instances import rows_in_rank, spread
from reference.brute_force import chambers
from reference.walks import KINDS, layout_of, walk

pytestmark = pytest.mark.kernels


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
        words = one._exact_numbers().ray_words[:rank].copy()
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
            words = small._exact_numbers().ray_words[:rank].copy()
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
