"""Pictures of both packages: what they show, and that no text covers another."""

from __future__ import annotations

import warnings
from itertools import combinations, pairwise
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.text import Text

import arrangement
import convex_solver
from arrangement import InputError, cover_bound, enumerate_patterns
from convex_solver import ConvexProgram, TwoLayerReLU, solve, solve_path

RNG = np.random.default_rng(3)
LINES, OFFSETS = RNG.normal(size=(7, 2)), RNG.normal(size=7)
CIRCLES = RNG.normal(size=(8, 3))
X1 = np.sort(RNG.normal(size=(30, 1)), axis=0)
X2 = RNG.normal(size=(40, 2))
LABELS = np.where(np.sum(X2**2, axis=1) > 1.2, 1, -1)
# small, usual and wide windows, in inches
SIZES = [(3.2, 2.6), (6.4, 4.8), (12.0, 7.0)]
NAMES = ("bill length (mm)", "bill depth (mm)")


@pytest.fixture(autouse=True)
def agg():
    with mpl.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def solutions():
    options = {"intercept": True, "standardize": True}
    one = ConvexProgram(X1, np.sin(2.0 * X1[:, 0]), 0.1, **options)
    two = ConvexProgram(X2, LABELS, 1.0, loss="hinge", feature_names=NAMES, **options)
    logistic = ConvexProgram(X1, np.sign(X1[:, 0]), 0.1, loss="logistic", **options)
    found = {"one": solve(one), "two": solve(two), "logistic": solve(logistic)}
    return found | {"path": solve_path(one, [2.0, 0.5, 0.1])}


def drawn(name, solutions, ax=None):
    """Return the axes of one of all pictures."""
    a, c = arrangement.plot, convex_solver.plot
    classes = {"classes": ("Adelie", "Gentoo"), "target_name": "species", "ax": ax}
    pick = enumerate_patterns(LINES, offsets=OFFSETS)[12]
    pictures = {
        "lines": lambda: a.chambers(LINES, offsets=OFFSETS, pattern=pick, ax=ax),
        "circles": lambda: a.chambers(CIRCLES, names=("u", "v", "w"), ax=ax),
        "counts": lambda: a.counts(CIRCLES, ax=ax),
        "fit": lambda: c.fit(
            solutions["one"],
            X1,
            np.sin(2.0 * X1[:, 0]),
            target_name="body mass (g)",
            feature_names=NAMES[:1],
            ax=ax,
        ),
        "logistic": lambda: c.fit(
            solutions["logistic"], X1, np.sign(X1[:, 0]), loss="logistic", **classes
        ),
        "regions": lambda: c.fit(solutions["two"], X2, LABELS, loss="hinge", **classes),
        "output": lambda: c.fit(
            solutions["logistic"], X1, np.sign(X1[:, 0]), loss="hinge", **classes
        ),
        "surface": lambda: c.fit(solutions["two"], X2, 1e3 * X2[:, 0], ax=ax),
        "bounds": lambda: c.bounds(solutions["two"], ax=ax),
        "path": lambda: c.path(solutions["path"], chosen=0.5, ax=ax),
        "neurons": lambda: c.neurons(solutions["two"], ax=ax),
        "two weights": lambda: c.neurons(solutions["one"], ax=ax),
    }
    return pictures[name]()


PICTURES = [
    "lines",
    "circles",
    "counts",
    "fit",
    "logistic",
    "regions",
    "output",
    "surface",
    "bounds",
    "path",
    "neurons",
    "two weights",
]


def overlaps(figure) -> list[tuple[str, str]]:
    """Return the pairs of texts of a figure that cover each other."""
    figure.canvas.draw()
    frame = figure.bbox
    boxes = []
    for text in figure.findobj(Text):
        if not (text.get_visible() and text.get_text().strip()):
            continue
        # ticks outside the axes are made, and not drawn
        box = text.get_window_extent()
        if is_tick_outside(text, figure):
            continue
        assert box.width > 0
        boxes.append((text.get_text(), box))
        inside = frame.padded(2.0)
        assert inside.containsx(box.x0), text
        assert inside.containsx(box.x1), text
        assert inside.containsy(box.y0), text
        assert inside.containsy(box.y1), text
    return [
        (one, other)
        for (one, first), (other, second) in combinations(boxes, 2)
        if first.padded(-0.5).overlaps(second.padded(-0.5))
    ]


def is_tick_outside(text, figure) -> bool:
    for ax in figure.axes:
        shown = ax.axison
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if text in (tick.label1, tick.label2):
                    return not (shown and low <= tick.get_loc() <= high)
            if text in (axis.label, axis.offsetText):
                return not shown
    return False


@pytest.mark.slow
@pytest.mark.every
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PICTURES)
def test_no_text_covers_another_at_three_sizes(name, size, solutions):
    with mpl.rc_context({"figure.figsize": size}), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = drawn(name, solutions)
        assert overlaps(ax.figure) == []
        assert tuple(ax.figure.get_size_inches()) == size


@pytest.mark.parametrize("name", PICTURES)
def test_axes_that_are_given_are_drawn_in_and_returned(name, solutions):
    for size in SIZES[1:]:
        figure, ax = pyplot.subplots(figsize=size, layout="constrained")
        assert drawn(name, solutions, ax) is ax
        assert overlaps(figure) == []
        assert len(pyplot.get_fignums()) == 1
        pyplot.close(figure)


def test_chambers_are_coloured_by_their_bits():
    X = [[1, 0], [0, 1], [1, 1], [2, 0], [0, 0]]
    ax = arrangement.plot.chambers(X, offsets=[0, 0, 1, 0, -1])
    image = ax.get_images()[0]
    values, (left, right, bottom, top) = image.get_array(), image.get_extent()
    side = values.shape[0]
    for row, column in np.ndindex(side // 40, side // 40):
        x = left + 40 * column / (side - 1) * (right - left)
        y = bottom + 40 * row / (side - 1) * (top - bottom)
        bits = np.array(X) @ [x, y] >= np.array([0, 0, 1, 0, -1])
        assert values[40 * row, 40 * column] == bits.sum(), (x, y)
    assert len(np.unique(values)) >= 4


def test_columns_of_other_units_keep_their_lines():
    # the rows are scaled to integers inside: the picture is in the units given
    X, b = np.array([[0.5, 0.003], [0.25, -0.001]]), np.array([1.0, 2.0])
    meet = np.linalg.solve(X, b)
    ax = arrangement.plot.chambers(X, offsets=b)
    for line in ax.get_lines():
        (x0, y0), (x1, y1) = line.get_xy1(), line.get_xy2()
        cross = (x1 - x0) * (meet[1] - y0) - (y1 - y0) * (meet[0] - x0)
        assert abs(cross) <= 1e-6 * np.hypot(*meet)


@pytest.mark.parametrize("index", [0, 5, 11, 20])
def test_the_chamber_picked_is_in_the_picture(index):
    listed = enumerate_patterns(LINES, offsets=OFFSETS)
    ax = arrangement.plot.chambers(LINES, offsets=OFFSETS, pattern=listed[index])
    picked = ax.get_images()[1].get_array()
    assert np.isfinite(picked).any()
    left, right, bottom, top = ax.get_images()[1].get_extent()
    side = picked.shape[0] - 1
    for row, column in np.argwhere(np.isfinite(np.asarray(picked)))[::97]:
        z = [
            left + column / side * (right - left),
            bottom + row / side * (top - bottom),
        ]
        assert ((LINES @ z >= OFFSETS) == listed[index]).all()


@pytest.mark.slow
def test_a_chamber_of_a_sphere_is_turned_to_the_front():
    listed = enumerate_patterns(CIRCLES)
    for index in range(0, len(listed), 9):
        ax = arrangement.plot.chambers(CIRCLES, pattern=listed[index])
        picked = np.asarray(ax.get_images()[1].get_array())
        middle = picked.shape[0] // 2
        assert picked[middle, middle] == 1.0
        pyplot.close("all")


def test_parallel_lines_and_a_pencil_are_drawn():
    for X, b in (
        ([[1, 2], [2, 4], [-1, -2]], [0, 3, 5]),
        ([[1, 0], [0, 1]], None),
        ([[0, 2]], [1e-9]),
        ([[0, 0]], [1]),
    ):
        ax = arrangement.plot.chambers(X, offsets=b)
        assert np.isfinite(ax.get_xlim()).all()
        (low, high) = ax.get_xlim()
        assert low < high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.ones((3, 4))}, "central arrangement in 4 columns cannot be drawn"),
        ({"X": CIRCLES, "offsets": [1] * 8}, "affine arrangement in 3 columns"),
        ({"X": np.eye(2)[[0] * 3], "pattern": [1, 0, 1]}, "pattern of no chamber"),
        ({"X": RNG.normal(size=(401, 2))}, "401 hyperplanes would hide"),
        ({"X": LINES, "names": ("a",)}, "1 names for 2 columns"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        arrangement.plot.chambers(**arguments)
    assert pyplot.get_fignums() == []


def test_counts_are_those_of_the_first_rows():
    ax = arrangement.plot.counts(CIRCLES, n_points=3)
    bound, count = ax.get_lines()[:2]
    assert count.get_xdata().tolist() == [2, 4, 8]
    assert count.get_ydata().tolist() == bound.get_ydata().tolist()
    assert bound.get_ydata().tolist() == [4, cover_bound(4, 3), cover_bound(8, 3)]


def test_bounds_end_at_the_certificate(solutions):
    solution = solutions["two"]
    top, bottom = convex_solver.plot.bounds(solution).get_lines()[:2]
    assert top.get_ydata()[-1] == solution.objective
    assert bottom.get_ydata()[-1] == solution.lower_bound
    assert all(a <= b for a, b in pairwise(top.get_xdata()))
    rounds = convex_solver.plot.bounds(solution.history).get_lines()[0]
    assert len(rounds.get_xdata()) == len(solution.history)


def test_a_path_is_drawn_from_solutions_objects_and_arrays(solutions):
    arrays = {
        "betas": [s.certificate.beta for s in solutions["path"]],
        "objectives": [s.objective for s in solutions["path"]],
        "lower_bounds": [s.lower_bound for s in solutions["path"]],
        "neurons": [s.network.n_neurons for s in solutions["path"]],
    }
    drawings = [
        convex_solver.plot.path(solutions["path"]),
        convex_solver.plot.path(SimpleNamespace(**arrays)),
        convex_solver.plot.path(**arrays),
    ]
    lines = [[line.get_xydata().tolist() for line in ax.lines] for ax in drawings]
    assert lines[0] == lines[1] == lines[2]
    assert lines[0][0] == sorted(
        [s.certificate.beta, s.objective] for s in solutions["path"]
    )
    with pytest.raises(InputError, match=r"objectives has shape \(1,\)"):
        convex_solver.plot.path(betas=[1.0, 2.0], objectives=[1.0])
    with pytest.raises(InputError, match="no path to draw"):
        convex_solver.plot.path()
    with pytest.raises(InputError, match="expected numbers above 0"):
        convex_solver.plot.path(betas=[0.0], objectives=[1.0])


def test_neurons_point_along_their_weights():
    network = TwoLayerReLU([[3.0, 4.0], [0.0, -1.0]], [2.0, -1.0])
    ax = convex_solver.plot.neurons(network)
    ends = [line.get_xydata()[-1].tolist() for line in ax.get_lines()]
    assert [6.0, 8.0] in ends
    assert [0.0, -1.0] in ends
    # in a plane of more weights, lengths are kept where two directions hold all
    wide = TwoLayerReLU([[3.0, 4.0, 0.0], [0.0, -1.0, 0.0]], [2.0, -1.0])
    lengths = sorted(
        np.hypot(*line.get_xydata()[-1])
        for line in convex_solver.plot.neurons(wide).get_lines()
    )
    assert lengths[-1] == pytest.approx(10.0)


@pytest.mark.slow
def test_a_network_is_found_where_it_is(solutions):
    class Fitted:
        network_ = solutions["two"].network

    for holder in (solutions["two"], solutions["two"].network, Fitted):
        ax = convex_solver.plot.fit(holder, X2, LABELS, loss="hinge")
        assert ax.get_xlabel() == NAMES[0]
    with pytest.raises(InputError, match="a list came"):
        convex_solver.plot.fit([], X1, X1[:, 0])
    with pytest.raises(InputError, match=r"X has shape \(30, 1\); expected \(n, 2\)"):
        convex_solver.plot.fit(solutions["two"], X1, X1[:, 0])
    with pytest.raises(InputError, match=r"X has shape \(40, 2\); expected \(n, 1\)"):
        convex_solver.plot.fit(solutions["one"], X2, LABELS)
    with pytest.raises(InputError, match="1 names for 2 features"):
        convex_solver.plot.fit(solutions["two"], X2, LABELS, feature_names="ab")
    three = TwoLayerReLU(np.ones((1, 3)), [1.0])
    with pytest.raises(InputError, match="has 3 features; expected one or two"):
        convex_solver.plot.fit(three, np.ones((2, 3)), [1, 2])


def test_dollars_and_braces_in_names_are_text(solutions):
    ax = convex_solver.plot.fit(
        solutions["one"], X1, X1[:, 0], target_name="price ($)", feature_names="$x_{"
    )
    assert overlaps(ax.figure) == []
