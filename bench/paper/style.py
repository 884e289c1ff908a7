"""One look for all pictures: a colour, a marker and a name for every method.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart; no
method is told by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#22303c"
GRID = "#e3e8ec"
# Classes -1 and +1, and their light regions.
NEGATIVE, POSITIVE = "#0072B2", "#D55E00"
NEGATIVE_LIGHT, POSITIVE_LIGHT = "#d3e6f3", "#fae0d0"
DPI = 130


@dataclass(frozen=True)
class Method:
    """How a method is drawn, everywhere."""

    label: str
    colour: str
    marker: str
    line: Any = "-"

    def curve(self, **more: Any) -> dict[str, Any]:
        """Options of ``plot`` for a curve with marks."""
        options = {"color": self.colour, "linestyle": self.line, "linewidth": 1.4}
        options |= {"marker": self.marker, "markersize": 5.5}
        options |= {"markeredgecolor": INK, "markeredgewidth": 0.4}
        return options | more

    def trace(self, **more: Any) -> dict[str, Any]:
        """Options of ``plot`` for one of many curves: thin, without marks."""
        options = {"color": self.colour, "linestyle": self.line, "linewidth": 0.9}
        return options | {"alpha": 0.75} | more

    def points(self, **more: Any) -> dict[str, Any]:
        """Options of ``plot`` for points without a line."""
        return self.curve(linestyle="none", **more)


METHODS = {
    "sgd": Method("SGD", "#E69F00", "o"),
    "adam": Method("Adam", "#56B4E9", "s"),
    "gd": Method("GD", "#009E73", "^"),
    "approximate": Method("Approximate", "#D55E00", "D"),
    "alg1": Method("Alg1", "#0072B2", "v", (0, (6, 2))),
    "alg2": Method("Alg2", "#CC79A7", "P", (0, (4, 2, 1, 2))),
    "alg3": Method("Alg3", "#8a8a8a", "X", (0, (2, 1.5))),
    "pyscnn": Method("pyscnn", "#F0E442", "h"),
    "optimal": Method("Optimal", "#000000", "*"),
    "bound": Method("certified lower bound", "#000000", "None", (0, (5, 3))),
}


def canvas(
    n_rows: int = 1,
    n_columns: int = 1,
    *,
    size: tuple[float, float] = (7.2, 4.4),
    **more: Any,
) -> tuple[Figure, Any]:
    """Return a figure and its axes; ``size`` in inches, ``more`` as for subplots."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    found = figure.subplots(n_rows, n_columns, squeeze=False, **more)
    for axes in found.flat:
        dress(axes)
    return figure, found


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes their frame, grid, title and labels (with units)."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK, labelsize=8, which="both")
    axes.grid(visible=True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, loc="left", fontsize=9.5, color=INK)
    if x:
        axes.set_xlabel(x, fontsize=9, color=INK)
    if y:
        axes.set_ylabel(y, fontsize=9, color=INK)


def log_ticks(*axes: Axes, most: float = 2.6) -> None:
    """Label logarithmic axes of few decades at 1, 2, 5 and so on; called after drawing.

    The labels that Matplotlib gives to such axes overlap.
    """
    from math import log10

    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for one in axes:
        for scale, axis, (low, high) in (
            (one.get_xscale(), one.xaxis, one.get_xlim()),
            (one.get_yscale(), one.yaxis, one.get_ylim()),
        ):
            if scale != "log":
                continue
            axis.set_minor_formatter(NullFormatter())
            decades = log10(high / low)
            if decades < most:
                subs = (1, 2, 5) if decades > 0.8 else (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8)
                axis.set_major_locator(LogLocator(subs=subs))
                axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def legend_below(figure: Figure, axes: Any, *, most: int = 5) -> None:
    """Put one legend for all axes below the picture, each name once."""
    import numpy as np

    found: dict[str, Any] = {}
    for one in np.ravel(axes):
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return
    legend = figure.legend(
        list(found.values()),
        list(found),
        loc="outside lower center",
        ncols=min(most, len(found)),
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
    )
    for handle in legend.legend_handles:
        # one of many thin curves would hardly show
        handle.set_alpha(1.0)
        if hasattr(handle, "set_linewidth") and hasattr(handle, "get_xdata"):
            handle.set_linewidth(1.8)


def draw_regions(axes: Axes, predict: Any, X: Any, y: Any, *, grid: int = 301) -> None:
    """Draw decision regions of ``predict((k, 2))`` and the samples with their classes.

    An output of 0 belongs to class +1, as in `bench.paper.common.accuracy`.
    """
    import numpy as np
    from matplotlib.colors import ListedColormap

    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.08 * (high - low)
    xs, ys = (
        np.linspace(low[k] - margin[k], high[k] + margin[k], grid) for k in range(2)
    )
    mesh = np.array(np.meshgrid(xs, ys)).reshape(2, -1).T
    values = np.asarray(predict(mesh)).reshape(grid, grid)
    axes.grid(visible=False)
    axes.pcolormesh(
        xs,
        ys,
        np.where(values >= 0.0, 1.0, 0.0),
        cmap=ListedColormap([NEGATIVE_LIGHT, POSITIVE_LIGHT]),
        vmin=0.0,
        vmax=1.0,
        shading="nearest",
        rasterized=True,
    )
    if values.min() < 0.0 < values.max():
        axes.contour(xs, ys, values, levels=[0.0], colors=[INK], linewidths=1.2)
    for label, colour, marker in ((-1, NEGATIVE, "s"), (1, POSITIVE, "o")):
        axes.plot(
            *X[np.asarray(y) == label].T,
            linestyle="none",
            marker=marker,
            color=colour,
            markersize=5.0,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=f"y = {label:+d}",
        )
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])


def save(figure: Figure, folder: Path | None, name: str) -> list[str]:
    """Write ``<name>.png`` where there is a folder; return the names written.

    A picture is drawn in any case, so that a quick run without a folder fails too.
    """
    import io

    stream = io.BytesIO()
    # no version in the file: the same figures give the same bytes
    figure.savefig(stream, format="png", metadata={"Software": None})
    if folder is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(stream.getvalue())
    return [f"{name}.png"]
