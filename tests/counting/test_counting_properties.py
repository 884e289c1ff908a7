"""The modular count against deletion-restriction in fractions, and its invariances."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import combinations, islice
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arrangement._kernels import counting as kernels
from arrangement.counting import counts as counting
from arrangement.counting import primes as primality
from arrangement.counting.counts import characteristic_polynomial, count_patterns

from reference import deletion_restriction as reference
from reference.brute_force import exact
from strategies import matrices

pytestmark = pytest.mark.kernels

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Matrix = list[list[int]]


@st.composite
def integer_matrices(draw: st.DrawFn, bits: int, max_rows: int = 7) -> Matrix:
    """Draw rows of large integers, sums of them, and sums that miss by one."""
    d = draw(st.integers(2, 4))
    entry = st.integers(-(2**bits), 2**bits)
    rows = [[draw(entry) for _ in range(d)] for _ in range(draw(st.integers(2, 4)))]
    while len(rows) < max_rows and draw(st.booleans()):
        first, second = (draw(st.sampled_from(rows)) for _ in range(2))
        a, b = draw(st.integers(-3, 3)), draw(st.integers(-3, 3))
        row = [a * x + b * y for x, y in zip(first, second, strict=True)]
        if draw(st.booleans()):
            row[draw(st.integers(0, d - 1))] += draw(st.sampled_from((-1, 1)))
        rows.append(row)
    return rows


def agrees(rows: Any, offsets: Any = None) -> None:
    expected = reference.characteristic_polynomial(rows, offsets)
    assert characteristic_polynomial(rows, offsets=offsets) == expected
    chambers = abs(sum((-1) ** k * x for k, x in enumerate(expected)))
    assert count_patterns(rows, offsets=offsets) == chambers
    bounded = abs(sum(expected))
    assert counting.count_bounded(rows, offsets=offsets) == bounded
    if offsets is None and len(expected) > 1:
        assert bounded == 0
        assert chambers % 2 == 0


@relaxed
@given(matrices())
def test_equals_deletion_restriction(X: NDArray[Any]) -> None:
    rows = [[exact(x) for x in row] for row in X]
    expected = reference.characteristic_polynomial(rows)
    assert characteristic_polynomial(X) == expected


@relaxed
@given(matrices(max_columns=3, kinds=("small", "fractions", "floats")), st.data())
def test_affine_equals_deletion_restriction(X: NDArray[Any], data: Any) -> None:
    offsets = [data.draw(st.integers(-2, 2)) for _ in X]
    rows = [[exact(x) for x in row] for row in X]
    expected = reference.characteristic_polynomial(rows, offsets)
    assert characteristic_polynomial(X, offsets=offsets) == expected


@relaxed
@given(integer_matrices(60))
def test_sixty_bit_integers(rows: Matrix) -> None:
    agrees(rows)


@settings(relaxed, max_examples=30)
@given(integer_matrices(1000, max_rows=6))
def test_thousand_bit_integers(rows: Matrix) -> None:
    agrees(rows)


@relaxed
@given(integer_matrices(60), st.data())
def test_affine_sixty_bit_integers(rows: Matrix, data: Any) -> None:
    point = [data.draw(st.integers(-5, 5)) for _ in rows[0]]
    through = [sum(a * x for a, x in zip(row, point, strict=True)) for row in rows]
    offsets = [b + data.draw(st.integers(0, 1)) for b in through]
    agrees(rows, offsets)


@relaxed
@given(matrices(max_rows=8, kinds=("small",)), st.randoms())
def test_invariances(X: NDArray[Any], source: random.Random) -> None:
    polynomial = characteristic_polynomial(X)
    rows = [[int(x) for x in row] for row in X]
    d = X.shape[1]
    source.shuffle(rows)
    scales = [source.choice((-7, -1, 3, 10**12)) for _ in rows]
    rows = [[scale * x for x in row] for scale, row in zip(scales, rows, strict=True)]
    # Unit upper triangular: invertible over the integers.
    transform = [
        [1 if i == j else source.randint(-9, 9) * (i < j) for j in range(d)]
        for i in range(d)
    ]
    image = [
        [sum(row[i] * transform[i][j] for i in range(d)) for j in range(d)]
        for row in rows
    ]
    shaped = np.array(image, dtype=object).reshape(len(rows), d)
    assert characteristic_polynomial(shaped) == polynomial


@relaxed
@given(matrices(max_rows=9, max_columns=5, kinds=("small",)))
def test_cover_bound_is_reached_exactly_when_uniform(X: NDArray[Any]) -> None:
    rows = {tuple(int(x) for x in row) for row in X if any(row)}
    r = reference.rank([list(row) for row in rows])
    distinct: list[tuple[int, ...]] = []
    for row in sorted(rows):
        if all(reference.rank([row, other]) == 2 for other in distinct):
            distinct.append(row)
    uniform = all(reference.rank(part) == r for part in combinations(distinct, r))
    count, bound = count_patterns(X), counting.cover_bound(len(distinct), r)
    assert count <= bound
    assert (count == bound) == uniform


def test_deletion_restriction_identity() -> None:
    source = random.Random(5)
    rows = [[source.randint(-2, 2) for _ in range(4)] for _ in range(11)]
    rows = [[1, *row] for row in rows]
    last = rows[-1]
    restriction = [
        [x - row[0] * y for x, y in zip(row[1:], last[1:], strict=True)]
        for row in rows[:-1]
    ]
    deleted = count_patterns(rows[:-1])
    assert count_patterns(rows) == deleted + count_patterns(restriction)


def first_primes() -> list[int]:
    return list(islice(primality._iter_primes(2**40), 6))


def test_the_primes_are_the_largest_below_two_to_the_31() -> None:
    # 2**31 - 1 is prime (Euler); the gaps below it are tabulated: 18, 60, 68, ...
    primes = first_primes()
    assert primes == [2**31 - c for c in (1, 19, 61, 69, 85, 99)]
    sieve = [
        p for p in range(2, 3000) if all(p % q for q in range(2, math.isqrt(p) + 1))
    ]
    assert [p for p in range(3000) if primality._prime(p)] == sieve


def planted(p: int) -> Matrix:
    """Three planes whose only minor is ``p``: dependent modulo ``p`` alone."""
    return [[1, 0, 0], [0, 1, 0], [1, 1, p], [3, 5, 7 * p]]


@pytest.mark.parametrize("which", range(3))
def test_minors_that_a_prime_divides(which: int) -> None:
    # A product of primes the count is going to use: a test with fewer primes than
    # the bound asks for would take these rows as dependent.
    primes = first_primes()
    agrees(planted(primes[which]))
    agrees(planted(math.prod(primes[: which + 1])))
    agrees(planted(math.prod(primes[:which]) * 10007))


@pytest.mark.parametrize("n", range(1, 5))
def test_points_and_lines_that_differ_by_a_product_of_primes(n: int) -> None:
    step = math.prod(first_primes()[:n])
    agrees([[1]] * 4, [0, step, 2 * step, 1])
    agrees([[1, 0], [1, step], [0, 1], [1, 1], [1, 1 + step]], [0, 0, step, step, 1])
    agrees([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1 + step]])
    agrees(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, step, 0], [1, 0, step], [1, 1, 1]],
        [0, 0, 0, step, 1, step + 1],
    )


def test_a_bad_prime_starts_again() -> None:
    # Modulo the first prime the last two rows are the first one, or infinity: a
    # restricted row is zero, or at infinity, modulo some of the primes only.
    p, q, *_ = first_primes()
    central = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, p, p], [1, q, p], [1, 1, 1]]
    agrees(central)
    agrees([[1, 0], [0, 1], [p, p], [1, q]], [0, 0, 1, p])
    agrees([[p * q, 0], [0, 1], [1, 1]], [1, 0, p])


def test_parallel_modulo_one_prime_is_no_point_of_the_line() -> None:
    # On the line x = 0 the others cut y = -n / p and y = -p / w, with
    # p * p - n * w = q * s: modulo p the first is at infinity and the second is 0,
    # and modulo the other two primes in use they are equal.
    p, q, s, *_ = first_primes()
    product = p * p - q * s
    n = max(n for n in range(1, math.isqrt(product) + 1) if product % n == 0)
    rows, offsets = [[1, p], [1, product // n], [1, 0]], [-n, -p, 0]
    assert characteristic_polynomial(rows, offsets=offsets) == (3, -3, 1)
    agrees(rows, offsets)


def test_a_row_that_is_zero_modulo_a_prime_is_reported() -> None:
    moduli = np.array([5, 7], dtype=np.int64)
    rows = np.array([[[2, 1], [3, 3]], [[0, 0], [0, 4]]], dtype=np.int64)
    scratch = kernels.Scratch(*np.zeros((3, 2), dtype=np.int64))
    table = np.zeros(0, dtype=np.int64)
    options = (kernels.Primes(moduli, 1.0 / moduli, table), scratch)
    assert not kernels.normalise(rows, 2, 2, *options)
    rows[1, 0] = (0, 2)
    assert kernels.normalise(rows, 2, 2, *options)
    assert rows[0].tolist() == [[1, 3], [1, 1]]
    assert scratch.infinite.tolist() == [0, 2]


def test_core_takes_redundant_rows() -> None:
    rows = [(1, 0, 0), (0, 1, 0), (0, 0, 0), (2, 0, 0), (-1, 0, 0), (0, 0, 5)]
    assert counting.whitney_numbers(rows, 3, None, 10**6) == (1, 3, 3, 1)
    assert counting.whitney_numbers(rows, 3, (0, 0, 1), 10**6) == (1, 2, 1)
    assert counting.whitney_numbers([], 2, None, 1) == (1, 0, 0)
    assert counting.whitney_numbers([], 1, (1,), 1) == (1,)
    # A row at infinity in general position to the coordinates.
    assert counting.whitney_numbers(rows, 3, (1, 1, 1), 10**6) == (1, 3, 3)


@relaxed
@given(st.sampled_from((2, 3, 65537, 2**31 - 1, 2**31 - 19)), st.data())
def test_arithmetic_kernels(p: int, data: Any) -> None:
    residue = st.integers(0, p - 1) | st.integers(max(0, p - 3), p - 1)
    values = data.draw(st.lists(residue, min_size=1, max_size=9))
    a, b = values[0], values[-1]
    assert kernels.multiply(a, b, p, 1.0 / p) == a * b % p
    expected = [pow(v, -1, p) if v else 0 for v in values]
    for table in (np.zeros(0, dtype=np.int64), primality._inverse_table(p)):
        array = np.array(values, dtype=np.int64)
        prefix = np.zeros_like(array)
        kernels.invert_all(array, array.size, p, 1.0 / p, table, prefix)
        assert array.tolist() == expected


@settings(relaxed, max_examples=15)
@given(integer_matrices(20, max_rows=6))
def test_kernel_equals_its_python_source(rows: Matrix) -> None:
    expected = characteristic_polynomial(rows)
    if not hasattr(kernels.advance, "py_func"):
        return  # already plain Python
    with pytest.MonkeyPatch.context() as patch:
        for name in ("advance", "normalise", "merge", "eliminate"):
            patch.setattr(kernels, name, getattr(kernels, name).py_func)
        assert characteristic_polynomial(rows) == expected


@relaxed
@given(integer_matrices(8, max_rows=6))
def test_minor_bound(rows: Matrix) -> None:
    rows = [row for row in rows if any(row)] or [[1]]
    d = len(rows[0])
    bound = counting._minor_bound_squared([tuple(row) for row in rows], d)
    for size in range(1, min(d, len(rows)) + 1):
        for picked in combinations(rows, size):
            for columns in combinations(range(d), size):
                minor = [[row[c] for c in columns] for row in picked]
                assert _determinant(minor) ** 2 <= bound


def _determinant(matrix: Matrix) -> Fraction:
    if not matrix:
        return Fraction(1)
    top, *rest = matrix
    return sum(
        (
            (-1) ** c * x * _determinant([row[:c] + row[c + 1 :] for row in rest])
            for c, x in enumerate(top)
        ),
        Fraction(0),
    )
