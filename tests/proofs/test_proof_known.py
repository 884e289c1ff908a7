"""Proofs that `certify(..., proof=)` writes are accepted, and say what is true."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from arrangement import InputError
from convex_solver import ConvexProgram, ProofError, certify, checker, solve

from instances import (
    FIVE,
    FIVE_Y,
    form_proof_of,
    planted,
    planted_for,
    proof_of,
    rows_in_rank,
)
from reference.losses import SPECS
from reference.proofs import assert_true as assert_said

pytestmark = pytest.mark.kernels
CHECKER = Path(checker.__file__)
STANDARD = {"csv", "decimal", "fractions", "hashlib", "itertools", "json", "math"}
STANDARD |= {"re", "sys"}
MOST_LINES = 400
# proofs by cones, and by forms on leaves
MAKERS = (proof_of, form_proof_of)


def check(capsys, *paths):
    code = checker.main([str(path) for path in paths])
    out = capsys.readouterr().out
    return code, out


def assert_true(capsys, found, proof, table):
    """The checker accepts, and what it says is true."""
    code, out = check(capsys, proof, table)
    assert code == 0, out
    assert_said(out, found, proof, table)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("spec", SPECS)
def test_every_loss_is_proven(spec, make, tmp_path, capsys):
    X, y = planted_for(spec, 12, 3, seed=3)
    weights = None if spec == "hinge" else np.linspace(0.5, 2.0, 12)
    made = make(tmp_path, X, y, 0.3, loss=spec, sample_weight=weights)
    assert_true(capsys, *made)


@pytest.mark.parametrize("r", [1, 2, 4, 5])
def test_every_rank_is_proven(r, tmp_path, capsys):
    X, y = planted(12, r, seed=r) if r > 1 else (np.arange(-5.0, 7.0)[:, None], None)
    y = np.abs(X[:, 0]) + 0.25 if y is None else y
    assert_true(capsys, *proof_of(tmp_path, X, y, 0.2))


def test_five_points_and_a_large_beta(tmp_path, capsys):
    X, y = np.array(FIVE, dtype=float), np.array(FIVE_Y, dtype=float)
    assert_true(capsys, *proof_of(tmp_path, X, y, 1e-4))
    (tmp_path / "other").mkdir()
    assert_true(capsys, *proof_of(tmp_path / "other", X, y, 100.0))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("seed", range(6))
def test_dependent_columns_and_parallel_rows_are_proven(seed, make, tmp_path, capsys):
    rng = np.random.default_rng(seed)
    X = rows_in_rank(seed, n=9, d=3, size=2).astype(float)
    X = np.vstack([X, 2 * X[:3], -0.5 * X[2:4], np.zeros((1, X.shape[1]))])
    X = np.column_stack([X, X @ rng.integers(-1, 2, X.shape[1])])
    y = rng.standard_normal(len(X))
    assert_true(capsys, *make(tmp_path, X, y, 0.1))


def test_the_integer_rows_are_those_of_the_data(tmp_path):
    """Maker and checker share these rows: they are compared with the definition."""
    rng = np.random.default_rng(3)
    X = rows_in_rank(3, n=8, d=3, size=2).astype(float)
    X = np.vstack([X, -2 * X[:4], 0.5 * X[2:5], 0 * X[:1]])
    y = rng.standard_normal(len(X))
    _, proof, table = proof_of(tmp_path, X, y, 0.1)
    claim, _, dual, how = map(json.loads, proof.read_text().splitlines()[:4])
    samples = checker.read_samples(claim["data"], table)
    data = checker.Data(claim["data"], "squared", samples)
    unit = Fraction(2) ** dual["exponent"] / checker.rational(claim["beta"])
    bits = how["bits"][0]
    rows = checker.Rows(data, [x * unit for x in dual["values"]], how)
    assert 2**bits - rows.R <= (len(rows.a) + 1) * rows.r + 1
    for u in rng.integers(-9, 10, (60, 3)).tolist():
        f = sum(
            value
            * max(Fraction(0), sum(Fraction(a) * b for a, b in zip(x, u, strict=True)))
            for x, value in zip(X.tolist(), dual["values"], strict=True)
        )
        hidden = [max(0, checker.dot(a, u)) for a in rows.a]
        g = checker.dot(rows.L, u) + checker.dot(rows.e, hidden)
        slack = Fraction((len(rows.a) + 1) * rows.r, 2)
        assert (f * unit * 2**bits - g) ** 2 <= slack**2 * checker.dot(u, u)


def test_patches_are_proven(tmp_path, capsys):
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((8, 2, 2)), rng.standard_normal(8)
    assert_true(capsys, *proof_of(tmp_path, X, y, 0.2))


def test_pieces_compose(tmp_path, capsys):
    X, y = planted(10, 3, seed=1)
    _, proof, table = proof_of(tmp_path, X, y, 0.2)
    head, trees = proof.read_text().splitlines(keepends=True)[:4], []
    for line in proof.read_text().splitlines(keepends=True)[4:]:
        if line.startswith('["o"'):
            trees.append([])
        trees[-1].append(line)
    assert len(trees) == 16
    pieces = [tmp_path / f"piece{k}.jsonl" for k in range(3)]
    for k, piece in enumerate(pieces):
        piece.write_text("".join(chain(head, *trees[k::3])))
    assert check(capsys, *reversed(pieces), table)[0] == 0
    for left_out in range(3):
        some = [piece for k, piece in enumerate(pieces) if k != left_out]
        code, out = check(capsys, *some, table)
        assert code == 1
        assert "roots of trees are missing" in out
    assert "no new root" in check(capsys, *pieces, pieces[0], table)[1]
    other = tmp_path / "other.jsonl"
    head[0] = head[0].replace('"header":0', '"header": 0')
    other.write_text("".join(chain(head, *trees[2::3])))
    assert "four other lines" in check(capsys, *pieces[:2], other, table)[1]


def test_the_checker_runs_alone(tmp_path):
    X, y = planted(10, 2, seed=1)
    _, proof, table = proof_of(tmp_path, X, y, 0.2)
    words = [sys.executable, "-I", "-S", str(CHECKER), str(proof), str(table)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    module = [sys.executable, "-m", "convex_solver.checker", str(proof), str(table)]
    again = subprocess.run(module, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", done.stdout)
    alone = subprocess.run(words[:4], capture_output=True, text=True, check=False)
    assert (alone.returncode, "usage" in alone.stdout) == (2, True)


def test_the_checker_is_short_and_uses_the_standard_library_alone():
    """Lines that are not blank, with all docstrings."""
    text = CHECKER.read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= STANDARD
        if isinstance(node, ast.ImportFrom):
            assert (node.level, node.module in STANDARD) == (0, True)


def test_what_cannot_be_proven_is_refused(tmp_path):
    X, y = planted(20, 3, seed=1)
    program = ConvexProgram(X, y, 0.05)
    network = solve(program, tol=1e-3).network
    path = tmp_path / "proof.jsonl"
    with pytest.raises(ProofError, match="3 cones do not prove"):
        certify(network, X, y, 0.05, proof=path, max_cones=3, method="covering")
    assert list(tmp_path.iterdir()) == []
    path.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        certify(network, X, y, 0.05, proof=path)
    assert path.read_text() == "mine"
