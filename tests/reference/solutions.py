"""What holds for every solution of the solver."""

from __future__ import annotations

import numpy as np

from convex_solver import SolutionStatus, solve


def check(program, solution):
    """What holds for every solution, whatever ended it."""
    certificate = solution.certificate
    assert np.isfinite(solution.objective)
    assert 0 <= solution.lower_bound <= certificate.upper_bound
    assert solution.objective <= certificate.upper_bound
    assert solution.lower_bound <= solution.objective * (1 + 1e-14)
    assert solution.gap >= 0
    assert solution.objective == program.network_objective(solution.network)
    assert solution.network.n_neurons <= program.n
    assert np.isfinite(solution.network.weights).all()
    assert solution.status is certificate.status(solution.tol)
    assert (solution.status is SolutionStatus.OPTIMAL) == (solution.gap <= solution.tol)
    assert (solution.stopped == "tolerance") == (solution.gap <= solution.tol)
    uppers = [step.upper for step in solution.history]
    assert uppers == sorted(uppers, reverse=True)
    seconds = [step.seconds for step in solution.history]
    assert seconds == sorted(seconds)
    assert all(
        step.gap >= 0 and step.n_blocks >= step.added for step in solution.history
    )
    u = np.random.default_rng(0).standard_normal((program.d, 2000))
    u /= np.linalg.norm(u, axis=0)
    values = certificate.dual @ np.maximum(program.X @ u, 0)
    assert np.abs(values).max(initial=0) <= program.beta * (1 + 1e-12)


def checked(program, **options):
    solution = solve(program, **options)
    check(program, solution)
    return solution
