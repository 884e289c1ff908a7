"""Proofs that `verify(..., proof=)` writes are accepted, and say what is true."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    IncompleteListingError,
    InputError,
    checker,
    enumerate_patterns,
    open_patterns,
    verify,
    write_patterns,
)

from instances import rows_in_rank
from reference.listing_proofs import fault_of, write_table

pytestmark = [pytest.mark.kernels, pytest.mark.usefixtures("second_opinion")]
CHECKER = Path(checker.__file__)
STANDARD = {
    "csv",
    "fractions",
    "hashlib",
    "json",
    "math",
    "operator",
    "re",
    "sys",
    "zipfile",
    "zlib",
}
MOST_LINES = 300

BRAID = [[(k == i) - (k == j) for k in range(5)] for i, j in combinations(range(5), 2)]
GRID = [[x, y, 1] for x in range(4) for y in range(4)]
FLOATS = np.random.default_rng(1).standard_normal((9, 3))


@pytest.fixture
def proven(tmp_path, capsys):
    """Write list, proof and table of a matrix, and check them: the three paths."""

    def call(X, offsets=None, **options):
        patterns = enumerate_patterns(X, offsets=offsets, **options)
        paths = [tmp_path / name for name in ("p.jsonl", "d.csv", "l.npz")]
        for path in paths:
            path.unlink(missing_ok=True)
        proof = verify(patterns, X, offsets=offsets, proof=paths[0], **options)
        write_table(paths[1], X, offsets)
        patterns.save(paths[2])
        assert proof.n_patterns == len(patterns)
        assert checker.main([str(path) for path in paths]) == 0
        out = capsys.readouterr().out
        assert f"patterns  {len(patterns)}: all there are" in out
        assert "it holds just these" in out
        return paths

    return call


@pytest.mark.parametrize(
    ("X", "offsets", "tree"),
    [
        (BRAID, None, None),
        (GRID, None, 1),
        (FLOATS, None, 0),
        ([[1, 0], [0, 1], [1, 1]], [0, 0, 1], 0),
        ([[1, 0], [0, 1], [1, 1], [1, 1], [0, 0]], [0, 0, 0, 1, -1], 1),
        ([[0, 0], [1, 2], [-2, -4], [0, 0]], None, 0),
        ([[0], [0]], None, 0),
        ([[0, 0]], [1], 0),
        ([[5]], None, 0),
        (np.eye(5, dtype=int), None, 0),
        ([["0.1", "0.2"], ["1e-30", "7"], [".3", "0.6"]], None, 0),
        ([[10**30, 1], [1, 10**30], [3, -1]], None, 0),
    ],
    ids=str,
)
def test_what_is_written_is_accepted_and_true(X, offsets, tree, proven):
    proof, table, _ = proven(X, offsets)
    assert fault_of(proof, table) is None
    count = json.loads(proof.read_text().splitlines()[-1])["count"]
    assert tree is None or count == tree


@pytest.mark.parametrize("n", [63, 64, 65, 130])
def test_rows_over_several_words(n, proven):
    X = rows_in_rank(n, n=n, d=3, size=4)
    X[n // 2] = 0
    proven(X)
    X = np.array([[1, k, k * k] for k in range(20)] * 7)[:n]
    proven(X * np.where(np.arange(n) % 3, 1, -2)[:, None])


@pytest.mark.parametrize("seed", range(8))
def test_degenerate_matrices_of_any_rank(seed, proven):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 6))
    X = rng.integers(-1, 2, (int(rng.integers(3, 9)), d))
    X = np.column_stack([X, X @ rng.integers(-1, 2, d)])
    offsets = rng.integers(-1, 2, len(X)) if seed % 2 else None
    proof, table, _ = proven(X, offsets)
    assert fault_of(proof, table) is None


def test_thin_chambers_have_points_found_exactly(proven):
    """Between rows that are one ulp apart."""
    one = np.array([[1.0, 0.3, 0.7], [1.0, 0.3, np.nextafter(0.7, 1)], [0.2, 1.0, 0.1]])
    proof, table, _ = proven(one)
    assert fault_of(proof, table) is None
    wide = [[1e-200, 1.0], [1e-200, 1.0 + 2**-52], [1e200, -1.0]]
    proof, table, _ = proven(wide)
    assert fault_of(proof, table) is None


def test_decimals_are_read_as_decimals_where_the_list_was(proven):
    X = np.array([[0.1, 0.3], [1.0, 3.0], [0.2, 0.5]])
    patterns = enumerate_patterns([[repr(x) for x in row] for row in X.tolist()])
    assert len(patterns) == 4  # the first two rows are parallel as decimals
    proof, *_ = proven([[repr(x) for x in row] for row in X.tolist()])
    assert json.loads(proof.read_text().splitlines()[0])["data"]["floats"] == "decimal"


def test_a_list_of_others_is_refused(proven, capsys, tmp_path):
    proof, table, _ = proven(GRID)
    patterns = enumerate_patterns(GRID)
    for number, packed in enumerate(
        (patterns.packed[:-1], np.delete(patterns.packed, 4, axis=0))
    ):
        some = tmp_path / f"{number}.npz"
        np.savez(some, packed=packed)
        assert checker.main([str(proof), str(table), str(some)]) == 1
        assert "the list does not have the pattern" in capsys.readouterr().out
    for packed, why in (
        (np.vstack([patterns.packed, patterns.packed[:1]]), "pattern twice"),
        (np.vstack([patterns.packed, [[2**63]]]).astype("<u8"), "other patterns"),
        (patterns.packed.astype(">u8"), "for other data"),
        (np.hstack([patterns.packed, patterns.packed]), "for other data"),
    ):
        other = tmp_path / f"{why.replace(' ', '-')}{packed.dtype.str[0]}.npz"
        other.unlink(missing_ok=True)
        np.savez(other, packed=packed)
        assert checker.main([str(proof), str(table), str(other)]) == 1
        assert why in capsys.readouterr().out


def test_a_store_is_proven_too(tmp_path, capsys):
    stored = write_patterns(tmp_path / "list.zarr", GRID)
    proof, table = tmp_path / "p.jsonl", tmp_path / "d.csv"
    stored = open_patterns(tmp_path / "list.zarr")
    assert stored.verify(GRID, proof=proof).n_patterns == len(stored)
    write_table(table, GRID)
    assert checker.main([str(proof), str(table)]) == 0
    assert f"{len(stored)}: all there are" in capsys.readouterr().out


def test_what_cannot_be_proven_is_refused(tmp_path):
    path = tmp_path / "proof.jsonl"
    patterns = enumerate_patterns(GRID)
    cases = (
        (Arrangement(GRID), {}, "is an Arrangement"),
        ([[Fraction(1, 3), 1], [1, 1]], {}, "no decimal shows"),
        (GRID, {"rank": 2}, "float64 projection"),
        (np.zeros((3, 0)), {}, "at least one row and one column"),
    )
    for X, options, why in cases:
        of_X = patterns if why.startswith("is") else enumerate_patterns(X, **options)
        with pytest.raises(InputError, match=why):
            verify(of_X, X, proof=path, **options)
    with pytest.raises(IncompleteListingError, match="missing"):
        verify(patterns[:-2], GRID, proof=path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        verify(patterns, GRID, proof=path)
    assert path.read_text() == "mine"


def test_the_checker_runs_alone(proven):
    paths = [str(path) for path in proven(GRID)]
    words = [sys.executable, "-I", "-S", str(CHECKER), *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    module = [sys.executable, "-m", "arrangement.checker", *paths]
    again = subprocess.run(module, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", done.stdout)
    alone = subprocess.run(words[:4], capture_output=True, text=True, check=False)
    assert (alone.returncode, "usage" in alone.stdout) == (2, True)


def test_the_checker_is_short_and_uses_the_standard_library_alone():
    text = CHECKER.read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= STANDARD
        if isinstance(node, ast.ImportFrom):
            assert (node.level, node.module in STANDARD) == (0, True)
