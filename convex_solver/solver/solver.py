"""`solve`: the global optimum of a `ConvexProgram`, with its certificate."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from arrangement import InputError, Progress, cover_bound
from arrangement.io import (
    ProgressLike,
    heard_once,
    held_interrupts,
    html_facts,
    html_table,
    listener,
    shows_progress,
)
from arrangement.options import log_of, short_repr
from convex_solver.certificates import Certificate, SolutionStatus, verdict
from convex_solver.networks import TwoLayerReLU, check_fit
from convex_solver.program import (
    ConvexProgram,
    Merged,
    blocks_from_network,
    check_size,
    merge_equal,
)
from convex_solver.reading import (
    MAX_CONES,
    TOL,
    Limits,
    check_kind,
    deadline_after,
    part_of_time,
)
from convex_solver.restricted import all_directions
from convex_solver.solver.column_generation import ColumnGeneration, Round
from convex_solver.solver.finish import (
    EXACT,
    certified,
    certified_at_once,
    is_proven,
    reduced,
    with_overtime,
)
from convex_solver.solver.high_rank import (
    HIGH_ROUNDS_SHARE,
    LATE_SEARCH,
    LEAVES_SHARE,
    SLIDES_SHARE,
    bound_first,
    improve,
    is_high,
    most_leaves,
    search_first,
)
from convex_solver.solver.hints import hint_of
from convex_solver.solver.local_search import Found
from convex_solver.solver.relaxation import (
    MOST_LEAVES,
    RelaxedProgram,
)
from convex_solver.solver.sliding import slide_first, slides_first
from convex_solver.solver.small_beta import larger_first
from convex_solver.typing import Array

Say = Callable[[str], object]

_LOG = log_of("convex_solver")

METHODS = ("auto", "full", "column-generation")
# Chambers up to which the full program is solved at once.
FULL_CHAMBERS = 300
# Share of the time that rounds take.
ROUNDS_SHARE = 0.9
# Rounds in a notebook.
_SHOWN_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Solution:
    """A network and how far it can be from the best one.

    Attributes
    ----------
    objective : float
        Objective (2) of ``network`` itself, in float64; the certified upper bound where
        that is less, as rounding is then most of what float64 makes of the loss.
    lower_bound : float
        Certified: no network has a smaller objective.
    gap : float
        Relative, ``(upper - lower) / upper``, with both bounds certified.
    status : SolutionStatus
        OPTIMAL exactly when the certificate's gap is at most the tolerance.
    network : TwoLayerReLU
        At most n neurons, also where the time ended first, but perhaps not after a
        second Ctrl-C.
    certificate : Certificate
    method, reason : str
        How it was solved, and why that way.
    stopped : str
        Why it ended: ``"tolerance"``, ``"time limit"``, ``"interrupted"``,
        ``"max_rounds"``, ``"memory"``, ``"stalled"`` (no further progress in float64)
        or ``"certificate"`` (the budget of the certificate was too small).
    n_blocks : int
        Blocks of the last program that was solved: chambers with a sign, or the
        directions that neurons had where they moved last.
    history : tuple of Round
        Upper bound and the best certified lower bound, round by round.
    seconds, tol : float
        Time taken, certificate included, and the relative gap that was asked for.
    hint : str
        What to change where the optimum is the zero network (beta is `beta_max`, which
        it tells, or more), or where float64 ends before ``tol`` is reached; empty
        otherwise.
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
    hint: str

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how good it is proven to be, and the rounds."""
        certificate, rounds = self.certificate, self.history
        facts = [
            ("status", f"{self.status.value} (ended by: {self.stopped})"),
            ("objective", f"{self.objective:.12g}"),
            ("lower bound", f"{self.lower_bound:.12g}, proven"),
            ("gap", f"{self.gap:.2e} relative, tolerance {self.tol:g}"),
            ("shown", verdict(self.gap, self.tol)),
            ("problem", f"{certificate.loss} loss, beta = {certificate.beta:g}"),
            ("neurons", f"{self.network.n_neurons:,}"),
            ("method", f"{self.method}: {self.reason}"),
            ("time", f"{self.seconds:.3g} s"),
            *([("hint", self.hint)] if self.hint else []),
        ]
        rows = [
            [f"{r.seconds:.3g}", f"{r.upper:.10g}", f"{r.lower:.10g}", f"{r.gap:.1e}"]
            for r in rounds[-_SHOWN_ROUNDS:]
        ]
        table = html_table(
            ["seconds", "objective <=", "optimum >=", "gap"],
            rows,
            summary=f"rounds (last {len(rows)} of {len(rounds):,})",
        )
        return html_facts("Solution", facts, table if rows else "")


@shows_progress
def solve(
    program: ConvexProgram,
    *,
    method: str = "auto",
    tol: float = TOL,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    max_cones: int = MAX_CONES,
    n_jobs: int = 1,
    executor: Executor | None = None,
    start: TwoLayerReLU | None = None,
    progress: ProgressLike = None,
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
        certified gap.  The certificate has a tenth of the time, and up to two seconds
        of overtime.  An iteration is not cut short, but none is begun that would end
        much later.
    max_rounds : int, optional
        Of column generation.
    max_cones : int
        Most cones that a certificate's covering may visit for each sign.  What is
        left then is bounded too, so that the gap stays true.
    n_jobs : int
        Threads, at least 1; -1 for as many as there are processors.  Without a time
        limit the result does not depend on it.
    executor : concurrent.futures.Executor, optional
        Does what is long of the proof: a pool of processes, Dask's
        ``client.get_executor()``, mpi4py, loky.  Its workers visit the cones of long
        coverings and bound the price on leaves; all else is done here, in ``n_jobs``
        threads.  Without a time limit the result does not depend on it.
    start : TwoLayerReLU, optional
        A network to begin near, such as that of another beta or of older data: the
        working set has its chambers from the first round on, and it is kept until there
        is a better one.  It needs the program's intercept, center and scale.  The
        optimum does not depend on it, nor anything with ``method="full"``.
    progress : callable or True, optional
        Called with an `arrangement.Progress` at each stage and round; True draws a bar,
        also in a notebook.

    Returns
    -------
    Solution
        Also after Ctrl-C, which ends the rounds: ``stopped`` says so.  A second one
        ends the certificate, whose bound is loose then; the network is not lost, and
        may have more than n neurons.

    Raises
    ------
    ProgramTooLargeError
        ``method="full"`` with too many chambers, before anything is solved.
    InputError, InputTypeError
        Unknown method, tol, limit or budget out of range; a start in other coordinates;
        an executor that is none.

    Warns
    -----
    RuntimeWarning
        The executor has lost its workers; what they left is done in this process.

    Notes
    -----
    Above rank 6, where chambers are too many to meet and coverings end rarely, networks
    that local searches find come first and a relaxation over the whole sphere; then
    rounds, for half of the time at most, and what they leave goes to halving the
    sphere into leaves.
    Without a limit these are at most 32, and fewer for many rows.  The gap is
    certified, and mostly above ``tol``.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> solution = solve(ConvexProgram(X, [1, -1, 1, 1, -1], 1e-4))
    >>> solution.status.value, round(solution.objective, 7)
    ('optimal', 0.0010128)
    """
    check_kind(program, ConvexProgram, "program")
    limits = Limits(tol, time_limit, max_rounds, max_cones, n_jobs, executor)
    deadline = deadline_after(limits.time_limit)
    if start is not None:
        check_kind(start, TwoLayerReLU, "start")
        check_fit(program.data, start)
    return solve_from(program, method, limits, deadline, progress, None, start)[0]


def solve_from(
    program: ConvexProgram,
    method: str,
    limits: Limits,
    deadline: float,
    progress: ProgressLike,
    guesses: Array | None,
    start: TwoLayerReLU | None = None,
) -> tuple[Solution, Array]:
    """Return the solution, and directions whose chambers a later run may start with.

    The time ends at ``deadline`` (of `time.monotonic`).
    """
    begin = time.monotonic()
    say, say_round = teller(progress), teller(progress, logging.DEBUG)
    merged = _merged(program, say)
    program, whole = merged.program, merged.whole
    method, reason = _choose(program, method)
    say(f"{method}: {reason}")
    relaxed = RelaxedProgram(program) if is_high(program) else None
    networks = [] if start is None else [_found(program, start)]
    if relaxed is not None and guesses is None and method != "full":
        networks += search_first(program, deadline, say)
    share = ROUNDS_SHARE if relaxed is None else HIGH_ROUNDS_SHARE
    run = ColumnGeneration(
        program,
        limits.tol,
        deadline=part_of_time(deadline - EXACT * whole.n, share),
        report=lambda latest: say_round(_line(latest)),
        n_jobs=limits.n_jobs,
        executor=limits.executor,
        max_cones=limits.max_cones,
    )
    with held_interrupts() as came:
        stopped = _find(run, method, limits, guesses, networks, relaxed, deadline, say)
        stopped, network, certificate = _end(
            run, merged, limits, relaxed, begin, deadline, stopped, say
        )
        stopped = _why(run, certificate, limits.tol, stopped)
        solution = Solution(
            objective=min(whole.network_objective(network), certificate.upper_bound),
            lower_bound=certificate.lower_bound,
            gap=certificate.gap,
            status=certificate.status(limits.tol),
            network=network,
            certificate=certificate,
            method=method,
            reason=reason,
            stopped=stopped,
            n_blocks=run.n_blocks,
            history=tuple(run.history),
            seconds=time.monotonic() - begin,
            tol=limits.tol,
            hint=hint_of(run, merged, network, certificate, stopped, limits.tol),
        )
        say(
            f"{solution.status.value}: objective {solution.objective:.10g}, optimum >= "
            f"{certificate.lower_bound:.10g} certified, gap {certificate.gap:.1e}"
        )
        directions = run.useful_directions()
    # a path ends there
    return replace(solution, stopped="interrupted") if came else solution, directions


def _why(
    run: ColumnGeneration, certificate: Certificate, tol: float, stopped: str
) -> str:
    """Return why a run ended, now that it is known what was proven."""
    if stopped == "interrupted":
        return stopped
    if certificate.status(tol) is SolutionStatus.OPTIMAL:
        return "tolerance"
    if stopped == "tolerance":
        return "stalled" if is_proven(run, certificate, tol) else "certificate"
    return stopped


@heard_once()
def _end(
    run: ColumnGeneration,
    merged: Merged,
    limits: Limits,
    relaxed: RelaxedProgram | None,
    begin: float,
    deadline: float,
    stopped: str,
    say: Say,
) -> tuple[str, TwoLayerReLU, Certificate]:
    """Raise the bound, and certify; Ctrl-C ends that and loses nothing.

    Returns why the run ended, too.
    """
    network = None
    try:
        if stopped == "interrupted":
            say("interrupted: certifying what there is; once more for a loose bound")
            # Ctrl-C may have reached the workers too
            limits = replace(limits, executor=None)
        elif relaxed is not None:
            end = part_of_time(deadline - EXACT * merged.whole.n, LEAVES_SHARE)
            most = most_leaves(run.program) if math.isinf(end) else MOST_LEAVES
            relaxed.refine(run.upper, limits.tol, end, most=most, report=say)
            if relaxed.is_interrupted:
                stopped = "interrupted"
            elif not math.isinf(end):  # what halvings have left of it
                if slides_first(run.program):
                    run.enough = 0.0  # nothing else waits for the time
                    slide_first(run, limits.max_cones, end)
                relaxed.finish(run.upper, limits.tol, end, say)
        say("certifying")
        ends = with_overtime(begin, deadline)
        network = reduced(run, limits, deadline)
        certificate = certified(network, run, merged, limits, relaxed, ends)
    except KeyboardInterrupt:
        return "interrupted", *certified_at_once(run, merged, network)
    return stopped, network, certificate


def teller(progress: ProgressLike, level: int = logging.INFO) -> Say:
    """Return a function that tells ``progress`` and the log a line of text."""
    listen = listener(progress)

    def say(line: str) -> None:
        _LOG.log(level, "%s", line)
        if listen is not None:
            listen(Progress(line))

    return say


def _merged(program: ConvexProgram, say: Say) -> Merged:
    """Merge equal samples; not where leaves have a slope for each of them."""
    if is_high(program):
        return Merged.not_at_all(program)
    merged = merge_equal(program)
    if merged.group is not None:
        say(f"{program.n:,} samples, {merged.program.n:,} of them different")
    return merged


def _found(program: ConvexProgram, start: TwoLayerReLU) -> Found:
    """Return a network as a local search would have found it."""
    objective = program.network_objective(start)
    return Found(objective, *blocks_from_network(start))


@heard_once()
def _find(
    run: ColumnGeneration,
    method: str,
    limits: Limits,
    guesses: Array | None,
    networks: list[Found],
    relaxed: RelaxedProgram | None,
    deadline: float,
    say: Say,
) -> str:
    """Fill the working set and run the rounds; return why they ended."""

    def fill(one: ColumnGeneration) -> None:
        if method == "full":
            one.columns.add_both(all_directions(one.program, one.basis))
        else:
            one.begin_set(guesses)

    def rounds(one: ColumnGeneration) -> str:
        return _rounds(one, limits, say)

    try:
        for network in networks:
            run.begin_near(network)
        if relaxed is not None and not run.network.n_neurons:
            run.begin_with_few()
        if guesses is None and relaxed is None:
            guesses = larger_first(run, limits, fill, rounds, say)
            if run.gap <= limits.tol and not run.search(limits.max_cones):
                return "tolerance"
        if method != "full" and slides_first(run.program):
            share = 1.0 if relaxed is None else SLIDES_SHARE
            end = part_of_time(run.deadline, share)
            if slide_first(run, limits.max_cones, end):
                return "tolerance"
        if relaxed is not None:
            bound_first(run, relaxed, limits.tol, say)
            if run.history and run.gap <= run.enough:
                return "tolerance"
            is_full = method == "full"
            ended = None if is_full else improve(run, limits.max_cones, deadline, say)
            if ended is not None:
                return ended
        fill(run)
        stopped = _rounds(run, limits, say)
        if stopped == "time limit" and not run.network.n_neurons:
            # no round has ended, and training is better than nothing
            for network in search_first(run.program, deadline, say, LATE_SEARCH):
                run.begin_near(network)
        return stopped
    except KeyboardInterrupt:
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


def _choose(program: ConvexProgram, method: str) -> tuple[str, str]:
    """Return the method and the reason for it."""
    if method not in METHODS:
        raise InputError(f"method={method!r} is unknown; use one of {METHODS}.")
    if method == "full":
        check_size(program)
    if method != "auto":
        return method, "asked for"
    classes, rank = program.arrangement.n_distinct, program.rank
    bound = cover_bound(classes, rank)
    if rank <= 2 and bound <= FULL_CHAMBERS:
        return "full", f"rank {rank} and no more than {bound:,} chambers"
    size = f"{bound:,}" if bound < 10**9 else f"{float(bound):.1e}"
    return "column-generation", f"rank {rank}, up to {size} chambers"


def _line(latest: Round) -> str:
    bound = "no bound certified yet"
    if latest.lower > 0.0:
        bound = f"optimum >= {latest.lower:.10g} certified, gap {latest.gap:.1e}"
    return (
        f"{latest.priced:,} maxima priced, {latest.added:,} new, "
        f"{latest.n_blocks:,} blocks; objective <= {latest.upper:.10g}, {bound}"
    )
