"""Keys of the order along a line, and the vector operations, against plain loops."""

from __future__ import annotations

import math
from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement._kernels import bits, keys
from arrangement._kernels.keys import CERTAIN

pytestmark = pytest.mark.kernels


@numba.njit
def run_order_rows(alpha, beta, start, off, least, out):
    return keys.order_rows(alpha, beta, start, off, least, out)


@numba.njit
def run_compare_keys(values, start, key):
    return keys.compare_keys(values, start, key)


@numba.njit
def run_subtract_multiple(target, source, other, start, weight):
    return bits.subtract_multiple(target, source, other, start, weight)


def bits_of(word):
    return [int(word) >> k & 1 for k in range(64)]


SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, -1e308, 1.0]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_keys_are_floors_of_a_rising_function(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    alpha, beta = rng.standard_normal((2, 192))
    alpha *= 2.0 ** rng.integers(-60, 3, 192)
    for values in (alpha, beta):
        hit = rng.random(192) < data.draw(st.sampled_from((0.0, 0.3)))
        values[hit] = rng.choice(SPECIAL, int(hit.sum()))
    start = data.draw(st.sampled_from((0, 64, 128)))
    off = data.draw(st.sampled_from((0.0, 2.0**-50, math.nan, *np.abs(alpha[:4]))))
    least = data.draw(st.sampled_from((2.0**-900, 2.0**-20, math.inf, math.nan)))
    out = np.full(192, 99, dtype=np.int16)
    negative, sure = run_order_rows(alpha, beta, start, off, least, out)
    assert np.all(np.delete(out, range(start, start + 64)) == 99)
    assert bits_of(negative) == (alpha[start : start + 64] < 0).astype(int).tolist()
    for k, is_sure in enumerate(bits_of(sure)):
        a, b = float(alpha[start + k]), float(beta[start + k])
        with np.errstate(all="ignore"):
            total = abs(a) + abs(b)
        assert is_sure == (abs(a) > off and least < total < 2.0**1000)
        if is_sure:
            ratio = -Fraction(b) / (abs(Fraction(a)) + abs(Fraction(b)))
            exact = 32000 * (ratio if a > 0 else -ratio)
            # a floor, but for the rounding of three operations
            assert -Fraction(1, 2**30) < exact - int(out[start + k])
            assert exact - int(out[start + k]) < 1 + Fraction(1, 2**30)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_keys_two_apart_never_mistake_the_order(data):
    """Also where both numbers of both rows are off by as much as they may be."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    error = 2.0 ** -data.draw(st.integers(19, 50))
    least = CERTAIN * 2.0 * error
    # many rows near one place of the line, as small as they may be
    beta, alpha = rng.uniform(-1, 1, (2, 64))
    centre, spread = rng.uniform(-3, 3), 2.0 ** -data.draw(st.integers(8, 18))
    beta = -alpha * (centre + spread * rng.standard_normal(64))
    sizes = least * data.draw(st.sampled_from((1.001, 1.1, 4.0)))
    factor = sizes / (np.abs(alpha) + np.abs(beta))
    alpha, beta = alpha * factor, beta * factor
    out = np.zeros(64, dtype=np.int16)
    _, sure = run_order_rows(alpha, beta, 0, error, least, out)
    true = []
    for a, b in zip(alpha.tolist(), beta.tolist(), strict=True):
        x, y = rng.choice([-1, 1], 2).tolist()
        true.append(
            -(Fraction(b) + y * Fraction(error)) / (Fraction(a) + x * Fraction(error))
        )
    kept = [k for k in range(64) if bits_of(sure)[k]]
    for i in kept[::4]:
        before, after = run_compare_keys(out, 0, int(out[i]))
        for k in kept:
            if bits_of(before)[k]:
                assert true[k] < true[i]
            if bits_of(after)[k]:
                assert true[k] > true[i]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(-32000, 32000))
def test_keys_are_compared_as_by_a_plain_loop(seed, key):
    rng = np.random.default_rng(seed)
    values = rng.integers(-32000, 32001, 192).astype(np.int16)
    near = rng.random(192) < 0.5
    values[near] = np.clip(key + rng.integers(-3, 4, int(near.sum())), -32000, 32000)
    for start in (0, 64, 128):
        before, after = run_compare_keys(values, start, key)
        part = values[start : start + 64].astype(int)
        assert bits_of(before) == (part < key - 1).astype(int).tolist()
        assert bits_of(after) == (part > key + 1).astype(int).tolist()


@pytest.mark.parametrize("start", [0, 64, 128])
def test_a_multiple_is_subtracted_and_the_largest_size_returned(start):
    rng = np.random.default_rng(start)
    source, other = rng.standard_normal((2, 192))
    for place in (0, 1, 31, 32, 63):
        for large in (-9.0, 9.0, math.inf):
            target = np.zeros(192)
            changed = source.copy()
            changed[start + place] = large
            found = run_subtract_multiple(target, changed, other, start, 0.75)
            expected = np.zeros(192)
            part = slice(start, start + 64)
            expected[part] = changed[part] - other[part] * 0.75
            assert np.array_equal(target, expected)
            assert found == np.abs(expected).max()


def test_what_is_no_number_is_the_largest():
    """So that a bound computed from it holds nothing."""
    source = np.ones(64)
    source[40] = math.nan
    assert math.isnan(run_subtract_multiple(np.zeros(64), source, source, 0, 0.5))
