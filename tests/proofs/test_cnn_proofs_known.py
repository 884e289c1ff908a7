"""Proofs for linear and circular CNNs are accepted, and say what is true."""

from __future__ import annotations

import ast
import inspect
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from arrangement import InputError
from convex_solver import (
    CircularCNN,
    CircularCNNProgram,
    LinearCNN,
    LinearCNNProgram,
    MinimumNormLinearCNN,
    ProofError,
    certify_circular_cnn,
    certify_linear_cnn,
    certify_minimum_norm_cnn,
    checker,
    linear_checker,
    solve_circular_cnn,
    solve_linear_cnn,
    solve_minimum_norm_cnn,
)

from fuzz.proofs import altered_line
from instances import cnn_proof_of
from reference.cnn_proofs import bounds_of
from reference.proofs import said, write_csv

CHECKER = Path(linear_checker.__file__)
STANDARD = {"csv", "decimal", "fractions", "hashlib", "json", "math", "re", "sys"}
MOST_LINES = 400
# patches and outputs; None for a circular network
SIZES = ((3, 1), (2, 3), (1, 1), None)


def check(capsys, *paths):
    code = linear_checker.main([str(path) for path in paths])
    return code, capsys.readouterr().out


def assert_true(capsys, found, proof, table):
    """The checker accepts; its bounds are exact ones, and those of the certificate."""
    code, out = check(capsys, proof, table)
    assert code == 0, out
    bounds = said(out)
    lower, upper, ratio = bounds_of(proof, table)
    assert ratio <= 1.0 + 1e-13
    assert bounds["lower"] <= lower
    assert bounds["upper"] >= upper
    assert float(bounds["lower"]) == pytest.approx(float(lower), rel=1e-11, abs=1e-15)
    assert float(bounds["upper"]) == pytest.approx(float(upper), rel=1e-11, abs=1e-15)
    assert float(bounds["lower"]) == pytest.approx(found.lower_bound, rel=3e-9)
    assert float(bounds["upper"]) <= found.upper_bound * (1 + 1e-9)
    return bounds


@pytest.mark.parametrize("beta", [0.5, 2.0, 1e4])
@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_proven(size, beta, tmp_path, capsys):
    made = cnn_proof_of(tmp_path, size, beta)
    bounds = assert_true(capsys, *made)
    assert float(bounds["gap"]) < 1e-6


def test_a_network_that_is_poor_has_true_bounds(tmp_path, capsys):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((6, 2, 3)), rng.standard_normal((6, 2))
    network = LinearCNN(rng.standard_normal((2, 3)), rng.standard_normal((2, 2, 2)))
    proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
    rows = np.hstack([X.reshape(6, -1), y]).tolist()
    table.write_text("".join(",".join(map(repr, row)) + "\n" for row in rows))
    dual = rng.standard_normal((6, 2))
    found = certify_linear_cnn(network, X, y, 0.3, dual=dual, proof=proof)
    assert_true(capsys, found, proof, table)


@pytest.mark.parametrize("size", [(2, 1), (3, 2), (2, 2)])
def test_the_least_weights_that_meet_targets_are_proven(size, tmp_path, capsys):
    """Also with a sample that follows from others."""
    K, C = size
    rng = np.random.default_rng(K)
    X, y = rng.standard_normal((4, K, 3)), rng.standard_normal((4, C))
    if C == 2:
        X, y = np.vstack([X, 2 * X[1:2]]), np.vstack([y, 2 * y[1:2]])
    proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
    write_csv(table, X, y)
    solution = solve_minimum_norm_cnn(MinimumNormLinearCNN(X, y))
    given = solution.certificate
    found = certify_minimum_norm_cnn(
        solution.network,
        X,
        y,
        dual=given.dual,
        redundant=given.redundant,
        proof=proof,
    )
    bounds = assert_true(capsys, found, proof, table)
    assert float(bounds["gap"]) < 1e-5
    lines = [json.loads(line) for line in proof.read_text().splitlines()]
    m, e, *q = lines[1][0][1][0]
    lines[1][0][1][0] = [m * 2**300 + 1, e - 300, *q]
    proof.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "misses a target" in check(capsys, proof, table)[1]


def changed(lines, k, path, value):
    """The lines with one item of line k, at a path of places, another."""
    other = json.loads(json.dumps(lines[k]))
    inner = other
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return [*lines[:k], other, *lines[k + 1 :]]


@pytest.mark.parametrize("size", SIZES)
def test_forgeries_are_refused(size, tmp_path, capsys):
    _, proof, table = cnn_proof_of(tmp_path, size, 1.0)
    lines = [json.loads(line) for line in proof.read_text().splitlines()]

    def answer(lines, data=table):
        path = tmp_path / "other.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code, out = check(capsys, path, data)
        assert code == 0 or (code, out.count("\n"), out.isascii()) == (1, 1, True)
        return "accepted" if code == 0 else out

    assert answer(lines) == "accepted"
    for factor in (1 + 2.0**-26, 2, -1000):
        values = [int(x * factor) for x in lines[2]["values"]]
        assert "above beta" in answer(changed(lines, 2, ["values"], values))
    smaller = [2**30 - 2, -30]
    assert "above beta" in answer(changed(lines, 0, ["beta"], smaller))
    for path, value in (
        (["beta"], [-1, 0]),
        (["beta"], [0, 0]),
        (["format"], "convex-relu proof 2"),
        (["architecture"], "relu"),
        (["loss"], "absolute"),
        (["patches"], 1000),
        (["patches"], 0),
        (["outputs"], 0),
        (["data", "sha256"], "0" * 64),
        (["data", "skip"], 1),
        (["data", "floats"], "decimal"),
        (["data", "separator"], ";"),
    ):
        forged = changed(lines, 0, path, value)
        if path[-1] != "floats":
            assert answer(forged) != "accepted", path
    other = "linear" if size is None else "circular"
    assert answer(changed(lines, 0, ["architecture"], other)) != "accepted"
    assert "misses" in answer(changed(lines, 0, ["loss"], "exact"))
    assert answer(lines[:2]) != "accepted"
    assert answer([*lines, lines[2]]) != "accepted"
    for k, part in ((2, lines[2]["values"][1:]), (2, [*lines[2]["values"], 0])):
        assert answer(changed(lines, k, ["values"], part)) != "accepted"
    short = [lines[1][0][0][1:], lines[1][0][1]]
    assert "other data" in answer(changed(lines, 1, [0], short))
    text = table.read_text()
    damaged = tmp_path / "damaged.csv"
    for new in ("9" + text, text + text, "", text.replace(",", ";"), "nan" + text):
        damaged.write_text(new)
        assert answer(lines, damaged) != "accepted"
    assert linear_checker.main([]) == 2


@pytest.mark.parametrize("size", SIZES)
def test_no_altered_proof_is_believed(size, tmp_path, capsys):
    _, proof, table = cnn_proof_of(tmp_path, size, 0.5, n=4, d=2)
    raw, path, outcomes = proof.read_bytes(), tmp_path / "altered.jsonl", []
    for number in range(150):
        path.write_bytes(altered_line(random.Random(f"cnn-{size}-{number}"), raw))
        code, out = check(capsys, path, table)
        outcomes.append(code)
        if code:
            assert (code, out.count("\n"), out.isascii()) == (1, 1, True)
            continue
        lower, upper, ratio = bounds_of(path, table)
        assert ratio <= 1.0 + 1e-13, "a dual point was believed"
        bounds = said(out)
        assert bounds["lower"] <= lower, "a lower bound was believed"
        assert bounds["upper"] >= upper, "an upper bound was believed"
    assert 50 <= sum(outcomes) < len(outcomes)


def test_minors_decide_definiteness_at_the_border():
    """Singular values of whole numbers: 5 is one of [[3, 4]], and of its transpose."""
    wide, tall = [[Fraction(3), Fraction(4)]], [[Fraction(3)], [Fraction(4)]]
    for B in (wide, tall, [[Fraction(3), Fraction(-4)], [Fraction(4), Fraction(3)]]):
        for beta, is_below in ((5, False), (5 + Fraction(1, 10**30), True), (4, False)):
            assert linear_checker.is_below(B, Fraction(beta)) == is_below
    zero = [[Fraction(0), Fraction(0)]]
    assert linear_checker.is_below(zero, Fraction(1, 10**30))


def test_the_checker_runs_alone_and_is_short(tmp_path):
    _, proof, table = cnn_proof_of(tmp_path, None, 1.0)
    words = [sys.executable, "-I", "-S", str(CHECKER), str(proof), str(table)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = CHECKER.read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= STANDARD
        if isinstance(node, ast.ImportFrom):
            assert (node.level, node.module in STANDARD) == (0, True)


def test_what_cannot_be_proven_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "proof.jsonl"
    path.write_text("mine")
    linear, circular = LinearCNN([[0.0]], [[0.0]]), CircularCNN([[0.0]], [[0.0]])
    with pytest.raises(InputError, match="exists"):
        certify_linear_cnn(linear, [[[1.0]]], [1.0], 1.0, proof=path)
    with pytest.raises(InputError, match="exists"):
        certify_circular_cnn(circular, [[1.0]], [1.0], 1.0, proof=path)
    assert path.read_text() == "mine"
    path.unlink()
    # a dual point that would be longer than it may be
    monkeypatch.setattr("convex_solver.proofs.linear.MARGIN", -1e-9)
    with pytest.raises(ProofError, match="not feasible by enough"):
        certify_linear_cnn(linear, [[[1.0]], [[2.0]]], [1.0, 3.0], 1.0, proof=path)
    assert list(tmp_path.iterdir()) == []


def test_solvers_of_both_kinds_are_used():
    """What `cnn_proof_of` certifies are solutions."""
    X, y = [[[1.0], [2.0]], [[0.0], [1.0]]], [1.0, 2.0]
    assert solve_linear_cnn(LinearCNNProgram(X, y, 0.1)).certificate.gap < 1e-6
    signals = [[1.0, 2.0], [0.0, 1.0]]
    found = solve_circular_cnn(CircularCNNProgram(signals, y, 0.1))
    assert found.certificate.gap < 1e-6


def test_a_line_that_is_no_json_is_named(tmp_path, capsys):
    _, proof, table = cnn_proof_of(tmp_path, (1, 1), 0.1)
    lines = proof.read_text().splitlines(keepends=True)
    for k in range(3):
        broken = tmp_path / "broken.jsonl"
        broken.write_text("".join([*lines[:k], "[1.5]\n", *lines[k + 1 :]]))
        code, out = check(capsys, broken, table)
        assert (code, f"broken.jsonl: line {k + 1}: " in out) == (1, True)


@pytest.mark.parametrize(
    "name", ["demand", "integer", "parsed", "integers", "rational", "shown"]
)
def test_what_both_checkers_have_is_the_same(name):
    both = [getattr(part, name) for part in (checker, linear_checker)]
    assert inspect.getsource(both[0]) == inspect.getsource(both[1])
