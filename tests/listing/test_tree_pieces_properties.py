"""The tree of chambers in pieces: each a walk, and every chamber in one of them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import (
    Arrangement,
    InputError,
    InputTypeError,
    enumerate_patterns,
    fold,
)
from arrangement.listing import along, left_pieces
from arrangement.listing import families as plans
from arrangement.listing.waiting import Growth

from reference import families
from reference.brute_force import chambers
from reference.executors import Lazy, Twice, add, count_ones, processes
from reference.reductions import visit_sums
from reference.tree_calls import (
    NAMES,
    check_calls,
    check_witnesses,
    named,
    recorded_pieces,
)
from strategies import affine_arrangements, matrices

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def split(patch, first, few, *, doubled=8, most=1 << 14):
    """Have pieces of ``first`` chambers and more, which leave cells of over ``few``."""
    for place in (along, left_pieces):
        patch.setattr(place, "_GROWTH", Growth(first, doubled, most))
        patch.setattr(place, "_FEW", few)


def check_pieces(arrangement, pieces, expected):
    """Check the walks of all pieces; return patterns and witnesses of all chambers."""
    found = [check_calls(arrangement, piece) for piece in pieces]
    bits, witnesses = (np.concatenate(parts) for parts in zip(*found, strict=True))
    patterns = {tuple(pattern) for pattern in bits.tolist()}
    assert len(patterns) == len(bits)
    assert patterns == expected
    return bits, witnesses


def listed(arrangement):
    """Patterns by the listing, proven."""
    return {tuple(pattern.tolist()) for pattern in enumerate_patterns(arrangement)}


def same(pieces, others):
    assert len(pieces) == len(others)
    return all(
        np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        for piece, again in zip(pieces, others, strict=True)
        for one, other in zip(piece, again, strict=True)
    )


@pytest.mark.kernels
@given(st.data())
@moderate
def test_pieces_are_walks_that_hold_every_chamber_once(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    first, few = data.draw(st.integers(1, 6)), data.draw(st.sampled_from((0, 1, 4, 30)))
    arrangement = Arrangement(X, offsets)
    expected = set(chambers(X, offsets))
    with pytest.MonkeyPatch.context() as patch:
        split(patch, first, few, most=first * data.draw(st.sampled_from((1, 4))))
        n_jobs = data.draw(st.integers(1, 3))
        pieces = recorded_pieces(arrangement, len(expected), n_jobs=n_jobs)
    bits, witnesses = check_pieces(arrangement, pieces, expected)
    check_witnesses(X, offsets, bits, witnesses)
    if few == 0 and len(expected) > first:
        assert len(pieces) > 1
        assert pieces[0][4].sum() == first  # news


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("first", "few"), [(9, 0), (50, 10)])
def test_pieces_of_larger_arrangements(name, first, few, monkeypatch):
    split(monkeypatch, first, few)
    X = named(name)
    arrangement = Arrangement(X)
    expected = listed(arrangement)
    pieces = recorded_pieces(arrangement, len(expected), n_jobs=1)
    assert len(pieces) > min(3, len(expected) // 100)
    bits, witnesses = check_pieces(arrangement, pieces, expected)
    assert check_witnesses(X, None, bits, witnesses) == 0


@pytest.mark.parametrize("name", ["threshold", "30 rows of floats", "129 rows"])
def test_pieces_of_larger_affine_arrangements(name, monkeypatch):
    split(monkeypatch, 3, 1, doubled=1)
    X = named(name)
    X, offsets = X[:, :-1], X[:, -1]
    arrangement = Arrangement(X, offsets)
    expected = listed(arrangement)
    pieces = recorded_pieces(arrangement, len(expected), n_jobs=2)
    bits, witnesses = check_pieces(arrangement, pieces, expected)
    assert check_witnesses(X, offsets, bits, witnesses) == 0


def nearly_one_line():
    """Many planes through one line, which floats cannot tell from its neighbours."""
    rng = np.random.default_rng(6)
    line = rng.integers(-(2**60), 2**60, (2, 3)).astype(object)
    X = rng.integers(-9, 10, (8, 2)).astype(object) @ line
    return np.concatenate([X, rng.integers(-9, 10, (4, 3)).astype(object)])


def ulps():
    """Chambers an ulp wide, in coordinates of the magnitude of 2**200."""
    slopes = [1.0]
    for _ in range(12):
        slopes.append(float(np.nextafter(slopes[-1], 2.0)))
    return np.array([[-slope, 1.0, k % 3] for k, slope in enumerate(slopes)])


def test_rays_that_were_made_exact_are_left_to_others(monkeypatch):
    split(monkeypatch, 3, 0, most=3)
    for X in (nearly_one_line(), ulps()):
        arrangement = Arrangement(X)
        expected = listed(arrangement)
        pieces = recorded_pieces(arrangement, len(expected), n_jobs=1)
        bits, witnesses = check_pieces(arrangement, pieces, expected)
        check_witnesses(X, None, bits, witnesses)


EXECUTORS = {
    "one thread": lambda: ThreadPoolExecutor(1),
    "three threads": lambda: ThreadPoolExecutor(3),
    "twice": lambda: Twice(2),
    "late": lambda: Lazy(1),
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", ["threshold", "30 rows of floats", "units", "braid"])
def test_pieces_are_the_same_whoever_walks_along_them(name, executor, monkeypatch):
    split(monkeypatch, 20, 10, most=80)
    arrangement = Arrangement(named(name))
    count = len(listed(arrangement))
    alone = recorded_pieces(arrangement, count, n_jobs=1)
    assert len(alone) > 3
    for n_jobs in (2, 4):
        assert same(alone, recorded_pieces(arrangement, count, n_jobs=n_jobs))
    with EXECUTORS[executor]() as made:
        assert same(alone, recorded_pieces(arrangement, count, executor=made))


@numba.njit
def depths_and_ones(state, pattern, witness, changed, depth, is_new):
    """Chambers by their ones, counted up and down; state[-1] is the running count."""
    if changed.size == 0:
        state[-1] = 0
        for word in pattern:
            while word != np.uint64(0):
                word &= word - np.uint64(1)
                state[-1] += 1
    for i in changed:
        bit = pattern[i >> 6] >> np.uint64(i & 63) & np.uint64(1)
        state[-1] += 1 if bit else -1
    if is_new:
        state[state[-1]] += 1


@pytest.mark.slow
def test_processes_reduce_pieces():
    X = families.threshold(4)
    expected = fold(X, count_ones, np.zeros(len(X) + 2, dtype=np.int64))[:-1]
    with processes() as made:
        found = fold(
            X,
            depths_and_ones,
            np.zeros(len(X) + 2, dtype=np.int64),
            order="tree",
            executor=made,
            merge=add,
        )
    assert np.array_equal(found[:-1], expected)


def piece_sizes(X, n_jobs, **options):
    """Chambers of each piece in the order of merging, by counts of ones."""
    sizes = []

    def merge(state, part):
        sizes.append(int(part[:-1].sum()))
        state[:-1] += part[:-1]

    zeros = np.zeros(len(X) + 2, dtype=np.int64)
    found = fold(
        X, depths_and_ones, zeros, order="tree", n_jobs=n_jobs, merge=merge, **options
    )
    return found[:-1], sizes


@pytest.mark.parametrize(
    ("X", "count"),
    [
        (families.braid(7), 40_320),
        (families.threshold(5), 94_572),
        (families.resonance(5), 11_292),
        (families.resonance(6), 1_066_044),
    ],
    ids=["braid", "threshold", "resonance n=5", "resonance n=6"],
)
def test_known_counts_by_pieces_of_even_work(X, count):
    found, sizes = piece_sizes(X, 2)
    assert sum(sizes) == found.sum() == count
    assert np.array_equal(found, found[::-1])
    expected = fold(X, count_ones, np.zeros(len(X) + 1, dtype=np.int64))
    assert np.array_equal(found, expected)
    # what is small is not left, and half of all is the most of the beginning
    most = along._GROWTH.most + 2 * along._FEW
    assert max(sizes) <= min(most, max(count // 2, along._GROWTH.first + along._FEW))
    assert np.mean(sizes) > 400


def keep_nearest(state, part):
    """Merge the states of `visit_sums`: the first of the nearest."""
    if part[1][2] < state[1][2]:
        state[1][2] = part[1][2]
        state[2][:], state[3][:] = part[2], part[3]


@pytest.mark.parametrize("order", ["central", "affine"])
def test_what_was_written_for_one_walk_serves_for_pieces(order, monkeypatch):
    split(monkeypatch, 4, 4)
    rng = np.random.default_rng(4)
    X, values = rng.integers(-3, 4, size=(11, 3)), rng.integers(-50, 51, size=11)
    offsets = rng.integers(-3, 4, size=11) if order == "affine" else None

    def start():
        numbers = np.array([7, 0, 2**62], dtype=np.int64)
        width = 3 + (offsets is not None)
        return values, numbers, np.zeros(1, dtype=np.uint64), np.zeros(width)

    whole = fold(X, visit_sums, start(), order="tree", offsets=offsets)
    parts = fold(
        X,
        visit_sums,
        start(),
        order="tree",
        offsets=offsets,
        n_jobs=2,
        merge=keep_nearest,
    )
    least = min(abs(int(np.dot(bits, values)) - 7) for bits in chambers(X, offsets))
    assert whole[1][2] == parts[1][2] == least
    shift = 0 if offsets is None else offsets * parts[3][-1]
    bits = X @ parts[3][:3] - shift >= 0
    assert abs(int(bits @ values) - 7) == least


@pytest.mark.parametrize(
    ("X", "offsets", "count"),
    [
        (np.zeros((0, 3)), None, 1),
        (np.zeros((4, 0)), None, 1),
        (np.zeros((3, 2)), None, 1),
        (np.zeros((3, 2)), np.array([1.0, 0.0, -1.0]), 1),
        (np.zeros((0, 2)), np.zeros(0), 1),
        (np.array([[1.0]]), None, 2),
        (np.array([[2], [0], [-1]]), np.array([1, 1, 1]), 3),
        (np.array([[1, 0], [2, 0]]), None, 2),
        (np.array([[1, 0], [0, 1], [1, 1]]), None, 6),
    ],
)
@pytest.mark.parametrize("n_jobs", [1, 8])
def test_more_threads_than_chambers(X, offsets, count, n_jobs, monkeypatch):
    split(monkeypatch, 1, 0)
    arrangement = Arrangement(X, offsets)
    pieces = recorded_pieces(arrangement, count, n_jobs=n_jobs)
    bits, witnesses = check_pieces(arrangement, pieces, listed(arrangement))
    assert len(bits) == count
    assert check_witnesses(X, offsets, bits, witnesses) == 0


@pytest.mark.parametrize("order", ["tree", "listing"])
def test_progress_and_an_interrupt_between_pieces(order, monkeypatch):
    split(monkeypatch, 20, 10, most=80)
    X = families.threshold(4)
    function = depths_and_ones if order == "tree" else count_ones
    zeros = np.zeros(len(X) + 2, dtype=np.int64)
    seen = []
    fold(X, function, zeros.copy(), order=order, n_jobs=2, merge=add,
         progress=lambda at: seen.append(at.done))  # fmt: skip
    assert seen == sorted(seen)
    assert seen[-1] == 1882
    assert len(seen) > 8

    def interrupt(at):
        if at.done > 500:
            raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        fold(X, function, zeros.copy(), order=order, n_jobs=2, merge=add,
             progress=interrupt)  # fmt: skip
    assert set(threading.enumerate()) <= before
    assert not plans._kept


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_the_pieces_that_have_begun(monkeypatch):
    split(monkeypatch, 1 << 40, 0, most=1 << 40)
    X = families.threshold(6)
    zeros = np.zeros(len(X) + 2, dtype=np.int64)
    fold(X[:8], depths_and_ones, zeros.copy(), order="tree", n_jobs=2, merge=add)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    before = set(threading.enumerate())
    begin = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            # the whole tree, 15,028,134 chambers, is one piece
            fold(X, depths_and_ones, zeros, order="tree", n_jobs=2, merge=add)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - begin < 5.0
    assert set(threading.enumerate()) <= before | {timer}


def test_an_error_of_the_reduction_or_the_merge_is_raised(monkeypatch):
    split(monkeypatch, 20, 10, most=80)
    X = families.threshold(3)

    @numba.njit
    def failing(state, pattern, witness, changed, depth, is_new):
        state[0] += 1
        if state[0] == 30:
            raise ValueError("thirty calls")

    def bad_merge(state, part):
        raise ZeroDivisionError

    zeros = np.zeros(len(X) + 2, dtype=np.int64)
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="thirty calls"):
        fold(X, failing, zeros.copy(), order="tree", n_jobs=2, merge=add)
    with pytest.raises(ZeroDivisionError):
        fold(X, depths_and_ones, zeros, order="tree", n_jobs=2, merge=bad_merge)
    assert set(threading.enumerate()) <= before


def test_pieces_are_small(monkeypatch):
    split(monkeypatch, 20, 10, most=80)
    X = np.random.default_rng(0).normal(size=(60, 3))
    sent = []
    with ThreadPoolExecutor(1) as made:
        submit = made.submit

        def noted(task):
            sent.append(len(pickle.dumps(task)))
            return submit(task)

        made.submit = noted
        fold(X, depths_and_ones, np.zeros(62, dtype=np.int64), order="tree",
             executor=made, merge=add)  # fmt: skip
    assert len(sent) > 5
    assert max(sent) < 20_000 + len(pickle.dumps(Arrangement(X)))


@pytest.mark.parametrize("order", ["tree", "listing"])
def test_threads_and_merging_go_together(order):
    X = [[1, 0], [0, 1], [1, 1]]
    function = depths_and_ones if order == "tree" else count_ones
    state = np.zeros(5, dtype=np.int64)
    with pytest.raises(InputTypeError, match="merge=None; expected a function"):
        fold(X, function, state, order=order, n_jobs=2)
    with pytest.raises(InputTypeError, match="merge=3; expected a function"):
        fold(X, function, state, order=order, n_jobs=1, merge=3)
    with pytest.raises(InputError, match="merge without executor or n_jobs"):
        fold(X, function, state, order=order, merge=add)
    with pytest.raises(InputError, match="n_jobs=0; expected"):
        fold(X, function, state, order=order, n_jobs=0, merge=add)
    with (
        ThreadPoolExecutor(1) as made,
        pytest.raises(InputError, match="n_jobs=2 with executor"),
    ):
        fold(X, function, state, order=order, n_jobs=2, executor=made, merge=add)
    assert not state.any()
    fold(X, function, state, order=order, n_jobs=1)
    assert state[:4].tolist() == [1, 2, 2, 1]
