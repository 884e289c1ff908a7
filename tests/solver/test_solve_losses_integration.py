"""Every loss and sample weights, from the program to the model file."""

import json
import re

import numpy as np
import pytest

from arrangement import enumerate_patterns
from convex_solver import (
    ConvexProgram,
    InputError,
    InputTypeError,
    SolutionStatus,
    beta_max,
    certify,
    certify_model,
    load_model,
    load_penguins,
    save_model,
    solve,
)
from convex_solver.cli import main
from convex_solver.errors import DigestMismatchError
from convex_solver.losses.loss import get_loss

from instances import planted, planted_for, planted_program
from reference.losses import LABELLED, SPECS, value
from reference.paper_program import optimum
from reference.raw import raw_data, raw_weights
from reference.solutions import checked


def weights_for(n, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 3.0, n)


def is_optimal(program, tol=1e-7, **options):
    """Solve, check what always holds, and price every chamber of a proven listing."""
    solution = checked(program, tol=tol, **options)
    assert solution.status is SolutionStatus.OPTIMAL
    listed = certify(
        solution.network,
        *raw_data(program),
        program.beta,
        loss=program.loss,
        sample_weight=raw_weights(program),
        dual=solution.certificate.dual,
        patterns=enumerate_patterns(program.arrangement),
    )
    assert listed.loss == str(program.loss)
    assert listed.gap <= 1.5 * tol
    assert listed.lower_bound == pytest.approx(solution.lower_bound, rel=2 * tol)
    return solution


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("n", [8, 16, 40])
@pytest.mark.parametrize("spec", SPECS)
def test_every_loss_is_certified(spec, n, is_weighted):
    weights = weights_for(n) if is_weighted else None
    program = planted_program(spec, n, 3, seed=n, sample_weight=weights)
    solution = is_optimal(program)
    # the objective by the definition, sample by sample
    X, y = raw_data(program)
    net = solution.network
    total = program.beta / 2 * (np.sum(net.weights**2) + np.sum(net.alphas**2))
    each = weights if is_weighted else np.ones(n)
    for row, target, c in zip(X, y, each, strict=True):
        f = sum(
            a * max(0.0, float(row @ u))
            for u, a in zip(net.weights, net.alphas, strict=True)
        )
        total += c * float(value(spec, float(f), float(target)))
    assert solution.objective == pytest.approx(total, rel=1e-9)
    assert net.objective(
        X, y, program.beta, loss=spec, sample_weight=weights
    ) == pytest.approx(total, rel=1e-9)


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("spec", SPECS)
def test_the_paper_s_program_in_cvxpy_agrees(spec, is_weighted):
    X, y = planted_for(spec, 7, 3, seed=5)
    weights = weights_for(7, seed=5) if is_weighted else None
    program = ConvexProgram(X, y, 0.2, loss=spec, sample_weight=weights)
    solution = is_optimal(program)
    expected = optimum(X, y, 0.2, spec, weights)
    assert solution.objective == pytest.approx(expected, rel=2e-6)
    full = is_optimal(program, method="full")
    assert full.objective == pytest.approx(solution.objective, rel=2e-7)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_integer_weights_are_copies_and_all_weights_scale_with_beta(spec):
    X, y = planted_for(spec, 9, 3, seed=2)
    counts = np.array([1, 2, 3, 1, 1, 4, 2, 1, 1])
    weighted = is_optimal(
        ConvexProgram(X, y, 0.3, loss=spec, sample_weight=counts), 1e-8
    )
    many = ConvexProgram(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), 0.3, loss=spec
    )
    assert weighted.objective == pytest.approx(is_optimal(many).objective, rel=2e-7)
    scaled = ConvexProgram(X, y, 300.0, loss=spec, sample_weight=1000 * counts)
    assert is_optimal(scaled).objective == pytest.approx(
        1000 * weighted.objective, rel=2e-7
    )
    ones = ConvexProgram(X, y, 0.3, loss=spec, sample_weight=np.ones(9))
    plain = ConvexProgram(X, y, 0.3, loss=spec)
    assert solve(ones).objective == solve(plain).objective
    assert solve(plain).objective <= weighted.objective * (1 + 1e-6)


@pytest.mark.parametrize(
    ("spec", "other", "factor"),
    [
        ("huber:1e6", "squared", 1.0),
        ("quantile:0.5", "absolute", 0.5),
        ("epsilon_insensitive:0", "absolute", 1.0),
    ],
)
def test_losses_that_are_others_have_their_optima(spec, other, factor):
    X, y = planted(14, 3, seed=3)
    found = is_optimal(ConvexProgram(X, y, 0.1, loss=spec))
    same = is_optimal(ConvexProgram(X, y, 0.1 / factor, loss=other))
    assert found.objective == pytest.approx(factor * same.objective, rel=2e-7)


@pytest.mark.parametrize("spec", SPECS)
def test_degenerate_data_are_certified(spec):
    X = [[1, 0, 1], [1, 0, 1], [0, 0, 0], [-2, 0, -2], [0, 1, 1], [1, 1, 2], [3, 1, 4]]
    y = [1, 1, 1, 1, 1, 1, 1] if spec == "poisson" else [1, -1, 1, -1, 1, 1, -1]
    program = ConvexProgram(
        X, y, 0.1, loss=spec, sample_weight=[1, 2, 0.5, 1, 1, 3, 1e-3]
    )
    is_optimal(program)
    # the same number everywhere: at best one neuron on the ones column
    ones = np.column_stack([np.arange(6), np.ones(6)])
    for target in (1.0, {"poisson": 3.0}.get(spec, -1.0)):
        same = ConvexProgram(ones, np.full(6, target), 0.05, loss=spec)
        zero = same.data_term.value(np.zeros(6))
        assert is_optimal(same).objective <= zero
    # nothing but zero rows: only the zero network
    nothing = ConvexProgram(np.zeros((7, 2)), y, 0.1, loss=spec)
    solution = is_optimal(nothing)
    assert solution.network.n_neurons == 0
    assert solution.objective == nothing.data_term.value(np.zeros(7))


@pytest.mark.parametrize("spec", SPECS)
def test_more_samples_than_directions_and_an_exact_fit(spec):
    # the targets lie on one neuron, and beta is small: little is left of the loss
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.standard_normal((15, 2)), np.ones(15)])
    f = 2.0 * np.maximum(X @ [1.0, -0.5, 0.25], 0.0)
    y = np.where(f > 0, 1.0, -1.0) if spec in LABELLED else f
    is_optimal(ConvexProgram(X, y, 1e-3, loss=spec))


@pytest.mark.parametrize("rate", [0.0, 1e3])
def test_counts_of_zero_and_large_counts(rate):
    X, f = planted(10, 3, 1)
    y = np.random.default_rng(1).poisson(rate * np.exp(0.3 * f))
    is_optimal(ConvexProgram(X, y, 10.0 if rate else 0.3, loss="poisson"))


@pytest.mark.parametrize("spec", SPECS)
def test_beta_max_is_where_the_zero_network_begins(spec):
    program = planted_program(spec, 12, 3, seed=7, sample_weight=weights_for(12))
    largest = beta_max(program)
    at = is_optimal(program.with_beta(largest), 1e-9)
    assert at.network.n_neurons == 0
    below = checked(program.with_beta(0.9 * largest), tol=1e-9)
    assert below.network.n_neurons > 0
    assert below.objective < at.objective


def test_beta_max_needs_a_unique_gradient():
    X = np.column_stack([np.arange(4), np.ones(4)])
    message = (
        "the absolute loss has a kink at the zero prediction of row 1 (and 1 more), "
        "so that its gradient there is not unique; beta_max needs one that is."
    )
    program = ConvexProgram(X, [1, 0, 2, 0], 0.1, loss="absolute")
    with pytest.raises(InputError, match=re.escape(message)):
        beta_max(program)
    is_optimal(program)
    for spec, y in (("quantile:0.9", [0, 1, 2, 3]), ("epsilon_insensitive:1", [1] * 4)):
        program = ConvexProgram(X, y, 0.1, loss=spec)
        with pytest.raises(InputError, match=f"the {spec}.* loss has a kink .* row 0"):
            beta_max(program)
        is_optimal(program)
    assert beta_max(ConvexProgram(X, [3] * 4, 0.1, loss="epsilon_insensitive:1")) > 0


@pytest.mark.parametrize("spec", ["absolute", "quantile:0.9", "epsilon_insensitive:0"])
def test_targets_at_the_kink_cost_nothing(spec):
    solution = is_optimal(problem_of_zeros(spec))
    assert solution.objective == 0.0
    assert solution.network.n_neurons == 0


def problem_of_zeros(spec):
    X, _ = planted(8, 3)
    return ConvexProgram(X, np.zeros(8), 0.1, loss=spec)


FIVE = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"loss": "poisson"}, InputError, "y holds -1 at row 1; the poisson loss need"),
        ({"loss": "hinge", "y": [0] * 5}, InputError, "y holds 0 at row 0; the hinge"),
        ({"loss": "squared_hinge", "y": [2] * 5}, InputError, "needs labels -1 and"),
        (
            {"loss": "quantile:2"},
            InputError,
            "is 2.0; expected a finite number above 0 and below 1",
        ),
        ({"loss": "huber:x"}, InputError, "'x' is no number"),
        ({"loss": "squared:1"}, InputError, "the squared loss has no parameter"),
        ({"loss": 3}, InputTypeError, "loss has type int"),
        ({"sample_weight": [1] * 4}, InputError, "has length 4; expected 5"),
        ({"sample_weight": [1, 1, 0, 1, 1]}, InputError, "holds 0 at row 2"),
        ({"sample_weight": [1, 1, -2, 1, 1]}, InputError, "holds -2 at row 2"),
        ({"sample_weight": [np.nan] * 5}, InputError, "sample_weight: nan came"),
        ({"sample_weight": [1, 1, 1, 1, np.inf]}, InputError, "finite"),
        ({"sample_weight": ["a"] * 5}, InputError, "sample_weight: 'a' is not"),
        ({"sample_weight": np.ones((5, 1))}, InputError, "sample_weight has shape"),
        ({"sample_weight": 2.0}, InputError, "sample_weight"),
    ],
)
def test_what_is_refused(options, error, message):
    given = {"y": [1, -1, 1, 1, -1], "loss": "squared"} | options
    y = given.pop("y")
    with pytest.raises(error, match=message):
        ConvexProgram(FIVE, y, 0.1, **given)


def test_a_model_file_keeps_loss_and_weights(tmp_path):
    X, y = planted(20, 3, seed=8)
    weights = weights_for(20)
    program = ConvexProgram(X, y, 0.1, loss="quantile:0.9", sample_weight=weights)
    solution = is_optimal(program)
    path = tmp_path / "model.json"
    save_model(path, solution)
    assert json.loads(path.read_text())["claim"]["loss"] == "quantile:0.9"
    model = load_model(path)
    assert model.claim.loss == "quantile:0.9"
    found = certify_model(model, X, y, sample_weight=weights)
    assert found.upper_bound == solution.certificate.upper_bound
    assert found.lower_bound == pytest.approx(model.claim.lower_bound, rel=1e-8)
    other = weights.copy()
    other[3] = np.nextafter(other[3], 9.0)
    for wrong in (None, other, np.ones(20), 2 * weights):
        with pytest.raises(DigestMismatchError, match="the data are not those"):
            certify_model(model, X, y, sample_weight=wrong)
    # another loss in the file is another claim
    text = path.read_text().replace("quantile:0.9", "quantile:0.8")
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(DigestMismatchError, match="the digest does not match"):
        load_model(tmp_path / "other.json")


def test_weights_of_one_are_other_data_than_none(tmp_path):
    X, y = planted(8, 2)
    solution = solve(ConvexProgram(X, y, 0.1, sample_weight=np.ones(8)))
    save_model(tmp_path / "m.json", solution)
    model = load_model(tmp_path / "m.json")
    certify_model(model, X, y, sample_weight=[1] * 8)
    with pytest.raises(DigestMismatchError):
        certify_model(model, X, y)


def test_decimal_weights_are_read_as_decimals():
    X, y = [[0.1, 1], [0.2, 1], [0.3, 1]], [0.1, 0.4, 0.2]
    text = ["0.1", "0.2", "0.7"]
    decimal = ConvexProgram(
        X, y, 0.01, loss="huber:0.3", sample_weight=text, floats="decimal"
    )
    floats = ConvexProgram(
        X, y, 0.01, loss="huber:0.3", sample_weight=[0.1, 0.2, 0.7], floats="decimal"
    )
    assert decimal.data.digest == floats.data.digest
    assert decimal.data.weights_exact == floats.data.weights_exact
    assert checked(decimal, tol=1e-9).status is SolutionStatus.OPTIMAL


def fit(tmp_path, capsys, spec):
    """Fit the penguins' mass to one measure on the command line; its report."""
    path = tmp_path / "model.json"
    words = ["fit", "penguins", "--target", "body_mass_g", "--features"]
    words += ["flipper_length_mm", "--beta", "10", "--standardize", "--loss", spec]
    code = main([*words, "--json", "-o", str(path)])
    return code, path, capsys.readouterr()


@pytest.mark.parametrize("spec", ["huber:1", "quantile:0.9"])
def test_penguins_with_a_robust_loss_on_the_command_line(tmp_path, capsys, spec):
    code, path, out = fit(tmp_path, capsys, spec)
    assert code == 0, out.err
    report = json.loads(out.out)
    assert report["status"] == "optimal"
    model = load_model(path)
    assert model.claim.loss == str(get_loss(spec))
    assert model.network.feature_names == ("flipper_length_mm",)
    assert main(["certify", str(path), "penguins"]) == 0
    capsys.readouterr()
    if spec == "quantile:0.9":
        assert main(["predict", str(path), "penguins"]) == 0
        lines = capsys.readouterr().out.split()
        y = np.array([float(x) for x in load_penguins()[1]])
        predicted = np.array([float(x) for x in lines[-len(y) :]])
        # about a tenth above the line: the decay takes its share
        assert 0.85 <= np.mean(y <= predicted) <= 0.92


def test_a_loss_that_is_unknown_is_an_error_on_the_command_line(tmp_path, capsys):
    code, path, out = fit(tmp_path, capsys, "huber:x")
    assert code == 2
    assert "'x' is no number" in out.err
    assert not path.exists()
