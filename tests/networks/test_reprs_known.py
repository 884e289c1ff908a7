"""What an interactive session shows of the objects of both packages: one short line."""

import numpy as np
import pytest

from arrangement import enumerate_patterns, iter_patterns, partition
from convex_solver import (
    CircularCNN,
    ConvexProgram,
    LinearCNN,
    TwoLayerReLU,
    build_conic,
    load_model,
    save_model,
    solve,
    train,
)

X = np.random.default_rng(0).standard_normal((12, 2))
WIDE = np.ones((2, 2000))


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    program = ConvexProgram(X, X[:, 0], 0.1, intercept=True, standardize=True)
    solution = solve(program)
    path = tmp_path_factory.mktemp("models") / "m.json"
    save_model(path, solution)
    patterns = enumerate_patterns(X)
    return {
        "solution": solution,
        "certificate": solution.certificate,
        "network": solution.network,
        "wide network": TwoLayerReLU(WIDE, [1.0, 1.0]),
        "round": solution.history[0],
        "program": program,
        "wide program": ConvexProgram(WIDE, [0.0, 1.0], 1.0),
        "model": load_model(path),
        "linear": LinearCNN(WIDE, [[1.0], [1.0]]),
        "circular": CircularCNN(WIDE, WIDE),
        "conic": build_conic(ConvexProgram(X, X[:, 0], 0.1)),
        "training": train(program, n_neurons=3, steps=2),
        "patterns": patterns,
        "proof": patterns.proof,
        "stream": iter_patterns(X),
        "piece": partition(X, 2)[0],
    }


def test_a_repr_is_one_short_line(objects):
    texts = {name: repr(value) for name, value in objects.items()}
    assert {n: t for n, t in texts.items() if "\n" in t or len(t) > 450} == {}
    assert {n: t for n, t in texts.items() if " object at 0x" in t} == {}


def test_a_network_tells_its_sizes():
    net = TwoLayerReLU([[1.0, 0.0]], [1.0], intercept=True, feature_names=["a"])
    assert repr(net) == "TwoLayerReLU(1 neuron; 1 feature: a; intercept)"
    wide = repr(TwoLayerReLU(WIDE, [1.0, 1.0]))
    assert wide.startswith("TwoLayerReLU(2 neurons; 2,000 features: x0, x1, ")
