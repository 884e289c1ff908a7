"""Minimum-norm interpolation: time to a certificate, included in it.

Each network is checked from its weights: it meets the targets, has at most n neurons,
and its norm is within the gap of the certified lower bound.  The slowest of three.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench import instances
from bench.harness import Options, Report, Row, demand
from convex_solver import Interpolation, interpolate

# rows, rank, goal in seconds
SHAPES = ((20, 3, 1.0), (40, 3, 3.0), (80, 3, 10.0), (30, 4, 5.0))
TOL = 1e-6
SECONDS = "seconds to a certified interpolation"


def check_network(found: Interpolation, X: Any, y: Any) -> None:
    """Stop unless the network and the certificate hold."""
    network = found.network
    lengths = np.linalg.norm(network.weights, axis=1) * np.abs(network.alphas)
    hidden = np.maximum(X @ network.weights.T, 0.0)
    missed = np.abs(hidden @ network.alphas - y).max() / np.abs(y).max()
    demand(
        found.status.value == "optimal"
        and found.gap <= TOL
        and missed <= 1e-9
        and network.n_neurons <= len(y)
        and 0.0 <= lengths.sum() - found.lower_bound <= TOL * lengths.sum(),
        f"{X.shape}: gap {found.gap:.1e}, misses {missed:.1e}.",
    )


def timed(n: int, r: int, goal: float, report: Report) -> Row:
    """Interpolate three instances and report the slowest."""
    seconds, found = [], []
    for seed in range(3):
        X, y = instances.interpolation(n, r, seed)
        start = time.perf_counter()
        found.append(interpolate(X, y, tol=TOL))
        seconds.append(time.perf_counter() - start)
        check_network(found[-1], X, y)
    name = f"({n}, {r})"
    return {
        "rows, rank": name,
        "seconds": max(seconds),
        "goal": goal,
        "met": report.goal(SECONDS, name, max(seconds), goal),
        "gap": max(one.gap for one in found),
        "rounds": max(one.rounds for one in found),
        "neurons": max(one.network.n_neurons for one in found),
    }


def run(options: Options, report: Report) -> None:
    interpolate(*instances.interpolation(5, 3, 0))
    interpolate(*instances.interpolation(8, 4, 0))
    shapes = SHAPES[:2] if options.quick else SHAPES
    rows = [timed(*shape, report) for shape in shapes]
    report.table("Certified interpolation", rows, formats={"gap": ".0e"})
