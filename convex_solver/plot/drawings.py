"""Draw a fitted network into axes: data, prediction, the lines where it bends."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arrangement.io import BLUE, GREY, GRID, INK, ORANGE, VERMILION
from convex_solver.losses import Loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# of -1 and +1: colour, region, marker, area; told apart without colours too (Okabe &
# Ito's blue and vermilion), and where two samples are equal the triangle is in the disc
_CLASSES = (
    (BLUE, "#dfeaf5", "o", 54.0),
    (VERMILION, "#f9e3dd", "^", 30.0),
)
_RESOLUTION = 401
# more lines than this would paint the background instead of dividing it
_MAX_VALUES = 40
# more samples than this are drawn smaller
_DENSE, _VERY_DENSE = 60, 400
# Lines of neurons in a picture, the heaviest: more would bury the data; and below this
# share of the largest change of the slope nothing is seen to bend.
MOST_LINES, _LEAST_BEND = 8, 1e-3
# of a picture of one feature and two classes, the share above and below for samples
_STRIP, _DOT = 0.17, 0.03


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


def _smaller(n: int) -> float:
    """Return by what share the markers of so many samples are smaller."""
    return 1.0 if n <= _DENSE else 0.8 if n <= _VERY_DENSE else 0.5


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def draw_line(
    axes: Axes, network: TwoLayerReLU, x: Array, y: Array, loss: Loss
) -> None:
    """Draw a prediction by one feature as a curve, and the data."""
    low, high = _span(x)
    _draw_values(axes, network, x)
    bends = _draw_bends(axes, network, low, high)
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


def _draw_values(axes: Axes, network: TwoLayerReLU, x: Array) -> None:
    """Draw a line at each value, where these are few: chambers are between them."""
    values = np.unique(x)
    if not network.intercept or len(values) > _MAX_VALUES:
        return
    for value in values:
        axes.axvline(value, color=GRID, linewidth=0.6, zorder=0)
    axes.plot([], [], color=GRID, linewidth=1.2, label="chambers (between lines)")


def _draw_bends(axes: Axes, network: TwoLayerReLU, low: float, high: float) -> Array:
    """Draw where neurons switch, the heaviest of them; return all these places."""
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
    for k, (bend, look) in enumerate(zip(shown, _looks(joined[kept]), strict=True)):
        axes.axvline(
            bend, color=ORANGE, zorder=1, label=label if k == 0 else None, **look
        )
    return np.asarray(bends)


def _strongest(bends: Array) -> tuple[NDArray[np.int64], str]:
    """Return which lines to draw, those that bend the output most first; and a label.

    ``bends`` (m,) are the changes of the slope across each.
    """
    order = np.argsort(-bends, kind="stable")
    kept = order[bends[order] >= _LEAST_BEND * bends.max(initial=0.0)][:MOST_LINES]
    if len(kept) < len(bends):
        return kept, f"neurons switch ({len(kept)} heaviest of {len(bends)} lines)"
    return kept, "a neuron switches"


def _looks(bends: Array) -> list[dict[str, Any]]:
    """Return how to draw lines, the heaviest first: thin and faint where it is light.

    The first is as it stands in the legend.
    """
    shares = np.sqrt(bends / bends.max(initial=0.0)) if len(bends) else bends
    return [
        {"linestyle": (0, (5, 3)), "linewidth": 0.6 + 0.5 * t, "alpha": 0.25 + 0.4 * t}
        for t in shares.tolist()
    ]


def _draw_curve(
    axes: Axes, x: Array, y: Array, label: str, colour: str = VERMILION
) -> None:
    axes.plot(
        x,
        y,
        color=colour,
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

    The colour behind it is the class that is predicted.  The samples are stacked
    outside the range of the curve, above it those of the second class, so that none
    hides another or the curve.
    """
    low, high = _span(x)
    knots = np.concatenate([[low], _draw_bends(axes, network, low, high), [high]])
    outputs = network.predict(knots[:, None])
    _shade(axes, knots, outputs)
    if loss.name == "logistic":
        knots = np.union1d(knots, np.linspace(low, high, _RESOLUTION))
        curve = expit(network.predict(knots[:, None]))
        axes.set_ylabel(f"probability of {name} = {classes[1]}")
        bottom, top, threshold, label = 0.0, 1.0, 0.5, "probability"
    else:
        curve = outputs
        axes.set_ylabel(f"output (above 0: {classes[1]})")
        bottom, top = min(-1.0, float(curve.min())), max(1.0, float(curve.max()))
        threshold, label = 0.0, "output"
    _draw_curve(axes, knots, curve, label, INK)
    axes.axhline(
        threshold,
        color=GREY,
        linewidth=1.0,
        linestyle=":",
        zorder=2,
        label="decision changes",
    )
    axes.set_xlim(low, high)
    _stack(axes, x, y, (bottom, top), [f"{name} = {label}" for label in classes])


def _shade(axes: Axes, knots: Array, outputs: Array) -> None:
    """Colour the class predicted; outputs (m,) are straight between the knots (m,)."""
    signs = outputs > 0.0
    turns = np.flatnonzero(signs[1:] != signs[:-1])
    f, g, a, b = outputs[turns], outputs[turns + 1], knots[turns], knots[turns + 1]
    places = np.concatenate([knots[:1], a + (b - a) * (f / (f - g)), knots[-1:]])
    is_second = bool(signs[0])
    for left, right in itertools.pairwise(places.tolist()):
        axes.axvspan(left, right, color=_CLASSES[is_second][1], linewidth=0, zorder=-1)
        is_second = not is_second


def _stack(
    axes: Axes, x: Array, y: Array, ends: tuple[float, float], labels: list[str]
) -> None:
    """Draw the samples of each class in columns outside of a range of heights."""
    from matplotlib.ticker import MaxNLocator

    bottom, top = ends
    low, high = axes.get_xlim()
    room = _STRIP * (top - bottom)
    # columns as wide as a marker
    column = np.floor((x - low) / (high - low) * 100.0).astype(np.int64)
    most = max(int(np.bincount(column[y == sign]).max(initial=1)) for sign in (-1, 1))
    step = min(_DOT * (top - bottom), 0.66 * room / max(most - 1, 1))
    size = 26.0 if most <= 0.66 * _STRIP / _DOT else 16.0
    for sign, (colour, _, marker, _), label in zip(
        (-1, 1), _CLASSES, labels, strict=True
    ):
        own = x[y == sign]
        order = np.argsort(own, kind="stable")
        own, columns = own[order], column[y == sign][order]
        first = np.searchsorted(columns, columns)
        away = 0.18 * room + step * (np.arange(len(own)) - first)
        axes.scatter(
            own,
            top + away if sign > 0 else bottom - away,
            s=size,
            color=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.4,
            zorder=4,
            label=label,
        )
    axes.set_ylim(bottom - room, top + room)
    # what stands in the strips has a class, and no height
    ticks = np.asarray(MaxNLocator(6).tick_values(bottom, top))
    inside = (ticks >= bottom - 1e-9) & (ticks <= top + 1e-9)
    axes.set_yticks(ticks[inside])
    for edge in ends:
        axes.axhline(edge, color="white", linewidth=1.4, zorder=0)


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
            s=36.0 * _smaller(len(y)),
            edgecolors="white",
            linewidths=0.8,
            zorder=3,
            label="data",
            **colours,
        )
        figure = axes.get_figure()
        assert figure is not None
        bar = figure.colorbar(shades, ax=axes, ticks=MaxNLocator(7))
        bar.set_label(target_name, color=INK)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=INK, labelsize=9)
    colour = INK if loss.is_classification else "white"
    lines, bends = _visible_lines(network, xs, ys)
    kept, label = _strongest(bends)
    for k, (each, look) in enumerate(zip(kept, _looks(bends[kept]), strict=True)):
        foot, along = lines[each]
        axes.axline(
            tuple(foot),
            tuple(foot + along),
            color=colour,
            zorder=1.5,
            label=label if k == 0 else None,
            **look,
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
        cmap=ListedColormap([region for _, region, _, _ in _CLASSES]),
        vmin=0.0,
        vmax=1.0,
        shading="nearest",
        rasterized=True,
    )
    if values.min() < 0.0 < values.max():
        axes.contour(xs, ys, values, levels=[0.0], colors=[INK], linewidths=1.8)
        axes.plot([], [], color=INK, linewidth=1.8, label="decision changes")
    for sign, (colour, _, marker, size), label in zip(
        (-1, 1), _CLASSES, classes, strict=True
    ):
        axes.scatter(
            points[y == sign, 0],
            points[y == sign, 1],
            s=size * _smaller(len(y)),
            color=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.7,
            zorder=3,
            label=f"{target_name} = {label}",
        )
