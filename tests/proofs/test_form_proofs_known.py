"""Proofs by quadratic forms are accepted, and say what is true."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from convex_solver import ProofError, certify, checker
from convex_solver.leaves import Hint, Leaf
from convex_solver.networks import TwoLayerReLU

from instances import form_proof_of, planted
from reference.proofs import assert_true as assert_said
from reference.proofs import said


def lines_of(proof):
    return [json.loads(line) for line in proof.read_text().splitlines()]


def assert_true(capsys, found, proof, table):
    """The checker accepts, and what it says is true."""
    code = checker.main([str(proof), str(table)])
    out = capsys.readouterr().out
    assert code == 0, out
    assert_said(out, found, proof, table)


@pytest.mark.slow
@pytest.mark.parametrize("leaves", [0, 2, 16, 6])
def test_more_leaves_prove_more(leaves, tmp_path, capsys):
    X, y = planted(20, 3, seed=5)
    found, proof, table = form_proof_of(tmp_path, X, y, 0.1, leaves=leaves)
    assert_true(capsys, found, proof, table)
    kinds = [line[0] for line in lines_of(proof)[4:]]
    n_leaves = kinds.count("q")
    assert kinds.count("o") == 2
    assert kinds.count("h") == n_leaves - 2
    assert n_leaves == max(len(found.leaves), 2)
    assert n_leaves >= min(leaves, 8)


@pytest.mark.slow
def test_columns_that_are_alike_and_patches_are_proven(tmp_path, capsys):
    rng = np.random.default_rng(2)
    cases = (
        (planted(15, 3, seed=2)[0] * [1e3, 1.0, 1e-3] + [5e3, 0.0, 0.0], 0.1),
        (rng.standard_normal((8, 2, 2)), 0.2),
    )
    for k, (X, beta) in enumerate(cases):
        folder = tmp_path / str(k)
        folder.mkdir()
        assert_true(
            capsys, *form_proof_of(folder, X, rng.standard_normal(len(X)), beta)
        )


@pytest.mark.parametrize("r", [9, 12])
def test_ranks_beyond_cones_are_proven(r, tmp_path, capsys):
    """The price is checked by random directions alone: none may exceed beta."""
    X, y = planted(3 * r, r, seed=r)
    found, proof, table = form_proof_of(tmp_path, X, y, 3.0, leaves=4)
    code = checker.main([str(proof), str(table)])
    bounds = said(capsys.readouterr().out)
    assert code == 0
    assert float(bounds["lower"]) == pytest.approx(found.lower_bound, rel=1e-7)
    u = np.random.default_rng(r).standard_normal((r, 20000))
    dual = lines_of(proof)[2]
    v = np.ldexp(np.array(dual["values"], dtype=float), dual["exponent"])
    prices = np.abs(v @ np.maximum(X @ u, 0.0)) / np.linalg.norm(u, axis=0)
    assert prices.max() <= 3.0


@pytest.mark.slow
def test_a_dual_point_of_zeros_and_a_large_beta(tmp_path, capsys):
    X, y = planted(10, 3, seed=1)
    assert_true(capsys, *form_proof_of(tmp_path, X, y, 1e4, leaves=0))
    network = TwoLayerReLU(np.zeros((1, 3)), np.zeros(1))
    proof = tmp_path / "zero.jsonl"
    found = certify(
        network, X, y, 1.0, dual=np.zeros(10), method="relaxation", proof=proof
    )
    assert found.lower_bound == 0.0
    assert checker.main([str(proof), str(tmp_path / "data.csv")]) == 0


def test_pieces_of_signs_compose(tmp_path, capsys):
    X, y = planted(10, 3, seed=1)
    _, proof, table = form_proof_of(tmp_path, X, y, 0.2)
    lines = proof.read_text().splitlines(keepends=True)
    second = next(k for k, line in enumerate(lines) if line.startswith('["o",-1'))
    pieces = [tmp_path / "plus.jsonl", tmp_path / "minus.jsonl"]
    pieces[0].write_text("".join(lines[:second]))
    pieces[1].write_text("".join(lines[:4] + lines[second:]))
    assert checker.main([*map(str, pieces), str(table)]) == 0
    for piece in pieces:
        assert checker.main([str(piece), str(table)]) == 1
        assert "8 roots of trees are missing" in capsys.readouterr().out


def test_leaves_that_prove_nothing_are_refused(tmp_path):
    X, y = planted(10, 3, seed=1)
    network = TwoLayerReLU(np.zeros((1, 3)), np.zeros(1))
    from convex_solver.certificates import read_for
    from convex_solver.losses import get_loss
    from convex_solver.proofs import write_proof

    data = read_for(network, X, y, "binary", None)
    half = Leaf(np.eye(3)[:1], np.zeros(1), np.array([True]))

    def hint(leaf, sign, n=10):
        shares, none = np.ones((4, n)), np.zeros(0)
        M = np.eye(3) / 3
        return Hint(leaf, sign, np.zeros(3), M, shares, none, 0.0, 0.0, 1.0)

    whole = Leaf.whole(3)
    for hints, match in (
        ([hint(whole, 1.0)], "do not cover"),
        ([hint(half, 1.0), hint(whole, -1.0)], "do not cover"),
        ([hint(whole, 1.0, n=9), hint(whole, -1.0, n=9)], "data of shape"),
    ):
        with pytest.raises(ProofError, match=match):
            write_proof(
                tmp_path / "proof.jsonl",
                data,
                network,
                1e-3 * y,
                1.0,
                get_loss("squared"),
                leaves=hints,
            )
    assert list(tmp_path.iterdir()) == []


def test_terms_bound_rows_on_their_parts():
    """``2 e (a.w)_+ <= C + (a.w) h(w)`` at points of the part, in rationals.

    Functions on parts are at most what `above` says of them.
    """
    rng = np.random.default_rng(4)
    K, r, one = 12, 3, 2**12
    kinds = set()
    for _ in range(800):
        rows = checker.Rows.__new__(checker.Rows)
        rows.bits, rows.r = K, r
        w = rng.standard_normal(r)
        w = [int(x) for x in np.rint(one * w / np.linalg.norm(w))]
        facets = []
        for _ in range(rng.integers(0, 3)):
            n = rng.integers(-one, one, r).tolist()
            c = -checker.dot(n, w) // one + int(rng.integers(1, one // 8))
            facets.append([c, *n])
        part = checker.Part(rows, facets)
        a = rng.integers(-one, one, r).tolist()
        e = int(rng.choice([-1, 1]))
        up, down = rng.integers(0, one, (2, len(facets))).tolist()
        more = rng.integers(-one, one, 3 if e > 0 else 4).tolist()
        if e < 0:
            more = [x // 4 for x in more]
        else:
            more[1:] = [2 * abs(x) for x in more[1:]]
        try:
            C, h = part.term(a, e, up, down, more)
        except checker.Rejected:
            continue
        kinds.add((e, bool(facets), any(up + down)))
        near = w
        length = Fraction(checker.dot(near, near))
        # a point of the sphere near w, within 2^-40
        scale = Fraction(np.sqrt(float(length))).limit_denominator(2**45)
        u = [Fraction(x) / scale for x in near]
        if any(c + checker.dot(n, u) < 0 for c, *n in facets):
            continue
        s = Fraction(checker.dot(a, u)) / one
        right = Fraction(C, one) + s * Fraction(h[0] + checker.dot(h[1:], u)) / 4**K
        bound = Fraction(part.above([more[0], *a], up), one)
        assert Fraction(more[0], one) + s <= bound + Fraction(1, 2**30)
        assert 2 * e * max(s, 0) <= right + Fraction(1, 2**30)
    assert len(kinds) >= 4


@pytest.mark.slow
def test_lines_that_no_checker_reads_are_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("convex_solver.proofs.forms.LONGEST", 100)
    X, y = planted(10, 3, seed=1)
    with pytest.raises(ProofError, match="fewer than 100"):
        form_proof_of(tmp_path, X, y, 0.2)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]
