"""`Data` read in vectors holds the numbers of the slow reading, rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import InputError
from arrangement.exact import Column
from convex_solver.reading import Scaling, read_data, scaled

from reference import reading

many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
numbers = {
    "floats": st.floats(-1e200, 1e200),
    "near": st.floats(-1e-3, 1e-3).map(lambda x: 1.0 + x),
    "integers": st.integers(-(2**70), 2**70),
    "decimals": st.integers(-(10**18), 10**18).map(lambda m: f"{m}e-12"),
    "plain": st.integers(-999, 999).map(lambda m: f"{m / 100:.2f}"),
    "odd": st.sampled_from([0.0, -0.0, 5e-324, 1e-300, "0.1", "1e-320", "1e-400"]),
    "fractions": st.builds(Fraction, st.integers(-99, 99), st.integers(1, 99)),
}
factors = st.one_of(
    st.sampled_from([1.0, 2.0, 3.0, 0.1, 1e-130, 1e130, 2.0**-1000]),
    st.floats(1e-3, 1e3),
)
centers = st.one_of(
    st.sampled_from([0.0, 1.0, 0.1, 5e-324, -1e130]), st.floats(-10.0, 10.0)
)


@st.composite
def tables(draw):
    n, d = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    columns = []
    for _ in range(d + 2):
        kind = numbers[draw(st.sampled_from(sorted(numbers)))]
        columns.append(draw(st.lists(kind, min_size=n, max_size=n)))
    *columns, y, weights = columns
    X = [list(row) for row in zip(*columns, strict=True)]
    return X, y, draw(st.sampled_from([None, weights]))


def pairs(values, errors):
    flat = zip(values.ravel().tolist(), errors.ravel().tolist(), strict=True)
    return [(x.hex(), error) for x, error in flat]


def moved(rows, center, scale):
    """Return ``(x - center) / scale`` in fractions."""
    pairs = [(Fraction(c), Fraction(s)) for c, s in zip(center, scale, strict=True)]
    return [[(x - c) / s for x, (c, s) in zip(row, pairs, strict=True)] for row in rows]


def wanted(exact):
    return [(x.hex(), error) for x, error in map(reading.nearest, exact)]


@many
@given(tables(), st.booleans())
def test_data_are_the_numbers_of_the_slow_reading(table, intercept):
    X, y, weights = table
    data = read_data(X, y, intercept=intercept, sample_weight=weights)
    exact, targets = reading.matrix(X), [reading.number(x) for x in y]
    counts = None if weights is None else [reading.number(x) for x in weights]
    assert list(map(list, data.rows.exact)) == exact
    assert list(data.y_exact) == targets
    assert (data.weights_exact and list(data.weights_exact)) == counts
    assert data.digest == reading.digest(exact, targets, counts)
    whole = [[*row, Fraction(1)] if intercept else row for row in exact]
    flat = [x for row in whole for x in row]
    assert pairs(data.X, data.X_error) == wanted(flat)
    assert pairs(data.y, data.y_error) == wanted(targets)
    found = reading.arrangement(whole)
    assert data.arrangement.class_of.tolist() == found["class_of"]
    assert data.arrangement.distinct.tuples() == found["distinct"]


@many
@given(tables(), st.booleans(), st.data())
def test_scaled_columns_are_rounded_once(table, intercept, data):
    X, y, _ = table
    width = len(X[0])
    center = [data.draw(centers) for _ in range(width)]
    scale = [data.draw(factors) for _ in range(width)]
    if data.draw(st.booleans()):  # entries at the centre, and beside it
        center = [float(reading.number(x)) for x in X[0]]
    exact = [
        [
            (x - Fraction(c)) / Fraction(s)
            for x, c, s in zip(row, center, scale, strict=True)
        ]
        + [Fraction(1)] * intercept
        for row in reading.matrix(X)
    ]
    flat = [x for row in exact for x in row]
    given_scaling = Scaling(np.array(center), np.array(scale))
    if any(abs(x) > 1.7e308 for x in flat):
        return
    found = read_data(X, y, intercept=intercept, scaling=given_scaling)
    assert pairs(found.X, found.X_error) == wanted(flat)


def test_quotients_in_doubt_are_few_and_found_in_fractions(monkeypatch):
    random = np.random.default_rng(0)
    X = np.array([[f"{x:.{k}f}" for k in (2, 9, 16)] for x in random.normal(size=500)])
    doubtful = []
    kept = scaled._float
    monkeypatch.setattr(scaled, "_float", lambda x: doubtful.append(x) or kept(x))
    data = read_data(X, np.ones(500), intercept=True, standardize=True)
    assert not doubtful
    center, scale = (x.tolist() for x in (data.scaling.center, data.scaling.scale))
    exact = [
        [
            (x - Fraction(c)) / Fraction(s)
            for x, c, s in zip(row, center, scale, strict=True)
        ]
        for row in reading.matrix(X.tolist())
    ]
    for k in range(3):
        column = [row[k] for row in exact]
        assert pairs(data.X[:, k], data.X_error[:, k]) == wanted(column)


@many
@given(st.integers(2**52, 2**53), st.integers(2**53, 2**54), st.integers(-1, 1))
def test_quotients_in_the_middle_of_two_floats(scale, middle, aside):
    # x - c is the product, of 107 bits, or beside it
    product = scale * (middle | 1)
    x = float(product)
    rest = int(x) - product
    c = float(rest) if aside == 0 else float(np.nextafter(float(rest), aside * np.inf))
    for size in (1.0, 2.0**-60):
        found, same = scaled.scaled_column(
            Column.of_floats(np.array([x])), c, scale * size
        )
        exact = (Fraction(x) - Fraction(c)) / Fraction(scale * size)
        assert found.tolist() == [float(exact)]
        assert same.tolist() == [Fraction(float(exact)) == exact]


@pytest.mark.parametrize("constant", [0.1, "0.1", 7, "1e-300", 5e-324])
def test_a_constant_column_becomes_zero_up_to_its_rounding(constant):
    data = read_data([[constant]] * 5, range(5), intercept=True, standardize=True)
    rest = reading.number(constant) - Fraction(float(data.scaling.center[0]))
    assert data.scaling.scale[0] == 1.0
    assert pairs(data.X[:, 0], data.X_error[:, 0]) == wanted([rest] * 5)


@pytest.mark.parametrize("n_patches", [1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_the_digest_of_many_rows(n_patches, scale, monkeypatch):
    from arrangement.exact import number_text

    monkeypatch.setattr(number_text, "_BLOCK", 40)
    random = np.random.default_rng(1)
    X = random.normal(size=(30, n_patches, 2)).round(4)
    X[10:20] *= scale
    y = random.integers(-3, 4, 30)
    if n_patches == 1:
        X = X[:, 0]
    rows = reading.matrix(X.reshape(-1, 2))
    data = read_data(X, y, intercept=False)
    targets = [reading.number(x) for x in y]
    assert data.digest == reading.digest(rows, targets, n_patches=n_patches)


@pytest.mark.parametrize("power", [-1000, -540, 500, 1000])
@pytest.mark.parametrize("intercept", [True, False])
def test_columns_of_any_size_are_standardised_alike(power, intercept):
    X = np.array([[1.0, -3.0], [2.5, 1.0], [-0.75, 7.0], [2.0, 7.0]])
    y = np.zeros(4)
    plain = read_data(X, y, intercept=intercept, standardize=True)
    moved = read_data(np.ldexp(X, power), y, intercept=intercept, standardize=True)
    assert np.array_equal(plain.X, moved.X)
    assert np.array_equal(np.ldexp(plain.scaling.scale, power), moved.scaling.scale)
    assert np.array_equal(np.ldexp(plain.scaling.center, power), moved.scaling.center)


def test_what_has_no_standard_deviation_in_float64_is_refused():
    tiny = [[5e-324]] + [[0.0]] * 9
    with pytest.raises(InputError, match="too small to standardise"):
        read_data(tiny, np.zeros(10), intercept=True, standardize=True)
    wide = [[1.7e308], [-1.7e308]]
    found = read_data(wide, np.zeros(2), intercept=True, standardize=True)
    assert found.X[:, 0].tolist() == [1.0, -1.0]
