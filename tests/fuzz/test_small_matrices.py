"""A million degenerate matrices of small integers: the lists are those of a grid.

``pytest tests/fuzz/test_small_matrices.py --fuzz 1000000`` takes a million, in half an
hour of one core, nearly all of it in the lists themselves: the patterns of all of a
batch are read from the signs at points that meet every chamber of all such matrices
(`reference.grids`).  Of some the counts and polynomials are checked as well, of some
the grid itself against the slower references, as `test_matrices` does for all kinds of
numbers.  A batch is drawn from its number; ``--fuzz-first`` runs one that fails alone.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from arrangement import (
    characteristic_polynomial,
    count_patterns,
    enumerate_patterns,
)

from fuzz.alterations import run_cases
from reference import brute_force, deletion_restriction, small
from reference.grids import Grid

pytestmark = pytest.mark.kernels
# width and largest entry: of so few vectors the chambers are some thousands
SHAPES = ((1, 2), (2, 3), (3, 2), (3, 2), (4, 1), (4, 1))
BATCH, MOST_ROWS = 64, 9
# of so many matrices one is counted, and one is given to the slower references
COUNTED, SELDOM = 8, 512
FORMS = ("int64", "int8", "float64", "float32", "lists", "large", "halves")


@cache
def grid(width, most, is_affine):
    """The grid of a shape, made once."""
    return Grid(width, most, is_affine=is_affine)


def drawn(rng, width, most):
    """Matrices (B, n, width) of small integers with coincidences."""
    n = int(rng.integers(1, MOST_ROWS + 1))
    spread = int(rng.integers(1, most + 1))
    rows = rng.integers(-spread, spread + 1, (BATCH, n, width))
    if rng.random() < 0.2:
        rows = np.abs(rows)
    everyone = np.arange(BATCH)
    for i in range(1, n):
        # a row of before, its opposite or twice that; a sum of two; or zero
        a = rows[everyone, rng.integers(0, i, BATCH)]
        b = rows[everyone, rng.integers(0, i, BATCH)]
        signs = rng.choice((-2, -1, 1, 2), (BATCH, 1))
        what = rng.random((BATCH, 1))
        new = np.where(what < 0.15, signs * a, a + np.sign(signs) * b)
        new = np.where(what < 0.05, 0, new)
        is_small = (np.abs(new) <= most).all(axis=1, keepdims=True)
        rows[:, i] = np.where((what < 0.3) & is_small, new, rows[:, i])
    if width > 1 and rng.random() < 0.3:
        # columns that depend on each other
        a, b = rng.choice(width, 2, replace=False)
        rows[:, :, a] = int(rng.integers(-1, 2)) * rows[:, :, b]
    order = np.argsort(rng.random(rows.shape[:2]), axis=1)
    return np.take_along_axis(rows, order[:, :, None], axis=1)


def given(rng, rows):
    """A matrix in some form, its rows longer or shorter: the patterns are those."""
    form = rng.choice(FORMS) if rng.random() < 0.3 else "int64"
    if form in ("int64", "int8", "float64", "float32"):
        return rows.astype(form)
    if form == "lists":
        return rows.tolist()
    if form == "halves":
        return rows * 2.0 ** rng.integers(-40, 40, (len(rows), 1))
    sizes = [10 ** int(k) for k in rng.integers(0, 40, len(rows))]
    return [
        [size * x for x in row] for size, row in zip(sizes, rows.tolist(), strict=True)
    ]


def check_list(found, true):
    """Check a list against the bits that are patterns."""
    n, total = len(found), np.count_nonzero(true)
    assert n == total, f"{n} patterns, not {total}"
    codes = found.packed[:, 0]
    assert true[codes].all(), "other patterns"
    assert np.count_nonzero(np.bincount(codes.view(np.int64))) == n, "one comes twice"


def check_counts(found, rows, *, is_affine):
    """Check count and polynomial against the sum over all sets of rows."""
    rows = [tuple(row) for row in rows.tolist()]
    polynomial = small.polynomial(rows, is_affine=is_affine)
    assert characteristic_polynomial(found.arrangement) == polynomial
    assert count_patterns(found.arrangement) == len(found)


def check_grid(rows, true, *, is_affine):
    """Check what the grid says against three other ways."""
    rows = [tuple(row) for row in rows.tolist()]
    codes = np.flatnonzero(true).tolist()
    bits = {tuple(code >> i & 1 for i in range(len(rows))) for code in codes}
    width = len(rows[0])
    shortest = [small.integer_rows([map(Fraction, row)])[0] for row in rows]
    assert small.patterns(shortest, width, is_affine=is_affine) == bits
    X = [row[: width - is_affine] for row in rows]
    offsets = [-row[-1] for row in rows] if is_affine else None
    assert brute_force.chambers(X, offsets) == bits
    assert deletion_restriction.count_chambers(X, offsets) == len(bits)


@pytest.mark.slow
@pytest.mark.parametrize("is_affine", [False, True])
@pytest.mark.parametrize(("width", "most"), sorted(set(SHAPES)))
def test_a_grid_has_a_point_in_every_chamber(width, most, is_affine):
    """Of all its vectors; that many, deletion and restriction count."""
    found = grid(width, most, is_affine)
    assert len(np.unique(found.signs.T, axis=0)) == len(found.points)
    vectors = [tuple(k - most for k in x) for x in np.ndindex(*[2 * most + 1] * width)]
    X = [row[: width - is_affine] for row in vectors]
    offsets = [-row[-1] for row in vectors] if is_affine else None
    assert deletion_restriction.count_chambers(X, offsets) == len(found.points)


def test_lists_of_small_matrices_are_those_of_a_grid(fuzz_seeds):
    batches = {}

    def batch(number):
        rng = np.random.default_rng([7, number])
        width, most = SHAPES[rng.integers(len(SHAPES))]
        is_affine = width > 1 and rng.random() < 0.35
        rows = drawn(rng, width, most)
        true = grid(width, most, is_affine).patterns(rows)
        return rows, true, is_affine

    def case(number):
        which, place = divmod(number, BATCH)
        if which not in batches:
            batches.clear()
            batches[which] = batch(which)
        all_rows, all_true, is_affine = batches[which]
        rows, true = all_rows[place], all_true[place]
        if is_affine:
            X, offsets = rows[:, :-1], -rows[:, -1]
        else:
            X, offsets = given(np.random.default_rng([8, number]), rows), None
        found = enumerate_patterns(X, offsets=offsets, prove=number % 2 == 0)
        check_list(found, true)
        if number % COUNTED == 0:
            check_counts(found, rows, is_affine=is_affine)
        if number % SELDOM == 1:
            check_grid(rows, true, is_affine=is_affine)
        return "affine" if is_affine else "central"

    # the first calls may compile, which takes long where a machine is busy
    for number in fuzz_seeds[:4]:
        case(number)
    run_cases(case, "small matrix", fuzz_seeds)
