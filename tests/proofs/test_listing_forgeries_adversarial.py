"""Forged proofs of lists: each would pass if one demand of the checker were missing."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from arrangement import checker, enumerate_patterns, verify

from reference.listing_proofs import write_table

pytestmark = [pytest.mark.kernels, pytest.mark.usefixtures("second_opinion")]
GRID = [[x, y, z, 1] for x in range(2) for y in range(2) for z in range(3)]
AFFINE = ([[1, 0], [0, 1], [1, 1], [1, -1], [0, 0]], [0, 1, 1, 0, 2])
DEEP = 100_000


def written(folder, X, offsets=None):
    """The lines of a proof, parsed, and its table."""
    proof, table = folder / "p.jsonl", folder / "d.csv"
    verify(enumerate_patterns(X, offsets=offsets), X, offsets=offsets, proof=proof)
    write_table(table, X, offsets)
    return [json.loads(line) for line in proof.read_text().splitlines()], table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return written(tmp_path_factory.mktemp("listing"), GRID)


@pytest.fixture(scope="module")
def affine(tmp_path_factory):
    return written(tmp_path_factory.mktemp("affine"), *AFFINE)


@pytest.fixture
def answer(made, tmp_path, capsys):
    """What the checker says to lines, in one line if it refuses."""

    def call(lines, table=None):
        path = tmp_path / "forged.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(text + "\n" for text in texts))
        begin = time.process_time()
        code = checker.main([str(path), str(table or made[1])])
        assert time.process_time() - begin < 5.0
        out = capsys.readouterr().out
        if code == 0:
            return "accepted"
        assert (code, out.count("\n"), out.isascii(), len(out) < 302) == (1, 1, 1, 1)
        assert out.startswith("not proven: ")
        return out

    return call


def test_the_lines_as_they_are_are_accepted(made, affine, answer):
    assert answer(made[0]) == answer(*affine) == "accepted"
    # the whole of the tree is always enough
    assert made[0][0]["pairs"]
    assert answer([*made[0][:-1], {"count": 2}]) == "accepted"


@pytest.mark.parametrize("which", ["made", "affine"])
def test_a_pattern_left_out_is_missed(which, answer, request):
    lines, table = request.getfixturevalue(which)
    for k in range(1, len(lines) - 1, 7):
        out = answer(lines[:k] + lines[k + 1 :], table)
        assert "more regions than patterns" in out
        assert f"line {len(lines) - 1}: " in out


@pytest.mark.parametrize("which", ["made", "affine"])
def test_a_pattern_that_comes_twice_is_no_other(which, answer, request):
    lines, table = request.getfixturevalue(which)
    for k in (1, len(lines) // 2, len(lines) - 3):
        double = [3 * x for x in lines[k]]
        for more in ([lines[k], double], [lines[k + 1], lines[k]], [lines[k]] * 2):
            out = answer([*lines[:k], *more, *lines[k + 2 :]], table)
            assert "does not come after" in out
            assert f"line {k + 2}: " in out


def test_opposite_points_count_once(made, answer):
    lines, _ = made
    opposite = [[-x for x in z] for z in lines[1:-1]][::-1]
    X = np.array(GRID)
    weights = 1 << np.arange(len(X))

    def pattern(z):
        return int(weights @ (X @ z >= 0))

    all_of_them = sorted([*opposite, *lines[1:-1]], key=pattern)
    first = "the first row is negative"
    assert first in answer([lines[0], *all_of_them, lines[-1]])
    assert first in answer([lines[0], *opposite, lines[-1]])
    # one by one they are as good
    single = {**lines[0], "pairs": False}
    assert answer([single, *all_of_them, lines[-1]]) == "accepted"
    assert "more regions" in answer([single, *lines[1:]])


def test_opposite_points_are_told_apart_at_a_row_that_is_not_zero(answer, tmp_path):
    """Where one takes the place of another point the number stays."""
    X = np.array([[0, 0, 0], *(row[1:] for row in GRID[:7])])
    lines, table = written(tmp_path, X.tolist())
    weights = 1 << np.arange(len(X))
    points = lines[1:-1]
    forged = [*points[1:], [-x for x in points[-1]]]
    forged.sort(key=lambda z: int(weights @ (X @ z >= 0)))
    out = answer([lines[0], *forged, lines[-1]], table)
    assert "the first row is negative" in out


def test_points_on_hyperplanes_have_no_pattern(made, affine, answer):
    lines, _ = made
    for z in ([0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, -1]):
        assert "on a hyperplane" in answer([lines[0], z, *lines[1:]])
    lines, table = affine
    assert "lies on" in answer([lines[0], [0, 0, 1], *lines[1:]], table)
    for z in ([1, 2, 0], [1, 2, -1]):
        assert "last coordinate" in answer([lines[0], z, *lines[1:]], table)


def test_the_count_needs_the_whole_tree(made, answer):
    lines, _ = made
    n = len(checker.distinct([(*row,) for row in GRID]))
    for tree, why in (
        (0, "more regions"),
        (1, "more regions"),
        ([0] * n, "more regions"),
        (3, "too deep"),
        (-1, "too deep"),
        (10**30, "too deep"),
        ([1] * (n - 1), "another form"),
        ([1] * (n + 1), "another form"),
        ([], "another form"),
        ([[0]] * n, "another form"),
        (True, "another form"),
        (None, "another form"),
        ("2", "another form"),
        ({}, "another form"),
        ([[[0] * k for k in range(j)] for j in range(n)], "another form"),
    ):
        assert why in answer([*lines[:-1], {"count": tree}]), tree
    assert "follows the count" in answer([*lines, lines[-1]])
    assert "count is missing" in answer(lines[:-1])
    assert "of another kind" in answer([*lines[:-1], {"counts": 2}])
    deep = '{"count": ' + "[" * DEEP + "]" * DEEP + "}"
    assert "no JSON" in answer([*lines[:-1], deep])


def test_a_count_ends_once_it_is_above(answer, tmp_path):
    """All subsets of many rows would take for ever."""
    rng = np.random.default_rng(1)
    table = tmp_path / "large.csv"
    X = rng.integers(-99, 100, (300, 12)).tolist()
    write_table(table, X)
    names = [[k, f"x{k}"] for k in range(12)]
    how = {"separator": ",", "decimal": ".", "header": 0, "skip": 0, "columns": names}
    how |= {"offsets": None, "floats": "decimal", "intercept": False}
    claim = {"format": checker.FORMAT, "pairs": True, "data": {**how, "sha256": ""}}
    samples = checker.read_samples(how, table)
    text = "".join(",".join(map(str, row)) + "\n" for row in samples)
    claim["data"]["sha256"] = checker.hashlib.sha256(text.encode()).hexdigest()
    point = rng.integers(-99, 100, 12).tolist()
    rows = checker.Rows(claim["data"], samples)
    point = point if rows.pattern(point) & 1 else [-x for x in point]
    out = answer([claim, point, {"count": 10}], table)
    assert "more regions than patterns" in out


def test_other_readings_of_the_table_are_other_claims(made, affine, answer):
    lines, _ = made
    how = lines[0]["data"]
    for key, value in (
        ("intercept", True),
        ("columns", how["columns"][::-1]),
        ("columns", how["columns"][:3]),
        ("columns", [[4, "x"]]),
        ("columns", [[-1, "x"]]),
        ("columns", []),
        ("skip", 1),
        ("skip", -1),
        ("header", 1),
        ("offsets", [0, "x1"]),
        ("sha256", "0" * 64),
        ("separator", ";"),
        ("separator", ",,"),
        ("separator", None),
    ):
        claim = {**lines[0], "data": {**how, key: value}}
        assert answer([claim, *lines[1:]]) != "accepted", key
    claim = {**affine[0][0], "pairs": True}
    assert "no pairs" in answer([claim, *affine[0][1:]], affine[1])
    assert "format" in answer([{**lines[0], "format": "other"}, *lines[1:]])


def test_cells_are_numbers_as_described(made, answer, tmp_path):
    lines, table = made
    text = table.read_text()
    for cell in ("0_1", "2/2", "nan", "inf", "0x1", "", "1" * 401, "1e-1000"):
        other = tmp_path / "cells.csv"
        other.write_text(text.replace("1\n", f"{cell}\n", 1))
        assert "something else than a number" in answer(lines, other)
    for cell in ("1.", "+1", " 1 ", "01", "10e-1", '"1"', ".1E1"):
        other.write_text(text.replace("1\n", f"{cell}\n", 1))
        assert answer(lines, other) == "accepted"
    other.write_text(text.replace("1\n", "\n", 1).replace("0,0,0,", "0,0,0"))
    assert "record 1 is too short" in answer(lines, other)


@pytest.mark.parametrize(
    "text",
    [
        "1" + "0" * 10**6,
        "1e1000000",
        "1e4",
        "NaN",
        "Infinity",
        "0.5",
        "1.0",
        "true",
        "null",
        '"1"',
        "[1]",
        "{}",
        "[" * DEEP + "]" * DEEP,
        str(2**5000),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_integer_is_refused(text, made, answer):
    lines, _ = made
    z = lines[1]
    point = f"[{z[0]},{z[1]},{text},{z[3]}]"
    assert answer([lines[0], point, *lines[2:]]) != "accepted"
    assert answer([lines[0], text, *lines[2:]]) != "accepted"
    assert answer([*lines[:-1], f'{{"count": {text}}}']) != "accepted"


def test_what_is_cut_off_or_too_long_is_refused(made, answer, monkeypatch, tmp_path):
    lines, table = made
    raw = "".join(json.dumps(line) + "\n" for line in lines)
    for size in range(0, len(raw) - 2, len(raw) // 60):
        assert answer([raw[:size]]) != "accepted"
    assert "no JSON" in answer([lines[0], "", *lines[1:]])
    monkeypatch.setattr(checker, "LONGEST", 2**10)
    assert answer(lines) == "accepted"
    long = " " * 2**10
    assert "too long" in answer([*lines[:3], long, *lines[3:]])
    other = tmp_path / "long.csv"
    other.write_text(table.read_text() + long + "\n")
    assert "too long" in answer(lines, other)


def test_missing_files_are_named(made, tmp_path, capsys):
    assert checker.main(["nowhere.jsonl", str(made[1])]) == 1
    assert "nowhere.jsonl" in capsys.readouterr().out
    proof = tmp_path / "p.jsonl"
    proof.write_text("".join(json.dumps(line) + "\n" for line in made[0]))
    assert checker.main([str(proof), "nowhere.csv"]) == 1
    assert "nowhere.csv" in capsys.readouterr().out
    for name, content in (
        ("n.npz", None),
        ("e.npz", b""),
        ("b.npz", b"PK\x03\x04" * 9),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        assert checker.main([str(proof), str(made[1]), str(path)]) == 1
        assert capsys.readouterr().out.startswith("not proven: ")
    assert checker.main([]) == checker.main(["1", "2", "3", "4"]) == 2
