"""`beta_max`: the weight decay from which on the zero network is optimal."""

from __future__ import annotations

import math
import time

import numpy as np

from arrangement import InputError
from convex_solver.certificates import (
    COVERED_RANK,
    Certificate,
    cover_sphere,
    relax_sphere,
)
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, Limits, check_kind, deadline_after
from convex_solver.solver.pricing import Pricer
from convex_solver.typing import Array

# Climbs, for each column, that look for a large price where no covering ends.
CLIMBS = 10
# Dual points that agree to this share of the largest entry are the same.
SAME = 1e-12


def beta_max(
    program: ConvexProgram,
    *,
    time_limit: float | None = None,
    max_cones: int = MAX_CONES,
) -> float:
    """Return the least weight decay at which the zero network is optimal.

    ``max |g^T (X u)_+|`` over ``|u| <= 1``, ``g`` the gradient of the loss at the zero
    prediction, which has to be unique.

    Parameters
    ----------
    program : ConvexProgram
        Its own beta is not used.
    time_limit : float, optional
        Seconds.
    max_cones : int
        Most cones of the covering that bounds it, for each sign.

    Returns
    -------
    float
        From above, within 1e-11 of it, relative, for the gradient as float64 holds it:
        at this beta, and above, zero is optimal but for that rounding.

    Raises
    ------
    InputError
        If the time or the cones do not suffice (many features, where
        `beta_max_interval` says how much is known), or the loss has a kink at the zero
        prediction of a sample (absolute loss with a target of zero).

    Examples
    --------
    >>> round(beta_max(ConvexProgram([[1.0], [2.0]], [1.0, 1.0], 1.0)), 9)
    3.0
    """
    check_kind(program, ConvexProgram, "program")
    deadline = _deadline(time_limit, max_cones)
    found = cover_sphere(
        program.X,
        _gradient(program),
        X_error=program.data.X_error,
        max_cones=max_cones,
        deadline=deadline,
    )
    if not found.is_reached:
        is_late = found.n_cones < max_cones and time.monotonic() >= deadline
        spent = f"{time_limit} seconds" if is_late else f"{max_cones} cones"
        advice = "time_limit" if is_late else "max_cones"
        raise InputError(
            f"{spent} did not bound beta_max of {program.d} columns; it is between "
            f"{found.value!r} and {found.bound!r}. Raise {advice}, or be content with "
            "what beta_max_interval finds."
        )
    return found.bound


def beta_max_interval(
    program: ConvexProgram,
    *,
    time_limit: float | None = None,
    max_cones: int = 10**6,
) -> tuple[float, float]:
    """Return two numbers between which `beta_max` is, in any dimension.

    Parameters
    ----------
    program : ConvexProgram
        Its own beta is not used.
    time_limit : float, optional
        Seconds.
    max_cones : int
        Most cones of a covering, for each sign; with more than 8 independent columns
        there is none.

    Returns
    -------
    lower, upper : float
        Some neuron lowers the objective for every beta below the first; at the second
        and above, the zero network is optimal.  Both but for the rounding of the
        gradient to float64, and of a price.

    Raises
    ------
    InputError
        As `beta_max` for losses with kinks.

    Examples
    --------
    >>> interval = beta_max_interval(ConvexProgram([[1.0], [2.0]], [1.0, 1.0], 1.0))
    >>> [round(end, 9) for end in interval]
    [3.0, 3.0]
    """
    check_kind(program, ConvexProgram, "program")
    deadline = _deadline(time_limit, max_cones)
    gradient, error = _gradient(program), program.data.X_error
    lower, upper = 0.0, math.inf
    if program.rank <= COVERED_RANK:
        found = cover_sphere(
            program.X, gradient, X_error=error, max_cones=max_cones, deadline=deadline
        )
        lower, upper = found.value, found.bound
        if found.is_reached:
            return lower, upper
    relaxed = relax_sphere(program.X, gradient, error, deadline=deadline)
    X, _ = program.reduced()
    none = np.zeros((0, X.shape[1]))
    climbed = Pricer(X, program.arrangement).maxima(
        gradient, none, CLIMBS * X.shape[1], deadline
    )
    return max(lower, climbed.largest), min(upper, relaxed.bound)


def hint_at_zero(program: ConvexProgram, certificate: Certificate) -> str:
    """Say what to change where the zero network is certified optimal, if anything.

    ``certificate.max_price`` is `beta_max` from above if its dual point is the gradient
    at the zero prediction, and not a bound by a relaxation, which may be far above it.
    """
    gradient = program.data_term.gradient(np.zeros(program.n))
    size = float(np.abs(gradient).max())
    if size == 0.0:
        return ""  # nothing is left to fit, whatever beta is
    largest = "the largest at which a neuron helps"
    is_known = certificate.n_cones is not None or certificate.n_patterns is not None
    if is_known and np.abs(certificate.dual - gradient).max() <= SAME * size:
        largest = f"beta_max = {certificate.max_price:.6g}"
    return (
        f"beta = {program.beta:g} is not below {largest}: the zero network is optimal. "
        "Take a smaller beta."
    )


def _deadline(time_limit: float | None, max_cones: int) -> float:
    """Check the limits; return when the time is up."""
    return deadline_after(Limits(1.0, time_limit, None, max_cones).time_limit)


def _gradient(program: ConvexProgram) -> Array:
    """Return the gradient at the zero prediction, row by row."""
    kinks = program.data_term.kinks(np.zeros(program.n))
    if kinks.size:
        raise InputError(
            f"the {program.loss} loss has a kink at the zero prediction of row "
            f"{kinks[0]} (and {kinks.size - 1} more), so that its gradient there is "
            "not unique; beta_max needs one that is."
        )
    return program.spread(program.data_term.gradient(np.zeros(program.n)))
