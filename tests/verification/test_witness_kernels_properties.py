"""Kernels of the proof against slow references: order, antipodes, signs at witnesses.

``check_signs`` may refuse a right pattern, whose witness is then found exactly; it must
never accept one that the true signs at the witness do not give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement._kernels.verification import (
    Coordinates,
    OutputBits,
    check_signs,
    first_disorder,
    may_repeat,
)
from arrangement.exact.floats import column_shifts, scaled_floats

from reference.exact_algebra import inner

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# --- order --------------------------------------------------------------------


def bit(words, i):
    return int(words[i // 64]) >> (i % 64) & 1


def place_in_order(words, leading):
    """The leading bits, then all bits, ascending; 1 sorts before 0."""
    everything = range(64 * len(words))
    first = [i for i in everything if bit(leading, i)]
    return tuple(1 - bit(words, i) for i in [*first, *everything])


def disorder_by_definition(patterns, step, leading, moving, first):
    for k in range(0, len(patterns), step):
        if k and not (
            place_in_order(patterns[k - step], leading)
            < place_in_order(patterns[k], leading)
        ):
            return k
        if step == 2 and not int(patterns[k, first // 64]) >> first % 64 & 1:
            return k
        if step == 2 and not np.array_equal(patterns[k + 1], patterns[k] ^ moving):
            return k + 1
    return -1


@st.composite
def masks(draw, n_words):
    """A few bits anywhere, the ends of words among them."""
    place = st.one_of(
        st.integers(0, 64 * n_words - 1),
        st.sampled_from([i for w in range(n_words) for i in (64 * w, 64 * w + 63)]),
    )
    out = np.zeros(n_words, dtype=np.uint64)
    for i in draw(st.lists(place, max_size=6)):
        out[i // 64] |= np.uint64(1 << (i % 64))
    return out


@st.composite
def ordered(draw):
    """Distinct patterns in order that differ in few bits, with antipodes or not."""
    n_words = draw(st.integers(1, 3))
    leading, moving = draw(masks(n_words)), draw(masks(n_words))
    base = draw(masks(n_words))
    step = draw(st.sampled_from((1, 2)))
    first = draw(st.integers(0, 64 * n_words - 1))
    own = np.zeros(n_words, dtype=np.uint64)
    own[first // 64] = np.uint64(1 << first % 64)
    chambers = [base ^ draw(masks(n_words)) for _ in range(draw(st.integers(0, 8)))]
    chambers = list({words.tobytes(): words for words in chambers}.values())
    chambers.sort(key=lambda words: place_in_order(words, leading))
    patterns = np.zeros((step * len(chambers), n_words), dtype=np.uint64)
    if step == 2:  # the one of each pair that comes first has the first bit
        chambers = {(words | own).tobytes(): words | own for words in chambers}
        chambers = sorted(
            chambers.values(), key=lambda words: place_in_order(words, leading)
        )
        patterns = patterns[: 2 * len(chambers)]
    for k, words in enumerate(chambers):
        patterns[step * k] = words
        if step == 2:
            patterns[2 * k + 1] = words ^ moving
    return patterns, step, leading, moving, first


@moderate
@given(ordered())
def test_patterns_in_order_are_accepted(instance):
    assert disorder_by_definition(*instance) == -1
    assert first_disorder(*instance) == -1


@moderate
@given(ordered(), st.data())
def test_the_first_pattern_out_of_order_is_named(instance, data):
    patterns, step, leading, moving, first_bit = instance
    n, n_words = patterns.shape
    if n == 0:
        return
    for _ in range(data.draw(st.integers(1, 2))):
        change = data.draw(
            st.sampled_from(("bit", "repeat", "swap", "leading", "turn"))
        )
        k = data.draw(st.integers(0, n - 1))
        if change == "bit":
            i = data.draw(st.integers(0, 64 * n_words - 1))
            patterns[k, i // 64] ^= np.uint64(1 << (i % 64))
        elif change == "leading":
            patterns[k] ^= leading
        elif change == "turn":
            a = k - k % step
            patterns[a : a + step] = patterns[a : a + step][::-1].copy()
        else:  # whole chambers, so that antipodes stay right
            j = data.draw(st.integers(0, n - 1))
            a, b = k - k % step, j - j % step
            first, second = (patterns[x : x + step].copy() for x in (a, b))
            patterns[a : a + step] = second
            if change == "swap":
                patterns[b : b + step] = first
    altered = patterns, step, leading, moving, first_bit
    assert first_disorder(*altered) == disorder_by_definition(*altered)


def words_of(*rows):
    return np.array(rows, dtype=np.uint64)


def test_leading_bits_in_later_words_come_first():
    leading = words_of(0, 1 << 63)
    none = words_of(0, 0)
    patterns = words_of([0, 1 << 63], [1, 0])
    assert first_disorder(patterns, 1, leading, none, 0) == -1
    assert first_disorder(patterns[::-1].copy(), 1, leading, none, 0) == 1
    assert first_disorder(patterns, 1, none, none, 0) == 1


def test_a_repeated_pattern_is_out_of_order():
    patterns = words_of([3, 1], [3, 1])
    for leading in (words_of(0, 0), words_of(3, 1)):
        assert first_disorder(patterns, 1, leading, words_of(0, 0), 0) == 1


@pytest.mark.parametrize("i", [0, 63, 64, 127])
@pytest.mark.parametrize("k", [1, 3])
def test_one_altered_bit_of_an_antipode_is_named(i, k):
    moving = words_of(2**64 - 1, 2**63)
    first, second = words_of(7, 5), words_of(3, 5)
    patterns = np.stack([first, first ^ moving, second, second ^ moving])
    assert first_disorder(patterns, 2, words_of(4, 0), moving, 64) == -1
    patterns[k, i // 64] ^= np.uint64(1 << (i % 64))
    assert first_disorder(patterns, 2, words_of(4, 0), moving, 64) == k


# --- signs at witnesses -------------------------------------------------------


@dataclass
class Check:
    """Rows, the output bits copied from them, and what `check_signs` needs."""

    rows: list[tuple[int, ...]]
    members: list[tuple[int, int, bool]]  # row, output bit, flip; by row
    constant_bits: list[int]
    width: int
    step: int = 1
    floats: np.ndarray = field(init=False)

    def __post_init__(self):
        rank = len(self.rows[0])
        self.shifts = column_shifts(self.rows, rank)
        self.floats = scaled_floats(self.rows, self.shifts)
        self.norm = float(np.abs(self.floats).sum(axis=1).max()) * (1.0 + 2.0**-40)
        self.constant = np.zeros(self.width, dtype=np.uint64)
        for i in self.constant_bits:
            self.constant[i // 64] |= np.uint64(1 << (i % 64))

    def values(self, witness):
        """True values at a float witness, of rows times powers of two as stored."""
        out = []
        for row in self.rows:
            lengths = [
                x.bit_length() - s for x, s in zip(row, self.shifts, strict=True) if x
            ]
            scaled = [
                Fraction(x) / Fraction(2) ** (s + max(lengths))
                for x, s in zip(row, self.shifts, strict=True)
            ]
            out.append(inner(scaled, [Fraction(x) for x in witness]))
        return out

    def doubts(self, witness):
        """Rows whose value may be lost to rounding, with some room to spare."""
        unit = 2 * (len(self.shifts) + 4) * Fraction(2.0**-53)
        peak = Fraction(max(map(abs, witness)))
        return [
            row
            for row, value in enumerate(self.values(witness))
            if abs(value) <= unit * peak * Fraction(self.norm) + 2.0**-990
        ]

    def pattern(self, witness):
        """The pattern at a witness; a value of zero counts as negative."""
        values = self.values(witness)
        words = self.constant.copy()
        for row, i, flip in self.members:
            if (values[row] > 0) != flip:
                words[i // 64] |= np.uint64(1 << (i % 64))
        return words

    def run(self, witnesses, patterns):
        witnesses = np.array(witnesses, dtype=np.float64).reshape(-1, len(self.shifts))
        first = {}
        copies = []
        for row, i, flip in self.members:
            if row not in first and not flip:
                first[row] = i
        for row, i, flip in self.members:
            if i != first[row]:
                j = first[row]
                copies.append((j // 64, j % 64, i // 64, i % 64, int(flip)))
        values = np.zeros((len(self.shifts), 64 * self.width))
        firsts = np.zeros(self.width, dtype=np.uint64)
        for row, i in first.items():
            values[:, i] = self.floats[row]
            firsts[i // 64] |= np.uint64(1 << (i % 64))
        rng = np.random.default_rng(0)  # scratch holds anything
        bad = rng.random(len(witnesses)) < 0.5
        copies = np.array(copies, dtype=np.int64).reshape(-1, 5)
        check_signs(
            Coordinates(values, self.norm),
            witnesses,
            np.array(patterns, dtype=np.uint64).reshape(-1, self.width),
            self.step,
            OutputBits(firsts, self.constant, copies),
            rng.integers(0, 2**63, self.width, dtype=np.uint64),
            bad,
        )
        return bad.tolist()


@st.composite
def checks(draw):
    rank = draw(st.integers(1, 5))
    size = draw(st.sampled_from((2, 2**20, 2**53, 2**100)))
    entry = st.integers(-size, size)
    row = st.lists(entry, min_size=rank, max_size=rank).filter(any)
    rows = [tuple(x) for x in draw(st.lists(row, min_size=1, max_size=6))]
    width = draw(st.integers(1, 3))
    n_bits = 64 * width
    places = draw(st.lists(st.integers(0, n_bits - 1), min_size=len(rows), unique=True))
    members = [(i, places[i], False) for i in range(len(rows))]
    constant = []
    for place in places[len(rows) :]:
        if draw(st.booleans()):
            i = draw(st.integers(0, len(rows) - 1))
            members.append((i, place, draw(st.booleans())))
        else:
            constant.append(place)
    members.sort()
    return Check(rows, members, constant, width, draw(st.sampled_from((1, 2))))


@st.composite
def witnesses_of(draw, check):
    """Points of any size, near rows, or with a value lost to rounding."""
    rank = len(check.shifts)
    out = []
    for _ in range(draw(st.integers(0, 11))):
        scale = 10.0 ** draw(st.sampled_from((-320, -200, -3, 0, 3, 18)))
        unit = st.floats(-1, 1, allow_subnormal=True)
        point = [scale * draw(unit) for _ in range(rank)]
        if draw(st.booleans()) and rank > 1:  # nearly, or exactly, on a row
            row = check.floats[draw(st.integers(0, len(check.rows) - 1))]
            k = int(np.argmax(np.abs(row)))
            rest = sum(row[j] * point[j] for j in range(rank) if j != k)
            point[k] = -rest / row[k]
            for _ in range(draw(st.integers(0, 3))):
                point[k] = math.nextafter(point[k], math.inf)
        out.append(point)
    return out


def listed(check, patterns):
    """Patterns at every ``step``-th place, nonsense in between."""
    out = np.full((check.step * len(patterns), check.width), 2**64 - 1, np.uint64)
    for k, words in enumerate(patterns):
        out[check.step * k] = words
    return out


@moderate
@given(checks(), st.data())
def test_only_patterns_with_true_signs_clear_of_zero_are_accepted(check, data):
    witnesses = data.draw(witnesses_of(check))
    true = [check.pattern(w) for w in witnesses]
    given_ = [words.copy() for words in true]
    for words in given_:
        if data.draw(st.booleans()):
            i = data.draw(st.integers(0, 64 * check.width - 1))
            words[i // 64] ^= np.uint64(1 << (i % 64))
    bad = check.run(witnesses, listed(check, given_))
    for k, witness in enumerate(witnesses):
        if not bad[k]:
            assert np.array_equal(given_[k], true[k])
            assert all(check.values(witness))
        elif np.array_equal(given_[k], true[k]):
            assert check.doubts(witness)


def plain(n=130, rank=3, *, step=1, seed=0):
    """Generic rows over three words, some bits constant and some flipped copies."""
    rng = np.random.default_rng(seed)
    rows = [tuple(row) for row in rng.integers(-99, 100, (n - 4, rank)).tolist()]
    members = [(k, k + 2 * (k > 60), False) for k in range(n - 4)]
    members += [(0, 61, True), (n - 5, n - 1, True)]
    return Check(rows, sorted(members), [62, n - 2], 3, step)


def clear_witnesses(check, n, seed=0):
    rng = np.random.default_rng(seed)
    out = rng.standard_normal((n, len(check.shifts))).tolist()
    assert not any(check.doubts(witness) for witness in out)
    return out


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("step", [1, 2])
def test_right_patterns_at_clear_witnesses_are_accepted(n, step):
    check = plain(step=step)
    witnesses = clear_witnesses(check, n)
    patterns = listed(check, [check.pattern(w) for w in witnesses])
    assert check.run(witnesses, patterns) == [False] * n


@pytest.mark.parametrize("k", range(7))
@pytest.mark.parametrize("step", [1, 2])
def test_every_altered_bit_is_refused_whatever_it_stands_for(k, step):
    check = plain(step=step)
    witnesses = clear_witnesses(check, 7)
    patterns = listed(check, [check.pattern(w) for w in witnesses])
    for i in (0, 1, 60, 61, 62, 63, 64, 127, 128, 129, 130, 191):
        altered = patterns.copy()
        altered[step * k, i // 64] ^= np.uint64(1 << (i % 64))
        assert check.run(witnesses, altered) == [j == k for j in range(7)]


def test_patterns_of_other_witnesses_are_refused():
    check = plain()
    witnesses = clear_witnesses(check, 6)
    patterns = [check.pattern(w) for w in witnesses]
    assert check.run(witnesses, patterns[1:] + patterns[:1]) == [True] * 6


@pytest.mark.parametrize("bad_value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("n_rows", [1, 9])
def test_a_witness_that_is_no_point_is_never_accepted(bad_value, n_rows):
    """NaN or an infinity in any coordinate, or zero: refused with any pattern."""
    rows = [(1, 1, 2), (3, -1, 1), (1, 0, 0), (0, 0, 1), (0, 2, 1)]
    rows += [(-1, 1, 4), (1, -2, 0), (2, 2, 2), (0, 1, 0)]
    rows = rows[:n_rows]
    check = Check(rows, [(k, k, False) for k in range(n_rows)], [], 1)
    witnesses = []
    for k in range(3):
        for side in (1.0, -1.0):
            point = [side, side, side]
            point[k] = bad_value
            witnesses.append([0.0, -0.0, 0.0] if bad_value is None else point)
    everything = np.arange(2**n_rows, dtype=np.uint64)
    for words in everything:
        assert all(check.run(witnesses, [[words]] * len(witnesses)))


def test_a_witness_so_large_that_its_values_overflow_is_not_accepted():
    """The partial sum is infinite and positive, the true value negative."""
    check = Check([(1, 1, 1, -1, -1, -1)], [(0, 0, False)], [], 1)
    point = [1.7e308] * 3 + [1.75e308] * 3
    assert check.values(point)[0] < 0
    assert check.run([point], [[1]]) == [True]


@pytest.mark.parametrize("scale", [5e-324, 2.0**-1022, 2.0**-1001])
def test_a_witness_so_small_that_products_underflow_is_not_accepted(scale):
    check = Check([(1, 1), (3, 1)], [(0, 0, False), (1, 1, False)], [], 1)
    assert check.run([[scale, scale]], [[3]]) == [True]


@pytest.mark.parametrize("bits", [48, 50, 51, 52])
@pytest.mark.parametrize("side", [1, -1])
def test_a_right_sign_within_the_error_bound_is_not_accepted(bits, side):
    """The float value is exact and its sign right; the row itself may be rounded."""
    rows = [(1, -1, 0), (1, 1, 0), (0, 0, 1)]
    check = Check(rows, [(k, k, False) for k in range(3)], [], 1)
    far, near = [1.0, 0.5, 1.0], [1.0, 1.0 - side * 2.0**-bits, 1.0]
    assert check.run([far], [check.pattern(far)]) == [False]
    bound = 7 * 2.0**-53 * 2  # (r + 4) u |x|_1 max |w|, entries stored as 1/2
    is_clear = 2.0**-bits / 2 > bound / 2 * (1 + 2.0**-30)
    assert check.run([near], [check.pattern(near)]) == [not is_clear]


def test_a_wrong_sign_of_the_float_value_is_not_accepted():
    """2**60 + 1 is stored as 2**60: a negative float, a true value that is not."""
    rows = [(2**60 + 1, -(2**60), -1), (1, 1, 2**60)]
    check = Check(rows, [(0, 0, False), (1, 1, False)], [], 1)
    for last, sign in ((0.5, 1), (1.0, 0)):
        point = [1.0, 1.0, last]
        value = check.values(point)[0]
        assert (value > 0) - (value < 0) == sign
        assert sum(x * y for x, y in zip(check.floats[0], point, strict=True)) < 0
        for words in range(4):
            assert check.run([point], [[words]]) == [True]


def repeats(keys, bits, size):
    ends = np.zeros(1 << bits, dtype=np.int64)
    table = np.zeros(size, dtype=np.uint64)
    return may_repeat(keys, ends, np.zeros_like(keys), table)


@pytest.mark.parametrize("n", [0, 1, 2, 100, 5000])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_equal_keys_are_found_wherever_they_are(n, bits):
    rng = np.random.default_rng(n)
    size = 64 if n < 20 else 16384
    keys = rng.integers(0, 2**64, n, dtype=np.uint64)
    keys[:2] = [0, 2**64 - 1][:n]
    assert len(np.unique(keys)) == n
    assert not repeats(keys, bits, size)
    for i, j in ((0, n - 1), (1, n // 2), (n - 2, n - 1)):
        if 0 <= i < j < n:
            changed = keys.copy()
            changed[i] = changed[j]
            assert repeats(changed, bits, size)


def test_keys_that_collide_in_the_table_are_not_equal():
    # one slot, the last of the table, for all of them
    keys = (np.arange(30, dtype=np.uint64) << np.uint64(50)) | np.uint64(63)
    assert not repeats(keys, 1, 64)
    assert repeats(np.concatenate([keys, keys[7:8]]), 1, 64)


def test_a_bucket_with_too_many_keys_is_reported():
    assert repeats(np.arange(40, dtype=np.uint64), 4, 64)
    assert not repeats(np.arange(32, dtype=np.uint64), 4, 64)
