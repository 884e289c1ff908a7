"""Local searches from several starts, each with its own curve, time and network.

`convex_solver.train` runs starts side by side and returns the best of them; the
pictures need every one, so each start here is a call of its own, seeded by its number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.paper.common import End, curves
from convex_solver import ConvexProgram, TwoLayerReLU, train


def search(program: ConvexProgram, seed: int, **how: Any) -> dict[str, Any]:
    """Return where one start ended, its network, and its curve; ``how`` as `train`."""
    found = train(program, n_starts=1, seed=seed, **how)
    return {
        "objective": found.objective,
        "seconds": found.seconds,
        "weights": found.network.weights,
        "alphas": found.network.alphas,
        "curve": curves(found)[0],
    }


def searches(program: ConvexProgram, n_starts: int, **how: Any) -> dict[str, Any]:
    """Return all starts, numbered by their seeds."""
    return {"starts": [search(program, seed, **how) for seed in range(n_starts)]}


def network_of(start: dict[str, Any]) -> TwoLayerReLU:
    """Return the network of a start that was kept as JSON."""
    width = len(start["weights"][0]) if start["weights"] else 1
    return TwoLayerReLU(np.reshape(start["weights"], (-1, width)), start["alphas"])


def end_of(
    problem: str,
    method: str,
    label: str,
    found: dict[str, Any],
    lower_bound: float | None,
    **more: Any,
) -> End:
    """Return the end of all starts: the best of them, and the time of all."""
    objectives = [start["objective"] for start in found["starts"]]
    return End(
        problem,
        method,
        f"{label}, {len(objectives)} starts",
        min(objectives),
        lower_bound,
        sum(start["seconds"] for start in found["starts"]),
        worst=max(objectives),
        **more,
    )


def n_stuck(found: dict[str, Any], optimum: float, factor: float = 1.1) -> int:
    """How many starts ended above the optimum by more than this factor."""
    return sum(start["objective"] > factor * optimum for start in found["starts"])
