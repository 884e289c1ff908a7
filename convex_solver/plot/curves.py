"""`bounds` and `path`: how bounds close in time, and what beta changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.exact import float_array
from arrangement.io import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILION,
    axes_for,
    dress,
    few_ticks,
    finish,
)
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# times apart by more than this are on a logarithmic scale
_WIDE = 30.0


def bounds(solution: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the bounds of a run against time: no network is below the lower one.

    Parameters
    ----------
    solution : Solution
        Of `solve`, or its ``history``.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        It has no rounds.

    Examples
    --------
    >>> from convex_solver import ConvexProgram, plot, solve
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> ax = plot.bounds(solve(ConvexProgram(X, [1, -1, 1, 1, -1], 1e-4)))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('seconds', 'objective')
    """
    rounds: Sequence[Any] = getattr(solution, "history", solution)
    times = [float(r.seconds) for r in rounds]
    upper = [float(r.upper) for r in rounds]
    lower = [float(r.lower) for r in rounds]
    if hasattr(solution, "history"):
        # what the certificate says at the end
        times.append(float(solution.seconds))
        upper.append(float(solution.objective))
        lower.append(float(solution.lower_bound))
    if not times:
        raise InputError("there are no rounds to draw; take a Solution of solve.")
    t, top = np.array(times), np.array(upper)
    # what is not certified yet is zero in the history: nothing is known
    bottom = np.where(np.array(lower) > 0.0, lower, np.nan)
    axes = axes_for(ax)
    gap = (top[-1] - bottom[-1]) / top[-1] if top[-1] > 0.0 else 0.0
    axes.step(t, top, where="post", color=VERMILION, label="best network")
    axes.step(
        t,
        bottom,
        where="post",
        color=BLUE,
        linestyle=(0, (5, 2)),
        label=f"certified lower bound, gap {gap:.1e}"
        if math.isfinite(gap)
        else "no bound certified",
    )
    axes.fill_between(t, bottom, top, step="post", color=GREY, alpha=0.15, linewidth=0)
    axes.plot(t[-1:], top[-1:], "o", color=VERMILION, markersize=5)
    axes.plot(t[-1:], bottom[-1:], "s", color=BLUE, markersize=4)
    dress(axes, x="seconds", y="objective")
    if t[0] > 0.0 and t[-1] > _WIDE * t[0]:
        axes.set_xscale("log")
    few_ticks(axes)
    finish(axes, ax)
    return axes


def path(
    solutions: Any = None,
    *,
    betas: ArrayLike | None = None,
    objectives: ArrayLike | None = None,
    lower_bounds: ArrayLike | None = None,
    neurons: ArrayLike | None = None,
    chosen: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw objective, certified bound and number of neurons against beta.

    Parameters
    ----------
    solutions : sequence of Solution, or object, optional
        What `solve_path` returns; or anything with the attributes ``betas``,
        ``objectives``, ``lower_bounds`` and ``neurons``.
    betas, objectives, lower_bounds, neurons : array_like, shape (k,), optional
        The same as arrays; each takes precedence over what ``solutions`` says.
    chosen : float, optional
        A beta to mark.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        Of the objectives; the neurons are drawn in a twin of it with its own scale.

    Raises
    ------
    InputError
        No betas or objectives, arrays of different lengths, a beta that is not
        above 0.

    Examples
    --------
    >>> from convex_solver import plot
    >>> ax = plot.path(betas=[1.0, 0.1], objectives=[2.0, 0.5], neurons=[1, 4])
    >>> ax.get_xlabel(), ax.figure.axes[1].get_ylabel()
    ('beta', 'neurons')
    """
    given = (betas, objectives, lower_bounds, neurons)
    beta, objective, lower, count = _columns(solutions, given)
    order = np.argsort(beta)
    beta, objective = beta[order], objective[order]
    axes = axes_for(ax)
    axes.plot(
        beta, objective, color=VERMILION, marker="o", markersize=4, label="objective"
    )
    if lower is not None:
        axes.plot(
            beta,
            np.where(lower[order] > 0.0, lower[order], np.nan),
            color=BLUE,
            linestyle=(0, (5, 2)),
            label="certified lower bound",
        )
    if chosen is not None:
        axes.axvline(
            chosen, color=INK, linewidth=1.0, linestyle=":", label=f"beta = {chosen:g}"
        )
    axes.set_xscale("log")
    if objective.min() > 0.0 and objective.max() > _WIDE * objective.min():
        axes.set_yscale("log")
    dress(axes, x="beta", y="objective")
    few_ticks(axes)
    if count is not None:
        _draw_neurons(axes, beta, count[order])
    finish(axes, ax)
    return axes


def _draw_neurons(axes: Axes, beta: Array, count: Array) -> None:
    """Draw the numbers of neurons with a scale of their own."""
    from matplotlib.ticker import MaxNLocator

    twin = axes.twinx()
    twin.step(beta, count, where="mid", color=GREEN, linewidth=1.2)
    axes.plot([], [], color=GREEN, linewidth=1.2, label="neurons")
    # the legend is one of the axes below, and in front of both
    axes.set_zorder(twin.get_zorder() + 1.0)
    axes.patch.set_visible(False)
    twin.spines["top"].set_visible(False)
    twin.spines["left"].set_visible(False)
    twin.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    twin.tick_params(colors=GREEN, labelsize=9)
    twin.set_ylabel("neurons", color=GREEN)
    twin.set_ylim(0.0, max(1.0, 1.1 * float(count.max())))


def _columns(
    solutions: Any, given: tuple[Any, ...]
) -> tuple[Array, Array, Array | None, Array | None]:
    """Return betas, objectives, lower bounds and neurons as arrays of one length."""
    names = ("betas", "objectives", "lower_bounds", "neurons")
    values = list(given)
    if isinstance(solutions, Sequence):
        found: tuple[Any, ...] = (
            [one.certificate.beta for one in solutions],
            [one.objective for one in solutions],
            [one.lower_bound for one in solutions],
            [one.network.n_neurons for one in solutions],
        )
    else:
        found = tuple(getattr(solutions, name, None) for name in names)
    for k, value in enumerate(found):
        values[k] = value if values[k] is None else values[k]
    columns = [
        None if value is None else float_array(value, name=name)
        for name, value in zip(names, values, strict=True)
    ]
    beta, objective, lower, count = columns
    if beta is None or objective is None or not beta.size:
        raise InputError(
            "there is no path to draw; give what solve_path returns, or betas and "
            "objectives."
        )
    for name, column in zip(names, columns, strict=True):
        if column is not None and column.shape != (beta.size,):
            raise InputError(
                f"{name} has shape {column.shape}; expected ({beta.size},), one for "
                "each beta."
            )
    if not np.all(beta > 0.0):
        raise InputError(f"a beta is {beta.min():g}; expected numbers above 0.")
    return beta, objective, lower, count
