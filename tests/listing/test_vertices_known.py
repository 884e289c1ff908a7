"""Listings by vertices whose number of chambers is known."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement import count_patterns, cover_bound, enumerate_patterns


def is_by_vertices(patterns):
    return patterns.plan.startswith("simple vertices")


@pytest.mark.parametrize(
    ("n", "r"),
    [
        (100, 4),
        (60, 5),
        (40, 6),
        (24, 8),
        (5000, 2),
        (1000, 3),
    ],
)
def test_generic_floats_reach_the_cover_bound_by_vertices(n, r):
    X = np.random.default_rng(n + r).standard_normal((n, r))
    patterns = enumerate_patterns(X)
    assert is_by_vertices(patterns)
    assert len(patterns) == cover_bound(n, r)
    assert patterns.proof is not None
    assert patterns.proof.method == "cover bound"
    assert patterns.proof.n_patterns == cover_bound(n, r)


def test_generic_affine_floats_reach_the_bound_by_vertices():
    rng = np.random.default_rng(7)
    X, offsets = rng.standard_normal((80, 3)), rng.standard_normal(80)
    patterns = enumerate_patterns(X, offsets=offsets)
    assert is_by_vertices(patterns)
    assert len(patterns) == patterns.bound == cover_bound(81, 4) // 2
    assert patterns.proof is not None


def planted(n, n_equal, n_quadruples, *, dtype):
    """Integers in which so many rows repeat others and so many depend on three."""
    rng = np.random.default_rng(n)
    X = rng.integers(-(10**6), 10**6 + 1, (n, 4))
    free = rng.permutation(n)
    targets, sources = free[: n_equal + n_quadruples], free[n_equal + n_quadruples :]
    for i, target in enumerate(targets.tolist()):
        a, b, c = rng.choice(sources, 3, replace=False)
        X[target] = X[a] if i < n_equal else X[a] + X[b] - X[c]
    return X.astype(dtype)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_planted_dependences_stay_on_vertices_and_match_the_count(dtype):
    n, n_equal, n_quadruples = 120, 5, 4
    X = planted(n, n_equal, n_quadruples, dtype=dtype)
    patterns = enumerate_patterns(X)
    assert is_by_vertices(patterns)
    assert patterns.proof is not None
    assert patterns.proof.method == "characteristic polynomial"
    # a quadruple with three bases too many takes the place of four simple vertices
    assert len(patterns) == patterns.bound - 2 * n_quadruples == count_patterns(X)


@pytest.mark.slow
def test_twenty_planted_quadruples_among_300_rows():
    X = planted(300, 5, 20, dtype=np.float64)
    patterns = enumerate_patterns(X, prove=False)
    assert is_by_vertices(patterns)
    assert len(patterns) == cover_bound(295, 4) - 2 * 20 == count_patterns(X)


def test_a_list_that_just_fits_and_ends_with_a_dependent_quadruple():
    X = np.random.default_rng(0).integers(-1000, 1000, (60, 4))
    X[-1] = X[-2] + X[-3] - X[5]
    count = count_patterns(X)
    assert count == cover_bound(60, 4) - 2
    patterns = enumerate_patterns(X, max_bytes=8 * count)
    assert is_by_vertices(patterns)
    assert len(patterns) == count
