"""The reference itself, against something even simpler: looking at a grid."""

from itertools import product

import numpy as np
import pytest

from reference.covectors import covectors


def signs_on_grid(rows, radius, *, affine=False):
    """Sign vectors at the integer points of a box (affine: with the last positive)."""
    axis = range(-radius, radius + 1)
    points = np.array(list(product(axis, repeat=rows.shape[1])))
    if affine:
        points = points[points[:, -1] > 0]
    return {tuple(row) for row in np.sign(points @ rows.T).tolist()}


# Rays are minors of the rows: at most 3 in a coordinate for d = 2, 2 for d = 3 with
# entries -1, 0, 1; a face has a sum of at most d of them in its relative interior.
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("d", "peak"), [(2, 3), (3, 1)])
def test_covectors_are_the_signs_seen_on_a_fine_enough_grid(d, peak, seed):
    X = np.random.default_rng(seed).integers(-peak, peak + 1, (6, d))
    X = np.vstack([X, np.eye(d, dtype=int)])
    assert covectors(X) == signs_on_grid(X, 6)


@pytest.mark.parametrize("seed", range(10))
def test_affine_covectors_are_the_signs_seen_on_a_fine_enough_grid(seed):
    rows = np.random.default_rng(seed).integers(-1, 2, (6, 3))
    rows = np.vstack([rows, [[1, 0, 0], [0, 1, 0]]])
    assert covectors(rows[:, :2], -rows[:, 2]) == signs_on_grid(rows, 6, affine=True)
