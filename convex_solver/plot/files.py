"""What pictures as files share: their formats, a figure, its bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from arrangement import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_DPI = 160


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

    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def content(figure: Figure, kind: str) -> bytes:
    """Return a picture as the content of a file."""
    stream = io.BytesIO()
    figure.savefig(stream, format=kind)
    return stream.getvalue()
