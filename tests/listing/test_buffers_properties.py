"""Blocks of a stream: written where they stay, owned by who gets them, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import ArrangementError, enumerate_patterns, iter_patterns
from arrangement.listing import listers
from arrangement.listing.buffers import Blocks, Reused, Spare, Whole
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.model import Arrangement


def generic(n, r, seed=0):
    return np.random.default_rng(seed).normal(size=(n, r))


def owner(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize("options", [{}, {"prove": True}, {"n_jobs": 2}])
@pytest.mark.parametrize("size", [None, 1, 2, 7, 500, 501, 1 << 20])
def test_blocks_are_their_owners_memory_and_no_more(size, options):
    X = generic(70, 3)
    blocks = []
    for block in iter_patterns(X, block_size=size, **options):
        # what comes later changes nothing
        blocks.append((block, block.packed.copy()))
        if size in (1, 2, 7) and len(blocks) == 40:
            break
    owners = {id(owner(block.packed)) for block, _ in blocks}
    assert len(owners) == len(blocks)
    for block, copied in blocks:
        assert np.array_equal(block.packed, copied)
        assert not block.packed.flags.writeable
        whole = owner(block.packed)
        assert whole.flags.owndata
        assert not whole.flags.writeable
        assert whole.nbytes == block.packed.nbytes


@pytest.mark.parametrize("n", [70, 130])
def test_walks_write_where_the_blocks_stay(n):
    plan = Plan(Arrangement(generic(n, 3)))
    target = Blocks(plan, 4096)
    plan.block = 1024
    assert target.direct() is target
    for k, block in enumerate(run(plan, target)):
        place = block.patterns
        assert place.base is target._array
        list(target.add(place))
        if k > 6:
            break


def test_small_or_odd_blocks_are_copied_once():
    plan = Plan(Arrangement(generic(70, 3)))
    plan.block = 1024
    assert isinstance(Blocks(plan, 1023).direct(), Reused)
    assert isinstance(Blocks(plan, 1025).direct(), Reused)
    assert isinstance(Blocks(plan, 1).direct(), Reused)
    affine = Plan(Arrangement(generic(70, 2), generic(70, 1)[:, 0]))
    affine.block = 1024
    odd = Blocks(affine, 1025)
    assert odd.direct() is odd


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.lists(st.integers(0, 50), max_size=20))
def test_arrays_are_filled_in_order(size, counts):
    plan = Plan(Arrangement(generic(30, 3)))
    target = Blocks(plan, size)
    numbers = iter(range(10**6))
    found, given_ = [], []
    for count in counts:
        rows = np.array([[next(numbers)] for _ in range(count)], dtype=np.uint64)
        given_ += rows.ravel().tolist()
        for array in target.add(rows.reshape(-1, 1)):
            assert array.shape == (min(size, plan.bound), 1)
            found += array.ravel().tolist()
    rest = target.last()
    assert len(rest) < size
    assert found + rest.ravel().tolist() == given_


@pytest.mark.parametrize("where", [{0: -1}, {3: 1, 8: -1}])
def test_required_signs_are_turned_in_their_place(where):
    X = generic(40, 3)
    whole = enumerate_patterns(X).to_bool()
    kept = np.all([whole[:, i] == (s > 0) for i, s in where.items()], axis=0)
    for size in (None, 3):
        blocks = list(iter_patterns(X, where=where, block_size=size))
        found = np.concatenate([block.to_bool() for block in blocks])
        assert len(found) == kept.sum()
        assert {x.tobytes() for x in found} == {x.tobytes() for x in whole[kept]}


def test_more_patterns_than_there_can_be_are_an_error():
    plan = Plan(Arrangement(generic(40, 3)))
    packed = np.zeros((plan.bound - 2, plan.width), dtype=np.uint64)
    for n_jobs in (1, 2):
        with pytest.raises(ArrangementError, match="more than 1560 patterns"):
            list(run(plan, Whole(plan, packed), n_jobs=n_jobs))


def test_threads_use_what_is_spare():
    plan = Plan(Arrangement(generic(40, 3)))
    one = np.zeros((plan.block, 1), dtype=np.uint64)
    buffer = Spare(plan, [one], 6)
    for _ in range(2):
        assert owner(buffer.room(2)) is one
        assert len(buffer.room(2)) == 6
    assert buffer.take(4).shape == (4, 1)
    assert owner(buffer.room(2)) is not one
    assert len(buffer.used) == 2


@pytest.mark.parametrize("piece", [1, 50, 56 << 10])
@pytest.mark.parametrize("spare", [0, 5])
def test_pieces_are_written_in_place_however_many_chambers_they_have(
    piece, spare, monkeypatch
):
    X = np.random.default_rng(6).integers(-4000, 4001, (60, 4))
    # many rows meet at few vertices, which come late in the order
    X[50:57] = np.random.default_rng(7).integers(-9, 10, (7, 3)) @ X[:3]
    plan = Plan(Arrangement(X))
    plan.by_vertices = True
    expected = np.concatenate([block.patterns.copy() for block in run(plan)])
    packed = np.zeros((len(expected) + spare, plan.width), dtype=np.uint64)
    monkeypatch.setattr(listers, "_IN_PLACE", piece)
    moved = []

    class Noted(Whole):
        def put(self, patterns):
            moved.append(patterns.base is None or owner(patterns) is not packed)
            super().put(patterns)

    blocks = [block.patterns for block in run(plan, Noted(plan, packed), n_jobs=2)]
    assert sum(map(len, blocks)) == len(expected)
    assert np.array_equal(packed[: len(expected)], expected)
    # the last of them write more than their parts hold, and so elsewhere
    assert any(moved)
    assert not all(moved)
