"""The directions of the interior point method: scaling, right sides, Newton system."""

from __future__ import annotations

import numpy as np

from convex_solver._kernels.solve import Aims, Scaling, Step
from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.restricted.iterate import Iterate
from convex_solver.restricted.newton_system import (
    MixedSystem,
    NewtonSystem,
    OrthogonalSystem,
    SamplesSystem,
    WeightsSystem,
)
from convex_solver.typing import Array

# The system of the weights is better conditioned near the end (inactive blocks only
# scale its diagonal), so it is taken even when it is somewhat larger.
PREFER_WEIGHTS = 2.0
MAX_WEIGHTS = 6000
# A Newton system is solved once more unless its relative residual is at most this.
ACCURATE = 1e-11
# Refinements of a solution, and the share of a residual that one leaves where more
# follow: a careful system of 1,000 samples takes 20 times as long as another.
REFINEMENTS, SLOW = 6, 0.1
# A relative residual above this makes the next systems careful.
LOST = 1e-4
# Most samples of a system of raw columns that is solved by orthogonal factors: they
# take three times as long as a square and its root.
MAX_ORTHOGONAL = 300
# Largest system that is factorised with pivoting, which is slow.
MAX_CAREFUL = 4000


class Direction:
    """The last direction found at an iterate.

    Attributes
    ----------
    step : Step
        Of the blocks.
    dv : ndarray, shape (n,)
        Of the gradient of the loss.
    """

    def __init__(self, at: Iterate) -> None:
        self.at = at
        G, r = at.w.shape
        m = at.q.size
        self.scaling = Scaling(np.empty(G), np.empty((G, r + 1)), np.empty(G))
        self.factors = np.empty((G, r, r))
        self.aims = Aims(np.empty(G), np.empty((G, r)), np.zeros(m))
        blocks = (np.zeros(G), np.zeros((G, r)), 0.0, np.zeros((G, r)))
        self.step = Step(*blocks, np.zeros(m), np.zeros(m))
        self.dv = np.zeros_like(at.z)
        self.is_careful = False

    def take_care(self) -> bool:
        """Make the next systems careful; False if they are, or would be too slow."""
        if self.is_careful or self.at.z.size > MAX_CAREFUL:
            return False
        self.is_careful = True
        return True

    def scale(self) -> float:
        """Set the Nesterov-Todd scaling; return the complementarity."""
        at = self.at
        total = kernels.scale_blocks(at.point, self.scaling)
        others = float(at.q @ at.lam) + at.term.complementarity(0.0)
        return float(total) + others

    def factorise(self) -> None:
        """Eliminate all but one system, and factorise that; `scale` comes before."""
        at = self.at
        blocks = at.blocks
        kernels.factor_blocks(blocks.facets, at.point, self.scaling, self.factors)
        if blocks.is_raw and at.z.size <= MAX_ORTHOGONAL:
            kind: type[NewtonSystem] = OrthogonalSystem
        elif self.is_careful:
            kind = MixedSystem
        elif blocks.AT.shape[0] <= min(PREFER_WEIGHTS * at.z.size, MAX_WEIGHTS):
            kind = WeightsSystem
        else:
            kind = SamplesSystem
        self.system = kind(blocks, self.factors, at.term.curvature(), at.active)

    def aim(self, mu: float, correct: bool) -> None:
        """Solve for the step to the centre ``mu``.

        With ``correct`` the products of the last step, a predictor, are corrected for.
        """
        at, blocks = self.at, self.at.blocks
        facets, point, scaling, aims = blocks.facets, at.point, self.scaling, self.aims
        step = self.step._replace(ds0=at.beta - at.s0)
        kernels.centring(point, scaling, step, mu, correct, aims)
        aims.h[:] = ((mu - step.dq * step.dlam) if correct else mu) / at.q - at.lam
        rho = at.term.shift(mu, correct)
        b = np.empty_like(at.w)
        kernels.right_sides(facets, scaling, aims, at.residual, b)
        dw, self.dv = self._refined(b, rho)
        self.step = step._replace(dw=dw)
        kernels.complete_steps(facets, point, scaling, aims, self.step)
        at.term.complete(blocks.predict(dw), self.dv)

    def hold(self, mu: float, s0: float) -> None:
        """Solve for the step of the blocks to the centre ``mu`` where v stays as it is.

        Their ``s0`` goes to the given one.
        """
        at = self.at
        facets, point, scaling, aims = (
            at.blocks.facets,
            at.point,
            self.scaling,
            self.aims,
        )
        kernels.scale_blocks(point, scaling)
        kernels.factor_blocks(facets, point, scaling, self.factors)
        step = self.step._replace(ds0=s0 - at.s0)
        kernels.centring(point, scaling, step, mu, False, aims)
        aims.h[:] = mu / at.q - at.lam
        b, dw = np.empty_like(at.w), np.empty_like(at.w)
        kernels.right_sides(facets, scaling, aims, at.residual, b)
        half = np.empty((b.size, 1))
        kernels.forward_blocks(self.factors, b.reshape(-1, 1), half)
        kernels.backward_blocks(self.factors, half.reshape(b.shape), dw)
        self.step = step._replace(dw=dw)
        kernels.complete_steps(facets, point, scaling, aims, self.step)

    def _refined(self, b: Array, rho: Array) -> tuple[Array, Array]:
        """Solve, refine at need, go over to the careful system if that is lost."""
        while True:
            dw, dv = self.system.solve(b, rho)
            r1, r2 = self.system.miss(b, rho, dw, dv)
            missed = _relative(r1, b, r2, dv)
            for _ in range(REFINEMENTS):
                if missed <= ACCURATE:
                    break
                more_w, more_v = self.system.solve(r1, r2)
                new_w, new_v = dw + more_w, dv + more_v
                r1, r2 = self.system.miss(b, rho, new_w, new_v)
                before, missed = missed, _relative(r1, b, r2, new_v)
                if not missed < before:
                    missed = before
                    break
                dw, dv = new_w, new_v
                if missed <= LOST and missed > SLOW * before:
                    break
            if not (missed > LOST and self.take_care()):
                return dw, dv
            self.factorise()


def _relative(r1: Array, b: Array, r2: Array, dv: Array) -> float:
    """Return the larger relative residual of the two equations."""
    first = float(np.linalg.norm(r1)) / (float(np.linalg.norm(b)) + 1e-300)
    second = float(np.linalg.norm(r2)) / (float(np.linalg.norm(dv)) + 1e-300)
    return max(first, second)
