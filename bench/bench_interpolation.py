"""Minimum-norm interpolation: time to a certificate, and what local searches reach.

``python bench/bench_interpolation.py [--starts N] [--instances N]``.  Each network is
checked from its weights: it meets the targets, has at most n neurons, and its norm is
within the gap of the certified lower bound.  Then Adam is run on networks from random
starts, with the cheapest sizes of the directions it ends with: none may be below the
lower bound, and on half of the instances the best must be within 1% of the optimum.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import report

report.add_paths()

from convex_solver.interpolation import Interpolation, interpolate  # noqa: E402

from reference.interpolation import local_searches  # noqa: E402

# rows, rank, goal in seconds
SHAPES = ((20, 3, 1.0), (40, 3, 3.0), (80, 3, 10.0), (30, 4, 5.0))
SEARCHED = ((4, 2), (6, 2), (5, 3), (6, 3), (8, 3))
TOL = 1e-6
NEAR = 0.01


def instance(n: int, r: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian rows with a column of ones, Gaussian targets."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, r - 1)), np.ones(n)])
    return X, rng.standard_normal(n)


def check(found: Interpolation, X: np.ndarray, y: np.ndarray) -> None:
    """Stop unless the network and the certificate hold."""
    network = found.network
    lengths = np.linalg.norm(network.weights, axis=1) * np.abs(network.alphas)
    hidden = np.maximum(X @ network.weights.T, 0.0)
    missed = np.abs(hidden @ network.alphas - y).max() / np.abs(y).max()
    is_right = (
        found.status.value == "optimal"
        and found.gap <= TOL
        and missed <= 1e-9
        and network.n_neurons <= len(y)
        and 0.0 <= lengths.sum() - found.lower_bound <= TOL * lengths.sum()
    )
    if not is_right:
        raise SystemExit(f"{X.shape}: gap {found.gap:.1e}, misses {missed:.1e}.")


def timed(n: int, r: int, goal: float) -> list[str]:
    """Interpolate three instances and report the slowest."""
    seconds, gaps, rounds, neurons = [], [], [], []
    for seed in range(3):
        X, y = instance(n, r, seed)
        start = time.perf_counter()
        found = interpolate(X, y, tol=TOL)
        seconds.append(time.perf_counter() - start)
        check(found, X, y)
        gaps.append(found.gap)
        rounds.append(found.rounds)
        neurons.append(found.network.n_neurons)
    return [
        f"({n}, {r})",
        f"{goal:g}",
        report.seconds_text(max(seconds)),
        report.verdict(max(seconds) <= goal),
        f"{max(gaps):.0e}",
        str(max(rounds)),
        str(max(neurons)),
    ]


def searched(k: int, n_starts: int) -> tuple[list[str], float]:
    """Compare one instance with local searches; the best one's relative excess."""
    n, r = SEARCHED[k % len(SEARCHED)]
    X, y = instance(n, r, 100 + k)
    found = interpolate(X, y, tol=1e-9)
    check(found, X, y)
    start = time.perf_counter()
    # in parts, which bounds the memory
    parts = [min(200, n_starts - done) for done in range(0, n_starts, 200)]
    norms = np.concatenate(
        [
            local_searches(X, y, n_starts=m, n_neurons=2 * n, steps=1500, seed=i)
            for i, m in enumerate(parts)
        ]
    )
    seconds = time.perf_counter() - start
    if norms.min() < found.lower_bound * (1.0 - 1e-10):
        raise SystemExit(f"{X.shape}, {k}: {norms.min()} is below the lower bound.")
    excess = float(norms.min() / found.norm - 1.0)
    name = f"({n}, {r}), {k}"
    middle = float(np.median(norms) / found.norm - 1.0)
    cells = [
        f"{found.norm:.6g}",
        f"{found.gap:.0e}",
        f"{excess:+.1e}",
        f"{middle:+.1e}",
    ]
    return [name, *cells, report.seconds_text(seconds)], excess


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=1000, help="of each search")
    parser.add_argument("--instances", type=int, default=20, help="to search")
    options = parser.parse_args()
    report.print_setting()
    interpolate(*instance(5, 3, 0))  # compilation
    header = (
        "rows, rank",
        "goal, s",
        "slowest of 3, s",
        "",
        "gap",
        "rounds",
        "neurons",
    )
    report.print_table(header, [timed(*shape) for shape in SHAPES])
    lines, excesses = [], []
    for k in range(options.instances):
        cells, excess = searched(k, options.starts)
        lines.append(cells)
        excesses.append(excess)
    print(f"\n{options.starts:,} starts of Adam for each instance\n")
    header = ("instance", "optimum", "gap", "best start", "median start", "searches, s")
    report.print_table(header, lines)
    near = sum(excess <= NEAR for excess in excesses)
    is_good = 2 * near >= len(excesses)
    print(
        f"\nwithin {NEAR:.0%} on {near} of {len(excesses)} instances, below the lower "
        f"bound on none: {report.verdict(is_good)}"
    )


if __name__ == "__main__":
    main()
