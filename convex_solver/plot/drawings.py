"""Draw a fitted network into axes: data, prediction, the lines where it bends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arrangement.io import BLUE, GRID, INK, ORANGE, VERMILION
from convex_solver.losses import Loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# of -1 and +1; told apart without colours too (Okabe & Ito's blue and vermilion)
_CLASSES = ((BLUE, "o"), (VERMILION, "^"))
_RESOLUTION = 401
# more lines than this would paint the background instead of dividing it
_MAX_LINES = 400
_DENSE = 60
# more than these would bury the data, and below this share of the largest change of the
# slope nothing is seen to bend
_MOST_BENDS, _LEAST_BEND = 12, 1e-3


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


def draw_line(
    axes: Axes, network: TwoLayerReLU, x: Array, y: Array, loss: Loss
) -> None:
    """Draw a prediction by one feature as a curve, and the data."""
    low, high = _span(x)
    bends = _draw_bends(axes, network, x, low, high)
    is_dense = len(x) > _DENSE
    axes.scatter(
        x,
        y,
        s=18 if is_dense else 40,
        color=BLUE,
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
            axes.axvline(value, color=GRID, linewidth=0.6, zorder=0)
        axes.plot([], [], color=GRID, linewidth=1.2, label="chambers (between lines)")
    for k, bend in enumerate(shown):
        axes.axvline(
            bend,
            color=ORANGE,
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
        color=VERMILION,
        linewidth=2.2,
        solid_joinstyle="round",
        zorder=3,
        label=label,
    )


def draw_classes(
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


def draw_plane(
    axes: Axes,
    network: TwoLayerReLU,
    points: Array,
    y: Array,
    target_name: str,
    classes: tuple[str, ...],
    loss: Loss,
) -> None:
    """Draw the prediction by two features as colour, or decision regions."""
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
        figure = axes.get_figure()
        assert figure is not None
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
