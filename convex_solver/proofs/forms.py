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
# How often policies that come out too large are shortened.
TRIES = 3
# Characters of a line, as the format has it.
LONGEST = 2**26


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
        self.lines = [x.encode() for sign in (1, -1) for x in self._trees(sign)]

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
        terms = ",".join(form.terms)
        products = ",".join(form.products)
        line = f'["q",[{terms}],[{products}],{form.nu}]\n'
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
        self.terms: list[str] = []
        self.products: list[str] = []
        self.nu = 0
        # what policies fall short of 1 for the rounding of their numbers
        self.short = (2 * r + 4 * len(self.cuts) + 8) / (1 << self.bits)
        with np.errstate(all="ignore"):
            self._add_rows(sign)
            self._add_facets()

    def _add_rows(self, sign: int) -> None:
        trees, leaf = self.trees, self.hint.leaf
        A, count = trees.A, len(trees.A)
        if not count:
            return
        # multipliers for a.w from above, and from below
        up, down = (self._placed(leaf.multipliers(X)) for X in (A, -A))
        signs = sign * np.array(trees.rows.e)
        factors = np.zeros((count, A.shape[1] + 1))
        tops = np.zeros(count)
        numbers: list[tuple[list[int], list[list[int]]]] = [([], []) for _ in A]
        at = Rows(A, [leaf]).at(
            self.hint.m[None], self.hint.M[None], self.hint.softness
        )
        for side, add in ((1, self._add_parabolas), (-1, self._add_policies)):
            rows = np.flatnonzero(signs == side)
            if rows.size:
                add(rows, up[rows], down[rows], at, numbers, factors, tops)
        self.c += 0.5 * float(tops.sum())
        self._add(A, factors)
        for more, (first, second) in numbers:
            lists = f"{_short(first)},{_short(second)}"
            self.terms.append(f"[{lists},{_listed(more)}]")

    def _add(self, normals: Array, factors: Array) -> None:
        """Add half of products of linear functions with affine ones."""
        self.g = self.g + 0.5 * (factors[:, 0] @ normals)
        both = normals.T @ factors[:, 1:]
        self.H = self.H + 0.25 * (both + both.T)

    def _placed(self, multipliers: Array) -> Array:
        """Return multipliers of facets for the cuts, in their order."""
        placed = np.zeros((len(multipliers), len(self.cuts)))
        placed[:, self.places] = np.maximum(multipliers, 0.0)
        return placed

    def _ends(
        self, functions: list[list[int]], multipliers: Array
    ) -> tuple[list[int], list[list[int]]]:
        """Return bounds of functions from above as the checker has them."""
        lam = [self.trees.units(line) for line in multipliers]
        far = np.array(functions, dtype=object) * (1 << self.bits)
        if self.cuts:
            far = far + np.array(lam, dtype=object) @ np.array(self.cuts, dtype=object)
        squares = (far[:, 1:] ** 2).sum(axis=1)
        ends = [
            -((-c - (math.isqrt(x - 1) + 1 if x else 0)) >> self.bits)
            for c, x in zip(far[:, 0], squares, strict=True)
        ]
        return ends, lam

    def _add_parabolas(
        self,
        rows: NDArray[np.int64],
        up: Array,
        down: Array,
        at: RowBounds,
        numbers: list[tuple[list[int], list[list[int]]]],
        factors: Array,
        tops: Array,
    ) -> None:
        """Bound ``|s|`` by parabolas ``C + A s + B s^2``."""
        bits, whole = self.bits, [self.trees.rows.a[k] for k in rows]
        high, first = self._ends([[0, *a] for a in whole], up)
        far, second = self._ends([[0, *[-x for x in a]] for a in whole], down)
        ends = np.array([[self.trees.float(x) for x in end] for end in (far, high)])
        A, B = at.slopes[1, 0, rows], at.slopes[2, 0, rows]
        fits = np.isfinite(A) & np.isfinite(B) & (B >= 0.0)
        chords = (ends[1] - ends[0]) / (ends[1] + ends[0])
        A, B = np.where(fits, A, chords), np.where(fits, B, 0.0)
        # rows of one sign
        is_open = np.array([x > 0 and y > 0 for x, y in zip(far, high, strict=True)])
        ones = np.where(np.array([x <= 0 for x in far]), 1.0, -1.0)
        A, B = np.where(is_open, A, ones), np.where(is_open, B, 0.0)
        slopes = zip(self.trees.units(A), self.trees.units(B), strict=True)
        one = 1 << bits
        for k, (a, b) in enumerate(slopes):
            top = max(
                _top(one - a, b, high[k], bits), _top(one + a, b, far[k], bits), 0
            )
            i = rows[k]
            more = [a, b, top]
            needed = first[k] if a < one else [], second[k] if a > -one else []
            numbers[i] = more, list(needed)
            a_float, b_float, tops[i] = (self.trees.float(x) for x in more)
            factors[i, 0] = 1.0 + a_float
            factors[i, 1:] = b_float * self.trees.A[i]

    def _add_policies(
        self,
        rows: NDArray[np.int64],
        up: Array,
        down: Array,
        at: RowBounds,
        numbers: list[tuple[list[int], list[list[int]]]],
        factors: Array,
        _tops: Array,
    ) -> None:
        """Take off ``s (1 + pi(w))`` with policies ``pi = q + rho s + tau (M a).w``."""
        A, leaf = self.trees.A[rows], self.hint.leaf
        high, low = leaf.highest(A), -leaf.highest(-A)
        shares = np.fmax(np.nan_to_num(self.hint.shares[:, rows]), 0.0)
        shares = shares / np.maximum(shares.sum(axis=0), 2.0**-500)
        shares = shares * (1.0 - self.short)
        width = np.where(high > low, high - low, 1.0)
        q = shares[1] - shares[2] - shares[3] * (low + high) / width
        rho = 2.0 * shares[3] / width
        images = A @ self.hint.M.T
        tau = np.nan_to_num(shares[0] / at.least[0, rows], posinf=0.0)
        pi = np.column_stack([q, rho[:, None] * A + tau[:, None] * images])
        # rows of one sign
        is_open = (low < 0.0) & (high > 0.0) & np.all(np.isfinite(pi), axis=1)
        pi[~is_open] = 0.0
        pi[~is_open, 0] = np.where(low[~is_open] >= 0.0, 1.0, -1.0)
        rho = np.where(is_open, rho, 0.0)[:, None]
        one = 1 << self.bits
        for _ in range(TRIES):
            lists = [self.trees.units(line) for line in pi]
            most, first = self._ends(lists, rho * up)
            minus = [[-x for x in line] for line in lists]
            least, second = self._ends(minus, rho * down)
            largest = np.array([max(pair) for pair in zip(most, least, strict=True)])
            over = largest > one
            if not np.any(over):
                break
            # rounding made them too large
            shrunk = (one * (1.0 - self.short) / largest[over].astype(float))[:, None]
            pi[over] *= shrunk
            rho[over] *= shrunk
        for k, i in enumerate(rows):
            more = lists[k]
            needed = [first[k], second[k]] if is_open[k] else [[], []]
            if over[k]:
                more, needed = [0 for _ in more], [[], []]
            numbers[i] = more, needed
            factors[i] = [-self.trees.float(x) for x in more]
            factors[i, 0] -= 1.0

    def _add_facets(self) -> None:
        hint, r = self.hint, self.trees.rows.rank
        self.products = [f"[{_listed([0] * (r + 1))},[]]" for _ in self.cuts]
        facets = Facets([hint.leaf], Packing(r))
        count = len(facets.single)
        if hint.multipliers.shape != facets.leaf.shape or not count:
            return
        # of twice g, as all terms
        y = np.fmax(np.nan_to_num(2.0 * hint.multipliers * hint.price), 0.0)
        at = facets.at(hint.m[None], hint.M[None], hint.facet_softness)
        pairs = np.zeros((count, count))
        pairs[np.triu_indices(count, 1)] = y[count:]
        policies = np.nan_to_num(at.policy[:count])
        lengths = np.maximum(y[:count], y[:count] * np.linalg.norm(policies, axis=1))
        # what rounding takes is paid for
        lengths = lengths * (1.0 + 2.0**-50) + self.short
        factors = np.column_stack([lengths, -y[:count, None] * policies])
        multipliers = self._placed(pairs)
        cuts = np.array([[self.trees.float(x) for x in cut] for cut in self.cuts])
        whole = [self.trees.units(x) for x in factors + multipliers @ cuts]
        ends, lam = self._ends([[-x for x in line] for line in whole], multipliers)
        for k, place in enumerate(self.places):
            if ends[k] > 0:
                raise ProofError("a leaf's facets have no multipliers; certify again.")
            factor = np.array([[self.trees.float(x) for x in whole[k]]])
            self.products[place] = f"[{_listed(whole[k])},{_short(lam[k])}]"
            c, n = facets.single[k, 0], facets.single[k, 1:]
            self.c += 0.5 * c * factor[0, 0]
            self.g = self.g + 0.5 * c * factor[0, 1:]
            self._add(n[None], factor)

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


def _top(slope: int, bend: int, end: int, bits: int) -> int:
    """Return the least c of at least ``slope t - bend t^2`` for t from 0 to end."""
    if slope <= 0 or end <= 0:
        return 0
    rest = (slope << bits) - bend * end
    if rest >= bend * end:
        return -(-rest * end >> 2 * bits)
    return -(-slope * slope // (4 * bend))


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
