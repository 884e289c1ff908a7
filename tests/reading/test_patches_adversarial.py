"""Bad sizes, strides and shapes are named."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement.errors import InputError, InputTypeError
from convex_solver.reading.patches import extract_patches

SIGNALS = np.zeros((2, 5))
IMAGES = np.zeros((2, 4, 6, 3))

BAD = {
    "window too long": (SIGNALS, 6, 1, r"size=6 is larger than the signals, 5"),
    "window too wide": (IMAGES, (4, 7), 1, r"size=\(4, 7\) is larger .* 4 x 6"),
    "stride too large": (SIGNALS, 2, 6, r"stride=6 is larger than the signals, 5"),
    "stride too large for one axis": (
        IMAGES,
        (2, 2),
        5,
        r"stride=5 is larger than the images, 4 x 6; expected at most that",
    ),
    "size zero": (SIGNALS, 0, 1, r"size=0; expected at least 1"),
    "stride zero": (SIGNALS, 2, 0, r"stride=0; expected at least 1"),
    "negative stride": (IMAGES, (2, 2), (1, -1), r"stride=\(1, -1\)"),
    "two strides for signals": (SIGNALS, 2, (1, 1), r"give one stride for signals"),
    "no samples": (np.zeros((0, 5)), 2, 1, r"shape \(0, 5\).*patches is empty"),
    "no channels": (np.zeros((2, 5, 0)), 2, 1, r"shape \(2, 5, 0\).*is empty"),
    "no length": (np.zeros((2, 0)), 1, 1, r"size=1 is larger than the signals, 0"),
    "images with one size": (IMAGES, 2, 1, r"\(2, 4, 6, 3\).*size as a pair.*images"),
    "signals with a pair": (SIGNALS, (2, 2), 1, r"\(2, 5\).*size as one number"),
}
BAD_TYPES = {
    "float": (SIGNALS, 2.0, 1, r"size=2.0; expected an int"),
    "bool": (SIGNALS, True, 1, r"size=True; expected an int"),
    "three": (IMAGES, (2, 2, 2), 1, r"size=\(2, 2, 2\).*pair of ints"),
    "text": (SIGNALS, 2, "1", r"stride='1'"),
    "none": (SIGNALS, None, 1, r"size=None"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values(name):
    data, size, stride, message = BAD[name]
    with pytest.raises(InputError, match=message):
        extract_patches(data, size, stride=stride)


@pytest.mark.parametrize("name", BAD_TYPES)
def test_bad_types(name):
    data, size, stride, message = BAD_TYPES[name]
    with pytest.raises(InputTypeError, match=message):
        extract_patches(data, size, stride=stride)


def test_the_largest_stride_and_window_are_allowed():
    assert extract_patches(SIGNALS, 5, stride=5).shape == (2, 1, 5)
    assert extract_patches(IMAGES, (4, 6), stride=(4, 6)).shape == (2, 1, 72)
