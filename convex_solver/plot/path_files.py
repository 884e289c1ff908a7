"""Paths over weight decays as files: errors on held-out rows, optima, neurons."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from arrangement import InputError
from arrangement.io import INK, PURPLE, dress, plain_text, write_new
from convex_solver.plot.curves import draw_neurons, draw_objectives
from convex_solver.plot.files import check_format, content, new_figure
from convex_solver.solver import Choice, SolutionPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (7.6, 7.4)
# an axis of this ratio or less is no axis of logarithms: it would have too few labels
_FEW = 20.0


def plot_path(
    found: SolutionPath,
    path: str | os.PathLike[str],
    *,
    choice: Choice | None = None,
    rule: str = "best",
    error_name: str = "error",
    title: str = "",
) -> None:
    """Draw a path into a new file; see `render_path`.

    Raises
    ------
    InputError
        As `render_path`; the suffix is no format, or the file exists or cannot be
        written.
    """
    kind = check_format(path)
    picture = render_path(
        found,
        kind=kind,
        choice=choice,
        rule=rule,
        error_name=error_name,
        title=title,
    )
    write_new(path, picture)


def render_path(
    found: SolutionPath,
    *,
    kind: str = "png",
    choice: Choice | None = None,
    rule: str = "best",
    error_name: str = "error",
    title: str = "",
    size: tuple[float, float] = _SIZE,
) -> bytes:
    """Draw error, objective and neurons against beta.

    Objectives are drawn with their certified lower bounds; where a proof reaches its
    tolerance the two lines are one.  With errors of held-out rows their means, bars of
    one standard error, and a line at the beta of each rule.

    Parameters
    ----------
    found : SolutionPath
        Of at least one beta.
    kind : {"png", "svg", "pdf"}
    choice : Choice, optional
        Errors of the same betas; without them two panels are drawn.
    rule : {"best", "one_se"}
        Which of the two is the one chosen: its line is the thick one.
    error_name, title : str
    size : pair of float
        Width and height in inches; texts keep their size.

    Returns
    -------
    bytes
        The content of the picture file.
    """
    if not len(found):
        raise InputError("the path has no solution; there is nothing to draw.")
    if choice is not None and not np.array_equal(choice.betas, found.betas):
        raise InputError("choice is of other betas than the path.")
    figure = new_figure(size)
    heights = [2, 2, 1] if choice is not None else [2, 1]
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for axes in panels:
        dress(axes)
        axes.set_xscale("log")
        axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
        axes.set_axisbelow(True)
    if choice is not None:
        _draw_errors(panels[0], choice, error_name)
        for axes in panels:
            _mark(axes, choice, rule, is_named=axes is panels[0])
    draw_objectives(panels[-2], found.betas, found.objectives, found.lower_bounds)
    panels[-2].set_ylabel("objective")
    draw_neurons(panels[-1], found.betas, found.neurons)
    panels[-1].set_xlabel("beta (weight decay)")
    panels[0].set_title(plain_text(title), loc="left", fontsize=10, color=INK)
    figure.align_ylabels(panels)
    _add_legend(figure, panels)
    return content(figure, kind)


def _draw_errors(axes: Axes, choice: Choice, name: str) -> None:
    finite = np.isfinite(choice.means)
    betas, means = choice.betas[finite], choice.means[finite]
    axes.errorbar(
        betas,
        means,
        yerr=choice.errors[finite],
        color=PURPLE,
        marker="o",
        markersize=4,
        linewidth=1.6,
        elinewidth=1.0,
        capsize=2.5,
        label="held-out rows, one standard error",
    )
    _stretch(axes, means[means > 0.0], (means - choice.errors[finite]).min())
    axes.set_ylabel(plain_text(name))


def _stretch(axes: Axes, values: np.ndarray, least: float) -> None:
    """Use logarithms where numbers above zero differ much."""
    if least > 0.0 and len(values) and values.max() > _FEW * values.min():
        axes.set_yscale("log")


def _mark(axes: Axes, choice: Choice, rule: str, *, is_named: bool) -> None:
    """Draw a line at the beta of each rule, a thick one for the rule that counts."""
    names = {"best": "least mean error", "one_se": "one standard error"}
    for each, name in names.items():
        is_chosen = each == rule
        beta = choice.betas[choice.index(each)]
        label = f"{'chosen, ' if is_chosen else ''}{name}: beta = {beta:.4g}"
        axes.axvline(
            beta,
            color=INK,
            linewidth=2.0 if is_chosen else 1.0,
            linestyle="-" if is_chosen else ":",
            alpha=0.85,
            zorder=1,
            label=label if is_named else None,
        )


def _add_legend(figure: Figure, panels: list[Axes]) -> None:
    handles, labels = [], []
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label != "neurons":
                handles.append(handle)
                labels.append(label)
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
    )
