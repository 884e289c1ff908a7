"""Columns of exact numbers, as integers times powers of two and of five.

Binary floats, integers and decimals of up to 18 digits all are ``m 2**a 5**b`` with
an m of one machine word, whatever their size, so that NumPy reads, scales, compares
and rounds them without making a Python number of each.  A `Column` holds m, a and b of
each entry and one divisor for all of them, which other fractions need.

Invariant: m is odd, or 0 with a = b = 0; b is 0 throughout unless the column is
*split*, and m is then no multiple of five; the divisor is positive and no multiple of
two or five.  So two entries of split columns of the same divisor are equal exactly if
their m, a and b are.  m is int64 where all entries fit, which odd numbers do up to
``2**63 - 1`` in size, and else Python integers: only columns that need these have them.

Every step takes a fixed number of passes over n entries, or log(63) of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from arrangement.exact.word_products import (
    FLOAT_FIVES,
    FLOAT_MANTISSA,
    missing,
    power_of_five,
    times_fives,
)

Number: TypeAlias = Fraction | int
Ints: TypeAlias = NDArray[Any]

# The exponent of the smallest subnormal float64, and that of the smallest normal one.
_LEAST, _LEAST_NORMAL = -1074, -1022
# Between them products of floats and their errors are floats.
_SMALL, _LARGE = 1e-120, 1e120
# 16 + 8 + 4 + 2 + 1 is more than 27, as 5**27 is the last one in a machine word.
_HALVED = (16, 8, 4, 2, 1)
# 5**b < 2**(b * 7 / 3): 3 * log2(5) is 6.97.
_BITS_OF_FIVE = 7 / 3
# Entries of a gcd between looks whether it is one already.
_GCD_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Column(Sequence[Number]):
    """Exact numbers; entry i is ``mantissas[i] 2**twos[i] 5**fives[i] / divisor``.

    A sequence of int and Fraction, made when they are asked for.

    Attributes
    ----------
    mantissas : ndarray, shape (n,), int64 or object (Python integers), read-only
    twos : ndarray, shape (n,), int32, read-only
    fives : ndarray, shape (n,), int32, read-only, or None
        None where nothing is split off: all are 0.
    divisor : int
    nearest : ndarray, shape (n,), float64, read-only, or None
        The entries rounded to nearest, where the reading found them on its way.
    """

    mantissas: Ints
    twos: NDArray[np.int32]
    fives: NDArray[np.int32] | None = None
    divisor: int = 1
    nearest: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Close the arrays against changes."""
        for array in (self.mantissas, self.twos, self.fives, self.nearest):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of entries."""
        return int(self.mantissas.size)

    def __iter__(self) -> Iterator[Number]:
        """Iterate over int and Fraction."""
        return iter(self.numbers())

    def __getitem__(self, key: Any) -> Any:
        """Return one number for an int, a `Column` for a slice or an index array."""
        if isinstance(key, (int, np.integer)):
            place = range(len(self))[key]
            return self[place : place + 1].numbers()[0]
        return Column(
            self.mantissas[key],
            self.twos[key],
            None if self.fives is None else self.fives[key],
            self.divisor,
            None if self.nearest is None else self.nearest[key],
        )

    # making

    @classmethod
    def of_floats(cls, values: NDArray[np.float64]) -> Column:
        """Return finite floats as the binary numbers they are."""
        fractions, exponents = np.frexp(values)
        # 53 bits at most, also of subnormal numbers
        mantissas = np.ldexp(fractions, 53).astype(np.int64)
        return _odd(mantissas, exponents.astype(np.int32) - np.int32(53), values + 0.0)

    @classmethod
    def of_integers(cls, values: NDArray[Any] | Sequence[int]) -> Column:
        """Return integers of any size."""
        if not isinstance(values, np.ndarray):
            values = _machine(_objects(values))
        if values.dtype.kind == "u" and values.dtype.itemsize == 8:
            values = _machine(values.astype(object))
        elif values.dtype != object:
            values = values.astype(np.int64)
        return _odd(values, np.zeros(values.size, dtype=np.int32), None)

    @classmethod
    def of_decimals(
        cls,
        mantissas: NDArray[np.int64],
        tens: NDArray[np.int32],
    ) -> Column:
        """Return ``mantissas * 10**tens``."""
        column = _odd(mantissas, tens, None)
        return replace(column, fives=np.where(mantissas != 0, tens, 0)).split()

    @classmethod
    def of_numbers(cls, values: Sequence[Number]) -> Column:
        """Return ints and Fractions of any kind."""
        bottoms = [x.denominator for x in values]
        twos = [_low_bit(x) for x in bottoms]
        odd = [x >> two for x, two in zip(bottoms, twos, strict=True)]
        fives = [_fives(x) for x in odd]
        rest = [x // 5**five for x, five in zip(odd, fives, strict=True)]
        divisor = math.lcm(*rest)
        tops = [x.numerator * (divisor // q) for x, q in zip(values, rest, strict=True)]
        column = cls.of_integers(tops)
        shifted = column.twos - np.array(twos, dtype=np.int32)
        column = replace(column, twos=_where_any(column.mantissas, shifted))
        column = replace(column, divisor=divisor)
        if not any(fives):
            return column
        return replace(
            column, fives=_where_any(column.mantissas, -np.array(fives, np.int32))
        ).split()

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[np.int64], Column]]) -> Column:
        """Return one column of parts, each with the places of its entries."""
        if len(parts) == 1:
            return parts[0][1]
        size = sum(len(places) for places, _ in parts)
        columns = common([column for _, column in parts])
        kind = np.result_type(*(column.mantissas for column in columns))
        mantissas, twos = np.zeros(size, kind), np.zeros(size, np.int32)
        fives, nearest = np.zeros(size, np.int32), np.zeros(size)
        for (places, _), column in zip(parts, columns, strict=True):
            mantissas[places], twos[places] = column.mantissas, column.twos
            if column.fives is not None:
                fives[places] = column.fives
            if column.nearest is not None:
                nearest[places] = column.nearest
        is_split = columns[0].fives is not None
        is_rounded = all(column.nearest is not None for column in columns)
        return cls(
            mantissas,
            twos,
            fives if is_split else None,
            columns[0].divisor,
            nearest if is_rounded else None,
        )

    # changing

    def split(self) -> Column:
        """Return the same numbers with the fives split off."""
        m = self.mantissas
        fives = np.zeros(m.size, np.int32) if self.fives is None else self.fives.copy()
        rest = np.flatnonzero((m % 5 == 0) & (m != 0))
        if rest.size:
            m = m.copy()
            part = m[rest]
            if m.dtype == object:
                counts = np.array([_fives(x) for x in part.tolist()], dtype=np.int32)
                part = part // _objects([5**k for k in counts.tolist()])
            else:
                counts = np.zeros(rest.size, dtype=np.int32)
                for k in _HALVED:
                    quotient = part // 5**k
                    whole = quotient * 5**k == part
                    part = np.where(whole, quotient, part)
                    counts += k * whole
            m[rest] = part
            fives[rest] += counts
        return replace(self, mantissas=_machine(m), fives=fives)

    def times(self, factor: int) -> Column:
        """Return the numbers times an odd integer that is no multiple of five."""
        if factor == 1:
            return self
        product = self.mantissas.astype(object) * factor
        return replace(self, mantissas=_machine(product), nearest=None)

    def negated(self) -> Column:
        """Return minus the numbers."""
        nearest = None if self.nearest is None else 0.0 - self.nearest
        return replace(self, mantissas=-self.mantissas, nearest=nearest)

    def primitive(self) -> tuple[Fraction, Column]:
        """Return ``(scale, column)``, the numbers times scale: integers of gcd 1.

        ``scale`` is positive, and 1 for zeros only.
        """
        m, moving = self.mantissas, self.mantissas != 0
        if not np.any(moving):
            return Fraction(1), replace(self, divisor=1, nearest=None)
        divisor = gcd_of(m)
        two = int(self.twos[moving].min())
        scale = Fraction(self.divisor, divisor) * Fraction(2) ** -two
        fives = self.fives
        if fives is not None:
            five = int(fives[moving].min())
            scale *= Fraction(5) ** -five
            fives = np.where(moving, fives - np.int32(five), np.int32(0))
        twos = np.where(moving, self.twos - np.int32(two), np.int32(0))
        if divisor > 1:
            m = _machine(m // divisor)
        return scale, Column(m, twos, fives)

    # reading off

    def numbers(self) -> list[Number]:
        """Return the entries as int and Fraction."""
        codes, table = self.denominators()
        bottoms = _objects(table)[codes]
        if self.divisor > 1:
            bottoms = bottoms * self.divisor
        return [
            top if bottom == 1 else Fraction(top, bottom)
            for top, bottom in zip(self.integers(), bottoms.tolist(), strict=True)
        ]

    def denominators(self) -> tuple[NDArray[np.int64], list[int]]:
        """Return codes (n,), and the denominator that each stands for.

        In lowest terms, but for the divisor, where fives are split off or there are
        none in it.
        """
        twos = np.minimum(self.twos, 0)
        if self.fives is None:
            codes, pairs = _pairs(twos, np.zeros_like(twos))
        else:
            codes, pairs = _pairs(twos, np.minimum(self.fives, 0))
        return codes, [2**-a * 5**-b for a, b in pairs]

    def numerators(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``m 2**a 5**b``, negative powers left out, where it is below 2**62.

        And where that is; it may be anything elsewhere.
        """
        m, twos = self.mantissas, np.maximum(self.twos, 0)
        if m.dtype == object:
            return np.zeros(m.size, np.int64), np.zeros(m.size, np.bool_)
        # |m| is below 2**bits, also where it is rounded up, and so the product is
        bits = np.frexp(m.astype(np.float64))[1] + twos
        if self.fives is None:
            fits = bits <= 62
            return np.left_shift(m, np.where(fits, twos, 0)), fits
        fives = np.maximum(self.fives, 0)
        fits = bits + np.ceil(fives * _BITS_OF_FIVE) <= 62
        shifted = m << np.where(fits, twos, 0)
        return shifted * power_of_five(np.where(fits, fives, 0)), fits

    def integers(self) -> list[int]:
        """Return ``m 2**a 5**b``, negative powers left out, as Python integers."""
        found, fits = self.numerators()
        numbers: list[int] = found.tolist()
        large = np.flatnonzero(~fits)
        if not large.size:
            return numbers
        fives = np.zeros_like(self.twos) if self.fives is None else self.fives
        for i, x, a, b in zip(
            large.tolist(),
            self.mantissas[large].tolist(),
            np.maximum(self.twos[large], 0).tolist(),
            np.maximum(fives[large], 0).tolist(),
            strict=True,
        ):
            numbers[i] = (x << a) * 5**b if b else x << a
        return numbers

    def residues(self, prime: int) -> NDArray[np.int64]:
        """Return a column of integers modulo a prime below 2**31."""
        out: NDArray[np.int64] = (self.mantissas % prime).astype(np.int64)
        for base, powers in ((2, self.twos), (5, self.fives)):
            if powers is not None:
                table = np.zeros(int(powers.max(initial=0)) + 1, dtype=np.int64)
                for power in np.unique(powers).tolist():
                    table[power] = pow(base, power, prime)
                out = out * table[powers] % prime
        return out

    def rounded(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the nearest float64 of each entry, and whether it is the entry.

        Zeros have no sign.  Infinite where an entry is beyond float64.
        """
        m, a = self.mantissas, self.twos
        if self.divisor > 1 or m.dtype == object:
            return self._rounded_one_by_one()
        size = np.abs(m)
        same = (size <= FLOAT_MANTISSA) & (a >= _LEAST)
        if self.fives is not None:
            b = self.fives
            same &= (b >= 0) & (b <= FLOAT_FIVES)
            same &= size <= FLOAT_MANTISSA // power_of_five(np.abs(b))
        same |= m == 0
        if self.nearest is not None:
            return self.nearest, same & np.isfinite(self.nearest)
        part = m.astype(np.float64)
        once = np.ones(m.size, dtype=bool)
        if self.fives is not None:
            part, once = times_fives(m, self.fives)
        with np.errstate(over="ignore", under="ignore"):
            nearest = np.ldexp(part, a)
        # rounded once, and not again among the subnormal numbers
        once &= np.abs(nearest) >= 2.0 ** (_LEAST_NORMAL + 1)
        rest = np.flatnonzero(~(once | same))
        if rest.size:
            nearest[rest] = self[rest]._rounded_one_by_one()[0]
        return nearest, same & np.isfinite(nearest)

    def left_over(
        self, near: NDArray[np.float64], same: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return ``x - near`` to ``2**-102`` of x, and where that is known.

        For what `rounded` returned.  ``x = m 2**a / 5**k``, so that it is ``(m - h
        5**k) 2**a / 5**k`` with ``h = near 2**-a``.
        """
        low, is_known = np.zeros(len(self)), same.copy()
        is_tame = (np.abs(near) > _SMALL) & (np.abs(near) < _LARGE)
        places = np.flatnonzero(~same & is_tame)
        if not places.size or self.divisor > 1 or self.mantissas.dtype == object:
            return low, is_known
        part = self[places]
        fives = np.zeros_like(part.twos) if part.fives is None else -part.fives
        factor = power_of_five(np.clip(fives, 0, FLOAT_FIVES)).astype(np.float64)
        with np.errstate(all="ignore"):
            h = np.ldexp(near[places], -part.twos)
            found = missing(part.mantissas, h, factor)
            low[places] = np.ldexp(found, part.twos)
        is_known[places] = (fives >= 0) & (fives <= FLOAT_FIVES)
        return low, is_known

    def _rounded_one_by_one(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        numbers = self.numbers()
        if self.nearest is not None:
            floats = self.nearest.tolist()
        else:
            floats = [_float(x) for x in numbers]
        same = [
            math.isfinite(x) and x == y for x, y in zip(floats, numbers, strict=True)
        ]
        return np.array(floats, dtype=np.float64), np.array(same, dtype=np.bool_)


def common(columns: Sequence[Column]) -> list[Column]:
    """Return columns with the same divisor, all split if one of them is."""
    divisor = math.lcm(*(column.divisor for column in columns))
    out = [
        replace(column.times(divisor // column.divisor), divisor=divisor)
        for column in columns
    ]
    if all(column.fives is None for column in columns):
        return out
    return [column.split() if column.fives is None else column for column in out]


def gcd_of(values: Ints) -> int:
    """Return the gcd of all entries, 0 when they are zeros."""
    divisor = 0
    for start in range(0, values.size, _GCD_BLOCK):
        part = values[start : start + _GCD_BLOCK]
        divisor = math.gcd(divisor, int(np.gcd.reduce(part)))
        if divisor == 1:
            break
    return divisor


def _odd(m: Ints, twos: NDArray[np.int32], nearest: Any) -> Column:
    """Return the column of ``m 2**twos``, m any integers."""
    if m.dtype == object:
        counts = [_low_bit(x) if x else 0 for x in m.tolist()]
        odd = _objects([x >> k for x, k in zip(m.tolist(), counts, strict=True)])
        powers = _where_any(m, twos + np.array(counts, dtype=np.int32))
        return Column(_machine(odd), powers, None, 1, nearest)
    low = (m & -m).view(np.uint64)
    count = np.bitwise_count(low - np.uint64(1)).astype(np.int32)
    count[m == 0] = 0
    return Column(m >> count, _where_any(m, twos + count), None, 1, nearest)


def _where_any(m: Ints, powers: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(m != 0, powers, np.int32(0)).astype(np.int32)


def _machine(values: Ints) -> Ints:
    """Return Python integers as int64 where all of them fit."""
    if values.dtype != object:
        return values
    try:
        return values.astype(np.int64)
    except OverflowError:
        return values


def _objects(values: Sequence[int]) -> NDArray[Any]:
    return np.fromiter(values, dtype=object, count=len(values))


def _low_bit(value: int) -> int:
    return (value & -value).bit_length() - 1


def _fives(value: int) -> int:
    """Return how often five divides an integer that is not zero."""
    count, power = 0, 1
    # by powers that double, so that long numbers take few divisions
    while value % 5**power == 0:
        value //= 5**power
        count += power
        power *= 2
    while power > 1:
        power //= 2
        if value % 5**power == 0:
            value //= 5**power
            count += power
    return count


def _pairs(
    twos: NDArray[np.int32], fives: NDArray[np.int32]
) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """Return codes of the pairs of exponents, none above 0, and the pair of each."""
    width = 1 - int(fives.min(initial=0))
    codes = -twos.astype(np.int64) * width - fives
    top = int(codes.max(initial=0)) + 1
    if top > 4 * codes.size + 4096:
        found, codes = np.unique(codes, return_inverse=True)
    else:
        found = np.flatnonzero(np.bincount(codes, minlength=1))
        places = np.zeros(top, dtype=np.int64)
        places[found] = np.arange(found.size)
        codes = places[codes]
    return codes, [(-(x // width), -(x % width)) for x in found.tolist()]


def _float(value: Number) -> float:
    try:
        # int / int and float(Fraction) are correctly rounded in Python
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
