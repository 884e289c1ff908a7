"""`fit`: a network of one or two features, with its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.exact import float_array
from arrangement.io import axes_for, dress, finish, plain_text
from convex_solver.losses import Loss, get_loss
from convex_solver.networks import TwoLayerReLU
from convex_solver.plot.drawings import draw_classes, draw_line, draw_plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def fit(
    network: TwoLayerReLU | Any,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    *,
    target_name: str = "y",
    feature_names: Sequence[str] | str | None = None,
    loss: str | Loss = "squared",
    classes: tuple[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a network of one or two features with its data.

    One feature: data, fit, a dashed line where a neuron switches, and of up to 40
    values a thin line at each: patterns change only there, so the strips between them
    are the chambers.  Of a classification the output instead, with logistic loss the
    probability of the second class, and the class predicted as colour; the samples are
    stacked above and below.

    Two features: the prediction as colour, of a classification the class; the data, and
    dashed lines on which neurons switch.

    The network is affine between the lines of all neurons.  Eight of them are drawn at
    most, those across which the output bends most, and the fainter the less.

    Parameters
    ----------
    network : TwoLayerReLU
        Or what has one: a `Solution`, a fitted estimator, a loaded `Model`.
    X : array_like, shape (n, 1) or (n, 2)
    y : array_like, shape (n,)
        Of a classification -1 and +1.
    target_name : str
    feature_names : one or two str, optional
        What stands at the axes, with units, such as ``"body mass (g)"``; by default the
        network's names.
    loss : str or Loss
        What the network was fitted with.
    classes : pair of str, optional
        Names of the classes -1 and +1.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Other shapes, or a network of more features.

    Examples
    --------
    >>> from convex_solver import TwoLayerReLU, plot
    >>> line = TwoLayerReLU([[1, 0], [-1, 0]], [1, 1], intercept=True)
    >>> ax = plot.fit(line, [[-1], [0], [2]], [1, 0, 2], target_name="size (m)")
    >>> ax.get_ylabel()
    'size (m)'
    >>> plane = TwoLayerReLU([[1.0, 1.0], [-1.0, 0.0]], [1.0, -1.0])
    >>> X, y = [[1, 1], [-1, 1], [0.5, 2]], [1, -1, 1]
    >>> ax = plot.fit(plane, X, y, loss="hinge", classes=("no", "yes"))
    >>> [text.get_text() for text in ax.figure.legends[0].get_texts()][1:3]
    ['y = no', 'y = yes']
    """
    found = network_of(network)
    width = len(found.feature_names)
    if width not in (1, 2):
        raise InputError(f"the network has {width} features; expected one or two.")
    names = (feature_names,) if isinstance(feature_names, str) else feature_names
    if names is not None and len(names) != width:
        raise InputError(f"{len(names)} names for {width} features.")
    axes = axes_for(ax)
    draw_network(axes, found, X, y, target_name, loss, classes, names)
    finish(axes, ax)
    return axes


def network_of(value: Any) -> TwoLayerReLU:
    """Return a network, or the one of a solution, a model or a fitted estimator.

    Raises
    ------
    InputError
        There is none, or several.
    """
    for found in (
        value,
        getattr(value, "network", None),
        getattr(value, "network_", None),
    ):
        if isinstance(found, TwoLayerReLU):
            return found
    raise InputError(
        f"a {type(value).__name__} came; expected a TwoLayerReLU, or what has one as "
        "network: a Solution, a Model, or an estimator fitted to one target."
    )


def draw_network(
    axes: Axes,
    network: TwoLayerReLU,
    X: ArrayLike | Any,
    y: ArrayLike | Any,
    target_name: str,
    loss: str | Loss,
    classes: tuple[str, str] | None,
    names: Sequence[str] | None = None,
) -> None:
    """Draw a network of one or two features into axes, and label these.

    Raises
    ------
    InputError
        ``X`` or ``y`` of another shape.
    """
    chosen = get_loss(loss)
    points = float_array(X, name="X")
    target = float_array(y, name="y")
    width = len(network.feature_names)
    if points.ndim != 2 or points.shape[1] not in (1, 2) or not len(points):
        raise InputError(
            f"X has shape {points.shape}; a plot needs (n, 1) or (n, 2), n at least 1."
        )
    if points.shape[1] != width:
        raise InputError(f"X has shape {points.shape}; expected (n, {width}).")
    if target.shape != (len(points),):
        raise InputError(f"y has shape {target.shape}; expected ({len(points)},).")
    shown = names or network.feature_names
    name = plain_text(target_name)
    texts = tuple(plain_text(label) for label in classes or ("-1", "+1"))
    dress(axes, x=shown[0])
    if points.shape[1] == 2:
        draw_plane(axes, network, points, target, name, texts, chosen)
        axes.set_ylabel(plain_text(shown[1]))
    elif chosen.is_classification:
        draw_classes(axes, network, points[:, 0], target, name, texts, chosen)
    else:
        draw_line(axes, network, points[:, 0], target, chosen)
        axes.set_ylabel(name)
