"""`counts`: how the number of patterns grows with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import BudgetExceededError, InputError
from arrangement.exact import exact_array
from arrangement.io import BLUE, GREY, VERMILION, axes_for, dress, few_ticks, finish
from arrangement.model import Arrangement
from arrangement.options import Deadline, whole_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def counts(
    X: ArrayLike | Any,
    *,
    n_points: int = 12,
    time_limit: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the number of patterns of the first rows of a matrix beside Cover's bound.

    Parameters
    ----------
    X : array_like, shape (n, d)
        As for `arrangement.Arrangement`; n at least 2.
    n_points : int
        Numbers of rows that are counted, at least 2, as far apart on a logarithmic
        scale.
    time_limit : float, optional
        Seconds for the whole call; what is not counted then is left out.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        Both scales are logarithmic.

    Raises
    ------
    InputError, InputTypeError
        As `Arrangement`; fewer than two rows.

    Notes
    -----
    The counts are exact (deletion and restriction); Cover's bound is that of as many
    distinct hyperplanes of the same rank (Cover 1965), and ``2**n`` that of all texts.

    Examples
    --------
    >>> from arrangement import plot
    >>> X = [[1, 0], [0, 1], [1, 1], [1, -1]]
    >>> ax = plot.counts(X)
    >>> ax.get_lines()[1].get_ydata().tolist()
    [4.0, 6.0, 8.0]
    """
    rows = exact_array(X, name="X")
    most = whole_number(n_points, "n_points", 2)
    deadline = Deadline(time_limit)
    if rows.ndim != 2 or len(rows) < 2:
        raise InputError(f"X has shape {rows.shape}; expected (n, d), n at least 2.")
    sizes = np.unique(np.rint(np.geomspace(2, len(rows), most)).astype(int))
    found: list[tuple[int, int, int]] = []
    for size in sizes.tolist():
        part = Arrangement(rows[:size])
        try:
            total = count_patterns(part, time_limit=deadline.left())
        except BudgetExceededError:
            break
        found.append((size, total, cover_bound(part.n_distinct, part.rank)))
    if not found:
        raise InputError(
            f"{deadline} was reached before anything was counted; raise it."
        )
    axes = axes_for(ax)
    n, count, bound = (
        np.array(column, dtype=float) for column in zip(*found, strict=True)
    )
    axes.plot(n, bound, color=BLUE, linewidth=1.6, label="Cover's bound")
    axes.plot(
        n,
        count,
        color=VERMILION,
        marker="o",
        markersize=5,
        linestyle="none",
        label="patterns, counted",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    dress(axes, x="rows n", y="sign patterns")
    few_ticks(axes)
    ceiling = axes.get_ylim()[1]
    texts = np.arange(n[0], min(n[-1], np.log2(ceiling)) + 0.5)
    axes.plot(texts, 2.0**texts, color=GREY, linewidth=1.0, linestyle=":", label="2^n")
    axes.set_ylim(top=ceiling)
    finish(axes, ax)
    return axes
