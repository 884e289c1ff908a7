"""Directions of clustered data: k-means on the rows."""

from __future__ import annotations

import math
import time

import numpy as np

from convex_solver.program import ConvexProgram
from convex_solver.typing import Array

KMEANS_ROUNDS = 100


def cluster_directions(
    program: ConvexProgram,
    n_clusters: int,
    *,
    seed: int = 0,
    deadline: float = math.inf,
) -> Array:
    """Return the centres of clusters of the rows less their mean, and the negatives.

    k-means by Lloyd's rounds from a k-means++ start, (2 k, d) for the k <= n_clusters
    centres that differ from the mean.  Past ``deadline`` (of `time.monotonic`) there
    are no more clusters, and no more rounds.
    """
    rows = program.X
    random = np.random.default_rng(seed)
    centres = np.zeros((0, program.d))
    nearest = np.full(len(rows), np.inf)
    while len(centres) < n_clusters and time.monotonic() < deadline:
        total = float(np.sum(nearest))
        if total == 0.0:  # every row is a centre
            break
        chance = nearest / total if math.isfinite(total) else None
        picked = rows[random.choice(len(rows), p=chance)]
        centres = np.vstack([centres, picked])
        nearest = np.minimum(nearest, np.sum((rows - picked) ** 2, axis=1))
    sizes = np.sum(rows**2, axis=1)
    owner = np.zeros(len(rows), dtype=np.int64)
    for turn in range(KMEANS_ROUNDS if len(centres) else 0):
        squares = sizes[:, None] - 2.0 * rows @ centres.T + np.sum(centres**2, axis=1)
        latest = np.argmin(squares, axis=1)
        if turn > 0 and np.array_equal(latest, owner):
            break
        if time.monotonic() >= deadline:
            break
        owner = latest
        counts = np.bincount(owner, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, owner, rows)
        # a cluster that lost its rows stays where it was
        centres = np.where(
            counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres
        )
    contrast = centres - rows.mean(axis=0)
    contrast = contrast[np.any(contrast != 0.0, axis=1)]
    return np.vstack([contrast, -contrast])
