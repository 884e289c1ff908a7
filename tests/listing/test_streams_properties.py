"""Streams: threads, proofs, pieces and limits, against the eager form.

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
    BudgetExceededError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    Progress,
    count_patterns,
    enumerate_patterns,
    iter_covectors,
    iter_patterns,
    partition,
)
from arrangement.options import block_rows

from reference.listings import NAMES, filtered, joined, large, whole_listing
from strategies import affine_arrangements, matrices

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


# --- threads ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_the_listing_does_not_depend_on_threads_or_blocks(name, n_jobs):
    X, offsets, way = large(name)
    whole = whole_listing(X, offsets)
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


def test_proofs_agree_whatever_had_to_be_searched_for():
    # one thread finds three of these witnesses by exact search, two threads one
    X = [[0.0, 1.0], [2.22507386e-313, 1.0], [1.0, 1.0]]
    proofs = [enumerate_patterns(X, n_jobs=n_jobs).proof for n_jobs in (1, 2, 3)]
    assert proofs[0] == proofs[1] == proofs[2]
    assert all(proof.n_exact_witnesses > 0 for proof in proofs)


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
    assert np.array_equal(packed, whole_listing(X, offsets, by_cells=True))
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


# --- partition ----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_pieces_one_after_another_are_the_listing(name, k):
    X, offsets, _ = large(name)
    pieces = partition(X, k, offsets=offsets)
    assert len(pieces) == k
    sent = [pickle.loads(pickle.dumps(piece)) for piece in pieces]
    parts = [joined(piece.iter_patterns(block_size=999)) for piece in sent]
    whole = whole_listing(X, offsets)
    assert np.array_equal(np.concatenate(parts), whole)
    assert [piece.count() for piece in pieces] == [len(part) for part in parts]
    whole = whole_listing(X, offsets, by_cells=True)
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
    whole = whole_listing(X, offsets)
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
    whole = whole_listing(X)
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


@pytest.mark.usefixtures("new_objects_only")
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


@pytest.mark.usefixtures("new_objects_only")
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


@pytest.mark.usefixtures("new_objects_only")
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


def test_blocks_take_fewer_bytes_where_rows_are_many(monkeypatch):
    assert block_rows(1 << 15, 8) == 1 << 15
    assert block_rows(1 << 15, 125_000) == 536  # a million rows: 67 MB, not 4 GB
    assert block_rows(1 << 15, 1 << 40) == 2
    monkeypatch.setattr("arrangement.options._BLOCK_BYTES", 1 << 12)
    X = np.random.default_rng(0).standard_normal((200, 2))
    sizes = [len(block) for block in iter_patterns(X)]
    assert (max(sizes), sum(sizes)) == ((1 << 12) // 32, 400)
    (piece,) = partition(X, 1)
    assert max(len(block) for block in piece.iter_patterns()) == (1 << 12) // 32
    assert max(len(block) for block in iter_patterns(X, block_size=300)) == 300
    faces = [len(block) for block in iter_covectors(X)]
    assert (max(faces), sum(faces)) == ((1 << 12) // 200, 801)


@pytest.mark.slow
def test_a_count_before_or_after_a_list_has_the_limit_and_tells_how_far_it_is():
    X = np.random.default_rng(0).standard_normal((300, 5))
    seen = []
    with pytest.raises(ListingStoppedError, match="while the patterns were counted"):
        enumerate_patterns(X, time_limit=2.5, max_bytes=1000, progress=seen.append)
    assert seen
    assert all("counting: at least" in str(each) for each in seen)
    with pytest.raises(BudgetExceededError, match="the time is up"):
        count_patterns(X, time_limit=2.5, progress=seen.append)
    with pytest.raises(InputTypeError, match="progress=1; expected True for a bar"):
        count_patterns(X, progress=1)
