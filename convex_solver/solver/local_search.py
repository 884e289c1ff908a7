"""Local searches: what training finds, for `solve` to begin with in high rank.

Objective (2) itself, which is not convex, lowered by L-BFGS from random networks with
some dozens of neurons.  With 8 columns and more that takes a fraction of a second and
comes close to the optimum, where column generation, which meets only few of the many
chambers, takes minutes.  Nothing that is proven depends on it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from convex_solver.program import ConvexProgram
from convex_solver.reading import part_of_time
from convex_solver.typing import Array

# Neurons of a search, for each dimension and at least; iterations, and pairs that
# L-BFGS remembers.
NEURONS, LEAST_NEURONS = 3, 24
STEPS, MEMORY = 1500, 20
# An iteration that gains less than this share of the objective ends a search.
FINE = 1e-9
# Scales of a start that are tried, as powers of 2.
SCALES = range(-12, 13)


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended: its objective and the network's blocks.

    ``blocks`` (m, r) are ``|alpha_j| u_j``, ``signs`` (m,) those of the alphas.
    """

    objective: float
    blocks: Array
    signs: Array


def local_searches(
    program: ConvexProgram, X: Array, n_starts: int, deadline: float, seed: int = 0
) -> list[Found]:
    """Search from several random networks; return what was found, the best first.

    Parameters
    ----------
    program : ConvexProgram
    X : ndarray, shape (n K, r)
        Its rows in orthonormal coordinates of their span.
    n_starts : int
    deadline : float
        Of `time.monotonic`; the searches share the time until then.
    """
    task = _Task(program, X)
    found = []
    for k in range(n_starts):
        if time.monotonic() >= deadline:
            break
        # a first one that ends is worth more than several that do not
        end = part_of_time(deadline, 0.5 if k < n_starts - 1 else 1.0)
        found.append(task.search(np.random.default_rng([seed, k]), end))
    return sorted(found, key=lambda each: each.objective)


class _Task:
    """Objective (2) of networks of m neurons on rows (n K, r)."""

    def __init__(self, program: ConvexProgram, X: Array) -> None:
        self.program, self.X = program, X
        self.r = X.shape[1]
        self.m = min(max(NEURONS * self.r, LEAST_NEURONS), max(2 * program.n, 2))

    def split(self, point: Array) -> tuple[Array, Array]:
        """Return the weights (r, m) and the alphas (m,)."""
        cut = self.r * self.m
        return point[:cut].reshape(self.r, self.m), point[cut:]

    def slope(self, point: Array) -> tuple[float, Array]:
        """Objective and gradient."""
        program = self.program
        weights, alphas = self.split(point)
        active = self.X @ weights
        gates = active > 0.0
        active *= gates
        prediction = program.pool(active) @ alphas
        value = program.data_term.value(prediction)
        value += 0.5 * program.beta * float(point @ point)
        slopes = program.spread(program.data_term.gradient(prediction))
        passed = self.X.T @ (gates * slopes[:, None])
        outer = np.concatenate(
            [(passed * alphas).ravel(), np.sum(passed * weights, axis=0)]
        )
        return value, outer + program.beta * point

    def start(self, random: np.random.Generator) -> Array:
        """Return a random network of the best of many scales."""
        weights = random.standard_normal((self.r, self.m))
        signs = random.choice([-1.0, 1.0], self.m)
        point = np.concatenate(
            [weights.ravel(), signs * np.linalg.norm(weights, axis=0)]
        )
        size = float(np.abs(self.X).max(initial=0.0)) * self.m
        point /= math.sqrt(size) if size > 0.0 else 1.0
        scales = [2.0**k for k in SCALES]
        values = [self.slope(scale * point)[0] for scale in scales]
        return point * scales[int(np.nanargmin(np.nan_to_num(values, nan=np.inf)))]

    @np.errstate(all="ignore")  # steps too far along a line are taken back
    def search(self, random: np.random.Generator, deadline: float) -> Found:
        """Lower the objective from a random network until the deadline."""

        def look(_: Array) -> None:
            if time.monotonic() > deadline:
                raise StopIteration

        options: dict[str, float] = {
            "maxiter": STEPS,
            "maxfun": 2 * STEPS,
            "maxcor": MEMORY,
        }
        options |= {"ftol": FINE, "gtol": 0.0}
        start = self.start(random)
        ended = minimize(
            self.slope,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=look,
            options=options,
        )
        point = ended.x if math.isfinite(ended.fun) else start
        weights, alphas = self.split(point)
        blocks = (weights * np.abs(alphas)).T
        return Found(
            self.slope(point)[0], np.ascontiguousarray(blocks), np.sign(alphas)
        )
