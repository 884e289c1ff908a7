"""The vector compare of words against a plain loop."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement._kernels import bits

pytestmark = pytest.mark.kernels


@numba.njit
def run_compare_words(alpha, beta, start, apart, p, q, bound):
    return bits.compare_words(alpha, beta, start, apart, p, q, bound)


def plain_words(alpha, beta, start, apart, p, q, bound):
    above = below = 0
    with np.errstate(all="ignore"):
        for k in range(64):
            value = alpha[start + k] * p + beta[start + apart + k] * q
            above |= int(value > bound) << k
            below |= int(value < -bound) << k
    return above, below


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_words_are_compared_as_by_a_plain_loop(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = 192
    kind = data.draw(st.sampled_from((np.float64, np.float32)))
    tiny, huge = np.finfo(kind).smallest_subnormal, np.finfo(kind).max
    special = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, tiny, huge]
    alpha, beta = rng.standard_normal((2, n)).astype(kind)
    for values in (alpha, beta):
        hit = rng.random(n) < data.draw(st.sampled_from((0.0, 0.3)))
        values[hit] = rng.choice(special, int(hit.sum()))
    choices = (*rng.standard_normal(3).astype(kind), kind(1.0))
    p, q = (data.draw(st.sampled_from(choices)) for _ in "pq")
    start = data.draw(st.sampled_from((0, 64, 128)))
    apart = data.draw(st.sampled_from((0, 128 - start)))
    with np.errstate(all="ignore"):
        ahead = beta[start + apart : start + apart + 64]
        values = np.abs(alpha[start : start + 64] * p + ahead * q)
    # exactly at the bound as often as not
    bound = kind(data.draw(st.sampled_from((0.0, 1.0, math.nan, *values[:8]))))
    found = run_compare_words(alpha, beta, start, apart, p, q, bound)
    assert tuple(int(word) for word in found) == plain_words(
        alpha, beta, start, apart, p, q, bound
    )


def test_a_value_at_its_bound_or_that_is_no_number_is_in_neither_word():
    alpha = np.zeros(64)
    alpha[:8] = [2.0, -2.0, np.nextafter(2.0, 3), np.nextafter(-2.0, -3), 0, *(3 * [0])]
    alpha[5:8] = [np.nan, np.inf, -np.inf]
    above, below = run_compare_words(alpha, np.zeros(64), 0, 0, 1.0, 1.0, 2.0)
    assert (int(above), int(below)) == (0b01000100, 0b10001000)
    above, below = run_compare_words(alpha, alpha, 0, 0, 1.0, 1.0, math.nan)
    assert (int(above), int(below)) == (0, 0)
