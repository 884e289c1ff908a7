"""Rays of filtered arithmetic: every stated error bound holds, every sign is exact.

The true rows and rays are integers; the kernels see them with columns scaled by powers
of two and rounded.  All comparisons are made in Fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from arrangement._kernels.cells import exact_rays
from arrangement._kernels.state import COMBINED, EXACT, SOLVED

from reference import compiled
from reference.brute_force import matrix_rank, primitive
from reference.exact_algebra import inner, is_within, normal_vector
from reference.float_rays import Problem, problems, sign_of, vectors

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# --- solve_ray ----------------------------------------------------------------


@moderate
@given(problems())
def test_a_solved_ray_is_within_its_stated_error_of_the_true_one(problem):
    rays = problem.unsolved()
    before = rays.copy()
    if not problem.solve(rays):
        assert np.array_equal(rays, before)
        return
    *floats, error, kind = rays[0].tolist()
    assert kind == SOLVED
    assert 0 < error < math.inf
    assert max(map(abs, floats)) <= 1
    assert is_within(floats, problem.scaled(problem.ray), error)
    for i, place in enumerate(problem.places):
        value, bound = compiled.value_and_error(problem.rows, rays, place, 0)
        assert abs(value) <= bound or sign_of(value) == problem.signs[i]
    # no better the second time: refused, and nothing changes
    after = rays.copy()
    assert not problem.solve(rays)
    assert np.array_equal(rays, after)


@moderate
@given(problems(is_dependent=True))
def test_dependent_rows_give_no_ray_rather_than_a_wrong_one(problem):
    rays = problem.unsolved()
    before = rays.copy()
    assert not problem.solve(rays)
    assert np.array_equal(rays, before)


def generic(width, seed, *, digits=15):
    """Rows in general position, the first ``width - 1`` tight, the rest known."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-(10**digits), 10**digits, (width + 4, width)).tolist()
    rows = [tuple(row) for row in rows]
    ray = normal_vector(rows[: width - 1], width)
    places = rng.permutation(128)[: len(rows)].tolist()
    return Problem(rows, [(-1) ** seed * x for x in ray], places, set())


@pytest.mark.parametrize("width", [2, 3, 4, 6, 8])
def test_generic_rows_are_solved_to_nearly_full_precision(width):
    for seed in range(40):
        problem = generic(width, seed)
        rays = problem.unsolved()
        assert problem.solve(rays)
        *floats, error, _ = rays[0].tolist()
        assert error < 2.0**-34
        assert is_within(floats, problem.scaled(problem.ray), error)


@pytest.mark.parametrize("bits", [20, 30, 40, 52, 53, 54, 60, 80])
def test_rows_a_little_apart_have_a_large_error_or_none(bits):
    for seed in range(20):
        problem = generic(4, seed)
        rows = list(problem.exact)
        rows[1] = tuple(2**bits * x + y for x, y in zip(rows[0], rows[1], strict=True))
        ray = normal_vector(rows[:3], 4)
        problem = Problem(rows, ray, problem.places, set())
        rays = problem.unsolved()
        if problem.solve(rays):
            *floats, error, _ = rays[0].tolist()
            assert is_within(floats, problem.scaled(ray), error)
            assert error > 2.0 ** (bits - 56)


def test_a_combination_hidden_by_pivots_of_falling_size_is_seen_to_be_dependent():
    for bits in range(4, 60):
        a, b = (1, 2**bits + 1, 3, 7), (1, 2**bits, 5, 11)
        c = tuple(2**bits * x - (2**bits - 1) * y for x, y in zip(a, b, strict=True))
        ray = [*normal_vector([a[:3], b[:3]], 3), Fraction(0)]
        d = (1, 1, 1, 1) if sum(ray) else (1, 2, 1, 1)
        problem = Problem([a, b, c, d], ray, [3, 1, 70, 2], set())
        assert matrix_rank([a, b, c]) == 2
        assert not problem.solve(problem.unsolved())


def test_the_rounding_of_the_rows_is_in_the_error_even_where_floats_solve_exactly():
    """A change of 2**-54 in a row moves the ray by 2**-34; no float residual shows it.

    Stored, the rows are (1, 0, 1) and (1, 2**-20, 1 + 2**-20), without the change.
    """
    m = 2**60
    rows = [(m, 0, m + 2**6), (m, 2**40, m + 2**40), (0, m, 5)]
    problem = Problem(rows, normal_vector(rows[:2], 3), [0, 1, 2], set())
    assert problem.rows[:2, :3].tolist() == [
        [0.5, 0, 0.5],
        [0.5, 2.0**-21, 0.5 + 2.0**-21],
    ]
    rays = problem.unsolved()
    assert problem.solve(rays)
    *floats, error, _ = rays[0].tolist()
    assert not is_within(floats, problem.scaled(problem.ray), 2.0**-37)
    assert is_within(floats, problem.scaled(problem.ray), error)


# --- values -------------------------------------------------------------------


@st.composite
def perturbed(draw, ray):
    """Floats near a multiple of a ray, and the least error that can be stated."""
    peak = max(abs(x) for x in ray)
    multiple = Fraction(draw(st.integers(1, 2**20)), 2**20) / peak
    size = Fraction(1, 2 ** draw(st.sampled_from((5, 12, 30, 45, 60))))
    floats, error = [], Fraction(0)
    for x in ray:
        off = size * draw(st.sampled_from((1, -1, 1, -1, 0)))
        value = min(max(float(multiple * x + off), -1.0), 1.0)
        error = max(error, abs(Fraction(value) - multiple * x))
        floats.append(value)
    stated = float(error)
    if Fraction(stated) < error:
        stated = math.nextafter(stated, math.inf)
    return floats, stated, [multiple * x for x in ray]


@moderate
@given(problems(), st.data())
def test_values_are_within_their_stated_errors(problem, data):
    floats, error, true = data.draw(perturbed(problem.scaled(problem.ray)))
    rays = np.array([[*floats, error, COMBINED]])
    for row, place in zip(problem.exact, problem.places, strict=True):
        value, bound = compiled.value_and_error(problem.rows, rays, place, 0)
        # rows are stored times a power of two
        k = max(range(problem.width), key=lambda k: abs(problem.rows[place, k]))
        scaled = [Fraction(x) / 2**s for x, s in zip(row, problem.shifts, strict=True)]
        ratio = Fraction(problem.rows[place, k]) / scaled[k]
        power = Fraction(2) ** round(math.log2(ratio))
        assert abs(Fraction(value) - power * inner(scaled, true)) <= Fraction(bound)


# --- combine ------------------------------------------------------------------


@st.composite
def crossings(draw):
    """A row, and rays on either side of it, scaled as the kernels have them."""
    width = draw(st.integers(2, 5))
    size = draw(st.sampled_from((2, 2**20, 2**100)))
    row = draw(vectors(width, size))
    p, q = draw(vectors(width, size)), draw(vectors(width, size))
    if draw(st.booleans()):  # on the row but for a little
        k = draw(st.integers(0, width - 1))
        value = sum(x * y for x, y in zip(row, p, strict=True))
        p = [2**40 * row[k] * x for x in p]
        p[k] -= 2**40 * value
        p[draw(st.integers(0, width - 1))] += 1
    value_p, value_q = inner(row, p), inner(row, q)
    assume(value_p and value_q)
    p = [x * sign_of(value_p) for x in p]
    q = [-x * sign_of(value_q) for x in q]
    return Problem([tuple(row)], [Fraction(x) for x in p], [5], set()), p, q


@moderate
@given(crossings(), st.data())
def test_a_combined_ray_is_within_its_stated_error_of_the_true_one(crossing, data):
    problem, p, q = crossing
    true = [
        -inner(problem.exact[0], q) * x + inner(problem.exact[0], p) * y
        for x, y in zip(p, q, strict=True)
    ]
    rays = np.zeros((3, problem.width + 2))
    for k, ray in enumerate((p, q)):
        floats, error, _ = data.draw(perturbed(problem.scaled(ray)))
        rays[k] = [*floats, error, SOLVED]
    parents = rays[:2].copy()
    compiled.combine(problem.rows, rays, 5, 2, 0, 1)
    *floats, error, kind = rays[2].tolist()
    assert kind == COMBINED
    assert max(map(abs, floats)) <= 1
    assert is_within(floats, problem.scaled(true), error)
    assert np.array_equal(rays[:2], parents)


@pytest.mark.parametrize("e", [2.0**-4, 2.0**-10, 2.0**-30])
@pytest.mark.parametrize("side", [0, 1])
def test_the_errors_of_a_parent_and_of_its_value_add_up(e, side):
    """The worst case: every entry of one parent is off by e, all in one direction.

    Where the true ray is 0, at its first entry, nothing can make up for it.
    """
    row, exact = (1, 1, 1, 1), (1.0, -1.0, -1.0, -0.5)
    off = ((2 * e - 1) / 2.5, 1 - 2 * e, 0.0, 0.0)  # makes that entry 0
    value, other = sum(map(Fraction, off)), sum(map(Fraction, exact))
    true = [
        -other * Fraction(x) + value * Fraction(y)
        for x, y in zip(off, exact, strict=True)
    ]
    shifted = [x + e for x in off]
    problem = Problem([row], [Fraction(1)] * 4, [7], set())
    assert problem.shifts == [1] * 4  # rows (1/2, 1/2, 1/2, 1/2)
    rays = np.zeros((3, 6))
    rays[0] = [*shifted, e * (1 + 2.0**-20), SOLVED]
    rays[1] = [*exact, 2.0**-53, SOLVED]
    if side == 1:  # the other parent is the one that is off
        rays[:2, :4] *= -1
        rays[:2] = rays[1::-1].copy()
    compiled.combine(problem.rows, rays, 7, 2, 0, 1)
    *floats, error, _ = rays[2].tolist()
    true = [x if side == 0 else -x for x in true]
    assert is_within(floats, true, error)
    assert not is_within(floats, true, error * 0.9)


def test_rays_far_from_the_row_combine_to_nearly_full_precision():
    rng = np.random.default_rng(0)
    for _ in range(200):
        row = rng.integers(1, 2**40, 4).tolist()
        p = rng.integers(2**38, 2**40, 4).tolist()
        q = [-p[0], *rng.integers(-(2**40), -(2**38), 3).tolist()]
        problem = Problem([tuple(row)], [Fraction(x) for x in p], [0], set())
        q[1] = -q[1] - 5 * 2**40  # no multiple of p
        rays = np.zeros((3, 6))
        for k, ray in enumerate((p, q)):
            scaled = problem.scaled(ray)
            peak = max(map(abs, scaled))
            rays[k] = [*(float(Fraction(x) / peak) for x in scaled), 2.0**-52, SOLVED]
        compiled.combine(problem.rows, rays, 0, 2, 0, 1)
        assert rays[2, 4] < 2.0**-40


def test_parents_without_a_digit_give_a_ray_without_a_claim():
    problem = Problem([(1, -1)], [Fraction(1), Fraction(0)], [0], set())
    rays = np.array([[1.0, 0, 2.0, COMBINED], [0, 1.0, 2.0, COMBINED], [9.0] * 4])
    compiled.combine(problem.rows, rays, 0, 2, 0, 1)
    assert rays[2].tolist() == [0, 0, math.inf, COMBINED]


# --- resolve ------------------------------------------------------------------


@moderate
@given(problems())
def test_a_resolved_ray_is_exact_and_so_are_its_pending_signs(problem):
    is_done, rays, vector = problem.resolve()
    assert is_done
    assert primitive(vector) == primitive(problem.ray)
    assert problem.all_signs() == problem.signs
    assert not problem.pending.any()
    *floats, error, kind = rays[0].tolist()
    assert kind == EXACT
    assert error <= 2.0**-49
    assert max(map(abs, floats)) <= 1
    assert is_within(floats, problem.scaled(problem.ray), error)


@settings(
    moderate,
    max_examples=100,
    suppress_health_check=[HealthCheck.filter_too_much],
)
@given(problems(is_dependent=True))
def test_dependent_rows_are_not_resolved(problem):
    signs, pending = problem.all_signs(), problem.pending.copy()
    is_done, _, _ = problem.resolve()
    assert not is_done
    assert problem.all_signs() == signs
    assert np.array_equal(problem.pending, pending)


def through_primes(divisor):
    """Two rows tight at a ray, one of them zero modulo every factor of ``divisor``."""
    rows = [(divisor, 2 * divisor, 0), (1, 1, 1), (5, 3, 1), (2, 1, 0), (1, 3, 1)]
    ray = normal_vector(rows[:2], 3)
    return Problem(rows, ray, [0, 64, 3, 65, 127], {3, 4})


@pytest.mark.parametrize("n_primes", range(5))
def test_rows_dependent_modulo_some_primes_are_resolved_by_the_next(n_primes):
    divisor = math.prod(exact_rays.PRIMES[:n_primes])
    problem = through_primes(divisor)
    is_done, _, vector = problem.resolve()
    assert is_done
    assert primitive(vector) == primitive(problem.ray)
    assert problem.all_signs() == problem.signs


def test_rows_dependent_modulo_every_prime_are_left_alone():
    assert not through_primes(math.prod(exact_rays.PRIMES)).resolve()[0]


@pytest.mark.parametrize("bits", [31, 32, 33, 63, 64, 65, 127, 128, 129, 500])
@pytest.mark.parametrize("side", [1, -1])
def test_numbers_of_every_width_keep_their_signs(bits, side):
    """Pending rows one unit above, on and below a plane of huge coefficients."""
    m = 2**bits
    rows = [(m, m - 1, 1), (1, m, -m), (m + 1, 2 * m - 1, 1 - m), (1, 0, 0)]
    ray = [side * x for x in normal_vector(rows[:2], 3)]
    rows += [(m + 1, 2 * m - 1, 2 - m), (m + 1, 2 * m - 1, -m)]
    problem = Problem(rows, ray, [100, 0, 1, 2, 63, 64], {2, 4, 5})
    is_done, _, vector = problem.resolve()
    assert is_done
    assert primitive(vector) == primitive(ray)
    assert problem.all_signs() == problem.signs
    assert problem.signs[2] == 0
    assert {problem.signs[4], problem.signs[5]} == {1, -1}
