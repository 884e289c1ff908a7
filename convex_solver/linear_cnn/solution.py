"""What the solvers of linear CNNs return."""

from __future__ import annotations

from dataclasses import dataclass, field

from convex_solver.certificates import CNNCertificate, SolutionStatus
from convex_solver.networks import CircularCNN, LinearCNN


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
    n_iterations: int
    seconds: float
    tol: float
