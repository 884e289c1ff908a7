"""The evidence of a count bounds it from above, and is as small as it may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from arrangement import Arrangement, BudgetExceededError, checker, count_patterns
from arrangement.counting import count_tree

from reference import families
from strategies import exact_matrix, matrices

pytestmark = pytest.mark.kernels
MOST = 10**12


def hyperplanes(X):
    """The hyperplanes of a matrix as the checker has them, and their rank."""
    rows = [tuple(row) for row in Arrangement(X).distinct.tuples()]
    kept = checker.pivots(rows)
    return checker.distinct([[row[k] for k in kept] for row in rows]), len(kept)


def least(rows, rank, tree):
    """Whether nothing in a tree could be 0 instead."""
    if tree == 0:
        return True
    total = checker.most(rows, rank, tree, MOST)
    below = [tree - 1] * len(rows) if isinstance(tree, int) else tree
    parts = [checker.restricted(rows[:i], h) for i, h in enumerate(rows)]
    smaller = checker.cover(len(rows), rank) > total
    if isinstance(tree, int):
        return smaller
    return smaller and all(map(least, parts, [rank - 1] * len(rows), below))


@given(X=matrices(max_rows=8, max_columns=5, kinds=("small", "fractions", "text")))
def test_the_tree_proves_the_count(X):
    rows, rank = hyperplanes(exact_matrix(X))
    total = count_patterns(X)
    tree = count_tree(rows, rank, total)
    assert checker.most(rows, rank, tree, total) == total
    assert checker.most(rows, rank, max(rank - 2, 0), total) == total
    assert least(rows, rank, tree)
    if total > 1:
        with pytest.raises(checker.Rejected, match="more regions"):
            checker.most(rows, rank, tree, total - 1)


@given(X=matrices(max_rows=7, max_columns=5, kinds=("small",)))
def test_every_tree_is_a_bound_from_above(X):
    rows, rank = hyperplanes(X)
    total = count_patterns(X)
    bounds = [checker.most(rows, rank, k, MOST) for k in range(max(rank - 1, 1))]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == total
    if rank > 2:
        mixed = [k % (rank - 2) for k in range(len(rows))]
        assert total <= checker.most(rows, rank, mixed, MOST) <= bounds[0]


@pytest.mark.parametrize(
    ("X", "total"),
    [
        (families.braid(5), 720),
        (families.coxeter_b(4), 384),
        (families.coxeter_d(4), 192),
        (families.resonance(4), 370),
    ],
    ids=["braid", "B4", "D4", "resonance"],
)
def test_known_counts(X, total):
    rows, rank = hyperplanes(X)
    tree = count_tree(rows, rank, total)
    assert checker.most(rows, rank, tree, total) == total
    assert least(rows, rank, tree)


def test_a_few_coincidences_take_a_small_tree():
    """Nearly generic: only what has the coincidence is cut once more."""
    X = np.random.default_rng(0).integers(-99, 100, (14, 5))
    X[9] = X[2] + X[5]
    rows, rank = hyperplanes(X)
    tree = count_tree(rows, rank, count_patterns(X))
    assert isinstance(tree, list)
    assert sum(part != 0 for part in tree) <= 5


def test_time_is_limited():
    rows, rank = hyperplanes(families.braid(5))
    with pytest.raises(BudgetExceededError, match="the time is up"):
        count_tree(rows, rank, 720, lambda: True)
