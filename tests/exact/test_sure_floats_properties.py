"""What floats decide where they are sure is what integers decide."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels import short_columns as guides
from arrangement._kernels import word_rows as kernels
from arrangement.exact import (
    MinorBounds,
    RowTuples,
    cofactors,
    column_shifts,
    determinant,
    leads_with_pivots,
    rounded,
    shorten,
)

pytestmark = pytest.mark.kernels
moderate = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def word_matrices(draw, *, max_columns=4):
    """Draw rows of odd words times powers of two, some columns near one another."""
    width = draw(st.integers(1, max_columns))
    n = draw(st.integers(width, width + 4))
    seed = draw(st.integers(0, 2**32))
    values = np.random.default_rng(seed).normal(size=(n, width))
    kind = draw(st.sampled_from(["normal", "near", "far", "small", "units"]))
    if kind == "near":
        values[:, -1] = values[:, 0] * 3.0 + 2.0**-20 * values[:, -1]
    elif kind == "far":
        values += 1e6
    elif kind == "small":
        values = np.round(3 * values)
    elif kind == "units":
        values *= 10.0 ** np.arange(width)
    return values


def both(values, *, fixed):
    """Return what is found with floats, and in integers alone."""
    rows = Arrangement(values).distinct
    found = shorten(RowTuples(rows), len(rows.columns), rows.floats(), fixed=fixed)
    slow = shorten(rows.tuples(), len(rows.columns), None, fixed=fixed)
    return found, slow


@moderate
@given(word_matrices(), st.booleans())
def test_the_short_basis_is_that_of_integers(values, fixed):
    (rows, basis, bounds, floats), slow = both(values, fixed=fixed)
    assert floats.tolist() == rounded([*rows]).tolist()
    assert [*rows] == [*slow.rows]
    assert basis == slow.basis
    assert bounds.peak_bits == slow.bounds.peak_bits
    for size in range(values.shape[1] + 2):
        assert bounds.bits(size) == slow.bounds.bits(size)


def test_floats_find_the_basis_of_most_matrices():
    answers = {guides.STAY: 0, guides.TURN: 0, guides.UNSURE: 0}
    for seed in range(40):
        values = np.random.default_rng(seed).normal(size=(20, 3))
        values += 4.0 * (seed % 2)
        rows = Arrangement(values).distinct.floats()
        found = np.empty((3, 3), dtype=np.int64)
        logs, work = np.empty((3, 2)), np.empty((4, 3, 3))
        answer = guides.short_basis(rows, 2000, False, found, work, logs)
        answers[answer] += 1
        is_turned = both(values, fixed=False)[1].basis is not None
        if answer != guides.UNSURE:
            assert answer == (guides.TURN if is_turned else guides.STAY)
    assert answers[guides.UNSURE] <= 4
    assert min(answers[guides.STAY], answers[guides.TURN]) >= 5


@pytest.mark.parametrize("power", [29, 30, 31, 52, 53, 60, 200, 399, 401, 900])
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_bounds_at_powers_of_two_are_those_of_integers(power, extra):
    size = 2**power + extra
    rows = [(size, 1), (1, 2**power), (-size, 3)]
    bounds = MinorBounds(rows, 2, rounded(rows))
    slow = MinorBounds(rows, 2)
    assert bounds.peak_bits == slow.peak.bit_length()
    assert [bounds.bits(k) for k in (1, 2)] == [slow.bits(k) for k in (1, 2)]


@moderate
@given(word_matrices())
def test_rows_made_later_are_the_same_rows(values):
    rows = Arrangement(values).distinct
    later, now = RowTuples(rows), tuple(rows.tuples())
    assert len(later) == len(now)
    if not now:
        return
    assert later[len(now) - 1] == now[-1]
    assert later[-1] == now[-1]
    assert later == now
    assert hash(later) == hash(now)
    assert [*later[1:]] == [*now[1:]]
    with pytest.raises(IndexError):
        RowTuples(rows)[len(now)]
    np.testing.assert_array_equal(rows.floats(), rounded(now))


def turned(values, mixture):
    """Rows times a matrix: rounded by the kernel, those in doubt, and exactly."""
    rows = Arrangement(values).distinct
    m, twos = rows.words()
    high = np.array([[float(x) for x in row] for row in mixture])
    low = np.array([[float(x - int(float(x))) for x in row] for row in mixture])
    out = np.empty((len(rows), len(mixture)))
    doubtful = np.empty(len(rows), dtype=np.int64)
    count = kernels.turned_floats(m, twos, high, low, out, doubtful)
    exact = [
        [
            sum(x * y for x, y in zip(row, column, strict=True))
            for column in zip(*mixture, strict=True)
        ]
        for row in rows.tuples()
    ]
    return out, doubtful[: max(count, 0)].tolist(), exact, count


@moderate
@given(word_matrices(), st.integers(0, 2**32))
def test_turned_rows_are_rounded_once(values, seed):
    rank = Arrangement(values).rank
    if rank == 0:
        return
    draw = np.random.default_rng(seed)
    mixture = [
        tuple(int(x) * int(y) + 1 for x, y in draw.integers(-(2**50), 2**50, (rank, 2)))
        for _ in range(rank)
    ]
    out, doubtful, exact, count = turned(values, mixture)
    assert count >= 0
    for i, row in enumerate(exact):
        if i not in doubtful:
            assert out[i].tolist() == [float(x) for x in row]


def test_a_product_half_way_between_two_floats_is_in_doubt():
    # 2**54 + 1 is no float, but 2**54 is the nearest one
    out, doubtful, exact, _ = turned(
        [[1.0, 1.0], [1.0, -1.0]], [(2**54, 1), (1, 2**54)]
    )
    assert exact[0] == [2**54 + 1, 2**54 + 1]
    assert out[0].tolist() == [float(2**54 + 1)] * 2
    # 2**54 - 1 is half-way between two floats
    assert doubtful == [1]
    half = 2**53 + 1
    out, doubtful, exact, _ = turned(
        [[1.0, 1.0], [1.0, -1.0]], [(2**53, 1), (1, 2**53)]
    )
    assert exact[0] == [half, half]
    assert doubtful == [0]


def test_sums_that_vanish_are_zero():
    out, doubtful, exact, _ = turned(
        [[1.0, 1.0], [1.0, -1.0]], [(2**60 + 1, 7), (2**60 + 1, 5)]
    )
    assert exact[1][0] == 0
    assert 1 in doubtful or out[1, 0] == 0.0


def test_mantissas_that_are_no_floats_are_left_to_integers():
    values = np.array([[2**62 + 1, 3], [5, 7]], dtype=np.int64)
    assert turned(values, [(1, 0), (0, 1)])[3] == -1


@moderate
@given(
    st.lists(st.tuples(*[st.integers(-(10**30), 10**30)] * 3), min_size=3, max_size=3)
)
def test_cofactors_of_three_rows_are_those_of_the_definition(rows):
    det = determinant(rows)
    if det == 0:
        return
    for k, ray in enumerate(cofactors(rows)):
        for j, row in enumerate(rows):
            value = sum(x * y for x, y in zip(row, ray, strict=True))
            assert value == (abs(det) if j == k else 0)


def test_rows_that_lead_are_independent():
    for order in permutations(range(4)):
        rows = np.array([[1, 0, 0], [2, 1, 0], [3, 1, 0], [1, 1, 1]])[list(order)]
        found = Arrangement(rows)
        first = determinant(found.distinct.tuples()[:3])
        assert leads_with_pivots(found.distinct, 3) == (first != 0)
        assert not leads_with_pivots(found.distinct, 5)


@pytest.mark.parametrize("top", [1.0, 2.0**40, 2.0**52, 0.75])
def test_shifts_are_the_exponents_of_the_peaks(top):
    rows = np.array([[0.0, top, -0.5], [0.0, -top / 3, 0.25]])
    shifts = column_shifts(rows, 3)
    assert shifts[0] == 0
    for k in (1, 2):
        peak = Fraction(float(np.abs(rows[:, k]).max()))
        assert Fraction(2) ** (shifts[k] - 1) <= peak < Fraction(2) ** shifts[k]
