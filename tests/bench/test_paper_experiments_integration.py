"""The pieces that the paper's experiments are made of, and quick runs of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python(*words: str, timeout: float = 600.0) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout: there is the package of the benchmarks."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def answer(code: str, *words: str) -> dict:
    done = python("-c", code, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


PIECES = """
import json
import numpy as np
from bench.paper import bank, circular_cnn, relu_cnn, regression, timed
from bench.paper import what_exactness_buys as exactness
from bench.paper.common import Options
from convex_solver import CircularCNNProgram, TwoLayerReLU

random = np.random.default_rng(0)
found = {}

# a network on principal components is one of the whole problem, at the same cost
case = bank.CASE.small()
problem = regression.read(case, Options(quick=True))
reduced = problem.components(3)
network = TwoLayerReLU(random.normal(size=(5, 4)), random.normal(size=5))
axes = np.linalg.lstsq(problem.X[:, :-1], reduced.X[:, :-1], rcond=None)[0].T
weights = np.column_stack([network.weights[:, :3] @ axes, network.weights[:, 3]])
whole = TwoLayerReLU(weights, network.alphas)
found["objectives"] = [
    problem.program().network_objective(whole),
    reduced.program().network_objective(network),
]
found["errors"] = [problem.error(whole), reduced.error(network)]
found["scaled"] = [
    float(np.abs(problem.X[:, :-1].mean(axis=0)).max()),
    float(np.abs(problem.X.std(axis=0)[:-1] - 1.0).max()),
    float(np.mean(problem.y**2)),
]

# gradient of the circular CNN against differences, its objective against the program's
X, y = random.normal(size=(7, 6)), random.normal(size=7)
program = CircularCNNProgram(X, y, 0.3)
search = circular_cnn.Descent(program, 1)
value = program.network_objective(search.network())
found["circular"] = [search.value, value]
step, slopes = 1e-6, []
for place in [(0, 0, 0), (0, 3, 5), (1, 2, 1), (1, 4, 3)]:
    moved = search.point.copy()
    moved[place] += step
    slopes.append([(search.slope(moved)[0] - value) / step, search.gradient[place]])
found["slopes"] = slopes
for _ in range(50):
    search.step()
found["fallen"] = search.value < value

# distances of neurons: length does not count, the sign of alpha does
left = ([[3.0, 0.0], [0.0, 1.0]], [1.0, -2.0])
right = ([[0.0, 5.0], [1.0, 0.0], [1.0, 1.0]], [-1.0, 1.0, 1.0])
matrix = relu_cnn.distances(left, right)
found["distances"] = matrix.tolist()
found["matched"] = relu_cnn.matched(matrix).tolist()

# a step that is far too long ends in nothing, and not in an error
program = problem.program()
found["diverged"] = timed.timed(program, [0.05], method="sgd", step_size=1e6)
trainings = timed.timed(program, [0.2, 2.0], method="sgd", n_neurons=3)
found["steps"] = [int(training.steps[-1]) for training in trainings]
found["seconds"] = trainings[-1].seconds

one = {"bound": 2.0, "status": "optimal"}
one["ways"] = {"sgd": [[3.0, 1.0], [2.0, 1.0]]}
two = one | {"ways": {}}
open_ = one | {"status": "inaccurate"}
ends = {"a": (1.0, one), "b": (0.1, one), "c": (1.0, two), "d": (1.0, open_)}
found["excesses"] = exactness.excesses(ends, "sgd", 1.0).tolist()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_the_pieces_of_the_experiments():
    found = answer(PIECES)
    for name in ("objectives", "errors", "circular"):
        assert found[name][0] == pytest.approx(found[name][1], rel=1e-9)
    assert max(found["scaled"][:2]) < 1e-12
    assert found["scaled"][2] == pytest.approx(1.0)
    for difference, slope in found["slopes"]:
        assert difference == pytest.approx(slope, rel=1e-4, abs=1e-4)
    assert found["fallen"]
    near = (2.0 - 2.0**0.5) ** 0.5
    assert found["distances"] == [
        [2.0, 0.0, pytest.approx(near)],
        [0.0, 2.0, 2.0],
    ]
    assert found["matched"] == [
        [0.0, 2.0, pytest.approx(near)],
        [2.0, 0.0, 2.0],
    ]
    assert found["diverged"] == [None]
    # on a machine however busy
    assert 50 <= found["steps"][0] < found["steps"][1]
    assert found["seconds"] < 10.0
    assert found["excesses"] == [0.5, 0.0]


@pytest.mark.slow
def test_an_experiment_without_its_data_is_skipped_and_says_why(tmp_path):
    words = ("--data", str(tmp_path), "--output", str(tmp_path / "results"))
    done = python("-m", "bench.paper", "boston", *words)
    assert done.returncode == 0
    assert "skipped: there is no boston_housing.npz in" in done.stderr
    assert "put it there" in done.stderr
    assert not (tmp_path / "results").exists()


# the others are run by `python -m bench.paper --quick` in CI
QUICK = ("bank", "relu_cnn", "circular_cnn")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_quick_run_says_where_each_method_ended_and_draws(name, tmp_path):
    words = ("-m", "bench.paper", name, "--quick", "--output", str(tmp_path))
    done = python(*words)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    methods = {end["method"] for end in found["ends"]}
    expected = {"optimal"}
    if name == "bank":
        expected |= {"sgd", "adam", "alg1", "alg2", "alg3"}
        assert found["goals"][0]["statement"].startswith("excess of solve")
    if name == "relu_cnn":
        expected |= {"sgd", "gd", "adam", "alg1", "alg2", "alg3"}
    if name == "circular_cnn":
        expected |= {"gd"}
        ours = next(end for end in found["ends"] if end["method"] == "optimal")
        assert ours["objective"] - ours["lower_bound"] < 1e-6
    assert methods == expected
    assert found["pictures"]
    for picture in found["pictures"]:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
