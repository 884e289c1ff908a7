"""Hypothesis strategies: matrices with the degeneracies that break enumerators.

Every kind of entry is planted with zero, duplicate, opposite and scaled rows, rows in
a common plane, rows one ulp (or one unit) away from that, and dependent columns.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from numpy.typing import NDArray

from convex_solver import ConvexProgram
from convex_solver.losses import get_loss

from reference.brute_force import exact
from reference.losses import LABELLED

KINDS = (
    "small",
    "integers",
    "huge",
    "fractions",
    "floats",
    "wide",
    "float32",
    "small floats",
    "text",
)
_ENTRIES: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-2, 2),
    "integers": st.integers(-(10**6), 10**6),
    "huge": st.integers(-(2**80), 2**80),
    "fractions": st.fractions(-4, 4, max_denominator=40),
    "floats": st.floats(-16, 16, allow_subnormal=True),
    "wide": st.builds(
        lambda m, e: m * 10.0**e,
        st.integers(-9, 9).map(float),
        st.integers(-300, 300),
    ),
    "float32": st.floats(-16, 16, width=32),
    "small floats": st.integers(-2, 2).map(float),
    "text": st.decimals(-9, 9, places=2).map(str),
}
_DTYPES: dict[str, Any] = {
    "small": np.int64,
    "integers": np.int64,
    "floats": np.float64,
    "wide": np.float64,
    "float32": np.float32,
    "small floats": np.float64,
}
_PLANTS = ("zero", "duplicate", "opposite", "scaled", "sum", "ulp", "near sum")


def _nudge(value: Any, kind: str) -> Any:
    """Move an entry by one ulp, one unit or one tiny fraction."""
    if kind == "float32":
        return float(np.nextafter(np.float32(value), np.float32(math.inf)))
    if isinstance(value, float):
        return math.nextafter(value, math.inf)
    return value + 1 if isinstance(value, int) else value + Fraction(1, 10**30)


@st.composite
def _planted_row(draw: st.DrawFn, rows: list[list[Any]], d: int, kind: str) -> Any:
    plant = draw(st.sampled_from(_PLANTS))
    if plant == "zero" or not rows:
        return [type(rows[0][0])(0) if rows and d else 0] * d
    first = rows[draw(st.integers(0, len(rows) - 1))]
    second = rows[draw(st.integers(0, len(rows) - 1))]
    if plant == "opposite":
        return [-x for x in first]
    if plant == "scaled":
        return [x * draw(st.sampled_from((2, 4, -8))) for x in first]
    row = list(first)
    if plant in ("sum", "near sum"):
        row = [x + y for x, y in zip(first, second, strict=True)]
    if plant in ("ulp", "near sum") and d:
        k = draw(st.integers(0, d - 1))
        row[k] = _nudge(row[k], kind)
    return row


@st.composite
def _columns_dependent(draw: st.DrawFn, rows: list[list[Any]], d: int) -> Any:
    """Make one column zero, a copy, or (exactly for exact entries) a sum."""
    if d < 2 or not draw(st.booleans()):
        return rows
    target, a, b = (draw(st.integers(0, d - 1)) for _ in range(3))
    how = draw(st.sampled_from(("zero", "copy", "sum")))
    for row in rows:
        if how == "zero":
            row[target] = row[target] * 0
        elif how == "copy":
            row[target] = row[a]
        else:
            row[target] = row[a] + row[b]
    return rows


@st.composite
def matrices(
    draw: st.DrawFn,
    *,
    max_rows: int = 7,
    max_columns: int = 4,
    kinds: tuple[str, ...] = KINDS,
) -> NDArray[Any]:
    """Draw a matrix of shape (n, d), n and d from 0, with planted degeneracies."""
    kind = draw(st.sampled_from(kinds))
    if kind == "wide":  # slow in exact arithmetic
        max_rows, max_columns = min(max_rows, 5), min(max_columns, 3)
    d = draw(st.integers(0, max_columns))
    n_free = draw(st.integers(0, max_rows))
    entry = _ENTRIES[kind]
    rows = [[draw(entry) for _ in range(d)] for _ in range(n_free)]
    if kind != "text":
        rows = draw(_columns_dependent(rows, d))
        for _ in range(draw(st.integers(0, min(3, max_rows - n_free)))):
            rows.append(draw(_planted_row(rows, d, kind)))
    rows = draw(st.permutations(rows))
    X = np.empty((len(rows), d), dtype=_DTYPES.get(kind, object))
    for i, row in enumerate(rows):
        X[i] = row
    return X


@st.composite
def affine_arrangements(
    draw: st.DrawFn,
    *,
    max_rows: int = 6,
    max_columns: int = 3,
    kinds: tuple[str, ...] = KINDS,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw normals and offsets; several hyperplanes may meet in one point."""
    X = draw(matrices(max_rows=max_rows, max_columns=max_columns, kinds=kinds))
    n, d = X.shape
    meeting = [draw(st.integers(-2, 2)) for _ in range(d)]
    b = np.empty(n, dtype=object)
    for i in range(n):
        through = sum((exact(x) * z for x, z in zip(X[i], meeting, strict=True)), 0)
        free = draw(st.integers(-3, 3))
        b[i] = draw(st.sampled_from((through, through, Fraction(free), Fraction(0))))
    return X, b


@st.composite
def integer_embeddings(draw: st.DrawFn, d: int, *, extra: int) -> NDArray[Any]:
    """Draw an integer matrix of shape (d, d + extra) of full row rank.

    A unit lower triangle times an upper triangle with nonzero diagonal, with free
    columns appended and all columns permuted.
    """
    small = st.integers(-3, 3)
    lower = np.zeros((d, d), dtype=object)
    upper = np.zeros((d, d), dtype=object)
    for i in range(d):
        lower[i, i] = 1
        upper[i, i] = draw(st.sampled_from((-2, -1, 1, 3)))
        for j in range(i):
            lower[i, j] = draw(small)
            upper[j, i] = draw(small)
    free = np.zeros((d, extra), dtype=object)
    for i in range(d):
        for j in range(extra):
            free[i, j] = draw(small)
    whole = np.concatenate([lower @ upper, free], axis=1)
    return whole[:, draw(st.permutations(range(d + extra)))]


def exact_matrix(X: NDArray[Any]) -> NDArray[Any]:
    """Return the same matrix as Fractions."""
    out = np.empty(X.shape, dtype=object)
    for place in np.ndindex(*X.shape):
        out[place] = exact(X[place])
    return out


N_SAMPLES = 4
# Ordinary ones first, then some whose products with 1e3 squared stay in float64.
WEIGHTS = st.one_of(
    st.just(1.0),
    st.sampled_from([1.0, 2.0, 0.1, 1e-6, 1e6, 1e-300, 5e-308]),
    st.floats(1e-3, 1e3),
)


def predictions(spec):
    return st.floats(-40, 40) if spec == "poisson" else st.floats(-1e3, 1e3)


def targets(spec):
    if spec in LABELLED:
        return st.sampled_from([-1.0, 1.0])
    if spec == "poisson":
        return st.one_of(st.integers(0, 5).map(float), st.floats(0, 1e3))
    return st.floats(-1e3, 1e3)


def lists(values):
    return st.lists(values, min_size=N_SAMPLES, max_size=N_SAMPLES).map(np.array)


@st.composite
def samples(draw, spec, f=None):
    """Predictions, targets, weights, and the loss of them."""
    f, y = (
        draw(lists(predictions(spec) if f is None else f)),
        draw(lists(targets(spec))),
    )
    c = draw(lists(WEIGHTS))
    return f, y, c, get_loss(spec).at(y, weights=c)


SMALL_KINDS = (
    "small",
    "integers",
    "fractions",
    "floats",
    "float32",
    "small floats",
    "text",
)


def program_of(X, n_patches=1, loss="squared"):
    """A program of drawn rows, patches stacked; labels take turns."""
    n = X.shape[0] // n_patches
    if n == 0 or X.shape[1] == 0:
        reject()
    rows = X[: n * n_patches]
    if n_patches > 1:
        rows = rows.reshape(n, n_patches, -1)
    y = np.where(np.arange(n) % 2, 1.0, -1.0)
    return ConvexProgram(rows, y, 0.1, loss=loss)
