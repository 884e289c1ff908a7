"""Networks: Lemma 2, Theorem 5 both ways, files that keep every bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import (
    ConvexProgram,
    InputError,
    ModelFileError,
    TwoLayerReLU,
    reduce_network,
)
from convex_solver.program.recovery import (
    blocks_from_network,
    join_neurons,
    network_from_blocks,
)

entries = st.floats(-100, 100).map(lambda x: x if abs(x) > 1e-6 else 0.0)


@st.composite
def networks(draw, d=3, values=entries, **options):
    m = draw(st.integers(0, 5))
    row = st.lists(values, min_size=d, max_size=d)
    weights = draw(st.lists(row, min_size=m, max_size=m))
    alphas = draw(st.lists(values, min_size=m, max_size=m))
    return TwoLayerReLU(np.reshape(weights, (m, d)), alphas, **options)


@st.composite
def problems(draw):
    n = draw(st.integers(1, 6))
    whole = st.integers(-5, 5)
    X = draw(st.lists(st.lists(whole, min_size=3, max_size=3), min_size=n, max_size=n))
    y = draw(st.lists(st.floats(-10, 10), min_size=n, max_size=n))
    return np.array(X, dtype=float), np.array(y)


def close(a, b):
    return a == pytest.approx(b, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(networks(), problems())
def test_balancing_keeps_the_function_and_never_costs_more(net, problem):
    X, y = problem
    balanced = net.balance()
    np.testing.assert_allclose(
        balanced.predict(X), net.predict(X), rtol=1e-9, atol=1e-9
    )
    assert balanced.objective(X, y, 0.7) <= net.objective(X, y, 0.7) * (1 + 1e-9)
    norms = np.linalg.norm(balanced.weights, axis=1)
    np.testing.assert_allclose(norms, np.abs(balanced.alphas), rtol=1e-9)
    lengths = np.linalg.norm(net.weights, axis=1) * np.abs(net.alphas)
    assert close(balanced.decay(0.7), 0.7 * lengths.sum())


@settings(deadline=None)
@given(networks(), problems(), st.integers(-20, 20))
def test_rescaling_a_neuron_back_and_forth_gives_the_same_balance(net, problem, power):
    factor = 2.0**power
    scaled = net.replace(net.weights * factor, net.alphas / factor)
    X, y = problem
    assert close(scaled.predict(X), net.predict(X))
    assert close(
        scaled.balance().objective(X, y, 0.3), net.balance().objective(X, y, 0.3)
    )


@settings(deadline=None)
@given(networks(), problems())
def test_network_to_program_to_network_keeps_the_objective(net, problem):
    X, y = problem
    program = ConvexProgram(X, y, 0.3)
    balanced = net.balance()
    back = network_from_blocks(program, *blocks_from_network(balanced))
    assert close(back.objective(X, y, 0.3), balanced.objective(X, y, 0.3))


@settings(deadline=None)
@given(networks(values=st.integers(-4, 4).map(float)), problems())
def test_merging_keeps_the_prediction_and_never_costs_more(net, problem):
    X, y = problem
    program = ConvexProgram(X, y, 0.3)
    merged = join_neurons(program, net)
    np.testing.assert_allclose(merged.predict(X), net.predict(X), atol=1e-9)
    assert merged.n_neurons <= net.n_neurons
    assert merged.objective(X, y, 0.3) <= net.balance().objective(X, y, 0.3) + 1e-9


@settings(deadline=None)
@given(networks(intercept=True, center=[1.5, -2.0], scale=[0.1, 7.0]), problems())
def test_the_transform_is_part_of_the_network(net, problem):
    X = problem[0][:, :2]
    seen = np.column_stack([(X - [1.5, -2.0]) / [0.1, 7.0], np.ones(len(X))])
    expected = np.maximum(seen @ net.weights.T, 0) @ net.alphas
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12, atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(networks(values=st.floats(-1e300, 1e300), intercept=True))
def test_a_file_keeps_every_bit(tmp_path_factory, net):
    path = tmp_path_factory.mktemp("network") / "net.json"
    net.save(path)
    back = TwoLayerReLU.load(path)
    assert back.weights.tobytes() == net.weights.tobytes()
    assert back.alphas.tobytes() == net.alphas.tobytes()
    assert back.weights.shape == net.weights.shape
    assert (back.intercept, back.feature_names) == (net.intercept, net.feature_names)
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists"):
        net.save(path)
    assert path.read_bytes() == before


def test_arrays_are_copied_and_read_only():
    weights = np.ones((1, 2))
    net = TwoLayerReLU(weights, [1.0])
    weights[:] = 5.0
    assert net.weights.tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0, 0] = 2.0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0], [1.0]), {}, "shape"),
        (([[1.0, 2.0]], [1.0, 2.0]), {}, "shape"),
        (([[1.0, np.nan]], [1.0]), {}, "finite"),
        (([[1.0, 2.0]], [np.inf]), {}, "finite"),
        (([[1.0, 2.0]], [1.0]), {"feature_names": ["a"]}, "names"),
        (([[1.0, 2.0]], [1.0]), {"scale": [1.0]}, "shape"),
        ((np.zeros((1, 0)), [1.0]), {"intercept": True}, "names|columns"),
    ],
)
def test_shapes_and_values_are_checked(arguments, options, message):
    with pytest.raises(InputError, match=message):
        TwoLayerReLU(*arguments, **options)


def test_predict_says_which_columns_it_expects():
    net = TwoLayerReLU([[1.0, 2.0, 3.0]], [1.0], intercept=True)
    assert net.predict([[1.0, 1.0]]).tolist() == [6.0]
    for wrong in (np.zeros((2, 3)), np.zeros(2)):
        with pytest.raises(InputError, match=r"expected \(n, 2\)"):
            net.predict(wrong)
    with pytest.raises(InputError, match="y has shape"):
        net.objective(np.zeros((2, 2)), [1.0], 0.1)


def test_a_damaged_file_is_one_clear_error(tmp_path):
    for index, text in enumerate(('{"weights": 1}', "[]", "nonsense")):
        path = tmp_path / f"{index}.json"
        path.write_text(text)
        with pytest.raises(ModelFileError):
            TwoLayerReLU.load(path)


def test_data_of_any_kind_are_rounded_once():
    network = TwoLayerReLU([[2.0, 0.0]], [1.0])
    assert network.predict([["0.5", 10**400 - 10**400]]).tolist() == [1.0]
    with pytest.raises(InputError, match="beyond float64"):
        network.predict([[10**400, 0]])
    with pytest.raises(InputError, match="beyond float64"):
        network.objective([[1, 0]], [10**400], 0.1)


def test_a_prediction_beyond_float64_is_refused_and_names_the_row():
    net = TwoLayerReLU([[1.0, 0.0], [2.0, 0.0]], [1e10, -1e10], intercept=True)
    with pytest.raises(InputError, match=r"row 1 of X is so large"):
        net.predict([[1.0], [1e308]])
    assert net.predict([[1e200]]).tolist() == [pytest.approx(-1e210, rel=1e-15)]


def test_a_program_prices_only_networks_in_its_own_coordinates():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 1.0, 2.0]
    other = TwoLayerReLU([[1.0, 0.0]], [1.0], intercept=True, center=[5.0], scale=[2.0])
    plain = ConvexProgram(X, y, 0.1, intercept=True)
    scaled = ConvexProgram(X, y, 0.1, intercept=True, standardize=True)
    for program in (plain, scaled):
        for use in (
            program.network_objective,
            lambda n, p=program: reduce_network(p, n),
        ):
            with pytest.raises(InputError, match="center or scale are not those"):
                use(other)
    own = scaled.network(other.weights, other.alphas)
    assert scaled.network_objective(own) == pytest.approx(own.objective(X, y, 0.1))
