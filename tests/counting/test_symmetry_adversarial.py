"""Permutations that are no symmetries, rows that only look alike, bad primes."""

from __future__ import annotations

import math
from itertools import islice, permutations
from typing import Any

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    InputError,
    InputTypeError,
    characteristic_polynomial,
    count_bounded,
    count_patterns,
)
from arrangement.counting import classes, primes
from arrangement.counting.groups import numbers_by_symmetry
from arrangement.model import Frame, find_symmetries, make_chain

from reference import deletion_restriction as reference
from reference import families
from reference import symmetries as definition

SQUARE = [[1, 0], [0, 1], [1, 1], [1, -1]]


@pytest.mark.parametrize(
    ("symmetry", "match"),
    [
        ([[0, 1, 2]], r"symmetry\[0\] has shape \(3,\); expected \(4,\)"),
        ([[0, 1, 2, 3], [0, 1, 2, 2]], r"symmetry\[1\] is no permutation"),
        ([[0, 1, 2, 4]], "is no permutation"),
        ([[-1, 0, 1, 2]], "is no permutation"),
        ([[[0, 1], [2, 3]]], r"has shape \(2, 2\)"),
        ([[0, [1], 2, 3]], r"expected \(4,\)"),
        ([[1, 2, 0, 3]], r"symmetry\[0\] is no symmetry of the rows: no linear map"),
        ("orthogonal", "symmetry='orthogonal' is unknown"),
    ],
)
def test_wrong_generators_are_refused(symmetry: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        count_patterns(SQUARE, symmetry=symmetry)


@pytest.mark.parametrize(
    "symmetry", [3, [0.5], [[0.0, 1.0, 2.0, 3.0]], [[True] * 4], [["a"] * 4], [1, 0]]
)
def test_other_things_than_permutations(symmetry: Any) -> None:
    with pytest.raises((InputError, InputTypeError), match="symmetry"):
        count_patterns(SQUARE, symmetry=symmetry)


def test_a_symmetry_of_the_flats_only_is_refused() -> None:
    # every permutation keeps the flats of rows in general position, and all counts
    # of them; a linear map takes four of five rows anywhere, and then the fifth is
    # where it is
    rows = [*families.boolean(4), (1, 1, 1, 1), (1, 2, 4, 8)]
    moved = [[1, 0, 2, 3, 4, 5], [0, 1, 2, 3, 5, 4], [5, 1, 2, 3, 4, 0]]
    for images in moved:
        assert not definition.is_symmetry(rows, images)
        with pytest.raises(InputError, match="no linear map"):
            count_patterns(rows, symmetry=[images])
    # without the last row they are symmetries, whatever the scales
    scaled = [[s * x for x in row] for s, row in zip((3, -2, 7, 1, -5), rows)]  # noqa: B905
    for images in permutations(range(5)):
        assert count_patterns(scaled, symmetry=[images]) == 30


def test_rows_of_the_same_angles_up_to_signs_are_no_symmetry() -> None:
    # any two of these lines make the same angle, and products of three of the signs
    # tell which permutations a linear map brings about
    rows = [
        (1, 1, 1, 1, 1, 1, -3, -3),
        *((-3, 1, 1, 1, 1, 1, 1, -3), (1, -3, 1, 1, 1, 1, 1, -3)),
        *((-3, -3, 1, 1, 1, 1, 1, 1), (1, 1, -3, -3, 1, 1, 1, 1)),
        *((1, 1, 1, 1, -3, -3, 1, 1), (1, 1, 1, -3, 1, -3, 1, 1)),
    ]
    frame = Frame(Arrangement(rows).cone)
    found = [one.images for one in find_symmetries(frame)]
    for images in definition.closure(found, 7):
        assert frame.symmetry(np.array(images, dtype=np.int32)) is not None
    for images in islice(permutations(range(7)), 1, None, 601):
        checked = frame.symmetry(np.array(images, dtype=np.int32))
        assert (checked is not None) == definition.is_symmetry(frame.rows, images)


def test_one_unit_breaks_a_symmetry() -> None:
    # the angles differ by less than the search tells apart, the check does not care
    big = 10**12
    rows = [
        [big, 0, 0, 0],
        [0, big, 0, 0],
        [0, 0, big, 0],
        [0, 0, 0, big],
        [big, big, big, big],
        [big, big, big, big + 1],
    ]
    frame = Frame(Arrangement(rows).cone)
    for one in find_symmetries(frame):
        assert definition.is_symmetry(frame.rows, one.images.tolist())
    with pytest.raises(InputError, match="no linear map"):
        count_patterns(rows, symmetry=[[3, 1, 2, 0, 4, 5]])
    swap = [1, 0, 2, 3, 4, 5]
    assert count_patterns(rows, symmetry=[swap]) == count_patterns(rows, symmetry=None)


def test_equal_opposite_parallel_and_zero_rows() -> None:
    base = families.resonance(4)
    rows = [*base, [0] * 4, *[[-2 * x for x in row] for row in base], [0] * 4, base[0]]
    n = len(base)
    turn = [base.index(row[1:] + row[:1]) for row in base]
    extra = len(rows) - 1
    images = [*turn, n, *[n + 1 + i for i in turn], 2 * n + 1, extra]
    # the copy of row 0 does not go with row 0
    with pytest.raises(
        InputError, match="rows of one hyperplane go to rows of several"
    ):
        count_patterns(rows, symmetry=[images])
    assert count_patterns(rows[:-1], symmetry=[images[:-1]]) == 370
    # zero rows may change places, among themselves
    images[n], images[2 * n + 1] = 2 * n + 1, n
    assert count_patterns(rows[:-1], symmetry=[images[:-1]]) == 370
    images[n], images[0] = images[0], images[n]
    with pytest.raises(InputError, match="a row without a hyperplane"):
        count_patterns(rows[:-1], symmetry=[images[:-1]])
    # two rows of one hyperplane may go to one each way
    doubled = [[1, 0], [2, 0], [0, 1], [0, 3]]
    assert count_patterns(doubled, symmetry=[[3, 2, 0, 1]]) == 4


def test_affine_generators_keep_infinity() -> None:
    rows, offsets = families.shi(5)
    # reverse the coordinates and their signs: x_i - x_j of i < j
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    images = [
        2 * pairs.index((4 - j, 4 - i)) + level for i, j in pairs for level in (0, 1)
    ]
    for count in (count_patterns, count_bounded, characteristic_polynomial):
        known = count(rows, offsets=offsets, symmetry=None)
        assert count(rows, offsets=offsets, symmetry=[images]) == known
    shifted = [b + 7 * (i == 0) for i, b in enumerate(offsets)]
    with pytest.raises(InputError, match="no linear map"):
        count_patterns(rows, offsets=shifted, symmetry=[images])


@pytest.mark.parametrize("symmetry", [None, "auto", []])
def test_no_rows_and_low_rank(symmetry: Any) -> None:
    assert count_patterns(np.zeros((0, 5)), symmetry=symmetry) == 1
    assert count_patterns([[1, 2], [2, 4]], symmetry=symmetry) == 2
    assert count_patterns([[0, 0]], symmetry=symmetry) == 1
    assert count_patterns(np.eye(4), symmetry=symmetry) == 16


def first_primes(n: int) -> list[int]:
    return list(islice(primes._iter_primes(2**40), n))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_minors_that_primes_divide(n: int) -> None:
    # sets of rows that are dependent modulo primes that the count uses, and not else
    planted = math.prod(first_primes(n))
    rows = [
        *families.boolean(5),
        (1, 1, planted, 0, 0),
        (0, 1, 1, planted, 0),
        (1, 0, 0, 1, planted),
        (1, 1, 1, 1, 1 + planted),
        (1, 1, 1, 1, 1),
    ]
    arrangement = Arrangement(rows)
    group = make_chain([], len(rows))
    numbers = numbers_by_symmetry(arrangement, group, classes.Limits(10**9))
    expected = reference.characteristic_polynomial(rows)
    assert tuple((-1) ** k * x for k, x in enumerate(numbers))[::-1] == expected


def test_a_bad_prime_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = classes._count

    def counted(run: classes.Run) -> Any:
        calls.append(plain(run))
        return calls[-1]

    monkeypatch.setattr(classes, "_count", counted)
    p, q, *_ = first_primes(2)
    rows = [*families.boolean(4), (1, p, p, p), (1, q, p, 1), (1, 1, 1, 1)]
    numbers = numbers_by_symmetry(
        Arrangement(rows), make_chain([], len(rows)), classes.Limits(10**9)
    )
    expected = reference.characteristic_polynomial(rows)
    assert tuple((-1) ** k * x for k, x in enumerate(numbers))[::-1] == expected
    assert len(calls) > 1
    assert calls[0] is None
