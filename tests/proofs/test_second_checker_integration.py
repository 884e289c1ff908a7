"""Two checkers, in two languages, written apart from one description, agree."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convex_solver import (
    MinimumNormLinearCNN,
    certify_minimum_norm_cnn,
    checker,
    linear_checker,
    solve_minimum_norm_cnn,
)

from fuzz.proofs import altered_line
from instances import (
    cnn_proof_of,
    form_proof_of,
    interpolation_proof_of,
    planted,
    planted_for,
    proof_of,
    rows_in_rank,
)
from reference.losses import SPECS
from reference.proofs import said, write_csv

pytestmark = pytest.mark.slow
SOURCE = Path(__file__).with_name("second_checker.rs")


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The compiled second checker, as a call that returns its code and bounds."""
    compiler = shutil.which("rustc")
    if compiler is None:
        pytest.skip("no rustc on the path, which compiles the second checker")
    program = tmp_path_factory.mktemp("second") / "checker"
    words = [compiler, "-O", "--edition", "2021", "-o", str(program), str(SOURCE)]
    subprocess.run(words, check=True, capture_output=True, text=True)

    def call(*paths):
        command = [str(program), *map(str, paths)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode in (0, 1), done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        bounds = {line[0]: float(line[1]) for line in lines if done.returncode == 0}
        return done.returncode, bounds

    return call


@pytest.fixture
def agree(second, capsys):
    """Check that both give one answer on some files; return it."""

    def call(*paths, by=checker):
        code = by.main([str(path) for path in paths])
        out = capsys.readouterr().out
        other, bounds = second(*paths)
        assert code == other, out
        if code == 0:
            own = said(out)
            # what is beyond floats, the second one says in floats no more
            for name in [x for x in ("upper", "lower") if own[x] < 10**300]:
                exact = float(own[name])
                assert bounds[name] == pytest.approx(exact, rel=1e-11, abs=1e-300)
        return code

    return call


@pytest.mark.parametrize("spec", SPECS)
def test_both_accept_every_loss(spec, agree, tmp_path):
    X, y = planted_for(spec, 12, 3, seed=5)
    weights = np.linspace(0.5, 2.0, 12)
    found = proof_of(tmp_path, X, y, 0.3, loss=spec, sample_weight=weights)
    assert agree(*found[1:]) == 0


def test_both_accept_patches_degenerate_rows_and_higher_ranks(agree, tmp_path):
    rng = np.random.default_rng(7)
    rows = rows_in_rank(1, n=9, d=3, size=2).astype(float)
    rows = np.vstack([rows, -2 * rows[:4], 0 * rows[:1]])
    cases = (
        (rng.standard_normal((8, 2, 2)), rng.standard_normal(8), 0.2),
        (np.column_stack([rows, rows @ [1, 1, 0]]), rng.standard_normal(14), 0.1),
        (*planted(12, 5, seed=2), 0.2),
        (*planted(12, 1, seed=2), 0.2),
    )
    for k, (X, y, beta) in enumerate(cases):
        folder = tmp_path / str(k)
        folder.mkdir()
        assert agree(*proof_of(folder, X, y, beta)[1:]) == 0


def test_both_take_classes_for_the_same(agree, tmp_path):
    X, y = planted_for("hinge", 8, 2, seed=5)
    _, proof, table = proof_of(tmp_path, X, y, 0.3, loss="hinge")
    head, *others = proof.read_text().splitlines(keepends=True)
    lines = [line.rsplit(",", 1) for line in table.read_text().splitlines()]

    def both(classes, names, *, at=None):
        """What both say where the classes of the table have these names."""
        claim = json.loads(head)
        claim["data"]["classes"] = classes
        proof.write_text(json.dumps(claim) + "\n" + "".join(others))
        cells = [names[float(label) > 0] for _, label in lines]
        if at is not None:
            cells[at] = names[-1]
        rows = zip(lines, cells, strict=True)
        table.write_text("".join(f"{left},{cell}\n" for (left, _), cell in rows))
        return agree(proof, table)

    for classes, names in (
        ({"no": -1, "yes": 1}, ["no", "yes"]),
        ({"0.0": -1, "+1e0": 1}, ["0.0", "+1e0"]),
        ({"a": -1, "": 1}, ["a", ""]),
        ({"-1": 1, "1": -1, "b": -1, "a": 1}, ["b", "a"]),
        ({}, ["-1", "1"]),
    ):
        assert both(classes, names) == 0, classes
    for classes, names in (
        ({"yes": -1, "no": 1}, ["no", "yes"]),
        ({"no": -1, "yes": 1}, ["No", "yes"]),
        ({"no": -1}, ["no", "no"]),
        ({"0": -1, "1": 1}, ["0", "1.0"]),
        ({"no": -1, "yes": 1}, ["-1", "1"]),
        ({"no": -1, "yes": "1"}, ["no", "yes"]),
        ({"no": -1, "yes": True}, ["no", "yes"]),
        ({"no": -1, "yes": None}, ["no", "yes"]),
        ({"a": 1, "b": 2}, ["a", "b"]),
        (["no", "yes"], ["no", "yes"]),
        (None, ["-1", "1"]),
        ([], ["-1", "1"]),
        (False, ["-1", "1"]),
        ("", ["-1", "1"]),
    ):
        assert both(classes, names) == 1, classes
    assert both({"no": -1, "yes": 1}, ["no", "yes", "perhaps"], at=3) == 1


def test_both_accept_forms_on_leaves(agree, tmp_path):
    rng = np.random.default_rng(7)
    rows = rows_in_rank(1, n=9, d=3, size=2).astype(float)
    rows = np.vstack([rows, -2 * rows[:4], 0 * rows[:1]])
    cases = (
        (rng.standard_normal((8, 2, 2)), rng.standard_normal(8), 0.2, 4),
        (np.column_stack([rows, rows @ [1, 1, 0]]), rng.standard_normal(14), 0.1, 4),
        (*planted(30, 11, seed=2), 3.0, 6),
        (*planted(20, 9, seed=2), 1.0, 0),
    )
    for k, (X, y, beta, leaves) in enumerate(cases):
        folder = tmp_path / str(k)
        folder.mkdir()
        assert agree(*form_proof_of(folder, X, y, beta, leaves=leaves)[1:]) == 0
    _, proof, table = form_proof_of(tmp_path, *planted(9, 2, seed=3), 0.2)
    raw, outcomes = proof.read_bytes(), []
    for number in range(200):
        other = tmp_path / "altered.jsonl"
        other.write_bytes(altered_line(random.Random(f"form-{number}"), raw))
        outcomes.append(agree(other, table))
    assert 20 <= sum(outcomes) < len(outcomes)


def test_both_accept_interpolations(agree, tmp_path):
    for k, size in enumerate(((12, 3), (20, 2))):
        (tmp_path / str(k)).mkdir()
        found = interpolation_proof_of(tmp_path / str(k), *planted(*size, seed=k))
        assert agree(*found[1:]) == 0
    _, proof, table = interpolation_proof_of(tmp_path, *planted(5, 2, seed=3))
    raw, outcomes = proof.read_bytes(), []
    for number in range(200):
        other = tmp_path / "altered.jsonl"
        other.write_bytes(altered_line(random.Random(f"exact-{number}"), raw))
        outcomes.append(agree(other, table))
    assert 20 <= sum(outcomes) < len(outcomes)


def test_both_agree_on_the_least_weights(agree, tmp_path):
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((3, 2, 2)), rng.standard_normal((3, 2))
    proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
    write_csv(table, X, y)
    found = solve_minimum_norm_cnn(MinimumNormLinearCNN(X, y))
    certify_minimum_norm_cnn(
        found.network, X, y, dual=found.certificate.dual, proof=proof
    )
    assert agree(proof, table, by=linear_checker) == 0
    raw, outcomes = proof.read_bytes(), []
    for number in range(100):
        other = tmp_path / "altered.jsonl"
        other.write_bytes(altered_line(random.Random(f"least-{number}"), raw))
        outcomes.append(agree(other, table, by=linear_checker))
    assert 20 <= sum(outcomes) < len(outcomes)


@pytest.mark.parametrize("size", [(3, 1), (2, 3), None])
def test_both_agree_on_linear_and_circular_networks(size, agree, tmp_path):
    outcomes = []
    for beta in (0.3, 0.6):
        folder = tmp_path / str(beta)
        folder.mkdir()
        _, proof, table = cnn_proof_of(folder, size, beta, n=4)
        assert agree(proof, table, by=linear_checker) == 0
        raw = proof.read_bytes()
        for number in range(100):
            other = folder / "altered.jsonl"
            other.write_bytes(altered_line(random.Random(f"cnn-{number}"), raw))
            outcomes.append(agree(other, table, by=linear_checker))
    assert 20 <= sum(outcomes) < len(outcomes)


def test_both_refuse_the_same_alterations(agree, tmp_path):
    outcomes = []
    for loss in ("squared", "logistic"):
        X, y = planted_for(loss, 7, 2, seed=3)
        folder = tmp_path / loss
        folder.mkdir()
        _, proof, table = proof_of(folder, X, y, 0.2, loss=loss)
        raw = proof.read_bytes()
        for number in range(150):
            other = folder / "altered.jsonl"
            other.write_bytes(altered_line(random.Random(f"second-{number}"), raw))
            outcomes.append(agree(other, table))
    assert 20 <= sum(outcomes) < len(outcomes)
