"""Cells that one row or two still cut: their chambers, known without new rays."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement.listing.cells.walker import Walker
from arrangement.model.patterns import unpack

from instances import rows_in_rank
from reference.walks import KINDS, layout_of, walk
from strategies import affine_arrangements

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(case=affine_arrangements(max_rows=7), block=st.integers(1, 9))
def test_they_come_in_the_order_of_a_walk_that_cuts_every_cell(kind, case, block):
    X, offsets = case
    if Arrangement(X, offsets).cone.rank == 0:
        return
    layout = layout_of(X, offsets, kind=kind)
    # facets are read off rays, so that nothing is left out where they are asked for
    expected, _, _ = walk(Walker(layout, step=1), facets=True)
    for witnesses in (False, True):
        found, _, _ = walk(Walker(layout, step=1), block=block, witnesses=witnesses)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rank", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_their_points_are_inside(kind, rank, seed):
    X = rows_in_rank(seed, rank + 4, rank, size=2)
    X = X[np.any(X, axis=1)]
    arrangement = Arrangement(X)
    layout = layout_of(X, kind=kind)
    one = Walker(layout, step=2)
    patterns, points, _ = walk(one, block=1 << 12, witnesses=True)
    bits = unpack(patterns, len(X))[::2]
    scales = [Fraction(2) ** shift for shift in one.shifts]
    is_inside = []
    for bits_here, point in zip(bits, points, strict=False):
        z = [Fraction(x) / s for x, s in zip(point.tolist(), scales, strict=True)]
        is_right = True
        for i, index in enumerate(arrangement.class_of.tolist()):
            row = arrangement.cone.rows[index]
            value = sum(a * b for a, b in zip(row, z, strict=True))
            side = 1 if value * int(arrangement.orientation[i]) > 0 else -1
            is_right &= value != 0 and (side > 0) == bool(bits_here[i])
        is_inside.append(is_right)
    # no float is needed to be right; on small integers all are
    assert all(is_inside)
    assert len(is_inside) == len(bits)
