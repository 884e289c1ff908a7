"""What an interactive session shows of every public object: one short line."""

from fractions import Fraction

import numpy as np
import pytest

import arrangement
import convex_solver
from arrangement import (
    LatticeFlat,
    Orbit,
    Progress,
    TopeEdges,
    enumerate_patterns,
    iter_patterns,
    partition,
    tope_graph,
)
from arrangement.options import short_repr
from convex_solver import (
    CircularCNN,
    CircularCNNProgram,
    CNNCertificate,
    CNNInfeasibility,
    CNNSolution,
    ConvexProgram,
    Interpolation,
    InterpolationCertificate,
    LinearCNN,
    LinearCNNProgram,
    Loss,
    MinimumNormCertificate,
    MinimumNormLinearCNN,
    MinimumNormSolution,
    Model,
    Obstruction,
    Redundancy,
    SeenPatterns,
    SolutionPath,
    SolutionStatus,
    TwoLayerReLU,
    approximate,
    build_conic,
    conic_sizes,
    find_obstruction,
    iter_batches,
    load_model,
    save_model,
    solve,
    train,
)
from convex_solver.solver import choose_beta

MOST = 200
LARGE = 20_000
RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 2))
TALL = RNG.standard_normal((LARGE, 3))
WIDE = np.ones((2, 2000))
NAMES = [f"a rather long name of the column {k}" for k in range(2000)]
DIGEST = "0123456789abcdef" * 4
# fields of certificates and results that hold numbers only
BOUNDS = (1.234567890123e-12, 1.234567890123e-13)
MANY = tuple(range(LARGE))


def of_arrangement(tmp_path):
    patterns = enumerate_patterns(X)
    stored = pytest.importorskip("zarr") and arrangement.write_patterns(
        tmp_path / ("long_name_" * 12 + ".zarr"), X
    )
    rows = [0] * LARGE
    tall = arrangement.Arrangement(TALL)
    return [
        tall,
        patterns,
        patterns[:3],
        patterns.proof,
        iter_patterns(X),
        partition(tall, 2)[0],
        stored,
        tope_graph(X),
        LatticeFlat(MANY, LARGE, 3, 10**400),
        Orbit(np.ones(LARGE, dtype=bool), 10**400),
        TopeEdges(TALL.view(np.uint64), TALL.view(np.uint64), np.array(rows)),
        Progress("so far " * 1000, 1, 10**5000),
    ]


def of_networks(tmp_path):
    program = ConvexProgram(X, X[:, 0], 0.1, intercept=True, standardize=True)
    solution = solve(program)
    path = tmp_path / "m.json"
    save_model(path, solution, target_name="y" * 500)
    relu = TwoLayerReLU(WIDE, [1.0, 1.0], feature_names=NAMES)
    big = np.zeros(LARGE)
    numbers = [*BOUNDS, big, 1.0, 2.0, "linear", DIGEST]
    cnn = CNNCertificate(*numbers)
    linear = LinearCNN(WIDE, [[1.0], [1.0]])
    interpolation = InterpolationCertificate(*BOUNDS, 0.0, 0.0, big, 1.0, 10, DIGEST)
    none = MinimumNormCertificate(*BOUNDS, 0.0, big, 1.0, (), DIGEST)
    status = SolutionStatus.INACCURATE
    dual = solution.certificate
    return [
        solution,
        dual,
        solution.history[0],
        relu,
        TwoLayerReLU(TALL, big, intercept=True),
        program,
        ConvexProgram(WIDE, [0.0, 1.0], 1.0, feature_names=NAMES),
        ConvexProgram(TALL, TALL[:, 0], 1.0),
        next(iter_batches(ConvexProgram(X, X[:, 0], 0.1))),
        load_model(path),
        load_model(path).claim,
        linear,
        CircularCNN(WIDE, WIDE),
        LinearCNNProgram(TALL[:, None, :], TALL[:, 0], 0.1),
        CircularCNNProgram(TALL, TALL[:, 0], 0.1),
        MinimumNormLinearCNN(TALL[:, None, :], TALL[:, 0]),
        cnn,
        CNNInfeasibility(MANY, (10**400,) * LARGE, 0, 1.0, DIGEST),
        CNNSolution(1.0, 0.5, 0.5, status, linear, cnn, "time limit", 9, 1.0, 1e-6),
        interpolation,
        Interpolation(*[1.0, 0.5, 0.5, status, relu], interpolation, big, 1, 2, 3, 4),
        none,
        MinimumNormSolution(1.0, 0.5, 0.5, status, linear, none, "stalled", 1, 2),
        find_obstruction([[1.0], [2.0]], [1.0, 0.0]),
        Obstruction(MANY, MANY, Fraction(10**5000, 3**999), "in words " * 99),
        Redundancy(3, MANY, MANY),
        build_conic(ConvexProgram(X, X[:, 0], 0.1)),
        conic_sizes(ConvexProgram(X, X[:, 0], 0.1)),
        train(program, n_neurons=3, n_starts=50, steps=2),
        SeenPatterns(np.zeros((LARGE, 99), dtype=np.uint64), TALL),
        approximate(ConvexProgram(X, X[:, 0], 0.1), n_directions=5, bound=None),
        SolutionPath((solution,) * 500, np.ones(500), MANY, "time limit"),
        choose_beta(np.arange(LARGE) + 1.0, np.ones((LARGE, 3))),
        Loss("quantile", 1 / 3),
        status,
    ]


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reprs")
    found = [*of_arrangement(folder), *of_networks(folder)]
    return found


def public_classes():
    return {
        value
        for package in (arrangement, convex_solver)
        for name in package.__all__
        if isinstance(value := getattr(package, name), type)
        and not issubclass(value, BaseException)
    }


def test_every_public_class_is_here(objects):
    assert public_classes() <= {type(value) for value in objects}


def test_a_repr_is_one_short_line(objects):
    for value in objects:
        text = repr(value)
        name = type(value).__name__
        assert len(text) <= MOST, (len(text), text)
        assert "\n" not in text, text
        assert " object at 0x" not in text, text
        assert "array(" not in text, text
        # it says something of what it is about
        assert text.startswith((f"{name}(", f"<{name}.")), text
        assert len(text) > len(name) + 8, text


def test_estimators_are_short_too():
    pytest.importorskip("sklearn")
    betas = np.linspace(1.0, 2.0, LARGE)
    for name in convex_solver._ESTIMATORS:
        kind = getattr(convex_solver, name)
        for options in ({}, {"betas": betas}) if name.endswith("CV") else ({},):
            assert len(repr(kind(**options))) <= MOST


def test_a_network_tells_its_sizes():
    net = TwoLayerReLU([[1.0, 0.0]], [1.0], intercept=True, feature_names=["a"])
    assert repr(net) == "TwoLayerReLU(1 neuron; 1 feature: a; intercept)"
    wide = repr(TwoLayerReLU(WIDE, [1.0, 1.0]))
    assert wide.startswith("TwoLayerReLU(2 neurons; 2,000 features: x0, x1, ")


def test_small_values_are_shown_and_large_ones_told_of():
    flat = LatticeFlat((0, 3), 2, 1, -1)
    assert repr(flat) == "LatticeFlat(rows=(0, 3), n_hyperplanes=2, dimension=1, mu=-1)"
    orbit = Orbit(np.array([True, False]), np.int64(3))
    assert repr(orbit) == "Orbit(pattern=[True, False], size=3)"
    assert repr(Orbit(np.ones(9), 2)) == "Orbit(pattern=<9 float64>, size=2)"
    edges = TopeEdges(np.ones((5, 2)), np.array(1), np.arange(3))
    assert short_repr(edges) == (
        "TopeEdges(positive=<5 x 2 float64>, negative=<scalar int64>, rows=[0, 1, 2])"
    )
    half = Obstruction((1,), (2, 3), Fraction(1, 2), "why")
    assert "rows=(1,), coefficients=(2, 3), value=1/2, reason='why'" in repr(half)


def test_what_does_not_fit_is_left_out_at_the_end():
    text = repr(Model("m" * 90, "c" * 90, "t" * 90, "f" * 90))
    assert text.startswith("Model(network='mmm")
    assert text.endswith(", ...)")
    assert len(text) <= MOST
