"""Rows tight at a ray, as the kernels of filtered arithmetic see them, and exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from arrangement._kernels.cells import exact_rays
from arrangement._kernels.state import COMBINED, Exact, Solver
from arrangement.exact.floats import column_shifts, scaled_floats
from arrangement.exact.linear_algebra import hadamard_bits
from arrangement.listing.cells.layout import _row_words

from reference import compiled
from reference.exact_algebra import inner, normal_vector


def sign_of(value):
    return int(value > 0) - int(value < 0)


@dataclass
class Problem:
    """Integer rows in scattered places, the first of them tight at a ray."""

    exact: list[tuple[int, ...]]
    ray: list[Fraction]
    places: list[int]
    hidden: set[int]

    def __post_init__(self):
        self.width = width = len(self.exact[0])
        self.n_words = max(self.places) // 64 + 1
        self.shifts = column_shifts(self.exact, width)
        floats = scaled_floats(self.exact, self.shifts)
        self.rows = np.zeros((64 * self.n_words, width + 1))
        self.rows[self.places, :width] = floats
        self.rows[:, width] = np.abs(self.rows).sum(axis=1) * (1.0 + 2.0**-40)
        self.valid = self.mask(self.places)
        self.signs = [sign_of(inner(row, self.ray)) for row in self.exact]
        known = [i for i in range(len(self.exact)) if i not in self.hidden]
        self.masks = np.concatenate(
            [
                self.mask([self.places[i] for i in known if self.signs[i] == side])
                for side in (1, -1)
            ]
        )[None]
        self.pending = self.mask([self.places[i] for i in self.hidden])
        self.solver = Solver(
            np.zeros((2 * width + 3, 2 * width + 2)),
            *np.zeros((3, 64 * self.n_words), dtype=np.int64),
        )

    def mask(self, places):
        out = np.zeros(self.n_words, dtype=np.uint64)
        for place in places:
            out[place // 64] |= np.uint64(1 << (place % 64))
        return out

    def scaled(self, ray):
        """Scaling columns of the rows by ``2**-s`` scales rays by ``2**s``."""
        return [x * 2**s for x, s in zip(ray, self.shifts, strict=True)]

    def unsolved(self):
        rays = np.zeros((1, self.width + 2))
        rays[0, self.width :] = math.inf, COMBINED
        return rays

    def solve(self, rays):
        return compiled.solve_ray(
            self.rows,
            rays,
            self.masks,
            self.valid,
            self.pending,
            self.solver,
            0,
        )

    def resolve(self):
        """Make the ray exact: whether that went well, the floats, the vector."""
        digits = -(-(hadamard_bits(self.exact, self.width) + 2) // 32)
        exact = Exact(
            row_words=_row_words(self.exact, np.array(self.places), 64 * self.n_words),
            ray_words=np.zeros((1, self.width, digits), dtype=np.uint64),
            shifts=np.array(self.shifts, dtype=np.int64),
            minors=np.zeros(((1 << self.width) + 1, digits), dtype=np.uint64),
            residues=np.zeros((self.width, self.width + 1), dtype=np.int64),
        )
        rays = self.unsolved()
        is_done = exact_rays.resolve(
            rays, self.masks, self.valid, exact, self.pending, self.solver.tight, 0
        )
        return is_done, rays, [integer(words) for words in exact.ray_words[0]]

    def all_signs(self):
        """Signs that the masks give to the rows now."""
        plus, minus = self.masks[0, : self.n_words], self.masks[0, self.n_words :]
        out = []
        for place in self.places:
            flag = 1 << (place % 64)
            is_plus = bool(int(plus[place // 64]) & flag)
            is_minus = bool(int(minus[place // 64]) & flag)
            assert not (is_plus and is_minus)
            out.append(is_plus - is_minus)
        return out


def integer(words):
    """Read base-2**32 digits in two's complement."""
    value = sum(int(word) << (32 * k) for k, word in enumerate(words))
    half = 1 << (32 * len(words) - 1)
    return value - 2 * half if value >= half else value


@st.composite
def vectors(draw, width, size):
    return draw(st.lists(st.integers(-size, size), min_size=width, max_size=width))


@st.composite
def tight_rows(draw, width, size):
    """Draw ``width - 1`` rows, some of them close to a multiple of another."""
    rows = []
    for _ in range(width - 1):
        row = draw(vectors(width, size))
        if rows and draw(st.booleans()):
            other = rows[draw(st.integers(0, len(rows) - 1))]
            grown = draw(st.sampled_from((1, 2**20, 2**30, 2**45, 2**60)))
            row = [grown * x + y for x, y in zip(other, row, strict=True)]
        rows.append(row)
    return rows


@st.composite
def other_rows(draw, tight, width, size):
    """Draw rows that are free, tight too, or one unit off a tight one."""
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("free", "tight", "near")))
        row = [0] * width
        if kind != "free":
            for base in tight:
                factor = draw(st.sampled_from((0, 1, -1, 3, 2**20, -(2**50))))
                row = [x + factor * y for x, y in zip(row, base, strict=True)]
        if kind != "tight":
            off = draw(vectors(width, size if kind == "free" else 1))
            row = [x + y for x, y in zip(row, off, strict=True)]
        rows.append(row)
    return rows


@st.composite
def problems(draw, *, is_dependent=False):
    width = draw(st.integers(3 if is_dependent else 2, 5))
    size = draw(st.sampled_from((2, 2**20, 2**64, 2**100)))
    tight = draw(tight_rows(width, size))
    if is_dependent:
        ray = draw(vectors(width, 3))
        tight = tight[: width - 2]
        pivot = next((k for k in range(width) if ray[k]), None)
        assume(pivot is not None)
        for row in tight:  # make every row orthogonal to the ray
            value = sum(x * y for x, y in zip(row, ray, strict=True))
            row[:] = [x * ray[pivot] for x in row]
            row[pivot] -= value
        factors = [draw(st.sampled_from((1, -1, 3, 2**28, 2**40))) for _ in tight]
        tight.append(
            [
                sum(f * row[k] for f, row in zip(factors, tight, strict=True))
                for k in range(width)
            ]
        )
        tight = draw(st.permutations(tight))
    else:
        ray = normal_vector(tight, width)
        assume(any(ray))
        if draw(st.booleans()):
            ray = [-x for x in ray]
    free = draw(other_rows(tight, width, size))
    if is_dependent:  # combinations of tight rows are tight; free ones must not be
        assume(all(inner(row, ray) for row in free))
    scales = [2 ** draw(st.sampled_from((0, 0, 10, 80))) for _ in range(width)]
    rows = [
        tuple(x * scale for x, scale in zip(row, scales, strict=True))
        for row in [*tight, *free]
    ]
    ray = [Fraction(x) / scale for x, scale in zip(ray, scales, strict=True)]
    assume(all(any(row) for row in rows))
    others = range(len(tight), len(rows))
    nonzero = [i for i in others if inner(rows[i], ray)]
    assume(nonzero)
    hidden = {i for i in others if draw(st.booleans())}
    hidden -= {draw(st.sampled_from(nonzero))}
    place = st.integers(0, 127)
    n = len(rows)
    places = draw(st.lists(place, min_size=n, max_size=n, unique=True))
    return Problem(rows, ray, places, hidden)
