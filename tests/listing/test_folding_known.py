"""Reductions over all chambers: exact 0-1 loss, the most balanced pattern, depth."""

import itertools

import numba
import numpy as np
import pytest

from arrangement import InputTypeError, enumerate_patterns, fold
from arrangement.model.patterns import pack

from reference import families


@numba.njit
def count_bits(word):
    total = 0
    while word != np.uint64(0):
        word &= word - np.uint64(1)
        total += 1
    return total


@numba.njit
def fewest_errors(state, pattern):
    best, labels, found = state
    errors = 0
    for w in range(pattern.size):
        errors += count_bits(pattern[w] ^ labels[w])
    if errors < best[0]:
        best[0] = errors
        found[:] = pattern


@numba.njit
def tally(state, pattern):
    total = 0
    for w in range(pattern.size):
        total += count_bits(pattern[w])
    state[total] += 1


def test_every_pattern_is_visited_once_with_its_bits():
    for X in (families.threshold(4), np.random.default_rng(1).normal(size=(70, 3))):
        patterns = enumerate_patterns(X)
        counts = fold(X, tally, np.zeros(len(X) + 1, dtype=np.int64))
        expected = np.bincount(patterns.to_bool().sum(axis=1), minlength=len(X) + 1)
        assert counts.tolist() == expected.tolist()


def test_the_tukey_depth_of_the_origin():
    # fewest points in a closed half-plane whose boundary passes through the origin
    X = np.random.default_rng(3).integers(-50, 51, size=(40, 2))
    X = X[np.any(X != 0, axis=1)]
    counts = fold(X, tally, np.zeros(len(X) + 1, dtype=np.int64))
    depth = int(np.flatnonzero(counts)[0])
    normals = np.array([[-y, x] for x, y in X.tolist()])
    # just beside the line through each point, on both sides of it and of the origin
    directions = [
        10**6 * side * normal + turn * point
        for point, normal in zip(X, normals, strict=True)
        for side, turn in itertools.product((-1, 1), repeat=2)
    ]
    assert depth == min(int((X @ d > 0).sum()) for d in directions)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_exact_zero_one_loss_of_a_linear_classifier(seed):
    draw = np.random.default_rng(seed)
    X = np.column_stack([draw.integers(-9, 10, size=(12, 2)), np.ones(12, int)])
    y = draw.integers(0, 2, size=12).astype(bool)
    best = np.array([13])
    found = np.zeros(1, dtype=np.uint64)
    fold(X, fewest_errors, (best, pack(y[None])[0], found))
    patterns = enumerate_patterns(X)
    errors = (patterns.to_bool() != y).sum(axis=1)
    assert best[0] == errors.min()
    chosen = patterns[[patterns.find(found)]]
    weights = chosen.witnesses()[0]
    assert int(((X @ weights >= 0) != y).sum()) == best[0]


def test_a_function_that_is_not_compiled_is_refused():
    with pytest.raises(InputTypeError, match="compiled by numba"):
        fold([[1, 0], [0, 1]], lambda state, pattern: None, np.zeros(1))
    with pytest.raises(InputTypeError, match="expected a function"):
        fold([[1, 0], [0, 1]], 3, np.zeros(1))
