"""A dual point whose price is decided exactly, for rows far longer than they differ by.

Rounding takes some ``u sum |v_i| |x_i|`` of every price, which is nothing unless the
mean of a column is far above its spread: with 10^5 times the spread it may be more than
what `beta` is.  Then the chambers that a listing finds near the limit are priced again
in integers, and the point is not scaled, which rounds each entry, but nudged: one
chamber is wide, where all rows add up, and some entries move by their last digits until
their sum is as short as it has to be.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from fractions import Fraction
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement import iter_patterns
from arrangement.exact import solved
from convex_solver.certificates.chambers import FLOOR, Price, ScaledRows
from convex_solver.losses import DataTerm
from convex_solver.reading import Data
from convex_solver.rounding import U
from convex_solver.typing import Array

Integers = Sequence[int]

# What rounding may take of a price before all this is worth while.
MUCH = 1e-8
# Chambers that are listed, and those that are priced in integers, at most; the rank.
MOST_CHAMBERS, MOST_EXACT, MOST_RANK = 20_000, 3_000, 5
# How far below the limit a nudged point aims, and a shrunk one: relative.
BELOW = 2.0**-28
# So many times that below the limit, a point is where a nudge would bring it.
NEAR = Fraction(65, 64)
# Points that are tried.
TRIES = 4


@np.errstate(all="ignore")  # what overflows is an infinite share
def rounded_share(data: Data, v: Array, beta: float) -> float:
    """Return what rounding may take of a price of ``v``, one a row, beside beta.

    A covering allows ``r^(3/2) u sum |v_i| |x_i|`` for products, and as much as two
    roundings of every entry.
    """
    lengths = np.hypot.reduce(data.X, axis=1)
    r = data.arrangement.rank
    share = (2.0 + r * math.sqrt(r)) * U * float(np.abs(v) @ lengths) / beta
    return share if math.isfinite(share) else math.inf


def nudged_dual(
    data: Data, term: DataTerm, v: Array, beta: float, bound: int, deadline: float
) -> tuple[Array, Price] | None:
    """Return a point near ``v`` that is feasible as it is, and its largest price.

    ``v`` is in the domain of the conjugate and nearly feasible; ``bound`` is Cover's.
    None where the data are not exact floats, chambers are too many, or time is over.
    """
    is_exact = data.n_patches == 1 and not np.any(data.X_error)
    is_small = data.arrangement.rank <= MOST_RANK and bound <= MOST_CHAMBERS
    if not (is_exact and is_small and np.all(np.isfinite(v))):
        return None
    rows, limit = _Rows(data.X), Fraction(beta)
    found = _priced(data, rows, v, deadline, is_wide=False)
    if found is None or not is_tame(found.square):
        return None
    # what comes from here is left as it is: all the same, whoever checks it
    is_near = (limit * (1 - NEAR * Fraction(BELOW))) ** 2 <= found.square <= limit**2
    if not is_near:
        v = term.clip(term.best_scale(v, _below(beta, found.square)) * v)
    for turn in range(TRIES):
        if turn or not is_near:
            v = _shortened(rows, term, v, limit * (1 - Fraction(BELOW)))
        found = _priced(data, rows, v, deadline)
        if found is None or not is_tame(found.square):
            return None
        if found.square <= limit * limit:
            # a price is at most beta, and its float may be rounded
            largest = min(_root_above(found.square), beta)
            proof = f"{found.proof} Prices near the limit are exact."
            return v, Price(largest, found.n_patterns, None, bound, proof)
        v = term.clip(_below(beta, found.square) * v)
    return None


class Priced(NamedTuple):
    """The square of a largest price, of so many chambers, and why that is all."""

    square: Fraction
    n_patterns: int
    proof: str


def is_tame(square: Fraction) -> bool:
    """Whether floats hold a square and its root without loss."""
    return 1e-280 < square < 1e280


def _below(beta: float, square: Fraction) -> float:
    """Return a factor that brings a price somewhat below beta."""
    return beta / math.sqrt(square) * (1.0 - BELOW)


class _Rows:
    """The rows of X in integers: ``X = rows / 2^shift``."""

    def __init__(self, X: Array) -> None:
        exact = [[Fraction(x) for x in row] for row in X.tolist()]
        denominators = [x.denominator for row in exact for x in row]
        self.shift = max(denominators, default=1).bit_length() - 1
        self.rows = [[int(x * 2**self.shift) for x in row] for row in exact]

    def gradient(self, v: Array, active: NDArray[np.intp]) -> list[Fraction]:
        """``sum v_i x_i`` over the active rows, exactly."""
        parts = [(Fraction(float(v[i])), self.rows[i]) for i in active.tolist()]
        scale = max((part.denominator for part, _ in parts), default=1)
        whole = [(int(part * scale), row) for part, row in parts]
        width = len(self.rows[0]) if self.rows else 0
        totals = [sum(part * row[k] for part, row in whole) for k in range(width)]
        return [Fraction(total, scale << self.shift) for total in totals]


def _root_above(square: Fraction) -> float:
    """Return a float at or above the root."""
    root = math.sqrt(float(square)) * (1.0 + 2.0**-50)
    while Fraction(root) ** 2 < square:
        root = math.nextafter(root, math.inf)
    return root


def _shortened(rows: _Rows, term: DataTerm, v: Array, limit: Fraction) -> Array:
    """Move entries of ``v`` by last digits until ``|X^T v| <= limit``, if they can.

    The coarsest first, each by as many as bring the sum nearest; then the finest.
    """
    total = rows.gradient(v, np.arange(v.size))
    square = sum((x * x for x in total), Fraction(0))
    if square <= limit * limit or not is_tame(square):
        return v
    length = Fraction(_root_above(square))
    excess = length - limit
    heights = [
        sum((x * a for x, a in zip(row, total, strict=True)), Fraction(0))
        / (length * (1 << rows.shift))
        for row in rows.rows
    ]
    order = np.argsort(-np.abs(v), kind="stable").tolist()
    moved = v.copy()
    for i in [i for i in order if v[i] != 0.0 and heights[i]]:
        change = Fraction(math.ulp(float(v[i]))) * heights[i]
        excess -= _move(term, moved, i, round(-excess / change), heights[i])
    for i in reversed(order):
        if excess <= 0:
            break
        if v[i] != 0.0 and heights[i]:
            count = 1 if heights[i] < 0 else -1
            excess -= _move(term, moved, i, count, heights[i])
    return moved


def _move(term: DataTerm, v: Array, i: int, count: int, height: Fraction) -> Fraction:
    """Move an entry by some last digits, inside the domain; return what that takes."""
    before = float(v[i])
    if abs(count) > 2**20:
        return Fraction(0)
    v[i] = before + count * math.ulp(before)
    if not np.array_equal(term.clip(v), v):
        v[i] = before
    return (Fraction(before) - Fraction(float(v[i]))) * height


def _priced(
    data: Data, rows: _Rows, v: Array, deadline: float, *, is_wide: bool = True
) -> Priced | None:
    """Return the largest price, or None if that takes too long.

    Chambers are priced by the kernel first: only those whose bound is above the largest
    price so far are priced exactly.  With ``is_wide`` false the ones where all rows are
    active, or none, are left out.
    """
    largest, left, best, count = Fraction(0), MOST_EXACT, 0.0, 0
    scaled = ScaledRows.of(data, v)
    stream = iter_patterns(data.arrangement, facets=True, prove=True)
    for block in stream:
        count += len(block)
        prices, facets, patterns = scaled.prices(block), block.facets(), [*block]
        for place in np.argsort(-prices, axis=None, kind="stable").tolist():
            p, sign = divmod(place, 2)
            if prices[p, sign] <= best:  # not a NaN
                continue
            active = patterns[p]
            if not is_wide and (np.all(active) or not np.any(active)):
                continue
            left -= 1
            if left < 0 or time.monotonic() > deadline:
                return None
            target = rows.gradient(v, np.flatnonzero(active))
            target = target if sign == 0 else [-x for x in target]
            sides = [
                [x if active[f] else -x for x in rows.rows[f]]
                for f in facets[p].tolist()
            ]
            square = square_of_price(target, sides)
            if square > largest:
                largest = square
                if not is_tame(square):
                    return None
                # below it for certain, so that what is left out is below it too
                root = math.sqrt(square) * (1.0 - 2.0**-48)
                best = float(np.ldexp(root, -scaled.exponent)) - FLOOR
    return Priced(largest, count, str(stream.proof))


def square_of_price(target: Sequence[Fraction], sides: Sequence[Integers]) -> Fraction:
    """Return ``max target.u`` over ``sides u >= 0``, ``|u| <= 1``, squared and exact.

    The least ``|target + sum lam_f sides_f|^2`` over ``lam >= 0`` (Lemma 4), by the
    active sets of Lawson & Hanson (1974, Section 23.3), which end in exact arithmetic:
    the square falls with each, and a side that comes in is independent of the others.
    """
    products = [[sum(map(mul, a, b)) for b in sides] for a in sides]
    heights = [sum(map(mul, a, target), Fraction(0)) for a in sides]
    lam: dict[int, Fraction] = {}
    while (entering := _steepest(products, heights, lam)) is not None:
        lam[entering] = Fraction(0)
        while (step := _least(products, heights, lam)) and min(step.values()) < 0:
            # as far as no multiplier is negative; those that are zero then leave
            share = min(lam[f] / (lam[f] - step[f]) for f in lam if step[f] < 0)
            lam = {f: x + share * (step[f] - x) for f, x in lam.items()}
            lam = {f: x for f, x in lam.items() if x > 0}
        lam = step
    # |target + F^T lam|^2 = |target|^2 + lam . F target, as F p = 0
    square = sum(map(mul, target, target), Fraction(0))
    return square + sum((x * heights[f] for f, x in lam.items()), Fraction(0))


def _steepest(
    products: Sequence[Integers], heights: Sequence[Fraction], lam: dict[int, Fraction]
) -> int | None:
    """Return the side that the square falls along fastest, or None at the least."""
    best, found = Fraction(0), None
    for f, height in enumerate(heights):
        if f in lam:
            continue
        slope = height + sum(x * products[f][g] for g, x in lam.items())
        if slope < 0 and slope * slope > best * products[f][f]:
            best, found = slope * slope / products[f][f], f
    return found


def _least(
    products: Sequence[Integers], heights: Sequence[Fraction], lam: dict[int, Fraction]
) -> dict[int, Fraction]:
    """Return the multipliers of some sides at the least square, of any sign."""
    chosen = list(lam)
    found = solved(
        [[products[a][b] for b in chosen] for a in chosen],
        [-heights[a] for a in chosen],
    )
    return dict(zip(chosen, found or (), strict=True))
