"""Leaves of the sphere: halvings, what covers it, points and ranges of rows."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.leaves import Leaf, covers
from convex_solver.rounding import float_above, float_below

from reference.halvings import (
    dot,
    exactly,
    is_in,
    is_nonnegative,
    partition,
    units,
)

ranks = st.integers(1, 6)
cuts = st.integers(0, 8)
seeds = st.integers(0, 10**6)


def assert_bounded(leaf, X, points):
    """No point is higher along a row than the leaf says, exactly; how many were in."""
    tops = exactly(leaf.highest(X))
    rows = [exactly(x) for x in X]
    count = 0
    for point in points:
        if not is_in(leaf, point):
            continue
        count += 1
        p = exactly(point)
        q = dot(p, p)
        for row, top in zip(rows, tops, strict=True):
            assert is_nonnegative(-dot(row, p), top, q)
    return count


@settings(max_examples=60)
@given(
    ranks,
    cuts,
    seeds,
    st.sampled_from([2.0**-450, 0.7, 2.0**450]),
    st.sampled_from([1e-100, 1.0, 1e100]),
)
def test_no_point_of_a_leaf_is_above_its_highest(r, count, seed, size, scale):
    """Also along the rows themselves, where the bound is as low as can be."""
    random = np.random.default_rng(seed)
    parts = partition(random, r, count, scale)
    rows = random.normal(size=(3, r))
    seen = 0
    for k in random.permutation(len(parts))[:2]:
        leaf, points = parts[k]
        inner = leaf.walk(points, 2, random)
        near = [leaf.facets[:1, 1:] / scale, -leaf.facets[:1, 1:] / scale]
        X = np.vstack([rows, inner, *near])
        seen += assert_bounded(leaf, size * X, np.vstack([inner, points[:2], X]))
    assert seen > 0


@given(st.integers(2, 6), seeds, st.floats(-0.99, 0.99), st.sampled_from([0.01, 3.0]))
def test_the_highest_of_a_cap_is_known(r, seed, t, scale):
    """``|x|`` where x points into the cap, and else at the edge nearest to it."""
    random = np.random.default_rng(seed)
    axis, X = units(random, 1, r)[0], random.normal(size=(6, r))
    below, above = Leaf.whole(r).halves(scale * axis, scale * t)
    along = X @ axis
    lengths = np.linalg.norm(X, axis=1)
    across = np.sqrt(np.maximum(lengths**2 - along**2, 0.0))
    edge = along * t + across * math.sqrt(1.0 - t * t)
    is_above = along >= t * lengths
    assert above.highest(X) == pytest.approx(np.where(is_above, lengths, edge))
    assert below.highest(X) == pytest.approx(np.where(is_above, edge, lengths))


@given(st.integers(2, 6), seeds, st.floats(-0.95, 0.8), st.floats(0.01, 0.15))
def test_the_highest_of_a_band_is_known(r, seed, t, width):
    """Between parallel cuts, and of those that are implied."""
    random = np.random.default_rng(seed)
    axis, X = units(random, 1, r)[0], random.normal(size=(6, r))
    leaf = Leaf.whole(r)
    for threshold, side in ((t, 1), (t + width, 0), (t - 0.01, 1), (t + 0.2, 0)):
        leaf = leaf.halves(axis, threshold)[side]
    assert len(leaf.facets) == 2
    along = X @ axis
    lengths = np.linalg.norm(X, axis=1)
    across = np.sqrt(np.maximum(lengths**2 - along**2, 0.0))
    nearest = np.clip(along / lengths, t, t + width)
    expected = along * nearest + across * np.sqrt(1.0 - nearest**2)
    assert leaf.highest(X) == pytest.approx(expected, abs=1e-9)


def highest_between(x, normals, thresholds):
    """Maximise ``x.u`` where ``n.u >= t`` for two: all sets of facets that hold it."""
    best = -math.inf
    for kept in ([], [0], [1], [0, 1]):
        N, t = normals[kept], thresholds[kept]
        base = np.linalg.lstsq(N, t, rcond=None)[0] if kept else np.zeros(x.size)
        rest = x - N.T @ np.linalg.lstsq(N.T, x, rcond=None)[0] if kept else x
        room = 1.0 - base @ base
        if room >= 0.0:
            u = base + math.sqrt(room) * rest / np.linalg.norm(rest)
            if np.all(normals @ u >= thresholds - 1e-12):
                best = max(best, float(x @ u))
    return best


def test_the_highest_of_two_caps_is_mostly_reached():
    gaps = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        r = 3 + seed % 4
        normals, inner = units(random, 2, r), units(random, 1, r)[0]
        thresholds = normals @ inner - 0.3 * random.random(2)
        leaf = Leaf.whole(r)
        for normal, threshold in zip(normals, thresholds, strict=True):
            leaf = leaf.halves(normal, float(threshold))[1]
        X = random.normal(size=(6, r))
        expected = [highest_between(x, normals, thresholds) for x in X]
        gaps.append((leaf.highest(X) - expected) / np.linalg.norm(X, axis=1))
    assert np.min(gaps) > -1e-12
    assert np.quantile(gaps, 0.9) < 1e-6
    assert np.mean(gaps) < 1e-3


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 4), st.booleans())
def test_thresholds_one_ulp_apart_leave_room_for_what_is_between(a, b, r, is_turned):
    """``(a^2 - b^2, 2 a b)`` has a rational length, so its height is known exactly."""
    x, y = a * a - b * b, 2 * a * b
    height = Fraction(-x if is_turned else x, a * a + b * b)
    normal = np.zeros(r)
    normal[0] = -1.0 if is_turned else 1.0
    point = np.zeros(r)
    point[:2] = x, y
    leaf = Leaf.whole(r).halves(normal, float_below(height))[1]
    leaf = leaf.halves(normal, float_above(height))[0]
    assert is_in(leaf, point)
    X = np.vstack([np.eye(r), -np.eye(r), point, -point, [0.1] * r])
    assert assert_bounded(leaf, X, [point]) == 1
    # and nothing else: the bounds of the normal are those of the point
    assert leaf.highest(normal[None])[0] == pytest.approx(float(height), abs=1e-12)
    assert leaf.highest(-normal[None])[0] == pytest.approx(-float(height), abs=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308, 1e-320])
def test_odd_facets_leave_the_length_as_a_bound(bad):
    X = np.array([[3.0, 4.0], [-1.0, 0.5]])
    with np.errstate(all="ignore"):
        for part in Leaf.whole(2).halves(np.array([1.0, bad]), bad):
            found = part.highest(X)
            assert np.all(found <= np.linalg.norm(X, axis=1) * (1 + 1e-12))
        for part in Leaf.whole(2).halves(np.zeros(2), bad):
            assert part.highest(X) == pytest.approx(np.linalg.norm(X, axis=1))


@given(ranks, cuts, seeds)
def test_halves_share_the_points_of_a_leaf(r, count, seed):
    random = np.random.default_rng(seed)
    for leaf, points in partition(random, r, count, count=40):
        normal = random.normal(size=r)
        threshold = float(points[0] @ normal)
        below, above = leaf.halves(normal, threshold)
        assert not below.above[-1]
        assert above.above[-1]
        for point in points[:3]:
            sides = is_in(below, point), is_in(above, point)
            assert any(sides) == is_in(leaf, point)
        heights = points @ normal
        far = np.abs(heights - threshold) > 1e-12
        assert np.array_equal(below.inside(points)[far], (heights < threshold)[far])
        assert np.array_equal(above.inside(points)[far], (heights > threshold)[far])


@given(ranks, st.integers(1, 12), seeds)
def test_facets_leave_out_what_others_imply(r, count, seed):
    random = np.random.default_rng(seed)
    points = units(random, 50, r)
    for leaf, _ in partition(random, r, count):
        side = np.where(leaf.above, 1.0, -1.0)
        values = side * (points @ leaf.normals.T - leaf.thresholds)
        clear = np.all(np.abs(values) > 1e-12, axis=1)
        expected = np.all(values > 0.0, axis=1)
        assert np.array_equal(leaf.inside(points)[clear], expected[clear])
        normals = [facet[1:].tobytes() for facet in leaf.facets]
        assert len(set(normals)) == len(normals)
        turned = {(s * n).tobytes() for s, n in zip(side, leaf.normals, strict=True)}
        assert len(normals) == len(turned)


@given(ranks, st.integers(0, 12), seeds)
def test_walks_stay_inside(r, count, seed):
    random = np.random.default_rng(seed)
    for leaf, points in partition(random, r, count):
        found = leaf.walk(points[:1], 5, random)
        assert found.shape == (5, r)
        assert np.allclose(np.linalg.norm(found, axis=1), 1.0, rtol=0, atol=1e-14)
        assert np.all(leaf.inside(found))
        if r > 1:  # and go somewhere
            assert len(np.unique(found, axis=0)) == 5


def test_walks_reach_all_of_a_leaf_alike():
    """Heights of a cap of the sphere are evenly spread (Archimedes)."""
    random = np.random.default_rng(0)
    axis = units(random, 1, 3)[0]
    cap = Leaf.whole(3).halves(axis, 0.5)[1]
    start = axis + 0.01 * random.normal(size=3)
    heights = cap.walk((start / np.linalg.norm(start))[None], 4000, random) @ axis
    counts = np.histogram(heights, bins=4, range=(0.5, 1.0))[0]
    assert counts.sum() == 4000
    assert np.all(np.abs(counts - 1000) < 150)


# what covers the sphere


def copied(leaf, **changes):
    parts = {
        name: changes.get(name, getattr(leaf, name)).copy()
        for name in ("normals", "thresholds", "above")
    }
    return Leaf(**parts)


def leaves_of(random, r, count):
    """At least two leaves in any order; the arrays of none are those of another."""
    leaves = []
    while len(leaves) < 2:
        leaves = [copied(leaf) for leaf, _ in partition(random, r, count, count=60)]
    return [leaves[k] for k in random.permutation(len(leaves))]


@given(ranks, st.integers(1, 12), seeds)
def test_any_halvings_cover(r, count, seed):
    random = np.random.default_rng(seed)
    assert covers([Leaf.whole(r)])
    assert covers(leaves_of(random, r, count))


def nudged(leaf, random, up):
    changed = leaf.thresholds.copy()
    k = random.integers(changed.size)
    changed[k] = np.nextafter(changed[k], up)
    return copied(leaf, thresholds=changed)


def turned(leaf, random):
    normals = leaf.normals.copy()
    k = random.integers(normals.size)
    normals.flat[k] = np.nextafter(normals.flat[k], np.inf)
    return copied(leaf, normals=normals)


def flipped(leaf, random):
    above = leaf.above.copy()
    k = random.integers(above.size)
    above[k] = not above[k]
    return copied(leaf, above=above)


def spoilt(leaf, random, name):
    changed = getattr(leaf, name).copy()
    changed.flat[random.integers(changed.size)] = np.nan
    return copied(leaf, **{name: changed})


def shortened(leaf, random):
    return Leaf(leaf.normals[:-1], leaf.thresholds[:-1], leaf.above[:-1])


def reordered(leaf, random):
    """The same part of the sphere, but cut out in another order."""
    order = np.roll(np.arange(leaf.above.size), 1)
    return Leaf(leaf.normals[order], leaf.thresholds[order], leaf.above[order])


ALTERATIONS = {
    "a threshold one ulp higher": lambda leaf, random: nudged(leaf, random, np.inf),
    "a threshold one ulp lower": lambda leaf, random: nudged(leaf, random, -np.inf),
    "a normal one ulp off": turned,
    "the other side": flipped,
    "a threshold that is no number": lambda leaf, random: spoilt(
        leaf, random, "thresholds"
    ),
    "a normal that is none": lambda leaf, random: spoilt(leaf, random, "normals"),
    "a cut fewer": shortened,
    "one half only": lambda leaf, random: leaf.halves(np.ones_like(leaf.normals[0]), 0)[
        int(random.integers(2))
    ],
}


@pytest.mark.every
@pytest.mark.parametrize("name", ALTERATIONS)
@settings(max_examples=40)
@given(ranks, st.integers(1, 12), seeds)
def test_a_leaf_that_is_altered_is_noticed(name, r, count, seed):
    random = np.random.default_rng(seed)
    leaves = leaves_of(random, r, count)
    k = int(random.integers(len(leaves)))
    leaves[k] = ALTERATIONS[name](leaves[k], random)
    assert not covers(leaves)


@given(ranks, st.integers(1, 12), seeds)
def test_a_leaf_that_is_left_out_or_there_twice_is_noticed(r, count, seed):
    random = np.random.default_rng(seed)
    leaves = leaves_of(random, r, count)
    k = int(random.integers(len(leaves)))
    assert not covers(leaves[:k] + leaves[k + 1 :])
    assert not covers([*leaves, copied(leaves[k])])
    replaced = leaves.copy()
    replaced[k] = leaves[k - 1]
    assert not covers(replaced)
    assert not covers([*leaves, Leaf.whole(r)])


@pytest.mark.parametrize("name", ["thresholds", "normals"])
def test_what_is_no_number_covers_nothing_even_when_shared(name):
    halves = Leaf.whole(2).halves(np.array([1.0, 0.0]), 0.0)
    parts = [copied(half) for half in halves]
    assert covers(parts)
    for part in parts:
        values = getattr(part, name)
        values.setflags(write=True)
        values[0] = np.nan
    assert not covers(parts)


def test_the_arrays_of_a_leaf_are_locked():
    leaf = Leaf.whole(2).halves(np.array([1.0, 0.0]), 0.0)[0]
    for name in ("normals", "thresholds", "above"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(leaf, name)[0] = 0.0


def test_the_order_of_cuts_is_part_of_a_leaf():
    leaf, right = Leaf.whole(2).halves(np.array([1.0, 0.0]), 0.0)
    low, high = leaf.halves(np.array([0.0, 1.0]), 0.5)
    assert covers([low, right, high])
    assert not covers([reordered(low, None), right, high])


def test_no_leaves_cover_nothing():
    assert not covers([])


def test_rows_whose_squares_underflow_or_overflow_are_bounded_too():
    for size in (5e-324, 1e-200, 1e200, 1e308):
        top = Leaf.whole(2).highest(np.array([[size, 0.0], [0.0, 0.0]]))
        assert size <= top[0] <= size * (1 + 1e-12) + 1e-323
        assert 0.0 <= top[1] <= 1e-300


class Rounding:
    """A matrix whose products round differently every time."""

    __array_ufunc__ = None

    def __init__(self, matrix):
        self.matrix, self.shape, self.times = matrix, matrix.shape, 0

    def __rmatmul__(self, left):
        self.times += 1
        return left @ self.matrix * (1.0 + self.times * 2.0**-52)


@given(ranks, st.integers(1, 8), seeds)
def test_leaves_that_share_a_normal_go_on_to_share_it(r, count, seed):
    random = np.random.default_rng(seed)
    leaves = leaves_of(random, r, count)
    matrix = np.linalg.qr(random.normal(size=(r, r)))[0][:, : max(1, r - seed % 2)]
    basis, known = Rounding(matrix), {}
    mapped = [leaf.mapped(basis, known) for leaf in leaves]
    assert covers(mapped)
    became = {}
    for old, new in zip(leaves, mapped, strict=True):
        assert np.array_equal(old.thresholds, new.thresholds)
        assert np.array_equal(old.above, new.above)
        assert np.allclose(new.normals, old.normals @ matrix, atol=1e-12)
        for before, after in zip(old.normals, new.normals, strict=True):
            key = before.tobytes()
            assert became.setdefault(key, after.tobytes()) == after.tobytes()
