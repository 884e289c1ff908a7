"""Losses by name, and their values, gradients and conjugates against exact ones."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import InputError, InputTypeError
from convex_solver.losses.loss import KINDS, LOSSES, Loss, get_loss

from reference import losses as exact
from reference.losses import LABELLED, SPECS, scale
from strategies import lists, predictions, samples, targets


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_the_value_is_the_definition_s(spec, data):
    f, y, c, term = data.draw(samples(spec))
    found = exact.total(spec, f.tolist(), y.tolist(), c.tolist())
    rounding = 1e-14 * scale(spec, f, y, c) + 1e-322
    assert term.value(f) == pytest.approx(float(found), rel=1e-14, abs=rounding)


@pytest.mark.parametrize("spec", [s for s in SPECS if s not in exact.SMOOTH_LOGS])
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_the_reference_s_pieces_are_its_values(spec, data):
    f, y = (Fraction(data.draw(part(spec))) for part in (predictions, targets))
    inside = [
        a * f * f + b * f + c
        for low, high, (a, b, c) in exact.pieces(spec, y)
        if low <= f <= high
    ]
    assert set(inside) == {exact.value(spec, f, y)}


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_the_conjugate_is_the_supremum(spec, data):
    # v a fraction of the slopes that there are, so that it is in the domain at times
    f, y, c, term = data.draw(samples(spec))
    v = term.gradient(f) * data.draw(lists(st.floats(0, 1)))
    v = np.where(data.draw(lists(st.integers(0, 40))) == 0, -v - c, v)
    found = exact.total_conjugate(spec, v.tolist(), y.tolist(), c.tolist())
    if found == math.inf:
        assert term.conjugate(v) == math.inf
        assert term.dual_lower(v) == -math.inf
        return
    rounding = 1e-13 * (scale(spec, f, y, c) + float(np.abs(v) @ (1 + np.abs(y))))
    assert term.conjugate(v) == pytest.approx(float(found), rel=1e-13, abs=rounding)


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_fenchel_young_is_an_equality_at_the_gradient(spec, data):
    f, y, c, term = data.draw(samples(spec))
    v = term.gradient(f)
    assert np.array_equal(term.clip(v), v)
    total = term.value(f) + term.conjugate(v)
    rounding = 1e-13 * (scale(spec, f, y, c) + float(np.abs(v) @ (1 + np.abs(f))))
    assert total == pytest.approx(float(v @ f), rel=1e-12, abs=rounding)


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_the_gradient_is_a_subgradient(spec, data):
    f, y, c, term = data.draw(samples(spec))
    g = data.draw(lists(predictions(spec)))
    lower = term.value(f) + float(term.gradient(f) @ (g - f))
    rounding = 1e-13 * (scale(spec, f, y, c) + scale(spec, g, y, c))
    rounding += 1e-15 * float(np.abs(term.gradient(f) * (g - f)).sum())
    assert term.value(g) >= lower - rounding


def test_the_subgradient_at_a_kink_is_the_one_nearest_to_zero():
    y = np.array([1.0, -1.0, 0.5])
    for spec in ("absolute", "quantile:0.9", "epsilon_insensitive:0"):
        term = get_loss(spec).at(y)
        assert term.gradient(y).tolist() == [0.0, 0.0, 0.0]
        assert term.kinks(y).tolist() == [0, 1, 2]
        assert term.kinks(y + np.array([0.0, 0.1, -0.1])).tolist() == [0]
    term = get_loss("epsilon_insensitive:0.5").at(y)
    assert term.gradient(y + 0.5).tolist() == [0.0, 0.0, 0.0]
    assert term.kinks(y + np.array([0.5, -0.5, 0.25])).tolist() == [0, 1]
    assert term.gradient(y + np.array([0.75, -0.75, 0.25])).tolist() == [1.0, -1.0, 0.0]
    hinge = get_loss("hinge").at([1.0, -1.0])
    assert hinge.gradient(np.array([1.0, -1.0])).tolist() == [0.0, 0.0]
    assert hinge.kinks(np.array([1.0, -0.5])).tolist() == [0]
    for spec in ("squared", "huber:0.3", "squared_hinge", "logistic", "poisson"):
        term = get_loss(spec).at([1.0, 1.0])
        assert term.kinks(np.array([1.0, 0.0])).size == 0


@pytest.mark.parametrize("y", [1e-300, 1e-3, 0.7, 1.0, 3.0, 1e3, 1e15, 1e300])
@pytest.mark.parametrize("shift", [0.0, 1e-12, 1e-7, 9e-4, 1.1e-3, 0.4, 0.6, 3.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_deviance_keeps_its_digits_near_the_fit(y, shift, sign):
    f = math.log(y) + sign * shift
    found = get_loss("poisson").at([y]).value([f])
    expected = float(exact.value("poisson", f, y))
    # the logarithm of y rounds, and the deviance has the slope exp(f) - y there
    rounding = abs(math.exp(f) - y) * (1.0 + abs(f)) * 4e-16 + 1e-30 * y
    assert found == pytest.approx(expected, rel=3e-15, abs=rounding)


def test_the_deviance_of_no_counts_is_the_mean():
    term = get_loss("poisson").at([0.0, 0.0])
    assert term.value([0.0, 2.0]) == pytest.approx(1.0 + math.exp(2.0))
    assert term.gradient(np.array([0.0, -800.0])).tolist() == [1.0, 0.0]
    assert term.value([-800.0, -800.0]) == 0.0
    assert term.value([0.0, 1000.0]) == math.inf


def test_every_loss_is_in_the_tests_and_its_text_is_read_back():
    assert {get_loss(spec).name for spec in SPECS} == set(LOSSES)
    for spec in (*SPECS, *LOSSES, "huber:1e-300", "quantile:0.1"):
        loss = get_loss(spec)
        assert get_loss(str(loss)) == loss == get_loss(loss)
        rule = KINDS[loss.name].parameter
        assert loss.parameter == (rule and rule.default) or ":" in spec
    assert get_loss("huber:2") == Loss("huber", 2) == Loss("huber", Fraction(2))
    assert [name for name in LOSSES if get_loss(name).is_classification] == sorted(
        LABELLED
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cubic", "loss='cubic' is unknown; use one of absolute, epsilon"),
        ("", "loss='' is unknown"),
        (":1", "loss='' is unknown"),
        ("squared:1", "the squared loss has no parameter; 1.0 was given. Leave it"),
        ("hinge:0", "the hinge loss has no parameter; 0.0 was given"),
        ("huber:x", "loss='huber:x': 'x' is no number; expected for example 'quant"),
        ("huber:", "loss='huber:': '' is no number"),
        ("huber:1:2", "'1:2' is no number"),
        ("huber:0", "the parameter of the huber loss is 0.0; expected a finite"),
        ("huber:inf", "parameter of the huber loss is inf; expected a finite"),
        ("huber:nan", "parameter of the huber loss is nan"),
        ("quantile:2", "quantile loss is 2.0; expected a finite number above 0 and"),
        ("quantile:0", "quantile loss is 0.0; expected"),
        ("quantile:1", "quantile loss is 1.0; expected"),
        ("quantile:nan", "quantile loss is nan; expected"),
        ("epsilon_insensitive:-0.1", "is -0.1; expected a finite number of at least 0"),
        ("epsilon_insensitive:inf", "is inf; expected a finite number of at least 0"),
    ],
)
def test_unknown_names_and_parameters_are_refused(spec, message):
    with pytest.raises(InputError, match=message):
        get_loss(spec)


def test_parameters_and_losses_of_another_type_are_refused():
    for parameter in (True, "1", 1j):
        with pytest.raises(InputTypeError, match="parameter of the huber loss is"):
            Loss("huber", parameter)
    for loss in (3, None, ["squared"]):
        with pytest.raises(InputTypeError, match=r"has type .*; expected one of absol"):
            get_loss(loss)


@pytest.mark.parametrize(
    ("spec", "y", "message"),
    [
        ("hinge", [1, 0], "y holds 0 at row 1; the hinge loss needs labels -1 and"),
        ("squared_hinge", [2, 1], "y holds 2 at row 0; the squared_hinge loss needs"),
        ("logistic", [1, math.nan], "y holds nan at row 1; expected finite numbers"),
        ("poisson", [1, -0.5], "y holds -0.5 at row 1; the poisson loss needs targ"),
        ("poisson", [math.inf], "y holds inf at row 0; expected finite numbers"),
        ("squared", [[1.0]], r"y has shape \(1, 1\); expected \(n,\)"),
    ],
)
def test_targets_that_a_loss_does_not_take_are_refused(spec, y, message):
    with pytest.raises(InputError, match=message):
        get_loss(spec).at(y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"sample_weight has shape \(1,\); expected \(2,\)"),
        ([[1.0, 1.0]], r"sample_weight has shape \(1, 2\); expected"),
        ([1.0, 0.0], r"sample_weight holds 0 at row 1; expected finite numbers above"),
        ([-1.0, 1.0], r"holds -1 at row 0; .* Drop rows that are not to count"),
        ([1.0, math.nan], "holds nan at row 1"),
        ([1.0, math.inf], "holds inf at row 1"),
        ([1.0, 2e-308], r"2e-308 at row 1; expected at least 2.2e-308. Multiply all"),
    ],
)
@pytest.mark.parametrize("spec", ["squared", "logistic", "poisson"])
def test_weights_that_are_not_positive_are_refused(spec, weights, message):
    with pytest.raises(InputError, match=message):
        get_loss(spec).at([1.0, 1.0], weights=weights)


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_the_second_derivative_is_the_slope_of_the_gradient(spec, data):
    f, _, _, term = data.draw(samples(spec))
    curvature = term.second_derivative(f)
    assert curvature.shape == f.shape
    assert np.all(curvature >= 0.0)
    h = 1e-5
    low, high = term.gradient(f - h), term.gradient(f + h)
    sides = term.second_derivative(f - h), term.second_derivative(f + h)
    slope = (high - low) / (2 * h)
    # beside a corner the curvature jumps, and the slope is between
    least, most = (pick(*sides) for pick in (np.minimum, np.maximum))
    away = least == most if spec not in exact.SMOOTH_LOGS else np.ones(len(f), bool)
    if term.has_kinks:
        assert not np.any(curvature)
        return
    rounding = 1e-9 + 1e-5 * most + 1e-15 * (np.abs(low) + np.abs(high)) / h
    assert np.all(np.abs(slope - curvature)[away] <= rounding[away])


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=50)
@given(st.data(), st.floats(1e-9, 10.0))
def test_rounded_corners_cost_no_more_than_allowed(spec, data, cost):
    f, _, _, term = data.draw(samples(spec))
    smooth = term.smoothed(cost)
    assert not smooth.has_kinks
    assert (smooth is term) == (not term.has_kinks)
    rounding = 1e-12 * (1.0 + abs(term.value(f)))
    assert term.value(f) - cost - rounding <= smooth.value(f)
    assert smooth.value(f) <= term.value(f) + rounding
    v = smooth.gradient(f)
    assert np.array_equal(term.clip(v), v)
    assert term.conjugate(v) < math.inf
