"""The reference itself, against something even simpler: looking at a grid."""

from itertools import product
from math import comb

import numpy as np
import pytest

from reference.brute_force import (
    chambers,
    homogeneous_rows,
    interior_point,
    is_uniform,
    matrix_rank,
)
from reference.exact_checks import (
    bits_at,
    chamber_constraints,
    extreme_ray_images,
    facet_rows,
)


def patterns_on_grid(X, radius):
    """Patterns at the integer points of a box that lie on no hyperplane."""
    axis = range(-radius, radius + 1)
    points = np.array(list(product(axis, repeat=X.shape[1])))
    values = points @ X.T
    off = np.all((values != 0) | ~X.any(axis=1), axis=1)
    return {tuple(row) for row in (values[off] >= 0).astype(int).tolist()}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("d", "peak", "radius"), [(2, 3, 6), (3, 1, 6)])
def test_chambers_are_the_patterns_seen_on_a_fine_enough_grid(d, peak, radius, seed):
    # Rays are minors of the rows: at most 3 in a coordinate for d = 2, 2 for d = 3
    # with entries -1, 0, 1; a sum of d independent ones is interior.
    X = np.random.default_rng(seed).integers(-peak, peak + 1, (7, d))
    X = np.vstack([X, np.eye(d, dtype=int)])
    assert chambers(X) == patterns_on_grid(X, radius)


def test_generic_arrangements_reach_the_closed_forms():
    X = np.vander(np.arange(1, 8), 4)
    assert len(chambers(X)) == 2 * sum(comb(6, k) for k in range(4))
    squares = np.arange(7) ** 4
    assert len(chambers(X[:, :3], squares)) == sum(comb(7, k) for k in range(4))
    assert is_uniform(X)
    assert not is_uniform(np.vstack([X, X[0] + X[1]]))


def test_interior_points_are_inside_and_empty_cones_have_none():
    inside = interior_point([(1, 0), (-1, 3)], 2)
    assert inside is not None
    assert inside[0] > 0
    assert -inside[0] + 3 * inside[1] > 0
    assert interior_point([(1, 0), (-1, 0)], 2) is None
    assert interior_point([(1, 1), (-1, 0), (0, -1)], 2) is None
    assert interior_point([(0, 0)], 2) is None


def test_facets_and_rays_of_an_octant_cut_by_a_plane():
    X = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 1, 1]])
    bits = bits_at(X, (2, 1, 1))
    assert bits == (1, 1, 1, 1, 1)
    assert facet_rows(bits, chambers(X), X) == {1, 2, 3}
    cuts = chamber_constraints(homogeneous_rows(X), bits, affine=False)
    assert extreme_ray_images(cuts) == {
        (1, 0, 0, 1, 1),
        (0, 0, 1, 0, 1),
        (1, 1, 0, 0, 2),
    }
    assert matrix_rank(cuts) == 3
