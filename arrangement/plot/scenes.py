"""`chambers`: an arrangement of lines in the plane, or of great circles."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError
from arrangement.exact import float_array
from arrangement.io import INK, VERMILION, axes_for, dress, finish, plain_text
from arrangement.listing import enumerate_patterns
from arrangement.model import Arrangement, PatternSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

_RESOLUTION = 601
# more lines than this would paint the chambers instead of dividing them
_MOST_LINES = 400
# vertices beyond this share of all are outside the picture, on each side
_TAIL = 0.05
_SHOWN_BITS = 16
# a chamber of less than this share of the picture has a ring around it
_SMALL = 0.004
# where a sphere is looked at from, unless a chamber is picked: no axis is hidden
_VIEW = (0.42, 0.30, 0.86)


def chambers(
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    pattern: ArrayLike | None = None,
    names: tuple[str, ...] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the chambers of an arrangement in two or three dimensions.

    In two columns: lines in the plane, ``x_i . z = b_i``.  In three, without offsets:
    great circles on the sphere of directions z, seen from outside; the other half is
    its mirror image, with all bits changed.  The colour of a chamber is the number of
    rows with bit 1, so that neighbours differ.

    Parameters
    ----------
    X : Arrangement or array_like, shape (n, 2) or (n, 3)
        As for `arrangement.Arrangement`; at most 400 distinct hyperplanes.
    offsets : array_like, shape (n,), optional
        ``b``; only with two columns.
    pattern : array_like, shape (n,), optional
        Bits or signs of a chamber to pick out.  A sphere is turned so that it is seen.
    names : tuple of str, optional
        Names of the columns; z0, z1, ... by default.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        With a bar of colours beside it.

    Raises
    ------
    InputError, InputTypeError
        As `Arrangement`; another dimension, too many hyperplanes, a pattern that no
        chamber has.

    Notes
    -----
    What is drawn is decided in float64, pixel by pixel; whether ``pattern`` is one is
    decided exactly.

    Examples
    --------
    >>> from arrangement import plot
    >>> ax = plot.chambers([[1, 0], [0, 1], [1, 1]], offsets=[0, 0, 1])
    >>> ax.get_xlabel()
    'z0'
    """
    scene = _Scene.of(X, offsets, pattern)
    titles = names or tuple(f"z{k}" for k in range(scene.dimension))
    if len(titles) != scene.dimension:
        raise InputError(f"{len(titles)} names for {scene.dimension} columns.")
    axes = axes_for(ax)
    if scene.dimension == 2:
        _draw_plane(axes, scene)
        dress(axes, x=titles[0], y=titles[1])
    else:
        _draw_sphere(axes, scene, titles)
    finish(axes, ax)
    return axes


@dataclass(frozen=True, eq=False)
class _Scene:
    """Distinct hyperplanes ``normals . z = offsets`` (k, d), and what is picked.

    ``bits`` (k, 2) is how many rows have bit 1 on the negative and on the positive
    side; ``constant`` how many everywhere.  ``wanted`` (k,) are the signs of the
    chamber picked out, ``inside`` a point of it (homogeneous in the plane),
    ``corners`` its finite vertices.
    """

    normals: Floats
    offsets: Floats
    bits: NDArray[np.int64]
    constant: int
    n_rows: int
    wanted: NDArray[np.bool_] | None
    inside: Floats
    corners: Floats
    label: str

    @property
    def dimension(self) -> int:
        return int(self.normals.shape[1])

    @classmethod
    def of(cls, X: Any, offsets: Any, pattern: Any) -> _Scene:
        """Read what is to be drawn."""
        arrangement = Arrangement.coerce(X, offsets=offsets)
        d, k = arrangement.dimension, arrangement.n_distinct
        affine = not arrangement.is_central
        if d not in ((2,) if affine else (2, 3)) or arrangement.is_projected:
            kind = "affine" if affine else "central"
            raise InputError(
                f"an {kind} arrangement in {d} columns cannot be drawn; lines need two "
                "columns, great circles three and no offsets."
            )
        if k > _MOST_LINES:
            raise InputError(
                f"{k:,} hyperplanes would hide the chambers; at most {_MOST_LINES} are "
                "drawn. Give fewer rows."
            )
        normals, ends = _planes(X, arrangement)
        kept = arrangement.class_of >= 0
        bits = np.zeros((k, 2), dtype=np.int64)
        side = (arrangement.orientation[kept] > 0).astype(int)
        np.add.at(bits, (arrangement.class_of[kept], side), 1)
        picked = _pick(arrangement, pattern)
        return cls(
            normals,
            ends,
            bits,
            int(np.count_nonzero(arrangement.constant_bits[~kept])),
            arrangement.n_hyperplanes,
            *picked,
        )

    def values(self, points: list[Floats]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return at points of a grid how many bits are 1, and which are picked."""
        count = np.full(points[0].shape, float(self.constant))
        inside = np.full(points[0].shape, self.wanted is not None)
        for j, (normal, offset) in enumerate(
            zip(self.normals, self.offsets, strict=True)
        ):
            side = sum(a * z for a, z in zip(normal, points, strict=True)) >= offset
            count += np.where(side, self.bits[j, 1], self.bits[j, 0])
            if self.wanted is not None:
                inside &= side == self.wanted[j]
        return count, inside


def _planes(X: Any, arrangement: Arrangement) -> tuple[Floats, Floats]:
    """Return unit normals (k, d) and offsets (k,) of the distinct hyperplanes.

    Off the exact rows, which are those given times a number for each column: what is
    far beyond float64 has a direction too.
    """
    d, pivots = arrangement.dimension, arrangement.pivot_columns
    if 0 < len(pivots) < d:
        # all normals are multiples of one: its other columns are in the rows given
        if isinstance(X, Arrangement):
            raise InputError(
                "the normals have a lower rank than columns; give the matrix itself."
            )
        return _parallel(float_array(X, name="X"), arrangement)
    normals, ends = np.zeros((arrangement.n_distinct, d)), []
    for j, row in enumerate(arrangement.distinct.tuples()):
        exact = [
            Fraction(value) / scale
            for value, scale in zip(row, arrangement.column_scales, strict=False)
        ]
        largest = max(map(abs, exact))
        normals[j, list(pivots)] = [float(value / largest) for value in exact]
        size = float(np.linalg.norm(normals[j]))
        normals[j] /= size
        end = 0 if arrangement.is_central else row[-1]
        ends.append(-float(end / largest) / size)
    return normals, np.array(ends)


def _parallel(rows: Floats, arrangement: Arrangement) -> tuple[Floats, Floats]:
    """Return normals and offsets where all hyperplanes are parallel."""
    normals = rows[arrangement.first_rows]
    (pivot,) = arrangement.pivot_columns
    ends = np.zeros(len(normals))
    if not arrangement.is_central:
        for j, row in enumerate(arrangement.distinct.tuples()):
            at = Fraction(-row[-1]) / (Fraction(row[0]) / arrangement.column_scales[0])
            ends[j] = float(at) * normals[j, pivot]
    sizes = np.linalg.norm(normals, axis=1)
    return normals / sizes[:, None], ends / sizes


def _pick(
    arrangement: Arrangement, pattern: Any
) -> tuple[NDArray[np.bool_] | None, Floats, Floats, str]:
    """Return signs by hyperplane, a point, vertices and a label of a chamber."""
    nothing: Floats = np.zeros((0, 2))
    if pattern is None:
        return None, nothing, nothing, ""
    listed: PatternSet = enumerate_patterns(arrangement, prove=False)
    place = listed.find(pattern)
    if place < 0:
        raise InputError(
            "pattern is the sign pattern of no chamber of this arrangement; take one "
            "of enumerate_patterns(X)."
        )
    chosen = listed[[place]]
    bits = chosen.to_bool()[0]
    first = arrangement.first_rows
    wanted = bits[first] == (arrangement.orientation[first] > 0)
    inside = np.array([[float(x) for x in row] for row in chosen.witnesses()])[0]
    rays = np.array([[float(x) for x in ray] for ray in chosen.rays()[0]])
    corners = nothing
    if not arrangement.is_central and len(rays):
        finite = rays[rays[:, -1] != 0.0]
        corners = finite[:, :-1] / finite[:, -1:]
    text = "".join(bits[:_SHOWN_BITS].astype(int).astype(str))
    more = "..." if len(bits) > _SHOWN_BITS else ""
    return wanted, inside, corners, f"pattern {text}{more}"


def _draw_plane(axes: Axes, scene: _Scene) -> None:
    low, high = _window(scene)
    xs, ys = (np.linspace(low[k], high[k], _RESOLUTION) for k in range(2))
    grid = np.meshgrid(xs, ys)
    count, inside = scene.values(list(grid))
    extent = (low[0], high[0], low[1], high[1])
    _paint(axes, scene, count, inside, extent)
    for normal, offset in zip(scene.normals, scene.offsets, strict=True):
        foot = normal * offset
        along = np.array([-normal[1], normal[0]])
        axes.axline(
            tuple(foot), tuple(foot + along), color="white", linewidth=_width(scene)
        )
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])


def _window(scene: _Scene) -> tuple[Floats, Floats]:
    """Return the corners of a box that shows most vertices and the chamber picked."""
    if not np.any(scene.offsets):
        return np.full(2, -1.0), np.full(2, 1.0)
    a, b = scene.normals, scene.offsets
    first, second = np.triu_indices(len(a), 1)
    minor = a[first, 0] * a[second, 1] - a[first, 1] * a[second, 0]
    meet = np.abs(minor) > 1e-9
    first, second, minor = first[meet], second[meet], minor[meet]
    vertices = np.column_stack(
        [
            (b[first] * a[second, 1] - b[second] * a[first, 1]) / minor,
            (a[first, 0] * b[second] - a[second, 0] * b[first]) / minor,
        ]
    )
    feet = a * b[:, None]
    seen = vertices if len(vertices) else feet
    low, high = np.quantile(seen, [_TAIL, 1.0 - _TAIL], axis=0)
    for points in (scene.corners, _inside(scene)):
        if len(points):
            low = np.minimum(low, points.min(axis=0))
            high = np.maximum(high, points.max(axis=0))
    # as long on both sides, so that angles look alike in all pictures
    size = float((high - low).max()) or float(np.abs(low).max()) or 1.0
    middle = (low + high) / 2.0
    return middle - 0.6 * size, middle + 0.6 * size


def _inside(scene: _Scene) -> Floats:
    """Return the point of the chamber picked where it has no vertex, (0 or 1, 2)."""
    if scene.wanted is None or len(scene.corners) or scene.inside.size < 3:
        return np.zeros((0, 2))
    return np.asarray(scene.inside[None, :2] / scene.inside[2])


def _draw_sphere(axes: Axes, scene: _Scene, names: tuple[str, ...]) -> None:
    frame = _frame(scene.inside if scene.wanted is not None else np.array(_VIEW))
    side = np.linspace(-1.0, 1.0, _RESOLUTION)
    u, v = np.meshgrid(side, side)
    outside = u**2 + v**2 > 1.0
    w = np.sqrt(np.maximum(1.0 - u**2 - v**2, 0.0))
    points = [sum(frame[k, c] * s for k, s in enumerate((u, v, w))) for c in range(3)]
    count, inside = scene.values([np.asarray(p) for p in points])
    count = np.where(outside, np.nan, count)
    _paint(axes, scene, count, inside & ~outside, (-1.0, 1.0, -1.0, 1.0))
    turn = np.linspace(0.0, np.pi, 181)
    for normal in scene.normals @ frame.T:
        flat = float(np.hypot(normal[0], normal[1]))
        begin = np.array([-normal[1], normal[0]]) / flat if flat else np.array([1, 0])
        rise = np.array([-normal[0], -normal[1]]) * normal[2] / (flat or 1.0)
        arc = np.cos(turn)[:, None] * begin + np.sin(turn)[:, None] * rise
        axes.plot(*arc.T, color="white", linewidth=_width(scene))
    ring = np.linspace(0.0, 2.0 * np.pi, 361)
    axes.plot(np.cos(ring), np.sin(ring), color=INK, linewidth=1.2)
    for k, name in enumerate(names):
        x, y, depth = frame[:, k]
        if depth <= 0.0:
            x, y, name = -x, -y, f"-{name}"
        axes.plot([x], [y], "o", ms=5, color=INK, mec="white", zorder=4)
        axes.annotate(
            plain_text(name),
            (x, y),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=9,
            color=INK,
            zorder=5,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
        )
    axes.set_aspect("equal")
    axes.set_xlim(-1.08, 1.08)
    axes.set_ylim(-1.08, 1.08)
    axes.set_axis_off()


def _frame(view: Floats) -> Floats:
    """Return an orthonormal basis whose last row points to who looks, (3, 3)."""
    back = view / np.linalg.norm(view)
    up = np.array([0.0, 0.0, 1.0]) if abs(back[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back])


def _paint(
    axes: Axes,
    scene: _Scene,
    count: Floats,
    inside: NDArray[np.bool_],
    extent: tuple[float, float, float, float],
) -> None:
    """Colour the chambers, and over them the one that is picked."""
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import MaxNLocator

    options: dict[str, Any] = {
        "extent": extent,
        "origin": "lower",
        "interpolation": "nearest",
        "aspect": "auto",
    }
    shades = axes.imshow(count, cmap="viridis", **options)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(
        shades,
        ax=axes,
        label=f"rows with bit 1, of {scene.n_rows}",
        ticks=MaxNLocator(integer=True, nbins=6),
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=9)
    if scene.wanted is None:
        return
    picked = np.where(inside, 1.0, np.nan)
    axes.imshow(picked, cmap=ListedColormap([VERMILION]), **options)
    if 0.0 < inside.mean() < _SMALL:
        row, column = np.argwhere(inside).mean(axis=0) / (_RESOLUTION - 1)
        x = extent[0] + column * (extent[1] - extent[0])
        y = extent[2] + row * (extent[3] - extent[2])
        axes.plot([x], [y], "o", ms=16, mfc="none", mec=VERMILION, mew=2.0)
    axes.plot(
        [],
        [],
        color=VERMILION,
        marker="s",
        markersize=8,
        linestyle="none",
        label=scene.label,
    )


def _width(scene: _Scene) -> float:
    """Return a width of lines that leaves chambers to be seen."""
    return 1.2 if len(scene.normals) <= 30 else 0.5
