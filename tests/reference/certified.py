"""What a certificate claims, evaluated in rationals from the definitions.

Objective (2) and the dual of Theorem 6 of Pilanci & Ergen (2020) for data, weights and
networks of any size.  Logarithms are enclosed: every loss and every conjugate is a pair
(low, high) of fractions, equal where the number is rational.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from fractions import Fraction
from functools import cmp_to_key

# Correctly rounded to 60 digits; what a few operations lose is far below the margin.
DIGITS = decimal.Context(prec=60, Emin=-(10**9), Emax=10**9, traps=[])
MARGIN = Fraction(1, 10**45)
# Powers of e beyond this are enclosed by hand.
FAR = 3000
TINY = Fraction(1, 10**1300)  # above exp(-FAR)
HUGE = Fraction(10**1300)  # below exp(FAR)

ZERO = Fraction(0)


def sample_loss(name, parameter, f, y):
    """Enclosure of the loss of one sample of weight one; exact arguments."""
    if name == "logistic":
        return _softplus(-y * f)
    if name == "poisson":
        return _deviance(f, y)
    distance = abs(f - y)
    if name == "exact":
        return (ZERO, ZERO) if distance == 0 else (math.inf, math.inf)
    if name == "squared":
        value = distance * distance / 2
    elif name == "absolute":
        value = distance
    elif name == "huber":
        value = distance * distance / 2
        if distance > parameter:
            value = parameter * distance - parameter * parameter / 2
    elif name == "quantile":
        value = parameter * (y - f) if f < y else (1 - parameter) * (f - y)
    elif name == "epsilon_insensitive":
        value = max(ZERO, distance - parameter)
    else:
        value = max(ZERO, 1 - y * f)
        if name == "squared_hinge":
            value = value * value
    return value, value


def sample_dual(name, parameter, v, y, c):
    """Enclosure of ``-c l*(v / c)``, or None outside the domain."""
    if name == "logistic":
        p = -v * y / c
        if not 0 <= p <= 1:
            return None
        return _scaled(c, _entropy(p))
    if name == "exact":
        return -v * y, -v * y
    if name == "poisson":
        u = v / c + y
        if u < 0:
            return None
        return _scaled(c, _poisson_dual(u, y))
    if name in ("hinge", "squared_hinge"):
        if v * y > 0 or (name == "hinge" and abs(v) > c):
            return None
        square = v * v / (4 * c) if name == "squared_hinge" else ZERO
        return -v * y - square, -v * y - square
    low = high = None
    dead, curved = ZERO, name in ("squared", "huber")
    if name == "absolute":
        low, high = -c, c
    elif name == "huber":
        low, high = -parameter * c, parameter * c
    elif name == "quantile":
        low, high = -parameter * c, (1 - parameter) * c
    elif name == "epsilon_insensitive":
        low, high, dead = -c, c, parameter
    if low is not None and not low <= v <= high:
        return None
    value = -v * y - dead * abs(v)
    if curved:
        value -= v * v / (2 * c)
    return value, value


def total_dual(name, parameter, v, y, weights):
    """Enclosure of ``-l*(v)``, or None outside the domain."""
    parts = []
    for a, b, c in zip(v, y, weights, strict=True):
        one = sample_dual(name, parameter, a, b, c)
        if one is None:
            return None
        parts.append(one)
    return sum((p[0] for p in parts), ZERO), sum((p[1] for p in parts), ZERO)


def prediction(rows, n_patches, units, alphas):
    """Outputs of a network on the rows as they enter, one for each sample."""
    found = []
    for row in rows:
        total = ZERO
        for u, alpha in zip(units, alphas, strict=True):
            if alpha:
                inner = sum((a * b for a, b in zip(row, u, strict=True)), ZERO)
                if inner > 0:
                    total += alpha * inner
        found.append(total)
    if n_patches == 1:
        return found
    return [
        sum(found[k : k + n_patches], ZERO) for k in range(0, len(found), n_patches)
    ]


def objective(problem, units, alphas):
    """Enclosure of objective (2) of a network; ``problem`` is a `Problem`."""
    f = prediction(problem.rows, problem.n_patches, units, alphas)
    squares = sum((x * x for u in units for x in u), ZERO)
    squares += sum((a * a for a in alphas), ZERO)
    low = high = problem.beta * squares / 2
    for a, b, c in zip(f, problem.y, problem.weights, strict=True):
        one = sample_loss(problem.name, problem.parameter, a, b)
        low += c * one[0]
        high = math.inf if math.inf in (high, one[1]) else high + c * one[1]
    return low, high


class Problem:
    """Exact data of one problem: rows as they enter, K of them for each sample."""

    def __init__(self, rows, n_patches, y, weights, name, parameter, beta):
        self.rows, self.n_patches, self.y, self.weights = rows, n_patches, y, weights
        self.name, self.parameter, self.beta = name, parameter, beta


def price_violation(rows, v, limit, extra=()):
    """A direction u with ``|v^T (X u)_+| > limit |u|``, or None if none is found.

    None is a proof in one and two dimensions, where all critical directions are tried.
    ``v`` has an entry for each row.
    """
    used = [(row, value) for row, value in zip(rows, v, strict=True) if value]
    used = [(row, value) for row, value in used if any(row)]
    if not used:
        return None
    X, below = _integers([row for row, _ in used])
    V, under = _integers([[value for _, value in used]])
    V = V[0]
    limit = Fraction(limit)
    left = limit.denominator
    right = (limit.numerator * below * under) ** 2

    def is_above(u):
        total = 0
        for row, value in zip(X, V, strict=True):
            inner = sum(a * b for a, b in zip(row, u, strict=True))
            if inner > 0:
                total += value * inner
        return (total * left) ** 2 > right * sum(a * a for a in u)

    for u in _critical(X, V, extra):
        if any(u) and is_above(u):
            return u
    return None


def largest_price_squared(rows, v):
    """``max |v^T (X u)_+|^2`` over the unit ball, exactly, in one or two dimensions."""
    X, below = _integers(rows)
    V, under = _integers([list(v)])
    best = ZERO
    for u in _critical(X, V[0], ()):
        if any(u):
            total = 0
            for row, value in zip(X, V[0], strict=True):
                inner = sum(a * b for a, b in zip(row, u, strict=True))
                total += value * max(inner, 0)
            best = max(best, Fraction(total * total, sum(a * a for a in u)))
    return best / (below * under) ** 2


def _integers(rows):
    """Rows as integers over one denominator."""
    common = math.lcm(*(Fraction(x).denominator for row in rows for x in row), 1)
    whole = [
        [Fraction(x).numerator * (common // Fraction(x).denominator) for x in row]
        for row in rows
    ]
    return whole, common


def _critical(X, V, extra):
    """Directions among which ``|v^T (X u)_+| / |u|`` is largest (in d <= 2)."""
    d = len(X[0])
    if d == 1:
        return [(1,), (-1,)]
    rays = _rays(X, d)
    inside = _between(rays) if d == 2 else _near(rays, d)
    found = list(rays) + [tuple(int(a) for a in u) for u in extra]
    for u in inside + (found if d > 2 else []):
        gradient = [0] * d
        for row, value in zip(X, V, strict=True):
            if sum(a * b for a, b in zip(row, u, strict=True)) > 0:
                for k in range(d):
                    gradient[k] += value * row[k]
        found.append(tuple(gradient))
        found.append(tuple(-g for g in gradient))
    return found


def _rays(X, d):
    """Both directions of each line where d - 1 rows are zero (the rows, if d > 3)."""
    rays = []
    if d == 2:
        lines = [(-b, a) for a, b in X if a or b]
    elif d == 3:
        lines = [
            _cross(p, q) for k, p in enumerate(X) for q in X[:k] if any(_cross(p, q))
        ] + [tuple(row) for row in X]
    else:
        lines = [tuple(row) for row in X]
    seen = set()
    for line in lines:
        size = math.gcd(*line)
        if size:
            unit = tuple(a // size for a in line)
            for ray in (unit, tuple(-a for a in unit)):
                if ray not in seen:
                    seen.add(ray)
                    rays.append(ray)
    return rays


def _cross(p, q):
    return (
        p[1] * q[2] - p[2] * q[1],
        p[2] * q[0] - p[0] * q[2],
        p[0] * q[1] - p[1] * q[0],
    )


def _between(rays):
    """One direction inside each sector between neighbouring rays of the plane."""

    def half(u):
        return 0 if u[1] > 0 or (u[1] == 0 and u[0] > 0) else 1

    def compare(u, w):
        if half(u) != half(w):
            return half(u) - half(w)
        cross = u[0] * w[1] - u[1] * w[0]
        return -1 if cross > 0 else 1 if cross < 0 else 0

    ordered = sorted(rays, key=cmp_to_key(compare))
    found = []
    for k, u in enumerate(ordered):
        w = ordered[(k + 1) % len(ordered)]
        middle = (u[0] + w[0], u[1] + w[1])
        # opposite rays, where all rows are on one line
        found.append(middle if any(middle) else (-u[1], u[0]))
    return found


def _near(rays, d):
    """Directions off each ray by a thousandth of another: most chambers have one."""
    found = []
    for k, ray in enumerate(rays[:6]):
        size = max(map(abs, ray))
        for other in rays[k + 1 :][:4]:
            length = max(map(abs, other))
            found.append(
                tuple(
                    1000 * length * a + size * b
                    for a, b in zip(ray, other, strict=True)
                )
            )
    return found


def _scaled(c, pair):
    return c * pair[0], c * pair[1]


def _decimal(x):
    return DIGITS.divide(Decimal(x.numerator), Decimal(x.denominator))


def _softplus(x):
    """``log(1 + exp(x))``."""
    top, size = max(x, ZERO), abs(x)
    if size > FAR:
        return top, top + TINY
    power = Fraction(DIGITS.exp(_decimal(-size)))
    if power < Fraction(1, 10**20):  # t - t^2 / 2 <= log(1 + t) <= t
        low, high = power - power * power / 2, power
    else:
        low = high = Fraction(DIGITS.ln(_decimal(1 + power)))
    return top + low * (1 - MARGIN * 10**10), top + high * (1 + MARGIN * 10**10)


def _x_log_x(x):
    """Enclosure of ``x log x``; the logarithm of any fraction is below 10^6."""
    if x == 0:
        return ZERO, ZERO
    value = x * Fraction(DIGITS.ln(_decimal(x)))
    off = MARGIN * x * 10**7
    return value - off, value + off


def _entropy(p):
    """Enclosure of ``-(p log p + (1 - p) log(1 - p))``."""
    parts = [_x_log_x(p), _x_log_x(1 - p)]
    return max(ZERO, -sum(x[1] for x in parts)), max(ZERO, -sum(x[0] for x in parts))


def _deviance(f, y):
    """Enclosure of ``exp(f) - y f - y + y log y``, which is never negative."""
    if f > FAR:
        power = (HUGE, math.inf)
    elif f < -FAR:
        power = (ZERO, TINY)
    else:
        value = Fraction(DIGITS.exp(_decimal(f)))
        power = (value * (1 - MARGIN * 10**5), value * (1 + MARGIN * 10**5))
    rest = -y * f - y
    logs = _x_log_x(y)
    low = max(ZERO, power[0] + rest + logs[0])
    high = math.inf if power[1] == math.inf else power[1] + rest + logs[1]
    return low, high


def _poisson_dual(u, y):
    """Enclosure of ``-(u log u - u - y log y + y)``."""
    own, target = _x_log_x(u), _x_log_x(y)
    return -own[1] + u + target[0] - y, -own[0] + u + target[1] - y
