"""Both command lines read tables alike, say which columns they use, and ask."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from arrangement import cli as arrangement_cli
from convex_solver import cli as solver_cli

INDEXED = ",u,v\n0,0.126,-0.132\n1,0.64,0.105\n2,-0.536,0.362\n3,1.304,0.947\n"
GERMAN = "u;v\n0,126;-0,132\n0,64;0,105\n-0,536;0,362\n1,304;0,947\n"
COUNTED = "0,1\n0.126,-0.132\n0.64,0.105\n-0.536,0.362\n1.304,0.947\n"
FIT = ("--target", "v", "--beta", "0.1", "--json")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*argv: object):
        words = [str(word) for word in argv]
        main = solver_cli.main if words[0] in SOLVER else arrangement_cli.main
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return call


SOLVER = ("fit", "certify", "predict")


@pytest.fixture
def table(tmp_path: Path):
    def call(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return call


def refused(result, *parts):
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def test_columns_are_printed(run, table, tmp_path):
    path = table("u,v\n0.126,-0.132\n0.64,0.105\n-0.536,0.362\n")
    code, out, _ = run("count", path)
    assert code == 0
    assert "d = 3: u, v and a column of ones" in out
    assert "separated by commas, names in line 1" in out
    code, out, _ = run("count", path, "--columns", "v", "--no-intercept", "--json")
    values = json.loads(out)
    assert (code, values["columns"]) == (0, ["v"])
    assert values["read_as"] == ["separated by commas", "names in line 1"]
    code, out, _ = run("enumerate", path, "-o", tmp_path / "o.npz")
    assert "d = 3: u, v and a column of ones" in out
    code, out, _ = run("verify", tmp_path / "o.npz", path)
    assert "d = 3: u, v and a column of ones" in out
    code, out, _ = run("fit", path, *FIT[:-1], "-o", tmp_path / "m")
    assert "predict      v from u and a column of ones" in out
    assert "separated by commas, names in line 1" in out


def test_many_columns_are_not_all_printed(run, tmp_path):
    np.save(tmp_path / "wide.npy", np.ones((1, 40)))
    _, out, _ = run("count", tmp_path / "wide.npy")
    assert "d = 41: x1, x2, " in out
    assert "x12 and 28 more and a column of ones" in out
    assert "x13" not in out


def test_a_column_without_a_name_is_asked_about(run, table, tmp_path):
    path = table(INDEXED)
    output = ("-o", tmp_path / "o.npz")
    for argv in (
        ("count", path),
        ("enumerate", path, *output),
        ("fit", path, *FIT, "-o", tmp_path / "m.json"),
    ):
        refused(run(*argv), "--index x1", "--index none")
    values = [
        json.loads(run("count", path, *options, "--json")[1])
        for options in (
            ("--index", "x1"),
            ("--columns", "u,v"),
            ("--index", "none"),
        )
    ]
    assert [v["columns"] for v in values] == [["u", "v"], ["u", "v"], ["x1", "u", "v"]]
    assert [v["patterns"] for v in values] == [14, 14, 16]
    refused(run("count", path, "--index", "q"), "no column 'q'")


def test_decimal_commas_from_count_to_prediction(run, table, tmp_path):
    path = table(GERMAN)
    options = ("--decimal", ",")
    refused(run("count", path), "line 2, column 'u'", "--decimal ','")
    code, out, _ = run("count", path, *options, "--json")
    values = json.loads(out)
    plain = json.loads(run("count", table(INDEXED), "--index", "x1", "--json")[1])
    assert (code, values["patterns"]) == (0, plain["patterns"])
    path = table(GERMAN)
    listing, model = tmp_path / "o.npz", tmp_path / "m"
    assert run("enumerate", path, *options, "-o", listing)[0] == 0
    assert run("verify", listing, path, *options)[0] == 0
    code, out, _ = run("fit", path, *FIT[:-1], *options, "-o", model)
    assert code == 0
    # the command that is proposed reads the same table
    words = out.splitlines()[-1].split()
    assert words[1:3] == ["convex-solver", "certify"]
    assert words[-1] == "--decimal=,"
    assert run(*words[2:])[0] == 0
    assert run("predict", model, path, *options)[0] == 0
    refused(run("predict", model, path), "--decimal ','")


def test_names_that_are_numbers(run, table, tmp_path):
    path = table(COUNTED)
    refused(run("count", path), "line 1", "--header or --no-header")
    ns = []
    for option in ("--header", "--no-header"):
        values = json.loads(run("count", path, option, "--json")[1])
        ns.append((values["n"], values["patterns"], values["columns"]))
    assert ns == [(4, 14, ["0", "1"]), (5, 22, ["x1", "x2"])]
    model = tmp_path / "m"
    argv = ("--target", "1", "--beta", "0.1", "--header", "-o", model)
    code, out, _ = run("fit", path, *argv)
    assert (code, out.splitlines()[-1].split()[-1]) == (0, "--header")
    assert run("certify", model, path, "--header")[0] == 0


def test_a_named_separator_and_what_is_none(run, table):
    path = table("u:v\n1:2\n3:5\n")
    assert json.loads(run("count", path, "--separator", ":", "--json")[1])["n"] == 2
    refused(run("count", path, "--separator", "xy"), "separator is 'xy'")
    refused(run("count", path, "--decimal", ";"), "decimal is ';'")
    # the words that the shell leaves alone
    path = table("u\tv, w\n1\t2\n3\t5\n")
    values = json.loads(run("count", path, "--separator", "tab", "--json")[1])
    assert values["columns"] == ["u", "v, w"]
