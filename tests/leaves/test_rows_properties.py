"""Bounds of the mean of ``|x.u|`` from moments: true, sharp, with these derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from convex_solver.leaves import Leaf, Rows, rows

from reference.halvings import moments, partition, units

ranks = st.integers(2, 6)
seeds = st.integers(0, 10**6)
N_ROWS = 7
# Added to second moments, which then are more than the range of a row allows.
WIDER = 0.3


def some_rows(random, r):
    """Rows on some leaves, and moments of points of each.

    The last is a band around the first row, with most points near its ends.
    """
    parts = partition(random, r, 6)
    chosen = [parts[k] for k in random.permutation(len(parts))[:2]]
    X = random.normal(size=(N_ROWS, r))
    axis = X[0] / np.linalg.norm(X[0])
    leaf = Leaf.whole(r).halves(axis, -0.3)[1].halves(axis, 0.5)[0]
    heights = np.append(random.choice([-0.29, 0.49], 2 * r + 2), [-0.29, 0.49])
    chosen.append((leaf, at_heights(random, axis, heights)))
    leaves = [leaf for leaf, _ in chosen]
    measures = []
    for _, points in chosen:
        some = points[: 2 * r + 4]
        measures.append((some, random.random(len(some)) + 0.01))
    both = [moments(*measure) for measure in measures]
    m, M = (np.concatenate(part) for part in zip(*both, strict=True))
    return Rows(X, leaves), leaves, measures, m, M


def at_heights(random, axis, heights):
    """Points with these ``axis.u``."""
    across = random.normal(size=(len(heights), axis.size))
    across -= np.multiply.outer(across @ axis, axis)
    across /= np.linalg.norm(across, axis=1)[:, None]
    heights = np.asarray(heights)
    return heights[:, None] * axis + np.sqrt(1.0 - heights**2)[:, None] * across


def direction(random, bounded, m, M, size=1.0):
    """Small changes of moments, on their own scale."""
    dm = size * random.normal(size=m.shape)
    dM = size * random.normal(size=M.shape)
    return dm, dM + np.swapaxes(dM, 1, 2)


@given(ranks, seeds)
def test_ranges_and_levels_are_true_of_points(r, seed):
    random = np.random.default_rng(seed)
    bounded, _, measures, _, _ = some_rows(random, r)
    for k, (points, _) in enumerate(measures):
        s = points @ bounded.X.T
        assert np.all(bounded.low[k] <= s + 1e-12)
        assert np.all(s <= bounded.high[k] + 1e-12)
        closed = ~bounded.is_open[k]
        expected = np.maximum(s, 0.0)[:, closed]
        assert np.allclose((bounded.level[k] * s)[:, closed], expected, atol=1e-12)
        assert np.all(bounded.is_open[k][(s.min(0) < -1e-9) & (s.max(0) > 1e-9)])


def test_a_small_leaf_closes_rows_of_both_signs():
    axis = np.array([1.0, 0.0, 0.0])
    leaf = Leaf.whole(3).halves(axis, 0.9)[1]
    found = Rows(np.array([axis, -axis, [0.0, 1.0, 0.0]]), [leaf, Leaf.whole(3)])
    assert found.is_open.tolist() == [[False, False, True], [True] * 3]
    assert found.level[0, :2].tolist() == [1.0, 0.0]
    assert found.low[0] == pytest.approx([0.9, -1.0, -(0.19**0.5)])
    assert found.high[0] == pytest.approx([1.0, -0.9, 0.19**0.5])


@given(ranks, seeds, st.sampled_from([0.0, 1e-3, 1.0]))
def test_rows_are_bounded_whatever_the_points(r, seed, softness):
    random = np.random.default_rng(seed)
    bounded, _, measures, m, M = some_rows(random, r)
    at, hard = bounded.at(m, M, softness), bounded.at(m, M, 0.0)
    for k, (points, weights) in enumerate(measures):
        s = points @ bounded.X.T
        used = bounded.is_open[k]
        means = (weights @ np.abs(s))[used]
        assert np.all(means <= at.upper[k, used] + 1e-11)
        assert np.all(hard.lower[:, k, used] <= means + 1e-11)
        assert np.all(at.lower[1:, k] == hard.lower[1:, k])
        assert np.allclose(at.mean[k], weights @ s)
        assert np.allclose(at.square[k], weights @ s**2)
        assert at.trace[k, 0] == pytest.approx(weights.sum())
        image = bounded.X @ M[k]
        soft = np.sqrt(np.sum(image**2, axis=1) + softness**2)
        assert np.allclose(at.least[k], soft)
        assert np.allclose(at.lower[0, k], soft)
        assert np.allclose(at.policy[k], image / soft[:, None])
    assert np.all(np.linalg.norm(at.policy, axis=2) <= 1.0 + 1e-12)
    assert np.allclose(np.linalg.norm(hard.policy, axis=2), 1.0)


@given(ranks, seeds)
def test_one_point_leaves_no_room(r, seed):
    random = np.random.default_rng(seed)
    bounded, _, measures, _, _ = some_rows(random, r)
    both = [moments(points[:1], weights[:1]) for points, weights in measures]
    at = bounded.at(*(np.concatenate(part) for part in zip(*both, strict=True)), 0.0)
    for k, (points, weights) in enumerate(measures):
        used = bounded.is_open[k]
        height = weights[0] * np.abs(points[0] @ bounded.X.T)[used]
        size = weights[0] * np.linalg.norm(bounded.X, axis=1)[used]
        assert np.all(np.abs(at.upper[k, used] - height) <= 1e-7 * size)
        assert np.all(np.abs(at.lower[0, k, used] - height) <= 1e-10 * size)
        either = np.maximum(at.lower[1, k, used], at.lower[2, k, used])
        assert np.all(np.abs(either - height) <= 1e-10 * size)


def band(random, r, a, b):
    """A row of some length and the leaf on which it is between a and b times that."""
    x = random.normal(size=r) * 10.0 ** random.uniform(-2, 2)
    length = np.linalg.norm(x)
    leaf = Leaf.whole(r).halves(x / length, a)[1].halves(x / length, b)[0]
    return x / length, length, Rows(x[None], [leaf])


ends = st.tuples(st.floats(-0.95, -0.05), st.floats(0.05, 0.95))
shares = st.floats(0.05, 0.95)


@given(ranks, seeds, ends, shares, shares)
def test_two_points_at_opposite_heights_reach_the_upper_bound(r, seed, ab, t, share):
    random = np.random.default_rng(seed)
    axis, length, bounded = band(random, r, *ab)
    t *= min(-ab[0], ab[1])
    weights = 3.0 * np.array([share, 1.0 - share])
    at = bounded.at(*moments(at_heights(random, axis, [t, -t]), weights), 0.0)
    assert at.upper[0, 0] == pytest.approx(3.0 * t * length)


@given(ranks, seeds, ends, shares)
def test_both_ends_reach_the_upper_bound_and_one_from_below(r, seed, ab, share):
    random = np.random.default_rng(seed)
    axis, length, bounded = band(random, r, *ab)
    weights = 3.0 * np.array([share, 1.0 - share])
    at = bounded.at(*moments(at_heights(random, axis, ab), weights), 0.0)
    mean = weights @ np.abs(ab) * length
    assert at.upper[0, 0] == pytest.approx(mean)
    assert at.lower[3, 0, 0] == pytest.approx(mean)


@given(ranks, seeds, ends, shares, shares)
def test_the_nearer_end_and_a_point_beyond_reach_the_upper_bound(r, seed, ab, t, share):
    random = np.random.default_rng(seed)
    axis, length, bounded = band(random, r, *ab)
    near, far = sorted(ab, key=abs)
    other = -near + t * (far + near)
    weights = 3.0 * np.array([share, 1.0 - share])
    at = bounded.at(*moments(at_heights(random, axis, [near, other]), weights), 0.0)
    assert at.upper[0, 0] == pytest.approx(weights @ np.abs([near, other]) * length)


@settings(max_examples=60)
@given(seeds, ends, st.integers(2, 5), st.sampled_from([0.0, 0.1, 0.5]))
def test_the_upper_bound_is_the_concave_envelope(seed, ab, count, wider):
    """The most that measures on a fine grid of heights with these moments have.

    Or with a smaller mean square, where it is more than the range allows.
    """
    random = np.random.default_rng(seed)
    axis, length, bounded = band(random, 3, *ab)
    heights = ab[0] + (ab[1] - ab[0]) * random.random(count)
    weights = random.random(count) + 0.01
    weights /= weights.sum()
    m, M = moments(at_heights(random, axis, heights), weights)
    # of trace 1 as before
    more = np.multiply.outer(axis, axis)
    at = bounded.at(m, (1.0 - wider) * M + wider * more, 0.0)
    square = (1.0 - wider) * (weights @ heights**2) + wider
    grid = np.linspace(*ab, 201)
    found = linprog(
        -np.abs(grid),
        A_eq=np.array([np.ones_like(grid), grid]),
        b_eq=np.array([1.0, weights @ heights]),
        A_ub=grid[None] ** 2,
        b_ub=[square + 1e-4],
    )
    assert at.upper[0, 0] / length == pytest.approx(-found.fun, abs=0.01)


def regimes(at):
    """Which of the three cases each row is in."""
    return np.where(at.slopes[1] == 0.0, 0, np.where(at.bend == 0.0, 1, 2))


def test_all_three_cases_occur_in_these_tests():
    seen = set()
    for seed in range(10):
        bounded, _, _, m, M = some_rows(np.random.default_rng(seed), 3)
        at = bounded.at(m, M + WIDER * np.eye(3), 0.0)
        seen |= set(regimes(at)[bounded.is_open].tolist())
    assert seen == {0, 1, 2}


@given(ranks, seeds, st.sampled_from([0.01, WIDER]))
def test_bounds_are_as_large_as_the_moments(r, seed, wider):
    random = np.random.default_rng(seed)
    bounded, _, _, m, M = some_rows(random, r)
    M = M + wider * np.eye(r)
    at = bounded.at(m, M, 0.01)
    size = 10.0 ** random.uniform(-3, 3)
    scaled = bounded.at(size * m, size * M, size * 0.01)
    assert np.allclose(scaled.upper, size * at.upper, rtol=1e-9)
    assert np.allclose(scaled.lower, size * at.lower, rtol=1e-9)
    assert np.allclose(scaled.slopes, at.slopes, rtol=1e-6, atol=1e-9)
    assert np.allclose(scaled.policy, at.policy)


@settings(max_examples=60)
@given(ranks, seeds, st.sampled_from([0.0, 0.3]), st.sampled_from([0.01, WIDER]))
def test_rows_have_these_gradients(r, seed, softness, wider):
    random = np.random.default_rng(seed)
    bounded, _, _, m, M = some_rows(random, r)
    M = M + wider * np.eye(r)
    dm, dM = direction(random, bounded, m, M, 1e-6)
    at = bounded.at(m, M, softness)
    ahead, behind = (bounded.at(m + k * dm, M + k * dM, softness) for k in (1.0, -1.0))
    change = bounded.change(at, dm, dM)
    trace = 0.5 * (ahead.trace - behind.trace) + np.zeros_like(at.upper)
    for found, expected in (
        (change[0], trace),
        (change[1], 0.5 * (ahead.mean - behind.mean)),
        (change[2], 0.5 * (ahead.square - behind.square)),
        (change[3], 0.5 * (ahead.least - behind.least)),
    ):
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-10)
    parts = bounded.gradients(at)
    assert parts.shape == (4, 5, *at.upper.shape)
    moved = np.einsum("ikbn,ibn->kbn", parts, change)
    same = regimes(ahead) == regimes(behind)
    assert same.mean() > 0.8
    upper = 0.5 * (ahead.upper - behind.upper)
    assert np.allclose(moved[0][same], upper[same], rtol=1e-3, atol=1e-9)
    assert np.allclose(at.slopes, parts[:3, 0])
    lower = 0.5 * (ahead.lower - behind.lower)
    assert np.allclose(moved[1:], lower, rtol=1e-4, atol=1e-10)


@settings(max_examples=60)
@given(ranks, seeds)
def test_pulled_gradients_are_sums_of_rows(r, seed):
    random = np.random.default_rng(seed)
    bounded, leaves, _, m, M = some_rows(random, r)
    at = bounded.at(m, M, 0.1)
    parts = random.normal(size=(4, *at.upper.shape))
    dm, dM = direction(random, bounded, m, M)
    packed = np.concatenate([dm, bounded.packing.pack(dM)], axis=1)
    change = bounded.change(at, dm, dM)
    pulled = bounded.pull(at, parts)
    each = np.einsum("ibn,ibn->bn", parts, change)
    assert np.allclose(np.sum(pulled * packed, axis=1), each.sum(axis=1))
    images = bounded.images(at)
    for block in range(len(leaves)):
        for k in (slice(None), slice(2, 5)):
            found = bounded.gradient_rows(images, parts, block, k)
            assert np.allclose(found @ packed[block], each[block, k])
        whole = bounded.gradient_rows(images, parts, block, slice(None))
        assert np.allclose(whole.sum(axis=0), pulled[block])


@pytest.mark.every
@pytest.mark.parametrize("chunk", [rows.CHUNK, 1, 60])
def test_squares_are_sums_of_products_of_gradients(chunk, monkeypatch):
    """Dense sums, however many rows are added at a time."""
    monkeypatch.setattr(rows, "CHUNK", chunk)
    for seed in range(10):
        random = np.random.default_rng(seed)
        r = 2 + seed % 4
        bounded, leaves, _, m, M = some_rows(random, r)
        at = bounded.at(m, M, 0.1)
        weights = random.normal(size=(4, 4, *at.upper.shape))
        weights += np.swapaxes(weights, 0, 1)
        # rows without any are left out
        weights[:, :, random.random(at.upper.shape) < 0.3] = 0.0
        D = r + bounded.packing.size
        before = random.normal(size=(len(leaves), D, D))
        found = before.copy()
        images = bounded.images(at)
        bounded.add_squares(found, images, weights)
        for block in range(len(leaves)):
            unit = np.zeros((4, 4, *at.upper.shape))
            unit[range(4), range(4)] = 1.0
            G = [
                bounded.gradient_rows(images, part, block, slice(None)) for part in unit
            ]
            expected = sum(
                (G[i] * weights[i, j, block][:, None]).T @ G[j]
                for i in range(4)
                for j in range(4)
            )
            assert np.allclose(found[block] - before[block], expected, atol=1e-10)


@settings(max_examples=60)
@given(ranks, seeds, st.sampled_from([0.05, WIDER]))
def test_rows_have_this_curvature(r, seed, wider):
    random = np.random.default_rng(seed)
    bounded, _, _, m, M = some_rows(random, r)
    M = M + wider * np.eye(r)
    dm, dM = direction(random, bounded, m, M, 1e-4)
    softness = 0.2
    at = bounded.at(m, M, softness)
    near = [bounded.at(m + k * dm, M + k * dM, softness) for k in (-1.0, 0.0, 1.0)]
    second = {
        name: sum(
            weight * getattr(part, name)
            for weight, part in zip((1.0, -2.0, 1.0), near, strict=True)
        )
        for name in ("upper", "least")
    }
    change = bounded.change(at, dm, dM)
    bent = -at.bend * np.einsum("ibn,ibn->bn", at.turn, change[:3]) ** 2
    same = (regimes(near[0]) == regimes(near[2])) & bounded.is_open
    assert np.allclose(bent[same], second["upper"][same], rtol=1e-2, atol=1e-11)
    assert np.all(bent[bounded.is_open] <= 0.0)
    up = np.where(same, random.random(at.upper.shape), 0.0)
    low = random.random(at.upper.shape)
    D = r + bounded.packing.size
    hessian = np.zeros((len(m), D, D))
    squares = bounded.add_curvature(hessian, at, up, low)
    bounded.add_squares(hessian, bounded.images(at), squares)
    packed = np.concatenate([dm, bounded.packing.pack(dM)], axis=1)
    found = np.einsum("bi,bij,bj->b", packed, hessian, packed)
    expected = np.sum(low * second["least"] - up * second["upper"], axis=1)
    assert np.allclose(found, expected, rtol=1e-2, atol=1e-10)
    assert np.linalg.eigvalsh(hessian).min() > -1e-9 * np.abs(hessian).max()


def test_a_measure_on_whole_spheres_is_bounded_by_its_spread():
    """Without facets: ``|M x| <= mean |x.u| <= sqrt(tau x^T M x)``."""
    random = np.random.default_rng(0)
    points, weights = units(random, 9, 4), random.random(9)
    X = random.normal(size=(5, 4))
    m, M = moments(points, weights)
    at = Rows(X, [Leaf.whole(4)]).at(m, M, 0.0)
    spread = np.sqrt(weights.sum() * np.einsum("ij,jk,ik->i", X, M[0], X))
    assert at.upper[0] == pytest.approx(spread)
    assert at.lower[0, 0] == pytest.approx(np.linalg.norm(X @ M[0], axis=1))
