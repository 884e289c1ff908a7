"""Facets of many chambers together, in any order, against those found on a walk."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement import InputError, iter_patterns
from arrangement.listing.cells import geometry, walker
from arrangement.listing.cells.geometry import CellGeometry
from arrangement.model.patterns import pack

from reference import families

pytestmark = pytest.mark.kernels


def matrices():
    rng = np.random.default_rng(5)
    small = rng.integers(-3, 4, (26, 4))
    small[7] = -2 * small[3]
    small[9] = 0
    return {
        "small": (small, None),
        "floats": (rng.standard_normal((70, 3)), None),
        "affine": (small[:, :3], small[:, 3]),
        "affine floats": (rng.standard_normal((66, 2)), rng.standard_normal(66)),
        "threshold": (families.threshold(3), None),
        "many duplicates": (np.repeat(small[:8], 30, axis=0), None),
        "rank one": (np.array([[0], [-2], [1]]), None),
    }


def listed(X, offsets):
    """All patterns, and the facets that the walk over all chambers writes."""
    patterns, facets = [], []
    for block in iter_patterns(X, offsets=offsets, facets=True):
        patterns.append(block.packed)
        facets += [np.sort(rows) for rows in block.known_facets]
    return np.concatenate(patterns), facets, block.provider


@pytest.mark.parametrize("name", list(matrices()))
@pytest.mark.parametrize(("chunk", "at_once"), [(1 << 15, 256), (7, 2)])
def test_facets_of_any_selection_are_those_of_the_walk(
    name, chunk, at_once, monkeypatch
):
    monkeypatch.setattr(geometry, "_CHUNK", chunk)
    monkeypatch.setattr(walker, "_AT_ONCE", at_once)
    patterns, facets, provider = listed(*matrices()[name])
    assert isinstance(provider, CellGeometry)
    rng = np.random.default_rng(0)
    # in order, backwards, and at random with repetitions
    everything = np.arange(min(len(patterns), 2000))
    for index in (everything, everything[::-1], rng.integers(0, len(patterns), 500)):
        found = provider.facets(patterns[index])
        assert len(found) == len(index)
        for rows, k in zip(found, index, strict=True):
            assert rows.dtype == np.int64
            assert np.array_equal(rows, facets[k])
    assert provider.facets(patterns[:0]) == []


@pytest.mark.parametrize("name", ["small", "floats", "affine"])
def test_facets_without_enough_room_are_found_in_several_steps(name, monkeypatch):
    patterns, facets, provider = listed(*matrices()[name])
    monkeypatch.setattr(geometry, "_FACETS_A_RANK", 0)
    for rows, expected in zip(provider.facets(patterns), facets, strict=True):
        assert np.array_equal(rows, expected)


def test_facets_are_not_views_of_each_other():
    patterns, facets, provider = listed(*matrices()["small"])
    found = provider.facets(patterns[[3, 3, 2]])
    found[0][:] = -1
    assert np.array_equal(found[1], facets[3])


@pytest.mark.parametrize("name", ["small", "floats", "affine"])
def test_a_pattern_that_is_no_chamber_is_refused_wherever_it_stands(name):
    X, offsets = matrices()[name]
    patterns, _, provider = listed(X, offsets)
    known = {words.tobytes() for words in patterns}
    rng = np.random.default_rng(1)
    tried = 0
    while tried < 20:
        wrong = patterns[rng.integers(len(patterns))].copy()
        wrong[0] ^= np.uint64(1 << int(rng.integers(20)))
        if wrong.tobytes() in known:
            continue
        tried += 1
        some = patterns[rng.integers(0, len(patterns), 9)]
        some[rng.integers(9)] = wrong
        with pytest.raises(InputError, match="a pattern is no chamber"):
            provider.facets(some)


def test_a_wrong_bit_of_a_zero_row_is_refused():
    X, _ = matrices()["small"]
    patterns, _, provider = listed(X, None)
    wrong = patterns[:4].copy()
    wrong[2] ^= pack(np.arange(len(X))[None] == 9)[0]
    with pytest.raises(InputError, match="a pattern is no chamber"):
        provider.facets(wrong)
