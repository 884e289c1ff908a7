"""Proofs of least-norm interpolation: a network that is exact, and a bound below."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from arrangement import InputError
from convex_solver import ProofError, certify_interpolation, checker, interpolate
from convex_solver.networks import TwoLayerReLU

from instances import interpolation_proof_of, planted, rows_in_rank
from reference.proofs import bounds_of, said

pytestmark = pytest.mark.kernels
THREE = np.array([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])


def lines_of(proof):
    return [json.loads(line) for line in proof.read_text().splitlines()]


def assert_true(capsys, found, proof, table):
    """The checker accepts; its bounds are true, and those of the certificate."""
    code = checker.main([str(proof), str(table)])
    out = capsys.readouterr().out
    assert code == 0, out
    bounds = said(out)
    lower, upper, fault = bounds_of(proof, table)
    assert fault is None
    # the network is exact: its norm is all that there is
    assert upper[0] == upper[1] <= bounds["upper"]
    assert bounds["lower"] <= max(lower[1], 0)
    assert float(bounds["lower"]) == pytest.approx(found.lower_bound, rel=3e-9)
    assert float(bounds["upper"]) <= found.upper_bound * (1 + 1e-9)
    assert bounds["gap"] <= Fraction(found.gap) + Fraction(1, 10**8)
    return bounds


def test_three_points_need_a_norm_of_two(tmp_path, capsys):
    made = interpolation_proof_of(tmp_path, THREE, np.array([1.0, 0.0, 1.0]))
    bounds = assert_true(capsys, *made)
    assert bounds["lower"] <= 2 <= bounds["upper"]
    assert bounds["gap"] < Fraction(1, 10**8)


@pytest.mark.parametrize("size", [(8, 1), (8, 2), (15, 3), (7, 4)])
def test_every_size_is_proven(size, tmp_path, capsys):
    X, y = planted(*size, seed=size[0]) if size[1] > 1 else (None, None)
    if X is None:
        X = np.ones((2, 1)) * [[1.0], [-2.0]]
        y = np.array([1.0, 3.0])
    assert_true(capsys, *interpolation_proof_of(tmp_path, X, y))


@pytest.mark.parametrize("seed", range(4))
def test_dependent_columns_and_parallel_rows_are_proven(seed, tmp_path, capsys):
    """Targets that a network takes: those of one row follow from others."""
    rng = np.random.default_rng(seed)
    X = rows_in_rank(seed, n=6, d=3, size=2).astype(float)
    X = np.vstack([X, 2 * X[:3], -0.5 * X[2:4], np.zeros((1, X.shape[1]))])
    X = np.column_stack([X, X @ rng.integers(-1, 2, X.shape[1])])
    u = rng.integers(-3, 4, (X.shape[1], 3)).astype(float)
    y = np.maximum(X @ u, 0.0) @ rng.integers(-2, 3, 3).astype(float)
    assert_true(capsys, *interpolation_proof_of(tmp_path, X, y))


def test_an_intercept_and_scaled_columns_are_proven(tmp_path, capsys):
    X, y = planted(8, 2, seed=3)
    X = 10 * X + 3
    options = {"intercept": True, "standardize": True}
    assert_true(capsys, *interpolation_proof_of(tmp_path, X, y, **options))


def test_the_sign_and_the_size_of_the_dual_point_are_free(tmp_path, capsys):
    y = np.array([1.0, 0.0, 1.0])
    network = interpolate(THREE, y).network
    for k, size in enumerate((-3.0, 0.25)):
        proof, table = tmp_path / f"{k}.jsonl", tmp_path / "data.csv"
        table.write_text("-1,1,1\n0,1,0\n1,1,1\n")
        dual = size * np.array([1.0, -2.0, 1.0])
        found = certify_interpolation(network, THREE, y, dual=dual, proof=proof)
        bounds = assert_true(capsys, found, proof, table)
        assert bounds["lower"] > 2 - Fraction(1, 10**8)


def test_zeros_are_proven(tmp_path, capsys):
    network = TwoLayerReLU(np.zeros((1, 2)), np.zeros(1))
    proof, table = tmp_path / "zero.jsonl", tmp_path / "data.csv"
    table.write_text("-1,1,0\n0,1,0\n1,1,0\n")
    certify_interpolation(network, THREE, np.zeros(3), dual=np.ones(3), proof=proof)
    assert checker.main([str(proof), str(table)]) == 0
    assert said(capsys.readouterr().out) == {"upper": 0, "lower": 0, "gap": 0}


def test_a_network_that_misses_by_anything_is_refused(tmp_path, capsys):
    _, proof, table = interpolation_proof_of(tmp_path, *planted(6, 2, seed=2))
    lines = lines_of(proof)

    def answer(changed):
        path = tmp_path / "other.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in changed))
        code = checker.main([str(path), str(table)])
        return "accepted" if code == 0 else capsys.readouterr().out

    assert answer(lines) == "accepted"
    n_forged = 0
    for k, (m, e, *q) in enumerate(lines[1]["alphas"]):
        if m:
            alphas = list(lines[1]["alphas"])
            alphas[k] = [m * 2**200 + 1, e - 200, *q]
            network = {**lines[1], "alphas": alphas}
            assert "misses a target" in answer([lines[0], network, *lines[2:]])
            for divisor in (0, -1):
                alphas[k] = [m, e, divisor]
                assert "divisor" in answer([lines[0], network, *lines[2:]])
            alphas[k] = [m, e, 1, 1]
            assert answer([lines[0], network, *lines[2:]]) != "accepted"
            n_forged += 1
    assert n_forged > 6
    # a dual point that is longer, and one of the other sign
    for factor in (1 + 2**-20, 2):
        dual = {**lines[2], "values": [int(x * factor) for x in lines[2]["values"]]}
        assert "at a vertex" in answer([*lines[:2], dual, *lines[3:]])
    # a smaller beta, of which the bound is no smaller
    claim = {**lines[0], "beta": [2**20 - 1, -20]}
    assert "at a vertex" in answer([claim, *lines[1:]])


def test_what_cannot_be_proven_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "proof.jsonl"
    y = np.array([1.0, 0.0, 1.0])
    network = interpolate(THREE, y).network
    path.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        certify_interpolation(network, THREE, y, dual=y, proof=path)
    assert path.read_text() == "mine"
    path.unlink()
    monkeypatch.setattr("convex_solver.proofs.interpolation.LONGEST_BITS", 100)
    X, targets = planted(20, 2, seed=1)
    poor = TwoLayerReLU(np.ones((1, 2)), np.ones(1))
    with pytest.raises(ProofError, match=r"20 values exactly needs integers of"):
        certify_interpolation(poor, X, targets, dual=targets, proof=path)
    assert list(tmp_path.iterdir()) == []
