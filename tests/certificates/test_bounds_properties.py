"""Bounds of norms, sums and products against exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import rounding as cnn_bounds

from reference.cnn_exact import exact, is_above_spectral_norm
from reference.exact_algebra import inner

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4))
SEEDS = st.integers(0, 10**6)


@settings(deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([0, 300, -300, -1060]), st.booleans())
def test_the_bound_of_the_spectral_norm_is_above_and_close(seed, shape, shift, round_):
    G = np.random.default_rng(seed).normal(size=shape)
    if round_:  # repeated singular values, ranks below full, integers
        G = np.round(G)
    G = np.ldexp(G, shift)
    bound = cnn_bounds.spectral_norm_above(G)
    assert is_above_spectral_norm(exact(G), bound)
    if shift > -1000:
        assert bound <= np.linalg.norm(G, 2) * (1.0 + 1e-13)


def test_the_reference_itself_tells_above_from_below():
    G = np.array([[3.0, 0.0], [4.0, 0.0]])
    assert is_above_spectral_norm(exact(G), 5.0)
    assert not is_above_spectral_norm(exact(G), math.nextafter(5.0, 0.0))


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_bounds_of_what_overflowed_are_infinite(value):
    assert cnn_bounds.spectral_norm_above(np.array([[1.0, value]])) == math.inf
    assert cnn_bounds.frobenius_above(np.array([1.0, value])) == math.inf
    assert cnn_bounds.half_squares_above(np.array([1.0, value])) == math.inf
    assert cnn_bounds.sum_above([1.0, value]) == math.inf


@settings(deadline=None)
@given(SEEDS, st.integers(1, 30), st.sampled_from([0, 200, -530]))
def test_bounds_of_sums_and_products(seed, k, shift):
    rng = np.random.default_rng(seed)
    a = np.ldexp(rng.normal(size=(2, k)), shift)
    b = np.ldexp(rng.normal(size=(k, 2)), shift)
    error = cnn_bounds.product_error(a, b)
    rows, columns = exact(a), exact(b.T)
    for i, j in np.ndindex(2, 2):
        off = abs(inner(rows[i], columns[j]) - Fraction(float((a @ b)[i, j])))
        assert off <= Fraction(float(error[i, j]))
    squares = sum((x * x for x in exact(a)[0]), Fraction(0))
    assert Fraction(cnn_bounds.frobenius_above(a[0])) ** 2 >= squares
    assert Fraction(cnn_bounds.half_squares_above(a[0])) >= squares / 2
    v, y = a[0], b[:, 0]
    value = -squares / 2 - inner(exact(a)[0], columns[0])
    assert Fraction(cnn_bounds.dual_value_below(v, y)) <= value
    product = inner(exact(a)[0], columns[0])
    below = cnn_bounds.inner_product_below(v, y)
    assert Fraction(below) <= product
    assert Fraction(math.nextafter(below, math.inf)) > product


def test_a_sum_goes_up_even_where_rounding_takes_the_rest():
    assert cnn_bounds.sum_above([1.0, 2.0**-60]) > 1.0


def test_any_decomposition_gives_a_bound(monkeypatch):
    """Singular vectors that are not orthonormal, and values that are too small."""
    exact_svd = np.linalg.svd
    G = np.random.default_rng(0).normal(size=(3, 4))

    def wrong(left_size, value_size):
        def svd(a, **options):
            left, s, right = exact_svd(a, **options)
            # the product is right all the same, or the residual has the rest
            return left * left_size, s * value_size, right / left_size

        return svd

    for sizes in ((1.0, 0.9), (8.0, 1.0), (0.125, 1.0), (4.0, 0.5)):
        monkeypatch.setattr(np.linalg, "svd", wrong(*sizes))
        bound = cnn_bounds.spectral_norm_above(G)
        monkeypatch.setattr(np.linalg, "svd", exact_svd)
        assert is_above_spectral_norm(exact(G), bound)
    # both too large by a factor that the values take back
    monkeypatch.setattr(
        np.linalg,
        "svd",
        lambda a, **o: (lambda u, s, v: (2 * u, s / 4, 2 * v))(*exact_svd(a, **o)),
    )
    bound = cnn_bounds.spectral_norm_above(G)
    monkeypatch.setattr(np.linalg, "svd", exact_svd)
    assert is_above_spectral_norm(exact(G), bound)


def test_floats_below_rationals_beyond_their_range():
    assert cnn_bounds.float_below(Fraction(10) ** 400) == np.finfo(float).max
    assert cnn_bounds.float_below(-(Fraction(10) ** 400)) == -math.inf
    assert cnn_bounds.float_below(Fraction(1, 3)) < Fraction(1, 3)
