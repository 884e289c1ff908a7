"""Forged proofs: each would pass if one demand of the checker were missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convex_solver import checker

from instances import planted, planted_for, proof_of

pytestmark = pytest.mark.kernels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The lines of a proof, parsed, and its table."""
    folder = tmp_path_factory.mktemp("forged")
    X, y = planted(40, 2, seed=4)
    _, proof, table = proof_of(folder, X, y, 0.2)
    return [json.loads(line) for line in proof.read_text().splitlines()], table


@pytest.fixture
def answer(made, tmp_path, capsys):
    """What the checker says to lines, in one line if it refuses."""

    def call(lines, table=None):
        path = tmp_path / "forged.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code = checker.main([str(path), str(table or made[1])])
        out = capsys.readouterr().out
        return "accepted" if code == 0 else out

    return call


def trees(lines):
    """The lines of each tree."""
    found = []
    for line in lines[4:]:
        if line[0] == "o":
            found.append([])
        found[-1].append(line)
    return found


def small(r, number, sign):
    """A tree of one leaf that claims that nothing is there."""
    return [["o", sign, number], ["p", 0, 0, 0, [0] * r]]


def test_the_lines_as_they_are_are_accepted(made, answer):
    assert answer(made[0]) == "accepted"


def test_a_dual_point_that_is_too_long_is_refused(made, answer):
    lines, _ = made
    for factor in (1.001, 1.0001, 1.000001):
        values = [int(x * factor) for x in lines[2]["values"]]
        longer = {**lines[2], "values": values}
        assert "at a vertex" in answer([*lines[:2], longer, *lines[3:]])


def test_a_smaller_beta_is_refused(made, answer):
    lines, _ = made
    m, e = lines[0]["beta"]
    beta = [m * 2**20 - m, e - 20]
    claim = {**lines[0], "beta": beta}
    assert "at a vertex" in answer([claim, *lines[1:]])


def test_every_orthant_is_needed(made, answer):
    lines, _ = made
    all_trees = trees(lines)
    assert len(all_trees) == 8
    for k in range(8):
        kept = [line for j, tree in enumerate(all_trees) if j != k for line in tree]
        assert "1 roots of trees are missing" in answer([*lines[:4], *kept])
        other = [["o", 1, 0], *all_trees[k][1:]]
        if all_trees[k][0] != ["o", 1, 0]:
            assert "no new root" in answer([*lines[:4], *all_trees[0], *other])
    assert "ends within a tree" in answer(lines[:-1])


def test_an_edge_needs_two_ends_and_an_integer_middle(made, answer):
    lines, _ = made
    place = next(k for k in range(4, len(lines)) if lines[k][0] == "b")
    for ends in ([0, 0], [1, 1], [0, 2], [-1, 0]):
        assert answer([*lines[:place], ["b", *ends], *lines[place + 1 :]]) != "accepted"
    coarse = {**lines[3], "bits": [lines[3]["bits"][0], 0, 0]}
    assert "no integer vector" in answer([*lines[:3], coarse, *lines[4:]])


def test_a_leaf_cannot_stand_for_a_whole_orthant(made, answer):
    lines, _ = made
    for k, tree in enumerate(trees(lines)[:4]):
        if len(tree) > 2:
            leaf = next(line for line in tree if line[0] == "p")
            forged = trees(lines)
            forged[k] = [tree[0], leaf]
            rest = [line for part in forged for line in part]
            assert answer([*lines[:4], *rest]) != "accepted"


def test_a_vector_that_is_too_long_is_refused(made, answer):
    """It is above g at all vertices, but not below R: beta would be another."""
    lines, _ = made
    n_forged = number = 0
    for k in range(4, len(lines)):
        if lines[k][0] == "o":
            number = lines[k][2]
        elif lines[k][0] == "p":
            n_forged += 1
            if n_forged % 12 == 1:
                kind, mix, top, scale, _, *more = lines[k]
                long = [kind, mix, top, scale, _signs(number, 2 * 2**scale), *more]
                assert "too long" in answer([*lines[:k], long, *lines[k + 1 :]])
    assert n_forged > 20


def test_shares_and_multipliers_have_their_signs(made, answer):
    lines, _ = made
    leaves = [k for k in range(4, len(lines)) if len(lines[k]) == 7]
    assert leaves
    for k in leaves[:: max(len(leaves) // 3, 1)]:
        kind, mix, top, scale, p, shares, multipliers = lines[k]
        unit = 40
        forged = []
        if shares:
            forged += [
                [[[name, share] for name, _ in shares], multipliers]
                for share in (-1, 2**unit + 1, -(2**unit), 2 ** (unit + 9))
            ]
        if multipliers:
            size = max(multipliers) + 2 ** (unit + 3)
            forged += [
                [shares, [-size for _ in multipliers]],
                [shares, multipliers[1:]],
                [shares, [*multipliers, 0]],
            ]
        for more in forged:
            line = [kind, mix, top, scale, p, *more]
            if more[1] != []:
                assert answer([*lines[:k], line, *lines[k + 1 :]]) != "accepted"


def test_a_basis_that_loses_something_is_refused(made, answer):
    lines, _ = made
    for rows in ([[1], [0]], [[0], [1]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]):
        r = len(rows[0])
        some = [
            line
            for sign in (1, -1)
            for number in range(2**r)
            for line in small(r, number, sign)
        ]
        assert "more bits" in answer([*lines[:3], {**lines[3], "basis": rows}, *some])
    half = {**lines[3], "bits": [*lines[3]["bits"][:2], 1]}
    assert "more bits" in answer([*lines[:3], half, *lines[4:]])
    double = [[2, 0], [0, 2]]
    out = answer([*lines[:3], {**lines[3], "basis": double}, *lines[4:]])
    assert out != "accepted"


def test_few_bits_leave_no_room(made, answer):
    lines, _ = made
    for bits in range(12):
        coarse = {**lines[3], "bits": [bits, *lines[3]["bits"][1:]]}
        leaf = ["p", 0, 0, 0, [0, 0]]
        some = [
            line
            for sign in (1, -1)
            for number in range(4)
            for line in (["o", sign, number], leaf)
        ]
        assert answer([*lines[:3], coarse, *some]) != "accepted"


def test_rounding_of_many_rows_is_paid_for(tmp_path, answer):
    """Each row is 0.3 and rounds to nothing; ten of them are three times beta."""
    X = np.column_stack([np.ones(10), np.arange(10) / 1000.0])
    _, proof, table = proof_of(tmp_path, X, X[:, 1] + 1.0, 0.25)
    lines = [json.loads(line) for line in proof.read_text().splitlines()]
    assert answer(lines, table) == "accepted"
    dual = {"exponent": -20, "values": [-round(0.3 * 0.25 * 2**20)] * 10}
    some = [
        line
        for sign in (1, -1)
        for number in range(4)
        for line in small(2, number, sign)
    ]
    coarse = {**lines[3], "bits": [0, *lines[3]["bits"][1:]]}
    assert "more bits" in answer([*lines[:2], dual, coarse, *some], table)


@pytest.mark.parametrize(
    "spec", ["hinge", "logistic", "quantile:0.9", "absolute", "huber:0.3", "poisson"]
)
def test_a_dual_point_outside_the_domain_is_refused(spec, tmp_path, answer):
    """With a beta so large that all prices are below it."""
    X, y = planted_for(spec, 8, 2, seed=6)
    _, proof, table = proof_of(tmp_path, X, y, 1e4, loss=spec)
    lines = [json.loads(line) for line in proof.read_text().splitlines()]
    assert answer(lines, table) == "accepted"
    unit = 2.0 ** lines[2]["exponent"]
    for size in (-3.0, 3.0):
        values = [round(size * (1 + abs(t)) / unit) for t in np.asarray(y, float)]
        if spec == "poisson" and size > 0:
            continue
        forged = {**lines[2], "values": values}
        some = [
            line
            for sign in (1, -1)
            for number in range(4)
            for line in (["o", sign, number], ["p", 0, 0, 3, _signs(number, 5)])
        ]
        out = answer([*lines[:2], forged, lines[3], *some], table)
        assert "outside the domain" in out


def _signs(number, size):
    return [-size if number >> j & 1 else size for j in range(2)]


def test_parameters_of_losses_are_in_their_ranges(tmp_path, answer):
    X, y = planted(8, 2, seed=6)
    for spec, wrong in (
        ("huber:0.3", [-1, 0]),
        ("quantile:0.9", [3, -1]),
        ("quantile:0.9", [-1, -2]),
        ("epsilon_insensitive:0.4", [-1, -2]),
    ):
        folder = tmp_path / spec.replace(":", "-") / str(wrong[0])
        folder.mkdir(parents=True)
        _, proof, table = proof_of(folder, X, y, 0.2, loss=spec)
        lines = [json.loads(line) for line in proof.read_text().splitlines()]
        assert answer(lines, table) == "accepted"
        claim = {**lines[0], "loss": [lines[0]["loss"][0], wrong]}
        assert answer([claim, *lines[1:]], table) != "accepted"
