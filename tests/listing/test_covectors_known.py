"""Face numbers that are known in closed form, counted and listed."""

from __future__ import annotations

import itertools
import time
from math import comb, factorial

import numpy as np
import pytest

from arrangement import (
    BudgetExceededError,
    InputError,
    cover_bound,
    face_numbers,
    iter_covectors,
)

from reference import families

FUBINI = (1, 1, 3, 13, 75, 541, 4683, 47293)


def check(expected, X, offsets=None):
    """The count, and a list without repetitions of each dimension, agree."""
    assert face_numbers(X, offsets=offsets) == tuple(expected)
    everything = []
    for k, number in enumerate(expected):
        blocks = list(iter_covectors(X, offsets=offsets, dimension=k))
        faces = np.concatenate(blocks)
        assert faces.dtype == np.int8
        assert all(block.flags.c_contiguous for block in blocks)
        assert len(np.unique(faces, axis=0)) == len(faces) == number
        everything.append(faces)
    whole = np.concatenate(list(iter_covectors(X, offsets=offsets)))
    assert np.array_equal(whole, np.concatenate(everything[::-1]))
    return everything


def stirling(n, k):
    """Partitions of n things into k blocks."""
    terms = ((-1) ** i * comb(k, i) * (k - i) ** n for i in range(k + 1))
    return sum(terms) // factorial(k)


@pytest.mark.parametrize("n", range(1, 8))
def test_boolean_faces_are_all_sign_vectors(n):
    numbers = [comb(n, k) * 2**k for k in range(n + 1)]
    assert sum(numbers) == 3**n
    check(numbers, families.boolean(n))


@pytest.mark.parametrize("n", range(2, 8))
def test_braid_faces_are_the_ordered_set_partitions(n):
    numbers = [factorial(k) * stirling(n, k) for k in range(1, n + 1)]
    assert sum(numbers) == FUBINI[n]
    check(numbers, families.braid(n - 1))


def test_braid_covectors_compare_the_places_of_ordered_set_partitions():
    """Signs of ``x_i - x_j`` over all words that use an initial run of letters."""
    words = np.array(np.meshgrid(*[range(4)] * 4)).reshape(4, -1).T
    words = [w for w in words if len(set(w.tolist())) == max(w) + 1]
    expected = {tuple(np.sign(np.array(families.braid(3)) @ w).tolist()) for w in words}
    faces = np.concatenate(list(iter_covectors(families.braid(3))))
    assert {tuple(row) for row in faces.tolist()} == expected
    assert len(expected) == FUBINI[4]


@pytest.mark.parametrize("n", range(1, 6))
def test_type_b_faces_are_the_signed_ordered_partitions(n):
    """Coordinates that are zero are chosen first; then blocks by absolute value."""
    numbers = [
        sum(
            comb(n, m) * 2**m * factorial(k) * stirling(m, k) if m else int(k == 0)
            for m in range(n + 1)
        )
        for k in range(n + 1)
    ]
    check(numbers, families.coxeter_b(n))


@pytest.mark.parametrize(("n", "r"), [(1, 1), (5, 2), (7, 3), (9, 4), (8, 5), (7, 7)])
def test_generic_central_faces(n, r):
    """Any r - k hyperplanes meet in a flat, generic for the others."""
    numbers = [1]
    numbers += [comb(n, r - k) * cover_bound(n - r + k, k) for k in range(1, r + 1)]
    check(numbers, families.generic(n, r, seed=n))


@pytest.mark.parametrize(("n", "r"), [(1, 1), (4, 1), (6, 2), (8, 3), (7, 4)])
def test_generic_affine_faces(n, r):
    """The same, with sum over j <= k of C(m, j) chambers of m in dimension k."""
    rows = np.array(families.generic(n, r + 1, seed=n))
    numbers = [
        comb(n, r - k) * sum(comb(n - r + k, j) for j in range(k + 1))
        for k in range(r + 1)
    ]
    # the moment curve: the hyperplane at infinity is one more of its points
    check(numbers, rows[:, :-1], offsets=-rows[:, -1])


@pytest.mark.parametrize("k", [2, 3, 4])
def test_affine_deformations_of_the_braid_arrangement(k):
    """Chambers by their formulas; Euler's relation of a space tells the rest."""
    for (rows, levels), chambers in (
        (families.shi(k), (k + 1) ** (k - 1)),
        (families.catalan(k), factorial(2 * k) // factorial(k + 1)),
    ):
        numbers = face_numbers(rows, offsets=levels)
        assert numbers[-1] == chambers
        assert sum((-1) ** j * f for j, f in enumerate(numbers)) == (-1) ** (k - 1)
        check(numbers, rows, offsets=levels)


def test_no_hyperplane_leaves_one_face():
    for X, offsets in (
        (np.zeros((0, 3)), None),
        (np.zeros((2, 0)), None),
        (np.zeros((2, 3)), None),
        (np.zeros((0, 3)), []),
    ):
        (faces,) = check([1], X, offsets)
        assert faces.tolist() == [[0] * len(X)]


def test_zero_normals_have_the_sign_of_minus_b():
    X = [[0, 0], [0, 0], [0, 0], [1, 2]]
    faces = check([1, 2], X, offsets=[-3, 0, 5, 1])
    assert np.concatenate(faces)[:, :3].tolist() == [[1, 0, -1]] * 3
    (alone,) = check([1], X[:3], offsets=[-3, 0, 5])
    assert alone.tolist() == [[1, 0, -1]]


def test_face_numbers_have_a_time_limit(monkeypatch):
    X = np.random.default_rng(0).integers(-3, 4, (9, 4))
    whole = face_numbers(X)
    assert face_numbers(X, time_limit=1e6) == whole
    # every look at the clock takes a second
    monkeypatch.setattr(time, "monotonic", itertools.count(100.0).__next__)
    for seconds in (1, 12, 40):
        with pytest.raises(BudgetExceededError, match="the time is up"):
            face_numbers(X, time_limit=seconds)
    with pytest.raises(InputError, match="time_limit=0; expected"):
        face_numbers(X, time_limit=0)
