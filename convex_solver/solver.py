"""`solve`: the global optimum of a `ConvexProgram`, with its certificate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement import enumerate_patterns
from convex_solver.builder import ConicProgram, build_conic
from convex_solver.certificate import Certificate, SolutionStatus, certify
from convex_solver.errors import InputError
from convex_solver.network import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.recovery import merge_neurons, network_from_blocks

Array = NDArray[np.float64]
Progress = Callable[[str], object]

METHODS = ("auto", "full")


@dataclass(frozen=True, eq=False)
class Solution:
    """A network and how far it can be from the best one.

    Attributes
    ----------
    objective : float
        Objective (2) of ``network`` itself, in float64.
    lower_bound : float
        Certified: no network has a smaller objective.
    gap : float
        Relative, ``(upper - lower) / upper``, with both bounds certified.
    status : SolutionStatus
        OPTIMAL exactly when the certificate's gap is at most the tolerance.
    network : TwoLayerReLU
    certificate : Certificate
    n_chambers : int
        Blocks of the program that was solved: all chambers.
    method, seconds, tol
        How it was solved, in how long, to which relative gap.
    """

    objective: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: TwoLayerReLU = field(repr=False)
    certificate: Certificate = field(repr=False)
    n_chambers: int
    method: str
    seconds: float
    tol: float


def solve(
    program: ConvexProgram,
    *,
    method: str = "auto",
    tol: float = 1e-6,
    progress: Progress | None = None,
) -> Solution:
    """Solve the full program and certify the network that comes out of it.

    Parameters
    ----------
    program : ConvexProgram
    method : {"auto", "full"}
        Both solve the program over all chambers by an interior point method.
    tol : float
        Relative gap at which the status is optimal.
    progress : callable, optional
        Called with a line of text at each stage.

    Returns
    -------
    Solution

    Raises
    ------
    ProgramTooLargeError
        Before anything is solved, with the number of chambers and what to do.
    InputError
        Unknown method, tol not positive.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> solution = solve(ConvexProgram(X, [1, -1, 1, 1, -1], 1e-4))
    >>> solution.status.value, round(solution.objective, 7)
    ('optimal', 0.0010128)
    """
    if method not in METHODS:
        raise InputError(f"method={method!r} is unknown; use one of {METHODS}.")
    if not tol > 0.0:
        raise InputError(f"tol={tol!r}; expected a number above 0.")
    say = progress or (lambda _: None)
    start = time.perf_counter()
    say("building the program")
    conic = build_conic(program)
    say(f"solving {conic.n_chambers:,} chambers")
    x, dual = solve_conic(conic)
    network = _recover(program, conic, x)
    say("certifying")
    network, certificate = _best_certificate(program, network, dual)
    return Solution(
        objective=program.network_objective(network),
        lower_bound=certificate.lower_bound,
        gap=certificate.gap,
        status=certificate.status(tol),
        network=network,
        certificate=certificate,
        n_chambers=conic.n_chambers,
        method="full",
        seconds=time.perf_counter() - start,
        tol=tol,
    )


def solve_conic(conic: ConicProgram) -> tuple[Array, Array]:
    """Solve by Clarabel; return x and the multipliers of the prediction rows.

    Whatever Clarabel says of its own accuracy is ignored: the certificate decides.
    """
    import clarabel

    kinds = {
        "zero": clarabel.ZeroConeT,
        "nonnegative": clarabel.NonnegativeConeT,
        "second_order": clarabel.SecondOrderConeT,
    }
    cones = [
        clarabel.ExponentialConeT() if name == "exponential" else kinds[name](size)
        for name, size in conic.cones
    ]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = 1e-13
    settings.tol_gap_rel = 1e-11
    settings.tol_feas = 1e-11
    settings.max_iter = 200
    solver = clarabel.DefaultSolver(conic.P, conic.q, conic.A, conic.b, cones, settings)
    result = solver.solve()
    n = conic.cones[0][1]
    return np.array(result.x), np.array(result.z[:n])


def _recover(program: ConvexProgram, conic: ConicProgram, x: Array) -> TwoLayerReLU:
    """Theorem 5's network; neurons that only cost are dropped, equal ones merged."""
    _, basis = program.reduced()
    begin = conic.first_block
    end = begin + conic.n_blocks * conic.rank
    blocks = np.nan_to_num(x[begin:end]).reshape(conic.n_blocks, conic.rank) @ basis.T
    sides = np.tile([1.0, -1.0], conic.n_chambers)
    norms = np.linalg.norm(blocks, axis=1)
    peak = float(norms.max(initial=0.0))
    best = program.network(np.zeros((0, program.d)), np.zeros(0))
    value = program.network_objective(best)
    for cut in (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        kept = norms > cut * peak
        network = merge_neurons(
            program, network_from_blocks(program, blocks[kept], sides[kept])
        )
        objective = program.network_objective(network)
        if objective <= value:
            best, value = network, objective
    return best


def _best_certificate(
    program: ConvexProgram, network: TwoLayerReLU, dual: Array
) -> tuple[TwoLayerReLU, Certificate]:
    """Certify with the solver's multipliers and with the gradient; keep the best."""
    listing = enumerate_patterns(program.arrangement)
    X, y = program.raw
    common: dict[str, Any] = {
        "loss": program.loss,
        "floats": program.floats,
        "patterns": listing,
    }
    candidates = [
        certify(network, X, y, program.beta, dual=None, **common),
        # A x + s = b with A = [I | ..]: the gradient of the cost is minus z
        certify(network, X, y, program.beta, dual=np.nan_to_num(-dual), **common),
    ]
    return network, max(candidates, key=lambda c: c.lower_bound)
