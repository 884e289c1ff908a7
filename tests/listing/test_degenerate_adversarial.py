"""Word boundaries, limits of machine integers, empty arrangements, many facets."""

from __future__ import annotations

from fractions import Fraction
from math import comb, nextafter

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    count_patterns,
    cover_bound,
    enumerate_patterns,
    iter_patterns,
)

from reference.brute_force import chambers, homogeneous_rows
from reference.exact_checks import bits_at, chamber_constraints, is_extreme


def bit_set(patterns):
    listed = [tuple(row) for row in patterns.to_bool().astype(int).tolist()]
    assert len(set(listed)) == len(listed)
    return set(listed)


# --- rows across word boundaries ----------------------------------------------

SIZES = [1, 2, 62, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193]


def spread_over(base, n, seed):
    """Place n signed copies of the rows of ``base`` (and zero rows) at random.

    Returns the matrix and, for every row, its row of ``base`` (-1: zero) and sign.
    """
    rng = np.random.default_rng(seed)
    source = rng.integers(-1, len(base), n)
    sign = rng.choice([-1, 1], n)
    scale = sign * rng.integers(1, 5, n)
    X = np.where(source[:, None] >= 0, base[source], 0) * scale[:, None]
    return X, source, sign


def spread_bits(patterns, source, sign):
    """Patterns of the spread matrix, from those of the rows it really holds."""
    return {
        tuple(
            1 if k < 0 else (bits[k] if s > 0 else 1 - bits[k])
            for k, s in zip(source.tolist(), sign.tolist(), strict=True)
        )
        for bits in patterns
    }


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_copies_on_both_sides_of_a_word_boundary_agree(n, seed):
    base = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1], [2, -1, 1]])
    X, source, sign = spread_over(base, n, seed)
    # rows of base that were not drawn only refine the chambers; forget their bits
    expected = spread_bits(chambers(base), source, sign)
    patterns = enumerate_patterns(X)
    assert bit_set(patterns) == expected
    assert patterns.packed.shape == (len(expected), -(-n // 64))
    assert count_patterns(X) == len(expected)
    for facets in patterns.facets():
        first = [int(np.flatnonzero(source == source[i])[0]) for i in facets]
        assert first == facets.tolist()


@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 129])
def test_many_distinct_rows_in_the_plane_across_words(n):
    X = np.column_stack([np.arange(n) - n // 2, np.ones(n, dtype=int)])
    patterns = enumerate_patterns(X)
    # along the circle: t + slope changes sign once for every row, in order
    ramp = {tuple([0] * k + [1] * (n - k)) for k in range(n + 1)}
    assert bit_set(patterns) == ramp | {tuple(1 - b for b in bits) for bits in ramp}
    for block in iter_patterns(X, block_size=64):
        assert len(block) in (64, 2 * n % 64)


@pytest.mark.slow
@pytest.mark.parametrize("n", [63, 64, 65, 128, 129])
def test_generic_rows_across_words_reach_the_cover_bound(n):
    X = np.vander(np.arange(1, n + 1), 3)
    patterns = enumerate_patterns(X)
    assert len(patterns) == cover_bound(n, 3) == 2 * (1 + (n - 1) + comb(n - 1, 2))
    assert len(bit_set(patterns)) == len(patterns)
    rng = np.random.default_rng(n)
    for k in rng.integers(0, len(patterns), 20).tolist():
        bits = tuple(patterns[k].astype(int).tolist())
        assert bits_at(X, patterns[k : k + 1].witnesses()[0]) == bits


@pytest.mark.parametrize("n", [63, 64, 65, 128, 129])
def test_parallel_affine_lines_across_words(n):
    X = np.array([[1, 2]] * n)
    patterns = enumerate_patterns(X, offsets=np.arange(n))
    assert bit_set(patterns) == {tuple([1] * k + [0] * (n - k)) for k in range(n + 1)}
    assert patterns.rank == 1


@pytest.mark.parametrize("n", [64, 65, 129])
def test_one_distinct_row_among_copies_at_either_end(n):
    for place in (0, 63, n - 1):
        X = np.tile([1, 0], (n, 1))
        X[place] = [0, 1]
        assert len(enumerate_patterns(X)) == 4


# --- rows one ulp apart -------------------------------------------------------


@pytest.mark.parametrize("value", [1.0, 0.1, 3.0, 1e-300, 1e300, 5e-324, 2.0**53])
def test_rows_one_ulp_apart_are_distinct_hyperplanes(value):
    X = np.array([[value, 1.0], [nextafter(value, np.inf), 1.0], [value, 1.0]])
    assert bit_set(enumerate_patterns(X)) == chambers(X)
    assert len(enumerate_patterns(X)) == 4


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e150])
@pytest.mark.parametrize("towards", [-np.inf, np.inf])
def test_a_row_one_ulp_off_a_common_line_opens_a_chamber(scale, towards):
    X = scale * np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0], [0, 0, 1.0]])
    assert len(enumerate_patterns(X)) == 12
    X[2, 2] = nextafter(0.0, towards)
    assert bit_set(enumerate_patterns(X)) == chambers(X)
    assert len(enumerate_patterns(X)) == 14


def test_float32_values_are_read_as_they_are():
    X = np.array([[0.1, 1], [0.1, 1]], dtype=np.float32)
    assert len(enumerate_patterns(X)) == 2
    mixed = np.array([[np.float32(0.1), 1], [0.1, 1]], dtype=np.float64)
    assert len(enumerate_patterns(mixed)) == 4
    assert len(enumerate_patterns(X, floats="decimal")) == 2
    listed = [[np.float32(0.1), 1], ["0.1", 1]]
    assert len(enumerate_patterns(listed, floats="decimal")) == 2
    assert len(enumerate_patterns(listed, floats="binary")) == 4


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_shortest_decimals_are_those_of_the_type_of_the_array(dtype):
    # on a line as decimals; float32(0.1) widened to float64 is 0.10000000149...
    X = np.array([[0.1, 1.1, 1], [0.2, 1.2, 1], [0.3, 1.3, 1]], dtype=dtype)
    assert enumerate_patterns(X, floats="binary").rank == 3
    patterns = enumerate_patterns(X, floats="decimal")
    assert patterns.rank == 2
    assert bit_set(patterns) == chambers([["0.1", 1], ["0.2", 1], ["0.3", 1]])


def test_entries_from_tiny_to_huge_in_one_matrix():
    X = np.array(
        [
            [1e300, 1e-300, 1.0],
            [1e-300, 1e300, -1.0],
            [1e300, 1e300, 0.0],
            [1e300, nextafter(1e300, 0), 5e-324],
            [0.0, 1e-300, 1e300],
            [-1e300, 1e300, 1e300],
        ]
    )
    patterns = enumerate_patterns(X)
    assert bit_set(patterns) == chambers(X)
    for row, point in zip(patterns.to_bool(), patterns.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(row.astype(int).tolist())


# --- limits of machine integers -----------------------------------------------

LIMITS = [2**15, 2**21, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64, 2**127, 2**200]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_integers_at_a_limit_are_exact(limit, off):
    m = limit + off
    X = np.array(
        [
            [m, m - 1, 1],
            [m - 1, m, -1],
            [2 * m - 1, 2 * m - 1, 0],  # the sum of the two above
            [2 * m - 1, 2 * m - 1, 1],  # one unit off it
            [-m, 1, m],
            [m, 1, m],
        ],
        dtype=object,
    )
    patterns = enumerate_patterns(X)
    assert bit_set(patterns) == chambers(X)
    for row, point in zip(patterns.to_bool(), patterns.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(row.astype(int).tolist())


@pytest.mark.parametrize("limit", LIMITS)
def test_random_integers_up_to_a_limit_are_exact(limit):
    rng = np.random.default_rng(limit.bit_length())
    pieces = rng.integers(-(2**30), 2**30, (7, 4, 7)).astype(object)
    X = sum(pieces[..., k] * 2 ** (30 * k) for k in range(7)) % (2 * limit) - limit
    X[6] = X[0] + X[1] - X[2]
    patterns = enumerate_patterns(X)
    assert bit_set(patterns) == chambers(X)
    for row, point in zip(patterns.to_bool(), patterns.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(row.astype(int).tolist())


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_the_least_integer_of_a_type_has_an_exact_opposite(dtype):
    least = np.iinfo(dtype).min
    X = np.array([[least, 1], [least, -1], [1, least], [least, least]], dtype=dtype)
    assert bit_set(enumerate_patterns(X)) == chambers(X)
    assert len(enumerate_patterns(X)) == 8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64])
def test_the_largest_unsigned_integer_is_positive(dtype):
    most = np.iinfo(dtype).max
    X = np.array([[most, 1], [1, most], [most, most], [most, 0]], dtype=dtype)
    assert bit_set(enumerate_patterns(X)) == chambers(X)


@pytest.mark.slow
@pytest.mark.parametrize("digits", [3, 6, 9, 12])
def test_minors_beyond_machine_integers_do_not_wrap(digits):
    rng = np.random.default_rng(digits)
    X = rng.integers(-(10**digits), 10**digits, (10, 7))
    patterns = enumerate_patterns(X)
    assert len(patterns) == cover_bound(10, 7)
    assert len(bit_set(patterns)) == len(patterns)
    for row, point in zip(patterns.to_bool(), patterns.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(row.astype(int).tolist())


@pytest.mark.slow
def test_three_digit_integers_with_twenty_rows_in_rank_eight():
    X = np.random.default_rng(8).integers(-999, 1000, (20, 8))
    assert len(enumerate_patterns(X)) == cover_bound(20, 8) == count_patterns(X)


# --- nothing there ------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 3, 64, 65, 129])
@pytest.mark.parametrize("d", [0, 1, 3])
def test_rank_zero_has_one_chamber_with_every_bit_set(n, d):
    patterns = enumerate_patterns(np.zeros((n, d)))
    assert patterns.packed.shape == (1, -(-n // 64))
    assert patterns.to_bool().tolist() == [[True] * n]
    assert patterns.rank == 0
    assert patterns.bound == cover_bound(0, 0) == 1
    assert patterns.witnesses().shape == (1, d)
    assert [facets.tolist() for facets in patterns.facets()] == [[]]
    assert [rays.shape for rays in patterns.rays()] == [(0, d)]
    assert patterns.proof is not None
    assert count_patterns(np.zeros((n, d))) == 1
    assert [len(block) for block in iter_patterns(np.zeros((n, d)))] == [1]


def test_affine_rank_zero_has_one_chamber_with_the_bits_of_the_offsets():
    offsets = [0, 1, -1, Fraction(1, 3), -(2**70)]
    for d in (0, 2):
        patterns = enumerate_patterns(np.zeros((5, d)), offsets=offsets)
        assert patterns.to_bool().tolist() == [[True, False, True, False, True]]
        assert patterns.witnesses().shape == (1, d + 1)
        assert patterns.witnesses()[0, -1] > 0
        assert count_patterns(np.zeros((5, d)), offsets=offsets) == 1
    assert len(enumerate_patterns(np.zeros((0, 2)), offsets=[])) == 1


def test_zero_normals_among_affine_hyperplanes_are_constant():
    X = [[0, 0], [1, 0], [0, 0], [0, 1]]
    patterns = enumerate_patterns(X, offsets=[1, 1, -1, 0])
    bits = patterns.to_bool()
    assert len(patterns) == 4
    assert not bits[:, 0].any()
    assert bits[:, 2].all()


def test_cover_bound_of_nothing_is_one():
    assert cover_bound(0, 3) == cover_bound(3, 0) == cover_bound(0, 0) == 1


@pytest.mark.parametrize("n", [1, 64, 65])
def test_rank_one_has_two_opposite_chambers(n):
    X = np.where(np.arange(n)[:, None] % 3 == 1, -1, 1) * np.array([[2, 0, -4]])
    patterns = enumerate_patterns(X)
    bits = patterns.to_bool()
    assert len(patterns) == 2
    assert np.array_equal(bits[0], ~bits[1])
    assert np.array_equal(bits[:, :1] == bits, np.tile(X[:, 0] > 0, (2, 1)))
    assert [facets.tolist() for facets in patterns.facets()] == [[0], [0]]


@pytest.mark.parametrize("r", range(14))
def test_coordinate_hyperplanes_have_every_pattern(r):
    patterns = enumerate_patterns(np.eye(r, dtype=int))
    assert len(patterns) == 2**r == len(bit_set(patterns))
    assert patterns.rank == r


# --- cells with many facets or many rays --------------------------------------


def tangent_lines(n):
    """Integer rows ``c - a x - b y``: n tangents to the unit circle, all around it."""
    rows = []
    for k in range(n):
        # any angle will do: t is rounded first, then the point is exactly rational
        t = Fraction(round(10**4 * np.tan(np.pi * (k + 0.5) / n - np.pi / 2)), 10**4)
        p, q = t.numerator, t.denominator
        rows.append([p * p - q * q, -2 * p * q, p * p + q * q])
    return rows


@pytest.mark.parametrize("n", [5, 63, 64, 65, 66, 128, 129, 130])
def test_a_polygon_with_many_sides_has_all_its_facets_and_rays(n):
    X = tangent_lines(n)
    patterns = enumerate_patterns(X)
    assert len(patterns) == count_patterns(X)
    inside = patterns.to_bool().all(axis=1)
    assert inside.sum() == 1
    k = int(np.flatnonzero(inside)[0])
    part = patterns[k : k + 1]
    assert sorted(part.facets()[0].tolist()) == list(range(n))
    rays = part.rays()[0]
    assert len(rays) == n
    cuts = chamber_constraints(homogeneous_rows(X), [1] * n, affine=False)
    assert all(is_extreme(cuts, ray) for ray in rays)
    assert len({tuple(map(int, ray)) for ray in rays}) == n


@pytest.mark.parametrize(("n", "r"), [(12, 4), (10, 5), (24, 4), (12, 7)])
def test_the_cone_of_a_cyclic_polytope_has_all_its_rays(n, r):
    """Rows (1, t, t^2, ..) are the vertices of a cyclic polytope of dimension r - 1.

    The all-positive chamber is the dual cone: its rays are the facets of the polytope,
    counted by the upper bound theorem (McMullen 1970), its facets the vertices.
    """
    X = np.vander(np.arange(n) - n // 2, r, increasing=True)
    dim = r - 1
    n_rays = comb(n - (dim + 1) // 2, n - dim) + comb(n - (dim + 2) // 2, n - dim)
    patterns = enumerate_patterns(X)
    assert len(patterns) == cover_bound(n, r)
    k = int(np.flatnonzero(patterns.to_bool().all(axis=1))[0])
    part = patterns[k : k + 1]
    assert sorted(part.facets()[0].tolist()) == list(range(n))
    assert len(part.rays()[0]) == n_rays
    cuts = chamber_constraints(homogeneous_rows(X.tolist()), [1] * n, affine=False)
    assert all(is_extreme(cuts, ray) for ray in part.rays()[0])


@pytest.mark.parametrize("r", [3, 5, 7])
def test_the_cone_of_a_cross_polytope_has_two_to_the_dimension_rays(r):
    """Rows (1, +-e_i): the all-positive chamber is the cone over a cube."""
    eye = np.eye(r - 1, dtype=int)
    ones = np.ones((r - 1, 1), dtype=int)
    X = np.vstack([np.hstack([ones, eye]), np.hstack([ones, -eye])])
    patterns = enumerate_patterns(X)
    k = int(np.flatnonzero(patterns.to_bool().all(axis=1))[0])
    part = patterns[k : k + 1]
    assert len(part.facets()[0]) == 2 * (r - 1)
    assert len(part.rays()[0]) == 2 ** (r - 1)


def test_an_arrangement_is_read_once_and_passed_through():
    X = np.array([[1, 0], [0, 1], [1, 1]])
    arrangement = Arrangement(X)
    patterns = enumerate_patterns(arrangement)
    assert patterns.arrangement is arrangement
    assert bit_set(patterns) == chambers(X)
