"""Pictures of classifications: two markers, names, and what is decided where."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from scipy.special import expit

from convex_solver import TwoLayerReLU, plot
from convex_solver.plot.drawings import MOST_LINES

RNG = np.random.default_rng(5)
# above 0 beyond x = 1: 2 (x - 1)_+ - (1 - x)_+ + ...
STEP = TwoLayerReLU([[1, -1], [-1, 1]], [2, -1], intercept=True, feature_names=["x"])
CLASSES = {"classes": ("versicolor", "virginica"), "target_name": "species"}


@pytest.fixture(autouse=True)
def agg():
    with mpl.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


def samples(ax):
    """Return label, places and first path of the marker of each set of samples."""
    return {
        each.get_label(): (np.asarray(each.get_offsets()), each.get_paths()[0], each)
        for each in ax.collections
        if str(each.get_label()).startswith("species")
    }


def luminance(colour):
    return float(np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("width", [1, 2])
def test_classes_have_two_markers_two_colours_and_their_names(width):
    X = RNG.normal(size=(40, width))
    y = np.where(X[:, 0] > 0.3, 1, -1)
    plane = TwoLayerReLU([[1.0, 0.2], [-1.0, 0.2]], [1.0, -1.0])
    network = STEP if width == 1 else plane
    ax = plot.fit(network, X, y, loss="hinge", **CLASSES)
    found = samples(ax)
    assert set(found) == {"species = versicolor", "species = virginica"}
    (_, first, one), (_, second, other) = found.values()
    assert first.vertices.shape != second.vertices.shape
    a, b = one.get_facecolor()[0], other.get_facecolor()[0]
    # told apart in print without colours, and on the regions behind them
    assert abs(luminance(a[:3]) - luminance(b[:3])) > 0.05
    texts = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert {"species = versicolor", "species = virginica"} <= set(texts)
    assert any(text.startswith("decision changes") for text in texts)


def test_equal_samples_of_both_classes_both_show():
    network = TwoLayerReLU([[1.0, 0.2]], [1.0])
    ax = plot.fit(network, [[1, 1], [1, 1]], [-1, 1], loss="hinge", **CLASSES)
    one, other = (each for _, _, each in samples(ax).values())
    assert one.get_sizes()[0] > other.get_sizes()[0]
    assert one.get_zorder() <= other.get_zorder()


def test_a_logistic_model_of_one_feature_is_a_probability():
    x = np.array([-1.0, 0.0, 1.5, 3.0])
    ax = plot.fit(STEP, x[:, None], [-1, -1, 1, 1], loss="logistic", **CLASSES)
    curve = next(line for line in ax.lines if line.get_label() == "probability")
    places, values = curve.get_data()
    outputs = 2.0 * np.maximum(places - 1, 0) - np.maximum(1 - places, 0)
    np.testing.assert_allclose(values, expit(outputs), atol=1e-12)
    assert ax.get_ylabel() == "probability of species = virginica"
    assert_threshold(ax, 0.5)
    found = samples(ax)
    assert np.all(found["species = versicolor"][0][:, 1] < 0.0)
    assert np.all(found["species = virginica"][0][:, 1] > 1.0)
    assert min(ax.get_yticks()) >= 0.0
    assert max(ax.get_yticks()) <= 1.0


def test_an_output_is_drawn_with_the_threshold_of_the_decision():
    x = np.array([-1.0, 0.0, 1.5, 3.0])
    ax = plot.fit(STEP, x[:, None], [-1, -1, 1, 1], loss="hinge", **CLASSES)
    curve = next(line for line in ax.lines if line.get_label() == "output")
    places, values = curve.get_data()
    np.testing.assert_allclose(values, STEP.predict(places[:, None]), atol=1e-12)
    assert_threshold(ax, 0.0)
    # the colour behind the curve changes where the decision does
    edges = sorted({round(each.get_x(), 9) for each in ax.patches})
    assert edges[1:] == [1.0]
    first = ax.patches[0]
    assert first.get_x() + first.get_width() == pytest.approx(1.0)


def assert_threshold(ax, height):
    line = next(
        each for each in ax.lines if str(each.get_label()).startswith("decision")
    )
    assert set(line.get_ydata()) == {height}


@pytest.mark.parametrize("n", [1, 40, 3000])
def test_samples_of_one_feature_are_stacked_and_none_is_cut_off(n):
    x = np.round(RNG.normal(size=n), 1)
    y = np.where(x + RNG.normal(size=n) > 0, 1, -1)
    ax = plot.fit(STEP, x[:, None], y, loss="logistic", **CLASSES)
    (low, high), places = (
        ax.get_ylim(),
        np.concatenate([each[0] for each in samples(ax).values()]),
    )
    assert len(places) == n
    assert np.all((places[:, 1] > low) & (places[:, 1] < high))
    # equal samples are at other heights
    assert len(np.unique(places.round(9), axis=0)) == n
    assert sorted(places[:, 0]) == sorted(x)


@pytest.mark.parametrize("width", [1, 2])
def test_few_lines_of_many_neurons_and_the_lighter_the_fainter(width):
    weights = RNG.normal(size=(60, width + 1))
    network = TwoLayerReLU(weights, RNG.normal(size=60), intercept=True)
    X = RNG.normal(size=(50, width))
    ax = plot.fit(network, X, np.sign(X[:, 0]), loss="hinge")
    dashed = [
        line
        for line in ax.lines
        if line.get_linestyle() == "--" and not line.get_label().startswith("decision")
    ]
    assert len(dashed) == MOST_LINES
    looks = [(line.get_alpha(), line.get_linewidth()) for line in dashed]
    assert looks == sorted(looks, reverse=True)
    assert looks[0][0] <= 0.7
    assert looks[-1][0] < looks[0][0]
    assert looks[-1][1] < looks[0][1]
    assert all(line.get_zorder() < 3 for line in dashed)
    label = dashed[0].get_label()
    assert label.startswith(f"neurons switch ({MOST_LINES} heaviest of ")
    assert all(line.get_label().startswith("_") for line in dashed[1:])


def test_a_decision_that_never_changes_is_one_colour():
    flat = TwoLayerReLU(np.zeros((0, 2)), [], intercept=True)
    ax = plot.fit(flat, [[1.0], [2.0]], [1, 1], loss="hinge", **CLASSES)
    assert len(ax.patches) == 1
    ax = plot.fit(flat, [[1.0]], [-1], loss="logistic", **CLASSES)
    assert len(ax.patches) == 1
