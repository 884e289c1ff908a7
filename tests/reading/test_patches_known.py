"""Patches of small signals and images, written out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from arrangement.errors import InputError
from convex_solver.reading.patches import extract_patches


def test_windows_of_a_signal():
    assert extract_patches([[1, 2, 3, 4]], 2).tolist() == [[[1, 2], [2, 3], [3, 4]]]


def test_a_stride_skips_and_the_rest_is_in_no_patch():
    found = extract_patches([[1, 2, 3, 4, 5, 6]], 2, stride=3)
    assert found.tolist() == [[[1, 2], [4, 5]]]


def test_the_channel_of_a_signal_changes_fastest():
    signal = [[[1, 10], [2, 20], [3, 30]]]
    assert extract_patches(signal, (2,)).tolist() == [[[1, 10, 2, 20], [2, 20, 3, 30]]]


def test_windows_of_an_image_go_by_row_then_column():
    image = np.arange(12).reshape(1, 3, 4)
    found = extract_patches(image, (2, 3), stride=1)
    assert found.tolist() == [
        [
            [0, 1, 2, 4, 5, 6],
            [1, 2, 3, 5, 6, 7],
            [4, 5, 6, 8, 9, 10],
            [5, 6, 7, 9, 10, 11],
        ]
    ]


def test_strides_of_an_image_may_differ():
    image = np.arange(20).reshape(1, 4, 5)
    found = extract_patches(image, (1, 1), stride=(3, 2))
    assert found[0, :, 0].tolist() == [0, 2, 4, 15, 17, 19]


def test_a_window_as_large_as_the_image_is_one_patch():
    image = np.arange(24).reshape(2, 2, 3, 2)
    found = extract_patches(image, (2, 3))
    assert found.shape == (2, 1, 12)
    assert found.ravel().tolist() == list(range(24))


def test_cifar_patches_do_not_overlap(data_folder):
    images = np.load(data_folder / "cifar10_airplane_automobile.npz")["X"][:5]
    found = extract_patches(images, (4, 4), stride=4)
    assert found.shape == (5, 64, 48)
    assert found.dtype == images.dtype
    # row 3, column 6 of the 8 x 8 patches
    expected = images[2, 12:16, 24:28].ravel()
    assert np.array_equal(found[2, 3 * 8 + 6], expected)


def test_greyscale_images_are_not_taken_for_signals():
    images = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    with pytest.raises(
        InputError, match=r"\(2, 2\) for windows of images, size=\(2,\)"
    ):
        extract_patches(images, 2)
    assert extract_patches(images, (2, 2))[0, 0].tolist() == [0, 1, 3, 4]
    assert extract_patches(images, (2,))[0, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_exact_numbers_stay_exact():
    found = extract_patches([[Fraction(1, 3), Fraction(2, 3)]], 2)
    assert found.tolist() == [[[Fraction(1, 3), Fraction(2, 3)]]]


def test_the_result_is_a_copy():
    signal = np.zeros((1, 4))
    found = extract_patches(signal, 2)
    found[...] = 1.0
    assert not signal.any()
    assert found.flags.c_contiguous


def test_integers_beside_floats_stay_exact():
    big = 2**53 + 1
    patches = extract_patches([[big, 0.5, 3]], 2)
    assert patches.tolist() == [[[big, 0.5], [0.5, 3]]]
    assert extract_patches([[0.5, 1.5]], 1).dtype == np.float64
