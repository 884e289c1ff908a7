"""Short columns by a unimodular change of basis, and what it must leave alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, count_patterns, enumerate_patterns
from arrangement.exact.linear_algebra import multiply
from arrangement.exact.short_columns import reduce_columns

from reference.brute_force import chambers, homogeneous_rows, matrix_rank
from reference.exact_algebra import determinant, gram_schmidt
from reference.exact_checks import (
    bits_at,
    chamber_constraints,
    extreme_ray_images,
    image,
)

moderate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SIZES = {"tiny": 2, "int32": 2**31, "int64": 2**63, "huge": 2**130}


@st.composite
def integer_rows(draw, *, max_columns=5, is_dependent=None):
    """Draw rows as tuples; some columns lie close to (or on) the span of others."""
    width = draw(st.integers(1, max_columns))
    n = draw(st.integers(width, width + 3))
    size = SIZES[draw(st.sampled_from(sorted(SIZES)))]
    entry = st.integers(-size, size)
    columns = [draw(st.lists(entry, min_size=n, max_size=n)) for _ in range(width)]
    for k in range(1, width):
        if draw(st.booleans()):
            factors = [draw(st.integers(-3, 3)) for _ in range(k)]
            noise = draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n))
            columns[k] = [
                sum(f * columns[j][i] for j, f in enumerate(factors)) + noise[i]
                for i in range(n)
            ]
    if is_dependent:
        target = draw(st.integers(0, width - 1))
        factors = [draw(st.integers(-3, 3)) for _ in range(width)]
        columns[target] = [
            sum(f * columns[j][i] for j, f in enumerate(factors) if j != target)
            for i in range(n)
        ]
    return list(zip(*columns, strict=True)), width


def reduced(rows, width, *, fixed):
    """Reduce the columns, or None when they are dependent (which must be refused)."""
    if matrix_rank(rows) < width:
        with pytest.raises(ValueError, match="dependent"):
            reduce_columns(rows, width, fixed=fixed)
        return None
    return reduce_columns(rows, width, fixed=fixed)


@moderate
@given(integer_rows(), st.booleans())
def test_the_change_of_basis_is_unimodular_and_keeps_every_minor(instance, fixed):
    rows, width = instance
    basis = reduced(rows, width, fixed=fixed)
    if basis is None:
        return
    assert all(type(x) is int for row in basis for x in row)
    sign = determinant(basis)
    assert sign in (1, -1)
    shorter = multiply(rows, basis)
    for chosen in combinations(range(len(rows)), width):
        before = determinant([rows[i] for i in chosen])
        assert determinant([shorter[i] for i in chosen]) == sign * before


@moderate
@given(integer_rows(), st.booleans())
def test_the_columns_are_reduced_in_the_sense_of_lenstra_lenstra_lovasz(
    instance, fixed
):
    rows, width = instance
    basis = reduced(rows, width, fixed=fixed)
    if basis is None:
        return
    mu, lengths = gram_schmidt(list(zip(*multiply(rows, basis), strict=True)))
    for k in range(1, width):
        assert all(2 * abs(x) <= 1 for x in mu[k])
        if not (fixed and k == width - 1):
            assert 4 * lengths[k] >= (3 - 4 * mu[k][-1] ** 2) * lengths[k - 1]


@moderate
@given(integer_rows())
def test_a_fixed_last_row_is_that_of_the_identity(instance):
    rows, width = instance
    basis = reduced(rows, width, fixed=True)
    if basis is not None:
        assert basis[-1] == (0,) * (width - 1) + (1,)


@moderate
@given(integer_rows(is_dependent=True), st.booleans())
def test_dependent_columns_are_refused(instance, fixed):
    rows, width = instance
    with pytest.raises(ValueError, match="dependent"):
        reduce_columns(rows, width, fixed=fixed)


def test_columns_independent_only_beyond_the_leading_rows_are_refused(monkeypatch):
    from arrangement.exact import short_columns

    monkeypatch.setattr(short_columns, "_GRAM_ROWS", 3)
    X = near_singular(5, 3, 0)
    X[2] = X[0] + X[1]
    with pytest.raises(ValueError, match="dependent"):
        reduce_columns([tuple(row) for row in X], 3, fixed=False)
    assert Arrangement(X).column_basis is None
    assert listed(enumerate_patterns(X)) == chambers(X)


def test_no_columns_need_no_reduction():
    assert reduce_columns([], 0, fixed=False) == []
    assert reduce_columns([(3,), (5,)], 1, fixed=True) == [(1,)]


def test_a_basis_known_to_be_short_is_found():
    # columns e1, e2, e3 hidden by a unimodular matrix with large entries
    hide = np.array([[1, 10**9, 7], [0, 1, -(10**12)], [0, 0, 1]], dtype=object)
    rows = [tuple(row) for row in np.eye(3, dtype=object) @ hide]
    shorter = multiply(rows, reduce_columns(rows, 3, fixed=False))
    assert sorted(tuple(map(abs, row)) for row in shorter) == [
        (0, 0, 1),
        (0, 1, 0),
        (1, 0, 0),
    ]


# --- through the public functions ---------------------------------------------


def listed(patterns):
    bits = [tuple(row) for row in patterns.to_bool().astype(int).tolist()]
    assert len(set(bits)) == len(bits)
    return set(bits)


def check_against_definition(X, offsets=None):
    """The listing, its witnesses and its rays, all in the coordinates of X."""
    affine = offsets is not None
    patterns = enumerate_patterns(X, offsets=offsets)
    expected = chambers(X, offsets)
    assert listed(patterns) == expected
    assert count_patterns(X, offsets=offsets) == len(expected)
    rows = homogeneous_rows(X, offsets)
    for bits, point, rays in zip(
        patterns.to_bool().astype(int).tolist(),
        patterns.witnesses(),
        patterns.rays(),
        strict=True,
    ):
        assert bits_at(X, point, offsets) == tuple(bits)
        cuts = chamber_constraints(rows, bits, affine=affine)
        assert {image(cuts, ray) for ray in rays} == extreme_ray_images(cuts)
        assert all(len(ray) == len(rows[0]) for ray in rays)


def near_singular(n, d, seed, *, scale=10**14):
    """The last column is the sum of the others plus a tiny perturbation."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, d), dtype=object)
    X[:, :-1] = rng.integers(-scale, scale, (n, d - 1))
    X[:, -1] = X[:, :-1].sum(axis=1) + rng.integers(-2, 3, n)
    return X


@pytest.mark.parametrize(("n", "d"), [(6, 2), (7, 3), (7, 4), (6, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_rows_near_a_common_plane_list_the_chambers_of_the_definition(n, d, seed):
    X = near_singular(n, d, seed)
    assert Arrangement(X).column_basis is not None
    check_against_definition(X)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_degenerate_rows_near_a_common_plane_stay_degenerate(seed):
    X = near_singular(7, 4, seed)
    X[4] = X[0] + X[1]  # exactly in a common plane with them
    X[5] = X[0] + X[1] - X[2]
    X[6] = -3 * X[5]
    X[5, 3] += seed % 2  # or one unit off it
    check_against_definition(X)


@pytest.mark.parametrize("seed", range(4))
def test_columns_in_other_units_and_dependent_ones_map_back(seed):
    X = near_singular(6, 3, seed)
    whole = np.zeros((6, 5), dtype=object)
    whole[:, 0] = X[:, 0] * 6
    whole[:, 1] = X[:, 0] * 4  # no pivot: parallel to the column before
    whole[:, 2] = [Fraction(x, 35) for x in X[:, 1]]
    whole[:, 4] = X[:, 2] * 2**70
    arrangement = Arrangement(whole)
    assert arrangement.rank == 3
    assert arrangement.column_basis is not None
    check_against_definition(whole)


@pytest.mark.parametrize(("n", "d"), [(6, 1), (6, 2), (6, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_affine_rows_far_from_the_origin_map_back(n, d, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, (n, d)).astype(object)
    far = rng.integers(10**14, 2 * 10**14, d).astype(object)
    offsets = X @ far + rng.integers(-2, 3, n)
    assert Arrangement(X, offsets).column_basis is not None
    check_against_definition(X, offsets)


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_affine_rows_near_a_common_plane_map_back(d, seed):
    X = near_singular(6, d, seed)
    offsets = X.sum(axis=1) * 3 + np.arange(6) % 2
    arrangement = Arrangement(X, offsets)
    assert arrangement.column_basis is not None
    assert arrangement.column_basis[-1] == (0,) * d + (1,)
    check_against_definition(X, offsets)


@settings(moderate, max_examples=40)
@given(integer_rows(max_columns=4))
def test_any_nearly_dependent_columns_list_the_chambers_of_the_definition(instance):
    rows, _ = instance
    X = np.array(rows, dtype=object)
    patterns = enumerate_patterns(X)
    assert listed(patterns) == chambers(X)
    for bits, point in zip(patterns.to_bool(), patterns.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(bits.astype(int).tolist())
