"""What a solution says of its end, where there is something to do about it."""

from __future__ import annotations

from convex_solver.certificates import Certificate, SolutionStatus, rounded_share
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import Merged
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.finish import is_proven
from convex_solver.solver.largest_beta import hint_at_zero

# Ends that more time, rounds or memory would not change.
FINAL = ("stalled", "certificate")
# A gap of more than so many times what rounding may take of a price is not its doing.
EXPLAINED = 10.0


def hint_of(
    run: ColumnGeneration,
    merged: Merged,
    network: TwoLayerReLU,
    certificate: Certificate,
    stopped: str,
    tol: float,
) -> str:
    """Return what to change, or why a gap is left; empty where there is nothing."""
    if certificate.status(tol) is SolutionStatus.OPTIMAL:
        return "" if network.n_neurons else hint_at_zero(merged.whole, certificate)
    if stopped not in FINAL:
        return ""
    share = _share(run)
    if share > tol and certificate.gap <= EXPLAINED * share:
        return (
            f"rounding takes up to {share:.0e} of a price at this beta, more than "
            f"tol = {tol:g}: rows are far longer than what they differ by. "
            "Standardise the columns, or take a larger beta."
        )
    if is_proven(run, certificate, tol):
        return (
            "the lower bound is as near as tol asks; weights in float64 have no more "
            f"digits for the predictions. The gap of {certificate.gap:.1e} is theirs: "
            "take a larger tol or beta."
        )
    return ""


def _share(run: ColumnGeneration) -> float:
    """Return `rounded_share` of the last dual point, scaled to the price of beta."""
    program, largest = run.program, run.prices.maxima.largest
    scale = min(1.0, program.beta / largest) if largest > 0.0 else 1.0
    v = scale * program.spread(run.v)
    return rounded_share(program.data, v, program.beta)
