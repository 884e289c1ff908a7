"""Orbits of chambers against all images of all chambers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import (
    IncompleteListingError,
    InputError,
    ListingStoppedError,
    Progress,
    enumerate_patterns,
    iter_orbits,
)
from arrangement.listing import orbits
from arrangement.model import Arrangement, Frame, find_symmetries, read_symmetries

from reference import families
from reference.symmetric_rows import degenerate, symmetric

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# classes of self-dual threshold functions (OEIS A002077); one chamber of a Weyl group
N_ORBITS = {
    "threshold 2": (families.threshold(2), 2),
    "threshold 3": (families.threshold(3), 3),
    "threshold 4": (families.threshold(4), 7),
    "threshold 5": (families.threshold(5), 21),
    "threshold 6": (families.threshold(6), 135),
    "braid 7": (families.braid(7), 1),
    "B5": (families.coxeter_b(5), 1),
    "E6": (
        [
            row
            for row in families.coxeter_e7()
            if sum(a * b for a, b in zip(row, families.coxeter_e7()[0], strict=True))
            == 0
        ],
        1,
    ),
    "boolean 10": (families.boolean(10), 1),
    "D5": (families.coxeter_d(5), 1),
}


@pytest.mark.parametrize("name", N_ORBITS)
def test_known_numbers_of_orbits(name: str) -> None:
    rows, number = N_ORBITS[name]
    assert len(list(iter_orbits(rows))) == number


def all_orbits(rows: Any, offsets: Any, symmetries: Any) -> set[frozenset[bytes]]:
    """Join every chamber with its images under signed permutations of hyperplanes."""
    arrangement = Arrangement(rows, offsets)
    frame = Frame(arrangement.cone)
    every = enumerate_patterns(arrangement).to_signs()[:, arrangement.first_rows]
    m = arrangement.n_distinct
    index = {row.tobytes(): i for i, row in enumerate(every)}
    parent = list(range(len(every)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    identity = frame.symmetry(np.arange(len(frame.rows), dtype=np.int32))
    assert identity is not None
    moves = []
    for component in set(identity.components.tolist()):
        flips = np.where(identity.components == component, -1, 1)
        if offsets is None or flips[-1] == 1:
            moves.append((np.arange(m), flips[:m]))
    for one in symmetries:
        signs = one.signs
        if offsets is not None and signs[-1] < 0:
            part = identity.components == identity.components[-1]
            signs = np.where(part, -signs, signs)
        moves.append((one.images[:m], signs[:m]))
    for images, signs in moves:
        moved = np.empty_like(every)
        moved[:, images] = every * signs.astype(np.int8)
        for i, row in enumerate(moved):
            parent[root(i)] = root(index[row.tobytes()])
    out: dict[int, set[bytes]] = {}
    for i, row in enumerate(every):
        out.setdefault(root(i), set()).add(row.tobytes())
    return {frozenset(orbit) for orbit in out.values()}


def check(rows: Any, offsets: Any, symmetry: Any) -> None:
    arrangement = Arrangement(rows, offsets)
    frame = Frame(arrangement.cone)
    if symmetry == "auto":
        last = None if offsets is None else len(frame.rows) - 1
        symmetries = find_symmetries(frame, kept=last)
    else:
        symmetries = read_symmetries(arrangement, symmetry, frame)
    expected = all_orbits(rows, offsets, symmetries)
    seen = set()
    for orbit in iter_orbits(rows, offsets=offsets, symmetry=symmetry):
        signs = 2 * orbit.pattern[arrangement.first_rows].astype(np.int8) - 1
        (whole,) = [one for one in expected if signs.tobytes() in one]
        assert orbit.size == len(whole)
        seen.add(whole)
    assert seen == expected


@pytest.mark.parametrize(
    "rows",
    [
        families.braid(4),
        families.threshold(3),
        families.resonance(4),
        families.coxeter_d(4),
        families.crosspolytope(3),
        families.generic(8, 3, seed=5),
        [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 3], [-2, 0, 0]],
    ],
)
def test_orbits_of_families(rows: Any) -> None:
    check(rows, None, "auto")
    check(rows, None, [])


@settings(relaxed, max_examples=20)
@given(st.integers(0, 10**9))
def test_orbits_of_degenerate_rows(seed: int) -> None:
    rows, offsets = degenerate(random.Random(seed), most_rows=9)
    if Arrangement(rows, offsets).n_distinct:
        check(rows, offsets, "auto")


@settings(relaxed, max_examples=20)
@given(st.integers(0, 10**9))
def test_orbits_under_a_given_group(seed: int) -> None:
    rows, generators = symmetric(random.Random(seed))
    if len(rows) <= 12:
        check(rows, None, generators)


def test_nothing_to_list() -> None:
    (only,) = iter_orbits(np.zeros((2, 3)))
    assert only.pattern.tolist() == [True, True]
    assert only.size == 1
    affine = iter_orbits([[0, 0], [1, 0]], offsets=[1, 2])
    assert [(o.pattern.tolist(), o.size) for o in affine] in (
        [([False, True], 1), ([False, False], 1)],
        [([False, False], 1), ([False, True], 1)],
        [([False, True], 2)],
        [([False, False], 2)],
    )


def test_limits_and_progress() -> None:
    said: list[Progress] = []
    orbits_found = list(iter_orbits(families.threshold(4), progress=said.append))
    assert said[-1].done == sum(one.size for one in orbits_found) == 1882
    with pytest.raises(ListingStoppedError, match=r"time_limit=1e-09 s was reached"):
        list(iter_orbits(families.threshold(4), time_limit=1e-9))
    with pytest.raises(InputError, match="no linear map"):
        list(iter_orbits([[1, 0], [0, 1], [1, 1], [1, 3]], symmetry=[[1, 2, 0, 3]]))


def test_a_chamber_with_too_many_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orbits, "_MOST_PATHS", 2)
    with pytest.raises(ListingStoppedError, match="too many symmetries to follow"):
        list(iter_orbits(families.boolean(6)))


def test_orbits_that_are_missed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = orbits._Orbits._neighbours
    monkeypatch.setattr(
        orbits._Orbits, "_neighbours", lambda self, chambers: plain(self, chambers)[:1]
    )
    with pytest.raises(IncompleteListingError, match="but the count is 1,882"):
        list(iter_orbits(families.threshold(4)))


def test_a_chain_that_is_not_whole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orbits.Stabilisers, "is_proven", lambda self: False)
    with pytest.raises(ListingStoppedError, match="not all found"):
        list(iter_orbits(families.braid(3)))


@pytest.mark.parametrize("symmetry", ["auto", [[1, 0]]])
def test_infinity_keeps_its_side(symmetry: Any) -> None:
    # x < -1, between, x > 1: turning the line around takes x = 1 to x = -1
    found = list(iter_orbits([[1], [1]], offsets=[1, -1], symmetry=symmetry))
    assert sorted(one.size for one in found) == [1, 2]
    check([[1], [1]], [1, -1], symmetry)
