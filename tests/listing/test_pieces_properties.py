"""Pieces of even work: every chamber once, in order, and about as many in each."""

from __future__ import annotations

import itertools
import pickle
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, enumerate_patterns, partition
from arrangement._kernels.state import DONE
from arrangement.listing.cells import (
    chamber_sample,
    make_layout,
    new_output,
    sampler,
)
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.listing.shares import sign_shares
from arrangement.listing.vertices import VertexWalker
from arrangement.listing.vertices.decisions import Decisions
from arrangement.listing.vertices.subsets import boxes_of_level, even_boxes
from arrangement.model import unpack

from reference.listings import joined
from strategies import affine_arrangements, matrices

moderate = settings(max_examples=40, deadline=None)


def sets_of(box, n_free, rank):
    """The sets of rows of a box, from its definition."""
    size = rank - 1 - box.level
    place = len(box.head)
    for rows in itertools.combinations(range(n_free), size):
        is_here = rows[:place] == box.head
        if is_here and (not size or box.first <= rows[place] < box.stop):
            yield rows


@moderate
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 30))
def test_boxes_hold_every_set_of_rows_once_and_in_order(n_free, rank, k):
    parts = even_boxes(n_free, rank, k)
    found = [[(b.level, *s) for b in part for s in sets_of(b, n_free, rank)]
             for part in parts]  # fmt: skip
    expected = [
        (level, *rows)
        for level in range(rank - 1, -1, -1)
        for rows in itertools.combinations(range(n_free), rank - 1 - level)
    ]
    assert list(itertools.chain(*found)) == expected
    assert len(parts) <= k
    total = sum(comb(n_free, size) for size in range(rank))
    assert len(expected) == total
    # sets that differ in their last row alone stay together, here and in other levels
    assert all(len(part) <= total // k + 1 + rank * n_free for part in found)


def braid(n):
    return [
        [int(c == i) - int(c == j) for c in range(n)]
        for i, j in itertools.combinations(range(n), 2)
    ]


def points_of_a_grid():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 12, (120, 3))
    X[:, 1] = X[:, 1] // 3 * X[:, 0]  # most rows nearly alike, as in real tables
    return np.c_[X, np.ones(120, dtype=int)]


@pytest.mark.parametrize(
    ("X", "k", "most"),
    [
        (braid(7), 16, 1.25),
        (points_of_a_grid()[:, :3], 16, 1.25),
        (points_of_a_grid()[:60], 16, 1.5),
        (points_of_a_grid(), 16, 1.6),
        (np.random.default_rng(0).normal(size=(40, 5)), 16, 1.05),
        (np.random.default_rng(0).normal(size=(14, 9)), 16, 1.1),
        (np.random.default_rng(0).normal(size=(3000, 2)), 60, 1.05),
    ],
    ids=[
        "braid",
        "grid",
        "grid, rank 4",
        "large grid",
        "generic",
        "high rank",
        "rank 2",
    ],
)
def test_pieces_are_about_even(X, k, most):
    pieces = partition(X, k)
    counts = np.array([piece.count() for piece in pieces])
    assert len(counts) == k
    assert counts.sum() == len(enumerate_patterns(X, prove=False))
    assert counts.max() <= most * counts.mean()


@moderate
@given(st.data())
def test_prefixes_of_small_arrangements_are_the_listing_by_cells(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    plan = Plan(Arrangement(X, offsets), by_cells=True)
    whole = np.concatenate([block.patterns.copy() for block in run(plan)])
    if plan.layout is None:
        return
    k = data.draw(st.integers(1, 12))
    found = sign_shares(plan.layout, k)
    half = len(whole) // plan.step
    assert len(found) == min(k, half)
    pieces = partition(plan.arrangement, k)
    parts = [joined(piece.iter_patterns()) for piece in pieces]
    assert np.array_equal(np.concatenate(parts), whole)
    # each prefix is as short as it can be, so none holds another
    for share in found:
        rows = [tuple(row[row != 0]) for row in share.signs]
        assert rows == sorted(rows, reverse=True)
        assert not any(b[: len(a)] == a for a, b in itertools.permutations(rows, 2))


def nearly_parallel():
    """Rows that float64 can hardly tell apart: elimination is left in doubt."""
    rng = np.random.default_rng(5)
    X = rng.integers(-9, 10, (11, 5)).astype(object) * (1 << 60)
    X[3] = X[2] + np.array([0, 1, 0, 0, 0])
    X[7] = X[2] + np.array([0, 0, 1, 2, 0])
    X[9] = X[4] + X[5] + np.array([1, 0, 0, 0, 1])
    return X.tolist()


def listed(walker, layout):
    block = np.zeros((64, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(layout)._replace(patterns=block)
    found, status = [], -1
    while status != DONE:
        status = walker.advance(output)
        found.append(block[: walker.n_written].copy())
        walker.n_written = 0
    return np.concatenate(found)


@pytest.mark.parametrize("k", [1, 3, 11, 100])
def test_boxes_of_rows_in_doubt_are_the_listing_by_vertices(k, monkeypatch):
    doubts = []
    doubt_all_from = Decisions.doubt_all_from
    monkeypatch.setattr(
        Decisions,
        "doubt_all_from",
        lambda self, *of: doubts.append(of) or doubt_all_from(self, *of),
    )
    arrangement = Arrangement(nearly_parallel())
    layout = make_layout(arrangement)
    walker = VertexWalker(arrangement, layout, step=2)
    whole = listed(VertexWalker(arrangement, layout, step=2), layout)
    assert len(whole) == len(enumerate_patterns(arrangement))
    boxes = [box for part in walker.boxes(k) for box in part]
    parts = [listed(walker.at(box), layout) for box in boxes]
    assert np.array_equal(np.concatenate(parts), whole)
    assert doubts
    if k > 10:
        # also where rows before a range are alike, and stay
        heads = {box.head for box in boxes}
        assert any(of[0][:i] in heads for of in doubts for i in range(2, len(of[0])))


def test_a_piece_is_small_and_is_what_it_was_after_pickling():
    X = np.random.default_rng(0).integers(-9, 10, (60, 4))
    for piece in partition(X, 5):
        data = pickle.dumps(piece)
        assert len(data) < 20_000
        sent = pickle.loads(data)
        assert (sent.number, sent.total) == (piece.number, piece.total)
        assert sent.count() == piece.count() == sent.count()


def test_a_base_of_many_rows_is_cut_without_being_listed():
    X = np.vstack([np.eye(16, dtype=int), np.ones((1, 16), dtype=int)])
    pieces = partition(X, 8)
    counts = [piece.count() for piece in pieces]
    assert sum(counts) == 2 * (2**16 - 1)
    assert max(counts) <= 1.05 * sum(counts) / 8


def signs_in_order(plan):
    """Bits of the rows of each chamber listed by cells, base rows first."""
    layout = plan.layout
    base = layout.base_places
    order = np.concatenate([base, np.setdiff1d(layout.places, base)])
    rows = layout.input_row[order]
    patterns = np.concatenate([block.patterns.copy() for block in run(plan)])
    bits = unpack(patterns[:: plan.step], plan.arrangement.n_hyperplanes)
    positive = np.ones((len(bits), len(order)), dtype=bool)
    positive[:, rows >= 0] = bits[:, rows[rows >= 0]]
    return order, positive


def cuts_by_definition(positive, chamber):
    """Rows beyond which there is a chamber with the same signs of all rows before."""
    cuts = np.zeros(positive.shape[1], dtype=bool)
    alike = np.ones(len(positive), dtype=bool)
    for row, sign in enumerate(chamber):
        cuts[row] = np.any(positive[alike, row] != sign)
        alike &= positive[:, row] == sign
    return cuts


@moderate
@given(st.data())
def test_a_sample_is_of_the_chambers_in_order_and_knows_what_cut_them(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements())
    else:
        X = data.draw(matrices())
    plan = Plan(Arrangement(X, offsets), by_cells=True)
    if plan.layout is None:
        return
    order, positive = signs_in_order(plan)
    most = data.draw(st.integers(1, 40))
    sample = chamber_sample(plan.layout, most)
    assert sample.order.tolist() == order.tolist()
    assert 0 < len(sample.positive) <= max(most, 1)
    if len(positive) <= most:
        assert np.array_equal(sample.positive, positive)
        assert sample.total == len(positive)
    # in order, none twice, each a chamber
    keys = [tuple(~row) for row in sample.positive]
    assert keys == sorted(set(keys))
    assert set(keys) <= {tuple(~row) for row in positive}
    for chamber, cuts in zip(sample.positive, sample.cuts, strict=True):
        assert cuts.tolist() == cuts_by_definition(positive, chamber).tolist()


@pytest.mark.parametrize(
    "X",
    [braid(7), points_of_a_grid()[:40], np.random.default_rng(0).normal(size=(40, 4))],
    ids=["braid", "grid", "generic"],
)
def test_every_chamber_is_as_likely_in_a_sample(X, monkeypatch):
    plan = Plan(Arrangement(X), by_cells=True)
    _, positive = signs_in_order(plan)
    places = {row.tobytes(): k for k, row in enumerate(positive)}
    parts = np.zeros(4)
    totals = []
    n_samples = 200
    for seed in range(n_samples):
        monkeypatch.setattr(sampler, "_SEED", 1 + seed)
        sample = chamber_sample(plan.layout, 300)
        found = [places[row.tobytes()] for row in sample.positive]
        counts, _ = np.histogram(found, bins=4, range=(0, len(positive)))
        parts += counts * (sample.total / len(found)) / n_samples
        totals.append(sample.total)
    # errors of means of 200 samples of some 200 chambers, of which those that are too
    # large are drawn again: some hundredths too few
    assert np.allclose(parts, len(positive) / 4, rtol=0.15)
    assert np.mean(totals) == pytest.approx(len(positive), rel=0.1)


@pytest.mark.parametrize(("n_free", "size"), [(9, 1), (9, 2), (12, 3), (10, 4), (5, 5)])
@pytest.mark.parametrize("least", [1, 3, 20, 500])
def test_boxes_of_a_level_are_all_sets_in_order(n_free, size, least):
    """Each is a box of sets that begin with one head; none is far too large."""
    every = list(itertools.combinations(range(n_free), size))
    found = []
    boxes = list(boxes_of_level(n_free, size, 1, least))
    for k, box in enumerate(boxes):
        end = len(box.head)
        assert box.level == 1
        inside = [
            chosen
            for chosen in every
            if chosen[:end] == box.head and box.first <= chosen[end] < box.stop
        ]
        found += inside
        # what has one head is not split by its last row
        assert end < max(size - 1, 1)
        is_splittable = end < size - 2
        assert not is_splittable or len(inside) <= 3 * least
        is_last = k + 1 == len(boxes) or boxes[k + 1].head != box.head
        assert len(inside) >= least or is_last
    assert found == every
