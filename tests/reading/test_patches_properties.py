"""Patches against loops over every window and entry."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.reading.patches import extract_patches

SIZES = st.integers(1, 5)


def slow(images, size, stride):
    """(n, H, W, C) images, entry by entry."""
    n, height, width, channels = images.shape
    tops = range(0, height - size[0] + 1, stride[0])
    lefts = range(0, width - size[1] + 1, stride[1])
    inside = [
        (a, b, c)
        for a in range(size[0])
        for b in range(size[1])
        for c in range(channels)
    ]
    patches = [
        [images[i, top + a, left + b, c] for a, b, c in inside]
        for i in range(n)
        for top in tops
        for left in lefts
    ]
    return np.array(patches).reshape(n, len(tops) * len(lefts), len(inside))


@st.composite
def cases(draw):
    shape = [draw(SIZES), draw(SIZES), draw(SIZES), draw(st.integers(1, 3))]
    size = [draw(st.integers(1, shape[k])) for k in (1, 2)]
    stride = [draw(st.integers(1, shape[k])) for k in (1, 2)]
    return shape, tuple(size), tuple(stride)


@settings(deadline=None)
@given(cases())
def test_images_as_in_the_loops(case):
    shape, size, stride = case
    images = np.arange(np.prod(shape)).reshape(shape)
    assert np.array_equal(
        extract_patches(images, size, stride=stride), slow(images, size, stride)
    )


@settings(deadline=None)
@given(cases())
def test_signals_are_images_of_one_row(case):
    shape, size, stride = case
    signals = np.arange(shape[0] * shape[2] * shape[3]).reshape(shape[0], *shape[2:])
    expected = slow(signals[:, None], (1, size[1]), (1, stride[1]))
    found = extract_patches(signals, size[1:], stride=stride[1])
    assert np.array_equal(found, expected)
    grey = signals[..., 0]
    assert np.array_equal(
        extract_patches(grey, size[1], stride=stride[1]),
        extract_patches(grey[..., None], size[1:], stride=stride[1]),
    )
