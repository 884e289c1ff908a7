"""Face numbers by classes of flats against those of each flat."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import count_patterns, face_numbers, restricted_counts
from arrangement.counting import classes, restrictions
from arrangement.counting.face_classes import face_numbers_by_classes
from arrangement.model import Arrangement, Frame, find_symmetries, make_chain

from reference import families
from reference.symmetric_rows import degenerate, symmetric

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agrees(rows: list[list[int]]) -> None:
    arrangement = Arrangement(rows)
    frame = Frame(arrangement.cone)
    if frame.rank < 2:
        return
    expected = face_numbers(rows, symmetry=None)
    found = [one.images for one in find_symmetries(frame)]
    for generators in (found, found[:1], []):
        group = make_chain(generators, len(frame.rows))
        limits = classes.Limits(10**9)
        mine = face_numbers_by_classes(frame.rows, frame.rank, group, limits)
        assert mine == expected


@settings(relaxed, max_examples=15)
@given(st.integers(0, 10**9))
def test_equals_the_sum_over_flats(seed: int) -> None:
    source = random.Random(seed)
    agrees(degenerate(source, most_rows=9, affine=False)[0])


@pytest.mark.slow
@settings(relaxed, max_examples=15)
@given(st.integers(0, 10**9))
def test_of_rows_with_symmetries(seed: int) -> None:
    agrees(symmetric(random.Random(seed))[0][:16])


@pytest.mark.parametrize("k", range(4, 10))
def test_faces_of_the_braid_arrangement_are_ordered_partitions(k: int) -> None:
    # of k + 1 things into j + 1 blocks: surjections
    def surjections(n: int, j: int) -> int:
        return sum((-1) ** i * math.comb(j, i) * (j - i) ** n for i in range(j + 1))

    expected = tuple(surjections(k + 1, j + 1) for j in range(k + 1))
    assert face_numbers(families.braid(k)) == expected
    if k < 6:
        assert face_numbers(families.braid(k), symmetry=None) == expected


def test_faces_of_the_boolean_arrangement() -> None:
    expected = tuple(math.comb(7, k) * 2**k for k in range(8))
    assert face_numbers(families.boolean(7)) == expected


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_faces_add_up_to_one(n: int) -> None:
    numbers = face_numbers(families.resonance(n))
    assert sum((-1) ** k * x for k, x in enumerate(numbers)) == (-1) ** n
    assert numbers[-1] == count_patterns(families.resonance(n))
    # half of the facets' sides
    assert (
        numbers[-2]
        == sum(
            restricted_counts(
                Arrangement(families.resonance(n)), numbers[-1], earlier=False
            )
        )
        if n < 6
        else True
    )


def test_a_group_that_is_given() -> None:
    rows = families.resonance(4)
    turn = [rows.index(row[1:] + row[:1]) for row in rows]
    expected = face_numbers(rows, symmetry=None)
    assert face_numbers(rows, symmetry=[turn]) == expected
    affine = {"offsets": [1] * len(rows)}
    expected = face_numbers(rows, symmetry=None, **affine)
    assert face_numbers(rows, symmetry=[turn], **affine) == expected


def test_restrictions_to_rows_of_one_orbit(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (families.resonance(4), families.coxeter_b(4), families.braid(5)):
        arrangement = Arrangement(rows)
        chambers = count_patterns(arrangement)
        monkeypatch.setattr(restrictions, "_MANY", 10**9)
        expected = restricted_counts(arrangement, chambers, earlier=False)
        monkeypatch.setattr(restrictions, "_MANY", 0)
        assert restricted_counts(arrangement, chambers, earlier=False) == expected
        earlier = restricted_counts(arrangement, chambers, earlier=True)
        assert sum(earlier) < sum(expected)
