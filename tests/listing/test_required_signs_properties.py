"""Streams of one region: the listing filtered by required signs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, iter_patterns
from arrangement.listing import listers, runs
from arrangement.listing.plan import Plan, required_signs
from arrangement.listing.threads import results_in_order
from arrangement.listing.waiting import Growth

from reference import families
from reference.brute_force import chambers
from reference.listings import NAMES, filtered, large
from strategies import affine_arrangements, matrices

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


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
    with pytest.MonkeyPatch.context() as patch:
        if data.draw(st.booleans()):
            # what is small is left, too
            patch.setattr(listers, "_GROWTH", Growth(1, 8, 1 << 62))
            patch.setattr(listers, "_FEW", 0)
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


def counts_of_pieces(plan, where):
    """Chambers of each piece of a region, in the order in which they come."""
    counts = []

    def counted(work, pieces, *arguments):
        for result in results_in_order(work, pieces, *arguments):
            if result is not None:
                counts.append(sum(len(block.patterns) for block in result[0]))
            yield result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "results_in_order", counted)
        for _ in runs.run(plan, n_jobs=2, where=required_signs(plan, where)):
            pass
    return counts


@pytest.mark.parametrize(
    ("X", "offsets", "where"),
    [
        (families.resonance(6), None, {0: 1, 5: -1}),
        (families.braid(8), None, {20: -1}),
        (np.random.default_rng(2).normal(size=(90, 4)), None, {3: 1, 89: 1, 0: -1}),
        (
            np.random.default_rng(3).integers(-9, 10, (299, 3)),
            np.arange(299) % 7,
            {4: 1},
        ),
    ],
    ids=["resonance", "braid", "generic", "affine"],
)
def test_regions_are_shared_out_among_threads(monkeypatch, X, offsets, where):
    # a thread that waits for the others leaves what comes after a few blocks
    monkeypatch.setattr(listers, "_GROWTH", Growth(1 << 9, 8, 1 << 9))
    plan = Plan(Arrangement(X, offsets), by_cells=True)
    counts = counts_of_pieces(plan, where)
    assert sum(counts) == len(listed(X, offsets, where=where))
    assert len(counts) >= 8
    assert max(counts) < sum(counts) / 3


def test_a_region_of_few_chambers_is_one_piece():
    X = np.random.default_rng(3).normal(size=(60, 4))
    signs = np.sign(X @ np.ones(4)).astype(int).tolist()
    where = {row: sign for row, sign in enumerate(signs) if row % 6 != 1}
    # on both sides of the first row: antipodes are another
    counts = counts_of_pieces(Plan(Arrangement(X), by_cells=True), where)
    assert len(counts) == 2
    assert sum(counts) == len(listed(X, where=where)) < 2048


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
