"""Leaves of the sphere for tests: random halvings, and exact arithmetic on them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from convex_solver.leaves import Hint, Leaf, PricePoint, Rows


def units(random, count, r):
    """Directions (count, r)."""
    points = random.normal(size=(count, r))
    return points / np.linalg.norm(points, axis=1)[:, None]


def partition(random, r, cuts, scale=1.0, count=300, least=1):
    """Leaves with points inside each, that at most so many halvings make.

    Cuts are through the points, caps around one, or parallel to an earlier cut; each
    half has at least so many of the points.
    """
    parts = [(Leaf.whole(r), units(random, count, r))]
    for _ in range(cuts):
        k = int(random.integers(len(parts)))
        leaf, points = parts[k]
        kind = random.random()
        if kind < 0.3 and len(leaf.normals):
            normal = leaf.normals[random.integers(len(leaf.normals))]
        elif kind < 0.6:
            normal = scale * points[random.integers(len(points))]
        else:
            normal = scale * random.normal(size=r)
        heights = points @ normal
        sides = leaf.halves(normal, float(0.5 * np.sum(random.choice(heights, 2))))
        kept = [points[side.inside(points)] for side in sides]
        if min(map(len, kept)) >= least:
            parts[k : k + 1] = zip(sides, kept, strict=True)
    return parts


def moments(points, weights):
    """Mean (1, r) and second moments (1, r, r) of weighted points."""
    return (weights @ points)[None], ((points.T * weights) @ points)[None]


def inner_moments(random, parts):
    """Moments of points of each leaf, with points enough for all dimensions."""
    each = []
    for leaf, points in parts:
        inner = leaf.walk(points, 12 * points.shape[1], random)
        each.append(moments(inner, np.full(len(inner), 1.0 / len(inner))))
    return [np.concatenate(part) for part in zip(*each, strict=True)]


def price_point(random, r, n, cuts, X=None, w=None):
    """A first point for the price of some rows on leaves, with points of these.

    Rows, weights and a linear part are random, where X and w are not given.
    """
    parts = partition(random, r, cuts, least=20)
    leaves = [leaf for leaf, _ in parts]
    m, M = inner_moments(random, parts)
    linear = random.normal(size=r) if X is None else np.zeros(r)
    rows = Rows(random.normal(size=(n, r)) if X is None else X, leaves)
    w = random.normal(size=n) if w is None else w
    return PricePoint(rows, leaves, m, M, w, linear), parts


def exactly(vector):
    return [Fraction(x) for x in np.asarray(vector).tolist()]


def dot(a, b):
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def is_nonnegative(a, b, q):
    """Whether ``a + b sqrt(q) >= 0``, in rationals."""
    if a >= 0 and b >= 0:
        return True
    if a < 0 and b < 0:
        return False
    return a * a >= b * b * q if a >= 0 else b * b * q >= a * a


def is_in(leaf, point):
    """Whether ``point / |point|`` is in the closed leaf, exactly."""
    p = exactly(point)
    q = dot(p, p)
    for normal, threshold, above in zip(
        leaf.normals, leaf.thresholds.tolist(), leaf.above, strict=True
    ):
        side = 1 if above else -1
        height, t = dot(exactly(normal), p), Fraction(threshold)
        if not is_nonnegative(side * height, -side * t, q):
            return False
    return True


def exact_price(rows, w, linear, p):
    """``linear.p + sum w_i (x_i.p)_+`` of rationals, for any p."""
    heights = (dot(row, p) for row in rows)
    total = sum((a * max(h, 0) for a, h in zip(w, heights, strict=True)), Fraction(0))
    return total + dot(linear, p)


def assert_below(X, v, directions, bound):
    """No direction has a price above it, ``|f(u)| <= bound |u|``, exactly."""
    if math.isinf(bound):
        return
    rows, weights, top = [exactly(x) for x in X], exactly(v), Fraction(bound)
    zero = [Fraction(0)] * len(X[0])
    for u in directions:
        p = exactly(u)
        price = exact_price(rows, weights, zero, p)
        assert price * price <= top * top * dot(p, p)


def some_hint(n, leaf, sign, m, M, softness, y, price):
    """A hint for n rows with shares that are as good as any."""
    random = np.random.default_rng(n)
    shares = random.dirichlet(np.ones(4), size=n).T if n else np.zeros((4, 0))
    return Hint(leaf, sign, m, M, shares, y, softness, softness, price)
