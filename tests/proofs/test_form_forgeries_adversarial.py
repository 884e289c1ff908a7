"""Forged leaves of the sphere: each would pass if one demand were missing."""

from __future__ import annotations

import json

import pytest

from convex_solver import checker

from instances import form_proof_of, planted

pytestmark = pytest.mark.kernels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The lines of a proof on some leaves, parsed, and its table."""
    folder = tmp_path_factory.mktemp("forged")
    X, y = planted(16, 3, seed=4)
    _, proof, table = form_proof_of(folder, X, y, 0.2, leaves=6)
    return [json.loads(line) for line in proof.read_text().splitlines()], table


@pytest.fixture
def answer(made, tmp_path, capsys):
    """What the checker says to lines."""

    def call(lines):
        path = tmp_path / "forged.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code = checker.main([str(path), str(made[1])])
        out = capsys.readouterr().out
        return "accepted" if code == 0 else out

    return call


def said_false(out):
    """Whether a leaf was refused for what it claims."""
    reasons = ("not below R", "above its parabola", "exceeds 1", "is negative")
    return "forged.jsonl, line " in out and any(reason in out for reason in reasons)


def leaves(lines):
    """Places of the leaves."""
    return [k for k, line in enumerate(lines) if k > 3 and line[0] == "q"]


def changed(lines, k, place, value):
    """The lines with one item of line k, at a path of places, another."""
    other = json.loads(json.dumps(lines[k]))
    inner = other
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return [*lines[:k], other, *lines[k + 1 :]]


def test_a_longer_dual_point_and_a_smaller_beta_are_refused(made, answer):
    lines, _ = made
    assert answer(lines) == "accepted"
    for factor in (1.001, 1.00001, 1.0000001):
        values = [int(x * factor) for x in lines[2]["values"]]
        longer = {**lines[2], "values": values}
        assert said_false(answer([*lines[:2], longer, *lines[3:]]))
    m, e = lines[0]["beta"]
    claim = {**lines[0], "beta": [m * 2**20 - m, e - 20]}
    assert said_false(answer([claim, *lines[1:]]))


def test_both_signs_and_both_sides_are_needed(made, answer):
    lines, _ = made
    second = next(k for k, x in enumerate(lines) if k > 4 and x[:1] == ["o"])
    assert "8 roots" in answer(lines[:second])
    assert "no new root" in answer([*lines[:second], *lines[4:second]])
    assert "not proven" in answer([*lines, lines[-1]])
    assert "expected o" in answer([*lines, ["q", 1, [], [], 0]])
    for k in leaves(lines):
        assert answer([*lines[:k], *lines[k + 1 :]]) != "accepted"
    cut = next(k for k, x in enumerate(lines) if k > 3 and x[0] == "h")
    # a leaf of one side for the whole
    assert answer([*lines[:cut], *lines[cut + 1 :]]) != "accepted"
    assert "expected h or q" in answer([*lines[:cut], ["b", 0, 1], *lines[cut + 1 :]])
    orthants = [["o", s, k] for s in (1, -1) for k in range(8)]
    for step in (["h", 1, 0, 0, 0], ["q", [], [], 0]):
        assert "expected b or s or p" in answer([*lines[:4], orthants[0], step])


def test_facets_have_as_many_numbers_as_needed_and_both_sides(made, answer):
    lines, _ = made
    cut = next(k for k, x in enumerate(lines) if k > 3 and x[0] == "h")
    for line in (lines[cut][:-1], [*lines[cut], 0], ["h"], ["h", *["1"] * 4]):
        assert answer([*lines[:cut], line, *lines[cut + 1 :]]) != "accepted"
    # the sides change places: multipliers of the others prove nothing
    turned = ["h", *[-x for x in lines[cut][1:]]]
    assert answer([*lines[:cut], turned, *lines[cut + 1 :]]) != "accepted"


@pytest.mark.slow
def test_a_form_below_what_it_bounds_is_refused(made, answer):
    """What makes the form smaller without a reason, one demand after another."""
    lines, _ = made
    n_forged = [0] * 6
    one = 2 ** lines[3]["bits"][0]
    for k in leaves(lines):
        _, terms, products, _ = lines[k]
        for g, (_, _, more) in enumerate(terms):
            if len(more) == 3:
                n_forged[0] += 1
                for other in ([more[0], -1, more[2]], [*more[:2], -1]):
                    assert "no top" in answer(changed(lines, k, [1, g, 2], other))
                if more[2] > 1:
                    n_forged[1] += 1
                    lower = [*more[:2], more[2] - 1 - more[2] // 2**20]
                    forged = changed(lines, k, [1, g, 2], lower)
                    assert "above its parabola" in answer(forged)
                forged = changed(lines, k, [1, g, 2], [3 * one, 0, 0])
                assert answer(forged) != "accepted"
            elif len(more) == 4:
                n_forged[2] += 1
                for place in range(4):
                    for size in (2 * one, -(10**6) * one):
                        other = [*more[:place], size, *more[place + 1 :]]
                        forged = changed(lines, k, [1, g, 2], other)
                        assert "exceeds 1" in answer(forged)
                    if g:
                        break
            for side in (0, 1):
                if terms[g][side]:
                    n_forged[3] += 1
                    forged = changed(lines, k, [1, g, side, 0], -(10**6) * one)
                    assert "integers in a certain range" in answer(forged)
            if min(n_forged[0], n_forged[2]) > 3:
                break
        for f, (h, b) in enumerate(products):
            n_forged[4] += 1
            low = changed(lines, k, [2, f, 0, 0], -h[0] - 4 * one)
            assert "negative" in answer(low)
            steep = changed(lines, k, [2, f, 0], [h[0], 10**6 * one + h[1], *h[2:]])
            assert "negative" in answer(steep)
            assert answer(changed(lines, k, [2, f, 0], [*h, 0])) != "accepted"
            if b:
                assert answer(changed(lines, k, [2, f, 1, 0], -1)) != "accepted"
        for more in ([*products, [[1, 0, 0, 0], []]], products[1:]):
            if more != products:
                assert "zip()" in answer(changed(lines, k, [2], more))
        for other in (5 * one, -5 * one):
            n_forged[5] += 1
            assert "not below R" in answer(changed(lines, k, [3], other))
        for other in (terms[1:], [*terms, terms[0]]):
            assert answer(changed(lines, k, [1], other)) != "accepted"
    assert min(n_forged) > 0


def test_ranges_are_those_of_the_part(made, answer):
    """A parabola that is right on a part is not on the whole sphere."""
    lines, _ = made
    without = 0
    for k in leaves(lines):
        terms = [[[], [], more] for _, _, more in lines[k][1]]
        if terms != lines[k][1]:
            without += answer(changed(lines, k, [1], terms)) != "accepted"
    assert without > 0


def test_no_nesting_or_size_hangs_it(made, answer):
    lines, _ = made
    k = leaves(lines)[0]
    huge = 10**1200
    for place, value in (
        ([3], huge),
        ([3], -huge),
        ([1, 0, 2], [huge, huge, huge]),
        ([1, 0, 2], [huge, huge, huge, huge]),
    ):
        assert answer(changed(lines, k, place, value)) != "accepted"
    assert answer(changed(lines, k, [1, 0, 0], [huge] * 40)) is not None
    coarse = {**lines[3], "bits": [4096, *lines[3]["bits"][1:]]}
    assert answer([*lines[:3], coarse, *lines[4:]]) != "accepted"
    wide = [[1] * 4 for _ in range(3)]
    assert "other data" in answer([*lines[:3], {**lines[3], "basis": wide}])
