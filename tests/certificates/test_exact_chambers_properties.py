"""Prices in integers, and dual points that are nudged until they are feasible."""

import math
from fractions import Fraction
from itertools import combinations
from operator import mul

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from arrangement.exact import solved
from convex_solver import ConvexProgram, TwoLayerReLU, certify, solve
from convex_solver.certificates import exact_chambers
from convex_solver.certificates.exact_chambers import (
    nudged_dual,
    rounded_share,
    square_of_price,
)

from reference.questions import any_question

entries = st.integers(-50, 50)


@given(st.data(), st.integers(1, 4), st.integers(0, 5))
def test_a_price_is_the_square_of_a_projection(data, r, m):
    row = st.lists(entries, min_size=r, max_size=r)
    target = [Fraction(x, 7) for x in data.draw(row)]
    sides = data.draw(st.lists(row, min_size=m, max_size=m))
    found = square_of_price(target, sides)
    b = np.array(target, dtype=float)
    if m == 0:
        assert found == sum(x * x for x in target)
        return
    _, distance = nnls(np.array(sides, dtype=float).T, -b)
    assert math.sqrt(found) == pytest.approx(distance, rel=1e-7, abs=1e-6)


def square_by_all_sets(target, sides):
    """The same from the definition: the set of sides that meets the conditions."""
    width = len(target)
    for size in range(width + 1):
        for chosen in combinations(sides, size):
            gram = [[sum(map(mul, a, b)) for b in chosen] for a in chosen]
            right = [-sum(map(mul, a, target), Fraction(0)) for a in chosen]
            lam = solved(gram, right)
            if lam is None or min(lam, default=0) < 0:
                continue
            p = [
                t + sum(x * a[k] for x, a in zip(lam, chosen, strict=True))
                for k, t in enumerate(target)
            ]
            if all(sum(map(mul, a, p)) >= 0 for a in sides):
                return sum(x * x for x in p)
    raise AssertionError("there is always one")


@given(st.data(), st.integers(1, 4), st.integers(0, 7), st.sampled_from([0, 10**9]))
def test_a_price_is_exact_where_sides_are_nearly_parallel(data, r, m, mean):
    row = st.lists(st.integers(-2, 2), min_size=r, max_size=r)
    target = [Fraction(x, 7) for x in data.draw(row)]
    sides = data.draw(st.lists(row, min_size=m, max_size=m))
    # with duplicates, opposite ones and zeros among them, or all next to one another
    sides = [[mean + side[0], *side[1:]] for side in sides]
    assert square_of_price(target, sides) == square_by_all_sets(target, sides)


BETA = 1e-6


def years(beta=BETA, n=20, mean=1e5):
    """A column whose mean is far above its spread, squared loss."""
    x = mean + np.linspace(-1.0, 1.0, n)
    y = np.sin(4.0 * (x - mean)) + 0.1 * np.random.default_rng(1).standard_normal(n)
    return ConvexProgram(x[:, None], y, beta, intercept=True)


def is_feasible(X, v, beta):
    """Whether all prices are at most beta: exactly, in the plane, from the definition.

    The chambers around each ray of the arrangement; a maximum over one is at its
    gradient or at a ray.
    """
    rows = [[Fraction(x) for x in row] for row in X.tolist()]
    weights = [Fraction(x) for x in v.tolist()]
    rays = [(s * b, -s * a) for a, b in rows for s in (1, -1)]
    for ray in rays:
        for turn in (Fraction(1, 2**200), -Fraction(1, 2**200)):
            u = (ray[0] - turn * ray[1], ray[1] + turn * ray[0])
            active = [a * u[0] + b * u[1] > 0 for a, b in rows]
            g = [
                sum(
                    w * x[k]
                    for w, x, on in zip(weights, rows, active, strict=True)
                    if on
                )
                for k in (0, 1)
            ]
            for sign in (1, -1):
                for p in [(sign * g[0], sign * g[1]), *rays]:
                    inside = all(
                        (a * p[0] + b * p[1] >= 0) if on else (a * p[0] + b * p[1] <= 0)
                        for (a, b), on in zip(rows, active, strict=True)
                    )
                    height = sign * (g[0] * p[0] + g[1] * p[1])
                    square = Fraction(beta) ** 2 * (p[0] ** 2 + p[1] ** 2)
                    if inside and height > 0 and height**2 > square:
                        return False
    return True


def near_optimal(program):
    """A dual point that is good but for its last digits, and somewhat too large."""
    found = solve(program, tol=1e-6)
    random = np.random.default_rng(0)
    v = found.certificate.dual
    return v * (1.0 + 1e-7 + 2.0**-52 * random.integers(-3, 4, v.size)), found


def test_a_nudged_point_is_feasible_exactly_and_as_good():
    program = years()
    v, found = near_optimal(program)
    assert rounded_share(program.data, v, program.beta) > 1e-7
    assert not is_feasible(program.data.X, v, program.beta)
    nudged, price = nudged_dual(
        program.data, program.data_term, v, program.beta, 40, math.inf
    )
    assert is_feasible(program.data.X, nudged, program.beta)
    assert price.largest <= program.beta
    assert price.n_patterns == 40
    value = program.data_term.dual_lower(nudged)
    assert value >= (1.0 - 1e-7) * found.objective
    # scaled as a whole, that point loses what rounding may take of it
    assert np.abs(nudged / v - 1.0).max() <= 1e-6


@pytest.mark.parametrize("factor", [1e-3, 0.5, 3.0, 1e3])
def test_points_of_any_size_come_to_the_limit(factor):
    program = years(n=8)
    v, _ = near_optimal(program)
    wanted = nudged_dual(program.data, program.data_term, v, BETA, 16, math.inf)
    found = nudged_dual(program.data, program.data_term, factor * v, BETA, 16, math.inf)
    assert is_feasible(program.data.X, found[0], BETA)
    values = [program.data_term.dual_lower(each[0]) for each in (found, wanted)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_what_is_too_much_is_left_to_the_covering(monkeypatch):
    program = years(n=8)
    v, _ = near_optimal(program)
    data, term = program.data, program.data_term
    assert nudged_dual(data, term, v, BETA, 10**6, math.inf) is None
    assert nudged_dual(data, term, v, BETA, 16, -math.inf) is None
    assert nudged_dual(data, term, 0.0 * v, BETA, 16, math.inf) is None
    monkeypatch.setattr(exact_chambers, "MOST_EXACT", 1)
    assert nudged_dual(data, term, v, BETA, 16, math.inf) is None


@pytest.mark.slow
def test_certificates_of_raw_columns_are_as_near_as_float64_allows(monkeypatch):
    program = years(n=12)
    solution = solve(program, tol=1e-6)
    assert solution.status.value == "optimal"
    again = certify(
        solution.network,
        program.data.X[:, :1],
        program.data.y,
        program.beta,
        dual=solution.certificate.dual,
    )
    # whoever checks the dual point gets the same bound
    assert again.lower_bound == solution.lower_bound
    monkeypatch.setattr(exact_chambers, "MOST_CHAMBERS", 0)
    assert solve(program, tol=1e-6, time_limit=5.0).gap > solution.gap


def test_ordinary_columns_keep_the_covering(monkeypatch):
    from convex_solver.certificates import relu

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(relu, "nudged_dual", never)
    random = np.random.default_rng(0)
    X, y = random.standard_normal((10, 2)), random.standard_normal(10)
    network = TwoLayerReLU(np.zeros((0, 2)), np.zeros(0))
    assert certify(network, X, y, 1e-3).n_cones


@pytest.mark.parametrize("share", [1e-9, 1e-3, 0.5])
def test_last_digits_shorten_the_sum_of_all_rows(share):
    program = years(n=30)
    random = np.random.default_rng(2)
    v = random.standard_normal(30) * 10.0 ** random.uniform(-6, 0, 30)
    X = program.data.X
    v -= X @ np.linalg.lstsq(X, v, rcond=None)[0]
    rows, every = exact_chambers._Rows(X), np.arange(30)

    def length(point):
        return math.sqrt(sum(x * x for x in rows.gradient(point, every)))

    limit = Fraction(length(v) * (1.0 - share))
    moved = exact_chambers._shortened(rows, program.data_term, v, limit)
    assert length(v) > 0.0
    assert length(moved) <= limit * (1 + Fraction(1, 10**9))
    assert np.abs(moved - v).max() <= 1e-9


@pytest.mark.slow
def test_columns_whose_chambers_are_hard_to_price_are_proven():
    """Means up to 10^5 deviations: a thousand prices are near the limit in floats."""
    _, question = any_question(62, "squared_hinge")
    program = ConvexProgram(**question)
    solution = solve(program, tol=1e-6, time_limit=60)
    certificate = solution.certificate
    assert rounded_share(program.data, certificate.dual, program.beta) > 1e-6
    assert solution.gap <= 1e-7
    assert "exact" in certificate.proof
