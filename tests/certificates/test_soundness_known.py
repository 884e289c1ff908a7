"""Claims that were false once, with answers known from the definitions.

Each stands for a kind; `tests/fuzz` looks for more of them.
"""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from arrangement import InputError, InputTypeError
from convex_solver import (
    Loss,
    NoInterpolationError,
    SolutionStatus,
    TwoLayerReLU,
    certify,
    certify_interpolation,
)
from convex_solver.certificates.status import Bounds, relative_gap, status_of

ZERO = TwoLayerReLU([[0.0]], [0.0])


def exact_objective(network, rows, loss, beta):
    """Objective (2) in fractions; ``loss`` takes exact predictions."""
    units = [[Fraction(x) for x in u] for u in network.weights.tolist()]
    alphas = [Fraction(a) for a in network.alphas.tolist()]
    f = [
        sum(
            a * max(sum(x * w for x, w in zip(row, u, strict=True)), Fraction(0))
            for u, a in zip(units, alphas, strict=True)
        )
        for row in rows
    ]
    squares = sum(x * x for u in units for x in u) + sum(a * a for a in alphas)
    return loss(f) + Fraction(beta) / 2 * squares


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared", "poisson", "huber"])
def test_predictions_beyond_float64_bound_nothing(loss):
    # the first is infinite, the second infinity less infinity, the third -infinity
    X, y = [[1e200]], [1.0]
    for weights, alphas in (
        ([[1.7e308]], [1.7e308]),
        ([[1.7e308], [1.7e308]], [1.0, -1.0]),
        ([[1e200]], [-1e150]),
    ):
        found = certify(TwoLayerReLU(weights, alphas), X, y, 1.0, loss=loss, dual=[0.0])
        assert found.upper_bound == found.gap == math.inf
        assert found.status(1.0) is SolutionStatus.INACCURATE


def test_a_finite_prediction_whose_error_is_not_finite_bounds_nothing():
    # two labels on one row: the optimum is 2e6, as the mean of the two losses says
    network = TwoLayerReLU([[-1e150]], [0.0])
    X, y = [[1e200], [1e200]], [-1e6, 1e6]
    found = certify(network, X, y, 1e-301, loss="absolute", dual=[0.5, -0.5])
    assert found.upper_bound >= 2e6
    assert found.lower_bound <= 2e6


@pytest.mark.parametrize("method", ["covering", "chambers", "auto"])
def test_rows_are_priced_as_they_enter_a_network_with_a_center(method):
    X = [[-3.0, 1.0], [0.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [0.0, 3.0]]
    y, beta, c = [-0.92, -0.46, 0.22, -1.01, -0.21], 9.5, [3.5, -2.5]
    zero = TwoLayerReLU(np.zeros((0, 2)), [], center=c)
    found = certify(zero, X, y, beta, method=method)
    other = TwoLayerReLU([[-0.0747, 0.0577]], [-0.0944], center=c)
    assert found.lower_bound <= other.objective(X, y, beta)
    u = np.random.default_rng(0).standard_normal((2, 2000))
    u /= np.linalg.norm(u, axis=0)
    hidden = np.maximum((np.array(X) - c) @ u, 0.0)
    assert np.abs(found.dual @ hidden).max() <= beta


def test_reach_is_read_off_the_rows_as_they_enter():
    # less 1.5 the rows are -0.5 and 0.5: the least norm is 1 / 0.5 + 2 / 0.5
    network = TwoLayerReLU([[-(2.0**0.5)]], [2.0**0.5], center=[1.5])
    found = certify_interpolation(network, [[1.0], [2.0]], [1.0, 2.0], dual=[1.0, 1.0])
    assert found.lower_bound <= 6.0 <= found.upper_bound
    exact = TwoLayerReLU([[-2.0], [2.0]], [1.0, 3.0], center=[1.5])
    found = certify_interpolation(exact, [[1.0], [2.0]], [1.0, 3.0], dual=[1.0, 1.0])
    assert found.lower_bound <= 8.0 <= found.upper_bound
    with pytest.raises(NoInterpolationError, match="point in one direction"):
        certify_interpolation(exact, [[2.0], [2.5]], [1.0, 3.0], dual=[1.0, 1.0])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, int])
def test_beta_of_every_type_is_the_float_that_it_equals(kind):
    network = TwoLayerReLU([[10.0]], [10.0])
    for k in range(1, 60):
        beta = kind(k / 177) if kind not in (int, np.int64) else kind(k)
        found = certify(network, [[1.0]], [100.0], beta, loss="absolute", dual=[-0.7])
        assert type(found.beta) is float
        # the loss is zero, the squares add up to 200
        assert found.lower_bound <= found.beta * 100 <= found.upper_bound
        assert found.upper_bound <= found.beta * 100 * (1 + 1e-12)


@pytest.mark.parametrize("beta", [5e-324, 1e-323, 1e-320])
def test_a_dual_point_is_feasible_for_a_subnormal_beta(beta):
    found = certify(ZERO, [[0.27]], [1e300], beta, loss="absolute", dual=[-1e-200])
    assert Fraction(-found.dual[0]) * Fraction(0.27) <= Fraction(beta)
    assert Fraction(found.lower_bound) <= Fraction(beta) * 10**300 / Fraction(0.27)


def test_products_that_underflow_count_in_a_prediction():
    network = TwoLayerReLU([[1e-124]], [1.0])
    weight = [1e308]
    found = certify(
        network, [[1e-200]], [0.0], 1e-300, loss="absolute", sample_weight=weight,
        dual=[0.0],
    )  # fmt: skip
    exact = exact_objective(
        network, [[Fraction(1e-200)]], lambda f: Fraction(1e308) * f[0], 1e-300
    )
    assert Fraction(found.upper_bound) >= exact


def test_interpolation_of_subnormal_rows_is_not_cheaper_than_it_is():
    network = TwoLayerReLU([[0.0, 0.0]], [0.0])
    found = certify_interpolation(network, [[5e-324, 5e-324]], [1e-20], dual=[-1.0])
    square = Fraction(1e-20) ** 2 / (2 * Fraction(5e-324) ** 2)
    assert found.upper_bound == math.inf or Fraction(found.upper_bound) ** 2 >= square
    assert Fraction(found.lower_bound) ** 2 <= square


def test_poisson_takes_targets_as_they_are_exactly():
    with pytest.raises(InputError, match="holds -1e-400 at row 0; the poisson loss"):
        certify(ZERO, [["1"]], ["-1e-400"], 0.1, loss="poisson", dual=[0.5])
    with pytest.raises(InputError, match=r"holds 1\.0+1 at row 0; the hinge loss"):
        certify(ZERO, [["1"]], ["1.00000000000000000001"], 0.1, loss="hinge")


def test_weights_whose_sum_is_beyond_float64_are_bounded():
    found = certify(
        ZERO, [[5e-324]] * 3, [-1.0, 1.0, -1.0], 1e74, loss="logistic",
        sample_weight=[1e308] * 3,
    )  # fmt: skip
    assert found.upper_bound == math.inf
    assert found.lower_bound <= 3e308 * math.log(2.0)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_network_divides_by_no_scale_of_zero_or_below(scale):
    with pytest.raises(InputError, match=r"scale holds .*; expected numbers above 0"):
        TwoLayerReLU([[0.0]], [0.0], scale=[scale])


@pytest.mark.parametrize("number", [math.nan, math.inf, 10**400])
def test_a_network_has_finite_numbers(number):
    for options in ({"scale": [number]}, {"center": [number]}):
        with pytest.raises(InputError, match="finite"):
            TwoLayerReLU([[0.0]], [0.0], **options)
    with pytest.raises(InputError, match="finite"):
        TwoLayerReLU([[number]], [0.0])
    with pytest.raises(InputError, match="finite"):
        TwoLayerReLU([[0.0]], [number])


WRONG = (
    ("0.1", "expected a number. Use float"),
    (True, "expected a number"),
    (np.bool_(True), "expected a number"),
    (1j, "expected a number"),
    (None, "expected a number"),
    ([0.1], "expected a number"),
    (10**400, "beyond float64"),
    (math.nan, "expected a finite number"),
    (Decimal("sNaN"), "expected a finite number"),
    (Decimal("1e10000000"), "beyond float64"),
    (Decimal("0.1"), "which float64 would round to"),
    (Fraction(1, 3), "which float64 would round to"),
    (-1, "expected a finite number"),
)


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_one_rule_for_every_number_at_the_border(value, message):
    found = certify(ZERO, [[1.0]], [1.0], 0.5)
    errors = (InputError, InputTypeError)
    calls = [
        lambda: certify(ZERO, [[1.0]], [1.0], value),
        lambda: certify(ZERO, [[1.0]], [1.0], 0.5, rtol=value),
        lambda: found.status(value),
        lambda: certify_interpolation(ZERO, [[1.0]], [1.0], dual=[1.0], rtol=value),
    ]
    if value is not None:
        calls.append(lambda: Loss("huber", value))
    for call in calls:
        with pytest.raises(errors, match=message):
            call()


def test_an_int_of_too_many_digits_to_print_is_refused():
    with pytest.raises(InputError, match=r"an int of \d+ bits.* is beyond float64"):
        certify(ZERO, [[1.0]], [1.0], 10**5000)


def test_numbers_that_float64_holds_are_taken_whatever_their_type():
    for value in (np.float32(0.5), Fraction(1, 2), Decimal("0.5"), np.array(0.5)):
        found = certify(ZERO, [[1.0]], [1.0], value)
        assert type(found.beta) is float
        assert found.beta == 0.5
        assert found.status(value) is SolutionStatus.OPTIMAL or found.gap > 0.5


@pytest.mark.parametrize("max_cones", [2.5, "4", True, math.nan, None])
def test_a_number_of_cones_is_whole(max_cones):
    X, y = [[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0]
    network = TwoLayerReLU([[1.0, 0.0]], [1.0])
    with pytest.raises(InputTypeError, match=r"max_cones=.*; expected an integer"):
        certify(network, X, y, 0.1, max_cones=max_cones)
    with pytest.raises(InputTypeError, match=r"max_cones=.*; expected an integer"):
        certify_interpolation(network, X, y, dual=y, max_cones=max_cones)


def test_no_number_of_cones_is_too_large():
    network = TwoLayerReLU([[1.0, 0.0]], [1.0])
    X, y = [[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0]
    assert certify(network, X, y, 0.1, max_cones=10**400).lower_bound > 0.0


def test_a_dual_point_beyond_float64_is_refused():
    for dual in ([10**400], [math.nan], ["1"], [True], [1j]):
        with pytest.raises((InputError, InputTypeError), match="dual"):
            certify(ZERO, [[1.0]], [1.0], 1.0, dual=dual)
    found = certify(ZERO, [[1.0]], [1.0], 1.0, dual=[Fraction(-1, 3)])
    assert found.lower_bound > 0.0


def test_one_formula_of_the_gap():
    assert relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(2.0, 2.0) == 0.0
    assert relative_gap(4.0, 3.0) == 0.25
    # a tenth is rounded up
    assert Fraction(relative_gap(10.0, 9.0)) >= Fraction(1, 10)
    for upper, lower in (
        (1.0, 1.0000000000000002),
        (math.inf, 0.0),
        (math.inf, math.inf),
        (math.nan, 0.0),
        (1.0, math.nan),
        (1.0, -math.inf),
        (0.0, -1.0),
    ):
        assert relative_gap(upper, lower) == math.inf
        assert status_of(upper, lower, 1e308) is SolutionStatus.INACCURATE
    assert status_of(4.0, 3.0, 0.25) is SolutionStatus.OPTIMAL
    assert status_of(4.0, 3.0, 0.24) is SolutionStatus.INACCURATE


def test_what_a_certificate_holds_cannot_be_changed():
    X, y = [[1.0], [2.0]], [1.0, -1.0]
    found = [
        certify(ZERO, X, y, 0.5),
        certify_interpolation(
            TwoLayerReLU([[0.0, 0.0]], [0.0], intercept=True), X, y, dual=[1.0, -1.0]
        ),
    ]
    for certificate in found:
        assert isinstance(certificate, Bounds)
        with pytest.raises(ValueError, match="read-only"):
            certificate.dual[0] = 3.0
        with pytest.raises(AttributeError, match="can"):
            certificate.gap = 0.0


def test_the_dual_given_is_not_locked():
    dual = np.array([-0.25])
    certificate = certify(ZERO, [[1.0]], [1.0], 0.5, dual=dual)
    kept = certificate.dual.copy()
    dual[0] = 1.0
    assert dual.flags.writeable
    assert np.array_equal(certificate.dual, kept)
