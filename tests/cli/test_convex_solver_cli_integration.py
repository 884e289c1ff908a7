"""The command line ``convex-solver`` on real files: fit, certify, predict, plot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from arrangement.errors import InputError
from arrangement.io import read_table
from convex_solver import ConvexReLURegressor, TwoLayerReLU, load_model
from convex_solver.cli import main
from convex_solver.plot import boundaries, plot_fit, render_fit

Run = tuple[int, str, str]

FIVE = "x,y,name\n-2,1,a\n-1,-1,b\n0,1,c\n1,1,d\n2,-1,e\n"
STANDARD = ("--target", "y", "--features", "x", "--beta", "1e-4")
FIT = (*STANDARD, "--no-standardize")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def five(tmp_path: Path) -> Path:
    path = tmp_path / "five.csv"
    path.write_text(FIVE)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*argv: object) -> Run:
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def assert_refused(result: Run, *parts: str) -> None:
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("convex-solver: error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def test_five_points_from_file_to_certificate(run, five, tmp_path):
    model, plot = tmp_path / "model.json", tmp_path / "fit.png"
    code, out, err = run("fit", five, *FIT, "-o", model, "--plot", plot, "--json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert values["objective"] == pytest.approx(0.0010128, abs=5e-8)
    assert values["lower_bound"] <= values["upper_bound"]
    assert (values["patterns"], values["bound"]) == (None, 10)
    assert values["cones"] > 0
    assert values["status"] == "optimal"
    assert plot.read_bytes().startswith(PNG)
    code, out, err = run("certify", model, five, "--json")
    assert (code, err) == (0, "")
    again = json.loads(out)
    assert again["certified"] is True
    assert again["lower_bound"] == pytest.approx(values["lower_bound"], rel=1e-9)
    code, out, _ = run("predict", model, five)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "y"
    assert np.allclose([float(v) for v in lines[1:]], [1, -1, 1, 1, -1], atol=1e-2)
    assert len(load_model(model).network.feature_names) == 1


def test_a_person_is_told(run, five, tmp_path):
    model = tmp_path / "model.json"
    code, out, _ = run("fit", five, *FIT, "-o", model)
    assert code == 0
    for part in (
        "n = 5",
        "r = 2",
        "not listed; at most 10",
        "cones that cover all directions",
        "objective",
        "lower bound",
        "gap",
        "neurons",
        "status       optimal; no network is better by more than",
        f"convex-solver certify {model} {five}",
    ):
        assert part in out
    code, out, _ = run("certify", model, five)
    assert code == 0
    assert "checked      bounds recomputed from the data, as the model claims" in out
    assert "no network is better by more than" in out


def test_a_fit_short_of_the_tolerance_says_so(run, five, tmp_path):
    code, out, _ = run("fit", five, *FIT, "--tol", "1e-300", "-o", tmp_path / "m")
    assert code == 1
    assert "above 1e-300" in out
    assert "status       inaccurate: not shown to be optimal; " in out
    assert (tmp_path / "m").exists()


def test_certify_fails_in_one_line(run, five, tmp_path):
    model = tmp_path / "model.json"
    run("fit", five, *FIT, "-o", model, "--json")
    other = tmp_path / "other.csv"
    other.write_text(FIVE.replace("1,1,d", "1,1.5,d"))
    code, out, err = run("certify", model, other, "--json")
    assert code == 1
    assert json.loads(out)["certified"] is False
    assert err.startswith("convex-solver: not certified: ")
    assert err.count("\n") == 1
    content = json.loads(model.read_text())
    content["network"]["alphas"][0] *= 1.5
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(content))
    code, out, err = run("certify", forged, five)
    assert (code, out) == (1, "")
    assert "digest" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_classification(run, five, tmp_path, loss):
    argv = ["fit", five, "--target", "y", "--features", "x", "--beta", 0.1]
    argv += ["--loss", loss, "--standardize", "-o", tmp_path / "m"]
    code, out, _ = run(*argv, "--plot", tmp_path / "fit.svg", "--json")
    assert code == 0
    assert json.loads(out)["loss"] == loss
    assert b"<svg" in (tmp_path / "fit.svg").read_bytes()
    (tmp_path / "bad.csv").write_text(FIVE.replace("2,-1,e", "2,0,e"))
    argv[1] = tmp_path / "bad.csv"
    argv[-1] = tmp_path / "n"
    assert_refused(run(*argv), "-1")


def test_weights_and_parameters_of_a_loss_are_kept_and_checked(run, tmp_path):
    path, model = tmp_path / "w.csv", tmp_path / "m"
    path.write_text("x,y,w\n0,2,1\n1,0.5,2\n2,1.5,0.5\n3,1,1\n4,3,2\n")
    argv = ["fit", path, "--target", "y", "--beta", "0.1", "--loss", "quantile:0.9"]
    code, out, _ = run(*argv, "--weights", "w", "-o", model, "--json")
    values = json.loads(out)
    assert code == 0
    assert (values["loss"], values["weights"]) == ("quantile:0.9", "w")
    assert values["features"] == ["x"]
    kept = load_model(model)
    assert (kept.weight_name, kept.claim.loss) == ("w", "quantile:0.9")
    code, out, _ = run("certify", model, path)
    assert code == 0
    assert "quantile:0.9 loss weighted by w, beta = 0.1" in out
    path.write_text(path.read_text().replace("0.5\n3", "0.75\n3"))
    code, _, err = run("certify", model, path)
    assert code == 1
    assert "digest" in err
    path.write_text(path.read_text().replace("0.75\n3", "0\n3"))
    refused = run(*argv, "--weights", "w", "-o", tmp_path / "n")
    assert_refused(refused, "sample_weight holds 0 at row 2", "Drop rows")


def test_counts_are_predicted_and_drawn_by_their_mean(run, tmp_path, monkeypatch):
    path, model = tmp_path / "c.csv", tmp_path / "m"
    path.write_text("x,y\n0,2\n1,40\n2,3\n3,90\n4,0\n")
    drawn = []
    plot = Axes.plot

    def noted(self, *arguments, **options):
        drawn.append((options.get("label"), arguments))
        return plot(self, *arguments, **options)

    monkeypatch.setattr(Axes, "plot", noted)
    argv = ["fit", path, "--target", "y", "--beta", "0.1", "--loss", "poisson"]
    assert run(*argv, "-o", model, "--plot", tmp_path / "c.png", "--json")[0] == 0
    network = load_model(model).network
    code, out, _ = run("predict", model, path, "--json")
    assert code == 0
    means = np.exp(network.predict(np.arange(5.0)[:, None]))
    np.testing.assert_allclose(json.loads(out)["prediction"], means)
    assert means[3] == pytest.approx(90, rel=0.1)
    x, y = next(arguments for label, arguments in drawn if label == "fit")
    np.testing.assert_allclose(y, np.exp(network.predict(x[:, None])))
    assert len(x) > 100


def test_penguins_on_one_feature(run, tmp_path):
    model, plot = tmp_path / "model.json", tmp_path / "fit.png"
    argv = ["fit", "penguins", "--target", "body_mass_g", "--beta", "0.1"]
    argv += ["--features", "flipper_length_mm", "--standardize"]
    code, out, _ = run(*argv, "-o", model, "--plot", plot, "--json")
    assert code == 0
    values = json.loads(out)
    assert (values["n"], values["patterns"]) == (342, None)
    assert values["gap"] <= 1e-6
    assert plot.read_bytes().startswith(PNG)
    assert run("certify", model, "penguins", "--json")[0] == 0


def test_a_time_limit_writes_a_network_with_its_true_gap(run, tmp_path):
    argv = ["fit", "penguins", "--target", "body_mass_g", "--beta", "0.1", "--tol=1e-9"]
    argv += ["--features", "bill_length_mm,bill_depth_mm", "--time-limit", "1e-3"]
    code, out, _ = run(*argv, "-o", tmp_path / "m", "--json")
    values = json.loads(out)
    assert code == 1
    assert values["status"] == "inaccurate"
    assert values["stopped"] == "time limit"
    assert 0.0 <= values["lower_bound"] < values["upper_bound"]
    # a file claims a billionth less than is certified, of either bound
    stored = load_model(tmp_path / "m").claim.gap
    assert 1e-9 < values["gap"] <= stored <= values["gap"] + 3e-9


def test_the_report_tells_from_which_beta_on_zero_is_optimal(run, five, tmp_path):
    argv = ["fit", five, "--target", "y", "--features", "x"]
    code, out, _ = run(*argv, "--beta=100", "-o", tmp_path / "m")
    assert code == 0
    hint = next(line for line in out.splitlines() if line.startswith("hint "))
    assert "beta = 100 is not below beta_max = " in hint
    values = json.loads(run(*argv, "--beta=100", "-o", tmp_path / "n", "--json")[1])
    assert values["hint"] in hint
    code, out, _ = run(*argv, "--beta=1e-4", "-o", tmp_path / "o")
    assert code == 0
    assert "hint " not in out


def test_a_terminal_is_told_what_is_done(run, five, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(
        "convex_solver.cli.problem.say_compiling", lambda *_, quiet: None
    )
    monkeypatch.setattr("convex_solver.cli.check.say_compiling", lambda *_, quiet: 0)
    model = tmp_path / "m.json"
    err = run("fit", five, *FIT, "-o", model)[2]
    lines = err.splitlines()
    assert lines[0].startswith("... full: rank 2")
    assert lines[-2] == "... certifying"
    assert lines[-1].startswith("... optimal: objective")
    assert run("certify", model, five)[2] == "... certifying\n"
    assert run("certify", model, five, "--json")[2] == ""


@pytest.mark.parametrize("limit", ["0", "-1", "nan"])
def test_bad_time_limit(run, five, tmp_path, limit):
    argv = ["fit", five, "--target", "y", "--beta=1", f"--time-limit={limit}"]
    assert_refused(run(*argv, "-o", tmp_path / "m"), "--time-limit")


@pytest.mark.parametrize("beta", ["0", "-1", "nan", "inf", "much"])
def test_bad_beta(run, five, tmp_path, beta):
    argv = ["fit", five, "--target", "y", "--features", "x", f"--beta={beta}"]
    assert_refused(run(*argv, "-o", tmp_path / "m"), "beta")
    assert [p.name for p in tmp_path.iterdir()] == ["five.csv"]


def test_bad_options(run, five, tmp_path):
    out = ["-o", tmp_path / "m"]
    fit = ["fit", five, "--beta", "0.1"]
    both = ["--target", "y", "--features", "x,y"]
    for argv, parts in (
        ([*fit, "--target", "q", *out], ["no column 'q'", "'x', 'y', 'name'"]),
        ([*fit, "--target", "y", "--features", "q", *out], ["no column 'q'"]),
        ([*fit, *both, *out], ["among --features"]),
        ([*fit, "--target", "y", *out], ["line 2, column 'name'"]),
        ([*fit, "--target", "name", "--features", "x", *out], ["column 'name'"]),
        (["fit", five, *FIT, "--loss", "cubic", *out], ["'cubic' is unknown"]),
        (["fit", five, *FIT, "--loss", "huber:x", *out], ["'x' is no number"]),
        (["fit", five, *FIT, "--loss", "quantile:2", *out], ["above 0 and below 1"]),
        (["fit", five, *FIT, "--weights", "q", *out], ["no column 'q'"]),
        (["fit", five, *FIT, "--weights", "x", *out], ["--weights 'x'"]),
        (["fit", five, *FIT, "--weights", "name", *out], ["column 'name'"]),
        (["fit", five, *FIT, "--tol", "0", *out], ["tol"]),
        (["fit", five, *FIT, "--tol", "nan", *out], ["tol"]),
        (["fit", five, *FIT, "--jobs", "0", *out], ["--jobs is 0"]),
        (["fit", five, *FIT], ["-o"]),
        (["fit", five, *FIT, "-o", five], ["exists"]),
        (["fit", five, *FIT, "-o", tmp_path / "no" / "m"], ["is not a folder"]),
        (["fit", five, *FIT, *out, "--plot", five], ["exists"]),
        (["fit", five, *FIT, *out, "--plot", tmp_path / "fit.bmp"], [".png"]),
        (["fit", five, *FIT, *out, "--plot", tmp_path / "m"], [".png"]),
        (["fit", tmp_path / "none.csv", *FIT, *out], ["No such file"]),
        (["certify", tmp_path / "none", five], ["cannot read"]),
        (["certify", five, five], ["no JSON"]),
        (["predict", five, five], ["no JSON"]),
        (["certify"], ["MODEL"]),
    ):
        assert_refused(run(*argv), *parts)
    assert [p.name for p in tmp_path.iterdir()] == ["five.csv"]


@pytest.mark.parametrize("name", ["fit.png", "m.csv", "M.CSV", "m.npz", "m.tar.gz"])
def test_a_model_is_not_written_as_another_format(run, five, tmp_path, name):
    path = tmp_path / name
    refused = run("fit", five, *FIT, "-o", path, "--plot", path)
    assert_refused(refused, "models are not written as .", "end the name in .json")


def test_one_line_of_a_file_and_an_output_that_are_both_bad(run, tmp_path):
    argv = ["fit", tmp_path / "none.csv", *FIT, "-o"]
    assert_refused(run(*argv, tmp_path), "exists")
    assert_refused(run(*argv, tmp_path / "m"), "No such file")


@pytest.mark.parametrize("text", ["", "x,y\n", "x,y\n1,\n", "x,y\n1,nan\n", "y\n1\n"])
def test_bad_tables(run, tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    argv = ["fit", path, "--target", "y", "--beta", "1", "-o", tmp_path / "m"]
    assert_refused(run(*argv))
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


def test_three_features_have_no_plot(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n1,2,3,4\n2,1,1,0\n")
    argv = ["fit", path, "--target", "y", "--beta", "1", "-o", tmp_path / "m"]
    assert_refused(run(*argv, "--plot", tmp_path / "p.png"), "one or two")
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_model_on_data_without_its_columns(run, five, tmp_path):
    model = tmp_path / "model.json"
    run("fit", five, *FIT, "-o", model, "--json")
    (tmp_path / "z.csv").write_text("z,y\n1,2\n")
    for command in ("certify", "predict"):
        assert_refused(run(command, model, tmp_path / "z.csv"), "no column 'x'")


def test_the_defaults_are_those_of_the_estimators(run, five, tmp_path):
    code, out, _ = run("fit", five, *STANDARD, "-o", tmp_path / "m", "--json")
    assert code == 0
    values = json.loads(out)
    assert (values["intercept"], values["standardize"]) == (True, True)
    model = ConvexReLURegressor(beta=values["beta"])
    assert values["tol"] == model.tol
    table = read_table(five)
    X, y = table.numbers(["x"]).astype(float), table.numbers(["y"]).astype(float)
    found = model.fit(X, y[:, 0])
    assert values["objective"] == pytest.approx(found.objective_, rel=1e-10)
    plain = json.loads(run("fit", five, *FIT, "-o", tmp_path / "n", "--json")[1])
    assert plain["standardize"] is False
    assert plain["objective"] != pytest.approx(values["objective"], rel=0.01)


def test_no_intercept(run, five, tmp_path):
    argv = ["fit", five, *FIT, "--no-intercept", "-o", tmp_path / "m"]
    code, out, _ = run(*argv, "--plot", tmp_path / "p.png", "--json")
    assert code == 0
    assert json.loads(out)["rank"] == 1


def test_boundaries_are_in_the_coordinates_of_the_data():
    network = TwoLayerReLU(
        [[1.0, -2.0], [0.0, 1.0]],
        [1.0, 1.0],
        intercept=True,
        feature_names=["x"],
        center=[10.0],
        scale=[5.0],
    )
    lines = boundaries(network)
    assert lines.shape == (1, 2)
    assert -lines[0, 1] / lines[0, 0] == pytest.approx(20.0)


@pytest.mark.parametrize("loss", ["squared", "hinge", "poisson"])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_two_features_are_drawn(loss, kind):
    network = TwoLayerReLU(
        [[1.0, -1.0, 0.0], [1.0, 1.0, 0.5]],
        [1.0, -1.0],
        intercept=True,
        feature_names=["a", "cost in $"],
    )
    X = [[0.0, 1.0], [2.0, -1.0], [1.0, 1.0]]
    y = [1.0, -1.0, 1.0]
    picture = render_fit(network, X, y, kind=kind, loss=loss)
    assert picture.startswith({"png": PNG, "svg": b"<?xml", "pdf": b"%PDF"}[kind])


@pytest.mark.slow
def test_plots_of_little(tmp_path):
    empty = TwoLayerReLU(np.zeros((0, 3)), [], intercept=True)
    assert render_fit(empty, [[1.0, 1.0]], [0.0]).startswith(PNG)
    assert render_fit(empty, [[1.0, 1.0]], [1.0], loss="hinge")
    line = TwoLayerReLU(np.zeros((0, 2)), [], intercept=True)
    plot_fit(line, [[3.0]], [2.0], tmp_path / "p.png")
    with pytest.raises(InputError, match="exists"):
        plot_fit(line, [[3.0]], [2.0], tmp_path / "p.png")
    with pytest.raises(InputError, match="cannot write"):
        plot_fit(line, [[3.0]], [2.0], tmp_path / "no" / "p.png")
    with pytest.raises(InputError, match="shape"):
        render_fit(line, [3.0], [2.0])
    with pytest.raises(InputError, match=r"expected \(1,\)"):
        render_fit(line, [[3.0]], [2.0, 1.0])


@pytest.mark.slow
def test_as_a_program(five, tmp_path):
    command = [sys.executable, "-m", "convex_solver", "fit", str(five), *FIT, "-o"]
    model = tmp_path / "m.json"
    for code, lines in ((0, 0), (2, 1)):  # the second time the model exists
        done = subprocess.run(
            [*command, str(model), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert done.stderr.count("\n") == lines
        assert "Traceback" not in done.stderr


def legends(monkeypatch, network, X, y, **options):
    """Return the labels of a picture, and what was drawn as dashed lines."""
    labels, dashed = [], []
    for name in ("axline", "axvline"):
        draw = getattr(Axes, name)

        def noted(self, *arguments, draw=draw, **options):
            if isinstance(options.get("linestyle"), tuple):
                dashed.append(options)
                labels.append(options["label"])
            return draw(self, *arguments, **options)

        monkeypatch.setattr(Axes, name, noted)
    scatter, markers = Axes.scatter, []

    def scattered(self, *arguments, **options):
        markers.append((options.get("label"), options.get("marker")))
        return scatter(self, *arguments, **options)

    monkeypatch.setattr(Axes, "scatter", scattered)
    assert render_fit(network, X, y, **options).startswith(PNG)
    return labels, dashed, markers


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 2])
def test_many_neurons_do_not_bury_the_data(monkeypatch, width):
    random = np.random.default_rng(0)
    X, y = random.standard_normal((40, width)), random.standard_normal(40)
    weights = np.column_stack(
        [random.standard_normal((60, width)), 0.5 * random.random(60)]
    )
    alphas = np.where(np.arange(60) < 30, 1.0, 1e-9)
    network = TwoLayerReLU(weights, alphas, intercept=True)
    labels, dashed, _ = legends(monkeypatch, network, X, y)
    assert len(dashed) == 8
    assert labels[0].startswith("neurons switch (8 heaviest of ")
    few = TwoLayerReLU(weights[27:33], alphas[27:33], intercept=True)
    labels, dashed, _ = legends(monkeypatch, few, X, y)
    assert len(dashed) <= 3
    assert "heaviest of" in labels[0]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_classes_have_markers_and_names(monkeypatch, width, loss):
    drawn = []
    plot = Axes.plot

    def noted(self, *arguments, **options):
        drawn.append((options.get("label"), arguments))
        return plot(self, *arguments, **options)

    monkeypatch.setattr(Axes, "plot", noted)
    weights = [[1.0] * width + [0.0], [-1.0] * width + [0.5]]
    network = TwoLayerReLU(weights, [3.0, -2.0], intercept=True)
    X = np.linspace(-1, 1, 8 * width).reshape(8, width)
    y = np.where(X.sum(axis=1) > 0, 1.0, -1.0)
    options = {"loss": loss, "classes": ("no", "yes"), "target_name": "rain"}
    _, _, markers = legends(monkeypatch, network, X, y, **options)
    assert [label for label, _ in markers] == ["rain = no", "rain = yes"]
    assert len({marker for _, marker in markers}) == 2
    if width == 1:
        x, curve = next(
            args for name, args in drawn if name in ("probability", "output")
        )
        outputs = network.predict(x[:, None])
        mean = 1 / (1 + np.exp(-outputs)) if loss == "logistic" else outputs
        np.testing.assert_allclose(curve, mean)
