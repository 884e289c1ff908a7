"""What the facets of a leaf say of its moments: inequalities, and their derivatives.

For facets ``F.(1, u) >= 0`` and moments ``[[tau, m^T], [m, M]]``, times F: ``(t0, t)``,

    t0 - |t| >= 0       as ``(F.(1, u)) (1 - e.u) >= 0`` for every ``|e| <= 1``,
    F'.(t0, t) >= 0     as the product of two facets is not negative.

With one facet, and with two parallel ones, they and semidefiniteness describe the
moments of the leaf completely (Sturm and Zhang 2003; Burer and Anstreicher 2013).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convex_solver.leaves.cone import joined, pull_back, symmetric
from convex_solver.leaves.leaf import Leaf
from convex_solver.leaves.packing import Packing
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False)
class FacetValues:
    """``values`` (k,) of all inequalities; ``size`` and ``policy``, of the norms."""

    values: Array
    size: Array
    policy: Array


class Facets:
    """The inequalities of some leaves: of every facet, then of every pair.

    Attributes
    ----------
    leaf : ndarray of int, shape (k,)
        Whose they are.
    """

    def __init__(self, leaves: Sequence[Leaf], packing: Packing) -> None:
        self.packing = packing
        each = [leaf.facets for leaf in leaves]
        self.single = np.vstack(each) if each else np.zeros((0, packing.r + 1))
        self.owner = np.repeat(np.arange(len(each)), [len(part) for part in each])
        pairs = [
            (k, first, second)
            for k, part in enumerate(each)
            for first, second in itertools.combinations(part, 2)
        ]
        both = np.array([(a, b) for _, a, b in pairs]).reshape(-1, 2, packing.r + 1)
        self.products = products(both[:, 0], both[:, 1])
        self.leaf = np.concatenate([self.owner, [k for k, _, _ in pairs]]).astype(int)
        self.pair_owner = self.leaf[len(self.owner) :]
        self._pair_gradients = pull_back(self.products, packing)
        # of the vectors t: from m the identity, from M a map for each entry
        eye = np.eye(packing.r)
        inner = packing.outer(eye[None], self.single[:, None, 1:])
        outer = self.single[:, 0, None, None] * eye
        self._jacobians = np.concatenate([outer, inner], axis=2)

    def at(self, m: Array, M: Array, softness: float) -> FacetValues:
        """Return the values at moments (B, r) and (B, r, r)."""
        whole = joined(m, M)
        image = np.einsum("kij,kj->ki", whole[self.owner], self.single)
        size = np.hypot(np.linalg.norm(image[:, 1:], axis=1), softness)
        pairs = np.einsum("kij,kij->k", whole[self.pair_owner], self.products)
        values = np.concatenate([image[:, 0] - size, pairs])
        return FacetValues(values, size, image[:, 1:] / size[:, None])

    def forms(self, policy: Array) -> Array:
        """Return the matrices (k, r + 1, r + 1) of which moments make the values."""
        ends = np.hstack([np.ones((len(policy), 1)), -policy])
        return np.concatenate([products(self.single, ends), self.products])

    def gradients(self, at: FacetValues) -> Array:
        """Return the gradients in ``(m, packed M)``, (k, D)."""
        single = pull_back(self.forms(at.policy)[: len(self.single)], self.packing)
        return np.concatenate([single, self._pair_gradients])

    def add_curvature(
        self, hessian: Array, at: FacetValues, gradients: Array, y: Array
    ) -> None:
        """Add y times the curvature, and ``y / value`` times squares (B, D, D)."""
        bent = y[: at.size.size] / at.size
        J = self._jacobians
        along = np.einsum("ki,kij->kj", at.policy, J)
        weights = y / at.values
        for k in range(len(hessian)):
            mine = self.owner == k
            if not np.any(mine):
                continue
            stacked = (np.sqrt(bent[mine])[:, None, None] * J[mine]).reshape(
                -1, J.shape[2]
            )
            hessian[k] += stacked.T @ stacked
            across = np.sqrt(bent[mine])[:, None] * along[mine]
            hessian[k] -= across.T @ across
            own = self.leaf == k
            scaled = np.sqrt(weights[own])[:, None] * gradients[own]
            hessian[k] += scaled.T @ scaled

    def pull(self, gradients: Array, weights: Array, count: int) -> Array:
        """Add up gradients with weights, for each of ``count`` leaves (count, D)."""
        total = np.zeros((count, gradients.shape[1]))
        np.add.at(total, self.leaf, weights[:, None] * gradients)
        return total


def products(a: Array, b: Array) -> Array:
    """Return the symmetric parts of ``a b^T`` for vectors (k, r + 1)."""
    return symmetric(a[:, :, None] * b[:, None, :])
