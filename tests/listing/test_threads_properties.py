"""Work on pieces in threads: order, errors, limits, and threads that end."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement.errors import ArrangementError
from arrangement.listing.threads import results_in_order


def consume(results, found):
    """Keep results as they come, until nothing but None does for some time."""
    idle = 0
    for result in results:
        found.append(result)
        idle = idle + 1 if result is None else 0
        assert idle < 20


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_results_come_in_order_whatever_the_pieces_take(delays, n_jobs):
    def work(piece, is_halted, others):
        number, delay = piece
        time.sleep(delay / 2000)
        return number

    found = results_in_order(work, iter(list(enumerate(delays))), n_jobs)
    assert [k for k in found if k is not None] == list(range(len(delays)))


delays = st.integers(0, 3)
# how long a piece takes, and what it leaves
trees = st.recursive(
    st.tuples(delays, st.just(())),
    lambda parts: st.tuples(delays, st.lists(parts, max_size=4)),
    max_leaves=30,
)


def walked(path, tree):
    """Paths to all pieces of a tree, in the order of their results."""
    yield path
    for k in reversed(range(len(tree[1]))):
        yield from walked((*path, k), tree[1][k])


@given(st.lists(trees, max_size=3), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_what_is_left_comes_next_and_before_what_was_left_sooner(roots, n_jobs):
    def work(piece, is_halted, others):
        path, (delay, parts) = piece
        for k, part in enumerate(parts):
            time.sleep(delay / 4000)
            others.leave(((*path, k), part))
        return path

    pieces = [((k,), tree) for k, tree in enumerate(roots)]
    expected = [path for piece in pieces for path in walked(*piece)]
    found = results_in_order(work, iter(pieces), n_jobs)
    assert [path for path in found if path is not None] == expected


def test_more_is_wanted_until_two_pieces_a_thread_wait():
    def work(piece, is_halted, others):
        count = 0
        while piece < 0 and others.want_more:
            others.leave(count)
            count += 1
        return count if piece < 0 else others.want_more

    assert list(results_in_order(work, iter([-1]), 1)) == [2, True, True]
    # three wait, then two, then one
    found = list(results_in_order(work, iter([-1, 0, 1, 2]), 1))
    assert found == [0, False, True, True]


def test_what_is_left_after_the_consumer_is_dropped():
    consumer = threading.current_thread()
    begun, is_closed = threading.Event(), threading.Event()
    outcomes = []

    def work(piece, is_halted, others):
        if piece and threading.current_thread() is not consumer:
            begun.set()
            is_closed.wait(20)
            try:
                others.leave(-1)
            except Exception as error:  # kept for a consumer who is gone
                outcomes.append(error)
            outcomes.append(is_halted())
        return piece

    results = results_in_order(work, itertools.count(), 2)
    assert next(results) in (None, 0)
    assert begun.wait(20)
    threading.Timer(0.05, is_closed.set).start()
    results.close()
    assert outcomes == [True]


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_as_many_threads_as_asked_for_work_the_consumer_among_them(n_jobs):
    workers = set()
    everyone = threading.Barrier(n_jobs, timeout=20)

    def work(piece, is_halted, others):
        workers.add(threading.get_ident())
        everyone.wait()

    list(results_in_order(work, iter(range(2 * n_jobs)), n_jobs))
    assert len(workers) == n_jobs
    assert threading.get_ident() in workers


def test_pieces_are_taken_a_dozen_a_thread_ahead():
    taken = []

    def pieces():
        for k in itertools.count():
            taken.append(k)
            yield k

    results = results_in_order(lambda piece, *_: piece, pieces(), 2)
    assert next(k for k in results if k is not None) == 0
    assert len(taken) <= 24
    results.close()


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_an_error_comes_in_its_place(n_jobs):
    def work(piece, is_halted, others):
        if piece == 3:
            raise ValueError("the fourth")
        return piece

    results = results_in_order(work, iter(range(10)), n_jobs)
    found = []
    with pytest.raises(ValueError, match="the fourth"):
        consume(results, found)
    assert [k for k in found if k is not None] == [0, 1, 2]


def test_an_interrupt_in_the_consumers_thread_is_not_kept_for_later():
    consumer = threading.get_ident()
    begun = threading.Event()

    def work(piece, is_halted, others):
        if threading.get_ident() != consumer:
            begun.set()
            while not is_halted():
                time.sleep(0.001)
        elif begun.is_set():
            raise KeyboardInterrupt
        begun.wait(20)
        return piece

    results = results_in_order(work, iter(range(10)), 2)
    # the piece that is next is not there: it would be waited for
    with pytest.raises(KeyboardInterrupt):
        consume(results, [])


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_end_when_the_consumer_leaves(n_jobs):
    before = set(threading.enumerate())
    finished = []

    def work(piece, is_halted, others):
        if piece > 0:
            while not is_halted():
                time.sleep(0.001)
        finished.append(piece)

    results = results_in_order(work, itertools.count(), n_jobs)
    next(results)
    results.close()
    assert set(threading.enumerate()) <= before
    # what was begun has ended, and nothing was begun after that
    assert len(finished) <= 2 * n_jobs


def test_an_iterator_that_was_left_may_be_collected_in_its_own_thread():
    consumer = threading.current_thread()
    was_left, is_closed = threading.Event(), threading.Event()
    errors = []

    def work(piece, is_halted, others):
        if threading.current_thread() is consumer:
            return piece
        was_left.wait(10)
        try:
            results.close()  # as the garbage collector does
        except RuntimeError as error:
            errors.append(error)
        is_closed.set()
        return piece

    results = results_in_order(work, itertools.count(), 2)
    next(results)
    was_left.set()
    assert is_closed.wait(10)
    assert errors == []


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_after_the_limit_only_the_next_piece_comes(n_jobs):
    late = threading.Event()

    def work(piece, is_halted, others):
        if piece == 2:
            late.set()
        while piece >= 2 and not is_halted():
            time.sleep(0.001)
        return piece, is_halted()

    results = results_in_order(work, itertools.count(), n_jobs, late.is_set)
    found = []
    with pytest.raises(ArrangementError, match="went on after its limit"):
        consume(results, found)
    pieces = [result[0] for result in found if result is not None]
    assert pieces == list(range(len(pieces)))
    # perhaps a piece before it had ended by then
    assert pieces[-1] <= 2
    assert found[-1] is None


def test_a_consumer_that_waits_hears_of_it():
    """None comes while only another thread works on the piece that is next."""
    consumer = threading.get_ident()
    begun, go = threading.Event(), threading.Event()

    def work(piece, is_halted, others):
        if threading.get_ident() != consumer:
            begun.set()
            go.wait(20)
        else:
            begun.wait(20)
        return piece

    results = results_in_order(work, iter(range(2)), 2)
    found = []
    for result in results:
        found.append(result)
        if result is None:
            go.set()
    assert None in found
    assert [k for k in found if k is not None] == [0, 1]
