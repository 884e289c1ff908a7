"""What holds for every solution of the solver."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from convex_solver import SolutionStatus, solve

from reference import losses


def exact_outputs(program, network):
    """Predictions (n,) for the exact data, in fractions and from the definition."""
    data, scaling = program.data, program.scaling
    rows = []
    for row in data.rows.exact:
        x = [Fraction(entry) for entry in row]
        if scaling is not None:
            scales = zip(scaling.center.tolist(), scaling.scale.tolist(), strict=True)
            x = [
                (a - Fraction(c)) / Fraction(s)
                for a, (c, s) in zip(x, scales, strict=True)
            ]
        rows.append(x + [Fraction(1)] * data.intercept)
    alphas = [Fraction(a) for a in network.alphas.tolist()]
    weights = [[Fraction(w) for w in u] for u in network.weights.tolist()]
    f, K = [], data.n_patches
    for i in range(program.n):
        total = Fraction(0)
        for x in rows[i * K : (i + 1) * K]:
            for a, u in zip(alphas, weights, strict=True):
                h = sum(p * q for p, q in zip(x, u, strict=True))
                total += a * max(h, Fraction(0))
        f.append(total)
    return f


def exact_objective(program, network):
    """Objective (2) for the exact data, in fractions and from its definition."""
    data, f = program.data, exact_outputs(program, network)
    counts = data.weights_exact or (1,) * program.n
    weights = network.weights.ravel().tolist() + network.alphas.tolist()
    squares = sum(Fraction(w) ** 2 for w in weights)
    decay = Fraction(program.beta) / 2 * squares
    return losses.total(str(program.loss), f, data.y_exact, counts) + decay


def check(program, solution):
    """What holds for every solution, whatever ended it."""
    certificate = solution.certificate
    assert np.isfinite(solution.objective)
    assert 0 <= solution.lower_bound <= certificate.upper_bound
    assert solution.objective <= certificate.upper_bound
    assert solution.lower_bound <= solution.objective * (1 + 1e-14)
    assert solution.gap >= 0
    evaluated = program.network_objective(solution.network)
    if evaluated > certificate.upper_bound:
        # float64 adds rounding to the loss, and the certificate does not
        assert exact_objective(program, solution.network) <= certificate.upper_bound
    assert solution.objective == min(evaluated, certificate.upper_bound)
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
