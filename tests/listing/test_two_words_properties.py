"""The walk in integers of two words: its numbers, its rays, and what is too long.

References: Python's integers, and minors by elimination.
"""

from __future__ import annotations

import math
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels import wide
from arrangement._kernels.cells import walk_ints
from arrangement._kernels.state import MINORS, PRODUCTS, VALUES
from arrangement.exact import cofactors, determinant, integer_row
from arrangement.listing.cells.walker import Walker

from instances import rows_in_rank
from reference.walks import layout_of, walk

pytestmark = pytest.mark.kernels

moderate = settings(max_examples=150, deadline=None)
words = st.integers(-(2**63), 2**63 - 1)
numbers = st.integers(-(2**127), 2**127 - 1)


def _called(function):
    """Make an intrinsic one that Python can call."""
    if numba.config.DISABLE_JIT:
        return function

    @numba.njit
    def call(*args):
        return function(*args)

    return call


add_product = _called(wide.add_product)
multiply = _called(wide.multiply)
subtract = _called(wide.subtract)
shift = _called(wide.shift)
odd_step = _called(wide.odd_step)
sharing = _called(wide.sharing)
covering = _called(wide.covering)
inverse_word = _called(walk_ints.inverse_word)
make_primitive = _called(walk_ints.make_primitive)


def split(value):
    """Return the two words of a number, modulo 2**128."""
    parts = (value >> 64) % 2**64, value % 2**64
    return tuple(np.uint64(x).view(np.int64) for x in parts)


def joined(high, low):
    return (int(high) << 64) + int(np.int64(low).view(np.uint64))


@moderate
@given(numbers, numbers, words, words, st.integers(0, 127))
def test_numbers_of_two_words_are_those_of_python_modulo_2_128(a, b, x, y, count):
    x, y = np.int64(x), np.int64(y)
    assert add_product(*split(a), x, y) == split(a + int(x) * int(y))
    assert multiply(*split(a), *split(b)) == split(a * b)
    assert subtract(*split(a), *split(b)) == split(a - b)
    assert shift(*split(a), count) == split(a >> count)


@moderate
@given(st.integers(0, 2**127 - 1), st.integers(0, 2**127 - 1))
def test_steps_lead_to_the_greatest_common_divisor(a, b):
    a, b = 2 * a + 1, 2 * b + 1
    one, other = a, b
    while one != other:
        found = odd_step(*split(one), *split(other))
        one, other = (joined(*x) % 2**128 for x in (found[:2], found[2:]))
        assert one % 2 == other % 2 == 1
    assert one == math.gcd(a, b)


@pytest.mark.parametrize("n_words", [1, 3])
def test_sets_of_sixteen_rays_are_compared_as_defined(n_words):
    rng = np.random.default_rng(n_words)
    columns = rng.integers(0, 2**63, (n_words, 48), dtype=np.uint64)
    columns &= rng.integers(0, 2**63, (n_words, 48), dtype=np.uint64)
    tight = columns[:, 20].copy()
    columns[:, 25] |= tight
    sets = [{(w, k) for w in range(n_words) for k in range(64)
             if int(columns[w, t]) >> k & 1} for t in range(48)]  # fmt: skip
    wanted = sets[20]
    for start in (0, 16, 32):
        for least in (0, 5, 10, len(wanted)):
            flags = int(sharing(columns, start, tight, least))
            assert [flags >> k & 1 for k in range(16)] == [
                len(sets[start + k] & wanted) >= least for k in range(16)
            ]
        flags = int(covering(columns, start, tight))
        assert [flags >> k & 1 for k in range(16)] == [
            wanted <= sets[start + k] for k in range(16)
        ]


@pytest.mark.parametrize("kind", ["int64", "two words"])
@pytest.mark.parametrize("seed", range(4))
def test_rays_are_minors_of_the_rows_tight_there_or_primitive(kind, seed):
    """Exactly: the divisor of a new ray is known only where its parent is minors."""
    X = rows_in_rank(seed, 9, 4, size=2)
    X = X[np.any(X, axis=1)]
    layout = layout_of(X, kind=kind)
    one = Walker(layout)
    whole, _, _ = walk(Walker(layout))
    rows = layout.rows.rows.astype(object)
    places = layout.places.tolist()
    n_minors = 0
    pattern = np.zeros((1, layout.words_per_pattern), dtype=np.uint64)
    for words_ in whole[:: max(len(whole) // 20, 1)]:
        signs = np.zeros(layout.input_row.size, dtype=np.int8)
        for place in places:
            row = int(layout.input_row[place])
            signs[place] = 1 if int(words_[row // 64]) >> row % 64 & 1 else -1
        assert one.find(signs, pattern)
        start, count = one.top_cell()
        for k in one.cells.ids[start : start + count].tolist():
            *ray, kind_of = one.cells.rays[k].tolist()
            tight = [p for p in places if sum(rows[p] * ray) == 0]
            if kind_of != MINORS:
                assert math.gcd(*ray) == 1
            elif len(tight) == layout.rank - 1:
                base = [tuple(rows[p]) for p in tight]
                # with any row that is not tight there: a column of cofactors
                other = next(p for p in places if p not in tight)
                minors = cofactors([*base, tuple(rows[other])])[-1]
                assert list(map(abs, minors)) == list(map(abs, ray))
                n_minors += 1
    assert n_minors > 10


def _crossing(size):
    """Planes of rank 3 through three lines, and others; entries of up to ``size``.

    Where one of the others comes between two of the lines, both ends are on more rows
    than they need.
    """
    rng = np.random.default_rng(5)
    peak = max(math.isqrt(size // 2), 2)
    lines = rng.integers(1 - peak, peak, (3, 3))
    through = [np.cross(lines[i], lines[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    for line in lines:
        through += [np.cross(line, x) for x in rng.integers(1 - peak, peak, (3, 3))]
    rows = np.array([*through, *rng.integers(1 - size, size, (4, 3))])
    return rows[np.any(rows, axis=1)]


def test_rays_that_two_words_do_not_hold_are_made_in_python(monkeypatch):
    X = _crossing(2**28)
    layout = layout_of(X)
    assert layout.is_wide
    expected = walk(Walker(layout_of(X, kind="filtered")))[0]
    made = []
    make = Walker._make_ray
    monkeypatch.setattr(
        Walker, "_make_ray", lambda self, k: made.append(k) or make(self, k)
    )
    assert np.array_equal(walk(Walker(layout))[0], expected)
    assert made


entries = st.lists(st.integers(-(2**60), 2**60), min_size=3, max_size=3)


@moderate
@given(entries, entries, *[st.integers(1, 3)] * 2, st.integers(1, 2**68))
# one of the products alone is of more than 127 bits
@example([2**60 - 1, 5, 7], [3, 2**57 + 1, 11], 1, 3, 2**66)
@example([3, 2**57 + 1, 11], [2**60 - 1, 5, 7], 3, 1, 2**66)
def test_a_ray_is_primitive_or_left_to_python_where_two_words_may_not_hold_it(
    p, q, a, b, common
):
    a, b = common * a, -common * b
    exact = [a * y - b * x for x, y in zip(p, q, strict=True)]
    assume(any(exact))
    cut = Walker(layout_of(rows_in_rank(1, 20, 3)))._cut
    rays = np.array([[*p, 0], [*q, 0], [0] * 4])
    cut.ray[:2] = 0, 1
    for k, value in enumerate((a, b)):
        cut.high[k], cut.value[k] = split(value)
    is_made = make_primitive(rays, cut, 2, 0, 1, 3)
    size = a * max(map(abs, q)) - b * max(map(abs, p))
    # as rounded
    assert is_made or size > 2**125
    assert not is_made or size < 2**127
    if is_made:
        assert tuple(rays[2, :3].tolist()) == tuple(integer_row(exact))


@pytest.mark.parametrize("size", [3, 2**10, 2**20, 2**28])
def test_all_sizes_that_two_words_hold_list_the_same(size):
    X = _crossing(size)
    expected = walk(Walker(layout_of(X, kind="filtered")))[0]
    assert np.array_equal(walk(Walker(layout_of(X, kind="two words")))[0], expected)


def test_points_of_rays_of_all_sizes_prove_the_chambers():
    """The sum of rays as they are would be on the side of the longest."""
    rows = np.array([integer_row(row) for row in _crossing(2**26).tolist()])
    arrangement = Arrangement(rows)
    layout = layout_of(rows)
    assert layout.is_wide
    patterns, points, _ = walk(Walker(layout), witnesses=True)
    near = np.array(arrangement.cone.rows, dtype=float)
    bits = near @ points.T > 0
    first = arrangement.first_rows
    listed = patterns[:, first // 64] >> (first % 64).astype(np.uint64) & np.uint64(1)
    assert np.array_equal(bits.T, listed.astype(bool))


def test_the_inverse_of_an_odd_word_is_one():
    for odd in (1, 3, -5, 2**62 + 1, -(2**63) + 1, 1234567891234567):
        with np.errstate(over="ignore"):
            found = int(inverse_word(np.int64(odd)))
        assert odd * found % 2**64 == 1


@pytest.mark.parametrize("seed", range(4))
def test_many_twos_in_a_divisor_leave_too_little_of_one_word(seed):
    """Minors of 38 bits, and divisors of 24 twos and more: 40 bits are left of 64."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-(2**7), 2**7, (9, 3)) * [2**12, 2**12, 1]
    rows[:, 2] = rng.integers(-(2**18), 2**18, 9) * 2 + 1
    # these two keep columns from being divided by their twos
    X = np.array([*rows, [1, 0, 0], [0, 1, 0]])
    layout = layout_of(X)
    assert layout.wide == PRODUCTS
    expected = walk(Walker(layout_of(X, kind="filtered")))[0]
    assert np.array_equal(walk(Walker(layout))[0], expected)


@pytest.mark.parametrize("seed", range(4))
def test_a_divisor_of_more_twos_than_a_word_has_bits_is_left_to_python(seed):
    """Determinants of 63 twos to 66, and an odd part: from 65 on 128 bits lose some.

    Minors are of 62 bits, and what is divided is of more than 128.
    """
    rng = np.random.default_rng(seed)
    tilt = rng.integers(-1, 2, 9).tolist()
    more = rng.integers(-(2**20), 2**20, 9).tolist()
    for few in (2, 3, 4, 5):
        rows = [
            [2**30, 2**30 * b, 1 + 2**few * t] for b, t in zip(tilt, more, strict=True)
        ]
        # the last two keep columns from being divided by their twos
        X = [*rows, [1, 0, 0], [0, 1, 0]]
        layout = layout_of(X)
        assert layout.wide == VALUES
        values = [determinant(some) for some in combinations(rows, 3)]
        twos = {(x & -x).bit_length() - 1 for x in values if x}
        assert 61 + few in twos
        expected = walk(Walker(layout_of(X, kind="filtered")))[0]
        assert np.array_equal(walk(Walker(layout))[0], expected)
