"""Proofs of lists: two checkers, in two languages, written apart, agree.

Wherever the suite checks such a proof the second one is asked as well, see
``second_opinion`` in ``conftest.py``; here on what the first says little about, the
letters of the format.
"""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from arrangement import checker, enumerate_patterns, verify

from fuzz.proofs import altered_line
from instances import rows_in_rank
from reference.listing_proofs import write_table
from reference.second_opinion import agreeing, answer

pytestmark = pytest.mark.slow
DEGENERATE = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [0, 1, -1], [0, 0, 0]]
AFFINE = [[1, 0], [0, 1], [1, 1], [1, -1], [0, 0]], [0, 1, 1, 0, 2]
VALUES = (
    *(None, True, False, -1, 0, 1, 2, "", ",", ".", ";", '"', "\n", "\t", "é", "x1"),
    *([], [[]], {}, [0, "x1"], [1, None], [[0, "x1"]], [[1, "x2"], [0, "x1"]]),
    *("binary", "decimal", 2**63, 2**64, 2**4096, 2**4096 + 1, 10**4000),
)
# what stands instead of a piece of the table's text
CELLS = (
    *("1.", ".5", ".", "+1", "++1", "1e0", "1E+00", "1e000", "1e0000", "1e", "1e-999"),
    *("1e999", "٣", "１", "1_0", "-0", "0" * 400, "0" * 401, "0." + "0" * 401, "1,0"),
    *('"1"', '"1" ', ' "1"', '"1', '1"', '""1', '"1"0', "\t1", "1\x1c", "1\x85"),
    *("1\u3000", "1\u200b", "1\x00", "\ufeff1", "", "nan", "1/2", "0x1"),
)
ENDS = ("\r\n", "\r", "\n\n", " \n", "\x0b\n", "\u2028\n", ",\n", ",x\n", ",'\n", "")


@pytest.fixture
def codes(second_listing_checker, monkeypatch):
    return agreeing(second_listing_checker, monkeypatch)


@pytest.fixture
def check(codes, tmp_path, capsys):
    """Have both check the text of a proof and of a table."""

    def call(proof, table):
        paths = [tmp_path / "proof.jsonl", tmp_path / "table.csv"]
        for path, text in zip(paths, (proof, table), strict=True):
            raw = text if isinstance(text, bytes) else text.encode()
            path.write_bytes(raw)
        return checker.main([str(path) for path in paths])

    return call


@pytest.fixture
def made(tmp_path):
    """Text of the proof of a list, and of its table."""

    def call(X, offsets=None):
        proof, table = tmp_path / "made.jsonl", tmp_path / "made.csv"
        proof.unlink(missing_ok=True)
        verify(enumerate_patterns(X, offsets=offsets), X, offsets=offsets, proof=proof)
        write_table(table, X, offsets)
        return proof.read_text(), table.read_text()

    return call


def test_both_accept_long_numbers_many_rows_and_deep_trees(check, made):
    rng = np.random.default_rng(3)
    for X in (
        rows_in_rank(130, n=130, d=3, size=4),
        rng.standard_normal((12, 3)),
        rng.integers(0, 2, (14, 5)),
        [[10**200 * x + 1 for x in row] for row in DEGENERATE],
        [["1e-300", "2.5"], ["7", ".1"], ["-.35e3", "12"]],
    ):
        assert check(*made(X)) == 0


@pytest.mark.parametrize("case", [(DEGENERATE,), AFFINE], ids=["pairs", "offsets"])
def test_both_read_the_claim_alike(case, check, made, codes):
    proof, table = made(*case)
    head, *others = proof.splitlines(keepends=True)
    claim = json.loads(head)
    how = claim["data"]
    for key in (*how, "other"):
        for value in VALUES:
            new = {**claim, "data": {**how, key: value}}
            check(json.dumps(new) + "\n" + "".join(others), table)
        new = {**claim, "data": {k: how[k] for k in how if k != key}}
        check(json.dumps(new) + "\n" + "".join(others), table)
    for key in (*claim, "other"):
        for value in VALUES:
            check(json.dumps({**claim, key: value}) + "\n" + "".join(others), table)
    assert check(proof.replace('"pairs"', '"pairs": 7, "pairs"', 1), table) == 0
    assert codes[0] >= 2 * len(VALUES)
    assert codes[1] >= 4 * len(VALUES)


@pytest.mark.parametrize("case", [(DEGENERATE,), AFFINE], ids=["pairs", "offsets"])
def test_both_read_the_table_alike(case, check, made, codes):
    proof, table = made(*case)
    for old in ("0", "1"):
        for cell in CELLS:
            check(proof, table.replace(old, cell, 1))
            check(proof, table.replace(old, cell))
    for end in ENDS:
        check(proof, table.replace("\n", end))
    for size in (2**17, 2**17 + 1):
        for letter in "xé":
            code = check(proof, table.replace("\n", "," + size * letter + "\n", 1))
            assert code == (size > 2**17)
    assert check(proof, b"\xef\xbb\xbf" + table.encode()) == 0
    assert check(proof, table.encode() + b"\xff\n") == 1
    assert check(proof, "") == 1
    comma = proof.replace('"decimal":"."', '"decimal":","')
    comma = comma.replace('"separator":","', '"separator":";"')
    assert comma != proof
    for mark in ".,":
        other = table.replace(",", ";").replace("1", f"1{mark}0")
        assert check(comma, other) == 0
    assert codes[0] >= 20
    assert codes[1] >= 20


def test_both_read_lines_alike(check, made):
    proof, table = made(DEGENERATE)
    for end in ("\r\n", "\r"):
        assert check(proof.replace("\n", end).encode(), table) == 0
    assert check(proof.rstrip("\n"), table) == 0
    for other in (
        proof + "\n",
        "\ufeff" + proof,
        proof.replace("{", "{\r", 1).encode(),
        proof.replace("{", "{\xa0", 1),
        proof.replace("\n", "\n\n", 1),
        proof + proof.splitlines()[-1] + "\n",
    ):
        assert check(other, table) == 1
    *lines, count = proof.splitlines()
    for tree in (
        *("0", "-0", "00", "1", "2", "9", "-1", "true", "false", "null", '"0"', "{}"),
        *("0.0", "1e0", "[]", "[0]", "[[]]", "[0,0,0,0,0]", "[0,0,0,1,0]", "[0,0,0]"),
    ):
        check("\n".join([*lines, f'{{"count": {tree}}}']), table)
        check("\n".join([lines[0], f"[1,2,{tree}]", *lines[2:], count]), table)


def test_both_refuse_a_point_on_the_border_of_its_chamber(check, made):
    """With its bits, and so with everything else as it should be."""
    proof, table = made(DEGENERATE)
    lines = proof.splitlines()
    X = np.array(DEGENERATE)
    grid = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3), axis=-1).reshape(-1, 3)
    is_on = (X[:-1] @ grid.T == 0).any(axis=0)
    for k in range(1, len(lines) - 1):
        bits = X @ json.loads(lines[k]) >= 0
        same = ((X @ grid.T >= 0) == bits[:, None]).all(axis=0)
        on, inside = grid[same & is_on], grid[same & ~is_on]
        for z, code in ((on[0], 1), (inside[0], 0)):
            new = [*lines[:k], json.dumps(z.tolist()), *lines[k + 1 :]]
            assert check("\n".join(new), table) == code


def test_both_refuse_the_same_alterations(check, made, codes):
    for case in ((DEGENERATE,), AFFINE):
        proof, table = made(*case)
        for number in range(300):
            rng = random.Random(f"second-listing-{number}")
            check(altered_line(rng, proof.encode()), table)
    assert codes[0] >= 30
    assert codes[1] >= 300


def test_the_second_checker_says_where_and_why(second_listing_checker, made, tmp_path):
    proof, table = made(DEGENERATE)
    paths = [tmp_path / "proof.jsonl", tmp_path / "table.csv"]
    paths[1].write_text(table)
    lines = proof.splitlines(keepends=True)
    paths[0].write_text("".join([*lines[:3], lines[1], *lines[3:]]))
    code, said = answer(second_listing_checker, [str(path) for path in paths])
    assert (code, said) == (
        1,
        "not proven: line 4: a pattern is not larger than the one before\n",
    )
    paths[0].write_text(proof)
    code, said = answer(second_listing_checker, [str(path) for path in paths])
    assert (code, said) == (0, "patterns  18\n")
