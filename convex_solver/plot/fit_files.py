"""Pictures of networks as files: checked first, drawn whole, never over another."""

from __future__ import annotations

import os

from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.io import INK, finish, plain_text, write_new
from convex_solver.losses import Loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.plot.files import check_format, content, new_figure
from convex_solver.plot.networks import draw_network

SIZE = (7.6, 5.2)


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
    figure = new_figure(size)
    axes = figure.add_subplot()
    draw_network(axes, network, X, y, target_name, loss, classes)
    finish(axes, None)
    axes.set_title(plain_text(title), loc="left", fontsize=10, color=INK)
    return content(figure, kind)
