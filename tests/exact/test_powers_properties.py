"""Powers of two of kernels: what the C library says, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arrangement._kernels.compile import bare_kernel
from arrangement._kernels.powers import exponent_of, times_power

pytestmark = pytest.mark.kernels


@bare_kernel
def run(x, exponents, found, products):
    for k in range(x.size):
        found[k] = exponent_of(x[k])
        products[k] = times_power(x[k], exponents[k])


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@example(5e-324, 1074)
@example(5e-324, -1)
@example(1.5, -1074)
@example(3.0 * 2.0**-1060, -14)
@example(-(2.0**1023), 0)
@example(2.0**-1022, 2045)
@example(-0.0, 7)
@given(finite, st.integers(-2200, 2200))
def test_powers_are_those_of_the_c_library(x, exponent):
    try:
        expected = math.ldexp(x, exponent)
    except OverflowError:
        return
    found, products = np.zeros(1, dtype=np.int64), np.zeros(1)
    run(np.array([x]), np.array([exponent], dtype=np.int32), found, products)
    assert found[0] == math.frexp(x)[1]
    assert products.tobytes() == np.array([expected]).tobytes()
