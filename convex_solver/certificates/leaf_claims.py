"""Hints of leaves in a model file: what a third party needs to bound them again."""

from __future__ import annotations

from typing import Any

import numpy as np

from convex_solver.leaves import Hint, Leaf
from convex_solver.networks import Fields
from convex_solver.typing import Array

_PARTS = (
    "sign",
    "normals",
    "thresholds",
    "above",
    "mean",
    "second",
    "shares",
    "multipliers",
    "softness",
    "facet_softness",
    "price",
)


def write_hints(hints: tuple[Hint, ...]) -> list[dict[str, Any]]:
    """Return hints as parts of a JSON file, of symmetric matrices the upper half."""
    return [
        {
            "sign": hint.sign,
            "normals": hint.leaf.normals.tolist(),
            "thresholds": hint.leaf.thresholds.tolist(),
            "above": [bool(side) for side in hint.leaf.above],
            "mean": hint.m.tolist(),
            "second": hint.M[np.triu_indices(hint.m.size)].tolist(),
            "shares": hint.shares.tolist(),
            "multipliers": hint.multipliers.tolist(),
            "softness": float(np.max(hint.softness)),
            "facet_softness": hint.facet_softness,
            "price": hint.price,
        }
        for hint in hints
    ]


def read_hints(claim: Fields, where: str) -> tuple[Hint, ...]:
    """Read the leaves of a claim; whether they prove anything is another question."""
    content = claim["leaves"]
    if not isinstance(content, list):
        raise claim.error("leaves", "a list")
    return tuple(
        _read_hint(each, f"{where}: leaf {k + 1}") for k, each in enumerate(content)
    )


def _read_hint(content: Any, where: str) -> Hint:
    parts = Fields(content, where, _PARTS)
    mean = parts.array("mean")
    r = mean.size
    normals, thresholds = parts.array("normals", r), parts.array("thresholds")
    above = parts["above"]
    if thresholds.size != len(normals):
        raise parts.error("thresholds", f"{len(normals)} numbers, as there are normals")
    if not isinstance(above, list) or not all(isinstance(x, bool) for x in above):
        raise parts.error("above", "a list of true and false")
    if len(above) != len(normals):
        raise parts.error("above", f"{len(normals)} sides, as there are normals")
    second = parts.array("second")
    if second.size != r * (r + 1) // 2:
        raise parts.error("second", f"{r * (r + 1) // 2} numbers")
    rows = parts["shares"]
    count = len(rows[0]) if isinstance(rows, list) and rows else 0
    shares = parts.array("shares", count) if _is_list(rows) else np.zeros((0, 0))
    if len(shares) != 4:
        raise parts.error("shares", "four lists of numbers")
    if parts.number("sign") not in (1.0, -1.0):
        raise parts.error("sign", "1 or -1")
    for name in ("softness", "facet_softness", "price"):
        if not parts.number(name) >= 0.0:
            raise parts.error(name, "a number of at least 0")
    return Hint(
        Leaf(normals, thresholds, np.array(above, dtype=bool)),
        parts.number("sign"),
        mean,
        _square(second, r),
        shares,
        parts.array("multipliers"),
        parts.number("softness"),
        parts.number("facet_softness"),
        parts.number("price"),
    )


def _is_list(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _square(packed: Array, r: int) -> Array:
    M = np.zeros((r, r))
    i, j = np.triu_indices(r)
    M[i, j] = M[j, i] = packed
    return M
