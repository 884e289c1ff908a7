"""The kernels of local searches against loops written from their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver._kernels.solve import training as kernels

from reference.compiled import plain

pytestmark = pytest.mark.kernels

sizes = st.tuples(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3)
)


def drawn(seed, starts, m, n, patches):
    random = np.random.default_rng(seed)
    # some exact zeros: the border between the two sides of the ReLU
    Z = random.integers(-2, 3, (starts * m, n * patches)) * 0.5
    return Z, random.standard_normal((starts, m)), random


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), sizes)
def test_outputs_are_sums_over_neurons_and_patches(seed, size):
    starts, m, n, patches = size
    Z, alphas, _ = drawn(seed, *size)
    for pool in (kernels.pool_outputs, plain(kernels.pool_outputs)):
        out = np.full((starts, n), np.nan)
        pool(Z, alphas, patches, np.full(n * patches, np.nan), out)
        for s in range(starts):
            for i in range(n):
                terms = [
                    alphas[s, j] * max(0.0, Z[s * m + j, i * patches + k])
                    for j in range(m)
                    for k in range(patches)
                ]
                assert out[s, i] == pytest.approx(sum(terms), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), sizes)
def test_slopes_pass_where_a_neuron_is_above_zero_only(seed, size):
    starts, m, n, patches = size
    Z, _, random = drawn(seed, *size)
    slopes = random.standard_normal((starts, n * patches))
    for gate in (kernels.gate_slopes, plain(kernels.gate_slopes)):
        out = Z.copy()
        gate(out, slopes)
        for row in range(starts * m):
            for i in range(n * patches):
                expected = slopes[row // m, i] if Z[row, i] > 0.0 else 0.0
                assert out[row, i] == expected


def test_adam_is_kingma_and_ba_s_algorithm_with_a_rate_for_each_start():
    random = np.random.default_rng(0)
    for step_of in (kernels.adam_step, plain(kernels.adam_step)):
        point = random.standard_normal((2, 3))
        mine, rates = point.copy(), np.array([0.1, 0.02])
        moments = kernels.Moments(np.zeros((2, 3)), np.zeros((2, 3)), 0.9, 0.95)
        m, v = np.zeros((2, 3)), np.zeros((2, 3))
        for step in range(1, 6):
            g = random.standard_normal((2, 3))
            step_of(point, g, moments, rates, step)
            for s in range(2):
                for k in range(3):
                    m[s, k] = 0.9 * m[s, k] + 0.1 * g[s, k]
                    v[s, k] = 0.95 * v[s, k] + 0.05 * g[s, k] ** 2
                    size = math.sqrt(v[s, k] / (1 - 0.95**step)) + 1e-12
                    mine[s, k] -= rates[s] * m[s, k] / (1 - 0.9**step) / size
        assert point == pytest.approx(mine, rel=1e-12)
