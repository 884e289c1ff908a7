"""A sample of vertices: null vectors and counts, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement._kernels.vertices import sample
from arrangement.listing.vertices.coordinates import _null_vectors, is_nearly_generic
from arrangement.model import Arrangement

from reference import families

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("rank", [2, 3, 4, 7])
def test_null_vectors_are_orthogonal_units(rank):
    random = np.random.default_rng(rank)
    rows = random.normal(size=(50, rank - 1, rank))
    rows[:5] = np.round(rows[:5])  # some are dependent
    before = rows.copy()
    vectors = _null_vectors(rows)
    assert np.array_equal(rows, before)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    products = np.abs(np.einsum("sik,sk->si", rows, vectors))
    assert products.max() < 1e-11


@pytest.mark.parametrize("size", [1, 3, 16, 64])
def test_rows_near_a_vertex_are_counted(size):
    random = np.random.default_rng(size)
    coords = random.integers(-3, 4, (3, 37)).astype(float)
    vectors = random.integers(-3, 4, (11, 3)).astype(float)
    found = sample.count_near(coords, vectors, np.empty(size), 0.5)
    assert found == np.count_nonzero(np.abs(vectors @ coords) < 0.5)


def test_what_is_nearly_generic():
    assert is_nearly_generic(Arrangement(np.random.default_rng(0).normal(size=(60, 4))))
    assert not is_nearly_generic(Arrangement(families.braid(8)))
    assert not is_nearly_generic(Arrangement(families.resonance(5)))
