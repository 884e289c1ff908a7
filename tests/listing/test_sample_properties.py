"""A sample of vertices: null vectors and counts, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement._kernels.vertices import sample
from arrangement.listing.vertices import coordinates
from arrangement.listing.vertices.coordinates import _null_vectors, is_nearly_generic
from arrangement.model import Arrangement

from reference import families

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("rank", [2, 3, 4, 7])
def test_null_vectors_are_orthogonal_units(rank):
    random = np.random.default_rng(rank)
    rows = random.normal(size=(50, rank - 1, rank))
    if rank > 2:
        rows[:5, 1] = 2.0 * rows[:5, 0]
    before = rows.copy()
    vectors = _null_vectors(rows)
    assert np.array_equal(rows, before)
    # none where rows are dependent
    sizes = np.ones(50)
    sizes[: 5 * (rank > 2)] = 0.0
    assert np.allclose(np.linalg.norm(vectors, axis=1), sizes)
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


def _with_svd(rows):
    """Unit vectors orthogonal to dependent rows too."""
    vectors = _null_vectors(rows)
    for k in np.flatnonzero(~vectors.any(axis=1)):
        vectors[k] = np.linalg.svd(rows[k])[2][-1]
    return vectors


@pytest.mark.parametrize("seed", range(6))
def test_dependent_samples_are_counted_as_if_each_had_its_vector(seed, monkeypatch):
    random = np.random.default_rng(seed)
    cases = [
        Arrangement(random.integers(-size, size + 1, (n, rank)))
        for n, rank, size in [(12, 3, 2), (20, 4, 1), (30, 4, 3), (15, 6, 1), (9, 4, 5)]
    ]
    whole = np.random.default_rng(seed).normal(size=(40, 4))
    whole[:3] = whole[3:6] + 1e-12 * whole[:3]
    cases += [Arrangement(whole), Arrangement(families.braid(6))]
    found = [is_nearly_generic(case) for case in cases]
    monkeypatch.setattr(coordinates, "_null_vectors", _with_svd)
    assert [is_nearly_generic(case) for case in cases] == found


def test_planes_that_are_apart_need_no_sample(monkeypatch):
    random = np.random.default_rng(0)
    angles = random.uniform(0.0, np.pi, 300)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    near = rows.copy()
    turned = angles[:150] + 1e-11
    near[150:] = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    assert coordinates._are_apart(rows)
    assert not coordinates._are_apart(near)
    # a plane has two normals
    turned = random.choice((-1.0, 1.0), (300, 1))
    assert coordinates._are_apart(turned * rows)
    assert not coordinates._are_apart(turned * near)
    # across the angle 0 too
    assert not coordinates._are_apart(np.array([[1.0, 1e-12], [-1.0, 1e-12]]))
    cases = [Arrangement(rows), Arrangement(near)]
    found = [is_nearly_generic(case) for case in cases]
    monkeypatch.setattr(coordinates, "_are_apart", lambda _: False)
    assert [is_nearly_generic(case) for case in cases] == found
