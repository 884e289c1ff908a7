"""Data frames of pandas and polars: what is a number in them, and whose names reach."""

from fractions import Fraction

import numpy as np
import pytest

from arrangement import Arrangement, InputError, InputTypeError
from convex_solver import ConvexProgram, TwoLayerReLU, certify, solve

Y = [1.0, 2.0, 3.0]


def frames(library):
    module = pytest.importorskip(library)
    if library == "polars":
        return module, lambda values, dtype: module.Series(values, dtype=dtype)
    return module, lambda values, dtype: module.array(values, dtype=dtype)


KINDS = {
    "pandas": ("Int64", "boolean", "category"),
    "polars": ("Int64", "Boolean", "Categorical"),
}


def made(library, kind, values):
    module, series = frames(library)
    name = KINDS[library][kind]
    dtype = getattr(module, name) if library == "polars" else name
    return module.DataFrame({"b": [0.1, 0.2, 0.3], "a": series(values, dtype)})


@pytest.mark.parametrize("library", KINDS)
def test_nullable_integers_and_booleans_are_numbers_where_they_are_complete(library):
    large = 2**53 + 1
    program = ConvexProgram(made(library, 0, [large, 2, 3]), Y, 1.0)
    assert program.data.rows.exact[0] == (Fraction(0.1), large)
    assert program.feature_names == ("b", "a")
    program = ConvexProgram(made(library, 1, [True, False, True]), Y, 1.0)
    assert program.X[:, 1].tolist() == [1.0, 0.0, 1.0]
    for kind, values in ((0, [1, None, 0]), (1, [True, None, False])):
        with pytest.raises(InputTypeError, match=r"missing value.*row 1, column 'a'"):
            ConvexProgram(made(library, kind, values), Y, 1.0)


@pytest.mark.parametrize("library", KINDS)
def test_categories_are_refused_by_name(library):
    with pytest.raises(InputTypeError, match=r"column 'a' holds categories.*dummies"):
        Arrangement(made(library, 2, ["x", "y", "x"]))


def test_categories_of_numbers_and_text_are_no_sizes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": pandas.Categorical([1, 2, 1]), "b": Y})
    with pytest.raises(InputTypeError, match="column 'a' holds categories"):
        ConvexProgram(frame, Y, 1.0)
    frame = pandas.DataFrame({"a": ["x", "y", "x"], "b": Y})
    with pytest.raises(InputError, match=r"'x' is.*row 0, column 'a'.*get_dummies"):
        ConvexProgram(frame, Y, 1.0)
    # an array of booleans has no column that says so
    with pytest.raises(InputTypeError, match="booleans"):
        Arrangement(np.array([[True], [False]]))


@pytest.mark.parametrize("library", KINDS)
def test_a_network_takes_columns_in_its_order_only(library):
    module, _ = frames(library)
    frame = module.DataFrame({"u": [1.0, 2.0, 4.0], "v": [0.0, 1.0, -1.0]})
    solution = solve(ConvexProgram(frame, Y, 0.1))
    network = solution.network
    assert network.feature_names == ("u", "v")
    expected = network.predict([[1.0, 0.0], [2.0, 1.0], [4.0, -1.0]])
    assert np.array_equal(network.predict(frame), expected)
    turned = frame[["v", "u"]]
    for use in (network.predict, lambda X: certify(network, X, Y, 0.1)):
        with pytest.raises(InputError, match=r"columns v, u;.*u, v, in this order"):
            use(turned)
    nameless = TwoLayerReLU(network.weights, network.alphas)
    assert np.array_equal(nameless.predict(frame), expected)
    extra = module.DataFrame({"v": [0.0], "w": [1.0]})
    with pytest.raises(InputError, match="Give a frame with these columns"):
        network.predict(extra)
