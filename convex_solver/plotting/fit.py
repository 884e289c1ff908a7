"""Draw a fitted network: its data, its prediction, and the lines where it bends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from arrangement import InputError
from arrangement.exact import float_array
from arrangement.io import write_new
from convex_solver.losses import Loss, get_loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.plotting.style import (
    BLUE,
    INK,
    VERMILION,
    check_format,
    content,
    new_figure,
    plain,
    style,
)
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SIZE = (7.6, 5.2)
_DATA = "#4c6a85"
_FIT = "#c8442b"
_BEND = "#e08a2e"
_GRID = "#dfe5ea"
# of -1 and +1; told apart without colours too (Okabe & Ito's blue and vermilion)
_CLASSES = ((BLUE, "o"), (VERMILION, "^"))
_RESOLUTION = 401
# more lines than this would paint the background instead of dividing it
_MAX_LINES = 400
_DENSE = 60
# more than these would bury the data, and below this share of the largest change of the
# slope nothing is seen to bend
_MOST_BENDS, _LEAST_BEND = 12, 1e-3


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
    return check_format(path)


def plot_fit(
    network: TwoLayerReLU,
    X: ArrayLike,
    y: ArrayLike,
    path: str | os.PathLike[str],
    *,
    target_name: str = "y",
    title: str = "",
    loss: str | Loss = "squared",
    classes: tuple[str, str] | None = None,
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
        classes=classes,
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
    classes: tuple[str, str] | None = None,
    size: tuple[float, float] = SIZE,
) -> bytes:
    """Draw a network of one or two features with its data.

    One feature: data, fit, a line where each neuron switches, and a thin line at
    each distinct data value: a neuron's pattern changes only there, so the strips
    between them are the chambers.  Of a classification the output is drawn, with
    logistic loss the probability of the second class.  Two features: the prediction as
    colour (decision regions for a classification), the data, and the line on which
    each neuron switches; the network is affine in each region between them.  Of many
    neurons those are drawn whose output bends most there (a dozen in a plane).

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
    classes : pair of str, optional
        Names of the classes -1 and +1.
    size : pair of float
        Width and height in inches; texts keep their size.

    Returns
    -------
    bytes
        The content of the picture file.
    """
    chosen = get_loss(loss)
    points = float_array(X, name="X")
    target = float_array(y, name="y")
    if points.ndim != 2 or points.shape[1] not in (1, 2) or not len(points):
        raise InputError(
            f"X has shape {points.shape}; a plot needs (n, 1) or (n, 2), n at least 1."
        )
    if target.shape != (len(points),):
        raise InputError(f"y has shape {target.shape}; expected ({len(points)},).")
    figure = new_figure(size)
    axes = figure.add_subplot()
    style(axes)
    name = plain(target_name)
    texts = tuple(plain(label) for label in classes or ("-1", "+1"))
    if points.shape[1] == 2:
        _draw_plane(figure, axes, network, points, target, name, texts, chosen)
        axes.set_ylabel(plain(network.feature_names[1]))
    elif chosen.is_classification:
        _draw_classes(axes, network, points[:, 0], target, name, texts, chosen)
    else:
        _draw_line(axes, network, points[:, 0], target, chosen)
        axes.set_ylabel(name)
    axes.set_xlabel(plain(network.feature_names[0]))
    axes.set_title(plain(title), loc="left", fontsize=10, color=INK)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(len(handles), 4),
            frameon=False,
            fontsize=9,
            labelcolor=INK,
        )
        for line in legend.get_lines():
            # a white line would not show on white paper
            if line.get_color() == "white":
                line.set_color(INK)
    return content(figure, kind)


def boundaries(network: TwoLayerReLU) -> Array:
    """Return where each neuron switches, ``(m, d)`` rows (normal, constant).

    In the coordinates of the data as given: ``normal . x + constant = 0``.  Neurons
    that never switch (normal zero) are left out.
    """
    return _boundaries(network)[0]


def _boundaries(network: TwoLayerReLU) -> tuple[Array, Array]:
    """Return the rows of `boundaries`, and the size of the weight of each neuron."""
    weights = network.weights
    width = weights.shape[1] - network.intercept
    scale = np.ones(width) if network.scale is None else network.scale
    center = np.zeros(width) if network.center is None else network.center
    normals = weights[:, :width] / scale
    constant = weights[:, width] if network.intercept else np.zeros(len(weights))
    lines = np.column_stack([normals, constant - normals @ center])
    moving = np.any(normals != 0.0, axis=1)
    return np.asarray(lines[moving]), np.abs(network.alphas[moving])


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _draw_line(
    axes: Axes, network: TwoLayerReLU, x: Array, y: Array, loss: Loss
) -> None:
    low, high = _span(x)
    bends = _draw_bends(axes, network, x, low, high)
    is_dense = len(x) > _DENSE
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
    _draw_curve(axes, knots, loss.mean(network.predict(knots[:, None])), "fit")
    axes.set_xlim(low, high)


def _draw_bends(
    axes: Axes, network: TwoLayerReLU, x: Array, low: float, high: float
) -> Array:
    """Draw the chambers and where neurons switch; return all places of the latter."""
    lines, sizes = _boundaries(network)
    places, slopes = -lines[:, 1] / lines[:, 0], sizes * np.abs(lines[:, 0])
    inside = (places > low) & (places < high)
    bends, group = np.unique(places[inside], return_inverse=True)
    heights: Array = np.zeros(len(bends))
    np.add.at(heights, group, slopes[inside])
    # bends that differ by rounding are one line on paper
    first = np.diff(bends, prepend=-np.inf) > 1e-3 * (high - low)
    joined: Array = np.zeros(np.count_nonzero(first))
    np.add.at(joined, np.cumsum(first) - 1, heights)
    kept, label = _strongest(joined)
    shown = bends[first][kept]
    values = np.unique(x)
    if network.intercept and len(values) <= _MAX_LINES:
        for value in values:
            axes.axvline(value, color=_GRID, linewidth=0.6, zorder=0)
        axes.plot([], [], color=_GRID, linewidth=1.2, label="chambers (between lines)")
    for k, bend in enumerate(shown):
        axes.axvline(
            bend,
            color=_BEND,
            linewidth=1.2,
            linestyle=(0, (5, 3)),
            zorder=1,
            label=label if k == 0 else None,
        )
    return np.asarray(bends)


def _strongest(bends: Array) -> tuple[NDArray[np.int64], str]:
    """Return which lines to draw, those that bend the output most first; and a label.

    ``bends`` (m,) are the changes of the slope across each.
    """
    order = np.argsort(-bends, kind="stable")
    kept = order[bends[order] >= _LEAST_BEND * bends.max(initial=0.0)][:_MOST_BENDS]
    if len(kept) < len(bends):
        return kept, f"neurons switch ({len(kept)} strongest of {len(bends)} lines)"
    return kept, "a neuron switches"


def _draw_curve(axes: Axes, x: Array, y: Array, label: str) -> None:
    axes.plot(
        x,
        y,
        color=_FIT,
        linewidth=2.2,
        solid_joinstyle="round",
        zorder=3,
        label=label,
    )


def _draw_classes(
    axes: Axes,
    network: TwoLayerReLU,
    x: Array,
    y: Array,
    name: str,
    classes: tuple[str, ...],
    loss: Loss,
) -> None:
    """Draw a classification by one feature: a probability, or the output, as a curve.

    The samples are ticks at the edge of their class, so that none hides another.
    """
    low, high = _span(x)
    knots = np.concatenate([[low], _draw_bends(axes, network, x, low, high), [high]])
    if loss.name == "logistic":
        knots = np.union1d(knots, np.linspace(low, high, _RESOLUTION))
        curve = expit(network.predict(knots[:, None]))
        axes.set_ylabel(f"probability of {name} = {classes[1]}")
        bottom, top, threshold = 0.0, 1.0, 0.5
        label = "probability"
    else:
        curve = network.predict(knots[:, None])
        axes.set_ylabel(f"output, {name} = {classes[1]} above 0")
        bottom, top = min(-1.0, float(curve.min())), max(1.0, float(curve.max()))
        threshold, label = 0.0, "output"
    _draw_curve(axes, knots, curve, label)
    axes.axhline(threshold, color=INK, linewidth=0.8, zorder=1)
    margin = 0.06 * (top - bottom)
    for sign, (colour, marker), label, edge in zip(
        (-1, 1), _CLASSES, classes, (bottom - margin, top + margin), strict=True
    ):
        own = x[y == sign]
        # spread over the height of the margin, by turns, so that equal ones show
        places = edge + margin * (np.arange(len(own)) % 5 - 2) / 6.0
        axes.scatter(
            own,
            places,
            s=22,
            color=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.5,
            zorder=4,
            label=f"{name} = {label}",
        )
    axes.set_xlim(low, high)
    axes.set_ylim(bottom - 2.0 * margin, top + 2.0 * margin)


def _draw_plane(
    figure: Figure,
    axes: Axes,
    network: TwoLayerReLU,
    points: Array,
    y: Array,
    target_name: str,
    classes: tuple[str, ...],
    loss: Loss,
) -> None:
    from matplotlib.ticker import MaxNLocator

    xs = np.linspace(*_span(points[:, 0]), _RESOLUTION)
    ys = np.linspace(*_span(points[:, 1]), _RESOLUTION)
    grid = np.array(np.meshgrid(xs, ys))
    outputs = network.predict(grid.reshape(2, -1).T)
    values = loss.mean(outputs).reshape(grid.shape[1:])
    if loss.is_classification:
        _draw_regions(axes, xs, ys, values, points, y, target_name, classes)
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
        bar.ax.tick_params(colors=INK, labelsize=9)
    colour = INK if loss.is_classification else "white"
    lines, bends = _visible_lines(network, xs, ys)
    kept, label = _strongest(bends)
    for k, (foot, along) in enumerate(lines[each] for each in kept):
        axes.axline(
            tuple(foot),
            tuple(foot + along),
            color=colour,
            alpha=0.8,
            linewidth=1.0,
            linestyle=(0, (5, 3)),
            label=label if k == 0 else None,
        )
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])


def _visible_lines(
    network: TwoLayerReLU, xs: Array, ys: Array
) -> tuple[list[tuple[Array, Array]], Array]:
    """Return a point and a direction for each line that crosses the picture.

    And how much the slope of the output changes across each.  Lines that differ by
    rounding are one line on paper: they are compared by angle and distance in a picture
    scaled to the square [-1, 1]^2.
    """
    middle = np.array([xs[0] + xs[-1], ys[0] + ys[-1]]) / 2.0
    half = np.array([xs[-1] - xs[0], ys[-1] - ys[0]]) / 2.0
    kept: list[Array] = []
    out: list[tuple[Array, Array]] = []
    bends: list[float] = []
    for line, alpha in zip(*_boundaries(network), strict=True):
        normal = line[:2] * half
        size = float(np.hypot(*normal))
        unit, offset = normal / size, float(line[:2] @ middle + line[2]) / size
        if abs(offset) > abs(unit).sum():
            continue
        key = np.array([unit[0], unit[1], offset])
        same = [min(abs(key - k).max(), abs(key + k).max()) < 2e-3 for k in kept]
        if any(same):
            bends[same.index(True)] += alpha * size
            continue
        kept.append(key)
        bends.append(alpha * size)
        # the foot of the perpendicular from the middle, back in data coordinates
        foot = middle - offset * unit * half
        out.append((foot, np.array([-unit[1], unit[0]]) * half))
    return out, np.array(bends)


def _draw_regions(
    axes: Axes,
    xs: Array,
    ys: Array,
    values: Array,
    points: Array,
    y: Array,
    target_name: str,
    classes: tuple[str, ...],
) -> None:
    from matplotlib.colors import ListedColormap

    # zero belongs to -1, as it does for predictions
    axes.pcolormesh(
        xs,
        ys,
        np.where(values > 0.0, 1.0, 0.0),
        cmap=ListedColormap(["#d5e3f2", "#f6d9d3"]),
        vmin=0.0,
        vmax=1.0,
        shading="nearest",
        rasterized=True,
    )
    if values.min() < 0.0 < values.max():
        axes.contour(xs, ys, values, levels=[0.0], colors=[INK], linewidths=1.8)
    for sign, (colour, marker), label in zip((-1, 1), _CLASSES, classes, strict=True):
        axes.scatter(
            points[y == sign, 0],
            points[y == sign, 1],
            s=34,
            color=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.7,
            zorder=3,
            label=f"{target_name} = {label}",
        )
