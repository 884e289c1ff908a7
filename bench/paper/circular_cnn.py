"""Figure 5: two-layer circular CNNs, gradient descent against L1-Convex.

The network is ``f(x) = sum_j x^T Circ(u_j) w_j``, squared loss.  Sizes and weight decay
are not given by the paper; here: the first 195 of 500 airplanes and automobiles of
CIFAR-10 as grey signals of 32 x 32 numbers, pixels divided by 256 less 0.5, and beta a
tenth of the least at which the zero network is optimal.  200 images are for tests.

- *GD*: gradient descent on the weights of 5 filters from five Gaussian starts, with
  Armijo's condition (a step that fails is halved, one that meets it grows by 1.3).  One
  filter is enough for the optimum (`convex_solver.reduce_circular_cnn`).
- *L1-Convex*: `solve_circular_cnn`, the L1 program in the Fourier domain (A.6), with
  its certificate, which holds for every number of filters.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.paper import style
from bench.paper.common import (
    SHOWN,
    End,
    MissingDataError,
    Options,
    Parts,
    Result,
    accuracy,
    end_rows,
    thinned,
)
from convex_solver import (
    CircularCNN,
    CircularCNNProgram,
    MissingDataSetError,
    load_airplanes_automobiles,
    solve_circular_cnn,
)

Array = NDArray[np.float64]

PROBLEM = "circular_cnn"
STARTS, FILTERS = 5, 5
SHARE = 0.1
# Armijo's condition, and how a step grows and shrinks.
DESCENT, GROW, SHRINK = 1e-4, 1.3, 0.5


@dataclass(frozen=True)
class Problem:
    """Signals (n, d) and labels, for training and for tests."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array


def read(options: Options) -> Problem:
    """Return grey images as signals; in a quick run made ones."""
    if options.quick:
        random = np.random.default_rng(0)
        X = random.normal(size=(60, 16))
        y = np.where(X @ random.normal(size=16) > 0.0, 1.0, -1.0)
        return Problem(X[:30], y[:30], X[30:], y[30:])
    try:
        found = load_airplanes_automobiles(options.data)
    except MissingDataSetError as error:
        raise MissingDataError(str(error)) from error

    def signals(images: NDArray[np.uint8]) -> Array:
        grey = (images / 256.0 - 0.5).mean(axis=3)
        return np.asarray(grey.reshape(len(images), -1))

    return Problem(
        signals(found.X[:195]),
        found.y[:195].astype(float),
        signals(found.X_test),
        found.y_test.astype(float),
    )


class Descent:
    """Gradient descent on filters and outputs (2, m, d), step sizes by Armijo.

    In the Fourier domain, where a circular convolution is a product.
    """

    def __init__(self, program: CircularCNNProgram, seed: int) -> None:
        self.X, self.y, self.beta = program.X, program.y, program.beta
        random = np.random.default_rng(seed)
        d = self.X.shape[1]
        self.point = random.standard_normal((2, FILTERS, d)) / np.sqrt(d)
        self.value, self.gradient = self.slope(self.point)
        size = np.sum(self.point**2) / np.sum(self.gradient**2)
        self.size = 0.1 * float(np.sqrt(size))

    def slope(self, point: Array) -> tuple[float, Array]:
        """Return the objective and its gradient (2, m, d)."""
        d = point.shape[2]
        u, w = np.fft.rfft(point, axis=2)
        kernel = np.fft.irfft(np.sum(u * w, axis=0), d)
        residual = self.X @ kernel - self.y
        value = 0.5 * float(residual @ residual)
        value += 0.5 * self.beta * float(np.sum(point**2))
        outer = np.fft.rfft(self.X.T @ residual)
        back = np.fft.irfft(np.conj([w, u]) * outer, d, axis=2)
        return value, back + self.beta * point

    def step(self) -> None:
        """Try one step; keep it if it lowers the objective enough."""
        trial = self.point - self.size * self.gradient
        value, gradient = self.slope(trial)
        fall = DESCENT * self.size * float(np.sum(self.gradient**2))
        if value <= self.value - fall:
            self.point, self.value, self.gradient = trial, value, gradient
            self.size *= GROW
        else:
            self.size *= SHRINK

    def network(self) -> CircularCNN:
        return CircularCNN(*self.point)


def _descend(
    problem: Problem, beta: float, seed: int, seconds: float, bound: float
) -> dict[str, Any]:
    """Run one start; its curve has the excess over the bound with all its digits."""
    program = CircularCNNProgram(problem.X, problem.y, beta)
    begin = time.perf_counter()
    search = Descent(program, seed)
    trace = [(0.0, search.value)]
    while trace[-1][0] < seconds:
        for _ in range(10):
            search.step()
        trace.append((time.perf_counter() - begin, search.value))
    network = search.network()
    clock, values = zip(*trace[1:], strict=True)
    columns = thinned(clock, values, [value - bound for value in values])
    return _end_of(problem, network, program.network_objective(network)) | {
        "seconds": trace[-1][0],
        "curve": dict(zip(("seconds", "objective", "excess"), columns, strict=True)),
    }


def _end_of(problem: Problem, network: CircularCNN, objective: float) -> dict[str, Any]:
    return {
        "objective": objective,
        "train": accuracy(network.predict(problem.X), problem.y),
        "test": accuracy(network.predict(problem.X_test), problem.y_test),
    }


def _solve(problem: Problem, beta: float, limit: float) -> dict[str, Any]:
    program = CircularCNNProgram(problem.X, problem.y, beta)
    solution = solve_circular_cnn(program, time_limit=limit)
    found = _end_of(problem, solution.network, solution.objective)
    return found | {
        "seconds": solution.seconds,
        "bound": solution.lower_bound,
        "gap": solution.gap,
        "status": solution.status.value,
        "neurons": solution.network.n_neurons,
    }


def run(options: Options) -> Result:
    result = Result(PROBLEM)
    parts = Parts(result, options)
    problem = read(options)
    beta = SHARE * CircularCNNProgram(problem.X, problem.y, 1.0).beta_max()
    small = CircularCNNProgram(problem.X[:5, :8], problem.y[:5], 0.1)
    solve_circular_cnn(small)
    seconds, limit = (0.5, 10.0) if options.quick else (20.0, 120.0)
    common = {"shape": problem.X.shape, "beta": beta, "quick": options.quick}
    convex = parts.part(
        "convex", common | {"limit": limit}, lambda: _solve(problem, beta, limit)
    )
    bound = convex["bound"]
    starts = [
        parts.part(
            f"gd{k}",
            common | {"seconds": seconds, "filters": FILTERS, "bound": bound},
            lambda k=k: _descend(problem, beta, k, seconds, bound),
        )
        for k in range(STARTS)
    ]
    best = min(starts, key=lambda start: start["objective"])
    result.end(
        End(
            problem=PROBLEM,
            method="gd",
            label=f"GD, best of {STARTS}",
            objective=best["objective"],
            lower_bound=convex["bound"],
            seconds=sum(start["seconds"] for start in starts),
            train_accuracy=best["train"],
            test_accuracy=best["test"],
            worst=max(start["objective"] for start in starts),
        ),
        End(
            problem=PROBLEM,
            method="optimal",
            label=f"L1-Convex, {convex['status']}",
            objective=convex["objective"],
            lower_bound=convex["bound"],
            seconds=convex["seconds"],
            train_accuracy=convex["train"],
            test_accuracy=convex["test"],
        ),
    )
    n, d = problem.X.shape
    result.table(
        f"Circular CNN: n = {n}, d = {d}, beta {beta:.4g}, {FILTERS} filters for GD",
        end_rows(result.ends),
        formats=SHOWN,
        note=f"L1-Convex has {convex['neurons']} neurons, one for each pair of "
        "frequencies in use.",
    )
    result.raw = {"gd": [start["curve"] for start in starts], "convex": convex}
    result.pictures += _draw(starts, convex, options)
    return result


def _draw(
    starts: list[dict[str, Any]], convex: dict[str, Any], options: Options
) -> list[str]:
    """Draw the objective, and what it is above the certified bound, against time."""
    figure, axes = style.canvas(1, 2, size=(9.6, 4.2))
    look, ours, bound = (style.METHODS[name] for name in ("gd", "optimal", "bound"))
    rest = convex["objective"] - convex["bound"]
    panels = (
        (axes[0, 0], "objective", convex["objective"], "training objective"),
        (axes[0, 1], "excess", rest, "above the certified bound"),
    )
    for one, y, height, title in panels:
        for k, start in enumerate(starts):
            curve = start["curve"]
            label = f"GD, {STARTS} starts" if k == 0 else None
            one.plot(curve["seconds"], curve[y], **look.trace(label=label))
        label = "L1-Convex"
        if height > 0.0:
            how = ours.points(label=label, markersize=10)
            one.plot([convex["seconds"]], [height], **how)
        one.set_xscale("log")
        one.set_yscale("log")
        style.dress(one, title=title, x="seconds of one run", y=y)
    axes[0, 0].axhline(convex["bound"], **bound.curve(label=bound.label))
    style.log_ticks(*axes.flat)
    style.legend_below(figure, axes)
    return style.save(figure, options.output, PROBLEM)
