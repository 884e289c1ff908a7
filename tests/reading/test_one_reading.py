"""Data are read once a call, and nothing outside changes what was read."""

import sys
from collections import Counter

import numpy as np
import pytest

from arrangement import exact
from convex_solver import (
    CircularCNNProgram,
    ConvexProgram,
    ConvexReLUClassifier,
    ConvexReLURegressor,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    alg1,
    alg2,
    alg3,
    approximate,
    beta_max,
    certify,
    certify_circular_cnn,
    certify_infeasible_cnn,
    certify_interpolation,
    certify_linear_cnn,
    certify_minimum_norm_cnn,
    find_obstruction,
    interpolate,
    solve,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
    solve_path,
)
from convex_solver.cli import main
from convex_solver.reading import arrays

X = np.array([[-2.0, 1.0], [-1.0, 0.0], [0.0, 3.0], [1.0, 1.0], [2.0, -1.0]])
Y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
WEIGHTS = np.array([1.0, 2.0, 1.0, 1.0, 3.0])
PATCHES = np.random.default_rng(0).standard_normal((5, 3, 2))
READERS = {
    exact: ("read_matrix", "read_samples", "read_vector"),
    arrays: ("read_patches", "read_signals", "read_targets"),
}


@pytest.fixture
def readings(monkeypatch):
    """Count what is read, by name, wherever a reader was imported to."""
    seen = Counter()

    def counting(reader, name):
        def counted(*arguments, **options):
            seen[options.get("name", name)] += 1
            return reader(*arguments, **options)

        return counted

    for home, names in READERS.items():
        for name in names:
            reader = getattr(home, name)
            counted = counting(reader, name)
            for module in list(sys.modules.values()):
                if getattr(module, name, None) is reader:
                    monkeypatch.setattr(module, name, counted)
    return seen


def network():
    return solve(ConvexProgram(X, Y, 0.1)).network


CALLS = {
    "solve": lambda: solve(ConvexProgram(X, Y, 0.1), tol=1e-14),
    "solve_standardised": lambda: solve(
        ConvexProgram(X, Y, 0.1, standardize=True, intercept=True)
    ),
    "solve_path": lambda: solve_path(ConvexProgram(X, Y, 1.0), [0.5, 0.1]),
    "beta_max": lambda: beta_max(ConvexProgram(X, Y, 1.0)),
    "interpolate": lambda: interpolate(X, Y, standardize=True),
    "find_obstruction": lambda: find_obstruction(X, Y),
    "approximate": lambda: approximate(ConvexProgram(X, Y, 0.1), n_directions=5),
    "alg1": lambda: alg1(ConvexProgram(X, Y, 0.1), n_clusters=2),
    "alg2": lambda: alg2(ConvexProgram(X, Y, 0.1), n_directions=5),
    "alg3": lambda: alg3(ConvexProgram(X, Y, 0.1)),
    "regressor": lambda: ConvexReLURegressor().fit(X, Y),
    "classifier": lambda: ConvexReLUClassifier(tol=0.1).fit(X, Y),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_reads_its_data_once(name, readings):
    CALLS[name]()
    assert readings == {"X": 1, "y": 1}


def test_a_certificate_reads_its_data_once(readings):
    net = network()
    readings.clear()
    for method in ("covering", "chambers"):
        certify(net, X, Y, 0.1, sample_weight=WEIGHTS, method=method)
        assert readings == {"X": 1, "y": 1, "sample_weight": 1}
        readings.clear()
    found = interpolate(X, Y)
    readings.clear()
    certify_interpolation(found.network, X, Y, dual=found.dual)
    assert readings == {"X": 1, "y": 1}


def test_outputs_and_classes_share_one_reading_of_the_rows(readings):
    two = ConvexReLURegressor(tol=0.1).fit(
        X, np.column_stack([Y, X[:, 0]]), sample_weight=WEIGHTS
    )
    assert readings == {"X": 1, "y": 2, "sample_weight": 1}
    alone = ConvexReLURegressor(tol=0.1).fit(X, X[:, 0], sample_weight=WEIGHTS)
    assert two.objective_[1] == alone.objective_
    assert two.certificate_[1].data_digest == alone.certificate_.data_digest
    readings.clear()
    three = ConvexReLUClassifier(tol=0.1).fit(X, ["a", "b", "c", "a", "b"])
    assert len(three.network_) == 3
    assert readings == {"X": 1, "y": 3}


def test_linear_and_circular_cnns_read_their_samples_once(readings):
    linear = {"read_patches": 1, "read_targets": 1}
    found = solve_linear_cnn(LinearCNNProgram(PATCHES, Y, 0.1))
    assert readings == linear
    readings.clear()
    certify_linear_cnn(found.network, PATCHES, Y, 0.1)
    assert readings == linear
    readings.clear()
    found = solve_minimum_norm_cnn(MinimumNormLinearCNN(PATCHES, Y))
    assert readings == linear
    readings.clear()
    certify_minimum_norm_cnn(found.network, PATCHES, Y, dual=found.certificate.dual)
    assert readings == linear
    readings.clear()
    twice = [[[1.0]], [[2.0]]]
    solve_minimum_norm_cnn(MinimumNormLinearCNN(twice, [1.0, 3.0]))
    assert readings == linear
    readings.clear()
    certify_infeasible_cnn(twice, [1.0, 3.0], [0, 1], [2, -1])
    assert readings == linear
    readings.clear()
    circular = {"read_signals": 1, "read_targets": 1}
    found = solve_circular_cnn(CircularCNNProgram(X, Y, 0.1))
    assert readings == circular
    readings.clear()
    certify_circular_cnn(found.network, X, Y, 0.1)
    assert readings == circular


def test_the_command_line_reads_a_table_once(readings, tmp_path, capsys):
    table = tmp_path / "data.csv"
    lines = [f"{a},{b},{c}" for (a, b), c in zip(X, Y, strict=True)]
    table.write_text("\n".join(["a,b,target", *lines]) + "\n")
    model, picture = str(tmp_path / "model.json"), str(tmp_path / "fit.png")
    words = ["fit", str(table), "--target", "target", "--beta", "0.1"]
    assert main([*words, "-o", model, "--plot", picture]) == 0
    assert readings == {"X": 1, "y": 1}
    readings.clear()
    assert main(["certify", model, str(table)]) == 0
    assert readings == {"X": 1, "y": 1}


@pytest.mark.parametrize("standardize", [False, True])
def test_what_the_caller_changes_afterwards_is_not_seen(standardize):
    given = [X.copy(), Y.copy(), WEIGHTS.copy()]
    program = ConvexProgram(
        given[0], given[1], 0.1, sample_weight=given[2], standardize=standardize
    )
    expected = solve(program)
    for array in given:
        array[:] = 100.0 - 7.0 * array
    found = solve(program)
    # it was a lower bound above the objective
    assert found.lower_bound <= found.objective == expected.objective
    assert found.certificate.data_digest == expected.certificate.data_digest
    again = certify(
        found.network, X, Y, 0.1, sample_weight=WEIGHTS, dual=found.certificate.dual
    )
    assert again.data_digest == found.certificate.data_digest
    assert again.lower_bound == pytest.approx(found.lower_bound, rel=1e-9)
    assert again.upper_bound == found.certificate.upper_bound


def test_what_was_read_cannot_be_changed():
    data = ConvexProgram(
        X, Y, 0.1, sample_weight=WEIGHTS, standardize=True, intercept=True
    ).data
    held = [data.X, data.X_error, data.y, data.y_error, data.weights, data.design]
    held += [data.scaling.center, data.scaling.scale]
    samples = LinearCNNProgram(PATCHES, Y, 0.1).samples
    held += [samples.X, samples.y, samples.flat, samples.outputs]
    samples = CircularCNNProgram(X, Y, 0.1).samples
    for array in [*held, samples.X, samples.y]:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
    with pytest.raises(AttributeError):
        data.X = np.zeros_like(data.X)
    for exact_values in (data.rows.exact, data.y_exact, data.weights_exact):
        assert isinstance(exact_values, tuple)


def test_other_targets_are_as_if_read_anew():
    program = ConvexProgram(X, Y, 0.1, sample_weight=WEIGHTS, standardize=True)
    other = program.with_targets(X[:, 1])
    anew = ConvexProgram(X, X[:, 1], 0.1, sample_weight=WEIGHTS, standardize=True)
    assert other.data.digest == anew.data.digest != program.data.digest
    assert other.data_term.value(Y) == anew.data_term.value(Y)
    assert other.data.X is program.data.X
    with pytest.raises(ValueError, match="y has length 4; expected 5"):
        program.with_targets(Y[:4])
