"""Counts by classes of flats against those without, for groups of every size."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement._kernels import orbits as images
from arrangement.counting import characteristic_polynomial, classes, count_patterns
from arrangement.counting.groups import numbers_by_symmetry
from arrangement.model import (
    Arrangement,
    Frame,
    Stabilisers,
    find_symmetries,
    make_chain,
)

from reference import deletion_restriction as reference
from reference import symmetries as definition
from reference.symmetric_rows import degenerate, symmetric

pytestmark = pytest.mark.kernels

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def found(frame: Frame) -> Stabilisers:
    generators = [one.images for one in find_symmetries(frame)]
    return make_chain(generators, len(frame.rows))


def by_classes(rows: Any, offsets: Any = None, *, group: Any = None) -> Any:
    """Return the polynomial by classes, or None where the rank is too low."""
    arrangement = Arrangement(rows, offsets)
    frame = Frame(arrangement.cone)
    if frame.rank < classes.LEAST_RANK:
        return None
    chain = found(frame) if group is None else make_chain(group, len(frame.rows))
    numbers = numbers_by_symmetry(arrangement, chain, classes.Limits(10**9))
    return tuple((-1) ** k * x for k, x in enumerate(numbers))[::-1]


@relaxed
@given(st.integers(0, 10**9))
def test_equals_deletion_restriction(seed: int) -> None:
    rows, offsets = degenerate(random.Random(seed), most_rows=9)
    polynomial = by_classes(rows, offsets)
    if polynomial is not None:
        assert polynomial == reference.characteristic_polynomial(rows, offsets)


@settings(relaxed, max_examples=60)
@given(st.integers(0, 10**9))
def test_classes_need_not_be_orbits(seed: int) -> None:
    # no group, a part of it, and searches that are cut short give the same numbers
    source = random.Random(seed)
    rows, offsets = degenerate(source, most_rows=12)
    polynomial = by_classes(rows, offsets, group=[])
    if polynomial is None:
        return
    assert polynomial == characteristic_polynomial(rows, offsets=offsets, symmetry=None)
    frame = Frame(Arrangement(rows, offsets).cone)
    generators = [one.images for one in find_symmetries(frame)]
    some = [g for g in generators if source.random() < 0.5]
    assert by_classes(rows, offsets, group=some) == polynomial
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classes, "_MOST_PATHS", 1)
        patch.setattr(classes, "_ROUNDS", 0)
        assert by_classes(rows, offsets) == polynomial


@settings(relaxed, max_examples=30)
@given(st.integers(0, 10**9))
def test_rows_with_symmetries(seed: int) -> None:
    source = random.Random(seed)
    rows, generators = symmetric(source)
    polynomial = characteristic_polynomial(rows, symmetry=None)
    assert characteristic_polynomial(rows, symmetry=generators) == polynomial
    if len(polynomial) > classes.LEAST_RANK:
        assert by_classes(rows) == polynomial


@settings(relaxed, max_examples=8)
@given(st.integers(0, 10**9))
def test_what_is_found_are_symmetries(seed: int) -> None:
    rows, _ = degenerate(random.Random(seed), most_rows=5, affine=False)
    frame = Frame(Arrangement(rows).cone)
    if not frame.rank:
        return
    every = definition.all_symmetries(frame.rows)
    for s in every:
        assert frame.symmetry(np.array(s, dtype=np.int32)) is not None
    group = found(frame)
    mine = definition.closure(
        [one.images for one in find_symmetries(frame)], len(frame.rows)
    )
    assert mine <= every
    assert len(mine) == group.order
    assert group.is_proven()


@settings(relaxed, max_examples=40)
@given(st.integers(0, 10**9))
def test_the_check_is_the_definition(seed: int) -> None:
    source = random.Random(seed)
    rows, _ = degenerate(source, most_rows=7, affine=False)
    frame = Frame(Arrangement(rows).cone)
    m = len(frame.rows)
    for _ in range(5):
        s = source.sample(range(m), m)
        checked = frame.symmetry(np.array(s, dtype=np.int32))
        assert (checked is not None) == definition.is_symmetry(frame.rows, s)


@settings(relaxed, max_examples=30)
@given(st.integers(0, 10**9))
def test_signs_are_those_of_a_linear_map(seed: int) -> None:
    rows, _ = symmetric(random.Random(seed))
    frame = Frame(Arrangement(rows).cone)
    for one in find_symmetries(frame):
        # A b_k = c_k s(b_k) with |c_k| = 1 does for rows moved without scaling
        signs, moved = one.signs, [frame.rows[i] for i in one.images]
        square = definition.kernel(
            [
                [Fraction(int(signs[j]) * x) for j, x in enumerate(column)]
                for column in zip(*moved, strict=True)
            ],
            len(moved),
        )
        plain = definition.kernel(
            [[Fraction(x) for x in column] for column in zip(*frame.rows, strict=True)],
            len(moved),
        )
        # up to the sizes of the c_i, relations of rows are relations of images
        patterns = {tuple(x != 0 for x in vector) for vector in plain}
        assert {tuple(x != 0 for x in vector) for vector in square} == patterns


@settings(relaxed, max_examples=30)
@given(st.integers(0, 10**9))
def test_an_image_stands_for_an_orbit(seed: int) -> None:
    source = random.Random(seed)
    m = source.randint(2, 7)
    generators = [
        np.array(source.sample(range(m), m), dtype=np.int32)
        for _ in range(source.randint(0, 2))
    ]
    group = make_chain(generators, m)
    every = definition.closure(generators, m)
    assert group.is_proven()
    assert group.order == len(every)
    size = source.randint(1, m)
    sets = [source.sample(range(m), size) for _ in range(8)]
    table = np.array(sets, dtype=np.int64)
    ends = np.zeros((len(sets), 2 + len(group.base)), dtype=np.int64)
    search = group.search()
    assert images.find_images(table, 1, 10**9, group.chain, search, ends)
    for one, image, end in zip(sets, table, ends, strict=True):
        orbit = {frozenset(g[i] for i in one) for g in every}
        assert group.index_of(end) == len(orbit)
        assert frozenset(image.tolist()) in orbit
        # rows keep their places: one element takes all of them
        assert any([g[i] for i in one] == image.tolist() for g in every)
        for other, its in zip(sets, table, strict=True):
            same = frozenset(other) in orbit
            assert same == (set(its.tolist()) == set(image.tolist()))


def test_a_restriction_by_hand() -> None:
    # |w_k| of the resonance arrangement of four coordinates, by the definition
    rows = [[int(b) for b in f"{i:04b}"] for i in range(1, 16)]
    assert by_classes(rows) == reference.characteristic_polynomial(rows)
    assert count_patterns(rows) == 370
