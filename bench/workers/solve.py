"""One method on one problem, in a process of its own: seconds, memory, objective.

``python bench/workers/solve.py METHOD`` reads a question from standard input and writes
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
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
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
        "history": [[r.seconds, r.upper, r.lower] for r in solution.history],
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
    from convex_solver import approximate

    found = approximate(problem, n_directions=question["samples"], tol=1e-9, bound=None)
    return {"objective": found.objective, "blocks": found.n_patterns}


def adam(question: Question) -> Answer:
    """Adam on objective (2) from random starts; the best objective of all."""
    problem = program(question)
    from convex_solver import train

    found = train(
        problem,
        method="adam",
        n_neurons=ADAM_NEURONS,
        n_starts=ADAM_STARTS,
        steps=question.get("steps", ADAM_STEPS),
    )
    return {"objective": float(found.objective)}


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


def peak_bytes() -> int:
    """As in the harness, which an interpreter with pyscnn need not be able to import.

    Linux hands the largest size of a parent on to its children in ``ru_maxrss``.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    question = json.load(sys.stdin)
    run = METHODS[sys.argv[1]]
    few = {"X": question["X"][:10], "y": question["y"][:10]}
    run(dict(question, **few, samples=10, steps=2))
    if sys.argv[1] == "solve":
        run(dict(question, X=question["X"][:40], y=question["y"][:40]))
    start = time.perf_counter()
    answer = run(question)
    answer["seconds"] = time.perf_counter() - start
    answer["memory"] = peak_bytes()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
