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
    EXACT,
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


def nearly_one_line():
    """Many planes through one line, which floats cannot tell from its neighbours."""
    rng = np.random.default_rng(6)
    line = rng.integers(-(2**60), 2**60, (2, 3)).astype(object)
    X = rng.integers(-9, 10, (8, 2)).astype(object) @ line
    return np.concatenate([X, rng.integers(-9, 10, (4, 3)).astype(object)])


def test_rays_in_doubt_are_refined_in_the_middle_of_a_cut(monkeypatch):
    X = nearly_one_line()
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


def first_blocks(one, count):
    """Walk until so many chambers are written, or some steps more."""
    moves = np.zeros(4096, dtype=np.int64)
    patterns = np.zeros((count, one.layout.words_per_pattern), dtype=np.uint64)
    points = np.zeros((count, one.layout.rank))
    while one.n_written < count:
        assert one.walk(moves, patterns, points) in (PAUSED, BLOCK_FULL)
    one.control[[N_MOVES, N_EMITTED]] = 0
    return patterns


@pytest.mark.parametrize("budget", [1 << 16, 1, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 17, 40])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_subtrees_that_are_left_are_the_rest_of_the_walk(
    name, kind, count, budget, monkeypatch
):
    _, whole = walk(walker_of(*CASES[name], kind=kind))
    monkeypatch.setattr(tree, "_BUDGET", budget)
    one = walker_of(*CASES[name], kind=kind)
    found = [first_blocks(one, count)]
    subtrees = one.leave(0)
    assert len(subtrees) > 0
    moves, rest = walk(one)
    assert len(rest) == 0
    assert set(moves.tolist()) <= {BACK}
    assert one.control[TREE_DEPTH] == 0
    # another walker takes them, in the middle of a walk and short of room
    other = walker_of(*CASES[name], kind=kind)
    first_blocks(other, 5)
    for subtree in subtrees:
        shrink(other)
        other.begin(subtree)
        moves, patterns = walk(other)
        assert moves[0] == ROOT
        assert np.count_nonzero(moves == BACK) == len(patterns) - 1
        found.append(patterns)
    assert np.array_equal(np.concatenate(found), whole)


@pytest.mark.parametrize("most", [1, 10, 100, 10**6])
@pytest.mark.parametrize("name", CASES)
def test_cells_of_few_chambers_stay(name, most):
    _, whole = walk(walker_of(*CASES[name]))
    one = walker_of(*CASES[name])
    first = first_blocks(one, 8)
    subtrees = one.leave(most)
    _, rest = walk(one)
    sizes = []
    for subtree in subtrees:
        one.begin(subtree)
        sizes.append(len(walk(one)[1]))
    assert len(first) + len(rest) + sum(sizes) == len(whole)
    if most > len(whole):
        # but for cells that contain a line
        assert all(len(subtree.cell.rays) == 0 for subtree in subtrees)


def test_exact_rays_are_left_as_floats():
    X = nearly_one_line()
    _, whole = walk(walker_of(X, kind="filtered"))
    one, other = (walker_of(X, kind="filtered") for _ in range(2))
    has_exact = False
    total = 0
    for count in range(1, 12):
        one.begin(one.everything())
        first_blocks(one, count)
        waits = one.cells.ids[: one.cells.start[one.control[N_FRAMES] - 1]]
        has_exact |= bool((one.cells.rays[waits, -1] == EXACT).any())
        subtrees = one.leave(0)
        assert all((subtree.cell.rays[:, -1] != EXACT).all() for subtree in subtrees)
        total = count
        for subtree in subtrees:
            other.begin(subtree)
            total += len(walk(other)[1])
        assert total == len(whole)
    assert has_exact


def test_each_kernel_is_compiled_once():
    for kind in KINDS:
        walk(walker_of([[1, 0], [0, 1], [1, 1]], kind=kind))
    for kernel in (tree_ints.advance, tree_floats.advance):
        if hasattr(kernel, "signatures"):  # not with NUMBA_DISABLE_JIT
            assert len(kernel.signatures) == 1
