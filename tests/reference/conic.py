"""Solve a program in standard conic form with Clarabel, which reads it as it is."""

from __future__ import annotations

import clarabel

_KINDS = {
    "zero": clarabel.ZeroConeT,
    "nonnegative": clarabel.NonnegativeConeT,
    "second_order": clarabel.SecondOrderConeT,
}


def solve_conic(conic, tolerance=1e-9):
    """Return Clarabel's optimum and solution."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.max_threads = 1
    cones = [
        clarabel.ExponentialConeT() if kind == "exponential" else _KINDS[kind](size)
        for kind, size in conic.cones
    ]
    solver = clarabel.DefaultSolver(conic.P, conic.q, conic.A, conic.b, cones, settings)
    solution = solver.solve()
    return solution.obj_val + conic.constant, solution.x
