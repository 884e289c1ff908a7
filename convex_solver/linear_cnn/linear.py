"""Two-layer linear CNNs to global optimality: the nuclear-norm program.

The network ``f(x_i) = sum_j sum_k (x_ik . u_j) w_jk`` (w_jk a number, or C numbers)
with weight decay ``beta/2 sum_j (|u_j|^2 + sum_k |w_jk|^2)`` depends on its weights
through

    Z = [Z_1 .. Z_K] = sum_j u_j [w_j1^T .. w_jK^T],   d x (K C),   f = sum_k X_k Z_k

only, and the least decay of all networks with the same Z is ``beta |Z|_*``: the nuclear
norm is the least ``1/2 sum (|u_j|^2 + |w_j|^2)`` over factorisations of Z, reached by
its singular vectors. So the training problem is (Pilanci & Ergen 2020, A.5; vector
output A.7)

    min  1/2 |sum_k X_k Z_k - Y|_F^2 + beta |[Z_1 .. Z_K]|_*
    max  -1/2 |V|_F^2 - <V, Y>   s.t.  sigma_max([X_1^T V .. X_K^T V]) <= beta

where the constraint is ``max_{|u|<=1} sum_k |V^T X_k u|^2 <= beta^2``, and ``rank Z``
neurons suffice: at most ``min(d, K C)``.

Sum-pooled outputs (``w_jk = w_j`` for every k) need no program of their own: such a
network sees ``sum_k x_ik`` alone, so give ``patches.sum(axis=1, keepdims=True)``.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.options import short_repr
from convex_solver.certificates import bounds_by, linear_bounds
from convex_solver.linear_cnn.nuclear_norm import NuclearModel
from convex_solver.linear_cnn.proximal_newton import ProximalResult, minimise_data
from convex_solver.linear_cnn.solution import (
    SOLVER_SHARE,
    CNNSolution,
    reason_to_stop,
)
from convex_solver.networks import LinearCNN
from convex_solver.reading import (
    TOL,
    Samples,
    check_kind,
    check_loss,
    deadline_after,
    part_of_time,
    read_beta,
    read_patch_samples,
    read_seconds,
    read_tolerance,
)
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False, init=False)
class PatchProblem:
    """What the problems of linear CNNs are about: patches and targets."""

    samples: Samples

    @property
    def patches(self) -> Array:
        """Patches, (n, K, d), float64, read-only."""
        return self.samples.X

    @property
    def y(self) -> Array:
        """Targets, (n,) or (n, C), float64, read-only."""
        return self.samples.y


@dataclass(frozen=True, eq=False, init=False)
class LinearCNNProgram(PatchProblem):
    """The training problem of a two-layer linear CNN.

    Parameters
    ----------
    patches : array_like, shape (n, K, d)
        As from `extract_patches`; copied, float64.
    y : array_like, shape (n,) or (n, C)
        Targets; no column may be constant.
    beta : float
        Weight decay, positive.
    loss : str
        ``"squared"``; others are refused by name.

    Raises
    ------
    InputError
        An empty set of patches, shapes, constant targets, NaN, beta, a loss that is
        not supported.
    InputTypeError
        Complex numbers, bools, objects.

    Examples
    --------
    >>> program = LinearCNNProgram([[[1.0, 0.0]], [[0.0, 1.0]]], [3.0, 4.0], beta=1.0)
    >>> program.beta_max()
    5.0
    """

    beta: float

    __repr__ = short_repr

    def __init__(
        self,
        patches: ArrayLike,
        y: ArrayLike,
        beta: float,
        *,
        loss: str = "squared",
    ) -> None:
        check_loss(loss)
        object.__setattr__(self, "samples", read_patch_samples(patches, y))
        object.__setattr__(self, "beta", read_beta(beta))

    @property
    def n_outputs(self) -> int:
        """Number of outputs C."""
        return int(self.y.size // self.y.shape[0])

    def model(self) -> NuclearModel:
        """Return the linear map and the norm, for the data as given."""
        return NuclearModel(self.patches, self.n_outputs)

    def objective(self, Z: ArrayLike) -> float:
        """Return the convex objective at ``Z = [Z_1 .. Z_K]``, shape (d, K * C).

        Column ``k * C + c`` belongs to patch k and output c.
        """
        point = self._point(Z)
        model = self.model()
        residual = model.predict(point) - self.y.ravel()
        return 0.5 * float(residual @ residual) + self.beta * model.norm(point)

    def network_objective(self, network: LinearCNN) -> float:
        """Return the training objective of a network."""
        residual = network.evaluate(self.patches) - self.y
        return 0.5 * float(np.sum(residual**2)) + self.beta * network.decay()

    def beta_max(self) -> float:
        """Return the least beta at which the zero network is optimal."""
        model = self.model()
        return model.dual_norm(model.adjoint(self.y.ravel()))

    def network(self, Z: ArrayLike) -> LinearCNN:
        """Return the balanced network of ``Z``: its singular vectors.

        With ``Z = sum_j s_j p_j q_j^T``: ``u_j = sqrt(s_j) p_j``, ``w_j = sqrt(s_j)
        q_j``, and the decay is ``beta sum_j s_j``. Singular values that are rounding
        alone, below ``2**-52 max(d, K C)`` times the largest, are dropped.
        """
        return recover_linear_cnn(
            self._point(Z), self.patches.shape[1], self.y.shape[1:]
        )

    def _point(self, Z: ArrayLike) -> Array:
        point = np.asarray(Z, dtype=np.float64)
        expected = (self.patches.shape[2], self.patches.shape[1] * self.n_outputs)
        if point.shape != expected:
            raise InputError(f"Z has shape {point.shape}; expected {expected}.")
        return point


def recover_linear_cnn(Z: Array, n_patches: int, outputs: tuple[int, ...]) -> LinearCNN:
    """Return the network of the singular vectors; ``outputs`` is () or (C,)."""
    left, s, right = np.linalg.svd(Z, full_matrices=False)
    kept = s > 2.0**-52 * max(Z.shape) * s.max(initial=0.0)
    size = np.sqrt(s[kept])[:, None]
    weights = size * right[kept]
    shape = (int(kept.sum()), n_patches, *outputs)
    return LinearCNN(size * left.T[kept], weights.reshape(shape))


def solve_linear_cnn(
    program: LinearCNNProgram, *, tol: float = TOL, time_limit: float | None = None
) -> CNNSolution:
    """Find the globally optimal linear CNN, with its certificate.

    Parameters
    ----------
    program : LinearCNNProgram
    tol : float
        Relative gap at which the status is optimal.  The solver goes to the limits
        of float64 in any case, as its last steps cost little.
    time_limit : float, optional
        Seconds for the whole call, certificate included; then the best network so far
        is returned with its certified gap.  A step that would end long after that is
        not begun.

    Returns
    -------
    CNNSolution
        Also after Ctrl-C, which ends the steps: ``stopped`` says so.

    Examples
    --------
    >>> program = LinearCNNProgram([[[1.0, 0.0]], [[0.0, 1.0]]], [3.0, 4.0], beta=1.0)
    >>> solution = solve_linear_cnn(program)
    >>> solution.status.value, round(solution.objective, 9), solution.network.n_neurons
    ('optimal', 4.5, 1)
    """
    check_kind(program, LinearCNNProgram, "program")
    tol = read_tolerance(tol)
    deadline = deadline_after(read_seconds(time_limit))
    start = time.monotonic()
    result = minimise_nuclear(
        program.patches,
        program.samples.outputs,
        program.beta,
        deadline=part_of_time(deadline, SOLVER_SHARE),
    )
    network = program.network(result.point)
    dual = result.v.reshape(program.y.shape)
    certificate = bounds_by(
        deadline,
        lambda end: linear_bounds(
            program.samples, network, dual, program.beta, deadline=end
        ),
    )
    status = certificate.status(tol)
    return CNNSolution(
        program.network_objective(network),
        certificate.lower_bound,
        certificate.gap,
        status,
        network,
        certificate,
        reason_to_stop(status, result.stopped),
        result.n_newton,
        time.monotonic() - start,
        tol,
    )


def minimise_nuclear(
    patches: Array,
    y: Array,
    beta: float,
    *,
    start: Array | None = None,
    deadline: float = math.inf,
) -> ProximalResult:
    """Minimise over Z for targets (n, C); see `minimise_data`."""
    n, n_patches, d = patches.shape
    outputs = y.shape[1]
    return minimise_data(
        patches.reshape(n, -1),
        y,
        beta,
        lambda flat: NuclearModel(flat.reshape(-1, n_patches, d), outputs),
        start=start,
        deadline=deadline,
    )
