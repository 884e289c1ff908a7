"""What Figures 7 to 9 have in common: a regression in many dimensions, against time.

The paper gives n, d, the neurons m and the batches of SGD.  It does not give weight
decay, split, scaling or steps; here they are:

- *Data.* Rows in lexicographic order, shuffled with seed 0; the first n train, the rest
  test.  Columns and targets have mean 0 and variance 1 on the training rows, and a
  column of ones is appended, so the rank is d + 1.  Test error is the mean square on
  the targets so scaled: 1 is what their mean gives.
- *beta* is a tenth of the largest useful one (the largest price that climbing finds).
- *SGD*: m neurons, momentum 0.9, five starts, each a run of its own for every time
  given, with as many steps as fit and a rate that falls to 0 along a cosine.  The first
  rate is the best of four on a short run of the first start; that run is not counted.
- *Adam, wide*: full gradients, 50 neurons, five starts side by side: more neurons than
  the paper's, as the convex program too takes as many as it likes.
- *Alg1*: the convex program over the patterns of m neurons at the start, the middle and
  the end of gradient descent, and of m clusters of the rows (and the opposite ones);
  *Alg3*: over those at its end; *Alg2*: over patterns sampled in the column space.
  Their seconds are those of the descent and of the program, at most twice the time that
  the others have.
- *solve*: `solve` for every time given, each a run of its own, and its certified
  lower bound.  The width of its network is not limited.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import instances
from bench.paper.common import (
    Options,
    Parts,
    Result,
    curves,
    warm_up,
)
from bench.paper.regression_cases import STARTS, WIDE, Case, Problem, read
from bench.paper.regression_report import draw, report
from bench.paper.timed import timed
from convex_solver import (
    Approximation,
    ConvexProgram,
    TwoLayerReLU,
    alg1,
    alg2,
    alg3,
    solve,
    train,
)

# First rates of SGD that are tried, times the number of rows.
RATES = (0.004, 0.012, 0.04, 0.12)
# Steps of the gradient descent whose patterns are taken.
DESCENT = 2000
# Relative gap to which programs over some patterns are solved.
ALG_TOL = 1e-4
# Shares of the largest useful beta that `solve` is also asked about.
SHARES = (0.5, 0.1, 0.02)


def run_case(case: Case, options: Options) -> Result:
    """Run all methods on one case, or on its small one."""
    case = case.small() if options.quick else case
    result = Result(case.name)
    parts = Parts(result, options)
    problem = read(case, options)
    warm_up()
    _warm(case)
    common = {"n": case.n, "beta": problem.beta, "quick": options.quick}
    common |= {"seconds": case.seconds, "neurons": case.neurons}
    done: dict[str, dict[str, Any]] = {}

    def part(name: str, work: Callable[[], dict[str, Any]], **more: Any) -> None:
        done[name] = parts.part(name, common | more, work)

    about_sgd = {"batch": case.batch, "rates": RATES}
    part("rate", lambda: _rate(case, problem), **about_sgd)
    rate = done["rate"]["rate"]
    for k in range(STARTS):
        part(
            f"sgd{k}", lambda k=k: _sgd(case, problem, k, rate), rate=rate, **about_sgd
        )
    part("adam", lambda: _adam(case, problem), wide=WIDE)
    for name in ("alg1", "alg2", "alg3"):
        more = {"descent": DESCENT, "directions": case.directions, "tol": ALG_TOL}
        part(name, lambda name=name: _alg(case, problem, name), **more)
    part("optimal", lambda: _optimal(case, problem))
    part("betas", lambda: _betas(case, problem), shares=SHARES)
    more = {"component_seconds": case.component_seconds}
    part("components", lambda: _components(case, problem), **more)
    report(case, problem, done, result)
    result.pictures += draw(case, done, result.raw, options)
    return result


def _warm(case: Case) -> None:
    """Compile what `solve` and the approximations use in many dimensions."""
    asked = instances.planted_network(24, 8, 1.0)
    program = ConvexProgram(asked["X"], asked["y"], 1.0)
    solve(program, time_limit=2.0)
    for method in ("sgd", "gd", "adam"):
        train(program, method=method, n_neurons=3, steps=5)
    alg2(program, n_directions=10, bound=None)


def _rate(case: Case, problem: Problem) -> dict[str, Any]:
    """Return the first rate of SGD that ends lowest on short runs of one start."""
    program = problem.program()
    found = {}
    for rate in RATES:
        (training,) = timed(
            program, [case.seconds / 8.0], **_sgd_options(case, rate), seed=0
        )
        if training is not None:
            found[rate] = training.objective
    return {"rate": min(found, key=lambda rate: found[rate]), "tried": found}


def _sgd_options(case: Case, rate: float) -> dict[str, Any]:
    return {
        "method": "sgd",
        "n_neurons": case.neurons,
        "batch_size": case.batch,
        "step_size": rate / case.n,
    }


def _sgd(case: Case, problem: Problem, seed: int, rate: float) -> dict[str, Any]:
    """One start of SGD, run anew for every time given."""
    program = problem.program()
    points, traces = [], []
    how = _sgd_options(case, rate)
    for training in timed(program, case.times(), **how, seed=seed):
        if training is None:
            continue
        points.append(_point(problem, training.network, training))
        traces = curves(training)
    return {"points": points, "trace": traces[0] if traces else None}


def _point(problem: Problem, network: TwoLayerReLU, found: Any) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "objective": found.objective,
        "error": problem.error(network),
        "neurons": network.n_neurons,
    }


def _adam(case: Case, problem: Problem) -> dict[str, Any]:
    """Wide networks, all starts side by side."""
    program = problem.program()
    points = []
    how = {"n_neurons": WIDE, "n_starts": STARTS, "seed": 1}
    for training in timed(program, case.times(), **how):
        if training is not None:
            points.append(_point(problem, training.network, training))
            points[-1]["worst"] = float(np.nanmax(training.objectives))
    return {"points": points}


def _alg(case: Case, problem: Problem, name: str) -> dict[str, Any]:
    """One of the programs over some patterns, with the descent that it needs."""
    program = problem.program()
    begin = time.perf_counter()
    limit = 2.0 * case.seconds
    options: dict[str, Any] = {"tol": ALG_TOL, "bound": None}
    descent = None
    if name != "alg2":
        descent = train(
            program,
            method="gd",
            n_neurons=case.neurons,
            steps=DESCENT,
            record=DESCENT // 2,
            time_limit=limit / 4.0,
        )
    options["time_limit"] = limit - (time.perf_counter() - begin)
    found: Approximation
    if name == "alg1":
        found = alg1(program, training=descent, n_clusters=case.neurons, **options)
    elif name == "alg2":
        found = alg2(program, n_directions=case.directions, **options)
    else:
        found = alg3(program, training=descent, **options)
    point = _point(problem, found.network, found)
    point |= {"seconds": time.perf_counter() - begin, "patterns": found.n_patterns}
    point["restricted gap"] = found.restricted_gap
    return {"points": [point], "descent": descent and descent.objective}


def _optimal(case: Case, problem: Problem) -> dict[str, Any]:
    """`solve`, run anew for every time given."""
    program = problem.program()
    points = []
    for seconds in case.times():
        solution = solve(program, time_limit=seconds)
        points.append(_point(problem, solution.network, solution))
        points[-1] |= {"bound": solution.lower_bound, "gap": solution.gap}
    return {"points": points}


def _betas(case: Case, problem: Problem) -> dict[str, Any]:
    """`solve` for other weight decays: what they do to the gap and on the test."""
    program = problem.program()
    rows = []
    for share in SHARES:
        beta = problem.beta * share / case.share
        solution = solve(program.with_beta(beta), time_limit=case.seconds)
        rows.append(_point(problem, solution.network, solution))
        rows[-1] |= {"share": share, "beta": beta}
        rows[-1] |= {"bound": solution.lower_bound, "gap": solution.gap}
    return {"points": rows}


def _components(case: Case, problem: Problem) -> dict[str, Any]:
    """The optimum on the leading principal components, with the same beta."""
    rows = []
    n_features = problem.X.shape[1] - 1
    for k, seconds in zip((2, 3), case.component_seconds, strict=True):
        if k > n_features:
            continue
        reduced = problem.components(k)
        solution = solve(reduced.program(), tol=1e-6, time_limit=seconds)
        rows.append(_point(reduced, solution.network, solution))
        features, kept = problem.X[:, :-1], reduced.X[:, :-1]
        rows[-1] |= {"k": k, "bound": solution.lower_bound, "gap": solution.gap}
        rows[-1] |= {"status": solution.status.value}
        rows[-1]["variance"] = float(np.sum(kept**2) / np.sum(features**2))
    return {"points": rows}
