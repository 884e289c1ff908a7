"""The end of a run: its network with few neurons, and the certificate."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from arrangement.io import heard_once, held_interrupts
from convex_solver.certificates import COVERED_RANK, Certificate, LowerBound, bounds
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import Merged, keep_largest, reduce_network
from convex_solver.reading import Limits, part_of_time
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.fit import with_predictions
from convex_solver.solver.high_rank import LEAVES_SHARE
from convex_solver.solver.relaxation import (
    MOST_LEAVES,
    RelaxedProgram,
    RelaxedSolution,
    relaxed_certificate,
)
from convex_solver.typing import Array

# How far a prediction may move when neurons are joined; the objective does not rise.
SAME_PREDICTION = 1e-6
# Multiples of tol that the objective may rise by where more than n neurons are left: as
# little as rounding allows, which is more than tol where the weights of a network that
# interpolates have no more digits.
RISES = (0.01, 0.1, 1.0, 10.0, 1e2, 1e3, 1e4)
# Operations of a least-squares fit of the predictions, at most; about what it takes, in
# seconds for each sample and neuron.
MOST_FITTING, FITTING = 10**9, 2e-6
# Seconds that are always there, and those for each sample that the rational sums of a
# certificate take, or two of them.
QUICK, EXACT = 0.2, 1e-4
# A network that is reduced even when the time is over, as that takes no time.
SMALL = 300
# How far a certificate may go beyond the limit, as a share of it and in seconds, where
# a last round took what was left for it; the same where a relaxation begins then.
OVERTIME, MOST_OVERTIME = 0.1, 1.0
RELAXED_OVERTIME, MOST_RELAXED = 0.5, 1.5
# Share of the certificate's time of a covering that will not end, as leaves prove more.
LATE_SHARE = 0.1


def reduced(run: ColumnGeneration, limits: Limits, deadline: float) -> TwoLayerReLU:
    """Return the best network with few neurons, with some overtime."""
    end = max(deadline, time.monotonic() + MOST_OVERTIME)
    return _fitted(run, _reduced(run, limits.tol, end), limits.tol, deadline)


def with_overtime(begin: float, deadline: float) -> tuple[float, float]:
    """Return when a certificate that begins now has to end, and when a relaxation."""
    now, given = time.monotonic(), max(deadline - begin, 0.0)
    overtime = min(OVERTIME * given, MOST_OVERTIME)
    longer = min(RELAXED_OVERTIME * given, MOST_RELAXED)
    return max(deadline, now + overtime), max(deadline, now + longer)


def certified(
    network: TwoLayerReLU,
    run: ColumnGeneration,
    merged: Merged,
    limits: Limits,
    relaxed: RelaxedProgram | None,
    ends: tuple[float, float],
) -> Certificate:
    """Return the certificate of a network; ``ends`` are those of `with_overtime`."""
    best = None if relaxed is None else relaxed.best
    return _certificate(network, run, merged, limits, *ends, best)


def _reduced(run: ColumnGeneration, tol: float, deadline: float) -> TwoLayerReLU:
    """Return the best network with n neurons or fewer, as far as time goes."""
    end = math.inf if run.network.n_neurons <= SMALL else deadline
    network = reduce_network(
        run.program, run.network, change=SAME_PREDICTION, deadline=end
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
    if network.n_neurons <= run.program.n:
        return network
    return _narrow(run, network)


def _narrow(run: ColumnGeneration, network: TwoLayerReLU) -> TwoLayerReLU:
    """Return a network with n neurons or fewer at once."""
    few = (run.narrow, keep_largest(run.program, network))
    return min(few, key=run.program.network_objective)


def _fitted(
    run: ColumnGeneration, network: TwoLayerReLU, tol: float, deadline: float
) -> TwoLayerReLU:
    """Return the network with better predictions, where rounding leaves a gap.

    Where the time for it is up the gap is left.
    """
    n, objective = run.program.n, run.program.network_objective(network)
    is_short = objective - _estimate(run) > 0.5 * tol * objective
    if not is_short or n * network.n_neurons**2 > MOST_FITTING:
        return network
    seconds = FITTING * n * network.n_neurons
    if seconds > QUICK and time.monotonic() + seconds > deadline - EXACT * n:
        return network
    wanted = run.program.data_term.predictions_at(run.v)
    return with_predictions(run.program, network, wanted)[0]


def _estimate(run: ColumnGeneration) -> float:
    return run.estimate if run.history else run.upper


def is_proven(run: ColumnGeneration, certificate: Certificate, tol: float) -> bool:
    """Whether a certificate proves what the rounds estimate.

    A gap is then the network's: its predictions, or the neurons that were dropped, have
    no more digits.
    """
    return certificate.lower_bound >= (1.0 - tol) * _estimate(run)


@heard_once()
def certified_at_once(
    run: ColumnGeneration, merged: Merged, network: TwoLayerReLU | None
) -> tuple[TwoLayerReLU, Certificate]:
    """Return the best network and bounds that take no time, after Ctrl-C.

    ``network`` is the reduced one, if that was done.  Else it may have more than n
    neurons: the best n of them may be worth nothing.  Its bound is the best that the
    run has certified; zero where that would take a covering, and Ctrl-C comes once
    more.
    """
    if network is None:
        network = run.network
    kept = _kept(run, merged)
    if kept is not None:
        with held_interrupts():
            return network, kept.certificate(network)
    v = merged.lift(run.v)
    try:
        return network, _quick(merged, network, v)
    except KeyboardInterrupt:
        return network, _quick(merged, network, np.zeros_like(v))


def _kept(run: ColumnGeneration, merged: Merged) -> LowerBound | None:
    """Return what the rounds have certified of the samples as they are."""
    return run.proven if merged.group is None else None


def _quick(merged: Merged, network: TwoLayerReLU, v: Array) -> Certificate:
    program, now = merged.whole, time.monotonic()
    method = "relaxation" if program.rank > COVERED_RANK else "covering"
    return bounds(
        program.data,
        network,
        v,
        program.beta,
        program.loss,
        method=method,
        deadline=now,
    )


def _certificate(
    network: TwoLayerReLU,
    run: ColumnGeneration,
    merged: Merged,
    limits: Limits,
    deadline: float,
    latest: float,
    relaxed: RelaxedSolution | None,
) -> Certificate:
    """Certify with the run's dual point; if that falls short, with others too.

    A relaxation goes on until ``latest``, as it is the better bound at once.
    """
    program = merged.whole
    data, beta, loss, tol = program.data, program.beta, program.loss, limits.tol
    executor = limits.executor
    options: dict[str, Any] = {
        "rtol": max(1e-11, 0.05 * tol),
        "max_cones": limits.max_cones,
        "n_jobs": limits.n_jobs,
        "executor": executor,
    }
    found: list[Certificate] = []
    if relaxed is not None:
        found.append(relaxed_certificate(program, network, relaxed, deadline, executor))
        is_all = program.rank > COVERED_RANK  # no covering ends there
        if is_all or found[0].gap <= tol or time.monotonic() >= deadline:
            return found[0]
    is_relaxed_next = relaxed is None and RelaxedProgram.takes(program)
    # where a covering is far from its end, leaves prove more
    is_late = time.monotonic() + run.prices.seconds > deadline
    share = LATE_SHARE if is_relaxed_next and is_late else 1.0
    end = part_of_time(deadline, share)
    v = merged.lift(run.v)
    found.append(bounds(data, network, v, beta, loss, deadline=end, **options))
    options["deadline"] = deadline
    is_short = found[-1].gap > tol and not is_proven(run, found[-1], tol)
    if is_short and is_relaxed_next:
        other = RelaxedProgram(program)
        upper = program.network_objective(network)
        most = 2 if math.isinf(latest) else MOST_LEAVES
        best_other = other.refine(
            upper, tol, part_of_time(latest, LEAVES_SHARE), most=most
        )
        if best_other is not None:
            found.append(
                relaxed_certificate(program, network, best_other, latest, executor)
            )
            if time.monotonic() < deadline:
                found.append(bounds(data, network, best_other.v, beta, loss, **options))
    kept = _kept(run, merged)
    if kept is not None and kept.value > found[0].lower_bound:
        found.append(kept.certificate(network))
    best = max(found, key=lambda certificate: certificate.lower_bound)
    is_last = not is_short or not run.history
    if is_last or best.gap <= tol or time.monotonic() >= deadline:
        return best
    second = bounds(data, network, None, beta, loss, **options)
    return max(best, second, key=lambda certificate: certificate.lower_bound)
