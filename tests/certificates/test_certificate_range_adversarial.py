"""The certificate at the edges of float64: never a bound that does not hold."""

import math
from fractions import Fraction

import numpy as np
import pytest

from convex_solver import TwoLayerReLU, certify, certify_interpolation

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
EMPTY = TwoLayerReLU(np.zeros((0, 1)), [])


def test_prices_that_underflow_prove_nothing():
    # one neuron of weight 1e85 fits the point at a cost of 1e-10
    X, y, beta = [[1e-170]], [1], 1e-180
    good = TwoLayerReLU([[1e85]], [1e85])
    best = good.objective(X, y, beta, loss="hinge")
    assert best < 1e-9
    found = certify(EMPTY, X, y, beta, loss="hinge", dual=[-1.0])
    assert found.lower_bound <= best


@pytest.mark.parametrize("power", [140, 150, 153, 155, 160, 200, 250, 290, 307])
@pytest.mark.parametrize("loss", ["squared", "hinge", "logistic"])
def test_prices_that_overflow_prove_nothing(power, loss):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 2)) * 10.0**power
    y = np.sign(rng.standard_normal(6))
    if loss == "squared":
        y = y * 10.0 ** (power - 150)
    empty = TwoLayerReLU(np.zeros((0, 2)), [])
    found = certify(empty, X, y, 0.1, loss=loss)
    # a neuron of size 1e-70 is enough to fit one point of size 1e140
    assert found.lower_bound < 0.9 * found.upper_bound
    assert not found.gap <= 1e-6


def test_an_objective_that_underflows_is_not_zero():
    tiny = TwoLayerReLU([[1e-170]], [0.0])
    assert certify(tiny, [[1.0]], [0.0], 1.0).upper_bound > 0.0
    assert certify(EMPTY, [[1.0]], [1e-170], 1.0).upper_bound > 0.0
    assert certify(EMPTY, [[1.0]], [0.0], 1.0).gap == 0.0


def test_a_dual_point_that_becomes_subnormal_proves_nothing():
    # t v = 3e-324 rounds up to 5e-324, whose price is above beta
    found = certify(
        EMPTY, [[1e300]], [1.0], 3e-24, loss="squared", dual=[-1e-20], method="auto"
    )
    price = abs(found.dual[0]) * 1e300
    assert price <= 3e-24


@pytest.mark.parametrize("beta", [5e-324, 1e-323, 2.5e-323, 1e-310])
def test_half_of_a_subnormal_weight_decay_keeps_its_last_bit(beta):
    network = TwoLayerReLU([[1e5, 0.0], [-1e5, 0.0]], [1e5, -1e5])
    X, y = [[1.0, 0.0], [-1.0, 0.5]], [1.0, -1.0]
    found = certify(network, X, y, beta, loss="hinge")
    assert Fraction(found.upper_bound) >= Fraction(beta) / 2 * 4 * 10**10


def test_squares_whose_sum_is_beyond_float64_bound_nothing():
    network = TwoLayerReLU([[1.2e154, 0.0], [-1.2e154, 0.0]], [1e-150, 1e-150])
    X, y = [[1.0, 0.0], [-1.0, 0.5]], [1.0, -1.0]
    found = certify(network, X, y, 1.0)
    assert found.upper_bound == found.gap == math.inf
    found = certify_interpolation(network, X, y, dual=[1.0, -1.0])
    assert found.upper_bound == found.gap == math.inf
