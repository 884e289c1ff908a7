"""The working set: facets, centres, and products against their definitions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from convex_solver._kernels.solve import chambers
from convex_solver.restricted import cones
from convex_solver.restricted.working_set import WorkingSet

pytestmark = pytest.mark.kernels

seeds = st.integers(0, 10**6)


def sides_of(rng, n, r, is_tied):
    """Unit rows that are positive at a direction, and the direction."""
    X = rng.integers(-2, 3, (n, r)) if is_tied else rng.standard_normal((n, r))
    X = np.concatenate([X, np.eye(r)])
    X = X[np.any(X != 0, axis=1)]
    u = rng.standard_normal(r)
    X = X / np.linalg.norm(X, axis=1)[:, None]
    return X * np.sign(X @ u)[:, None], u


def cone_of(sides, u):
    """The cone ``sides u >= 0`` around a direction, by the function of many of them."""
    every = np.arange(len(sides))
    lines = cones.Lines(sides, np.ones(len(u)), every, every)
    (cone,) = cones.cones_around(lines, u[None], np.ones((1, len(sides)), np.bool_))
    return cone


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 5), st.integers(1, 25), st.booleans())
def test_facets_describe_the_same_cone_and_none_is_superfluous(seed, r, n, is_tied):
    rng = np.random.default_rng(seed)
    sides, u = sides_of(rng, n, r, is_tied)
    facets = cone_of(sides, u).facets
    # Farkas: a row holds on the cone of the facets when it is a combination of them
    for row in sides:
        assert nnls(facets.T, row)[1] < 1e-7
    assert all((facet == sides).all(axis=1).any() for facet in facets)
    if is_tied:  # copies an ulp apart, or rows on the border of a facet, may be kept
        return
    for k in range(len(facets)):
        others = np.delete(facets, k, axis=0)
        if len(others):
            assert nnls(others.T, facets[k])[1] > 1e-9


def test_directions_on_a_hyperplane_have_no_chamber():
    sides = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert cone_of(sides, np.array([1.0, 0.0])) is None
    assert cone_of(sides[:0], np.array([1.0, 0.0])) is None
    blocks = WorkingSet(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert blocks.add(np.array([[1.0, 0.0], [0.0, 0.0]]), np.ones(2)) == 0
    assert len(blocks) == 0


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 6), st.integers(1, 12), st.booleans(), st.integers(1, 40))
def test_many_directions_at_once_are_those_one_by_one(seed, r, n, is_tied, entries):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (n, r)) if is_tied else rng.standard_normal((n, r))
    X = X * 10.0 ** rng.integers(-3, 4, r)
    # some of them twice, with one sign or both, and some on a hyperplane
    some = rng.standard_normal((8, r)) * (rng.random((8, 1)) < 0.9)
    directions = some[rng.integers(0, 8, 20)]
    signs = rng.choice([-1.0, 1.0], 20)
    one_by_one, together = WorkingSet(X), WorkingSet(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cones, "MOST_ENTRIES", entries * X.size)
        added = together.add(directions, signs)
    assert added == len(together) == len({*blocks_by_key(together)})
    for u, sign in zip(directions, signs, strict=True):
        one_by_one.add(u[None], np.array([sign]))
    expected, found = blocks_by_key(one_by_one), blocks_by_key(together)
    assert expected.keys() == found.keys()
    for key, parts in expected.items():
        # of rows in degenerate position one that is no facet may be kept
        same = slice(1 if is_tied else None)
        for one, other in zip(parts[same], found[key][same], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def blocks_by_key(blocks):
    """Matrix, facets and centre of each block, by its pattern and sign."""
    r = blocks.X.shape[1]
    return {
        (blocks.patterns[g].tobytes(), blocks.signs[g]): (
            blocks.AT[g * r : (g + 1) * r],
            blocks.rows[blocks.starts[g] : blocks.starts[g + 1]],
            blocks.centres[g],
        )
        for g in range(len(blocks))
    }


def is_vertex(points, i):
    """No segment or triangle of other points holds point i (Caratheodory), exactly."""
    p = points[i]
    others = [q for q in map(tuple, points) if q != tuple(p)]

    def turn(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    for a, b in combinations(others, 2):
        dot = (a[0] - p[0]) * (b[0] - p[0]) + (a[1] - p[1]) * (b[1] - p[1])
        if turn(a, b, p) == 0 and dot < 0:
            return False
    for a, b, c in combinations(others, 3):
        turns = [turn(a, b, p), turn(b, c, p), turn(c, a, p)]
        if all(t > 0 for t in turns) or all(t < 0 for t in turns):
            return False
    return True


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=9)
)
def test_the_hull_of_points_in_the_plane(points):
    points = np.array(points)
    out = np.empty(2 * len(points) + 2, dtype=np.int64)
    size = chambers.extreme_rows(points.astype(float), out)
    found = sorted(map(tuple, points[out[:size]].tolist()))
    wanted = {
        tuple(points[i].tolist()) for i in range(len(points)) if is_vertex(points, i)
    }
    assert set(found) == wanted
    if len(wanted) > 1:  # rows that are all alike have no rank to need a hull
        assert len(set(out[:size].tolist())) == len(wanted)


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 5), st.integers(1, 20), st.booleans())
def test_the_analytic_centre_meets_its_equation(seed, r, n, is_tied):
    rng = np.random.default_rng(seed)
    sides, u = sides_of(rng, n, r, is_tied)
    facets = cone_of(sides, u).facets
    centre = 7 * u
    if not chambers.analytic_centre(facets, centre):
        # only from a point that is very near a facet
        assert (facets @ u).min() < 1e-6 * np.linalg.norm(u)
        return
    slack = facets @ centre
    assert slack.min() > 0
    assert (sides @ centre).min() > 0
    assert np.linalg.norm(centre) == pytest.approx(1, abs=1e-3)
    pull = (facets / slack[:, None]).sum(axis=0)
    assert np.allclose(pull, len(facets) * centre, atol=1e-3 * len(facets))

    # the barrier is least there
    def barrier(x):
        return 0.5 * x @ x - np.log(facets @ x).mean()

    for step in rng.standard_normal((20, r)) * 0.1 * slack.min():
        if (facets @ (centre + step)).min() > 0:
            assert barrier(centre + step) >= barrier(centre) - 1e-9


def test_a_start_beside_a_facet_finds_the_centre_or_says_not():
    facets = np.array(
        [
            [-0.44048172, -0.84659669, -0.29874721],
            [0.23436352, 0.91338296, 0.3328743],
            [-0.29104686, -0.95207357, -0.09406187],
            [0.02381499, -0.87372444, 0.48583788],
            [-0.40777887, 0.86689157, -0.28673228],
        ]
    )
    base = np.array([-0.89228844, 0.06740591, 0.44326776])
    row = facets[1] / (facets[1] @ facets[1])
    reached = []
    for gap in 10.0 ** -np.arange(1, 17):
        u = base + (gap - facets[1] @ base) * row
        found = chambers.analytic_centre(facets, u)
        if found:
            pull = (facets / (facets @ u)[:, None]).mean(axis=0)
            assert np.allclose(pull, u, atol=1e-3)
        reached.append(found)
    assert all(reached[:6])
    assert not reached[-1]


def test_no_start_beside_a_facet_is_taken_for_a_centre():
    rng = np.random.default_rng(0)
    n_reached = 0
    for _ in range(300):
        sides, u = sides_of(rng, 25, 3, False)
        facets = cone_of(sides, u).facets
        row = facets[rng.integers(len(facets))]
        start = u + (10.0 ** -rng.uniform(7, 13) - row @ u) * row
        if (facets @ start).min() <= 0:
            continue
        if chambers.analytic_centre(facets, start):
            n_reached += 1
            pull = (facets / (facets @ start)[:, None]).mean(axis=0)
            assert np.allclose(pull, start, atol=1e-3)
    assert n_reached > 30


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 6))
def test_the_small_solve(seed, r):
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((r, r)) * 10.0 ** rng.uniform(-2, 2)
    matrix, right = half @ half.T + np.eye(r), rng.standard_normal(r)
    found = chambers.solve_positive(matrix.copy(), right.copy())
    expected = np.linalg.solve(matrix, right)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())
    # huge and of rank one: no digit of the identity is left, but no pivot is zero
    flat = 1e25 * np.outer(half[0], half[0]) + np.eye(r)
    assert chambers.solve_positive(flat, right.copy()).shape == (r,)


def filled(seed, n=9, r=3, k=15):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, r))
    X[2] = 0
    X[4] = 2 * X[1]
    blocks = WorkingSet(X)
    directions, signs = rng.standard_normal((k, r)), rng.choice([-1.0, 1.0], k)
    return X, blocks, directions, signs, blocks.add(directions, signs)


def is_consistent(X, blocks):
    G, (n, r) = len(blocks), X.shape
    assert blocks.signs.shape == (G,)
    assert blocks.patterns.shape == (G, n)
    assert blocks.centres.shape == (G, r)
    assert blocks.AT.shape == (G * r, n)
    assert blocks.starts.shape == (G + 1,)
    assert blocks.starts[0] == 0
    assert blocks.rows.shape == (blocks.starts[-1], r)
    arrays = (blocks.AT, blocks.patterns, blocks.rows)
    assert blocks.nbytes == sum(array.nbytes for array in arrays)
    assert blocks.cut(np.ones((len(blocks), X.shape[1]))) == 0
    for g in range(G):
        assert ((X @ blocks.centres[g] >= 0) == blocks.patterns[g]).all()
        A = blocks.signs[g] * np.diag(blocks.patterns[g].astype(float)) @ X
        assert (blocks.AT[g * r : (g + 1) * r] == A.T).all()
        facets = blocks.rows[blocks.starts[g] : blocks.starts[g + 1]]
        assert (facets @ blocks.centres[g] > 0).all()
        # of one length, in the coordinates in which columns are alike
        lengths = np.linalg.norm(facets / blocks.sizes, axis=1)
        assert np.allclose(lengths, lengths[0], rtol=1e-12)
    keys = {
        (*p.tolist(), s) for p, s in zip(blocks.patterns, blocks.signs, strict=True)
    }
    assert len(keys) == G


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_chambers_are_added_once_for_each_sign_and_kept_as_chosen(seed):
    X, blocks, directions, signs, count = filled(seed)
    wanted = {
        (*(X @ u >= 0).tolist(), s) for u, s in zip(directions, signs, strict=True)
    }
    assert count == len(blocks) == len(wanted)
    is_consistent(X, blocks)
    assert blocks.add(3 * directions, signs) == 0
    both = {(pattern[:-1], s) for pattern in wanted for s in (-1.0, 1.0)}
    blocks.add(directions, -signs)
    assert len(blocks) == len(both)
    is_consistent(X, blocks)
    chosen = np.random.default_rng(seed).random(len(blocks)) < 0.5
    patterns, kept = blocks.patterns[chosen], blocks.signs[chosen]
    blocks.keep(chosen)
    assert (blocks.patterns == patterns).all()
    assert (blocks.signs == kept).all()
    assert not blocks.has_returned().any()
    is_consistent(X, blocks)
    # what was dropped may come back, what was kept may not
    assert (
        blocks.add(directions, signs) + blocks.add(directions, -signs)
        == (~chosen).sum()
    )
    assert blocks.has_returned().sum() == (~chosen).sum()
    assert not blocks.has_returned()[: chosen.sum()].any()
    is_consistent(X, blocks)
    blocks.keep(np.zeros(len(blocks), dtype=bool))
    assert len(blocks) == 0
    is_consistent(X, blocks)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_products_are_those_of_the_blocks(seed):
    X, blocks, directions, signs, _ = filled(seed)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        G, (n, r) = len(blocks), X.shape
        A = [
            s * np.diag(p * 1.0) @ X
            for s, p in zip(blocks.signs, blocks.patterns, strict=True)
        ]
        w, v = rng.standard_normal((G, r)), rng.standard_normal(n)
        outputs = np.array([A[g] @ w[g] for g in range(G)])
        assert np.allclose(blocks.outputs(w), outputs)
        assert np.allclose(blocks.predict(w), outputs.sum(axis=0))
        assert np.allclose(blocks.transposed(v), [A[g].T @ v for g in range(G)])
        whole = np.concatenate(A, axis=1)
        for curvature in (np.ones(n), rng.uniform(0.1, 2, n), np.ones(n)):
            gram = blocks.gram(curvature)
            assert np.allclose(gram, whole.T @ np.diag(curvature) @ whole)
            gram[:] = 0  # a fresh array each time
        blocks.add(-directions, signs)  # the next round has a gram of other blocks


def test_a_centre_on_a_border_or_beyond_is_dropped():
    rows, every = np.eye(2), np.arange(2)
    lines = cones.Lines(rows, np.array([1.0, 2.0]), every, every)
    centres = [[0.6, 0.8], [-0.6, 0.8], [1.0, 0.0], [0.6, -0.8]]
    found = [cones.Cone(rows, np.array(centre)) for centre in centres]
    patterns = np.array([[True, True]] * 3 + [[True, False]])
    cones._drop_outside(lines, patterns, found)
    assert [cone is not None for cone in found] == [True, False, False, True]
