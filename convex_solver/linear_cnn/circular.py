"""Two-layer circular CNNs to global optimality: the L1 program in the DFT domain.

The network is ``f(x) = sum_j x^T Circ(u_j) w_j`` with filters as long as the signal and
weight decay ``beta/2 sum_j (|u_j|^2 + |w_j|^2)``. Let F be the unitary matrix ``F[a, b]
= exp(2 pi i a b / d) / sqrt(d)``. Circulant matrices are diagonal in it, ``Circ(u) = F
diag(D) F^H`` with ``D = fft(u)``, and ``sum |D_i|^2 = d |u|^2`` (the paper's A.6 prints
``<= 1`` for unit filters; it is ``<= d``). With ``Xt = X F``, ``wt = F^H w``:

    f = Xt z,   z = sum_j D_j * wt_j,
    |z|_1 <= sum_j |D_j| |wt_j| = sqrt(d) sum_j |u_j| |w_j|
          <= sqrt(d) / 2 sum_j (|u_j|^2 + |w_j|^2)

so the decay is at least ``beta / sqrt(d) |z|_1``, and the training problem is
(Pilanci & Ergen 2020, A.6, "L1-Convex")

    min over complex z  1/2 |Xt z - y|^2 + beta / sqrt(d) |z|_1
    max over real v     -1/2 |v|^2 - v . y   s.t.  |Xt^H v|_inf <= beta / sqrt(d)

provided that real networks reach the bound. They do. *Real optimum:* for real X and y,
``S(z)_b = (z_b + conj(z_{-b mod d})) / 2`` has ``Xt S(z) = Re(Xt z)``, which is no
further from the real y, and ``|S(z)|_1 <= |z|_1``; so some optimal z is conjugate
symmetric, and for such a z the kernel ``r = F z``, f(x) = x . r, is real. *Real
neurons:* take the pair b, -b of frequencies with ``z_b = p exp(i t)`` (a single one for
b = 0 and b = d/2, where z_b is real). The neuron with ``D_b = sqrt(p sqrt(d)) exp(i
t)``, ``wt_b = sqrt(p / sqrt(d))``, their conjugates at -b and zeros elsewhere is real,
has ``D_b wt_b = z_b``, and ``1/2 (|D|^2 / d + |wt|^2)`` is ``p / sqrt(d)`` for each
frequency it holds: equality throughout. One real neuron for each pair of frequencies in
use. (All of them added are one neuron with the same decay, as their spectra do not
overlap: `reduce_circular_cnn`.)

In the real orthonormal Fourier basis the program is a group LASSO: the moduli of a
pair are one group of two real numbers.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError
from arrangement.options import short_repr
from convex_solver.certificates import bounds_by, circular_bounds
from convex_solver.linear_cnn.fourier_norm import FourierModel, fourier_basis, moduli
from convex_solver.linear_cnn.proximal_newton import minimise_data
from convex_solver.linear_cnn.solution import (
    SOLVER_SHARE,
    CNNSolution,
    reason_to_stop,
)
from convex_solver.networks import CircularCNN
from convex_solver.reading import (
    SUPPORTED,
    TOL,
    Samples,
    check_kind,
    check_loss,
    deadline_after,
    part_of_time,
    read_beta,
    read_seconds,
    read_signal_samples,
    read_tolerance,
)
from convex_solver.typing import Array

Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False, init=False)
class CircularCNNProgram:
    """The training problem of a two-layer circular CNN.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Signals of one channel; copied, float64.
    y : array_like, shape (n,)
        Targets, not all equal.
    beta : float
        Weight decay, positive.
    loss : str
        ``"squared"``; others are refused by name.
    filter_size : int, optional
        d, which is the default: a shorter filter couples the frequencies, and the
        program would not be an L1 problem.

    Raises
    ------
    InputError
        Shapes, constant targets, NaN, beta; a combination that is not supported.
    InputTypeError
        Complex numbers, bools, objects.

    Examples
    --------
    >>> program = CircularCNNProgram([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0], beta=1.0)
    >>> program.beta_max()
    6.0
    """

    samples: Samples
    beta: float

    __repr__ = short_repr

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        beta: float,
        *,
        loss: str = "squared",
        filter_size: int | None = None,
    ) -> None:
        check_loss(loss)
        samples = read_signal_samples(X, y)
        d = samples.X.shape[1]
        if filter_size is not None and filter_size != d:
            raise InputError(
                f"filter_size={filter_size!r} for signals of length {d} is an "
                f"unsupported combination; {SUPPORTED}."
            )
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "beta", read_beta(beta))

    @property
    def X(self) -> Array:
        """Signals, (n, d), float64, read-only."""
        return self.samples.X

    @property
    def y(self) -> Array:
        """Targets, (n,), float64, read-only."""
        return self.samples.y

    def spectra(self) -> Complex:
        """Return ``Xt = X F``, shape (n, d), complex128."""
        # numpy's inverse transform has the sign of F, and F is symmetric
        return np.asarray(np.fft.ifft(self.X, axis=1, norm="ortho"))

    def objective(self, z: ArrayLike) -> float:
        """Return the convex objective at complex ``z``, shape (d,)."""
        point = np.asarray(z, dtype=np.complex128)
        if point.shape != self.X.shape[1:]:
            raise InputError(f"z has shape {point.shape}; expected {self.X.shape[1:]}.")
        residual = np.abs(self.spectra() @ point - self.y)
        penalty = self.beta / math.sqrt(point.size) * float(np.abs(point).sum())
        return 0.5 * float(residual @ residual) + penalty

    def network_objective(self, network: CircularCNN) -> float:
        """Return the training objective of a network."""
        residual = network.evaluate(self.X) - self.y
        return 0.5 * float(np.sum(residual**2)) + self.beta * network.decay()

    def beta_max(self) -> float:
        """Return the least beta at which the zero network is optimal."""
        moduli = np.abs(np.fft.fft(self.X.T @ self.y))
        return float(moduli.max())

    def network(self, z: ArrayLike) -> CircularCNN:
        """Return the real network of ``z``: one neuron for each pair of frequencies.

        ``z`` is made conjugate symmetric first, which does not raise the objective.
        """
        point = np.asarray(z, dtype=np.complex128)
        d = self.X.shape[1]
        if point.shape != (d,):
            raise InputError(f"z has shape {point.shape}; expected ({d},).")
        mirror = -np.arange(d) % d
        point = 0.5 * (point + np.conj(point[mirror]))
        used = [b for b in range(d // 2 + 1) if point[b] != 0.0]
        filters, outputs = np.zeros((2, len(used), d))
        for row, b in enumerate(used):
            modulus = abs(point[b])
            phase = np.zeros(d, dtype=np.complex128)
            phase[b] = point[b] / modulus
            phase[mirror[b]] = np.conj(phase[b])
            # D = fft(u), wt = F^H w; real by symmetry, so taking .real drops rounding
            size = math.sqrt(modulus * math.sqrt(d))
            filters[row] = np.fft.ifft(size * phase).real
            size = math.sqrt(modulus / math.sqrt(d))
            outputs[row] = np.fft.ifft(size * (phase != 0.0), norm="ortho").real
        return CircularCNN(filters, outputs)


def reduce_circular_cnn(network: CircularCNN) -> CircularCNN:
    """Return one neuron with the same kernel and decay as those of `network`.

    Only for neurons whose spectra do not overlap, as those of a solution: then
    ``Circ(sum u_j) sum w_j = sum Circ(u_j) w_j``, as different frequencies annihilate
    each other, and the squared norms add.

    Raises
    ------
    InputError
        If two neurons share a frequency.

    Examples
    --------
    >>> two = CircularCNN([[1.0, 1.0], [1.0, -1.0]], [[1.0, 1.0], [1.0, -1.0]])
    >>> one = reduce_circular_cnn(two)
    >>> one.filters.tolist(), one.outputs.tolist(), one.kernel().tolist()
    ([[2.0, 0.0]], [[2.0, 0.0]], [4.0, 0.0])
    """
    check_kind(network, CircularCNN, "network")
    merged = CircularCNN(
        network.filters.sum(axis=0, keepdims=True),
        network.outputs.sum(axis=0, keepdims=True),
    )
    kernel = network.kernel()
    scale = float(np.abs(kernel).sum()) + network.decay()
    apart = np.abs(merged.kernel() - kernel).sum() + abs(
        merged.decay() - network.decay()
    )
    if apart > 1e-10 * scale:
        raise InputError(
            "two neurons share a frequency; reduce_circular_cnn takes networks with "
            "one neuron for each pair of frequencies, as solve_circular_cnn returns."
        )
    return merged


def solve_circular_cnn(
    program: CircularCNNProgram, *, tol: float = TOL, time_limit: float | None = None
) -> CNNSolution:
    """Find the globally optimal circular CNN, with its certificate.

    Parameters
    ----------
    program : CircularCNNProgram
    tol : float
        Relative gap at which the status is optimal.
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
    >>> program = CircularCNNProgram([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0], beta=1.0)
    >>> solution = solve_circular_cnn(program)
    >>> solution.status.value, round(solution.objective, 9), solution.network.n_neurons
    ('optimal', 1.75, 2)
    """
    check_kind(program, CircularCNNProgram, "program")
    tol = read_tolerance(tol)
    deadline = deadline_after(read_seconds(time_limit))
    start = time.monotonic()
    d = program.X.shape[1]
    basis = fourier_basis(d)
    result = minimise_data(
        program.X @ basis,
        program.y[:, None],
        program.beta,
        FourierModel,
        deadline=part_of_time(deadline, SOLVER_SHARE),
    )
    kernel = basis @ result.point
    z = np.fft.fft(kernel, norm="ortho")
    # the solver's zeros are exact in its basis; rounding must not undo them
    frequency = np.minimum(np.arange(d), -np.arange(d) % d)
    z[moduli(result.point)[frequency] == 0.0] = 0.0
    network = program.network(z)
    certificate = bounds_by(
        deadline,
        lambda end: circular_bounds(
            program.samples, network, result.v[:, 0], program.beta, deadline=end
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
