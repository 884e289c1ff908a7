"""`interpolate`: the cheapest network through all targets, with its certificate.

    min sum_j |u_j| |alpha_j|   subject to   sum_j alpha_j (X u_j)_+ = y

is the paper's (7) and (15), the gauge of y in the convex hull of the vectors ``+-(X
u)_+`` (A.10).  Its dual is ``max v . y`` with ``|v^T (X u)_+| <= 1`` for ``|u| <= 1``.
The absolute loss is an exact penalty: ``min |f - y|_1 + b sum |u_j| |alpha_j|`` has
the dual points of interpolation, times -b, as long as these stay inside the box
``|v_i| <= 1``.  So b is lowered until they do, and all that solves the penalised
program serves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement.io import ProgressLike, shows_progress
from arrangement.options import short_repr
from convex_solver.certificates import (
    InterpolationCertificate,
    SolutionStatus,
    bounds_by,
    check_rows,
    cover_sphere,
    interpolation_bounds,
    reach,
)
from convex_solver.errors import NoInterpolationError
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.reading import (
    MAX_CONES,
    TOL,
    Data,
    Limits,
    deadline_after,
    part_of_time,
)
from convex_solver.solver.fit import with_predictions
from convex_solver.solver.solver import solve_from, teller
from convex_solver.typing import Array

# First weight of the norm, relative to the one at which zero is optimal, and the factor
# by which it falls.
FIRST = 1e-3
FALL = 0.02
# Share of the time that is for the penalised programs; the rest certifies.
SOLVER_SHARE = 0.8
# Cones that the first weight is sought with.
FEW_CONES = 10**5
MOST_FALLS = 8
# Penalties by the one that would bring the dual point to the box, where a first one
# inside it was not solved; how many are tried inside; and what ends a run at once.
NEARER = (0.5, 0.2)
TRIES = 1 + len(NEARER)
ENDED = ("time limit", "interrupted")
# Distance of the dual point from the box that shows the box to be out of reach.
INSIDE = 1e-4


@dataclass(frozen=True, eq=False)
class Interpolation:
    """A network through all targets and how far it can be from the cheapest one.

    Attributes
    ----------
    norm : float
        ``sum |u_j| |alpha_j|`` of the network: half its weight decay per beta.  Where
        the status is not optimal the network may miss targets, by
        ``certificate.residual``, and its norm may be below ``lower_bound``.
    lower_bound : float
        Certified: no interpolating network has a smaller norm.
    gap : float
        Relative, with the correction for what rounding leaves in the residuals.
    status : SolutionStatus
        OPTIMAL exactly when the certificate's gap is at most the tolerance.
    network : TwoLayerReLU
        At most n neurons, balanced.
    certificate : InterpolationCertificate
    dual : ndarray, shape (n,)
        Feasible ``v`` with ``v . y`` about the norm.
    penalty : float
        The last b of the module's docstring.
    rounds : int
        Of column generation, over all b.
    seconds, tol : float
    """

    norm: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: TwoLayerReLU = field(repr=False)
    certificate: InterpolationCertificate = field(repr=False)
    dual: Array = field(repr=False)
    penalty: float
    rounds: int
    seconds: float
    tol: float

    __repr__ = short_repr


@shows_progress
def interpolate(
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    standardize: bool = False,
    intercept: bool = False,
    floats: str = "binary",
    feature_names: Sequence[str] | None = None,
    tol: float = TOL,
    time_limit: float | None = None,
    max_cones: int = MAX_CONES,
    n_jobs: int = 1,
    progress: ProgressLike = None,
) -> Interpolation:
    """Find the interpolating network of least norm, and certify it.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    standardize, intercept, floats, feature_names
        As for `ConvexProgram`; the norm is that of the program's coordinates.  Columns
        that differ by orders of magnitude are hard without ``standardize``.
    tol : float
        Relative gap at which the status is optimal.
    time_limit : float, optional
        Seconds for the whole call, certificate included, as in `solve`.
    max_cones : int
        Most cones of the certificate's covering, for each sign.
    n_jobs : int
        Threads, at least 1; -1 for as many as there are processors.  Without a time
        limit the result does not depend on it.
    progress : callable or True, optional
        Called with an `arrangement.Progress` at each stage; True draws a bar.

    Returns
    -------
    Interpolation

    Raises
    ------
    NoInterpolationError
        If no network of any width interpolates; it names the rows that show it.
    InputError, InputTypeError
        As `ConvexProgram`; patches are not supported here.

    Notes
    -----
    Pilanci & Ergen (2020), equations (7) and (15), appendix A.10.  The limit of `solve`
    for falling beta, without the limit.

    Examples
    --------
    >>> found = interpolate([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 0.0, 1.0])
    >>> found.status.value, round(found.norm, 6), found.network.n_neurons
    ('optimal', 2.0, 2)
    """
    begin = time.monotonic()
    limits = Limits(tol, time_limit, None, max_cones, n_jobs)
    deadline = deadline_after(limits.time_limit)
    program = ConvexProgram(
        X,
        y,
        1.0,
        loss="absolute",
        standardize=standardize,
        intercept=intercept,
        floats=floats,
        feature_names=feature_names,
    )
    data = program.data
    check_rows(data)
    reached = reach(data.rows.exact, data.y_exact, intercept=intercept)
    if reached.obstruction is not None:
        raise NoInterpolationError(reached.obstruction)
    network, dual, penalty, rounds = _penalised(
        program, limits, part_of_time(deadline, SOLVER_SHARE), progress
    )
    certificate = bounds_by(
        deadline, lambda end: _certified(data, network, dual, limits, end)
    )
    scale = certificate.max_price if 0.0 < certificate.max_price < math.inf else 1.0
    return Interpolation(
        norm=network.decay(1.0),
        lower_bound=certificate.lower_bound,
        gap=certificate.gap,
        status=certificate.status(tol),
        network=network,
        certificate=certificate,
        dual=dual / scale,
        penalty=penalty,
        rounds=rounds,
        seconds=time.monotonic() - begin,
        tol=tol,
    )


def _certified(
    data: Data, network: TwoLayerReLU, dual: Array, limits: Limits, deadline: float
) -> InterpolationCertificate:
    return interpolation_bounds(
        data,
        network,
        dual,
        rtol=max(1e-11, 0.05 * limits.tol),
        max_cones=limits.max_cones,
        deadline=deadline,
        n_jobs=limits.n_jobs,
    )


def _penalised(
    program: ConvexProgram,
    limits: Limits,
    deadline: float,
    progress: ProgressLike,
) -> tuple[TwoLayerReLU, Array, float, int]:
    """Lower the penalty until the dual point is inside the box; network and dual."""
    zero = program.network(np.zeros((0, program.d)), np.zeros(0))
    if not np.any(program.y):
        return zero, np.zeros(program.n), 1.0, 0
    # only a place to start from: the largest value seen will do, bounded or not
    found = cover_sphere(
        program.X,
        program.data_term.gradient(np.zeros(program.n)),
        max_cones=min(limits.max_cones, FEW_CONES),
        deadline=deadline,
        n_jobs=limits.n_jobs,
    )
    penalty = FIRST * (found.value if found.value > 0.0 else 1.0)
    guesses: Array | None = None
    rounds, inside = 0, 0
    best, least = (zero, np.zeros(program.n), penalty), math.inf
    for _ in range(MOST_FALLS):
        solution, guesses = solve_from(
            program.with_beta(penalty),
            "column-generation",
            replace(limits, tol=0.5 * limits.tol),
            deadline,
            progress,
            guesses,
        )
        rounds += len(solution.history)
        dual = -solution.certificate.dual / penalty
        room = 1.0 - penalty * float(np.abs(dual).max())
        teller(progress)(f"penalty {penalty:.3g}: {room:.1e} from the box")
        inside += room > INSIDE
        if not inside or solution.gap < least:
            best = (solution.network, dual, penalty)
            least = solution.gap if inside else math.inf
        is_done = inside > 0 and least <= limits.tol
        if is_done or inside == TRIES or solution.stopped in ENDED:
            break
        penalty *= FALL
        if inside:
            # the solver stalled: start afresh, nearer to the box
            penalty, guesses = NEARER[inside - 1] / float(np.abs(dual).max()), None
    network, dual, penalty = best
    network, _ = with_predictions(program.with_beta(penalty), network, program.y)
    return network, dual, penalty, rounds
