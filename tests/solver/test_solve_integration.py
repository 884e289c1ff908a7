"""The global optimum: against CVXPY, known values, and the bounds themselves."""

import itertools
import time

import numpy as np
import pytest

from arrangement import count_patterns
from convex_solver import (
    ConvexProgram,
    InputError,
    InputTypeError,
    ProgramTooLargeError,
    SolutionStatus,
    beta_max,
    build_conic,
    certify,
    iter_batches,
    solve,
    to_cvxpy,
)
from convex_solver.losses.loss import get_loss
from convex_solver.restricted.cutting_planes import CuttingSet
from convex_solver.solver import column_generation
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.search import Search

from instances import FIVE, FIVE_Y, planted, planted_program
from reference.raw import raw_data
from reference.solutions import checked

LOSSES = ("squared", "hinge", "logistic")


def test_the_five_points_have_their_known_optimum():
    solution = solve(ConvexProgram(FIVE, FIVE_Y, 1e-4))
    assert solution.objective == pytest.approx(0.0010128, abs=5e-8)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap < 1e-8
    assert (solution.method, solution.stopped) == ("full", "tolerance")
    # two signs of each chamber, less what was no use
    assert 1 <= solution.n_blocks <= 2 * count_patterns(FIVE)


@pytest.mark.parametrize("beta", [0.1, 1e-3])
@pytest.mark.parametrize(("n", "r"), [(20, 3), (20, 4), (50, 3)])
def test_certified_to_a_millionth_on_gaussian_data(n, r, beta):
    X, y = planted(n, r)
    solution = checked(ConvexProgram(X, y, beta))
    assert solution.method == "column-generation"
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective <= solution.lower_bound * (1 + 1e-6)
    assert solution.lower_bound <= solution.network.objective(X, y, beta)


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "r"), [(20, 1), (20, 2), (12, 3), (8, 4)])
@pytest.mark.parametrize("beta", [1.0, 0.1, 1e-3])
def test_cvxpy_both_methods_and_a_listing_of_the_chambers_agree(loss, n, r, beta):
    if loss == "logistic":
        beta = max(beta, 1e-2)  # Clarabel gives up on exponential cones below that
    program = planted_program(loss, n, r, beta, seed=r)
    value = to_cvxpy(program).solve(solver="CLARABEL")
    for method in ("full", "column-generation"):
        solution = checked(program, method=method, tol=1e-8)
        assert solution.method == method
        assert solution.status is SolutionStatus.OPTIMAL
        # Clarabel's own accuracy
        assert solution.objective == pytest.approx(value, rel=5e-6)
    listed = certify(
        solution.network,
        *raw_data(program),
        beta,
        loss=loss,
        dual=solution.certificate.dual,
        method="chambers",
    )
    assert listed.n_patterns == count_patterns(program.arrangement)
    assert listed.gap <= 1e-8
    assert listed.lower_bound == pytest.approx(solution.lower_bound, rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_paper_s_formula_in_cvxpy_agrees(loss):
    program = planted_program(loss, 9, 3, 0.05, seed=4)
    solution = checked(program)
    value = to_cvxpy(program, cones="rows").solve(solver="CLARABEL")
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert solution.lower_bound <= value * (1 + 1e-7)


def test_facets_are_four_times_fewer_than_the_paper_s_rows():
    program = planted_program("squared", 20, 3, 0.1)
    conic = build_conic(program)
    assert conic.n_chambers == count_patterns(program.arrangement)
    assert 2 * 20 * conic.n_chambers >= 4 * conic.n_cone_rows


@pytest.mark.parametrize("loss", LOSSES)
def test_degenerate_data_are_certified(loss):
    X = [[1, 0, 1], [1, 0, 1], [0, 0, 0], [-2, 0, -2], [0, 1, 1], [1, 1, 2], [3, 1, 4]]
    y = [1, -1, 1, -1, 1, 1, -1]
    solution = checked(ConvexProgram(X, y, 0.1, loss=loss))
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.network.weights.shape[1] == 3


def test_heavy_decay_gives_the_zero_network():
    X, y = planted(12, 2)
    solution = checked(ConvexProgram(X, y, 1e4))
    assert solution.network.n_neurons == 0
    assert solution.objective == pytest.approx(0.5 * y @ y)
    assert solution.gap < 1e-12


def test_zero_targets_cost_nothing():
    solution = checked(ConvexProgram(FIVE, [0] * 5, 0.1))
    assert solution.objective == 0.0
    assert solution.gap == 0.0
    assert beta_max(ConvexProgram(FIVE, [0] * 5, 0.1)) == 0.0


@pytest.mark.parametrize("loss", LOSSES)
def test_constant_targets(loss):
    X, _ = planted(12, 3)
    solution = checked(ConvexProgram(X, np.ones(12), 0.1, loss=loss))
    assert solution.status is SolutionStatus.OPTIMAL
    if loss == "hinge":  # one neuron on the ones column: |u| = |alpha| = 1
        assert solution.objective == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("method", ["auto", "full", "column-generation"])
@pytest.mark.parametrize("loss", LOSSES)
def test_no_rank_and_rank_one(loss, method):
    y = np.array([1, -1, 1, 1])
    zero = checked(ConvexProgram(np.zeros((4, 2)), y, 0.1, loss=loss), method=method)
    assert zero.network.n_neurons == 0
    assert zero.status is SolutionStatus.OPTIMAL
    assert zero.objective == get_loss(loss).at(y).value(np.zeros(4))
    X = np.outer([1, -2, 0, 3], [3, 4])
    thin = ConvexProgram(X, y, 0.1, loss=loss)
    line = ConvexProgram(X @ [[3 / 5], [4 / 5]], y, 0.1, loss=loss)
    solution = checked(thin, method=method, tol=1e-8)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective == pytest.approx(
        checked(line, method=method, tol=1e-8).objective, rel=2e-8
    )


def test_one_row_has_its_closed_form():
    # 1/2 (a - y)^2 + beta a / |x|, the least of which is at a = y - beta / |x|
    solution = checked(ConvexProgram([[1.0, 2.0, 2.0]], [1.0], 0.3))
    assert solution.network.n_neurons == 1
    assert solution.objective == pytest.approx(0.5 * 0.1**2 + 0.1 * 0.9, rel=1e-9)
    assert beta_max(ConvexProgram([[1.0, 2.0, 2.0]], [1.0], 0.3)) == pytest.approx(3)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_dependent_columns_change_the_norms_alone(loss):
    plain = planted_program(loss, 14, 3, 0.1, seed=2)
    X, y = raw_data(plain)
    turned, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))
    wide = ConvexProgram((X @ turned[:3]), y, 0.1, loss=loss)
    # rounding makes the rank 5 in exact arithmetic; integers keep it
    assert wide.rank == 5
    exact = ConvexProgram(np.column_stack([X, X[:, 0], 0 * y]), y, 0.1, loss=loss)
    assert exact.rank == 3
    for program in (wide, exact):
        assert checked(program).status is SolutionStatus.OPTIMAL
    assert checked(wide, tol=1e-8).objective == pytest.approx(
        checked(plain, tol=1e-8).objective, rel=1e-7
    )
    assert solve(exact).objective <= solve(plain).objective * (1 + 1e-6)


@pytest.mark.parametrize("size", [1e-6, 1e6])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_scale_of_the_data_does_not_matter(loss, size):
    plain = planted_program(loss, 12, 3, 0.1, seed=1)
    X, y = raw_data(plain)
    value = checked(plain, tol=1e-9).objective
    # (size X, size beta) has the neurons of (X, beta), shorter or longer
    scaled = ConvexProgram(size * X, y, size * 0.1, loss=loss)
    assert checked(scaled, tol=1e-8).objective == pytest.approx(value, rel=1e-8)
    assert beta_max(scaled) == pytest.approx(size * beta_max(plain), rel=1e-10)
    for other in (ConvexProgram(size * X, y, 0.1, loss=loss),):
        assert checked(other).status is SolutionStatus.OPTIMAL
    if loss == "squared":
        scaled = ConvexProgram(X, size * y, size * 0.1)
        found = checked(scaled, tol=1e-8).objective
        assert found == pytest.approx(size**2 * value, rel=1e-8)
        assert checked(ConvexProgram(X, size * y, 0.1)).gap <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_standardising_keeps_the_patterns_and_the_raw_prediction(loss):
    plain = planted_program(loss, 15, 3, 0.1, seed=2)
    X, y = raw_data(plain)
    raw = 100 + 7 * X[:, :2]
    program = ConvexProgram(raw, y, 0.1, loss=loss, standardize=True, intercept=True)
    solution = checked(program)
    assert solution.status is SolutionStatus.OPTIMAL
    fit = solution.network.predict(raw)
    assert program.data_term.value(fit) < solution.objective
    assert solution.network.objective(raw, y, 0.1, loss=loss) == pytest.approx(
        solution.objective
    )
    # another affine map of the columns changes nothing
    other = ConvexProgram(
        0.01 * raw - 5, y, 0.1, loss=loss, standardize=True, intercept=True
    )
    assert checked(other).objective == pytest.approx(solution.objective, rel=1e-6)
    full = checked(program, method="full")
    assert full.objective == pytest.approx(solution.objective, rel=2e-6)


def test_decimals_are_read_as_decimals():
    X = [[0.1, 1], [0.2, 1], [0.3, 1], [0.7, 1], [0.6, 2]]  # the last is twice row 3
    y = [0.1, 0.4, 0.2, 0.9, 0.3]
    decimal = ConvexProgram(X, y, 0.01, floats="decimal")
    binary = ConvexProgram(X, y, 0.01)
    assert decimal.arrangement.n_distinct == 4
    assert binary.arrangement.n_distinct == 4 + (0.3 * 2 != 0.6)
    found = checked(decimal, tol=1e-9)
    assert found.status is SolutionStatus.OPTIMAL
    assert found.objective == pytest.approx(checked(binary).objective, rel=2e-6)


def test_no_better_network_is_found_by_perturbing_the_optimum():
    X, y = planted(10, 2, seed=6)
    solution = solve(ConvexProgram(X, y, 0.1))
    net = solution.network
    rng = np.random.default_rng(0)
    for size in 10.0 ** -np.arange(1, 7):
        for _ in range(50):
            other = net.replace(
                net.weights + size * rng.standard_normal(net.weights.shape),
                net.alphas + size * rng.standard_normal(net.alphas.shape),
            )
            assert other.objective(X, y, 0.1) >= solution.lower_bound


def test_batches_are_the_chambers_with_facets_that_describe_their_cones():
    X, y = planted(14, 3)
    batches = list(iter_batches(ConvexProgram(X, y, 0.1), batch_size=10))
    assert [len(b.patterns) for b in batches[:-1]] == [10] * (len(batches) - 1)
    assert sum(len(b.patterns) for b in batches) == count_patterns(X)
    for batch in batches[:3]:
        for bits, facets, rays in zip(
            batch.patterns, batch.facets, batch.patterns.rays(), strict=True
        ):
            sides = np.where(bits, 1, -1)
            products = np.array(rays, dtype=float) @ (sides[:, None] * X).T
            # every facet holds at least r - 1 rays, no ray is outside
            scale = np.abs(products).max(axis=1, keepdims=True)
            assert (products >= -1e-9 * scale).all()
            assert ((np.abs(products) <= 1e-9 * scale)[:, facets].sum(0) >= 2).all()


def test_a_program_that_is_too_large_is_refused_with_its_size():
    X = np.random.default_rng(0).integers(-99, 100, (300, 3))
    program = ConvexProgram(X, np.zeros(300), 0.1)
    with pytest.raises(ProgramTooLargeError, match=r"89,\d{3} chambers"):
        solve(program, method="full")
    assert solve(program).status is SolutionStatus.OPTIMAL  # never refused


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"beta": -1}, InputError, "finite number above 0"),
        ({"beta": 0}, InputError, "finite number above 0"),
        ({"beta": float("nan")}, InputError, "finite number above 0"),
        ({"beta": float("inf")}, InputError, "finite number above 0"),
        ({"beta": "1"}, InputTypeError, "expected a number. Use float"),
        ({"y": [1, 2]}, InputError, "length 2; expected 5"),
        ({"y": [1, 2, 3, 4, float("nan")]}, InputError, "finite"),
        ({"X": [[1, 2], [3]]}, InputError, "ragged"),
        ({"X": np.zeros((0, 2)), "y": []}, InputError, "at least one row"),
        ({"X": np.zeros((5, 0))}, InputError, "at least one row and one column"),
        ({"X": np.zeros(5)}, InputError, "shape"),
        ({"X": np.zeros((5, 2), dtype=complex)}, InputTypeError, "complex"),
        ({"loss": "cubic"}, InputError, "unknown; use one of absolute, "),
        ({"loss": "hinge", "y": [0, 1, 0, 1, 1]}, InputError, "labels -1 and"),
        ({"loss": "logistic", "y": [2, 1, -1, 1, 1]}, InputError, "labels -1 and"),
    ],
)
def test_bad_input_is_refused_with_what_is_required(change, error, message):
    given = {"X": FIVE, "y": FIVE_Y, "beta": 0.1, "loss": "squared"} | change
    with pytest.raises(error, match=message):
        ConvexProgram(given["X"], given["y"], given["beta"], loss=given["loss"])


def test_what_climbing_misses_the_covering_finds(monkeypatch):
    def blind(self, v, weights, signs):
        self.maxima = self.pricer.maxima(v, np.ones((1, self.X.shape[1])), 0)

    monkeypatch.setattr(Search, "climb", blind)
    monkeypatch.setattr(column_generation, "FEW", 0)
    lines = []
    random = np.random.default_rng(3)
    X = np.column_stack([random.standard_normal((30, 2)), np.ones(30)])
    program = ConvexProgram(X, random.standard_normal(30), 0.1)
    solution = solve(
        program, tol=1e-8, progress=lambda latest: lines.append(str(latest))
    )
    assert any("the covering of the sphere found" in line for line in lines)
    assert solution.status is SolutionStatus.OPTIMAL


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_clock(monkeypatch):
    X, y = planted(50, 3)
    program = ConvexProgram(X, y, 0.05)
    ends = []
    # every look at a clock that stands still or leaps
    for steps in ([0.0], [0.0, 100.0], [100.0, 0.0, 0.0]):
        ticks = itertools.accumulate(itertools.cycle(steps))
        monkeypatch.setattr(time, "monotonic", ticks.__next__)
        found = solve(program)
        rounds = [(latest.upper, latest.n_blocks) for latest in found.history]
        ends.append((found.objective, found.lower_bound, rounds))
    assert all(end == ends[0] for end in ends[1:])


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_high_rank_is_solved_with_few_rows_a_cone(loss):
    # cones start with 14 of 20 rows, and get those that a solution breaks
    rng = np.random.default_rng(2)
    X = rng.standard_normal((20, 7))
    y = np.where(rng.standard_normal(20) > 0, 1.0, -1.0)
    program = ConvexProgram(X, y, 1.0, loss=loss)
    assert isinstance(ColumnGeneration(program, 1e-6).columns.blocks, CuttingSet)
    solution = checked(program, tol=1e-6, max_cones=3 * 10**6)
    assert solution.status is SolutionStatus.OPTIMAL
