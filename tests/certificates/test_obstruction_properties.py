"""Which targets networks reach: against exact linear algebra on the definition."""

from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import enumerate_patterns
from convex_solver.certificates.obstruction import find_obstruction, reach

from reference.interpolation import class_matrix, in_reach, pattern_matrix, rank
from strategies import matrices

EXACT = ("small", "fractions", "huge")
small = st.integers(-2, 2)


@st.composite
def crowded(draw, kinds=EXACT, max_columns=3):
    """Rows with many coincidences, and targets that are in reach half of the time."""
    X = draw(matrices(max_rows=8, max_columns=max_columns, kinds=kinds))
    X = [[Fraction(x) for x in row] for row in X.tolist()]
    for _ in range(draw(st.integers(0, 4)) if X else 0):
        row = X[draw(st.integers(0, len(X) - 1))]
        factor = draw(st.sampled_from((-1, 1, 2, -3, Fraction(1, 2))))
        X.append([factor * x for x in row])
    y = [Fraction(draw(small)) for _ in X]
    if draw(st.booleans()) and X:
        y = [Fraction(0)] * len(X)
        for _ in range(draw(st.integers(1, 3))):
            u, size = [draw(small) for _ in X[0]], draw(small)
            hidden = [sum(a * b for a, b in zip(row, u, strict=True)) for row in X]
            y = [t + size * max(0, h) for t, h in zip(y, hidden, strict=True)]
        if draw(st.booleans()):
            k = draw(st.integers(0, len(y) - 1))
            y[k] += draw(small)
    return X, y


def array(X, d):
    """An object array, which keeps the shape where there are no rows."""
    out = np.empty((len(X), d), dtype=object)
    for i, row in enumerate(X):
        out[i] = row
    return out


def width(X):
    return len(X[0]) if X else 2


@settings(deadline=None, max_examples=300)
@given(crowded())
def test_targets_are_obstructed_exactly_when_no_combination_of_outputs_is_y(problem):
    X, y = problem
    found = find_obstruction(array(X, width(X)), y)
    assert (found is None) == in_reach(class_matrix(X), y)


@settings(deadline=None, max_examples=60)
@given(crowded(kinds=("small",)))
def test_the_same_follows_from_all_patterns(problem):
    X, y = problem
    found = find_obstruction(array(X, width(X)), y)
    listed = pattern_matrix(array(X, width(X)))
    assert (found is None) == in_reach(listed, y)


@settings(deadline=None, max_examples=300)
@given(crowded())
def test_an_obstruction_proves_itself_and_its_rows_suffice(problem):
    X, y = problem
    found = find_obstruction(array(X, width(X)), y)
    if found is None:
        return
    v = dict(zip(found.rows, found.coefficients, strict=True))
    assert list(found.rows) == sorted(set(found.rows))
    assert len(v) == len(found.coefficients)
    assert all(type(c) is int and c for c in found.coefficients)
    assert gcd(*found.coefficients) == 1
    for column in zip(*class_matrix(X), strict=True):
        assert sum(v[i] * column[i] for i in v) == 0
    assert found.value == sum(v[i] * y[i] for i in v)
    assert found.value != 0
    assert all(str(i) in found.reason for i in found.rows)
    alone = [X[i] for i in found.rows]
    assert not in_reach(class_matrix(alone), [y[i] for i in found.rows])
    assert find_obstruction(array(alone, width(X)), [y[i] for i in found.rows])


@settings(deadline=None, max_examples=40)
@given(crowded(kinds=("small",)))
def test_every_neuron_of_every_chamber_cancels_under_an_obstruction(problem):
    X, y = problem
    found = find_obstruction(array(X, width(X)), y)
    if found is None:
        return
    for u in enumerate_patterns(array(X, width(X))).witnesses():
        hidden = [
            max(0, sum(a * int(b) for a, b in zip(X[i], u, strict=True)))
            for i in found.rows
        ]
        pairs = zip(found.coefficients, hidden, strict=True)
        assert sum(c * h for c, h in pairs) == 0


@settings(deadline=None, max_examples=300)
@given(crowded())
def test_the_rows_of_reach_determine_outputs_and_are_free(problem):
    X, _ = problem
    zero = [0] * len(X)
    found = reach(array(X, width(X)).tolist(), zero, intercept=False)
    assert found.obstruction is None
    assert list(found.rows) == sorted(set(found.rows))
    outputs = class_matrix(X)
    assert len(found.rows) == rank(outputs)
    assert rank([outputs[i] for i in found.rows]) == len(found.rows)


@settings(deadline=None, max_examples=150)
@given(crowded(), st.data())
def test_order_and_positive_scales_of_rows_change_nothing(problem, data):
    X, y = problem
    order = data.draw(st.permutations(range(len(X))))
    factor = st.sampled_from((1, 2, Fraction(1, 3), 10**30))
    scales = [data.draw(factor) for _ in X]
    rows = [[scales[i] * x for x in X[i]] for i in order]
    targets = [scales[i] * y[i] for i in order]
    first = find_obstruction(array(X, width(X)), y)
    second = find_obstruction(array(rows, width(X)), targets)
    assert (first is None) == (second is None)


@settings(deadline=None, max_examples=150)
@given(crowded())
def test_an_intercept_is_a_column_of_ones(problem):
    X, y = problem
    ones = [[*row, 1] for row in X]
    first = find_obstruction(array(X, width(X)), y, intercept=True)
    assert first == find_obstruction(array(ones, width(X) + 1), y)


@settings(deadline=None, max_examples=100)
@given(matrices(kinds=("text",), max_columns=3), st.data())
def test_decimals_are_read_as_they_show(X, data):
    numbers = st.integers(-9, 9).map(lambda k: f"{k / 10:.1f}")
    y = [data.draw(numbers) for _ in range(len(X))]
    as_text = find_obstruction(X, y)
    as_floats = find_obstruction(
        X.astype(float), np.array(y, dtype=float), floats="decimal"
    )
    assert as_text == as_floats
    rows = [[Fraction(x) for x in row] for row in X.tolist()]
    assert (as_text is None) == in_reach(class_matrix(rows), y)


@settings(deadline=None)
@given(crowded(kinds=("huge",)), st.integers(60, 400))
def test_integers_of_any_size_are_exact(problem, bits):
    X, y = problem
    huge = [[x * 2**bits for x in row] for row in X]
    assert find_obstruction(array(huge, width(X)), y) == find_obstruction(
        array(X, width(X)), y
    )


@pytest.mark.parametrize("d", [0, 1, 3])
def test_no_rows_or_no_columns(d):
    assert find_obstruction(np.zeros((0, d)), []) is None
    assert find_obstruction(np.zeros((2, d)), [0, 0]) is None
    found = find_obstruction(np.zeros((2, d)), [0, 5])
    assert (found.rows, found.coefficients, found.value) == ((1,), (1,), 5)
