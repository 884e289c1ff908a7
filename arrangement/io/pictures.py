"""One look for the pictures of both packages: axes, colours, legends.

The colours of things are those of Okabe and Ito, which colour-blind readers can tell
apart, and nothing is told by its colour alone; numbers are in viridis.
"""

from __future__ import annotations

import math
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

INK, GRID = "#22303c", "#dfe5ea"
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, PURPLE, GREY = "#E69F00", "#CC79A7", "#5b6770"
# inches of a character, and of what stands beside a text in a legend
_CHARACTER, _HANDLE = 0.078, 0.75
# inches that a line of a legend takes, and lines among which a place is looked for
_ROW, _FEW_LINES = 0.2, 60
# points of the smallest text in a legend
_SMALLEST = 4.5
# characters that a line of a label has at least
_LEAST = 14
_FEW_DECADES = 2.2


def axes_for(ax: Axes | None) -> Axes:
    """Return the axes to draw in: those given, or those of a new figure of pyplot."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    _, found = pyplot.subplots(layout="constrained")
    new: Axes = found
    return new


def dress(ax: Axes, *, x: str = "", y: str = "") -> None:
    """Give axes their frame and labels."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(INK)
    ax.tick_params(colors=INK, labelsize=9)
    ax.xaxis.label.set_color(INK)
    ax.yaxis.label.set_color(INK)
    ax.set_xlabel(plain_text(x))
    ax.set_ylabel(plain_text(y))


def few_ticks(ax: Axes) -> None:
    """Label logarithmic axes at 1, 2 and 5, or at powers of ten; called after drawing.

    What Matplotlib labels on axes of few decades overlaps.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for scale, axis, (low, high) in (
        (ax.get_xscale(), ax.xaxis, ax.get_xlim()),
        (ax.get_yscale(), ax.yaxis, ax.get_ylim()),
    ):
        if scale != "log":
            continue
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if decades < _FEW_DECADES else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=9))
        axis.set_minor_formatter(NullFormatter())
        if math.log10(low) > -3.0 and math.log10(high) < 6.0:
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def finish(ax: Axes, given: Axes | None) -> None:
    """Break long labels, and say what is what; called when all else is drawn.

    The legend is below the axes of a new figure, and inside axes that were given.
    """
    figure = ax.get_figure()
    assert figure is not None
    width, height = figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi
    handles, labels = ax.get_legend_handles_labels()
    n_columns = _columns(labels, width)
    box = ax.get_position()
    below = 0.0 if given is not None else _ROW * -(-len(labels) // n_columns)
    _break(ax.xaxis.label, box.width * width)
    _break(ax.yaxis.label, box.height * height - below)
    if not handles:
        return
    options: dict[str, Any] = {"fontsize": 9, "labelcolor": INK}
    if given is None:
        options |= {"ncols": n_columns, "frameon": False}
        made = figure.legend(handles, labels, loc="outside lower center", **options)
    elif ax.axison:
        # a legend wider than its axes would cover what stands beside them
        need = _CHARACTER * max(map(len, labels)) + _HANDLE
        options["fontsize"] = min(9.0, max(_SMALLEST, 9.0 * box.width * width / need))
        # the best place takes long to find among many lines, and on coloured ground
        is_quick = len(ax.lines) <= _FEW_LINES and not ax.images
        options |= {"loc": "best" if is_quick else "upper right", "framealpha": 0.9}
        made = ax.legend(handles, labels, **options)
    else:
        options |= {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0)}
        made = ax.legend(handles, labels, **options)
    for line in made.get_lines():
        # a white line would not show on white paper
        if line.get_color() == "white":
            line.set_color(INK)


def _break(label: Text, room: float) -> None:
    """Break the lines of a label so that they fit into so many inches."""
    lines = label.get_text().split("\n")
    most = max(_LEAST, int(room / _CHARACTER))
    label.set_text("\n".join(textwrap.fill(line, most) for line in lines))


def _columns(labels: list[str], width: float) -> int:
    """Return how many columns of a legend fit into so many inches."""
    for count in range(len(labels), 1, -1):
        # as Matplotlib fills them: the first columns have one more
        rows, longer = divmod(len(labels), count)
        starts = [k * rows + min(k, longer) for k in range(count + 1)]
        parts = [labels[a:b] for a, b in pairwise(starts)]
        each = [_CHARACTER * max(map(len, part)) + _HANDLE for part in parts]
        if sum(each) <= width:
            return count
    return 1


def plain_text(text: str) -> str:
    """Keep a dollar sign from starting mathematics."""
    return text.replace("$", r"\$")
