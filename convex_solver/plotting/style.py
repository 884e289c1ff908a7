"""What the pictures share: a figure, its colours, its legend, its bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from arrangement import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
INK = "#22303c"
# of Okabe & Ito, told apart by people who see colours differently
BLUE, VERMILION, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
DPI = 160


def check_format(path: str | os.PathLike[str]) -> str:
    """Return the format that the name of a picture says.

    Raises
    ------
    InputError
        A suffix other than png, svg, pdf.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InputError(
            f"{os.fspath(path)} does not say a format; end it in .png, .svg or .pdf."
        )
    return suffix


def new_figure(size: tuple[float, float]) -> Figure:
    """Return a figure of so many inches that no window knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style(axes: Axes) -> None:
    """Give axes two quiet spines."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK, which="both", labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def content(figure: Figure, kind: str) -> bytes:
    """Return a picture as the content of a file."""
    stream = io.BytesIO()
    figure.savefig(stream, format=kind)
    return stream.getvalue()


def plain(text: str) -> str:
    """Keep a dollar sign from starting mathematics."""
    return text.replace("$", r"\$")
