"""Reductions by cells in pieces that leave others: all chambers, in order."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, count_by_listing, fold, iter_patterns
from arrangement.listing import executors, left_pieces
from arrangement.listing.waiting import Growth

from reference import families
from reference.executors import Lazy, Twice, add, count_ones, processes
from reference.listings import joined
from strategies import affine_arrangements, matrices

EXECUTORS = (
    lambda: ThreadPoolExecutor(1),
    lambda: ThreadPoolExecutor(3),
    lambda: Twice(2),
    lambda: Lazy(1),
)
moderate = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@numba.njit
def record(state, pattern):
    """Keep the patterns of a piece, in order."""
    count, words = state
    words[count[0]] = pattern
    count[0] += 1


def split(patch, few, *growth):
    patch.setattr(left_pieces, "_GROWTH", Growth(*growth))
    patch.setattr(left_pieces, "_FEW", few)


def recorded(arrangement, most, **workers):
    """Patterns of each piece in the order in which they are merged."""
    width = -(-arrangement.n_hyperplanes // 64)
    parts = []

    def keep(state, part):
        parts.append(part[1][: part[0][0]])

    state = np.zeros(1, dtype=np.int64), np.zeros((most, width), dtype=np.uint64)
    fold(arrangement, record, state, merge=keep, **workers)
    return parts


@given(
    st.one_of(matrices().map(lambda X: (X, None)), affine_arrangements()),
    st.sampled_from(EXECUTORS),
    st.sampled_from([(0, 1, 1, 4), (0, 3, 2, 100), (9, 1, 8, 1), (1 << 12, 1, 8, 1)]),
)
@moderate
def test_pieces_come_in_the_order_of_the_listing(instance, made, how):
    arrangement = Arrangement(*instance)
    expected = joined(iter_patterns(arrangement, facets=True))
    with pytest.MonkeyPatch.context() as patch, made() as executor:
        split(patch, *how)
        parts = recorded(arrangement, len(expected) + 1, executor=executor)
        assert count_by_listing(arrangement, executor=executor) == len(expected)
    assert np.array_equal(np.concatenate(parts), expected)


def test_pieces_are_the_same_whoever_reduces_them(monkeypatch):
    split(monkeypatch, 0, 8, 4, 100)
    arrangement = Arrangement(families.braid(6))
    counts = {
        n_jobs: [*map(len, recorded(arrangement, 720, n_jobs=n_jobs))]
        for n_jobs in (1, 2, 5)
    }
    assert counts[1] == counts[2] == counts[5]
    # twice as many patterns as chambers; blocks end with a chamber
    assert len(counts[1]) > 5
    assert max(counts[1]) <= 300


def test_processes_get_what_was_left(monkeypatch):
    # here: others do not know of it, and need not
    split(monkeypatch, 1 << 8, 1 << 8, 8, 1 << 9)
    X = families.resonance(5)
    zeros = np.zeros(len(X) + 1, dtype=np.int64)
    expected = fold(X, count_ones, zeros.copy())
    with processes(1) as pool:
        found = fold(X, count_ones, zeros.copy(), executor=pool, merge=add)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("X", [families.threshold(4), families.resonance(5)])
def test_what_is_sent_is_small(X, monkeypatch):
    sizes = []
    reduce = executors.reduce_cells

    def weighed(piece, *arguments):
        sizes.append(len(pickle.dumps(piece)))
        return reduce(piece, *arguments)

    monkeypatch.setattr(executors, "reduce_cells", weighed)
    split(monkeypatch, 0, 16, 8, 64)
    with ThreadPoolExecutor(1) as executor:
        count_by_listing(X, executor=executor)
    assert len(sizes) > 10
    # cells that wait: some for each row
    assert max(sizes) < 1 << 17
