"""``convex-solver prove`` on real files, and the checker on what it writes."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from convex_solver import checker
from convex_solver.cli import main

from reference.proofs import bounds_of, said

ROWS = [(-2, 1, 1.5), (-1, -1, 1), (0, 1, 2), (1, 1, 0.5), (2, -1, 1), (3.25, 0.5, 1)]


@pytest.fixture
def run(capsys):
    def call(*argv):
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def fitted(tmp_path, run):
    """Fit a model of a table of text, and return its path."""

    def call(table, *more):
        model = tmp_path / "model.json"
        words = ["--target", "y", "--features", "x", "--beta", "0.01", *more]
        assert run("fit", table, *words, "-o", model)[0] == 0
        return model

    return call


def text_of(names, separator, decimal):
    lines = [separator.join(names)] if names else []
    for row in ROWS:
        cells = [repr(float(x)).replace(".", decimal) for x in row]
        lines.append(separator.join(['"a"', *cells] if len(names) == 4 else cells))
    return "\n".join(lines) + "\n"


def assert_proven(capsys, proof, table):
    assert checker.main([str(proof), str(table)]) == 0
    bounds = said(capsys.readouterr().out)
    lower, upper, fault = bounds_of(proof, table)
    assert fault is None
    assert bounds["lower"] <= lower[1]
    assert upper[0] <= bounds["upper"]
    assert bounds["gap"] < 1e-5


@pytest.mark.parametrize(
    ("names", "separator", "decimal", "above"),
    [
        (("x", "y", "w"), ",", ".", ""),
        (("name", "x", "y", "w"), ";", ",", "\ufeff"),
        (("x", "y", "w"), "\t", ".", "# a comment\n\n"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--weights", "w", "--no-standardize")])
def test_from_table_to_proof(
    names, separator, decimal, above, more, tmp_path, run, fitted, capsys
):
    table, proof = tmp_path / "table.csv", tmp_path / "proof.jsonl"
    table.write_text(above + text_of(names, separator, decimal), encoding="utf-8")
    options = ("--decimal", decimal) if decimal == "," else ()
    model = fitted(table, *more, *options)
    code, out, err = run("prove", model, table, "-o", proof, "--json", *options)
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert values["bytes"] == proof.stat().st_size
    assert values["lines"] == len(proof.read_text().splitlines())
    claim = json.loads(proof.read_text().splitlines()[0])
    assert [name for _, name in claim["data"]["columns"]] == ["x"]
    assert claim["data"]["header"] > 0
    assert_proven(capsys, proof, table)
    changed = table.read_text(encoding="utf-8").replace("25", "26")
    table.write_text(changed, encoding="utf-8")
    assert checker.main([str(proof), str(table)]) == 1
    assert "other data" in capsys.readouterr().out


@pytest.mark.slow
def test_many_columns_are_proven_by_forms(tmp_path, run):
    """Above rank 6 a model has leaves, and its proof is made of them."""
    rng = np.random.default_rng(3)
    X = np.round(rng.standard_normal((40, 9)), 3)
    y = np.round(np.maximum(X @ rng.standard_normal(9), 0.0), 3)
    names = [f"x{k}" for k in range(9)]
    table, model, proof = (tmp_path / name for name in ("t.csv", "m.json", "p.jsonl"))
    rows = [[*names, "y"], *np.column_stack([X, y]).tolist()]
    table.write_text("".join([",".join(map(str, row)) + "\n" for row in rows]))
    words = ["--target", "y", "--beta", "4", "--time-limit", "4", "--json"]
    code, out, _ = run("fit", table, *words, "-o", model)
    assert code in (0, 1)
    fitted = json.loads(out)
    code, out, err = run("prove", model, table, "-o", proof, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["gap"] == pytest.approx(fitted["gap"], rel=1e-6)
    kinds = {json.loads(line)[0] for line in proof.read_text().splitlines()[4:]}
    assert {"o", "q"} <= kinds <= {"o", "h", "q"}
    assert checker.main([str(proof), str(table)]) == 0


def test_the_report_says_how_to_check(tmp_path, run, fitted):
    table, proof = tmp_path / "table.csv", tmp_path / "proof.jsonl"
    table.write_text(text_of(("x", "y", "w"), ",", "."))
    model = fitted(table)
    code, out, _ = run("prove", model, table, "-o", proof)
    assert code == 0
    assert f"python -m convex_solver.checker {proof} {table}" in out
    again = run("prove", model, table, "-o", proof)
    assert again[0] == 2
    assert "exists" in again[2]
    few = run("prove", model, table, "-o", tmp_path / "few", "--max-cones", "1")
    assert few[0] == 2
    assert "1 cones do not prove" in few[2]


CLASSES = [("no", "yes"), ("0", "1"), ("1.50", "2"), ("-1", "0"), ("é", "Ω x")]


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
def test_classes_by_name_are_proven(classes, loss, tmp_path, run, fitted, capsys):
    table, proof = tmp_path / "table.csv", tmp_path / "proof.jsonl"
    lines = [f"{x},{classes[y > 0]}" for x, y, _ in ROWS]
    table.write_text("\n".join(["x,y", *lines]) + "\n", encoding="utf-8")
    model = fitted(table, "--loss", loss)
    assert run("prove", model, table, "-o", proof)[0] == 0
    claim = json.loads(proof.read_text().splitlines()[0])
    assert claim["data"]["classes"] == {classes[0]: -1, classes[1]: 1}
    assert_proven(capsys, proof, table)
    # the other way round it is another problem, and other classes are none
    for old, new in ((classes[0], classes[1]), (classes[1], "neither")):
        text = table.read_text(encoding="utf-8")
        other = tmp_path / "other.csv"
        other.write_text(text.replace(f",{old}", f",{new}", 1), encoding="utf-8")
        assert checker.main([str(proof), str(other)]) == 1
        assert "not proven" in capsys.readouterr().out
        assert bounds_of(proof, table)[2] is None


def test_classes_with_decimal_commas(tmp_path, run, fitted, capsys):
    table, proof = tmp_path / "table.csv", tmp_path / "proof.jsonl"
    names = {1: "1,5", -1: "0,50"}
    lines = [f"{x};{names[1 if y > 0 else -1]}".replace(".", ",") for x, y, _ in ROWS]
    table.write_text("\n".join(["x;y", *lines]) + "\n")
    model = fitted(table, "--loss", "hinge", "--decimal", ",")
    assert run("prove", model, table, "-o", proof, "--decimal", ",")[0] == 0
    claim = json.loads(proof.read_text().splitlines()[0])
    assert claim["data"]["classes"] == {"0,50": -1, "1,5": 1}
    assert_proven(capsys, proof, table)


def test_rows_without_values_are_no_part_of_a_proof(tmp_path, run, fitted):
    table, full = tmp_path / "table.csv", tmp_path / "full.csv"
    text = text_of(("x", "y", "w"), ",", ".")
    full.write_text(text)
    table.write_text(text + ",1,1\n")
    model = fitted(table, "--missing=drop")
    words = ("prove", model, table, "-o", tmp_path / "proof")
    assert "--missing drop" in run(*words)[2]
    code, out, err = run(*words, "--missing=drop")
    assert (code, out) == (2, "")
    assert "Write those that are used to a new CSV" in err
    assert run("prove", model, full, "-o", tmp_path / "proof")[0] == 0


def test_tables_that_the_checker_cannot_read_are_refused(tmp_path, run, fitted):
    table = tmp_path / "table.csv"
    table.write_text(text_of(("x", "y", "w"), ",", "."))
    model = fitted(table)
    blanks, packed = tmp_path / "table.txt", tmp_path / "table.csv.gz"
    blanks.write_text(text_of(("x", "y", "w"), " ", "."))
    packed.write_bytes(gzip.compress(table.read_bytes()))
    arrays = tmp_path / "table.npz"
    X = np.array(ROWS)
    np.savez(arrays, X=X, feature_names=np.array(["x", "y", "w"]))
    for other in (blanks, packed, arrays):
        code, out, err = run("prove", model, other, "-o", tmp_path / "proof")
        assert (code, out) == (2, "")
        assert "Write a CSV in UTF-8" in err
        assert err.count("\n") == 1
    assert not (tmp_path / "proof").exists()
    table.write_text(table.read_text().replace("0.5", "0.75"))
    code, out, err = run("prove", model, table, "-o", tmp_path / "proof")
    assert (code, out) == (1, "")
    assert "not certified" in err
