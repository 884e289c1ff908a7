"""Betas at which the rounding of weights costs more than the tolerance."""

from __future__ import annotations

import numpy as np
import pytest

from convex_solver import ConvexProgram, SolutionStatus, certify
from convex_solver.checker import main
from convex_solver.proofs import write_proof

from reference.questions import any_question
from reference.solutions import checked, exact_objective

LOSSES = ["absolute", "quantile:0.3", "epsilon_insensitive:0.01"]


def a_program(loss, kind, n=11):
    """Targets with noise: networks reach all of them, at a cost of about beta."""
    random = np.random.default_rng(7)
    X = random.standard_normal((n, 2))
    if kind == "raw":
        X = 1e2 * (30.0 + X)
    y = random.standard_normal(n)
    options = {"loss": loss, "standardize": kind == "standardised", "intercept": True}
    return ConvexProgram(X, y, 2e-11, **options), X, y


@pytest.mark.parametrize("kind", ["standardised", "plain", "raw"])
@pytest.mark.parametrize("loss", LOSSES)
def test_tiny_betas_are_certified_where_rounding_costs_more(loss, kind):
    program, X, y = a_program(loss, kind)
    # columns of a mean of 30 deviations have fewer digits
    tol = 1e-6 if kind == "raw" else 1e-7
    solution = checked(program, tol=tol, time_limit=60)
    assert solution.status is SolutionStatus.OPTIMAL
    # in fractions, from the definition
    objective = exact_objective(program, solution.network)
    assert objective <= solution.certificate.upper_bound
    assert solution.lower_bound <= objective
    again = certify(
        solution.network,
        X,
        y,
        program.beta,
        loss=loss,
        dual=solution.certificate.dual,
        rtol=0.05 * tol,
    )
    assert again.gap <= tol


@pytest.mark.slow
def test_the_checker_in_fractions_finds_the_same_bound(tmp_path, capsys):
    program, X, y = a_program("absolute", "standardised", n=6)
    solution = checked(program, tol=1e-7, time_limit=60)
    proof, table = tmp_path / "proof.json", tmp_path / "data.csv"
    dual = solution.certificate.dual
    write_proof(proof, program.data, solution.network, dual, program.beta, program.loss)
    rows = [",".join(map(repr, row)) for row in np.column_stack([X, y]).tolist()]
    table.write_text("\n".join(rows) + "\n")
    assert main([str(proof), str(table)]) == 0
    shown = capsys.readouterr().out
    upper = next(line.split()[1] for line in shown.splitlines() if "upper" in line)
    found = float(upper.rstrip(":"))
    assert found == pytest.approx(solution.certificate.upper_bound, rel=1e-7)


@pytest.mark.slow
def test_a_network_that_is_hard_to_narrow_is_mended():
    program, _, _ = a_program("absolute", "raw")
    solution = checked(program, tol=1e-7, time_limit=60)
    # its neurons fall from more than n to n at a cost of more than a percent at first
    assert solution.gap <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "loss"),
    [
        (333, "absolute"),
        (306, "absolute"),
        (366, "quantile"),
        (207, "absolute"),
        (135, "absolute"),
        (405, "absolute"),
    ],
)
def test_data_of_the_benchmark_where_rounding_costs_more_than_the_tolerance(k, loss):
    _, question = any_question(k, loss)
    program = ConvexProgram(**question)
    solution = checked(program, tol=1e-6, time_limit=60)
    assert solution.status is SolutionStatus.OPTIMAL
    decay = solution.network.decay(program.beta)
    # the loss is next to nothing, counted exactly
    assert solution.certificate.upper_bound <= decay * (1.0 + 6e-7)
