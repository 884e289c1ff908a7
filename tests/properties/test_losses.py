"""Losses: Fenchel-Young, domains, and bounds that hold for the exact numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convex_solver import InputError, InputTypeError
from convex_solver.losses import LOSSES, check_labels, float_below, get_loss

NAMES = ["squared", "hinge", "logistic"]
moderate = st.floats(-1e3, 1e3)
wild = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def samples(draw, name, size=4, values=moderate):
    f = draw(st.lists(values, min_size=size, max_size=size))
    target = values if name == "squared" else st.sampled_from([-1.0, 1.0])
    y = draw(st.lists(target, min_size=size, max_size=size))
    return np.array(f), np.array(y)


def exact_loss(name, f, y):
    """The loss of exact numbers; a pair (low, high) around it for the logistic."""
    if name == "squared":
        value = sum((a - b) ** 2 for a, b in zip(f, y, strict=True)) / 2
    elif name == "hinge":
        value = sum(max(Fraction(0), 1 - a * b) for a, b in zip(f, y, strict=True))
    else:
        import decimal

        with decimal.localcontext(decimal.Context(prec=80)):
            total = decimal.Decimal(0)
            for a, b in zip(f, y, strict=True):
                m = -a * b
                x = decimal.Decimal(m.numerator) / decimal.Decimal(m.denominator)
                total += (1 + x.exp()).ln()
            value = Fraction(total)
    return Fraction(value)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_fenchel_young(name, data):
    loss = LOSSES[name]
    f, y = data.draw(samples(name))
    other, _ = data.draw(samples(name))
    v = loss.clip(other, y)
    scale = 1 + loss.value(f, y) + np.abs(v * f).sum() + np.abs(v * y).sum()
    total = loss.value(f, y) + loss.conjugate(v, y)
    assert total >= v @ f - 1e-12 * (scale + v @ v)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_fenchel_young_is_an_equality_at_the_gradient(name, data):
    loss = LOSSES[name]
    f, y = data.draw(samples(name, values=st.floats(-30, 30)))
    v = loss.gradient(f, y)
    assert np.array_equal(loss.clip(v, y), v)
    total = loss.value(f, y) + loss.conjugate(v, y)
    scale = 1 + v @ v + np.abs(v * f).sum() + np.abs(v * y).sum()
    assert abs(total - v @ f) <= 1e-11 * scale


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_the_gradient_is_a_subgradient(name, data):
    loss = LOSSES[name]
    f, y = data.draw(samples(name))
    g, _ = data.draw(samples(name))
    v = loss.gradient(f, y)
    lower = loss.value(f, y) + v @ (g - f)
    scale = 1 + abs(loss.value(f, y)) + np.abs(v * (g - f)).sum()
    assert loss.value(g, y) >= lower - 1e-11 * scale


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_value_upper_bounds_every_exact_loss_within_the_errors(name, data):
    loss = LOSSES[name]
    f, y = data.draw(samples(name))
    e = np.abs(data.draw(samples(name))[0]) * 1e-3
    y_error = e / 7 if name == "squared" else np.zeros(4)
    bound = loss.value_upper(f, e, y, y_error)
    for corner in (-1, 0, 1):
        exact_f = [
            Fraction(a) + corner * Fraction(b) * (1 if a > c else -1)
            for a, b, c in zip(f, e, y, strict=True)
        ]
        exact_y = [
            Fraction(a) - corner * Fraction(b) * (1 if c > a else -1)
            for a, b, c in zip(y, y_error, f, strict=True)
        ]
        assert exact_loss(name, exact_f, exact_y) <= Fraction(bound)
    plain = loss.value_upper(f, 0 * e, y, 0 * e)
    assert plain <= loss.value(f, y) * (1 + 1e-12) + 1e-12


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@settings(deadline=None)
@given(samples("squared", values=wild))
def test_the_squared_upper_bound_survives_overflow_and_underflow(sample):
    f, y = sample
    bound = LOSSES["squared"].value_upper(f, 0 * f, y, 0 * y)
    if math.isfinite(bound):
        assert exact_loss("squared", map(Fraction, f), map(Fraction, y)) <= bound


def test_squares_that_underflow_still_count():
    zero, tiny = np.zeros(1), np.full(1, 1e-170)
    assert LOSSES["squared"].value_upper(zero, zero, tiny, zero) > 0.0
    assert LOSSES["squared"].value_upper(tiny, zero, tiny, zero) == 0.0


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_dual_lower_is_below_the_exact_dual_value(name, data):
    loss = LOSSES[name]
    other, y = data.draw(samples(name, values=st.floats(-2, 2)))
    v = loss.clip(other, y)
    bound = loss.dual_lower(v, [Fraction(b) for b in y.tolist()])
    assert bound <= -loss.conjugate(v, y) + 1e-12
    assert bound >= -loss.conjugate(v, y) * (1 + 1e-12) - 1e-11
    if name != "logistic":
        exact = sum(
            -Fraction(a) * (Fraction(a) / 2 + Fraction(b))
            if name == "squared"
            else -Fraction(a) * Fraction(b)
            for a, b in zip(v, y, strict=True)
        )
        assert Fraction(bound) <= exact
        assert exact < Fraction(math.nextafter(bound, math.inf))


@pytest.mark.parametrize("name", ["hinge", "logistic"])
def test_one_ulp_outside_the_domain_is_minus_infinity(name):
    loss = LOSSES[name]
    v = np.array([-np.nextafter(1.0, 2.0)])
    assert loss.dual_lower(v, [1]) == -math.inf
    assert loss.dual_lower(np.array([5e-324]), [1]) == -math.inf
    assert loss.conjugate(v, np.ones(1)) == math.inf
    assert loss.dual_lower(loss.clip(v, np.ones(1)), [1]) >= 0.0


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.data())
def test_the_best_scale_is_allowed_and_no_other_is_better(name, data):
    loss = LOSSES[name]
    other, y = data.draw(samples(name, values=st.floats(-2, 2)))
    cap = data.draw(st.floats(1e-6, 4.0))
    v = loss.clip(other, y)
    assume(np.all((v == 0.0) | (np.abs(v) > 1e-100)))
    best = loss.best_scale(v, y, cap)
    assert 0.0 <= best <= cap
    assert math.isfinite(loss.conjugate(best * v, y))
    reached = -loss.conjugate(best * v, y)
    for t in np.linspace(0.0, cap, 41):
        assert -loss.conjugate(t * v, y) <= reached + 1e-9


@given(st.fractions())
def test_float_below_is_the_nearest_float_from_below(value):
    found = float_below(value)
    assert Fraction(found) <= value < Fraction(math.nextafter(found, math.inf))


def test_names_and_labels_are_checked():
    with pytest.raises(InputError, match="unknown; use one of"):
        get_loss("absolute")
    with pytest.raises(InputTypeError, match="expected one of"):
        get_loss(3)
    with pytest.raises(InputError, match=r"0 at row 1; the hinge loss needs labels"):
        check_labels(get_loss("hinge"), np.array([1.0, 0.0]))
    check_labels(get_loss("squared"), np.array([0.5]))
