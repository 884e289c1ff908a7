"""Rows laid out in one call, against the same row by row and in integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement.listing import make_layout

pytestmark = pytest.mark.kernels
moderate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@moderate
@given(
    st.integers(1, 4),
    st.integers(0, 70),
    st.integers(0, 2**32),
    st.sampled_from(["normal", "degenerate", "apart", "affine"]),
)
def test_rows_laid_out_in_one_call_are_those_laid_out_one_by_one(d, n, seed, kind):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n + d, d))
    offsets = None
    if kind == "degenerate":
        # sums of the first rows, on the rays of the base, and rows that repeat
        X[d:] = draw.integers(-1, 2, (n, d)) @ X[:d]
    elif kind == "apart":
        X *= 2.0 ** draw.integers(-200, 200, d)
    elif kind == "affine":
        offsets = draw.normal(size=n + d)
    one, other = Arrangement(X, offsets), Arrangement(X, offsets)
    other.cone.__dict__["floats"] = None
    found, slow = make_layout(one), make_layout(other)
    assert found.shifts == slow.shifts
    assert found.n_digits == slow.n_digits
    for name, array in found.rows._asdict().items():
        wanted = getattr(slow.rows, name)
        if name == "rows" and found.n_digits:
            # the last column is an upper bound of a sum
            np.testing.assert_array_equal(array[:, :-1], wanted[:, :-1])
            np.testing.assert_allclose(array[:, -1], wanted[:, -1], rtol=2.0**-45)
        else:
            np.testing.assert_array_equal(array, wanted)
    for array, wanted in zip(found.outside, slow.outside, strict=True):
        np.testing.assert_array_equal(array, wanted)
    np.testing.assert_array_equal(found.input_row, slow.input_row)
    moving = np.unpackbits(found.outside.moving.view(np.uint8), bitorder="little")
    assert np.flatnonzero(moving).tolist() == np.flatnonzero(one.class_of >= 0).tolist()


def test_signs_of_rows_on_the_rays_of_the_base_are_zero():
    # 2**-300 away from the plane of two rows, and on it
    far = 2**300
    X = np.array(
        [[far, 1, 0], [1, far, 7], [3, 5, far], [far + 1, far + 1, 7]], dtype=object
    )
    layout = make_layout(Arrangement(X))
    assert layout.n_digits
    signs = layout.rows.base_masks[:, 0].astype(np.int64) & 8
    signs -= layout.rows.base_masks[:, layout.n_words].astype(np.int64) & 8
    assert (signs // 8).tolist() == [1, 1, 0]
