"""`neurons`: the weights of a network as directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from arrangement import InputError
from arrangement.io import (
    BLUE,
    GREY,
    GRID,
    VERMILION,
    axes_for,
    dress,
    finish,
)
from convex_solver.networks import TwoLayerReLU
from convex_solver.plot.networks import network_of
from convex_solver.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# terms of a direction that an axis names
_TERMS = 2


def neurons(network: TwoLayerReLU | Any, *, ax: Axes | None = None) -> Axes:
    """Draw each neuron as the direction of its weights, as long as it is strong.

    Neuron j points along ``u_j`` and has the length ``|u_j| |alpha_j|``, which is what
    it costs: half its weight decay per beta.  With more than two weights (an intercept
    is one) the two directions are drawn in which the neurons, so scaled, are largest;
    the axes name their main terms and the share of the squares that they hold.

    Parameters
    ----------
    network : TwoLayerReLU
        Or what has one: a `Solution`, a fitted estimator, a loaded `Model`.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        Weights are those of the network's own coordinates, centred and scaled where
        it does that.

    Raises
    ------
    InputError
        There is no network, or it has a single weight for each neuron.

    Examples
    --------
    >>> from convex_solver import TwoLayerReLU, plot
    >>> ax = plot.neurons(TwoLayerReLU([[1.0, 0.0], [0.0, -2.0]], [1.0, -1.0]))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x0', 'x1')
    """
    found = network_of(network)
    names = [*found.feature_names, *(["intercept"] if found.intercept else [])]
    if len(names) < 2:
        raise InputError(
            "a network with one weight a neuron has no directions; plot.fit draws it."
        )
    arrows = found.weights * np.abs(found.alphas)[:, None]
    flat, titles = _flat(arrows, names)
    axes = axes_for(ax)
    reach = 1.15 * (float(np.abs(flat).max(initial=0.0)) or 1.0)
    axes.axhline(0.0, color=GRID, linewidth=0.8, zorder=0)
    axes.axvline(0.0, color=GRID, linewidth=0.8, zorder=0)
    kinds = (
        (found.alphas > 0.0, VERMILION, "-", "^", "alpha > 0"),
        (found.alphas < 0.0, BLUE, (0, (4, 2)), "v", "alpha < 0"),
        (found.alphas == 0.0, GREY, ":", "o", "alpha = 0"),
    )
    for chosen, colour, line, marker, label in kinds:
        if not np.any(chosen):
            continue
        for x, y in flat[chosen]:
            axes.plot([0.0, x], [0.0, y], color=colour, linestyle=line, linewidth=1.3)
        axes.plot(
            *flat[chosen].T,
            marker=marker,
            color=colour,
            markersize=6,
            linestyle="none",
            label=f"{np.count_nonzero(chosen):,} with {label}",
        )
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    dress(axes, x=titles[0], y=titles[1])
    finish(axes, ax)
    return axes


def _flat(arrows: Array, names: list[str]) -> tuple[Array, tuple[str, str]]:
    """Return arrows in a plane (m, 2), and what its axes are."""
    if len(names) == 2:
        return arrows, (names[0], names[1])
    _, sizes, directions = np.linalg.svd(arrows, full_matrices=True)
    # the same sign on every machine: the largest term is positive
    largest = np.argmax(np.abs(directions), axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    squares = np.zeros(len(names))
    squares[: len(sizes)] = sizes**2
    total = float(squares.sum()) or 1.0
    titles = [
        f"{_terms(direction, names)} ({square / total:.0%})"
        for direction, square in zip(directions[:2], squares[:2], strict=True)
    ]
    return arrows @ directions[:2].T, (titles[0], titles[1])


def _terms(direction: Array, names: list[str]) -> str:
    """Return a direction as a sum of its main terms."""
    order = np.argsort(-np.abs(direction), kind="stable")[:_TERMS]
    parts = [f"{direction[k]:+.2f} {names[k]}" for k in order if direction[k] != 0.0]
    more = " + ..." if np.count_nonzero(direction) > len(parts) else ""
    return " ".join(parts).removeprefix("+") + more
