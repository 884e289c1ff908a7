"""Draw a fitted network: its data, its prediction, and the lines where it bends."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.exact import float_array
from arrangement.io import write_new
from convex_solver.losses import Loss, get_loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FORMATS = ("png", "svg", "pdf")

_INK = "#22303c"
_DATA = "#4c6a85"
_FIT = "#c8442b"
_BEND = "#e08a2e"
_GRID = "#dfe5ea"
_LOW, _HIGH = "#2f6fb0", "#c8442b"
_RESOLUTION = 401
# more lines than this would paint the background instead of dividing it
_MAX_LINES = 400
_DENSE = 60


def check_plot(path: str | os.PathLike[str], n_features: int) -> str:
    """Return the format of a plot file, or raise before any work is done.

    Raises
    ------
    InputError
        Neither one nor two features, or a suffix other than png, svg, pdf.
    """
    if n_features not in (1, 2):
        raise InputError(
            f"{n_features} features cannot be drawn; a plot needs one or two. Choose "
            "them with --features, or leave the plot out."
        )
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InputError(
            f"{os.fspath(path)} does not say a format; end it in .png, .svg or .pdf."
        )
    return suffix


def plot_fit(
    network: TwoLayerReLU,
    X: ArrayLike,
    y: ArrayLike,
    path: str | os.PathLike[str],
    *,
    target_name: str = "y",
    title: str = "",
    loss: str | Loss = "squared",
) -> None:
    """Draw a fit into a new file; see `render_fit`.

    Raises
    ------
    InputError
        As `check_plot`, or the file exists or cannot be written.
    """
    kind = check_plot(path, network.weights.shape[1] - network.intercept)
    picture = render_fit(
        network,
        X,
        y,
        kind=kind,
        target_name=target_name,
        title=title,
        loss=loss,
    )
    write_new(path, picture)


def render_fit(
    network: TwoLayerReLU,
    X: ArrayLike,
    y: ArrayLike,
    *,
    kind: str = "png",
    target_name: str = "y",
    title: str = "",
    loss: str | Loss = "squared",
) -> bytes:
    """Draw a network of one or two features with its data.

    One feature: data, fit, a line where each neuron switches, and a thin line at
    each distinct data value: a neuron's pattern changes only there, so the strips
    between them are the chambers.  Two features: the prediction as colour (decision
    regions for a classification), the data, and the line on which each neuron
    switches; the network is affine in each region between them.

    Parameters
    ----------
    network : TwoLayerReLU
    X : array_like, shape (n, 1) or (n, 2), numbers
    y : array_like, shape (n,), numbers
    kind : {"png", "svg", "pdf"}
    target_name, title : str
    loss : str or Loss
        What the network was fitted with: of a classification the sign of the output
        counts, of Poisson its exponential, the mean, is drawn.

    Returns
    -------
    bytes
        The content of the picture file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen = get_loss(loss)
    points = float_array(X, name="X")
    target = float_array(y, name="y")
    if points.ndim != 2 or points.shape[1] not in (1, 2) or not len(points):
        raise InputError(
            f"X has shape {points.shape}; a plot needs (n, 1) or (n, 2), n at least 1."
        )
    if target.shape != (len(points),):
        raise InputError(f"y has shape {target.shape}; expected ({len(points)},).")
    figure = Figure(figsize=(7.6, 5.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _style(axes)
    if points.shape[1] == 1:
        _draw_line(axes, network, points[:, 0], target, chosen)
        axes.set_ylabel(_plain(target_name))
    else:
        _draw_plane(
            figure,
            axes,
            network,
            points,
            target,
            _plain(target_name),
            chosen,
        )
        axes.set_ylabel(_plain(network.feature_names[1]))
    axes.set_xlabel(_plain(network.feature_names[0]))
    axes.set_title(_plain(title), loc="left", fontsize=10, color=_INK)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=len(handles),
            frameon=False,
            fontsize=9,
            labelcolor=_INK,
        )
        for line in legend.get_lines():
            # a white line would not show on white paper
            if line.get_color() == "white":
                line.set_color(_INK)
    stream = io.BytesIO()
    figure.savefig(stream, format=kind)
    return stream.getvalue()


def boundaries(network: TwoLayerReLU) -> Array:
    """Return where each neuron switches, ``(m, d)`` rows (normal, constant).

    In the coordinates of the data as given: ``normal . x + constant = 0``.  Neurons
    that never switch (normal zero) are left out.
    """
    weights = network.weights
    width = weights.shape[1] - network.intercept
    scale = np.ones(width) if network.scale is None else network.scale
    center = np.zeros(width) if network.center is None else network.center
    normals = weights[:, :width] / scale
    constant = weights[:, width] if network.intercept else np.zeros(len(weights))
    lines = np.column_stack([normals, constant - normals @ center])
    return np.asarray(lines[np.any(normals != 0.0, axis=1)])


def _style(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_INK)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _draw_line(
    axes: Axes, network: TwoLayerReLU, x: Array, y: Array, loss: Loss
) -> None:
    low, high = _span(x)
    lines = boundaries(network)
    bends = np.unique(-lines[:, 1] / lines[:, 0])
    bends = bends[(bends > low) & (bends < high)]
    # bends that differ by rounding are one line on paper
    shown = bends[np.diff(bends, prepend=-np.inf) > 1e-3 * (high - low)]
    is_dense = len(x) > _DENSE
    values = np.unique(x)
    if network.intercept and len(values) <= _MAX_LINES:
        for value in values:
            axes.axvline(value, color=_GRID, linewidth=0.6, zorder=0)
        axes.plot([], [], color=_GRID, linewidth=1.2, label="chambers (between lines)")
    for k, bend in enumerate(shown):
        axes.axvline(
            bend,
            color=_BEND,
            linewidth=1.4 if len(shown) <= 20 else 0.8,
            linestyle=(0, (5, 3)),
            zorder=1,
            label="a neuron switches" if k == 0 else None,
        )
    if loss.is_classification:
        axes.axhline(0.0, color=_INK, linewidth=0.8, zorder=1)
    axes.scatter(
        x,
        y,
        s=18 if is_dense else 40,
        color=_DATA,
        alpha=0.75 if is_dense else 1.0,
        edgecolors="white",
        linewidths=0.5,
        zorder=2 if is_dense else 4,
        label="data",
    )
    # outputs are straight between bends, so these points draw them exactly; a mean
    # that is not the output is curved
    knots = np.concatenate([[low], bends, [high]])
    if loss.has_link:
        knots = np.union1d(knots, np.linspace(low, high, _RESOLUTION))
    axes.plot(
        knots,
        loss.mean(network.predict(knots[:, None])),
        color=_FIT,
        linewidth=2.2,
        solid_joinstyle="round",
        zorder=3,
        label="fit",
    )
    axes.set_xlim(low, high)


def _draw_plane(
    figure: Figure,
    axes: Axes,
    network: TwoLayerReLU,
    points: Array,
    y: Array,
    target_name: str,
    loss: Loss,
) -> None:
    from matplotlib.ticker import MaxNLocator

    xs = np.linspace(*_span(points[:, 0]), _RESOLUTION)
    ys = np.linspace(*_span(points[:, 1]), _RESOLUTION)
    grid = np.array(np.meshgrid(xs, ys))
    outputs = network.predict(grid.reshape(2, -1).T)
    values = loss.mean(outputs).reshape(grid.shape[1:])
    if loss.is_classification:
        _draw_regions(axes, xs, ys, values, points, y, target_name)
    else:
        low = float(min(y.min(), values.min()))
        high = float(max(y.max(), values.max()))
        if not low < high:
            low, high = low - 1.0, high + 1.0
        colours: dict[str, Any] = {"cmap": "viridis", "vmin": low, "vmax": high}
        levels = MaxNLocator(24).tick_values(low, high)
        shades = axes.contourf(xs, ys, values, levels=levels, **colours)
        axes.scatter(
            points[:, 0],
            points[:, 1],
            c=y,
            s=36,
            edgecolors="white",
            linewidths=0.8,
            zorder=3,
            label="data",
            **colours,
        )
        bar = figure.colorbar(shades, ax=axes, label=target_name)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=_INK, labelsize=9)
    colour = _INK if loss.is_classification else "white"
    for k, (foot, along) in enumerate(_visible_lines(network, xs, ys)):
        axes.axline(
            tuple(foot),
            tuple(foot + along),
            color=colour,
            linewidth=1.2,
            linestyle=(0, (5, 3)),
            label="a neuron switches" if k == 0 else None,
        )
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])


def _visible_lines(
    network: TwoLayerReLU, xs: Array, ys: Array
) -> list[tuple[Array, Array]]:
    """Return a point and a direction for each line that crosses the picture.

    Lines that differ by rounding are one line on paper: they are compared by angle
    and distance in a picture scaled to the square [-1, 1]^2.
    """
    middle = np.array([xs[0] + xs[-1], ys[0] + ys[-1]]) / 2.0
    half = np.array([xs[-1] - xs[0], ys[-1] - ys[0]]) / 2.0
    kept: list[Array] = []
    out = []
    for line in boundaries(network):
        normal = line[:2] * half
        size = float(np.hypot(*normal))
        unit, offset = normal / size, float(line[:2] @ middle + line[2]) / size
        if abs(offset) > abs(unit).sum():
            continue
        key = np.array([unit[0], unit[1], offset])
        if any(min(abs(key - k).max(), abs(key + k).max()) < 2e-3 for k in kept):
            continue
        kept.append(key)
        # the foot of the perpendicular from the middle, back in data coordinates
        foot = middle - offset * unit * half
        out.append((foot, np.array([-unit[1], unit[0]]) * half))
    return out


def _draw_regions(
    axes: Axes,
    xs: Array,
    ys: Array,
    values: Array,
    points: Array,
    y: Array,
    target_name: str,
) -> None:
    from matplotlib.colors import ListedColormap

    # zero belongs to +1, so that every point of the plane has a colour
    axes.pcolormesh(
        xs,
        ys,
        np.where(values >= 0.0, 1.0, 0.0),
        cmap=ListedColormap(["#d5e3f2", "#f6d9d3"]),
        vmin=0.0,
        vmax=1.0,
        shading="nearest",
        rasterized=True,
    )
    if values.min() < 0.0 < values.max():
        axes.contour(xs, ys, values, levels=[0.0], colors=[_INK], linewidths=1.8)
    for label, colour in ((-1, _LOW), (1, _HIGH)):
        axes.scatter(
            points[y == label, 0],
            points[y == label, 1],
            s=30,
            color=colour,
            edgecolors="white",
            linewidths=0.7,
            zorder=3,
            label=f"{target_name} = {label:+d}",
        )


def _plain(text: str) -> str:
    """Keep a dollar sign from starting mathematics."""
    return text.replace("$", r"\$")
