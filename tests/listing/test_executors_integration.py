"""Listings on executors: the same patterns, order and proofs as in one process."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest

from arrangement import (
    InputError,
    InputTypeError,
    ListingStoppedError,
    WorkersLostError,
    count_by_listing,
    enumerate_patterns,
    fold,
    iter_patterns,
)
from arrangement.listing import executors, left_pieces
from arrangement.listing.waiting import Growth

from reference.executors import Deadly, Lazy, Twice, add, count_ones, processes
from reference.listings import NAMES, joined, large


@pytest.fixture(scope="module")
def pool():
    with processes() as made:
        yield made


EXECUTORS = {
    "one thread": lambda: ThreadPoolExecutor(1),
    "three threads": lambda: ThreadPoolExecutor(3),
    "twice": lambda: Twice(2),
    "late": lambda: Lazy(1),
}


def check_all(X, offsets, executor):
    """Every way to list with an executor against the way without."""
    whole = enumerate_patterns(X, offsets=offsets)
    found = enumerate_patterns(X, offsets=offsets, executor=executor)
    assert np.array_equal(found.packed, whole.packed)
    assert found.proof == whole.proof
    assert found.plan == whole.plan
    without = iter_patterns(X, offsets=offsets, prove=True, facets=True)
    stream = iter_patterns(
        X, offsets=offsets, prove=True, facets=True, executor=executor, block_size=700
    )
    blocks = list(stream)
    others = list(without)
    assert np.array_equal(joined(blocks), joined(others))
    assert stream.proof == without.proof
    assert stream.status == "complete"
    facets = [each.tolist() for block in blocks for each in block.facets()]
    assert facets == [each.tolist() for block in others for each in block.facets()]
    assert count_by_listing(X, offsets=offsets, executor=executor) == len(whole)
    zeros = np.zeros(len(X) + 1, dtype=int)
    state = fold(X, count_ones, zeros.copy(), offsets=offsets)
    result = zeros.copy()
    given = fold(X, count_ones, result, offsets=offsets, executor=executor, merge=add)
    assert given is result
    assert np.array_equal(result, state)
    shared = fold(X, count_ones, zeros.copy(), offsets=offsets, n_jobs=2, merge=add)
    assert np.array_equal(shared, state)


def fewer(name):
    """Rows of some thousand patterns, still listed in the way that the name says."""
    X, offsets, _ = large(name)
    n_rows = 2100 if name == "rank 2" else 32
    return X[:n_rows], None if offsets is None else offsets[:n_rows]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "rank 2"])
def test_threads_give_what_no_executor_gives(name, executor):
    X, offsets = fewer(name)
    with EXECUTORS[executor]() as made:
        check_all(X, offsets, made)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_processes_give_what_no_executor_gives(name, pool):
    check_all(*fewer(name), pool)


@pytest.mark.parametrize("X", [np.zeros((2, 3)), [[1]], [[1, 0], [2, 0]]])
def test_few_chambers(X):
    with ThreadPoolExecutor(2) as made:
        check_all(X, None, made)


def test_a_proof_notices_pieces_in_another_order(monkeypatch):
    X, _, _ = large("cells")
    default = executors.default_pieces

    def swapped(*of):
        pieces = default(*of)
        pieces[3], pieces[4] = pieces[4], pieces[3]
        return pieces

    monkeypatch.setattr(executors, "default_pieces", swapped)
    with (
        ThreadPoolExecutor(1) as made,
        pytest.raises(Exception, match="repeats or precedes an earlier one"),
    ):
        joined(iter_patterns(X, prove=True, executor=made))


class Kept(Executor):
    """Keeps the tasks that it does."""

    def __init__(self):
        self.tasks = []

    def submit(self, fn, /, *args, **kwargs):
        self.tasks.append(fn)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_a_task_is_named_without_a_look_at_what_it_is_given(monkeypatch):
    """Dask asks objects for a name, and does a task of the same name once only."""
    X, _, _ = large("cells")
    monkeypatch.setattr(left_pieces, "_GROWTH", Growth(1 << 10, 8, 1 << 10))
    monkeypatch.setattr(left_pieces, "_FEW", 0)
    kept = Kept()
    assert count_by_listing(X, executor=kept) == count_by_listing(X, executor=kept)
    names = {task.__dask_tokenize__() for task in kept.tasks}
    assert len(names) == len(kept.tasks) > 2
    assert all(task.__name__ == "reduce_cells" for task in kept.tasks)


@pytest.mark.parametrize("prove", [True, False])
def test_a_proof_notices_a_piece_that_is_missing(monkeypatch, prove):
    X, _, _ = large("cells")
    default = executors.default_pieces
    monkeypatch.setattr(executors, "default_pieces", lambda *of: default(*of)[1:])
    with ThreadPoolExecutor(1) as made:
        stream = iter_patterns(X, prove=prove, executor=made)
        if prove:
            with pytest.raises(Exception, match="patterns, but the arrangement has"):
                joined(stream)
        else:
            joined(stream)
        assert stream.proof is None


def test_limits_end_a_listing_on_an_executor():
    X, _, _ = large("cells")
    whole = enumerate_patterns(X).packed
    with ThreadPoolExecutor(1) as made:
        with pytest.raises(ListingStoppedError, match="max_patterns=1000") as caught:
            enumerate_patterns(X, executor=made, max_patterns=1000)
        assert np.array_equal(caught.value.patterns.packed, whole[:1000])
        with pytest.raises(ListingStoppedError, match="time_limit"):
            joined(iter_patterns(X, executor=made, time_limit=1e-9))
        # and it can be left in the middle
        assert len(next(iter_patterns(X, executor=made, block_size=10))) == 10


@pytest.mark.slow
def test_a_broken_pool_is_said_to_be_one():
    X, _, _ = large("cells")
    with Deadly(8) as made:
        stream = iter_patterns(X, executor=made, block_size=100)
        next(stream)
        with pytest.raises(WorkersLostError, match="a worker of the executor died"):
            for _ in stream:
                pass


def test_an_executor_that_is_shut_down_is_a_broken_one():
    X, _, _ = large("cells")
    with ThreadPoolExecutor(1) as made:
        stream = iter_patterns(X, executor=made, block_size=100)
        next(stream)
        made.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(WorkersLostError, match="or shut down"):
            for _ in stream:
                pass


def test_what_is_no_executor_is_refused():
    X = [[1, 0], [0, 1]]
    with pytest.raises(InputTypeError, match="executor is int; expected a concurrent"):
        enumerate_patterns(X, executor=2)

    class Client:
        scheduler = None

    with pytest.raises(InputTypeError, match=r"Use client.get_executor\(\)"):
        iter_patterns(X, executor=Client())
    with ThreadPoolExecutor(1) as made:
        with pytest.raises(InputError, match="n_jobs=2 with executor"):
            enumerate_patterns(X, executor=made, n_jobs=2)
        with pytest.raises(InputError, match="executor with where"):
            iter_patterns(X, executor=made, where={0: 1})
        state = np.zeros(3, dtype=int)
        with pytest.raises(InputTypeError, match="merge=None; expected a function"):
            fold(X, count_ones, state, executor=made)
    with pytest.raises(InputError, match="merge without executor"):
        fold(X, count_ones, state, merge=add)
