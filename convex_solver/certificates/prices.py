"""The largest price over all directions, bounded in the way that suits the data."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from arrangement import InputError, PatternSet, cover_bound
from convex_solver.certificates.chambers import Price, price_chambers
from convex_solver.certificates.covering import COVERED_RANK, cover_sphere
from convex_solver.certificates.relaxation import relax_sphere
from convex_solver.leaves import Hint
from convex_solver.reading import Data
from convex_solver.typing import Array

METHODS = ("auto", "covering", "chambers", "relaxation")
# Cones to visit for each sign before chambers are listed instead, where there are not
# too many (Cover's bound; a listing prices 1 a microsecond, a cone takes 4).
FEW_CONES = 5 * 10**4
MOST_CHAMBERS = 3 * 10**7


def largest_price(
    data: Data,
    v: Array,
    hints: Array,
    *,
    method: str,
    patterns: PatternSet | None,
    rtol: float,
    max_cones: int,
    leaves: Sequence[Hint],
    deadline: float,
    n_jobs: int,
    executor: Executor | None,
) -> Price:
    """Bound the largest price in the way asked for; `Certificate` has the fields."""
    if method not in METHODS:
        raise InputError(f"method={method!r} is unknown; use one of {METHODS}.")
    if patterns is not None and method == "covering":
        raise InputError("patterns are given, but method='covering' uses none.")
    if method == "chambers" or patterns is not None:
        return price_chambers(data, v, patterns, deadline, executor)
    bound = cover_bound(data.arrangement.n_distinct, data.arrangement.rank)
    is_high = data.arrangement.rank > COVERED_RANK
    is_told = is_high or len(leaves) > 0
    if method == "relaxation" or (method == "auto" and is_told):
        return _relaxed(data, v, bound, leaves, deadline, executor)
    most = min(MOST_CHAMBERS, max_cones)
    cones = max_cones
    if method == "auto" and bound <= most:
        cones = min(max(bound, FEW_CONES), cones)
    covering = cover_sphere(
        data.X,
        v,
        X_error=data.X_error,
        hints=hints,
        rtol=rtol,
        max_cones=cones,
        deadline=deadline,
        n_jobs=n_jobs,
        executor=executor,
    )
    proof = f"{covering.n_cones:,} cones that cover all directions"
    if not covering.is_reached:
        proof += "; the bound is loose, as more of them would be needed"
    price = Price(covering.bound, None, covering.n_cones, bound, proof)
    if method == "covering" or covering.is_reached:
        return price
    others = [price, _relaxed(data, v, bound, leaves, deadline, executor)]
    if bound <= most:
        others.append(price_chambers(data, v, None, deadline, executor))
    return min(others, key=lambda found: found.largest)


def _relaxed(
    data: Data,
    v: Array,
    bound: int,
    leaves: Sequence[Hint],
    deadline: float,
    executor: Executor | None,
) -> Price:
    found = relax_sphere(
        data.X, v, data.X_error, hints=leaves, deadline=deadline, executor=executor
    )
    proof = "a quadratic form above the price in all directions, which may be loose"
    if found.n_leaves > 2:
        proof = (
            f"quadratic forms above the price on {found.n_leaves} leaves that cover "
            "all directions"
        )
    return Price(found.bound, None, None, bound, proof, tuple(leaves))
