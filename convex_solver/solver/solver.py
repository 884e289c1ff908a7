"""`solve`: the global optimum of a `ConvexProgram`, with its certificate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from arrangement import InputError, Progress, cover_bound
from arrangement.options import Listener, check_progress
from convex_solver.certificates import (
    COVERED_RANK,
    Certificate,
    SolutionStatus,
    bounds,
)
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram, check_size, reduce_network
from convex_solver.reading import (
    MAX_CONES,
    TOL,
    Limits,
    deadline_after,
    part_of_time,
)
from convex_solver.restricted import all_directions
from convex_solver.solver.column_generation import ColumnGeneration, Round
from convex_solver.solver.high_rank import (
    HIGH_ROUNDS_SHARE,
    LEAVES_SHARE,
    bound_first,
    is_high,
    most_leaves,
    search_first,
)
from convex_solver.solver.local_search import Found
from convex_solver.solver.relaxation import (
    MOST_LEAVES,
    RelaxedProgram,
    RelaxedSolution,
    relaxed_certificate,
)
from convex_solver.typing import Array

Say = Callable[[str], object]

METHODS = ("auto", "full", "column-generation")
# Chambers up to which the full program is solved at once.
FULL_CHAMBERS = 300
# How far a prediction may move when neurons are joined; the objective does not rise.
SAME_PREDICTION = 1e-6
# Shares of tol that the objective may rise by where more than n neurons are left.
RISES = (0.01, 0.1)
# A network that is reduced even when the time is over, as that takes no time.
SMALL = 300
# Share of the time that rounds take, and how far a certificate may go beyond the limit,
# as a share of it and in seconds, where a last round took what was left for it.
ROUNDS_SHARE = 0.9
OVERTIME, MOST_OVERTIME = 0.1, 1.0


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
        At most n neurons, or more where the time ended first.
    certificate : Certificate
    method, reason : str
        How it was solved, and why that way.
    stopped : str
        Why it ended: ``"tolerance"``, ``"time limit"``, ``"interrupted"``,
        ``"max_rounds"``, ``"memory"``, ``"stalled"`` (no further progress in float64)
        or ``"certificate"`` (the budget of the certificate was too small).
    n_blocks : int
        Blocks of the last program that was solved: chambers with a sign.
    history : tuple of Round
        Upper bound and estimate of the lower bound, round by round.
    seconds, tol : float
        Time taken, certificate included, and the relative gap that was asked for.
    """

    objective: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: TwoLayerReLU = field(repr=False)
    certificate: Certificate = field(repr=False)
    method: str
    reason: str
    stopped: str
    n_blocks: int
    history: tuple[Round, ...] = field(repr=False)
    seconds: float
    tol: float


def solve(
    program: ConvexProgram,
    *,
    method: str = "auto",
    tol: float = TOL,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    max_cones: int = MAX_CONES,
    n_jobs: int = 1,
    progress: Listener | None = None,
) -> Solution:
    """Find the global optimum and certify the network that comes out of it.

    Parameters
    ----------
    program : ConvexProgram
    method : {"auto", "full", "column-generation"}
        All chambers at once, or a working set that pricing extends until no chamber
        is missing.  ``"auto"`` takes the full program when it is tiny.
    tol : float
        Relative gap at which the status is optimal.
    time_limit : float, optional
        Seconds for the whole call; then the best network so far is returned with its
        certified gap.  The certificate has a tenth of the time, and up to a second of
        overtime.  An iteration of a master problem is not cut short.
    max_rounds : int, optional
        Of column generation.
    max_cones : int
        Most cones that a certificate's covering may visit for each sign.  What is
        left then is bounded too, so that the gap stays true.
    n_jobs : int
        Threads, at least 1; -1 for as many as there are processors.  Without a time
        limit the result does not depend on it.
    progress : callable, optional
        Called with an `arrangement.Progress` at each stage and round.

    Returns
    -------
    Solution
        Also after Ctrl-C, which ends the rounds: ``stopped`` says so.

    Raises
    ------
    ProgramTooLargeError
        ``method="full"`` with too many chambers, before anything is solved.
    InputError
        Unknown method, tol, limit or budget out of range.

    Notes
    -----
    Above rank 6, where chambers are too many to meet and coverings end rarely, networks
    that local searches find come first and a relaxation over the whole sphere; what
    the rounds leave of half the time then goes to halving the sphere into leaves.
    Without a limit these are at most 32, and fewer for many rows.  The gap is
    certified, and mostly above ``tol``.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> solution = solve(ConvexProgram(X, [1, -1, 1, 1, -1], 1e-4))
    >>> solution.status.value, round(solution.objective, 7)
    ('optimal', 0.0010128)
    """
    limits = Limits(tol, time_limit, max_rounds, max_cones, n_jobs)
    deadline = deadline_after(limits.time_limit)
    return solve_from(program, method, limits, deadline, progress, None)[0]


def solve_path(
    program: ConvexProgram,
    betas: Iterable[float],
    *,
    tol: float = TOL,
    time_limit: float | None = None,
    max_cones: int = MAX_CONES,
    n_jobs: int = 1,
    progress: Listener | None = None,
) -> list[Solution]:
    """Solve for several weight decays, each started at the chambers of the last.

    Parameters
    ----------
    program : ConvexProgram
        Its own beta is not used.
    betas : iterable of float
        In the order in which they are solved; falling is cheapest.
    tol, max_cones, n_jobs, progress
        As in `solve`.
    time_limit : float, optional
        Seconds for the whole call; each beta gets an equal share of what is left.

    Returns
    -------
    list of Solution
        One for each beta, in that order.

    Raises
    ------
    InputError, InputTypeError
        A beta that is no number above 0, before anything is solved; as `solve`.
    """
    limits = Limits(tol, time_limit, None, max_cones, n_jobs)
    deadline = deadline_after(limits.time_limit)
    programs = [program.with_beta(beta) for beta in betas]
    solutions: list[Solution] = []
    guesses: Array | None = None
    for k, each in enumerate(programs):
        end = part_of_time(deadline, 1.0 / (len(programs) - k))
        solution, guesses = solve_from(
            each, "column-generation", limits, end, progress, guesses
        )
        solutions.append(solution)
    return solutions


def solve_from(
    program: ConvexProgram,
    method: str,
    limits: Limits,
    deadline: float,
    progress: Listener | None,
    guesses: Array | None,
) -> tuple[Solution, Array]:
    """Return the solution, and directions whose chambers a later run may start with.

    The time ends at ``deadline`` (of `time.monotonic`).
    """
    begin = time.monotonic()
    say = teller(progress)
    if method not in METHODS:
        raise InputError(f"method={method!r} is unknown; use one of {METHODS}.")
    if method == "full":
        check_size(program)
    method, reason = _choose(program, method)
    say(f"{method}: {reason}")
    relaxed = RelaxedProgram(program) if is_high(program) else None
    networks: list[Found] = []
    if relaxed is not None and guesses is None and method != "full":
        networks = search_first(program, deadline, say)
    share = ROUNDS_SHARE if relaxed is None else HIGH_ROUNDS_SHARE
    run = ColumnGeneration(
        program,
        limits.tol,
        deadline=part_of_time(deadline, share),
        report=lambda latest: say(_line(latest)),
        n_jobs=limits.n_jobs,
    )
    stopped = _find(run, method, limits, guesses, networks, relaxed, say)
    if relaxed is not None and stopped != "interrupted":
        end = part_of_time(deadline, LEAVES_SHARE)
        most = most_leaves(program) if math.isinf(end) else MOST_LEAVES
        relaxed.refine(run.upper, limits.tol, end, most=most, report=say)
    say("certifying")
    overtime = min(OVERTIME * max(deadline - begin, 0.0), MOST_OVERTIME)
    deadline = max(deadline, time.monotonic() + overtime)
    network = _reduced(run, limits.tol, deadline)
    best = None if relaxed is None else relaxed.best
    certificate = _certificate(network, run, limits, deadline, best)
    status = certificate.status(limits.tol)
    if status is SolutionStatus.OPTIMAL:
        stopped = "tolerance"
    elif stopped == "tolerance":
        stopped = "certificate"
    solution = Solution(
        objective=program.network_objective(network),
        lower_bound=certificate.lower_bound,
        gap=certificate.gap,
        status=status,
        network=network,
        certificate=certificate,
        method=method,
        reason=reason,
        stopped=stopped,
        n_blocks=len(run.columns.blocks),
        history=tuple(run.history),
        seconds=time.monotonic() - begin,
        tol=limits.tol,
    )
    return solution, run.useful_directions()


def teller(progress: Listener | None) -> Say:
    """Return a function that tells ``progress`` a line of text."""
    check_progress(progress)
    if progress is None:
        return lambda _: None
    return lambda line: progress(Progress(line))


def _find(
    run: ColumnGeneration,
    method: str,
    limits: Limits,
    guesses: Array | None,
    networks: list[Found],
    relaxed: RelaxedProgram | None,
    say: Say,
) -> str:
    """Fill the working set and run the rounds; return why they ended."""
    try:
        if method == "full":
            run.columns.add_both(all_directions(run.program, run.basis))
        else:
            for network in networks:
                run.begin_near(network)
            run.begin_set(guesses)
        if relaxed is not None:
            bound_first(run, relaxed, limits.tol, say)
        return _rounds(run, limits, say)
    except KeyboardInterrupt:
        say("interrupted: certifying what there is; once more to stop at once")
        return "interrupted"


def _rounds(run: ColumnGeneration, limits: Limits, say: Say) -> str:
    """Go on until the covering finds no direction that breaks the dual constraint."""
    most = math.inf if limits.max_rounds is None else limits.max_rounds
    while True:
        stopped = run.run(most)
        if stopped not in ("tolerance", "stalled"):
            return stopped
        missed = run.search(limits.max_cones)
        if missed == 0:
            return stopped
        say(f"the covering of the sphere found {missed} more chambers")


def _reduced(run: ColumnGeneration, tol: float, deadline: float) -> TwoLayerReLU:
    """Return the best network with few neurons, as far as there is time for that."""
    network = run.network
    end = math.inf if network.n_neurons <= SMALL else deadline
    if time.monotonic() < end:
        network = reduce_network(
            run.program, network, change=SAME_PREDICTION, deadline=end
        )
    for share in RISES:
        if network.n_neurons <= run.program.n or time.monotonic() >= deadline:
            break
        # rounding stood in the way; a rise below tol is certified with the rest
        network = reduce_network(
            run.program,
            network,
            change=SAME_PREDICTION,
            rise=share * tol,
            deadline=deadline,
        )
    return network


def _certificate(
    network: TwoLayerReLU,
    run: ColumnGeneration,
    limits: Limits,
    deadline: float,
    relaxed: RelaxedSolution | None,
) -> Certificate:
    """Certify with the run's dual point; if that falls short, with others too."""
    program = run.program
    data, beta, loss, tol = program.data, program.beta, program.loss, limits.tol
    options: dict[str, Any] = {
        "rtol": max(1e-11, 0.05 * tol),
        "max_cones": limits.max_cones,
        "deadline": deadline,
        "n_jobs": limits.n_jobs,
    }
    found: list[Certificate] = []
    if relaxed is not None:
        found.append(relaxed_certificate(program, network, relaxed, deadline))
        is_all = program.rank > COVERED_RANK  # no covering ends there
        if is_all or found[0].gap <= tol or time.monotonic() >= deadline:
            return found[0]
    found.append(bounds(data, network, run.v, beta, loss, **options))
    if found[-1].gap > tol and RelaxedProgram.takes(program) and relaxed is None:
        # no search: it is there also where there is no time for more
        end = max(deadline, time.monotonic() + MOST_OVERTIME)
        other = RelaxedProgram(program)
        upper = program.network_objective(network)
        most = 2 if math.isinf(end) else most_leaves(program)
        best_other = other.refine(
            upper, tol, part_of_time(end, LEAVES_SHARE), most=most
        )
        if best_other is not None:
            found.append(relaxed_certificate(program, network, best_other, end))
            if time.monotonic() < deadline:
                found.append(bounds(data, network, best_other.v, beta, loss, **options))
    best = max(found, key=lambda certificate: certificate.lower_bound)
    if best.gap <= tol or not run.history or time.monotonic() >= deadline:
        return best
    second = bounds(data, network, None, beta, loss, **options)
    return max(best, second, key=lambda certificate: certificate.lower_bound)


def _choose(program: ConvexProgram, method: str) -> tuple[str, str]:
    """Return the method and the reason for it."""
    if method != "auto":
        return method, "asked for"
    classes, rank = program.arrangement.n_distinct, program.rank
    bound = cover_bound(classes, rank)
    if rank <= 2 and bound <= FULL_CHAMBERS:
        return "full", f"rank {rank} and no more than {bound:,} chambers"
    size = f"{bound:,}" if bound < 10**9 else f"{float(bound):.1e}"
    return "column-generation", f"rank {rank}, up to {size} chambers"


def _line(latest: Round) -> str:
    return (
        f"{latest.priced:,} maxima priced, {latest.added:,} new, "
        f"{latest.n_blocks:,} blocks; objective <= {latest.upper:.10g}, "
        f"dual {latest.estimate:.10g}, gap {latest.gap:.1e}"
    )
