"""Altered proofs, tables and models: what is accepted is true, or it is refused.

``pytest tests/fuzz/test_altered_proofs.py --fuzz 10000`` alters ten thousand times.
"""

from __future__ import annotations

import io
import random
from contextlib import redirect_stdout

import numpy as np
import pytest

from convex_solver import checker

from fuzz.alterations import altered_bytes, run_cases
from fuzz.proofs import altered_line
from instances import form_proof_of, interpolation_proof_of, planted, proof_of
from reference.proofs import bounds_of, said

pytestmark = pytest.mark.kernels
# Instances small enough that references find the largest price: in two dimensions
# exactly, in three at all vertices, arcs and most chambers.
KINDS = (
    ("squared", 6, 2, 0.1, None),
    ("squared", 7, 3, 0.3, None),
    ("absolute", 6, 2, 0.2, [1.0, 2.0, 0.5, 1.0, 0.25, 3.0]),
    ("logistic", 6, 2, 0.1, None),
    ("poisson", 6, 2, 0.3, None),
    ("quantile:0.75", 6, 2, 0.1, None),
    ("squared_hinge", 6, 3, 0.2, None),
)
# Those that are proven by forms on leaves, too: their numbers, and how many leaves.
FORMS = {0: 6, 1: 8, 3: 2, 4: 4}


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Bytes of proofs and of their tables."""
    folder = tmp_path_factory.mktemp("proofs")
    found = []
    for k, (loss, n, d, beta, weights) in enumerate(KINDS):
        rng = np.random.default_rng(k)
        X = np.round(rng.standard_normal((n, d)), 3)
        y = (
            rng.choice([-1.0, 1.0], n)
            if loss in ("logistic", "squared_hinge")
            else X[:, 0]
        )
        y = np.round(np.abs(3 * y)) if loss == "poisson" else y
        y = y + 0.25 * np.arange(n) if loss in ("squared", "absolute") else y
        (folder / str(k)).mkdir()
        _, proof, table = proof_of(
            folder / str(k), X, y, beta, loss=loss, sample_weight=weights
        )
        found.append((proof.read_bytes(), table.read_bytes()))
        if k in FORMS:
            _, proof, table = form_proof_of(
                folder / str(k),
                X,
                y,
                beta,
                leaves=FORMS[k],
                loss=loss,
                sample_weight=weights,
            )
            found.append((proof.read_bytes(), table.read_bytes()))
    for size in ((6, 2), (5, 1)):
        X, y = planted(*size, seed=2) if size[1] > 1 else (np.eye(2, 1) - 0.5, [1, 2])
        (folder / str(size)).mkdir()
        y = np.asarray(y, dtype=float)
        _, proof, table = interpolation_proof_of(folder / str(size), X, y)
        found.append((proof.read_bytes(), table.read_bytes()))
    return found


def test_no_altered_proof_is_believed(bases, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"proof-{number}")
        raw, data = rng.choice(bases)
        old = raw, data
        what = rng.randrange(10)
        if what < 6:
            raw = altered_line(rng, raw)
        elif what < 8:
            raw = altered_bytes(rng, raw)
        else:
            data = altered_bytes(rng, data)
        proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
        proof.write_bytes(raw)
        table.write_bytes(data)
        out = io.StringIO()
        with redirect_stdout(out):
            code = checker.main([str(proof), str(table)])
        text = out.getvalue()
        if code:
            assert (code, text.count("\n"), text.isascii()) == (1, 1, True), text
            return "refused"
        assert text.isascii()
        lower, upper, fault = bounds_of(proof, table)
        assert fault is None, f"the price is above beta at {fault}"
        assert lower is not None, "the dual point is outside the domain"
        bounds = said(text)
        assert bounds["lower"] <= max(lower[1], 0), "a lower bound was believed"
        assert bounds["upper"] >= upper[0], "an upper bound was believed"
        return "the same" if old == (raw, data) else "another that is true"

    outcomes = run_cases(case, "proof", fuzz_seeds)
    assert 2 * outcomes["refused"] >= len(fuzz_seeds)


def test_proofs_as_they_were_are_accepted(bases, tmp_path):
    for raw, data in bases:
        proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
        proof.write_bytes(raw)
        table.write_bytes(data)
        assert checker.main([str(proof), str(table)]) == 0
