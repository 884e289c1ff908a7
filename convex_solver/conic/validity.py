"""Whether the parts of a conic program that came out of a file fit together.

A digest shows what damage did; whoever computes digests can still write numbers that
are none, entries that stand twice, or cones that overlap the end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convex_solver.conic.model import ConicProgram
from convex_solver.conic.sizes import FORMS

KINDS = ("zero", "nonnegative", "second_order", "exponential")
COUNTS = ("n_chambers", "rank", "first_block", "n_cone_rows")
# Rows of an exponential cone.
_TRIPLE = 3


def is_count(value: Any) -> bool:
    """Whether a value of a file is an int from 0 on (True is none)."""
    return type(value) is int and value >= 0


def is_cone(kind: Any, size: Any) -> bool:
    """Whether kind and size are those of a cone."""
    if kind not in KINDS or not is_count(size) or size < 1:
        return False
    return bool(kind != "exponential" or size == _TRIPLE)


def contradiction(program: ConicProgram) -> str:
    """Return what does not fit in a program, in a few words; "" when all does."""
    n_rows, n_columns = program.A.shape
    numbers = (program.q, program.b, program.A.data, program.P.data)
    if not all(np.all(np.isfinite(values)) for values in numbers):
        return "a number is infinite or NaN"
    if not math.isfinite(program.constant):
        return "the constant is infinite or NaN"
    if np.any(program.P.data <= 0.0):
        return "the quadratic cost is not convex, or holds zeros"
    if not (program.A.has_canonical_format and program.P.has_canonical_format):
        return "entries of a matrix stand twice, or not in their order"
    if not all(is_cone(kind, size) for kind, size in program.cones):
        return "a cone has an impossible kind or size"
    if sum(size for _, size in program.cones) != n_rows:
        return f"the cones do not have {n_rows} rows together"
    counts = [getattr(program, name) for name in COUNTS]
    if not all(map(is_count, counts)) or program.form not in FORMS:
        return "a size is no count, or the form is unknown"
    end = program.first_block + program.n_blocks * (program.rank + 1)
    if end > n_columns:
        return f"the blocks do not end within {n_columns} columns"
    if program.n_cone_rows > n_rows:
        return f"the blocks have more rows than there are ({n_rows})"
    return ""
