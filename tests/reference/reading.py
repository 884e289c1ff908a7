"""The slow reading: numbers are fractions, rows and classes as they are defined."""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from reference.brute_force import matrix_rank


def number(value, floats="binary"):
    """Return one number as a fraction."""
    if isinstance(value, str):
        return Fraction(value.strip())
    if isinstance(value, (int, np.integer, Decimal, Fraction)):
        return Fraction(int(value) if isinstance(value, np.integer) else value)
    if floats == "decimal":
        return Fraction(np.format_float_scientific(value, unique=True))
    return Fraction(*value.as_integer_ratio())


def matrix(values, floats="binary"):
    return [[number(x, floats) for x in row] for row in values]


def primitive(row):
    """Scale a row by the positive number that makes it integers of gcd 1."""
    scale = math.lcm(*(x.denominator for x in row))
    whole = [int(x * scale) for x in row]
    divisor = math.gcd(*whole) or 1
    return tuple(x // divisor for x in whole)


def column_scale(column):
    """The positive number that makes a column integers of gcd 1; 1 for zeros."""
    first = next((i for i, x in enumerate(column) if x), None)
    if first is None:
        return Fraction(1)
    return Fraction(primitive(column)[first]) / column[first]


def pivots(rows, width):
    """Columns that are independent of those before them."""
    ranks = [
        matrix_rank([tuple(row[: k + 1]) for row in rows]) if rows else 0
        for k in range(width)
    ]
    return [k for k in range(width) if ranks[k] > (ranks[k - 1] if k else 0)]


def classes(rows, width):
    """Class, orientation and constant sign of each row, and the first rows."""
    first, class_of, orientation, constant = [], [], [], []
    for i, row in enumerate(rows):
        if not any(row[:width]):
            sign = (row[-1] > 0) - (row[-1] < 0) if len(row) > width else 0
            class_of.append(-1)
            orientation.append(1)
            constant.append(sign)
            continue
        constant.append(-1)
        for k, j in enumerate(first):
            for sign in (1, -1):
                if primitive(row) == tuple(sign * x for x in primitive(rows[j])):
                    class_of.append(k)
                    orientation.append(sign)
        if len(class_of) == i:
            class_of.append(len(first))
            orientation.append(1)
            first.append(i)
    return class_of, orientation, constant, first


def arrangement(rows, offsets=None):
    """What an `Arrangement` of exact rows holds, in the columns of the data."""
    width = len(rows[0])
    scales = [column_scale(column) for column in zip(*rows, strict=True)]
    scaled = [[x * s for x, s in zip(row, scales, strict=True)] for row in rows]
    if offsets is not None:
        scaled = [[*row, -b] for row, b in zip(scaled, offsets, strict=True)]
    class_of, orientation, constant, first = classes(scaled, width)
    kept = pivots([scaled[i] for i in first], width)
    ends = [] if offsets is None else [width]
    distinct = [primitive([scaled[i][k] for k in [*kept, *ends]]) for i in first]
    return {
        "class_of": class_of,
        "orientation": orientation,
        "constant_signs": constant,
        "pivot_columns": tuple(kept),
        "column_scales": tuple(scales[k] for k in kept),
        "distinct": distinct,
    }


def nearest(x):
    """The float64 nearest to a fraction, and a bound of the error as data keep it."""
    value = float(x)
    if Fraction(value) == x:
        return value, 0.0
    return value, float(np.spacing(min(abs(value), 1e308)))


def digest(rows, targets, weights=None, n_patches=1):
    """SHA-256 of the numbers in lowest terms."""
    lines = []
    for i, target in enumerate(targets):
        patches = rows[i * n_patches : (i + 1) * n_patches]
        lines.append(",".join(map(str, [*(x for row in patches for x in row), target])))
    if n_patches > 1:
        lines.append(f"patches {n_patches}")
    if weights is not None:
        lines.append("weights " + ",".join(map(str, weights)))
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
