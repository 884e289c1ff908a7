"""No local search beats a certified optimum by more than its gap."""

import numpy as np
import pytest

from convex_solver import ConvexProgram, SolutionStatus, solve
from convex_solver.losses.loss import LOSSES
from convex_solver.training import train

from instances import searchable

TOL = 1e-9

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("loss", LOSSES)
def test_fifty_starts_never_beat_the_optimum_and_come_close_to_it(loss):
    """Good searches, at that: on half of the instances the best is within 1%."""
    close = 0
    for k in range(20):
        X, y, beta = searchable(loss, k)
        program = ConvexProgram(X, y, beta, loss=loss)
        solution = solve(program, tol=TOL)
        assert solution.status is SolutionStatus.OPTIMAL
        found = train(program, n_neurons=15, n_starts=50, steps=1000, seed=k)
        assert found.n_diverged == 0
        assert np.all(found.objectives >= solution.objective * (1.0 - solution.gap))
        assert np.all(found.objectives >= solution.lower_bound)
        close += found.objective <= 1.01 * solution.objective
    assert close >= 20 / 2
