"""Real data, certified to 1e-8: penguins ship, the others need ARRANGEMENT_DATA."""

import numpy as np
import pytest

from arrangement import count_patterns
from convex_solver import ConvexProgram, SolutionStatus, certify, load_penguins, solve

from reference.raw import raw_data
from reference.solutions import check

TOL = 1e-8


def certified(program, optimum):
    """Solve, and recompute the objective in the columns of the raw data."""
    solution = solve(program, tol=TOL)
    check(program, solution)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= TOL
    assert solution.objective == pytest.approx(optimum, rel=2e-8)
    network = solution.network
    X, y = raw_data(program)
    X, y = np.array(X, dtype=float), np.array(y, dtype=float)
    if program.scaling is not None:
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    X = np.column_stack([X, np.ones(len(X))])
    f = np.maximum(X @ network.weights.T, 0) @ network.alphas
    fit = {
        "squared": 0.5 * np.sum((f - y) ** 2),
        "hinge": np.sum(np.maximum(0, 1 - y * f)),
        "logistic": np.sum(np.logaddexp(0, -y * f)),
    }[program.loss.name]
    decay = np.sum(network.weights**2) + np.sum(network.alphas**2)
    value = fit + 0.5 * program.beta * decay
    assert solution.objective == pytest.approx(value, rel=1e-9)
    return solution


@pytest.mark.parametrize(
    ("beta", "optimum"),
    [
        (1.0, 35.146989441),
        pytest.param(0.1, 28.900735783, marks=pytest.mark.slow),
        pytest.param(0.01, 11.663494712, marks=pytest.mark.slow),
    ],
)
def test_body_mass_of_penguins_by_flipper_and_bill(beta, optimum):
    X, y = load_penguins(("flipper_length_mm", "bill_length_mm"))
    y = np.array(y, dtype=float)
    y = (y - y.mean()) / y.std()
    program = ConvexProgram(X, y, beta, standardize=True, intercept=True)
    assert program.n == 342
    assert program.rank == 3
    certified(program, optimum)


@pytest.mark.parametrize(
    ("beta", "optimum"),
    [(1.0, 32.192229661), (0.1, 16.015240366), (0.01, 12.564216059)],
)
def test_motorcycle_accidents(data_folder, beta, optimum):
    data = np.load(data_folder / "mcycle.npz")
    y = (data["y"] - data["y"].mean()) / data["y"].std()
    program = ConvexProgram(data["X"], y, beta, standardize=True, intercept=True)
    solution = certified(program, optimum)
    # all 188 chambers, the other way to certify
    listed = certify(
        solution.network,
        *raw_data(program),
        beta,
        dual=solution.certificate.dual,
        method="chambers",
    )
    assert listed.n_patterns == count_patterns(program.arrangement) == 188
    assert listed.gap <= TOL
    # 94 distinct times: no more neurons than different rows are needed
    assert solution.network.n_neurons <= 94


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "beta", "optimum"),
    [
        ("hinge", 1.0, 89.296100870),
        pytest.param("hinge", 0.1, 61.555335449, marks=pytest.mark.slow),
        pytest.param("hinge", 0.01, 20.623444106, marks=pytest.mark.slow),
        ("logistic", 1.0, 92.078620882),
        ("logistic", 0.1, 64.437372773),
        pytest.param("logistic", 0.01, 36.880243007, marks=pytest.mark.slow),
    ],
)
def test_ripley_s_two_classes(data_folder, loss, beta, optimum):
    data = np.load(data_folder / "ripley_synth.npz")
    y = 2 * data["y"].astype(int) - 1
    program = ConvexProgram(data["X"], y, beta, loss=loss, intercept=True)
    certified(program, optimum)
