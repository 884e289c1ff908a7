"""Restricted programs of raw columns: where they start, their systems, their ways."""

from fractions import Fraction

import numpy as np
import pytest

from convex_solver import ConvexProgram
from convex_solver.losses.loss import get_loss
from convex_solver.restricted import all_directions, empty_set, interior_point
from convex_solver.restricted.direction import Direction
from convex_solver.restricted.fitted_iterate import FittedIterate
from convex_solver.restricted.interior_point import WAYS, InteriorPoint
from convex_solver.restricted.newton_system import OrthogonalSystem, SamplesSystem

from reference.losses import SPECS

# Labels that no line tells apart, and counts with a kink.
COUNTS = [0, 1, 0, 2, 1, 1, 3, 2, 5, 4, 7, 9]


def targets_of(loss, n):
    x = np.linspace(-1.0, 1.0, n)
    if loss == "poisson":
        return np.resize(COUNTS, n).astype(float)
    wave = np.sin(7.0 * x) + 0.1 * np.random.default_rng(3).standard_normal(n)
    has_labels = loss in ("hinge", "squared_hinge", "logistic")
    return np.where(wave > 0.0, 1.0, -1.0) if has_labels else wave


def program_of(loss, n=12, mean=1e4, beta=1e-6):
    """One column whose mean is so many times its spread, and an intercept."""
    x = np.random.default_rng(n).permutation(np.linspace(-1.0, 1.0, n)) + mean
    y = targets_of(loss, n)[np.argsort(np.argsort(x))]
    return ConvexProgram(x[:, None], y, beta, loss=loss, intercept=True)


def every_block(program):
    X, basis = program.principal()
    blocks = empty_set(X, 1)
    directions = all_directions(program, basis)
    signs = np.tile([1.0, -1.0], len(directions))
    blocks.add(np.repeat(directions, 2, axis=0), signs)
    assert blocks.is_raw
    return blocks


def largest_price(blocks, v):
    """The largest price in the plane: the maxima over each cone and its two rays."""
    best = 0.0
    for g, slope in enumerate(blocks.transposed(v)):
        rows = blocks.rows[blocks.starts[g] : blocks.starts[g + 1]]
        rays = [np.array([a[1], -a[0]]) * side for a in rows for side in (1.0, -1.0)]
        for point in [slope, *rays] if slope.any() else rays:
            u = -point / np.linalg.norm(point)
            if (rows @ u >= -1e-9 * np.abs(rows) @ np.abs(u)).all():
                best = max(best, -float(slope @ u))
    return best


@pytest.mark.parametrize("loss", list(SPECS))
def test_the_start_is_near_the_central_path_of_a_small_price(loss):
    program = program_of(loss)
    blocks = every_block(program)
    with np.errstate(all="ignore"):
        at = FittedIterate(blocks, program.data_term, program.beta)
    assert at.s0 <= 20.0 * max(largest_price(blocks, at.v), program.beta)
    # that of the zero network is beyond it by what the chambers are thin by
    zero = program.data_term.gradient(np.zeros(program.n))
    assert at.s0 < 1e-2 * np.linalg.norm(blocks.transposed(zero), axis=1).max()
    # every product is the same, and no equation of the blocks is broken
    products = at.q * at.lam
    assert products.max() <= 1.5 * products.min()
    pairs = at.s0 * at.t + np.einsum("gk,gk->g", at.w, at.s1)
    assert pairs.max() <= 1.5 * pairs.min()
    assert np.linalg.norm(at.residual, axis=1).max() <= 1e-3 * at.s0
    assert at.is_inside
    assert (np.linalg.norm(at.s1, axis=1) < at.s0).all()
    # what the blocks hold of the gap is about the loss
    total = products.sum() + pairs.sum()
    assert total == pytest.approx(program.data_term.value(np.zeros(program.n)), rel=0.5)


@pytest.mark.parametrize("mean", [3e4, 1e3])
@pytest.mark.parametrize("loss", list(SPECS))
def test_the_first_way_solves_all_chambers(loss, mean):
    program = program_of(loss, n=15, mean=mean)
    blocks = every_block(program)
    with np.errstate(all="ignore"):
        point = InteriorPoint(blocks, program.data_term, program.beta, WAYS[0])
        found = point.run(1e-7)
    assert found.gap <= 1e-6
    assert found.iterations <= 80


def test_the_last_ways_solve_what_the_others_lose(monkeypatch):
    x = [39882.21255333307, 39895.669302608025, 39858.53082194137, 39853.02675322327]
    x += [39864.422186611, 39864.176775894215, 39884.40091326447, 39859.324936152414]
    y = [-0.20624112676401657, -0.024356836705421794, -0.4312797127131414]
    y += [-0.48358280748268334, -0.37529629019064886, -0.377628335925407]
    y += [-0.1854459654490029, -0.4237335440576808]
    X, beta = [[number] for number in x], 0.0001919591363708471
    program = ConvexProgram(X, y, beta, intercept=True, loss="quantile")
    blocks = every_block(program)
    plain = tuple(way._replace(is_fitted=False) for way in WAYS)

    def gap(ways):
        monkeypatch.setattr(interior_point, "WAYS", ways)
        data, beta = program.data_term, program.beta
        return interior_point.solve_restricted(blocks, data, beta, 1e-8).gap

    assert gap(WAYS) <= 1e-6
    assert gap(WAYS[:1]) <= 1e-6
    assert any(way.is_far for way in WAYS)
    assert gap(plain) <= 1e-6 < gap(tuple(way for way in plain if not way.is_far))


def solved_exactly(factors, A, curvature, b, rho):
    """``B_g dw_g + A_g^T dv = b_g``, ``dv = H A dw + rho`` in fractions."""
    G, r, _ = factors.shape
    n = A.shape[1]
    size = G * r + n
    M = [[Fraction(0)] * (size + 1) for _ in range(size)]
    exact = np.vectorize(Fraction, otypes=[object])
    L, A, H = exact(factors), exact(A), exact(curvature)
    for g in range(G):
        B = L[g] @ L[g].T
        for i in range(r):
            row = M[g * r + i]
            row[g * r : (g + 1) * r] = list(B[i])
            row[G * r : size] = list(A[g * r + i])
            row[size] = Fraction(float(b[g, i]))
    for i in range(n):
        row = M[G * r + i]
        row[: G * r] = [-H[i] * a for a in A[:, i]]
        row[G * r + i] = Fraction(1)
        row[size] = Fraction(float(rho[i]))
    for c in range(size):
        p = next(k for k in range(c, size) if M[k][c])
        M[c], M[p] = M[p], M[c]
        M[c] = [x / M[c][c] for x in M[c]]
        for k in range(size):
            if k != c and M[k][c]:
                M[k] = [x - M[k][c] * y for x, y in zip(M[k], M[c], strict=True)]
    x = np.array([float(row[size]) for row in M])
    return x[: G * r].reshape(G, r), x[G * r :]


@pytest.mark.parametrize("seed", range(4))
def test_reflections_keep_the_digits_of_small_rows(seed):
    """Two wide blocks of opposite signs, large and idle, beside small ones."""
    random = np.random.default_rng(seed)
    program = program_of("squared", n=6, mean=1e5)
    blocks = every_block(program)
    chosen = np.zeros(len(blocks), dtype=bool)
    chosen[np.flatnonzero(blocks.patterns.all(axis=1))[:2]] = True
    chosen[random.choice(len(blocks), 2)] = True
    blocks.keep(chosen)
    G, r = blocks.centres.shape
    factors = np.tril(random.uniform(0.5, 2.0, (G, r, r)))
    factors *= 10.0 ** random.uniform(-3, 3, (G, 1, 1))
    curvature = 10.0 ** random.uniform(-6, 2, program.n)
    b, rho = random.standard_normal((G, r)), random.standard_normal(program.n)
    wanted_w, wanted_v = solved_exactly(factors, blocks.AT, curvature, b, rho)
    active = np.zeros(G, dtype=bool)

    def miss(kind):
        dw, dv = kind(blocks, factors, curvature, active).solve(b, rho)
        first = np.linalg.norm(dw - wanted_w, axis=1) / np.linalg.norm(wanted_w, axis=1)
        second = np.linalg.norm(dv - wanted_v) / np.linalg.norm(wanted_v)
        return max(first.max(), second)

    assert miss(OrthogonalSystem) <= 1e-4
    assert miss(OrthogonalSystem) <= 1e-3 * miss(SamplesSystem)


@pytest.mark.parametrize("loss", ["logistic", "poisson"])
def test_strict_steps_of_v_are_along_the_line(loss):
    y = targets_of(loss, 12)
    data = get_loss(loss).at(y)
    random = np.random.default_rng(0)
    dv = random.standard_normal(12)

    def moved(is_strict):
        term = data.newton(np.zeros(12), data.gradient(np.zeros(12)), 1.0)
        term.is_strict = is_strict
        term.complete(np.zeros(12), 50.0 * dv)
        length = min(1.0, term.largest_step())
        before = term.v
        term.move(length, np.zeros(12), 50.0 * dv)
        return length, term.v - before

    length, change = moved(True)
    assert length < 1.0
    assert change == pytest.approx(length * 50.0 * dv, rel=1e-9)
    length, change = moved(False)
    assert length == 1.0
    assert not np.allclose(change, 50.0 * dv)


def test_the_direction_of_held_blocks_leaves_v_and_meets_its_equations():
    program = program_of("squared")
    blocks = every_block(program)
    with np.errstate(all="ignore"):
        at = FittedIterate(blocks, program.data_term, program.beta)
        direction = Direction(at)
        goal = 0.9 * at.s0
        direction.hold(goal, goal)
    step = direction.step
    assert step.ds0 == pytest.approx(goal - at.s0)
    # F^T dlam + ds1 makes up for the residual: v does not move
    for g in range(len(blocks)):
        here = slice(blocks.starts[g], blocks.starts[g + 1])
        rows = blocks.rows[here]
        left = at.residual[g] - rows.T @ step.dlam[here] - step.ds1[g]
        size = np.abs(rows.T) @ np.abs(step.dlam[here]) + np.abs(step.ds1[g])
        assert (np.abs(left) <= 1e-6 * size).all()
