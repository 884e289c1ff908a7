"""What a person does with the command lines on a first day: tables as they come."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from arrangement import cli as arrangement_cli
from arrangement.io import read_table
from convex_solver import certify_model, load_model
from convex_solver import cli as solver_cli
from convex_solver.cli.quality import quality
from convex_solver.losses import get_loss

SOLVER = ("fit", "certify", "predict")
HOLES = "x,y,name\n-2,1,a\n,9,b\n-1,-1,b\n0,NA,c\n0,1,c\n1,1,\n2,-1,e\n"
FULL = "x,y\n-2,1\n-1,-1\n0,1\n1,1\n2,-1\n"
FIT = ("--target", "y", "--features", "x", "--beta", "1e-3")
KINDS = "size,kind\n1,cat\n1.5,cat\n2,cat\n3,dog\n3.5,cat\n4,dog\n5,dog\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*argv: object):
        words = [str(word) for word in argv]
        main = solver_cli.main if words[0] in SOLVER else arrangement_cli.main
        code = main(words)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def table(tmp_path: Path):
    def call(text: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return call


def test_missing_values_are_refused_with_a_way_out_that_works(run, table, tmp_path):
    path, model = table(HOLES), tmp_path / "m"
    code, out, err = run("fit", path, *FIT, "-o", model)
    assert (code, out) == (2, "")
    for part in ("line 3, column 'x'", "is empty", "--missing drop"):
        assert part in err
    code, out, _ = run("fit", path, *FIT, "-o", model, "--missing", "drop")
    assert code == 0
    assert "2 rows with missing values left out of 7" in out
    assert "n = 5" in out
    again = next(line for line in out.splitlines() if line.startswith("next "))
    assert again.endswith(f"certify {model} {path} --missing=drop")
    assert run("certify", model, path, "--missing=drop")[0] == 0
    # the same problem as without these rows
    assert run("certify", model, table(FULL, "full.csv"))[0] == 0
    code, out, _ = run("predict", model, path, "--missing", "drop")
    lines = out.splitlines()
    assert (lines[0], lines[2], len(lines)) == ("y", "", 8)
    values = json.loads(run("predict", model, path, "--missing=drop", "--json")[1])
    assert [v is None for v in values["prediction"]] == [0, 1, 0, 0, 0, 0, 0]


def test_missing_values_of_arrays(run, tmp_path):
    X = np.array([[-2.0, 1], [np.nan, 9], [-1, -1], [0, 1], [1, 1], [2, np.nan]])
    np.save(tmp_path / "a.npy", X)
    code, _, err = run("count", tmp_path / "a.npy")
    assert code == 2
    assert "row 1, column 'x1': nan came" in err
    assert "--missing drop" in err
    code, out, _ = run("count", tmp_path / "a.npy", "--missing=drop", "--json")
    assert (code, json.loads(out)["n"]) == (0, 4)
    options = ["--columns", "x1", "--missing=drop", "--json"]
    assert json.loads(run("count", tmp_path / "a.npy", *options)[1])["n"] == 5


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
@pytest.mark.parametrize("labels", [("cat", "dog"), ("0", "1"), ("9", "10.5")])
def test_two_classes_of_any_name(run, table, tmp_path, loss, labels):
    text = KINDS.replace("cat", labels[0]).replace("dog", labels[1])
    path, model = table(text), tmp_path / "m"
    argv = ["fit", path, "--target", "kind", "--loss", loss, "--beta", "0.1"]
    code, out, _ = run(*argv, "-o", model, "--plot", tmp_path / "p.svg")
    assert code == 0
    assert f"{labels[0]} = -1, {labels[1]} = +1" in out
    assert "accuracy = " in out
    kept = load_model(model)
    assert kept.classes == labels
    assert run("certify", model, path)[0] == 0
    code, out, _ = run("predict", model, path)
    found = out.splitlines()[1:]
    assert set(found) == set(labels)
    assert found == kept.predict([[float(t.split(",")[0])] for t in TEXTS]).tolist()
    outputs = run("predict", model, path, "--values", "output")[1].splitlines()[1:]
    assert [labels[float(f) > 0] for f in outputs] == found
    code, out, err = run("predict", model, path, "--values", "probability")
    if loss != "logistic":
        assert (code, "gives no probabilities" in err) == (2, True)
        return
    shares = [float(p) for p in out.splitlines()[1:]]
    assert shares == pytest.approx([1 / (1 + np.exp(-float(f))) for f in outputs])


TEXTS = KINDS.splitlines()[1:]


def test_classes_that_are_not_two(run, table, tmp_path):
    argv = ["--target", "kind", "--loss", "hinge", "--beta=1", "-o", tmp_path / "m"]
    three = table(KINDS.replace("5,dog", "5,cow"))
    assert "3 classes: 'cat', 'cow', 'dog'" in run("fit", three, *argv)[2]
    one = table(KINDS.replace("dog", "cat"))
    assert "1 class: 'cat'" in run("fit", one, *argv)[2]
    squared = ["fit", table(KINDS), "--target", "kind", "--beta=1", "-o", argv[-1]]
    assert "For classes say --loss logistic" in run(*squared)[2]
    assert run("fit", table(KINDS), *argv)[0] == 0
    other = table(KINDS.replace("1,cat", "1,cow"), "other.csv")
    assert (
        "line 2, column 'kind': class 'cow' came" in run("certify", argv[-1], other)[2]
    )


def test_a_damaged_list_of_classes(run, table, tmp_path):
    model = tmp_path / "m.json"
    argv = ["--target", "kind", "--loss", "hinge", "--beta=1", "-o", model]
    run("fit", table(KINDS), *argv)
    for classes in (["a"], ["a", "a"], "ab", [1, 2]):
        content = json.loads(model.read_text()) | {"classes": classes}
        path = table(json.dumps(content), "bad.json")
        code, _, err = run("predict", path, table(KINDS))
        assert code == 2
        assert "classes" in err


def test_a_multiple_of_the_largest_beta(run, table, tmp_path):
    path = table(FULL)
    argv = ["fit", path, "--target", "y", "--json", "-o"]
    most = json.loads(run(*argv, tmp_path / "a", "--beta=1")[1])["beta_max"][1]
    values = json.loads(run(*argv, tmp_path / "b", "--beta", "0.25x")[1])
    assert values["beta"] == pytest.approx(most / 4, rel=1e-9)
    zero = json.loads(run(*argv, tmp_path / "c", "--beta", "1.001x")[1])
    assert (values["neurons"] > 0, zero["neurons"]) == (True, 0)
    out = run("fit", path, "--target", "y", "-o", tmp_path / "d", "--beta", "0.25x")[1]
    assert f"beta_max = {most:.6g} (0.25 of it)" in out
    for bad in ("x", "-1x", "nanx", "0x", "0.1y"):
        assert "--beta" in run(*argv, tmp_path / "e", f"--beta={bad}")[2]


@pytest.mark.parametrize("method", ["full", "column-generation"])
def test_the_method_can_be_chosen(run, table, tmp_path, method):
    argv = ["fit", table(FULL), *FIT, "--json", "-o", tmp_path / "m"]
    values = json.loads(run(*argv, "--method", method)[1])
    assert (values["method"], values["status"]) == (method, "optimal")


def test_standard_input_and_output(run, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = table(FULL)

    def given(content):
        stream = io.BytesIO(content)
        stream.name = "<stdin>"
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))

    given(FULL.encode())
    code, out, err = run("fit", "-", *FIT, "-o", "-")
    assert code == 0
    assert "written      standard output" in err
    assert "next" not in err
    model = out.encode()
    given(model)
    assert run("certify", "-", path)[0] == 0
    given(model)
    assert len(run("predict", "-", path)[1].splitlines()) == 6
    (tmp_path / "m.json").write_bytes(model)
    given(FULL.encode())
    assert run("certify", "m.json", "-")[0] == 0
    given(FULL.encode())
    assert json.loads(run("count", "-", "--json")[1])["n"] == 5
    given(b"{")
    assert "standard input is damaged" in run("predict", "-", path)[2]
    given(b"x,y\n1,\n")
    assert "standard input, line 2, column 'y'" in run("count", "-")[2]
    assert "both '-'" in run("certify", "-", "-")[2]
    assert "choose one" in run("fit", path, *FIT, "-o", "-", "--json")[2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.json", "table.csv"]


@pytest.mark.parametrize("package", ["arrangement", "convex_solver"])
def test_version_and_exit_codes(package):
    def said(option):
        words = [sys.executable, "-m", package, option]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    assert "convex-relu" in said("--version")
    text = said("--help")
    for part in ("exit codes:", "  0  ", "  1  ", "  2  ", "130  interrupted"):
        assert part in text


def test_a_wide_gap_is_not_called_proven(run, tmp_path):
    argv = ["fit", "penguins", "--target", "body_mass_g", "--beta", "1"]
    argv += ["--features", "bill_length_mm,bill_depth_mm", "--time-limit=0.001"]
    code, out, _ = run(*argv, "-o", tmp_path / "m")
    assert code == 1
    told = run("certify", tmp_path / "m", "penguins")[1]
    for text in (out, told):
        assert "yes" not in text
        assert "not shown to be optimal; no network is better by more than" in text


def test_scores_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    y, f, w = random.poisson(3.0, 30), random.normal(1, 0.3, 30), random.random(30)
    counts = y.astype(float)
    name, value = quality(get_loss("poisson"), counts, f, w)
    assert name == "D2 (deviance)"
    expected = metrics.d2_tweedie_score(counts, np.exp(f), sample_weight=w, power=1)
    assert value == pytest.approx(expected)
    name, value = quality(get_loss("huber"), counts, f, w)
    assert value == pytest.approx(metrics.r2_score(counts, f, sample_weight=w))
    signs = np.where(y > 2, 1.0, -1.0)
    name, value = quality(get_loss("hinge"), signs, f - 1, w)
    expected = metrics.accuracy_score(signs, np.where(f > 1, 1, -1), sample_weight=w)
    assert value == pytest.approx(expected)
    assert quality(get_loss("squared"), np.ones(3), np.zeros(3), None)[1] is None
    name, value = quality(get_loss("absolute"), counts, f, w)
    assert name == "D2 (absolute)"
    expected = metrics.d2_absolute_error_score(counts, f, sample_weight=w)
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_share_explained_of_quantile_loss(share):
    random = np.random.default_rng(1)
    y, f, w = random.normal(size=(3, 25)).round(1)
    w = np.where(y > 0.5, 9.0, np.abs(w) + 0.1)
    for weights in (None, w):
        name, value = quality(get_loss(f"quantile:{share}"), y, f, weights)
        assert name == f"D2 (quantile:{share:g})"
        counts = np.ones(25) if weights is None else weights

        def total(outputs, counts=counts):
            over = y - outputs
            return np.sum(counts * np.where(over > 0, share, share - 1) * over)

        best = min(total(np.full(25, c)) for c in y)
        expected = 1 - total(f) / best if best > 0 else None
        assert value == (None if expected is None else pytest.approx(expected))


def test_a_model_predicts_in_the_units_of_the_targets(run, table, tmp_path):
    path = table("x,y\n0,2\n1,40\n2,3\n3,90\n4,0\n")
    argv = ["fit", path, "--target", "y", "--beta", "0.1", "--loss", "poisson"]
    assert run(*argv, "-o", tmp_path / "m", "--json")[0] == 0
    model = load_model(tmp_path / "m")
    X = np.arange(5.0)[:, None]
    np.testing.assert_allclose(model.predict(X), np.exp(model.network.predict(X)))
    far = table("x\n1e6\n", "far.csv")
    code, out, err = run("predict", tmp_path / "m", far)
    assert code in (0, 2)
    assert "nan" not in out + err
    assert "inf" not in out
    data = read_table(path)
    assert certify_model(model, data.numbers(["x"]), data.numbers(["y"])[:, 0])


def test_categories_become_columns_when_asked(run, table, tmp_path):
    text = "size,colour,y\n1,red,2\n2,blue,1\n3,red,4\n4,green,0\n5,blue,3\n6,NA,3\n"
    path, model = table(text), tmp_path / "m"
    argv = ["fit", path, "--target", "y", "--beta", "0.1", "-o", model]
    assert "'red' is not a number" in run(*argv, "--missing=drop")[2]
    code, out, _ = run(*argv, "--one-hot", "colour", "--missing=drop", "--json")
    assert code == 0
    names = ["size", "colour=blue", "colour=green", "colour=red"]
    assert json.loads(out)["features"] == names
    assert run("certify", model, path, "--missing=drop")[0] == 0
    rows = [[1, 0, 0, 1], [2, 1, 0, 0], [3, 0, 0, 1], [4, 0, 1, 0], [5, 1, 0, 0]]
    found = run("predict", model, path, "--missing=drop")[1].splitlines()[1:]
    np.testing.assert_allclose(
        [float(x) for x in found[:5]], load_model(model).predict(rows)
    )
    other = table("size,colour\n2,black\n", "other.csv")
    code, out, err = run("predict", model, other)
    assert (code, len(out.splitlines())) == (0, 2)
    assert "'colour' holds 'black', which the model does not know" in err
    assert "not among" in run(*argv[:-1], tmp_path / "n", "--one-hot", "y")[2]
