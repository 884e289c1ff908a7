"""One method on one problem, in a process of its own: seconds, memory, objective.

``python bench/solve_worker.py METHOD`` reads a question from standard input and writes
the answer, both JSON.  Methods: ``solve`` (certified), ``rows`` and ``facets`` (the
full program in CVXPY, by Clarabel), ``sampled`` (patterns of random directions, the
restricted program solved to 1e-9), ``adam`` (of ten starts the best), ``pyscnn`` (needs
its own interpreter, which needs nothing of this project).  What is compiled or imported
late is warmed up on ten rows first and not timed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Question = dict[str, Any]
Answer = dict[str, Any]

ADAM_STARTS = 10
ADAM_NEURONS = 50
ADAM_STEPS = 5000


def program(question: Question) -> Any:
    """Return the program of a question."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from convex_solver import ConvexProgram

    names = ("loss", "standardize", "intercept", "floats")
    options = {name: question[name] for name in names if name in question}
    return ConvexProgram(question["X"], question["y"], question["beta"], **options)


def solve_here(question: Question) -> Answer:
    """This solver, with its certificate."""
    problem = program(question)
    from convex_solver import solve

    solution = solve(problem, tol=question.get("tol", 1e-6))
    return {
        "objective": solution.objective,
        "lower": solution.lower_bound,
        "gap": solution.gap,
        "neurons": solution.network.n_neurons,
        "rounds": len(solution.history),
        "blocks": solution.n_blocks,
        "cones": solution.certificate.n_cones,
        "history": [[r.seconds, r.upper, r.estimate] for r in solution.history],
        "method": solution.method,
    }


def cvxpy_model(cones: str) -> Callable[[Question], Answer]:
    """Return the full program as a CVXPY model, each cone by all rows or by facets."""

    def run(question: Question) -> Answer:
        problem = program(question)
        from convex_solver import to_cvxpy

        value = to_cvxpy(problem, cones=cones).solve(solver="CLARABEL")
        return {"objective": float(value)}

    return run


def sampled(question: Question) -> Answer:
    """Patterns of Gaussian directions, and the exact optimum over them."""
    problem = program(question)
    from convex_solver.interior_point import solve_restricted
    from convex_solver.recovery import network_from_blocks
    from convex_solver.working_set import WorkingSet

    X, basis = problem.reduced()
    blocks = WorkingSet(X)
    random = np.random.default_rng(0)
    drawn = random.standard_normal((question["samples"], X.shape[1]))
    blocks.add(np.vstack([drawn, drawn]), np.repeat([1.0, -1.0], len(drawn)))
    solution = solve_restricted(blocks, problem.data_term, problem.beta, 1e-9)
    weights = solution.weights @ basis.T
    network = network_from_blocks(problem, weights, blocks.signs)
    return {"objective": problem.network_objective(network), "blocks": len(blocks)}


def adam(question: Question) -> Answer:
    """Adam on objective (2) from random starts; the best objective it ever had."""
    problem = program(question)
    X, beta = problem.X, problem.beta
    best = float("inf")
    for seed in range(ADAM_STARTS):
        random = np.random.default_rng(seed)
        m = ADAM_NEURONS
        point = np.vstack([random.standard_normal((X.shape[1], m)), np.ones((1, m))])
        point[-1] = random.choice([-1.0, 1.0], m)
        point *= 0.5
        first, second = np.zeros_like(point), np.zeros_like(point)
        for step in range(1, ADAM_STEPS + 1):
            hidden = np.maximum(X @ point[:-1], 0.0)
            prediction = hidden @ point[-1]
            value = problem.data_term.value(prediction)
            value += 0.5 * beta * float(np.sum(point * point))
            best = min(best, value)
            slope = problem.data_term.gradient(prediction)
            gradient = beta * point
            gradient[-1] += hidden.T @ slope
            gradient[:-1] += X.T @ ((hidden > 0.0) * np.outer(slope, point[-1]))
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            rate = 0.02 * 0.5 * (1.0 + np.cos(np.pi * step / ADAM_STEPS))
            unbiased = np.sqrt(second / (1.0 - 0.999**step)) + 1e-12
            point -= rate * (first / (1.0 - 0.9**step)) / unbiased
    return {"objective": best}


def pyscnn(question: Question) -> Answer:
    """pyscnn with sampled gates: its cone-constrained program, squared loss."""
    import scnn.activations
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    X = np.array(question["X"], dtype=np.float32)
    y = np.array(question["y"], dtype=np.float32)[:, None]
    n = len(X)
    gates = scnn.activations.sample_gate_vectors(0, X.shape[1], question["samples"])
    model = ConvexReLU(gates, c=1, bias=False)
    # its loss is a mean of squares over 2 n, ours a sum over 2
    solver = AL(model, tol=1e-7, constraint_tol=1e-7)
    model, _ = optimize_model(
        model,
        solver,
        Metrics(),
        X,
        y,
        None,
        None,
        NeuronGL1(question["beta"] / n),
        unitize_data=False,
        device="cpu",
        dtype="float32",
    )[:2]
    first, second = (np.asarray(w, dtype=np.float64) for w in model.parameters)
    outputs = np.maximum(np.array(question["X"]) @ first.T, 0.0) @ second.ravel()
    residual = outputs - np.array(question["y"])
    # neurons balanced, which is free
    sizes = np.linalg.norm(first, axis=1) * np.abs(second.ravel())
    value = 0.5 * float(residual @ residual) + question["beta"] * float(sizes.sum())
    return {"objective": value, "version": version("pyscnn")}


METHODS: dict[str, Callable[[Question], Answer]] = {
    "solve": solve_here,
    "rows": cvxpy_model("rows"),
    "facets": cvxpy_model("facets"),
    "sampled": sampled,
    "adam": adam,
    "pyscnn": pyscnn,
}


def main() -> None:
    question = json.load(sys.stdin)
    run = METHODS[sys.argv[1]]
    if sys.argv[1] != "adam":
        small = dict(question, samples=10)
        small["X"], small["y"] = question["X"][:10], question["y"][:10]
        run(small)
        if sys.argv[1] == "solve":
            run(dict(question, X=question["X"][:40], y=question["y"][:40]))
    start = time.perf_counter()
    answer = run(question)
    answer["seconds"] = time.perf_counter() - start
    answer["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
