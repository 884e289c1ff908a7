"""`TreeWalker`: one walk in three arithmetics, stopped and grown anywhere.

The rule which row cuts a cell looks at signs only, so integers of one word and of two
and filtered arithmetic take the same way, byte for byte.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from arrangement import Arrangement
from arrangement._kernels.state import (
    BLOCK_FULL,
    DONE,
    N_EMITTED,
    N_FRAMES,
    N_MOVES,
    NEED_RAYS,
    PAUSED,
    REFINE,
    TREE_DEPTH,
)
from arrangement._kernels.tree import walk_floats as tree_floats
from arrangement._kernels.tree import walk_ints as tree_ints
from arrangement._kernels.tree.moves import BACK, ROOT
from arrangement.listing.tree import walker as tree
from arrangement.listing.tree.walker import TreeWalker

from reference import families
from reference.walks import KINDS, layout_of
from strategies import matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def walker_of(X, offsets=None, *, kind="int64"):
    """Make a walker; in a later arithmetic even where int64 would do."""
    layout = layout_of(X, offsets, kind=kind)
    return TreeWalker(Arrangement(X, offsets), layout)


def walk(one, *, room=4096, more=4096):
    """Run to the end: moves and patterns; blocks of ``room`` chambers."""
    moves = np.zeros(more, dtype=np.int64)
    patterns = np.zeros((room, one.layout.words_per_pattern), dtype=np.uint64)
    points = np.zeros((room, one.layout.rank))
    made, found = [], []
    status = PAUSED
    while status != DONE:
        status = one.walk(moves, patterns, points)
        assert one.control[N_MOVES] > 0 or status != BLOCK_FULL
        made.append(moves[: one.control[N_MOVES]].copy())
        found.append(patterns[: one.control[N_EMITTED]].copy())
        one.control[[N_MOVES, N_EMITTED]] = 0
    return np.concatenate(made), np.concatenate(found)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@moderate
@given(matrices(max_rows=7, kinds=("small",)))
def test_both_arithmetics_take_the_same_way(X):
    if Arrangement(X).rank == 0:
        return
    ints = walk(walker_of(X))
    assert same(ints, walk(walker_of(X, kind="filtered")))
    moves, patterns = ints
    assert moves[0] == ROOT
    assert np.count_nonzero(moves != BACK) == len(patterns)
    assert np.count_nonzero(moves == BACK) == len(patterns) - 1


CASES = {
    "threshold": (families.threshold(3), None),
    "rank 5": (np.random.default_rng(1).integers(-3, 4, (9, 5)), None),
    "three words": (np.random.default_rng(2).integers(-99, 100, (140, 2)), None),
    "affine": (np.random.default_rng(3).integers(-3, 4, (12, 2)), np.arange(12) % 5),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_a_walk_that_stops_anywhere_takes_the_same_way(name, kind, monkeypatch):
    whole = walk(walker_of(*CASES[name], kind=kind))
    assert same(whole, walk(walker_of(*CASES[name], kind=kind), room=1))
    assert same(whole, walk(walker_of(*CASES[name], kind=kind), more=1))
    monkeypatch.setattr(tree, "_BUDGET", 1)
    assert same(whole, walk(walker_of(*CASES[name], kind=kind)))


def shrink(one):
    """Leave so little room that every array has to grow, most of them twice."""
    one.cells = one.cells._replace(
        ids=np.zeros(1, dtype=np.int64),
        masks=one.cells.masks[:1].copy(),
        rays=one.cells.rays[:1].copy(),
    )
    if one.layout.n_digits:
        words = one._exact_numbers().ray_words[:1].copy()
        one._exact = one._exact._replace(ray_words=words)
    one._new_cut(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_a_walk_that_starts_too_small_grows_and_takes_the_same_way(name, kind):
    whole = walk(walker_of(*CASES[name], kind=kind))
    small = walker_of(*CASES[name], kind=kind)
    shrink(small)
    assert same(whole, walk(small))


@pytest.mark.parametrize("name", CASES)
def test_cells_and_depth_stay_within_what_was_laid_out(name):
    X, offsets = CASES[name]
    one = walker_of(X, offsets)
    statuses = []
    step = one._step

    def noted(*output):
        status = step(*output)
        statuses.append(status)
        assert 0 <= one.control[N_FRAMES] <= len(one.cells.start)
        assert 0 <= one.control[TREE_DEPTH] <= one.layout.n_rows
        return status

    one._step = noted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_BUDGET", 1)
        walk(one)
    # fewer cells without rays than there are sign vectors of a base
    assert 1 <= statuses.count(NEED_RAYS) < 2**one.layout.rank


def test_rays_in_doubt_are_refined_in_the_middle_of_a_cut(monkeypatch):
    # many planes through one line that floats cannot tell from its neighbours
    rng = np.random.default_rng(6)
    line = rng.integers(-(2**60), 2**60, (2, 3)).astype(object)
    X = rng.integers(-9, 10, (8, 2)).astype(object) @ line
    X = np.concatenate([X, rng.integers(-9, 10, (4, 3)).astype(object)])
    one = walker_of(X, kind="filtered")
    statuses = []
    step = one._step

    def noted(*output):
        statuses.append(step(*output))
        return statuses[-1]

    one._step = noted
    whole = walk(one)
    assert REFINE in statuses
    monkeypatch.setattr(tree, "_BUDGET", 1)
    assert same(whole, walk(walker_of(X, kind="filtered"), room=1, more=1))


def test_each_kernel_is_compiled_once():
    for kind in KINDS:
        walk(walker_of([[1, 0], [0, 1], [1, 1]], kind=kind))
    for kernel in (tree_ints.advance, tree_floats.advance):
        if hasattr(kernel, "signatures"):  # not with NUMBA_DISABLE_JIT
            assert len(kernel.signatures) == 1
