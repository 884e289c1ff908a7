"""The covering of the sphere: a bound that holds, and that is tight."""

from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convex_solver.certificates.covering as wrapper
import convex_solver.certificates.covering_pieces as pieces
from convex_solver import InputError
from convex_solver._kernels.certify import bounded_squares as squares
from convex_solver._kernels.certify import cone_bounds as cell_bounds
from convex_solver._kernels.certify import covering
from convex_solver._kernels.certify.bounded_squares import Spare, Squares
from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.signed_rows import SignedRows, merge_rows, rotated

from instances import ridge_residual
from reference.prices import holds_exactly, largest_price, stationary_points
from strategies import matrices

pytestmark = pytest.mark.kernels

SMALL = settings(deadline=None, max_examples=80)


def opened(kernel):
    """A kernel that has no way in from Python, with one."""
    return numba.njit(getattr(kernel, "py_func", kernel))


mix_bounds = opened(cell_bounds.mix)
invert = opened(cell_bounds.invert)
vertex_value = opened(cell_bounds.vertex_value)
halve = opened(covering.halve)
midpoint = opened(covering.midpoint)
bounded_squares = opened(squares.bounded_squares)
linear_values = opened(cell_bounds.linear_values)
verified_norm = opened(cell_bounds.verified_norm)
vertex_bound = opened(cell_bounds.vertex_bound)


def size(X, v):
    return float(np.abs(v) @ np.linalg.norm(X, axis=1))


def brute(X, v, n_points=20000, seed=0):
    u = np.random.default_rng(seed).standard_normal((n_points, X.shape[1]))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return np.abs(v @ np.maximum(X @ u.T, 0.0)).max()


@SMALL
@given(st.data())
def test_the_bound_is_the_largest_price_whatever_the_degeneracy(data):
    d = data.draw(st.integers(1, 4))
    n = data.draw(st.integers(1, 8 if d < 4 else 6))
    entry = st.integers(-2, 2) if data.draw(st.booleans()) else st.floats(-4, 4)
    X = np.array(data.draw(st.lists(entry, min_size=n * d, max_size=n * d)), float)
    X = X.reshape(n, d)
    X[np.abs(X) < 1e-6] = 0.0
    v = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n)), float)
    best = largest_price(X, v)
    found = cover_sphere(X, v)
    assert found.is_reached
    assert best * (1 - 1e-15) - 1e-15 * size(X, v) <= found.bound
    assert found.bound <= best * (1 + 3e-11) + 1e-13 * size(X, v)
    assert abs(found.value - best) <= 3e-11 * best + 1e-13 * size(X, v)
    value = np.abs(v @ np.maximum(X @ found.direction, 0.0))
    assert value == pytest.approx(found.value, rel=1e-12, abs=1e-14 * size(X, v))


@SMALL
@given(st.integers(0, 10**6))
def test_no_direction_exceeds_the_bound_by_a_hair(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    X = rng.integers(-3, 4, (6, d)) * rng.choice([1.0, 1 / 3, 1e-5], (6, 1))
    v = rng.standard_normal(6)
    found = cover_sphere(X, v, rtol=1e-13)
    points = [*stationary_points(X, v), found.direction]
    assert holds_exactly(found.bound, X.tolist(), v.tolist(), points)


@SMALL
@given(st.integers(0, 10**6))
def test_rounded_data_are_bounded_for_the_exact_ones(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    exact = [
        [Fraction(int(a), int(b)) for a, b in rng.integers(1, 1000, (d, 2))]
        for _ in range(5)
    ]
    coarse = rng.choice([np.float64, np.float32])  # float32: an error one can see
    X = np.array([[float(coarse(float(x))) for x in row] for row in exact])
    error = [
        [abs(Fraction(a) - b) for a, b in zip(p, q, strict=True)]
        for p, q in zip(X.tolist(), exact, strict=True)
    ]
    error = np.nextafter(np.array(error, float), np.inf)
    v = rng.standard_normal(5)
    found = cover_sphere(X, v, X_error=error, rtol=1e-13)
    points = stationary_points(np.array(exact, float), v)
    assert holds_exactly(found.bound, exact, v.tolist(), points)
    assert found.bound <= largest_price(X, v) * (1 + 1e-6) + 1e-6


@SMALL
@given(
    matrices(max_rows=6, max_columns=3, kinds=("floats", "small floats", "wide")),
    st.data(),
)
def test_planted_degeneracies_and_wide_ranges(X, data):
    X = np.array(X, float)
    n = X.shape[0]
    v = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=n, max_size=n)))
    found = cover_sphere(X, v, max_cones=20_000)
    points = np.random.default_rng(0).standard_normal((30, X.shape[1]))
    points = np.vstack([points, found.direction, np.eye(X.shape[1])])
    if np.isfinite(found.bound):
        assert holds_exactly(found.bound, X.tolist(), v.tolist(), points)
    assert found.bound >= 0.0


@pytest.mark.parametrize(("n", "r"), [(40, 2), (300, 2), (40, 3), (150, 3), (25, 4)])
def test_larger_data_are_covered_tightly(n, r):
    X, v = ridge_residual(n, r, seed=n)
    found = cover_sphere(X, v)
    assert found.is_reached
    assert found.value <= found.bound <= found.value * (1 + 2e-11)
    assert brute(X, v) <= found.value * (1 + 1e-12)
    # far fewer cones than chambers
    assert found.n_cones < 40_000


def test_few_dimensions_in_many_columns():
    rng = np.random.default_rng(0)
    Z, v = ridge_residual(30, 3, seed=3)
    basis = np.linalg.qr(rng.standard_normal((9, 3)))[0]
    found = cover_sphere(Z @ basis.T, v)
    assert found.is_reached
    assert found.bound == pytest.approx(cover_sphere(Z, v).bound, rel=1e-9)
    assert found.direction.shape == (9,)
    reduced = merge_rows(Z @ basis.T, v, np.zeros((30, 9)))
    assert reduced.rows.shape[1] == 3


@SMALL
@given(st.integers(0, 10**6), st.floats(1.0, 8.0), st.integers(2, 4))
def test_raw_columns_lose_no_more_than_is_said(seed, digits, d):
    """Rows in their principal axes, against exact sums; the bound holds exactly."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((8, d)) + 10.0**digits * rng.standard_normal(d)
    v = rng.standard_normal(8)
    if seed % 2:
        # as a dual point is: nearly orthogonal to the mean
        v -= X @ np.linalg.lstsq(X, v, rcond=None)[0]
    problem = merge_rows(X, v, 0 * X)
    reduced, residual = rotated(X, problem.basis)
    exact = np.array([[Fraction(x) for x in row] for row in problem.basis.tolist()])
    for i in range(8):
        row = np.array([Fraction(a) for a in reduced[i].tolist()])
        for k in range(d):
            missed = abs(Fraction(X[i, k]) - sum(row * exact[k]))
            assert missed <= Fraction(residual[i, k])
            # of the size of a rounding, and no bound of many
            assert residual[i, k] <= 16 * 2.0**-53 * np.linalg.norm(X[i])
    if digits > 4.0:
        assert not np.array_equal(problem.basis, np.eye(d))
    basis = [[Fraction(x) for x in row] for row in problem.basis.tolist()]
    points = [
        *rng.standard_normal((4, d)),
        *problem.basis.T,
        *rng.standard_normal((2, d)),
    ]
    for row in X[:2]:
        # on a hyperplane, all but for rounding
        points.append(points[0] - row * (row @ points[0]) / (row @ row))
    for point in points:
        u = [Fraction(x) for x in np.asarray(point).tolist()]
        w = [sum(b[k] * x for b, x in zip(basis, u, strict=True)) for k in range(d)]
        value = sum(
            Fraction(c)
            * max(sum(Fraction(a) * x for a, x in zip(row, u, strict=True)), 0)
            for c, row in zip(v.tolist(), X.tolist(), strict=True)
        )
        parts = sum(
            Fraction(a) * x for a, x in zip(problem.linear.tolist(), w, strict=True)
        )
        for sign, row in zip(
            problem.signs.tolist(), problem.rows.tolist(), strict=True
        ):
            inner = sum(Fraction(a) * x for a, x in zip(row, w, strict=True))
            parts += Fraction(sign) * max(inner, 0)
        scale = Fraction(2) ** problem.exponent
        missed = abs(value - scale * parts)
        square = sum(x * x for x in u)
        assert missed**2 <= (scale * Fraction(problem.slack)) ** 2 * square
    found = cover_sphere(X, v, max_cones=20_000)
    assert holds_exactly(found.bound, X.tolist(), v.tolist(), np.array(points))


def test_raw_columns_are_covered_by_few_cones():
    rng = np.random.default_rng(0)
    Z = np.column_stack([rng.standard_normal((16, 3)), np.ones(16)])
    raw = Z.copy()
    raw[:, :3] = [0.02, 0.3, 600.0] * (Z[:, :3] + [700.0, 1e4, 6e4])
    v = rng.standard_normal(16)
    v -= raw @ np.linalg.lstsq(raw, v, rcond=None)[0]
    found = cover_sphere(raw, v, rtol=1e-8, max_cones=50_000)
    assert found.is_reached
    assert found.value <= found.bound <= found.value * (1 + 1e-3)


def test_rows_on_one_line_become_one_row():
    rng = np.random.default_rng(1)
    lead = rng.standard_normal((3, 3))
    factors = np.array([1.0, -2.0, 1 / 3, -1 / 7])
    X = (factors[:, None, None] * lead).reshape(-1, 3)
    v = rng.standard_normal(12)
    reduced = merge_rows(X, v, 0 * X)
    assert reduced.rows.shape == (3, 3)
    assert cover_sphere(X, v).bound == pytest.approx(largest_price(X, v), rel=1e-10)
    # rows that cancel leave nothing but a linear part
    pair = np.array([[1.0, 2.0], [-1.0, -2.0]])
    reduced = merge_rows(pair, np.array([1.0, -1.0]), 0 * pair)
    assert reduced.rows.shape[0] == 0
    assert cover_sphere(pair, [1.0, -1.0]).bound == pytest.approx(5**0.5, rel=1e-10)


def test_what_cancels_everywhere_has_a_bound_of_rounding_size():
    X = np.array([[1.0, 0.3], [1.0, 0.3], [2.0, 0.6]])
    found = cover_sphere(X, [1.0, 1.0, -1.0])
    assert found.is_reached
    assert found.bound < 1e-14


def test_the_rounding_of_rows_at_vertices_is_added(monkeypatch):
    X, v = np.array([[3.0, 4.0], [4.0, -1.0]]), np.array([1.0, -1.0])
    problem = merge_rows(X, v, 0 * X)
    peaks = np.ldexp(8.0, -problem.exponent)
    slack = wrapper._kernel_slack(problem)
    # r u |a_i|_inf |u|_1 for each row
    assert 2.0**0.5 * 2.0 * 2.0**-53 * peaks <= slack <= 1e-15 * peaks
    exact = cover_sphere(X, v).bound
    monkeypatch.setattr(wrapper, "_kernel_slack", lambda _: 0.5)
    assert cover_sphere(X, v).bound >= exact + np.ldexp(0.49, problem.exponent)


def test_hints_set_the_goal_at_once():
    X, v = ridge_residual(60, 3, seed=5)
    first = cover_sphere(X, v)
    odd = [np.zeros(3), np.full(3, 1e308), np.array([np.nan, np.inf, 0.0])]
    again = cover_sphere(X, v, hints=[7.0 * first.direction, *odd])
    assert again.n_cones <= first.n_cones
    assert again.bound == pytest.approx(first.bound, rel=1e-10)


def test_a_floor_is_enough():
    X, v = ridge_residual(60, 3, seed=6)
    best = cover_sphere(X, v)
    loose = cover_sphere(X, v, floor=3.0 * best.value)
    assert best.value <= loose.bound <= 3.0 * best.value * (1 + 1e-10)
    assert loose.n_cones < best.n_cones


@pytest.mark.parametrize("cells", [0, 1, 7, 9, 30, 300])
def test_a_budget_that_ends_leaves_a_bound_that_holds(cells):
    X, v = ridge_residual(60, 3, seed=7)
    best = cover_sphere(X, v)
    short = cover_sphere(X, v, max_cones=cells)
    assert not short.is_reached
    assert short.n_cones <= 2 * (cells + 1)
    assert best.value <= short.bound < np.inf


def test_peaks_are_all_local_maxima_above_the_floor():
    X, v = ridge_residual(12, 2, seed=8)
    angle = np.linspace(0.0, 2.0 * np.pi, 200_001)[:-1]
    u = np.stack([np.cos(angle), np.sin(angle)])
    signed = v @ np.maximum(X @ u, 0.0)
    values = np.abs(signed)
    is_peak = (values > np.roll(values, 1)) & (values >= np.roll(values, -1))
    floor = 0.3 * values.max()
    expected = np.sort(signed[is_peak & (values > floor)])
    found = cover_sphere(X, v, floor=floor, n_peaks=50)
    assert found.is_reached
    # peaks on kinks lie between the points of the grid
    assert np.sort(found.peak_values) == pytest.approx(expected, rel=1e-3)
    assert found.bound == pytest.approx(values.max(), rel=1e-3)
    heights = v @ np.maximum(X @ found.peaks.T, 0.0)
    assert heights == pytest.approx(found.peak_values, rel=1e-12)
    two = cover_sphere(X, v, floor=floor, n_peaks=2)
    for sign in (1.0, -1.0):  # what has to go is the smallest
        most = np.sort(sign * found.peak_values)[-2:]
        kept = np.sort(sign * two.peak_values)[-2:]
        assert kept == pytest.approx(most, rel=1e-9)
    assert len(two.peaks) <= 4
    assert np.abs(two.peak_values[0]) == np.abs(found.peak_values[0])


def test_a_row_that_underflows_beside_the_others_is_not_lost():
    X = np.array([[1e-300], [1e23]])
    assert cover_sphere(X, [1.0, 0.0]).bound == pytest.approx(1e-300, rel=1e-10)
    assert cover_sphere(X, [1e-300, 1e-320]).bound >= 9.9e-298
    assert cover_sphere(X * 1e-23, [1e-300, 0.0]).bound > 0.0
    X, v = np.diag([1e-200, 1.0]), [1.0, 1e-200]
    assert cover_sphere(X, v).bound == pytest.approx(2**0.5 * 1e-200, rel=1e-10)


def test_nothing_to_cover():
    for X, v in (
        (np.zeros((0, 3)), []),
        (np.zeros((3, 0)), [1.0, 2.0, 3.0]),
        (np.zeros((3, 2)), [1.0, 2.0, 3.0]),
        (np.eye(3), np.zeros(3)),
    ):
        found = cover_sphere(X, v)
        assert (found.bound, found.value, found.is_reached) == (0.0, 0.0, True)


def test_wrong_shapes_are_refused():
    X = np.eye(3)
    with pytest.raises(InputError, match=r"X has shape \(3, 3\) and v \(2,\)"):
        cover_sphere(X, [1.0, 2.0])
    with pytest.raises(InputError, match="X_error has shape"):
        cover_sphere(X, [1.0, 2.0, 3.0], X_error=X[:2])
    with pytest.raises(InputError, match="hints has shape"):
        cover_sphere(X, [1.0, 2.0, 3.0], hints=X[:, :2])
    with pytest.raises(InputError, match=r"rtol=0\.0; expected at least"):
        cover_sphere(X, [1.0, 2.0, 3.0], rtol=0.0)
    with pytest.raises(InputError, match=r"floor=-1\.0"):
        cover_sphere(X, [1.0, 2.0, 3.0], floor=-1.0)


@SMALL
@given(st.integers(0, 10**6))
def test_bounded_squares_is_optimal_in_its_box(seed):
    rng = np.random.default_rng(seed)
    r, count = int(rng.integers(1, 5)), int(rng.integers(0, 9))
    vectors = rng.integers(-2, 3, (count + r, r)).astype(float)
    start = rng.standard_normal(r)
    upper = rng.choice([1.0, np.inf], count + r)
    x = np.where(np.isinf(upper), 0.0, rng.integers(0, 2, count + r) * 1.0)
    residual, free = np.zeros(r), np.zeros(r + 1, np.int64)
    arguments = (vectors, upper, count, x, residual, start, free)
    # what scratch holds before does not matter
    sizes = ((r + 1, r), (r + 1, r + 1), r + 1, r)
    bounded_squares(*arguments, Spare(*(rng.standard_normal(k) for k in sizes)))
    assert np.all((x[:count] >= 0.0) & (x[:count] <= upper[:count]))
    assert residual == pytest.approx(start + x[:count] @ vectors[:count])
    slope = vectors[:count] @ residual
    assert np.all(slope[x[:count] < upper[:count]] >= -1e-9)
    assert np.all(slope[x[:count] > 0.0] <= 1e-9)


@SMALL
@given(st.integers(0, 10**6))
def test_any_vector_gives_a_bound_of_a_linear_function(seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(1, 5))
    weights = rng.integers(0, 8, (r, r)) + 8 * np.eye(r)
    vertices = weights / 2 ** np.ceil(np.log2(weights.sum(axis=1)))[:, None]
    vertices[:, 0] += 1.0 - vertices.sum(axis=1)  # exact: small dyadic numbers
    line = rng.standard_normal(r)
    vector = rng.standard_normal(r)
    bound = verified_norm(vertices, vector, line, np.zeros(r))
    mix = rng.dirichlet(np.ones(r), 200)
    values = mix @ line / np.linalg.norm(mix @ vertices, axis=1)
    assert values.max() <= bound
    lengths = np.linalg.norm(vertices, axis=1)
    unit = vertices / lengths[:, None]
    worst = 2.0 - 2.0 * (unit @ unit.T).min()
    bound = vertex_bound(lengths, worst, line, np.zeros(r))
    assert values.max() <= bound


def dyadic_cone(rng, r):
    """Vertices (r, r) with entries in 1/64, exactly on the cross-polytope."""
    inner = rng.multinomial(16, np.ones(r) / r, size=r) / 64
    return inner + 0.75 * np.eye(r)


@SMALL
@given(st.integers(0, 10**6))
def test_chords_and_tangents_are_above_the_function_on_the_cone(seed):
    rng = np.random.default_rng(seed)
    r, count = int(rng.integers(1, 5)), int(rng.integers(0, 12))
    n_convex = int(rng.integers(0, count + 1))
    V, A, g = dyadic_cone(rng, r), rng.standard_normal((r, count)), rng.random(r)
    signs = np.where(np.arange(count) < n_convex, 1.0, -1.0)

    def value(u):
        return u @ g + np.maximum(u @ A, 0.0) @ signs

    values, tangent = np.ascontiguousarray(V @ A), rng.standard_normal(count)
    line, errors = np.zeros(r), np.zeros(r)
    linear_values(V, g, values, n_convex, tangent, line, errors)
    weights = np.vstack([rng.dirichlet(np.ones(r), 300), np.eye(r)])
    u = weights @ V
    slack = 1e-14 * (1 + count)
    assert np.all(value(u) <= weights @ (line + errors) + slack)
    assert np.all(errors <= slack * 10)
    # all convex: nothing is lost at the vertices
    linear_values(V, g, values, count, tangent, line, errors)
    assert line == pytest.approx(V @ g + np.maximum(values, 0.0).sum(axis=1))
    lengths = np.linalg.norm(V, axis=1)
    linear_values(V, g, values, n_convex, tangent, line, errors)
    other, other_errors = np.zeros(r), np.zeros(r)
    linear_values(V, g, values, n_convex, -tangent, other, other_errors)
    mix_bounds(line, errors, other, other_errors, 0.25, lengths)
    assert np.all(value(u) <= weights @ (line + errors) + slack)
    new = vertex_value(V[0], g, values[0], n_convex, count)
    assert new == pytest.approx(value(V[0]) / lengths[0])


@SMALL
@given(st.integers(0, 10**6))
def test_signs_and_multipliers_are_above_the_function_on_their_part(seed):
    rng = np.random.default_rng(seed)
    r, count = int(rng.integers(1, 5)), int(rng.integers(0, 7))
    n_convex = int(rng.integers(0, min(count, 3) + 1))
    V = dyadic_cone(rng, r)
    A, g = rng.standard_normal((r, count)), rng.standard_normal(r)
    signs = np.where(np.arange(count) < n_convex, 1.0, -1.0)
    rows = np.arange(count)
    values = np.ascontiguousarray(V @ A)
    normals, work = np.zeros((r, r)), np.zeros((r, r))
    assert invert(V, normals, work)
    assert normals @ V.T == pytest.approx(np.eye(r), abs=1e-12)
    u = rng.dirichlet(np.ones(r), 3000) @ V
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    exact = u @ g + np.maximum(u @ A, 0.0) @ signs
    bits = (u @ A[:, :n_convex] >= 0.0) @ (1 << np.arange(n_convex))
    k = count + r
    spaces = (np.zeros((k, r)), np.zeros(k), np.zeros(k), np.zeros(r))
    sizes = ((r + 1, r), (r + 1, r + 1), r + 1, r)
    spare = Spare(*(np.zeros(k) for k in sizes))
    spaces = Squares(*spaces, np.zeros(r + 1, np.int64), spare)
    vector, line, errors = np.zeros(r), np.zeros(r), np.zeros(r)
    for pattern in range(1 << n_convex):
        here = exact[bits == pattern]
        bound, _ = cell_bounds.pattern_bound(
            A, V, g, rows, values, n_convex, pattern, rng.standard_normal(count),
            normals, vector, line, errors, spaces,
        )  # fmt: skip
        assert here.max(initial=0.0) <= bound * (1 + 1e-14)
        free = g + A[:, :n_convex] @ (pattern >> np.arange(n_convex) & 1)
        assert bound <= np.linalg.norm(free) + np.abs(A[:, n_convex:]).sum() + 1e-12


@pytest.mark.parametrize("r", range(1, 7))
def test_the_bound_of_an_orthant_is_that_of_its_middle(r):
    line, lengths = np.ones(r), np.ones(r)
    worst = 2.0 if r > 1 else 0.0
    bound = vertex_bound(lengths, worst, line, np.zeros(r))
    assert r**0.5 <= bound <= r**0.5 * (1 + 1e-12)


@pytest.mark.parametrize("low", [-1e-8, -1e-16, -1e-300])
def test_a_row_is_linear_only_where_no_vertex_is_on_the_other_side(low):
    row, eye = np.array([[low, 1.0]]), np.eye(2)
    problem = SignedRows(
        row, np.ones(1), np.zeros(2), np.zeros(1, int), eye, 1.0, 0.0, 0
    )
    piece = pieces.piece_of(pieces.side_of(problem, 1.0), 0, 4, 0)
    A = piece.side.columns
    own = pieces.make_scratch(2, 1).parent
    own.values[:, 0] = A[0, 0], A[1, 0], 0.5 * (A[0, 0] + A[1, 0])
    own.vertices[:] = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    own.gradient[:] = 0.0
    for drop, cut in ((1, 1), (0, 0)):
        halve(A, piece.stack, piece.pool, own, 0, 0, 1, 1, drop)
        assert piece.stack.sizes[0].tolist() == [0, cut, cut]
        high = piece.stack.high[0]
        assert np.array_equal(high, np.zeros(2) if cut else A[:, 0])


def test_an_edge_is_halved_exactly_or_not_at_all():
    vertices = np.zeros((3, 2))
    vertices[:2] = [[1.0, 0.0], [0.75, 0.25]]
    assert midpoint(vertices, 0, 1)
    assert vertices[2].tolist() == [0.875, 0.125]
    vertices[:2] = [[1.0, 0.0], [1.0 - 2.0**-53, 2.0**-53]]
    assert not midpoint(vertices, 0, 1)
    assert not midpoint(vertices, 1, 1)


def test_kernels_are_compiled_once():
    cover_sphere(np.eye(2), [1.0, -1.0])
    cover_sphere(np.asfortranarray(np.ones((3, 2))), [1, 2, 3], n_peaks=3)
    if hasattr(covering.cover, "signatures"):
        assert len(covering.cover.signatures) == 1
        # none at all where the caller came from the cache
        kernels = [covering.settle, covering.note_best]
        kernels += [squares.bounded_squares, cell_bounds.linear_values]
        assert max(len(kernel.signatures) for kernel in kernels) <= 1
