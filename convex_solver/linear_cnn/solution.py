"""What the solvers of linear CNNs return."""

from __future__ import annotations

from dataclasses import dataclass, field

from arrangement.options import short_repr
from convex_solver.certificates import CNNCertificate, SolutionStatus
from convex_solver.networks import CircularCNN, LinearCNN

# Share of the time until the deadline that the solver takes; the rest certifies.
SOLVER_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class CNNSolution:
    """A network and how far it can be from the best one.

    Attributes
    ----------
    objective : float
        Of ``network`` itself, in float64.
    lower_bound, gap : float
        Certified: no network of this architecture has a smaller objective; relative
        to the certified upper bound.
    status : SolutionStatus
        OPTIMAL exactly when the certificate's gap is at most ``tol``.
    network : LinearCNN or CircularCNN
    certificate : CNNCertificate
    stopped : str
        Why it ended: ``"tolerance"``, ``"time limit"``, ``"interrupted"`` or
        ``"stalled"`` (no further progress in float64).
    n_iterations : int
        Newton steps.
    seconds, tol : float
        Time taken, certificate included, and the relative gap that was asked for.
    """

    objective: float
    lower_bound: float
    gap: float
    status: SolutionStatus
    network: LinearCNN | CircularCNN = field(repr=False)
    certificate: CNNCertificate = field(repr=False)
    stopped: str
    n_iterations: int
    seconds: float
    tol: float

    __repr__ = short_repr


def reason_to_stop(status: SolutionStatus, stopped: str) -> str:
    """Return ``stopped`` of a solution: "tolerance" where it was reached after all."""
    return "tolerance" if status is SolutionStatus.OPTIMAL else stopped
