"""``convex-solver path`` on real files: its table, its choice, and what ends it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arrangement.io import read_table
from convex_solver import ConvexProgram, beta_max, load_model, solve
from convex_solver.cli import main
from convex_solver.cli.folds import fold_numbers
from convex_solver.cli.quality import mean_error
from convex_solver.losses import get_loss
from convex_solver.solver import choose_beta, solve_path

PNG = b"\x89PNG\r\n\x1a\n"
BETAS = "3,1,0.3,0.1"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    path = tmp_path / "t.csv"
    lines = ["x,y,w,kind"]
    for x in random.standard_normal(24):
        y = abs(x) + 0.2 * random.standard_normal()
        kind = "far" if y > 0.8 else "near"
        lines.append(f"{x:.4f},{y:.4f},{random.integers(1, 4)},{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*argv: object) -> tuple[int, str, str]:
        code = main(["path", *(str(word) for word in argv)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def plain(table: Path) -> list[object]:
    return [table, "--target", "y", "--features", "x", "--betas", BETAS]


def errors_by_hand(table: Path, betas, count, *, loss="squared", weights=None):
    """Fit each fold by itself, without a path, and measure what it has not seen."""
    data = read_table(table)
    X, kind = data.numbers(["x"]), None
    if loss == "squared":
        y = data.numbers(["y"])[:, 0]
        exact = y.astype(float)
    else:
        kind = np.where(np.array(data.labels("kind")) == "near", 1.0, -1.0)
        y = exact = kind
    w = None if weights is None else data.numbers(["w"])[:, 0]
    numbers = fold_numbers(len(y), count, 0, kind)
    found = np.zeros((len(betas), count))
    for k in range(count):
        held = numbers == k
        for i, beta in enumerate(betas):
            program = ConvexProgram(
                X[~held],
                y[~held],
                beta,
                loss=loss,
                sample_weight=None if w is None else w[~held],
                standardize=True,
                intercept=True,
            )
            network = solve(program, tol=1e-9).network
            outputs = network.predict(X[held].astype(float))
            own = np.ones(held.sum()) if w is None else w[held].astype(float)
            if loss == "squared":
                each = (outputs - exact[held]) ** 2
            else:
                each = np.log1p(np.exp(-exact[held] * outputs))
            found[i, k] = np.average(each, weights=own)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", ["squared", "weighted", "logistic"])
def test_errors_and_choice_are_those_of_folds_fitted_by_hand(run, table, case):
    argv = [table, "--features", "x", "--betas", BETAS, "--cv", 3, "--tol", 1e-9]
    options = {}
    if case == "logistic":
        argv += ["--target", "kind", "--loss", "logistic"]
        options = {"loss": "logistic"}
    else:
        argv += ["--target", "y"]
    if case == "weighted":
        argv += ["--weights", "w"]
        options = {"weights": "w"}
    code, out, err = run(*argv, "--json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert values["betas"] == [3.0, 1.0, 0.3, 0.1]
    expected = errors_by_hand(table, values["betas"], 3, **options)
    np.testing.assert_allclose(values["errors"], expected, rtol=2e-3)
    np.testing.assert_allclose(values["mean_errors"], expected.mean(axis=1), rtol=2e-3)
    standard = expected.std(axis=1, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(values["standard_errors"], standard, rtol=1e-2)
    choice = choose_beta(np.array(values["betas"]), np.array(values["errors"]))
    assert values["beta"] == values["least_error_beta"] == choice.betas[choice.best]
    assert values["one_se_beta"] == choice.betas[choice.one_se]
    assert max(values["gaps"]) <= 1e-9
    for low, high in zip(values["lower_bounds"], values["objectives"], strict=True):
        assert low <= high


@pytest.mark.slow
def test_a_person_sees_a_line_for_each_beta_and_the_choice(run, table, tmp_path):
    model, picture = tmp_path / "m.json", tmp_path / "p.png"
    argv = [*plain(table), "--cv", 3, "--rule", "one-se"]
    code, out, _ = run(*argv, "--plot", picture, "-o", model)
    assert code == 0
    rows = re.findall(
        r"^ +([\d.]+) +([\d.e+]+) +([\d.e-]+) +(\d+) +\S+ +\S+$", out, re.M
    )
    assert [float(row[0]) for row in rows] == [3.0, 1.0, 0.3, 0.1]
    assert all(float(row[2]) <= 1e-6 for row in rows)
    for part in (
        "predict      y from x and a column of ones",
        "cv error: mean squared error of held-out rows",
        "least error  beta = ",
        "chosen       by --rule one-se: objective ",
        "no network is better by more than",
        "status       every gap within 1e-06",
        f"written      {model}, {picture}",
        f"next         convex-solver certify {model} {table}",
    ):
        assert part in re.sub(
            r"^(\w+(?: \w+)?) {2,}", lambda m: f"{m[1]:<13}", out, flags=re.M
        )
    beta = float(re.search(r"one-se +beta = (\S+),", out)[1])
    kept = load_model(model)
    assert kept.claim.beta == beta
    assert kept.target_name == "y"
    assert picture.read_bytes().startswith(PNG)
    assert main(["certify", str(model), str(table), "--json"]) == 0


def test_the_next_command_fits_what_was_chosen(run, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = [*plain(table), "--cv", 2, "--weights", "w", "--no-standardize"]
    _, out, _ = run(*argv, "--loss", "absolute")
    command = re.search(r"^next +convex-solver (.*)$", out, re.M)[1]
    chosen = re.search(r"objective (\S+), lower bound", out)[1]
    assert main([*shlex.split(command), "--json"]) == 0
    model = load_model(tmp_path / "model.json")
    assert (model.weight_name, model.claim.loss) == ("w", "absolute")
    assert model.network.scale is None
    assert model.claim.upper_bound == pytest.approx(float(chosen), rel=2e-6)


@pytest.mark.slow
def test_the_grid_and_multiples_of_beta_max(run, table):
    data = read_table(table)
    X, y = data.numbers(["x"]), data.numbers(["y"])[:, 0]
    program = ConvexProgram(X, y, 1.0, standardize=True, intercept=True)
    most = beta_max(program)
    base = [table, "--target", "y", "--features", "x", "--cv", 0, "--json"]
    _, out, _ = run(*base, "--n-betas", 3, "--eps", 0.01)
    grid = json.loads(out)
    np.testing.assert_allclose(
        grid["betas"], most * np.array([1, 0.1, 0.01]), rtol=1e-6
    )
    assert "beta" not in grid
    expected = solve_path(program, grid["betas"])
    np.testing.assert_allclose(grid["objectives"], expected.objectives, rtol=2e-6)
    _, out, _ = run(*base, "--betas", "0.5,0.1x,0.1x")
    betas = json.loads(out)["betas"]
    np.testing.assert_allclose(betas, sorted([0.5, 0.1 * most])[::-1], rtol=1e-6)


def test_an_edge_is_told(run, table):
    argv = [table, "--target", "y", "--features", "x", "--cv", 2]
    code, out, _ = run(*argv, "--betas", "5,4")
    assert code == 0
    assert "the least error is at the smallest beta" in out


def test_what_cannot_be_done_is_one_line(run, table, tmp_path):
    base = [table, "--target", "y", "--features", "x"]
    for more, part in (
        (["--cv", "1"], "--cv is 1; expected at least 2 folds, or 0"),
        (["--cv", "-2"], "--cv is -2"),
        (["--cv", "25"], "--cv is 25, but there are 24 rows"),
        (["--cv", "0", "-o", tmp_path / "m.json"], "-o needs a choice"),
        (["--betas", "1,zero"], "'zero' is neither a number nor a multiple"),
        (["--betas", "1,-2"], "beta=-2.0"),
        (["--betas", "0x"], "--betas is 0x"),
        (["--n-betas", "0"], "--n-betas is 0"),
        (["--eps", "1"], "--eps is 1; expected between 0 and 1"),
        (["--seed", "-1"], "--seed is -1"),
        (["--tol", "0"], "--tol is 0"),
        (["--time-limit", "0"], "--time-limit is 0"),
        (["--plot", tmp_path / "p.bmp"], ".png"),
        (["--plot", table], "exists"),
        (["-o", table], "exists"),
        (["-o", "-", "--json"], "both write to standard output"),
        (["-o", tmp_path / "m.csv"], "models are not written as .csv"),
    ):
        code, out, err = run(*base, *more)
        assert (code, out) == (2, ""), more
        assert err.startswith("convex-solver: error: ")
        assert err.count("\n") == 1
        assert part in err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.slow
def test_a_time_limit_leaves_a_choice_among_what_was_solved(run, table, tmp_path):
    model, picture = tmp_path / "m.json", tmp_path / "p.png"
    argv = [table, "--target", "y", "--features", "x", "--n-betas", 400, "--tol", 1e-9]
    argv += ["--time-limit", 0.3, "--plot", picture, "-o", model]
    code, out, _ = run(*argv, "--json")
    assert code == 1
    values = json.loads(out)
    assert values["stopped"] == "time limit"
    m = len(values["betas"])
    assert 1 <= m < 400
    assert m + len(values["unsolved"]) == 400
    for name in ("objectives", "gaps", "neurons", "errors", "mean_errors"):
        assert len(values[name]) == m
    assert load_model(model).claim.beta == values["beta"]
    assert picture.read_bytes().startswith(PNG)
    assert main(["certify", str(model), str(table), "--json"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("folds", [0, 3])
def test_control_c_ends_in_a_table_a_picture_and_a_model(table, tmp_path, folds):
    model, picture = tmp_path / "m.json", tmp_path / "p.png"
    words = [sys.executable, "-m", "convex_solver", "path", str(table), "--target=y"]
    words += ["--features=x", f"--cv={folds}", "--n-betas=5000", "--tol=1e-9"]
    words += [f"--plot={picture}", *([f"-o={model}"] if folds else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == 16:  # some lines of the table
                process.send_signal(signal.SIGINT)
        code = process.wait()
    out = "".join(lines)
    assert code == 1
    assert "betas left: interrupted" in out
    assert picture.read_bytes().startswith(PNG)
    if folds:
        assert "chosen " in out
        assert main(["certify", str(model), str(table), "--json"]) == 0


def test_control_c_before_the_first_beta_leaves_nothing(
    run, table, tmp_path, monkeypatch
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("convex_solver.solver.walks.solve_from", interrupted)
    code, _, err = run(*plain(table), "-o", tmp_path / "m.json")
    assert (code, err) == (130, "convex-solver: interrupted\n")
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_folds_are_shares_of_all_rows_and_of_each_class(count):
    classes = np.repeat([-1.0, 1.0], [20, 7])
    numbers = fold_numbers(27, count, 5, classes)
    for rows in (np.ones(27, dtype=bool), classes < 0, classes > 0):
        sizes = np.bincount(numbers[rows], minlength=count)
        assert sizes.max() - sizes.min() <= 1
    plain = fold_numbers(27, count, 5, None)
    assert np.array_equal(plain, fold_numbers(27, count, 5, None))
    assert not np.array_equal(plain, fold_numbers(27, count, 6, None))
    # not runs of rows, as files are often sorted
    assert np.any(np.diff(plain[:10]) != 1)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("squared", 5.0), ("absolute", 2.0), ("quantile:0.9", 0.6), ("poisson", None)],
)
def test_the_error_is_the_mean_of_the_loss(loss, expected):
    y, outputs = np.array([2.0, 1.0]), np.array([1.0, 4.0])
    if expected is None:
        values = np.exp(outputs) - y * outputs - y + y * np.log(y)
        expected = values.mean()
    found = mean_error(get_loss(loss), y, outputs, None)
    assert found == pytest.approx(expected)
    twice = mean_error(get_loss(loss), y[[0, 0, 1]], outputs[[0, 0, 1]], None)
    weighted = mean_error(get_loss(loss), y, outputs, np.array([2.0, 1.0]))
    assert weighted == pytest.approx(twice)
    assert mean_error(get_loss(loss), y, np.array([1e308, 1e308]), None) > 1e300
