"""The losses inside the interior point method: their Newton equations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.loss_terms import loss_term
from convex_solver.losses import get_loss

from properties.test_interior_point import targets

seeds = st.integers(0, 10**6)


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(["squared", "logistic"]))
def test_the_smooth_terms_linearise_the_gradient(seed, name):
    rng = np.random.default_rng(seed)
    loss = get_loss(name)
    y, z = targets(rng, 5, name), rng.uniform(-3, 3, 5)
    # where v is the gradient, H is its derivative and nothing is missed
    term = loss_term(loss, y, z, loss.gradient(z, y), 0.1)
    if name == "logistic":
        term.v, term.a = loss.gradient(z, y), -y * loss.gradient(z, y)
        term.b = 1 - term.a
    step = 1e-6
    slope = (loss.gradient(z + step, y) - loss.gradient(z - step, y)) / (2 * step)
    assert np.allclose(term.curvature(), slope, rtol=1e-6)
    assert np.abs(term.shift(0.0, False)).max() < 1e-12
    assert term.residual() < 1e-12
    # repeated steps with fixed z bring v to the gradient
    other = loss_term(loss, y, z, loss.clip(0.5 * loss.gradient(z, y), y), 0.1)
    for _ in range(40):
        dv = other.shift(0.0, False)
        other.complete(np.zeros(5), dv)
        other.move(1.0, z, dv)
    assert np.allclose(other.v, loss.gradient(z, y), rtol=1e-9)
    assert other.complementarity(0.3) == 0.0
    assert other.largest_step() == np.inf


def test_logistic_steps_stay_inside_and_keep_small_digits():
    y = np.array([1.0, -1.0, 1.0])
    term = loss_term(get_loss("logistic"), y, np.zeros(3), -0.5 * y, 0.1)
    for z in (40.0 * y, -40.0 * y, 300.0 * y):
        for _ in range(400):
            term.z = z
            dv = term.shift(0.0, False)
            term.complete(np.zeros(3), dv)
            term.move(1.0, z, dv)
            assert ((term.a > 0) & (term.b > 0)).all()
            assert np.allclose(term.a + term.b, 1)
        exact = np.exp(-y * z - np.logaddexp(0, -y * z))
        assert np.allclose(term.a, exact, rtol=1e-9)
        assert np.allclose(term.b, np.exp(-np.logaddexp(0, -y * z)), rtol=1e-9)


@settings(deadline=None, max_examples=40)
@given(seeds, st.booleans())
def test_the_hinge_term_solves_its_newton_equations(seed, correct):
    rng = np.random.default_rng(seed)
    y, z = rng.choice([-1.0, 1.0], 5), rng.standard_normal(5)
    term = loss_term(get_loss("hinge"), y, z, -y, float(rng.uniform(0, 1)))
    # any point inside, far from the path
    term.a = rng.uniform(0.1, 0.9, 5)
    term.b = 1 - term.a
    term.xi, term.p = rng.uniform(0.1, 2, (2, 5))
    term.v = -y * term.a
    term.da, term.dxi, term.dp = rng.standard_normal((3, 5))
    term.db = -term.da
    a, b, xi, p = term.a, term.b, term.xi, term.p
    second_a, second_b = (term.da * term.dp, term.db * term.dxi) if correct else (0, 0)
    mu, dz = 0.3, rng.standard_normal(5)
    dv = term.curvature() * dz + term.shift(mu, correct)
    term.complete(dz, dv)
    assert np.allclose(term.da, -y * dv)
    assert np.allclose(term.db, -term.da)
    assert np.allclose(a * term.dp + p * term.da, mu - a * p - second_a)
    assert np.allclose(b * term.dxi + xi * term.db, mu - b * xi - second_b)
    missing = xi - 1 + y * z - p
    assert np.allclose(term.dxi + y * dz - term.dp, -missing)
    assert term.residual() == pytest.approx(np.abs(missing) @ a)
    limit = term.largest_step()
    products = a @ p + b @ xi
    assert term.complementarity(0.0) == pytest.approx(products)
    for step, inside in ((0.999 * limit, True), (1.001 * limit, False)):
        values = [
            a + step * term.da,
            b + step * term.db,
            xi + step * term.dxi,
            p + step * term.dp,
        ]
        assert (np.min(values) > 0) == inside
        expected = values[0] @ values[3] + values[1] @ values[2]
        assert term.complementarity(step) == pytest.approx(expected)
