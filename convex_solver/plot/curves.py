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
    ('beta (weight decay)', 'neurons')
    """
    given = (betas, objectives, lower_bounds, neurons)
    beta, objective, lower, count = _columns(solutions, given)
    order = np.argsort(beta)
    beta, objective = beta[order], objective[order]
    axes = axes_for(ax)
    draw_objectives(axes, beta, objective, None if lower is None else lower[order])
    if chosen is not None:
        axes.axvline(
            chosen, color=INK, linewidth=1.0, linestyle=":", label=f"beta = {chosen:g}"
        )
    dress(axes, x="beta (weight decay)", y="objective")
    few_ticks(axes)
    if count is not None:
        _draw_twin(axes, beta, count[order])
    finish(axes, ax)
    return axes


def draw_objectives(
    axes: Axes, betas: Array, objectives: Array, lower: Array | None
) -> None:
    """Draw objectives against beta, and their lower bounds where something is proven.

    Both are on logarithmic axes where they differ much.
    """
    axes.plot(
        betas,
        objectives,
        color=VERMILION,
        marker="o",
        markersize=4,
        linewidth=1.6,
        label="objective of the network",
    )
    axes.set_xscale("log")
    if objectives.min() > 0.0 and objectives.max() > _WIDE * objectives.min():
        axes.set_yscale("log")
    if lower is None:
        return
    bound = np.where(lower > 0.0, lower, np.nan)
    axes.plot(
        betas,
        bound,
        color=BLUE,
        linestyle=(0, (5, 2)),
        linewidth=1.2,
        label="certified lower bound",
    )
    axes.fill_between(betas, bound, objectives, color=GREY, alpha=0.15, linewidth=0)
    if axes.get_yscale() == "log":
        # bounds of next to nothing would leave the picture to themselves
        least = np.nanmin(np.maximum(bound, 0.1 * objectives.min()), initial=np.inf)
        axes.set_ylim(0.8 * min(least, objectives.min()), 1.25 * objectives.max())


def draw_neurons(axes: Axes, betas: Array, counts: Array) -> None:
    """Draw numbers of neurons against beta."""
    from matplotlib.ticker import MaxNLocator

    axes.plot(
        betas,
        counts,
        color=GREEN,
        marker="s",
        markersize=4,
        linewidth=1.2,
        drawstyle="steps-mid",
        clip_on=False,
        label="neurons",
    )
    axes.set_ylim(0.0, 1.15 * max(1.0, float(counts.max())))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_ylabel("neurons")


def _draw_twin(axes: Axes, beta: Array, count: Array) -> None:
    """Draw the numbers of neurons with a scale of their own."""
    twin = axes.twinx()
    draw_neurons(twin, beta, count)
    axes.plot([], [], color=GREEN, marker="s", markersize=4, label="neurons")
    # the legend is one of the axes below, and in front of both
    axes.set_zorder(twin.get_zorder() + 1.0)
    axes.patch.set_visible(False)
    twin.spines["top"].set_visible(False)
    twin.spines["left"].set_visible(False)
    twin.tick_params(colors=GREEN, labelsize=9)
    twin.yaxis.label.set_color(GREEN)


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
