"""Primitive rows, their classes, and independent columns, against the definitions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement.exact import Column, IntegerRows, integer_rows, modular_rank
from arrangement.exact import pivot_columns as exact_pivots

from reference import reading
from reference.brute_force import matrix_rank

many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SIZES = (2, 9, 2**31, 2**63, 2**130)


@st.composite
def matrices(draw, *, sizes=SIZES):
    """Draw integers with rows that are multiples of others, and dependent columns."""
    n, width = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    entry = st.integers(*(s * draw(st.sampled_from(sizes)) for s in (0, 1)))
    rows = [[draw(entry) - draw(entry) for _ in range(width)] for _ in range(n)]
    for i in range(1, n):
        if draw(st.integers(0, 2)) == 0:
            j, factor = draw(st.integers(0, i - 1)), draw(st.integers(-3, 3))
            rows[i] = [factor * x for x in rows[j]]
    for k in range(width):
        if draw(st.integers(0, 2)) == 0:
            factors = [draw(st.integers(-3, 3)) for _ in range(width)]
            factors[k] = 0
            for row in rows:
                row[k] = sum(f * x for f, x in zip(factors, row, strict=True))
    return rows


def made(rows):
    columns = [Column.of_numbers(list(x)) for x in zip(*rows, strict=True)]
    return IntegerRows.of_columns(columns, len(rows))


def check_classes(rows):
    found = made(rows)
    assert found.tuples() == [reading.primitive(row) for row in rows]
    class_of, first, orientation = found.classes()
    wanted = reading.classes([list(row) for row in rows if any(row)], len(rows[0]))
    kept = [i for i, row in enumerate(rows) if any(row)]
    moved = found.take(np.array(kept, dtype=np.int64))
    class_of, first, orientation = moved.classes()
    assert class_of.tolist() == wanted[0]
    assert orientation.tolist() == wanted[1]
    assert first.tolist() == wanted[3]


@many
@given(matrices(), st.booleans())
def test_rows_and_their_classes_are_those_of_the_definition(rows, is_decimal):
    if is_decimal:
        rows = [[Fraction(x, 10**k) for k, x in enumerate(row)] for row in rows]
    check_classes(rows)


@settings(many, max_examples=50)
@given(matrices(), st.integers(1, 3))
def test_rows_that_share_a_hash_are_told_apart(rows, n_hashes):
    right = integer_rows.row_hashes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            integer_rows, "row_hashes", lambda *key: right(*key) % np.uint64(n_hashes)
        )
        check_classes(rows)


def test_many_rows_of_few_classes():
    random = np.random.default_rng(0)
    base = random.integers(-2, 3, (40, 3)).tolist()
    rows = [[2**i % 97 * x for x in base[i * i % 40]] for i in range(300)]
    check_classes(rows)


@many
@given(matrices())
def test_pivot_columns_are_those_of_the_definition(rows):
    width = len(rows[0])
    assert exact_pivots(made(rows), width) == reading.pivots(rows, width)
    assert exact_pivots(made(rows), width - 1) == reading.pivots(rows, width - 1)


@settings(many, max_examples=100)
@given(matrices(sizes=(2, 9, 2**70)), st.sampled_from([2, 3, 5, 7, 11]))
def test_no_answer_depends_on_a_prime(rows, unlucky):
    # small primes divide minors; the first ones divide all of them
    primes = [unlucky, 3, 2, 101, 103, 107, 109, 113, 127, 131]
    primes = list(dict.fromkeys(primes))
    rows = [[x * unlucky ** (i % 2) for x in row] for i, row in enumerate(rows)]
    width = len(rows[0])
    wanted = reading.pivots(rows, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modular_rank, "_primes", lambda: iter(primes))
        assert exact_pivots(made(rows), width) == wanted


def test_minors_that_the_first_primes_divide():
    # the whole matrix is zero modulo the first prime, then modulo all that are tried
    first, second, *more = islice(modular_rank._primes(), 8)
    assert first == 2**31 - 1
    for factor in (first, first * second):
        rows = [[1, factor, 0], [factor + 1, 1 + factor**2 + factor, factor]]
        rows += [[1 - factor, 2 * factor, 0]]
        assert exact_pivots(made(rows), 3) == [0, 1, 2]
    product = math.prod([first, second, *more])
    rows = [[1, 2, 3], [1, 2 + product, 3 + product], [2, 4 + product, 6 + product]]
    assert exact_pivots(made(rows), 3) == [0, 1]
    rows[2][2] += product
    assert exact_pivots(made(rows), 3) == [0, 1, 2]


@pytest.mark.parametrize("bits", [1, 10, 40, 200])
@pytest.mark.parametrize("shape", [(12, 9), (9, 12), (40, 9)])
def test_dependent_columns_with_long_coefficients(bits, shape, monkeypatch):
    # the primes suffice: nothing is left to elimination in integers
    monkeypatch.setattr(modular_rank, "independent_rows", None)
    n, width = shape
    random = np.random.default_rng(bits)
    draw = lambda *size: np.array(  # noqa: E731
        [int.from_bytes(random.bytes(bits // 8 + 1)) - 2**bits // 2 for _ in
         range(size[0] * size[1])], dtype=object).reshape(size)  # fmt: skip
    rank = 5
    rows = (draw(n, rank) @ draw(rank, width)).tolist()
    assert exact_pivots(made(rows), width) == reading.pivots(rows, width)
    rows[0][1] += 1
    found = exact_pivots(made(rows), width)
    assert found == reading.pivots(rows, width)
    assert len(found) == matrix_rank([tuple(row) for row in rows])


@many
@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(45, 80))
def test_fractions_come_back_from_their_residues(top, bottom, bits):
    modulus = 2**bits + 1
    while math.gcd(modulus, bottom) > 1:
        modulus += 1
    residue = top * pow(bottom, -1, modulus) % modulus
    assert modular_rank.fraction_of(residue, modulus) == Fraction(top, bottom)
