"""Rows of machine words in one call, against the columns and against definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement._kernels import rows as kernels
from arrangement.exact import (
    Column,
    IntegerRows,
    MinorBounds,
    dual_basis,
    exact_signs,
    grouped,
    hadamard_bits,
    linear_algebra,
    modular_rank,
    pivot_columns,
    scaled_floats,
)
from arrangement.exact.word_rows import word_columns
from arrangement.model.parallel import Parallels

pytestmark = pytest.mark.kernels
many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TINY = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 2.0**1023, 1.5, -1.5, 3.0, 0.1]
floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(TINY)
)
words = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-(2**63), 2**63 - 1, 2**62, -(2**62), 3 * 2**60]),
)


@st.composite
def tables(draw, entry):
    """Draw rows, some of them multiples of others."""
    n, d = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    rows = [[draw(entry) for _ in range(d)] for _ in range(n)]
    for i in range(1, n):
        if draw(st.integers(0, 2)) == 0:
            sign = draw(st.sampled_from([1, -1]))
            source = rows[draw(st.integers(0, i - 1))]
            if all(x != -(2**63) for x in source):
                rows[i] = [sign * x for x in source]
    return rows


def is_same(found, wanted):
    assert found.mantissas.tolist() == wanted.mantissas.tolist()
    assert found.mantissas.dtype == wanted.mantissas.dtype
    assert found.twos.tolist() == wanted.twos.tolist()
    assert found.twos.dtype == wanted.twos.dtype
    assert (found.fives, found.divisor) == (wanted.fives, wanted.divisor)
    assert (found.nearest is None) == (wanted.nearest is None)
    if found.nearest is not None:
        assert found.nearest.tobytes() == wanted.nearest.tobytes()
        assert not found.nearest.flags.writeable


@many
@given(tables(floats))
def test_floats_are_read_as_one_column_reads_them(rows):
    X = np.array(rows)
    for column, wanted in zip(word_columns(X, "binary"), X.T, strict=True):
        is_same(column, Column.of_floats(wanted))
        assert column.numbers() == [Fraction(*x.as_integer_ratio()) for x in wanted]
    X[-1, -1] = [np.nan, np.inf, -np.inf][len(rows) % 3]
    assert word_columns(X, "binary") is None
    assert word_columns(X[:1, :0], "decimal") is None


@many
@given(tables(words))
def test_integers_are_read_as_one_column_reads_them(rows):
    X = np.array(rows, dtype=np.int64)
    for column, wanted in zip(word_columns(X, "binary"), X.T, strict=True):
        is_same(column, Column.of_integers(np.ascontiguousarray(wanted)))
        assert column.numbers() == wanted.tolist()


@many
@given(st.one_of(tables(floats), tables(words)), st.booleans())
def test_rows_are_grouped_as_step_by_step(rows, is_affine):
    X = np.array(rows)
    columns = word_columns(X, "binary")
    width = len(columns) - (is_affine and len(columns) > 1)
    found = grouped(columns, len(rows), width)
    pairs = [column.primitive() for column in columns[:width]]
    scaled = [column for _, column in pairs] + columns[width:]
    wanted = Parallels.of_rows(IntegerRows.of_columns(scaled, len(rows)), width)
    assert found.scales == [scale for scale, _ in pairs]
    assert found.rows.tuples() == wanted.rows.tuples()
    for name in ("first", "class_of", "orientation", "constant_signs"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
    one = modular_rank.eliminate(wanted.rows.residues(2**31 - 1)[:, :width], 2**31 - 1)
    m, twos = found.rows.words()
    n_rows = len(found.rows)
    assert one == modular_rank._eliminate_words(m, twos, n_rows, width, 2**31 - 1)
    assert pivot_columns(found.rows, width) == pivot_columns(wanted.rows, width)


def test_classes_of_many_rows_share_a_table():
    random = np.random.default_rng(0)
    X = random.integers(-2, 3, (500, 3))
    found = grouped(word_columns(X, "binary"), 500, 3)
    keys = {}
    for i, row in enumerate(X.tolist()):
        divisor = math.gcd(*row)
        if divisor:
            lead = next(x for x in row if x)
            side = divisor if lead > 0 else -divisor
            # columns have gcd 1 already
            keys.setdefault(tuple(x // side for x in row), []).append(i)
    first = [members[0] for members in keys.values()]
    assert found.first.tolist() == first
    for k, members in enumerate(keys.values()):
        assert set(found.class_of[members].tolist()) == {k}


def test_what_is_no_word_goes_the_other_way():
    long = Column.of_integers([2**64 + 1, 1])
    tenth = Column.of_decimals(np.array([1, 2]), np.array([-1, 0], np.int32))
    third = Column.of_numbers([Fraction(1, 3), 1])
    assert all(grouped([column], 2, 1) is None for column in (long, tenth, third))


entry = st.one_of(st.integers(-3, 3), st.integers(-(2**90), 2**90))
integer_rows = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.tuples(*[entry] * d).filter(any), min_size=1, max_size=9)
)
vector = st.integers(-(2**40), 2**40)
bases = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.tuples(*[vector] * d), min_size=d, max_size=d)
)


def slow_bits(rows, size):
    """Hadamard's bound from the definition."""
    norms = sorted((max(sum(x * x for x in row), 1) for row in rows), reverse=True)
    peaks = sorted(
        (max(max(map(abs, c)), 1) for c in zip(*rows, strict=True)), reverse=True
    )
    by_columns = math.prod(p * p * size for p in peaks[:size])
    least = min(math.prod(norms[:size]), by_columns)
    return (math.isqrt(least) + 1).bit_length()


@many
@given(integer_rows, st.booleans())
def test_bounds_of_minors_do_not_depend_on_floats(rows, is_long):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_algebra, "_MANY_ROWS", 0 if is_long else 64)
        bounds = MinorBounds(rows, len(rows[0]))
        for size in range(1, len(rows[0]) + 1):
            assert bounds.bits(size) == slow_bits(rows, size)
            assert hadamard_bits(rows, size) == slow_bits(rows, size)
    assert bounds.peak == max(1, *(abs(x) for row in rows for x in row), 1)


def test_bounds_of_numbers_beyond_float64():
    rows = [(2**1100, 1), (3, 2**600), (2**1023, 2**1023)] * 30
    assert MinorBounds(rows, 2).bits(2) == slow_bits(rows, 2)
    rows = [(2**1023, 1), (3, 2**600), (2**1023, 2**1023 - 1)] * 30
    assert MinorBounds(rows, 2).bits(2) == slow_bits(rows, 2)


@many
@given(integer_rows, integer_rows)
def test_signs_of_products_are_exact(rows, vectors):
    width = min(len(rows[0]), len(vectors[0]))
    rows = [row[:width] for row in rows]
    vectors = [vector[:width] for vector in vectors]
    # orthogonal up to one: floats cannot tell
    if width == 2:
        vectors += [(-row[1], row[0]) for row in rows]
        vectors += [(-row[1], row[0] + 1) for row in rows]
    near = [scaled_floats(x, [0] * width) for x in (rows, vectors)]
    found = exact_signs(rows, vectors, *near)
    for signs, vector in zip(found.tolist(), vectors, strict=True):
        values = [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows]
        assert signs == [(x > 0) - (x < 0) for x in values]


def test_signs_that_rounding_would_choose_are_exact():
    random = np.random.default_rng(3)
    for x, y, z in random.integers(2**57, 2**60, (50, 3)).tolist():
        rows = [(x, y, z), (-x, -y, -z)]
        vectors = [(y * z, x * z, e - 2 * x * y) for e in (-1, 0, 1)]
        near = [scaled_floats(v, [0] * 3) for v in (rows, vectors)]
        found = exact_signs(rows, vectors, *near)
        assert found.tolist() == [[-1, 1], [0, 0], [1, -1]]


@many
@given(bases)
def test_a_dual_basis_is_the_inverse_but_for_sizes(basis):
    size = len(basis)
    if linear_algebra.determinant(basis) == 0:
        return
    for k, vector in enumerate(dual_basis(basis)):
        values = [sum(a * b for a, b in zip(row, vector, strict=True)) for row in basis]
        assert values[k] > 0
        assert not any(values[:k] + values[k + 1 :])
        assert math.gcd(*vector) == 1
        assert len(vector) == size


def test_kernels_are_compiled_for_one_kind_of_arrays():
    X = np.random.default_rng(1).normal(size=(6, 2))
    for values in (X, X[:, ::-1], np.asfortranarray(X), X.astype(np.float32)):
        grouped(word_columns(values.astype(float), "binary"), 6, 2)
    for kernel in (kernels.split_floats, kernels.group_rows, kernels.whole_numbers):
        if hasattr(kernel, "signatures"):  # not with NUMBA_DISABLE_JIT
            assert len(kernel.signatures) <= 1
