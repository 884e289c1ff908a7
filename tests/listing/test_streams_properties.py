"""Streams: threads, proofs, required signs, pieces and limits, against the eager form.

Listings large enough for several blocks and pieces are of rank 3 or 4; both ways of
listing, vertices and cells, central and affine.
"""

from __future__ import annotations

import gc
import pickle
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import (
    Arrangement,
    BudgetExceededError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    PatternSet,
    Progress,
    count_patterns,
    enumerate_patterns,
    iter_patterns,
    partition,
)
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run

from reference.brute_force import chambers, homogeneous_rows, matrix_rank
from strategies import affine_arrangements, matrices

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def large(name):
    """Listings of some 2,000 to 100,000 patterns: matrix, offsets, way."""
    rng = np.random.default_rng(12)
    floats = rng.standard_normal((66, 4))
    small = rng.integers(-3, 4, (30, 4))
    return {
        "vertices": (floats, None, "simple vertices"),
        "affine vertices": (floats[:50, :3], floats[:50, 3], "simple vertices"),
        "rank 2": (rng.standard_normal((2100, 2)), None, "simple vertices"),
        "cells": (small, None, "depth-first cells"),
        "affine cells": (small[:, :3], small[:, 3], "depth-first cells"),
    }[name]


NAMES = ("vertices", "affine vertices", "rank 2", "cells", "affine cells")


def joined(stream):
    blocks = [block.packed for block in stream]
    assert blocks
    return np.concatenate(blocks)


def reference(X, offsets=None, *, by_cells=False):
    """The whole listing in one thread; by cells when asked for."""
    if by_cells:
        blocks = run(Plan(Arrangement(X, offsets), by_cells=True))
        return np.concatenate([block.patterns.copy() for block in blocks])
    return enumerate_patterns(X, offsets=offsets, prove=False).packed


# --- threads ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_the_listing_does_not_depend_on_threads_or_blocks(name, n_jobs):
    X, offsets, way = large(name)
    whole = reference(X, offsets)
    assert (
        len(np.unique(whole, axis=0))
        == len(whole)
        == count_patterns(X, offsets=offsets)
    )
    eager = enumerate_patterns(X, offsets=offsets, n_jobs=n_jobs)
    assert eager.plan.startswith(way)
    assert np.array_equal(eager.packed, whole)
    assert eager.proof is not None
    for block_size in (1000, 1 << 15, 1 << 20):
        stream = iter_patterns(X, offsets=offsets, n_jobs=n_jobs, block_size=block_size)
        blocks = list(stream)
        assert {len(block) for block in blocks[:-1]} <= {block_size}
        assert np.array_equal(np.concatenate([b.packed for b in blocks]), whole)
        assert (stream.n_patterns, stream.status) == (len(whole), "complete")


@pytest.mark.parametrize("n_jobs", [2, 3])
@moderate
@given(st.data())
def test_small_listings_do_not_depend_on_threads(n_jobs, data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    whole = enumerate_patterns(X, offsets=offsets)
    threaded = enumerate_patterns(X, offsets=offsets, n_jobs=n_jobs)
    assert np.array_equal(whole.packed, threaded.packed)
    assert whole.proof == threaded.proof
    size = data.draw(st.integers(1, 9))
    stream = iter_patterns(
        X, offsets=offsets, n_jobs=n_jobs, block_size=size, facets=True
    )
    alone = iter_patterns(X, offsets=offsets, block_size=size, facets=True)
    for block, other in zip(stream, alone, strict=True):
        assert np.array_equal(block.packed, other.packed)
        for facets, others in zip(block.facets(), other.facets(), strict=True):
            assert np.array_equal(facets, others)


# --- proofs of streams --------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_proven_stream_is_proven_when_it_is_exhausted(name, n_jobs):
    X, offsets, _ = large(name)
    stream = iter_patterns(
        X, offsets=offsets, prove=True, n_jobs=n_jobs, block_size=5000
    )
    found = []
    assert (stream.proof, stream.status) == (None, "incomplete")
    for block in stream:
        assert block.proof is None
        assert (stream.proof, stream.status) == (None, "incomplete")
        found.append(block.packed)
    eager = enumerate_patterns(X, offsets=offsets)
    assert stream.status == "complete"
    for fact in ("n_patterns", "bound", "count", "method", "is_projected"):
        assert getattr(stream.proof, fact) == getattr(eager.proof, fact)
    packed = np.concatenate(found)
    assert np.array_equal(packed, reference(X, offsets, by_cells=True))
    assert stream.n_patterns == len(eager) == len(packed)


@moderate
@given(matrices(), st.integers(1, 40))
def test_small_proven_streams_are_the_listing(X, block_size):
    stream = iter_patterns(X, prove=True, block_size=block_size)
    eager = enumerate_patterns(X)
    assert np.array_equal(joined(stream), eager.packed)
    assert stream.proof == eager.proof


def test_a_stream_without_proof_has_none():
    stream = iter_patterns([[1, 0], [0, 1]])
    assert sum(map(len, stream)) == 4
    assert (stream.proof, stream.status) == (None, "complete")


# --- required signs -----------------------------------------------------------


def first_independent(X, offsets):
    """First row of the first maximal independent set (central)."""
    rows = homogeneous_rows(X, offsets)
    return next(i for i, row in enumerate(rows) if any(row))


def filtered(X, offsets, where):
    """The listing with these signs, the chambers and then the antipodes."""
    whole = PatternSet(reference(X, offsets, by_cells=True), len(X), 0, 0).to_bool()
    kept = np.ones(len(whole), dtype=bool)
    for row, sign in where.items():
        kept &= whole[:, row] == (sign > 0)
    if offsets is None and matrix_rank(homogeneous_rows(X)) > 0:
        first = whole[:, first_independent(X, offsets)]
        return np.concatenate([whole[kept & first], whole[kept & ~first]])
    return whole[kept]


def listed(X, offsets=None, **options):
    stream = iter_patterns(X, offsets=offsets, **options)
    blocks = [block.to_bool() for block in stream]
    assert stream.status == "complete"
    return np.concatenate([np.zeros((0, len(X)), dtype=bool), *blocks])


@moderate
@given(st.data())
def test_required_signs_filter_the_listing(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    rows = st.integers(0, len(X) - 1) if len(X) else st.nothing()
    where = {}
    if len(X):
        where = data.draw(st.dictionaries(rows, st.sampled_from((-1, 1)), max_size=4))
    options = {
        "where": where,
        "block_size": data.draw(st.integers(1, 50)),
        "n_jobs": data.draw(st.sampled_from((1, 2))),
        "facets": data.draw(st.booleans()),
    }
    expected = filtered(X, offsets, where)
    assert np.array_equal(listed(X, offsets, **options), expected)
    by_definition = {
        bits
        for bits in chambers(X, offsets)
        if all(bits[row] == (sign > 0) for row, sign in where.items())
    }
    assert {tuple(row) for row in expected.astype(int).tolist()} == by_definition


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_required_signs_filter_large_listings(name, n_jobs):
    X, offsets, _ = large(name)
    where = {0: -1, 7: 1, len(X) - 1: 1}
    found = listed(X, offsets, where=where, n_jobs=n_jobs, block_size=777)
    assert np.array_equal(found, filtered(X, offsets, where))
    assert len(found)


def test_rows_that_repeat_or_oppose_each_other_are_required_together():
    X = np.array([[1, 0], [0, 1], [2, 0], [-1, 0], [0, 0], [1, 1]])
    for where, count in (
        ({0: 1, 2: 1, 3: -1}, 3),
        ({0: 1, 2: -1}, 0),
        ({0: 1, 3: 1}, 0),
        ({4: 1}, 6),
        ({4: -1}, 0),
        ({2: np.int64(-1), np.int64(3): 1}, 3),
        ({}, 6),
    ):
        found = listed(X, where=where)
        assert len(found) == count
        assert np.array_equal(found, filtered(X, None, where))


def test_zero_normals_have_the_sign_of_their_offset():
    X = np.array([[0, 0], [1, 0], [0, 0]])
    offsets = np.array([1, 0, -1])
    for first in (-1, 1):
        for last in (-1, 1):
            found = listed(X, offsets, where={0: first, 2: last})
            assert len(found) == (2 if (first, last) == (-1, 1) else 0)


def test_signs_of_nothing_but_zero_rows():
    assert len(listed(np.zeros((2, 3)), where={0: 1})) == 1
    assert len(listed(np.zeros((2, 3)), where={0: 1, 1: -1})) == 0
    assert len(listed(np.zeros((0, 3)), where={})) == 1


def test_signs_that_no_chamber_has():
    X = [[1, 0], [0, 1], [1, 1]]
    assert len(listed(X, where={0: 1, 1: 1, 2: -1})) == 0
    stream = iter_patterns(X, where={0: 1, 1: 1, 2: -1}, max_patterns=0)
    assert list(stream) == []
    assert (stream.status, stream.n_patterns) == ("complete", 0)


def test_few_chambers_are_found_without_listing_the_others():
    """2 sum C(299, k) chambers take seconds; those of one small cone do not."""
    X = np.random.default_rng(1).standard_normal((300, 5))
    centre = np.random.default_rng(2).standard_normal(5)
    signs = np.sign(X @ centre).astype(int).tolist()
    where = {row: sign for row, sign in enumerate(signs) if row % 20}
    begin = time.monotonic()
    found = listed(X, where=where)
    assert 0 < len(found) < 5000
    assert time.monotonic() - begin < 5.0


# --- partition ----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_pieces_one_after_another_are_the_listing(name, k):
    X, offsets, _ = large(name)
    pieces = partition(X, k, offsets=offsets)
    assert len(pieces) == k
    sent = [pickle.loads(pickle.dumps(piece)) for piece in pieces]
    parts = [joined(piece.iter_patterns(block_size=999)) for piece in sent]
    whole = reference(X, offsets, by_cells=True)
    assert np.array_equal(np.concatenate(parts), whole)
    assert [piece.count() for piece in pieces] == [len(part) for part in parts]
    stream = joined(iter_patterns(X, offsets=offsets, prove=True))
    assert np.array_equal(stream, whole)


@moderate
@given(st.data())
def test_pieces_of_small_arrangements(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    whole = enumerate_patterns(X, offsets=offsets).packed
    k = data.draw(st.integers(1, len(whole) + 3))
    pieces = partition(X, k, offsets=offsets)
    assert 1 <= len(pieces) <= k
    parts = [joined(pickle.loads(pickle.dumps(p)).iter_patterns()) for p in pieces]
    assert all(len(part) for part in parts)
    assert np.array_equal(np.concatenate(parts), whole)


def test_pieces_are_no_more_than_the_chambers():
    X = [[1, 0], [0, 1], [1, 1]]
    counts = [piece.count() for piece in partition(X, 1000)]
    assert counts == [2, 2, 2]
    assert len(partition(np.zeros((3, 2)), 9)) == 1


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (0, InputError, "k=0; expected an integer >= 1"),
        (-1, InputError, "k=-1; expected an integer >= 1"),
        (True, InputTypeError, "k=True; expected an int"),
        (2.0, InputTypeError, "k=2.0; expected an int"),
        ("2", InputTypeError, "k='2'; expected an int"),
    ],
)
def test_a_number_of_pieces_that_is_none_is_refused(k, error, message):
    with pytest.raises(error, match=message):
        partition([[1, 0], [0, 1]], k)


@pytest.mark.parametrize("block_size", [0, -1, True, 2.0])
def test_a_block_size_of_a_piece_that_is_none_is_refused(block_size):
    piece = partition([[1, 0], [0, 1]], 1)[0]
    with pytest.raises((InputError, InputTypeError), match="block_size"):
        piece.iter_patterns(block_size=block_size)


# --- limits -------------------------------------------------------------------


def stopped(stream):
    """Run a stream that must stop; what it yielded."""
    found = []
    with pytest.raises(ListingStoppedError, match="was reached") as caught:
        found.extend(block.packed for block in stream)
    assert isinstance(caught.value, BudgetExceededError)
    assert caught.value.patterns is None
    assert stream.status == "incomplete"
    assert stream.proof is None
    return np.concatenate(found) if found else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_most_number_of_patterns_stops_a_listing_only_where_more_follow(name, n_jobs):
    X, offsets, _ = large(name)
    whole = reference(X, offsets)
    total = len(whole)
    for most in (0, 1, total // 2, total - 1):
        options = {"offsets": offsets, "n_jobs": n_jobs, "max_patterns": most}
        with pytest.raises(
            ListingStoppedError, match=f"max_patterns={most} was reached"
        ) as caught:
            enumerate_patterns(X, **options)
        assert isinstance(caught.value, BudgetExceededError)
        assert caught.value.patterns.proof is None
        assert np.array_equal(caught.value.patterns.packed, whole[:most])
        found = stopped(iter_patterns(X, block_size=1000, **options))
        assert np.array_equal(whole[:0] if found is None else found, whole[:most])
    for most in (total, np.int64(total + 1), 10 * total):
        options = {"offsets": offsets, "n_jobs": n_jobs, "max_patterns": most}
        eager = enumerate_patterns(X, **options)
        assert np.array_equal(eager.packed, whole)
        assert eager.proof is not None
        stream = iter_patterns(X, block_size=1000, **options)
        assert np.array_equal(joined(stream), whole)
        assert stream.status == "complete"


@moderate
@given(matrices(), st.data())
def test_small_listings_stop_where_they_are_told_to(X, data):
    whole = enumerate_patterns(X).packed
    most = data.draw(st.integers(0, len(whole) + 1))
    if most >= len(whole):
        assert np.array_equal(enumerate_patterns(X, max_patterns=most).packed, whole)
        return
    with pytest.raises(ListingStoppedError, match="was reached") as caught:
        enumerate_patterns(X, max_patterns=most)
    assert np.array_equal(caught.value.patterns.packed, whole[:most])
    size = data.draw(st.integers(1, 9))
    found = stopped(iter_patterns(X, max_patterns=most, block_size=size, prove=True))
    assert np.array_equal(whole[:0] if found is None else found, whole[:most])


def test_a_limit_with_required_signs_counts_those_listed():
    X, offsets, _ = large("cells")
    where = {3: 1}
    whole = filtered(X, offsets, where)
    found = stopped(iter_patterns(X, where=where, max_patterns=len(whole) - 1))
    assert len(found) == len(whole) - 1
    stream = iter_patterns(X, where=where, max_patterns=len(whole))
    assert sum(map(len, stream)) == len(whole)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_short_time_stops_a_listing_of_several_blocks(n_jobs):
    X, _, _ = large("vertices")
    whole = reference(X)
    with pytest.raises(ListingStoppedError, match="time_limit=1e-09 s") as caught:
        enumerate_patterns(X, n_jobs=n_jobs, time_limit=1e-9)
    found = caught.value.patterns.packed
    assert len(found) < len(whole)
    assert np.array_equal(found, whole[: len(found)])
    stream = iter_patterns(X, n_jobs=n_jobs, time_limit=1e-9)
    found = stopped(stream)
    assert found is None or np.array_equal(found, whole[: len(found)])
    # time enough
    assert len(enumerate_patterns(X, n_jobs=n_jobs, time_limit=1e6)) == len(whole)


# --- streams left early -------------------------------------------------------


def threads_end(before, seconds=10.0):
    """Whether the threads that were started end within this time."""
    until = time.monotonic() + seconds
    while set(threading.enumerate()) - before and time.monotonic() < until:
        time.sleep(0.01)
    return set(threading.enumerate()) <= before


@pytest.mark.parametrize("name", ["vertices", "cells", "affine vertices"])
@pytest.mark.parametrize("options", [{}, {"prove": True}, {"where": {1: 1}}])
def test_a_stream_left_early_ends_its_threads(name, options):
    X, offsets, _ = large(name)
    before = set(threading.enumerate())
    begin = time.monotonic()
    stream = iter_patterns(X, offsets=offsets, n_jobs=2, block_size=100, **options)
    next(stream)
    del stream
    gc.collect()
    assert threads_end(before)
    assert time.monotonic() - begin < 10.0


@pytest.mark.parametrize("name", ["vertices", "cells"])
def test_an_exception_of_the_consumer_ends_the_threads(name):
    X, offsets, _ = large(name)
    before = set(threading.enumerate())

    def consume():
        for block in iter_patterns(X, offsets=offsets, n_jobs=3, block_size=64):
            raise RuntimeError(f"enough of {len(block)}")

    with pytest.raises(RuntimeError, match="enough of 64") as caught:
        consume()
    del caught
    gc.collect()
    assert threads_end(before)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_of_progress_is_passed_on(n_jobs):
    X, _, _ = large("vertices")
    before = set(threading.enumerate())

    def progress(latest):
        raise KeyError(f"{latest.done} of {latest.total}")

    with pytest.raises(KeyError, match="32768 of"):
        next(iter_patterns(X, n_jobs=n_jobs, progress=progress))
    with pytest.raises(KeyError, match="of"):
        enumerate_patterns(X, n_jobs=n_jobs, progress=progress)
    gc.collect()
    assert threads_end(before)


def test_progress_tells_what_was_yielded():
    X, offsets, _ = large("affine cells")
    seen = []
    stream = iter_patterns(X, offsets=offsets, block_size=3000, progress=seen.append)
    total = 0
    for block in stream:
        total += len(block)
        assert seen[-1] == Progress.of_patterns(total, stream.bound)
        assert str(seen[-1]) == f"{total:,} patterns of at most {stream.bound:,}"
        assert total == stream.n_patterns
    assert total == count_patterns(X, offsets=offsets)


# --- options that are refused -------------------------------------------------

REFUSED = [
    *[
        ({"n_jobs": bad}, InputTypeError, f"n_jobs={bad!r}; expected an integer.")
        for bad in (True, 1.5, "2", None)
    ],
    *[
        ({"n_jobs": bad}, InputError, f"n_jobs={bad}; expected an integer >= 1, or -1")
        for bad in (0, -2)
    ],
    ({"n_jobs": 1025}, InputError, "n_jobs=1025; .*and at most 1,024"),
    *[
        ({"progress": bad}, InputTypeError, f"progress={bad!r}; expected a function")
        for bad in (1, "bar", True)
    ],
    *[
        ({"max_patterns": bad}, error, f"max_patterns={bad!r}; expected an int")
        for bad, error in (
            (-1, InputError),
            (True, InputTypeError),
            (1.5, InputTypeError),
            ("2", InputTypeError),
        )
    ],
    *[
        ({"time_limit": bad}, error, f"time_limit={bad!r}; expected a number of sec")
        for bad, error in (
            (-1, InputError),
            (0, InputError),
            (float("nan"), InputError),
            (True, InputTypeError),
            ("2", InputTypeError),
            (1j, InputTypeError),
        )
    ],
]
REFUSED_OF_STREAMS = [
    *[
        ({"where": {bad: 1}}, InputError, rf"where has the key {bad!r}; expected")
        for bad in (True, "0", 0.0, None)
    ],
    *[
        ({"where": {bad: 1}}, InputError, f"where names row {bad}; expected 0 <= row")
        for bad in (-1, 3)
    ],
    *[
        ({"where": {0: bad}}, InputError, rf"where\[0\] is {bad!r}; expected -1 or 1")
        for bad in (0, 2, "1", True, None, 0.5)
    ],
    ({"where": {0: 1}, "prove": True}, InputError, "prove=True with where"),
    ({"block_size": 0}, InputError, "block_size=0; expected an integer >= 1"),
    ({"block_size": True}, InputTypeError, "block_size=True; expected an int"),
    ({"block_size": 2.0}, InputTypeError, "block_size=2.0; expected an int"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_options_of_listings_are_refused_before_anything_is_listed(
    options, error, message
):
    X = [[1, 0], [0, 1], [1, 1]]
    with pytest.raises(error, match=message):
        enumerate_patterns(X, **options)
    with pytest.raises(error, match=message):
        iter_patterns(X, **options)


@pytest.mark.parametrize(("options", "error", "message"), REFUSED_OF_STREAMS)
def test_options_of_streams_are_refused_before_anything_is_listed(
    options, error, message
):
    with pytest.raises(error, match=message):
        iter_patterns([[1, 0], [0, 1], [1, 1]], **options)


@pytest.mark.parametrize("where", [[1], 3, "0", {0: np.array([1, -1])}])
def test_required_signs_that_are_no_mapping_are_refused(where):
    with pytest.raises((InputError, InputTypeError), match="where"):
        iter_patterns([[1, 0], [0, 1], [1, 1]], where=where)


def test_limits_that_are_numpy_numbers_are_taken():
    X = [[1, 0], [0, 1], [1, 1]]
    patterns = enumerate_patterns(
        X, n_jobs=np.int64(2), max_patterns=np.int32(6), time_limit=np.float64(60)
    )
    assert len(patterns) == 6
