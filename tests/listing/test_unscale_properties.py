"""`unscale` against frexp and ldexp of NumPy, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arrangement._kernels.tree import unscale

pytestmark = pytest.mark.kernels
entries = st.one_of(
    st.sampled_from((0.0, -0.0, 1.0, -1.5, 5e-324, -1e-310, 2.0**-1022, 1e300)),
    st.floats(-1e300, 1e300),
)


def by_numpy(scaled, shifts):
    """Points, and where an entry of one underflows."""
    _, exponents = np.frexp(scaled)
    exponents = np.where(scaled == 0.0, -(1 << 30), exponents) - shifts
    highest = exponents.max(axis=1, keepdims=True)
    powers = -shifts - np.where(np.any(scaled, axis=1, keepdims=True), highest, 0)
    with np.errstate(under="ignore", over="ignore"):
        points = np.ldexp(scaled, powers)
        return points, np.any(np.ldexp(points, -powers) != scaled, axis=1)


@given(st.data(), st.integers(1, 4), st.booleans())
@settings(max_examples=200, deadline=None)
def test_points_are_those_of_numpy(data, width, is_affine):
    rows = st.lists(entries, min_size=width, max_size=width)
    scaled = np.array(data.draw(st.lists(rows, min_size=1, max_size=4)))
    shift = st.integers(-1100, 1100)
    shifts = np.array(data.draw(st.lists(shift, min_size=width, max_size=width)))
    columns = np.array(data.draw(st.permutations(range(width + 1))))[:width]
    points = np.zeros((len(scaled), width + 1))
    bad = np.array([data.draw(st.booleans()) for _ in scaled])
    expected, is_bad = by_numpy(scaled, shifts)
    if is_affine:
        is_bad |= ~(expected[:, -1] > 0.0)
    is_bad |= bad
    unscale(scaled, shifts, columns, is_affine, points, bad)
    assert np.array_equal(points[:, columns], expected)
    assert np.array_equal(bad, is_bad)
    rest = np.setdiff1d(np.arange(width + 1), columns)
    assert not points[:, rest].any()


@given(st.lists(entries.filter(bool), min_size=2, max_size=2), st.integers(-900, 900))
@example([5e-324, 1e300], 0)
@settings(max_examples=50, deadline=None)
def test_the_largest_entry_is_about_one(row, shift):
    points, bad = np.zeros((1, 2)), np.zeros(1, dtype=bool)
    shifts = np.array([shift, shift])
    unscale(np.array([row]), shifts, np.arange(2), False, points, bad)
    assert 0.5 <= np.abs(points).max() < 1.0
