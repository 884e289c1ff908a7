"""Columns of mantissas and exponents are the numbers of the slow reading."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import Column, exact_product, exact_text, read_vector, written
from arrangement.exact.decimal_text import read_decimals

from reference import reading

many = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
WORDS = sorted(
    sign * (2**power + more)
    for power in (52, 53, 54, 61, 62, 63)
    for more in (-1, 0, 1)
    for sign in (1, -1)
)
SIZES = [5e-324, 2.0**-1022, 1e300, 1.7976931348623157e308, 1.0, 0.1, 2.0**53]
floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, *SIZES, *(-x for x in SIZES)]),
    st.sampled_from(SIZES).map(lambda x: float(np.nextafter(x, 0.0))),
)
int64s = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-9, 9),
    st.sampled_from([x for x in WORDS if -(2**63) <= x < 2**63]),
)
integers = st.one_of(int64s, st.integers(-(2**130), 2**130), st.sampled_from(WORDS))
digits = st.one_of(
    st.text("0123456789", min_size=1, max_size=8),
    st.text("0123456789", min_size=17, max_size=20),
    st.text("05", min_size=1, max_size=42),
    st.sampled_from(WORDS).map(lambda x: str(abs(x))),
)


@st.composite
def decimals(draw):
    """Draw text of a decimal: signs, points, zeros in front and behind, exponents."""
    text = draw(digits)
    place = draw(st.integers(0, len(text)))
    if draw(st.booleans()):
        text = f"{text[:place]}.{text[place:]}"
    if draw(st.integers(0, 3)) == 0:
        text += draw(st.sampled_from("eE")) + str(draw(st.integers(-350, 300)))
    if draw(st.integers(0, 5)) == 0:
        text = "0." + "0" * draw(st.integers(0, 30)) + draw(digits)
    return draw(st.sampled_from(["", "", "-", "+"])) + text


fractions = st.builds(
    Fraction, integers, st.sampled_from([1, 3, 7, 10, 35, 2**70, 5**30, 10**25 * 3])
)
KINDS = {
    "floats": floats,
    "int64": int64s,
    "integers": integers,
    "decimals": decimals(),
    "plain decimals": st.integers(-(10**18), 10**18).map(lambda m: f"{m}e-9"),
    "fractions": fractions,
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3),
    "float32": st.floats(width=32, allow_nan=False, allow_infinity=False).map(
        np.float32
    ),
    "numpy integers": int64s.map(np.int64),
}
KINDS["anything"] = st.one_of(*KINDS.values())


@st.composite
def vectors(draw):
    """Draw a list of one kind, or an array of it."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    values = draw(st.lists(KINDS[kind], min_size=1, max_size=8))
    if kind in ("floats", "int64", "float32") and draw(st.booleans()):
        return np.array(values)
    return values


def read(values, how="binary"):
    return read_vector(values, floats=how, name="y")


def same_kind(x):
    """The nearest float, infinite beyond float64."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


@many
@given(vectors(), st.sampled_from(["binary", "decimal"]))
def test_columns_are_the_numbers_of_the_slow_reading(values, how):
    column = read(values, how)
    expected = [reading.number(x, how) for x in values]
    assert column.numbers() == expected == [*column] == [*column[::-1]][::-1]
    assert column[0] == expected[0]
    m, twos, fives = column.mantissas, column.twos, column.fives
    assert all(x % 2 or not (x or a) for x, a in zip(m, twos, strict=True))
    if fives is not None:
        assert all(x % 5 or not (x or b) for x, b in zip(m, fives, strict=True))
    assert column.divisor > 0
    assert math.gcd(column.divisor, 10) == 1
    fits = all(abs(x) < 2**63 for x in m.tolist())
    assert m.dtype == (np.int64 if fits else object)
    with pytest.raises(ValueError, match="read-only"):
        m[0] = 1


@many
@given(vectors())
def test_columns_are_rounded_once(values):
    column = read(values)
    numbers = [reading.number(x) for x in values]
    for each in (column, Column.of_numbers(numbers)):
        near, same = each.rounded()
        assert near.tolist() == [same_kind(x) for x in numbers]
        assert same.tolist() == [
            math.isfinite(a) and Fraction(a) == x
            for a, x in zip(near.tolist(), numbers, strict=True)
        ]
        zeros = near[np.array([x == 0 for x in numbers])]
        assert not np.signbit(zeros).any()
        low, is_known = each.left_over(near, same)
        for x, a, rest in zip(
            *(np.array([*v, None], dtype=object)[:-1][is_known] for v in
              (numbers, near.tolist(), low.tolist())), strict=True,
        ):  # fmt: skip
            assert abs(x - Fraction(a) - Fraction(rest)) <= abs(x) / 2**102


@many
@given(vectors())
def test_primitive_columns_have_no_common_divisor(values):
    scale, column = read(values).primitive()
    numbers = [reading.number(x) for x in values]
    assert scale == reading.column_scale(numbers)
    assert column.integers() == [x * scale for x in numbers]
    for prime in (3, 2**31 - 1):
        assert column.residues(prime).tolist() == [x % prime for x in column.integers()]


@many
@given(st.lists(st.tuples(floats, decimals(), fractions), min_size=1, max_size=5))
def test_text_is_that_of_the_numbers(rows):
    columns = [read(list(column)) for column in zip(*rows, strict=True)]
    lines = [",".join(map(exact_text, row)) for row in zip(*columns, strict=True)]
    expected = "".join(f"{line}\n" for line in lines)
    text = b"".join(written(columns[:-1], len(rows), 1, columns[-1]))
    assert text.decode() == expected
    short = b"".join(written(columns[:1], len(rows), 1, columns[0])).decode()
    assert short == "".join(f"{x},{x}\n" for x in map(exact_text, columns[0]))


@many
@given(st.lists(decimals(), max_size=5))
def test_plain_decimals_are_those_of_one_word(cells):
    found = read_decimals(cells)
    for cell, m, tens, is_plain in zip(cells, *found, strict=True):
        head = cell.lower().partition("e")[0]
        word = int(head.lstrip("+-").replace(".", ""))
        if len(head) <= 32 and len(str(word)) != 19:
            assert is_plain == (word < 2**63)
        assert is_plain <= (word < 2**63)
        if is_plain:
            assert int(m) * Fraction(10) ** int(tens) == Fraction(cell)


NOT_PLAIN = [
    *("", ".", "-", "+-1", "1-", "1..2", "1.2.3", "1\0", "\0", "1_0", "٣", " 1"),
    *("e", "1e", "e5", "1e5.", "1e.5", "1e1.5", "1e5e5", "1e+", "1e+-5", "1e 5"),
    *("1ee5", ".e1", "1e20000", "1e-9\0", "9223372036854775808", "1" + "0" * 19),
]


@pytest.mark.parametrize("cell", NOT_PLAIN)
def test_what_is_no_plain_decimal_is_left_to_the_one_by_one_reading(cell):
    assert not read_decimals(["1.5", cell]).is_plain[1]
    if cell in ("٣", " 1") or len(cell) > 18:
        assert [*read([cell])] == [int(cell)]
        return
    with pytest.raises((InputError, InputTypeError), match="entry 1"):
        read(["1.5", cell])


@pytest.mark.parametrize("x", WORDS)
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_words_at_their_limits(x, shift):
    for value in (x, Fraction(x, 2**shift), Fraction(x, 5**shift), Decimal(x)):
        column = read([value, 1, Fraction(1, 2**shift * 5**shift)])
        assert column.numbers()[0] == value
        scale, whole = column.primitive()
        assert whole.integers()[0] == Fraction(value) * scale
        assert column.rounded()[0][0] == float(value)
    if 0 <= x < 2**64:
        array = np.array([x, 2**64 - 1], dtype=np.uint64)
        assert read(array).numbers() == [x, 2**64 - 1]
    if -(2**63) <= x < 2**63:
        array = np.array([x, -(2**63), 2**63 - 1])
        assert read(array).numbers() == array.tolist()
        assert read(array.astype(object)).numbers() == array.tolist()


@pytest.mark.parametrize("bits", [61, 62, 63, 64])
def test_integers_whose_products_reach_a_word(bits):
    # m 2**a and m 2**a 5**b around 2**62 and 2**63
    for k in range(1, 27):
        for m in ((2**bits // 5**k) | 1, (2**bits // 10**k) | 1):
            whole = Column(
                np.array([m, 1]),
                np.array([0, 1], dtype=np.int32),
                np.array([k, 0], dtype=np.int32),
            )
            assert whole.integers() == [m * 5**k, 2]
            twice = Column(np.array([m, 1]), np.array([k, 0], dtype=np.int32))
            assert twice.integers() == [m * 2**k, 1]
            tops, fits = twice.numerators()
            assert not fits[0] or int(tops[0]) == m * 2**k < 2**62


@pytest.mark.parametrize("k", [14, 18, 21, 22])
def test_quotients_next_to_the_middle_of_two_floats_are_rounded_in_integers(k):
    # m / 5**k beside t 2**-j, t odd of 54 bits: one part in t 5**k away from a tie,
    # which two floats do not tell from it
    bits = (54 + (5**k).bit_length()) - 62
    words = []
    for side in (1, -1):
        t = side * pow(5**k, -1, 2**bits) % 2**bits
        for start in (2**53, 2**53 + 2**52 + 2**30, 2**54 - 2**bits):
            middle = start - start % 2**bits + t
            top, rest = divmod(middle * 5**k - side, 2**bits)
            assert (rest, middle % 2) == (0, 1)
            assert top < 2**63
            words.append(top)
    count = len(words)
    fives = np.full(count, -k, dtype=np.int32)
    for m in (np.array(words), -np.array(words)):
        column = Column.of_numbers([Fraction(x, 5**k) for x in m.tolist()])
        assert column.fives.tolist() == fives.tolist()
        expected = [float(Fraction(x, 5**k)) for x in m.tolist()]
        assert column.rounded()[0].tolist() == expected


@many
@given(st.integers(2**54, 2**63), st.integers(40, 54), st.sampled_from([0, -1, -9]))
def test_subnormal_numbers_are_rounded_once(m, bits, fives):
    # beside the middle of two floats of so few bits: on it, once rounded to 53
    few = m.bit_length() - bits
    whole = m >> few << few
    for low in (1, -1, 0, 2**few >> 10):
        for side in (1, -1):
            x = side * (whole + (1 << few >> 1) + low) * Fraction(5) ** fives
            x = x / 2 ** (1074 + few)
            near, same = Column.of_numbers([x]).rounded()
            assert near[0] == float(x)
            assert same[0] == (Fraction(near[0]) == x)


@many
@given(
    st.floats(1e-100, 1e100), st.floats(-1e100, 1e100).filter(lambda x: abs(x) > 1e-100)
)
def test_the_error_of_a_product_is_a_float(a, b):
    p, error = exact_product(np.array([a]), b)
    assert p[0] == a * b
    assert Fraction(a) * Fraction(b) == Fraction(p[0]) + Fraction(float(error[0]))
