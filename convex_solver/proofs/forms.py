"""Write down a covering by parts of the sphere: halvings, and a form above g on each.

Everything is a whole number of units ``2^-K``.  Which numbers to write, hints of leaves
say; they are rounded so that what the checker demands of them holds exactly, and what
that costs of the bound is some units of each row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convex_solver.errors import ProofError
from convex_solver.leaves import (
    Facets,
    Hint,
    Leaf,
    Packing,
    RowBounds,
    Rows,
    largest_moments,
)
from convex_solver.proofs.cones import ExactRows
from convex_solver.typing import Array

# Halvings of the interval of the multiplier nu.
BISECTIONS = 100
# Characters of a line, as the format has it.
LONGEST = 2**26
# Units of which policies fall short of what they may be.
SPARE = 8


@dataclass(frozen=True, eq=False)
class Sources:
    """The rows of the data that groups of rows come from.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        One row of each group.
    sides : ndarray, shape (n,)
        -1.0 where that row is a negative multiple of the group's vector.
    lengths : ndarray, shape (n,)
        Its norm.
    """

    rows: NDArray[np.int64]
    sides: Array
    lengths: Array

    def hint(self, hint: Hint, basis: Array, A: Array, price: float) -> Hint:
        """Return a hint of the data for the groups, in the coordinates of W."""
        scale = np.linalg.norm(A, axis=1) / self.lengths
        found = hint.mapped(basis, {}).for_rows(self.rows, scale, price)
        # x.u and -x.u change places
        turned = found.shares[[0, 2, 1, 3]]
        return replace(found, shares=np.where(self.sides < 0.0, turned, found.shares))


class FormTrees:
    """The trees of both signs.

    Parameters
    ----------
    rows : ExactRows
    hints : sequence of Hint
        For the groups of ``rows``, in their coordinates, as `Sources.hint` has them;
        leaves that cover the sphere, for each sign.  None: forms are sought.

    Attributes
    ----------
    excess : float
        The largest bound of a form over R: at most 1, or nothing is proven.
    """

    def __init__(self, rows: ExactRows, hints: Sequence[Hint]) -> None:
        self.rows, self.hints, self.excess = rows, hints, 0.0
        self.A = np.array([[self.float(x) for x in row] for row in rows.a])
        self.A = self.A.reshape(len(rows.a), rows.rank)
        self.whole = np.array(rows.a, dtype=object).reshape(self.A.shape)
        self.linear = np.array([self.float(x) for x in rows.linear])
        self.lines = [line for sign in (1, -1) for line in self._trees(sign)]

    def float(self, x: int) -> float:
        """Return so many units."""
        return x / (1 << self.rows.bits)

    def _trees(self, sign: int) -> Iterator[str]:
        hints = [hint for hint in self.hints if hint.sign == -sign]
        if not self.hints:
            signs = sign * np.array(self.rows.e, dtype=np.float64)
            hints = [_sought(self.A, signs, sign * self.linear)]
        yield f'["o",{sign},-1]\n'
        yield from self._tree(sign, hints, 0)

    def _tree(self, sign: int, hints: list[Hint], depth: int) -> Iterator[str]:
        """Return the lines of a part of which hints have the parts, cut so often."""
        if not hints:
            raise ProofError("the leaves do not cover the sphere; certify again.")
        leaf = hints[0].leaf
        if len(leaf.thresholds) <= depth:
            yield self._leaf(sign, hints[0])
            return
        cut = self.units(np.append(-leaf.thresholds[depth], leaf.normals[depth]))
        yield f'["h",{",".join(map(str, cut))}]\n'
        for side in (True, False):
            some = [hint for hint in hints if hint.leaf.above[depth] == side]
            yield from self._tree(sign, some, depth + 1)

    def units(self, numbers: Array) -> list[int]:
        """Round to whole units."""
        found = np.rint(np.ldexp(numbers, self.rows.bits))
        if not np.all(np.isfinite(found)):
            raise ProofError("a leaf has numbers that are not finite; certify again.")
        return [int(x) for x in found.tolist()]

    def _leaf(self, sign: int, hint: Hint) -> str:
        form = _Form(self, sign, hint)
        bound = form.largest()
        self.excess = max(self.excess, bound / self.float(self.rows.bound))
        M = ",".join(_listed(line) for line in form.M)
        terms = ",".join(form.terms)
        products = ",".join(form.products)
        line = f'["q",[{M}],[{terms}],[{products}],{form.nu}]\n'
        if len(line) >= LONGEST:
            raise ProofError(
                f"a leaf takes {len(line):,} characters; a line has fewer than "
                f"{LONGEST:,}. Prove it with fewer rows."
            )
        return line


class _Form:
    """The form of one leaf: what is written of it, and its value in floats."""

    def __init__(self, trees: FormTrees, sign: int, hint: Hint) -> None:
        self.trees, self.bits = trees, trees.rows.bits
        leaf = hint.leaf
        # with the normals that are written
        cuts = np.column_stack([-leaf.thresholds, leaf.normals])
        sides = np.where(leaf.above, 1, -1)
        self.cuts = [
            [int(side) * x for x in trees.units(cut)]
            for side, cut in zip(sides, cuts, strict=True)
        ]
        exact = np.array([[trees.float(x) for x in cut] for cut in self.cuts]).reshape(
            cuts.shape
        )
        leaf = Leaf(
            sides[:, None] * exact[:, 1:], -sides * exact[:, 0], leaf.above.copy()
        )
        self.hint = hint = replace(hint, leaf=leaf)
        # which of the cuts are facets
        self.places = [
            int(np.flatnonzero(np.all(exact == facet, axis=1))[0])
            for facet in leaf.facets
        ]
        r = trees.rows.rank
        self.c, self.g = 0.0, sign * trees.linear
        self.H = np.zeros((r, r))
        size = math.frexp(float(np.abs(hint.M).max()) or 1.0)[1]
        self.M = [trees.units(np.ldexp(line, -size)) for line in hint.M]
        self.terms: list[str] = []
        self.products: list[str] = []
        self.nu = 0
        with np.errstate(all="ignore"):
            self._add_rows(sign, size)
            self._add_facets()

    def _add_rows(self, sign: int, size: int) -> None:
        trees, leaf = self.trees, self.hint.leaf
        A = trees.A
        if not len(A):
            return
        high, up = self._above(A, trees.whole)
        minus, down = self._above(-A, -trees.whole)
        low = [-x for x in minus]
        bounded = Rows(A, [leaf])
        at = bounded.at(self.hint.m[None], self.hint.M[None], self.hint.softness)
        signs = sign * np.array(trees.rows.e, dtype=np.float64)
        ends = np.array([[trees.float(x) for x in end] for end in (low, high)])
        is_open = (ends[0] < 0.0) & (ends[1] > 0.0)
        steep = np.where(is_open & (signs > 0.0), 1.0, 0.0)
        parabolas = self._parabolas(at, bounded.is_open[0], ends, steep)
        policies = self._policies(at, low, high, ends, is_open & (signs < 0.0), size)
        linear = np.where(~is_open & (ends[0] >= 0.0), signs, 0.0)
        self.g = self.g + linear @ A
        for k in range(len(A)):
            more: list[int] = []
            if is_open[k]:
                more = parabolas[k] if signs[k] > 0.0 else policies[k]
            self.terms.append(f"[{_short(down[k])},{_short(up[k])},{_listed(more)}]")

    def _above(
        self, X: Array, whole: NDArray[np.object_]
    ) -> tuple[list[int], list[list[int]]]:
        """Return bounds of x.w from above as the checker has them, and multipliers."""
        found = self.hint.leaf.multipliers(X)
        lam = np.zeros((len(X), len(self.cuts)), dtype=object)
        for place, column in zip(self.places, found.T, strict=True):
            lam[:, place] = self.trees.units(np.maximum(column, 0.0))
        cuts = np.array(self.cuts, dtype=object).reshape(-1, X.shape[1] + 1)
        far = whole * (1 << self.bits)
        off = np.zeros(len(X), dtype=object)
        if len(cuts):
            far, off = far + lam @ cuts[:, 1:], lam @ cuts[:, 0]
        squares = (far * far).sum(axis=1)
        ends = [
            (c + math.isqrt(x) >> self.bits) + 1
            for c, x in zip(off, squares, strict=True)
        ]
        return ends, lam.tolist()

    def _parabolas(
        self, at: RowBounds, is_known: NDArray[np.bool_], ends: Array, steep: Array
    ) -> list[list[int]]:
        """Add ``|s| / 2 <= (c + A s + B s^2) / 2`` with weights; return A and B."""
        low, high = ends
        A, B = at.slopes[1, 0], at.slopes[2, 0]
        fits = is_known & np.isfinite(A) & np.isfinite(B) & (B >= 0.0)
        A = np.where(fits, A, (low + high) / (high - low))
        B = np.where(fits, B, 0.0)
        A, B = np.where(steep > 0.0, A, 0.0), np.where(steep > 0.0, B, 0.0)
        units = self.trees.units(A), self.trees.units(B)
        A, B = (np.ldexp(np.array(x, dtype=np.float64), -self.bits) for x in units)
        c = np.zeros(len(A))
        for end, slope in ((high, 1.0 - A), (-low, 1.0 + A)):
            place = np.where(slope > 0.0, np.fmin(end, 0.5 * slope / B), 0.0)
            c = np.maximum(c, slope * place - B * place * place)
        X = self.trees.A
        self.c += 0.5 * float(steep @ c)
        self.g = self.g + 0.5 * (steep * (1.0 + A)) @ X
        self.H = self.H + 0.5 * (X.T * (steep * B)) @ X
        return [list(pair) for pair in zip(*units, strict=True)]

    def _policies(
        self,
        at: RowBounds,
        low: list[int],
        high: list[int],
        ends: Array,
        wanted: NDArray[np.bool_],
        size: int,
    ) -> list[list[int]]:
        """Take off ``s (1 + pi(w)) / 2``; return the q, rho and tau of the policies."""
        one, bits = 1 << self.bits, self.bits
        shares = np.fmax(np.nan_to_num(self.hint.shares), 0.0)
        shares = shares / np.maximum(shares.sum(axis=0), 2.0**-500)
        shares = shares * (1.0 - 2.0 * SPARE / one)
        width = np.where(wanted, ends[1] - ends[0], 1.0)
        q = shares[1] - shares[2] - shares[3] * (ends[0] + ends[1]) / width
        rho = 2.0 * shares[3] / width
        tau = np.nan_to_num(shares[0] / np.ldexp(at.least[0], -size), posinf=0.0)
        found: list[list[int]] = [[0, 0, 0] for _ in q]
        M = np.array(self.M, dtype=object)
        rows = np.flatnonzero(wanted)
        images = self.trees.whole[rows] @ M.T
        for k, image in zip(rows.tolist(), images, strict=True):
            length = math.isqrt(sum(x * x for x in image)) + 1
            most = int(shares[0, k] * one)
            t = min(int(tau[k] * one), max(most - 2 << 2 * bits, 0) // length)
            room = one - (t * length >> 2 * bits) - 1
            found[k] = [*_within(q[k], rho[k], low[k], high[k], room, bits), t]
        q, rho, tau = (
            np.array([self.trees.float(x) for x in column])
            for column in zip(*found, strict=True)
        )
        X, inner = self.trees.A, np.ldexp(np.array(self.M, dtype=np.float64), -bits)
        self.g = self.g - 0.5 * (np.where(wanted, 1.0 + q, 0.0) @ X)
        along = (X.T * tau) @ X @ inner.T
        self.H = self.H - 0.5 * (X.T * rho) @ X - 0.25 * (along + along.T)
        return found

    def _add_facets(self) -> None:
        hint, r = self.hint, self.trees.rows.rank
        facets = Facets([hint.leaf], Packing(r))
        count = len(facets.single)
        if hint.multipliers.shape != facets.leaf.shape or not count:
            return
        # of twice g, as all terms
        y = np.fmax(np.nan_to_num(2.0 * hint.multipliers * hint.price), 0.0)
        at = facets.at(hint.m[None], hint.M[None], hint.facet_softness)
        pairs = np.zeros((count, count))
        pairs[np.triu_indices(count, 1)] = y[count:]
        lengths = self.trees.units(y[:count])
        empty = f"[0,{_listed([0] * r)},[]]"
        self.products = [empty for _ in self.cuts]
        for k, place in enumerate(self.places):
            policy = np.nan_to_num(at.policy[k])
            z = [int(x) for x in np.ldexp(-y[k] * policy, self.bits).tolist()]
            length = max(lengths[k], math.isqrt(sum(x * x for x in z)) + 1)
            others = [0 for _ in self.cuts]
            units = self.trees.units(pairs[k])
            for other, unit in zip(self.places, units, strict=True):
                others[other] = unit
            self.products[place] = f"[{length},{_listed(z)},{_short(others)}]"
            factor = np.array([self.trees.float(x) for x in (length, *z)])
            weights = np.ldexp(np.array(units, dtype=np.float64), -self.bits)
            factor = 0.5 * (factor + weights @ facets.single)
            c, n = facets.single[k, 0], facets.single[k, 1:]
            self.c += c * factor[0]
            self.g = self.g + c * factor[1:] + factor[0] * n
            both = np.multiply.outer(n, factor[1:])
            self.H = self.H + 0.5 * (both + both.T)

    def largest(self) -> float:
        """Bound the form on the sphere, but for rounding; its multiplier is kept."""
        if not (np.all(np.isfinite(self.H)) and np.all(np.isfinite(self.g))):
            return math.inf
        values, vectors = np.linalg.eigh(self.H)
        squares = 0.25 * (vectors.T @ self.g) ** 2
        top = float(values[-1])
        size = float(np.abs(values).max() + np.sqrt(squares.sum()))
        low = first = max(size, 2.0**-20) * 2.0**-40
        high = first + 2.0 * float(np.sqrt(squares.sum()))
        for _ in range(BISECTIONS):
            middle = math.sqrt(low * high)
            rises = float(np.sum(squares / (top - values + middle) ** 2)) < 1.0
            low, high = (low, middle) if rises else (middle, high)
        self.nu = math.ceil(math.ldexp(4.0 * (top + high), self.bits))
        nu = self.trees.float(self.nu) / 4.0
        return self.c + nu + float(np.sum(squares / (nu - values)))


def _within(
    q: float, rho: float, low: int, high: int, room: int, bits: int
) -> tuple[int, int]:
    """Round q and rho such that ``|q + rho s| <= room`` at both ends, exactly."""
    if room <= 0:
        return 0, 0
    a, b = int(math.ldexp(q, bits)), int(math.ldexp(rho, bits))
    for _ in range(2):
        most = max(abs((a << bits) + b * s) for s in (low, high))
        if most <= room << bits:
            return a, b
        short = max(room - SPARE, 0) << bits
        a, b = (abs(x) * short // most * (1 if x > 0 else -1) for x in (a, b))
    return 0, 0


def _sought(A: Array, signs: Array, linear: Array) -> Hint:
    """Return moments of the whole sphere, the best there are."""
    if len(A):
        return largest_moments(A, signs, linear)
    r = linear.size
    even, none = np.eye(r) / r, np.zeros((4, 0))
    return Hint(
        Leaf.whole(r), -1.0, np.zeros(r), even, none, np.zeros(0), 0.0, 0.0, 1.0
    )


def _short(multipliers: list[int]) -> str:
    """Return multipliers as JSON, without zeros at the end."""
    count = len(multipliers)
    while count and not multipliers[count - 1]:
        count -= 1
    return _listed(multipliers[:count])


def _listed(numbers: Sequence[int]) -> str:
    """Return integers as JSON."""
    return f"[{','.join(map(str, numbers))}]"
