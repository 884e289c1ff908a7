"""What ``convex-solver path`` tells: a table as it goes, and the choice at its end."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.io import names_text, print_report, seconds_text, table_words
from convex_solver.certificates import verdict
from convex_solver.cli.labels import classes_text
from convex_solver.cli.problem import Problem
from convex_solver.cli.quality import error_name
from convex_solver.cli.report import problem_text
from convex_solver.program import ConvexProgram
from convex_solver.solver import Choice, Solution, SolutionPath, choose_beta
from convex_solver.typing import Array

# The names of rules, as the command line has them.
RULE_NAMES = {"best": "best", "one-se": "one_se"}


def path_line(beta: float, solution: Solution, errors: Sequence[float]) -> str:
    """Return a line of the table: a beta, its network, its error."""
    line = (
        f"{beta:>11.5g}  {solution.objective:>13.8g}  {solution.gap:>7.1e}  "
        f"{solution.network.n_neurons:>7,}"
    )
    if not errors:
        return line
    choice = choose_beta(np.array([beta]), np.array([errors]))
    return f"{line}  {choice.means[0]:>11.6g}  {choice.errors[0]:>9.2g}"


def print_head(options: argparse.Namespace, problem: Problem, grid: Array) -> None:
    """Print what is solved, and the head of the table."""
    program, notes = problem.program, ", ".join(problem.table.notes)
    ones = " and a column of ones" if options.intercept else ""
    features, classes = names_text(program.feature_names), problem.classes
    what = problem_text(options.loss, 1.0, options.weights).partition(", beta")[0]
    few = f"{len(grid)} from {grid[0]:.6g} to {grid[-1]:.6g}"
    print_report(
        [
            ("file", options.file),
            *([("read as", notes)] if notes else []),
            ("predict", f"{options.target} from {features}{ones}"),
            *([("classes", classes_text(classes))] if classes else []),
            ("problem", what),
            ("rows", f"n = {program.n:,}"),
            ("rank", f"r = {program.rank} of {program.d} columns"),
            ("betas", few),
            *([("folds", _folds_text(options, program))] if options.cv else []),
        ]
    )
    head = f"{'beta':>11}  {'objective':>13}  {'gap':>7}  neurons"
    print(
        "\n" + (f"{head}  {'cv error':>11}  {'std error':>9}" if options.cv else head)
    )
    sys.stdout.flush()


def _folds_text(options: argparse.Namespace, program: ConvexProgram) -> str:
    kind = ", each class in each" if program.loss.is_classification else ""
    return (
        f"{options.cv}, rows shuffled{kind}; cv error: {error_name(program.loss)} of "
        "held-out rows"
    )


def print_end(
    options: argparse.Namespace,
    problem: Problem,
    found: SolutionPath,
    choice: Choice | None,
    seconds: float,
) -> None:
    """Print what is chosen, and what is proven of it."""
    lines: list[tuple[str, str]] = []
    if choice is not None:
        for name, index in (("least error", choice.best), ("one-se", choice.one_se)):
            lines.append((name, _choice_text(found, choice, index)))
        chosen = found[choice.index(RULE_NAMES[options.rule])]
        lines.append(("chosen", f"by --rule {options.rule}: {_chosen_text(chosen)}"))
    lines.append(("status", _status_text(found)))
    lines += [("hint", each) for each in _hints(found, choice)]
    output = "standard output" if options.output == "-" else options.output
    written = [name for name in (output, options.plot) if name is not None]
    if written:
        lines.append(("written", ", ".join(written)))
    lines += [("time", seconds_text(seconds)), *_next(options, found, choice)]
    print()
    print_report(lines)


def _choice_text(found: SolutionPath, choice: Choice, index: int) -> str:
    count = found[index].network.n_neurons
    return (
        f"beta = {choice.betas[index]:.6g}, cv error {choice.means[index]:.6g} "
        f"+- {choice.errors[index]:.2g}, {count:,} neuron{'s' if count != 1 else ''}"
    )


def _chosen_text(chosen: Solution) -> str:
    return (
        f"objective {chosen.objective:.10g}, lower bound {chosen.lower_bound:.10g}; "
        f"{verdict(chosen.gap, chosen.tol)}"
    )


def gaps_text(found: SolutionPath) -> str:
    """Say how many gaps are within the tolerance."""
    above = int(np.sum(found.gaps > found.tol))
    if above:
        return f"{above} of {len(found)} gaps above {found.tol:g}"
    return f"every gap within {found.tol:g}"


def _status_text(found: SolutionPath) -> str:
    text = gaps_text(found)
    if found.stopped:
        text += f"; {len(found.unsolved)} betas left: {found.stopped}"
    return text


def _hints(found: SolutionPath, choice: Choice | None) -> Iterable[str]:
    if choice is None or found.stopped or len(found) < 2:
        return
    if choice.best == len(found) - 1:
        yield (
            "the least error is at the smallest beta; go on with a smaller --eps or "
            "smaller --betas"
        )
    elif choice.best == 0 and found[0].network.n_neurons:
        yield "the least error is at the largest beta; try larger --betas"


def _next(
    options: argparse.Namespace, found: SolutionPath, choice: Choice | None
) -> list[tuple[str, str]]:
    """Return the command that goes on: it checks the model, or fits it."""
    if "-" in (options.file, options.output) or choice is None:
        return []
    if options.output is not None:
        words = ["certify", options.output, options.file, *table_words(options)]
        return [("next", shlex.join(["convex-solver", *words]))]
    beta = float(found.betas[choice.index(RULE_NAMES[options.rule])])
    words = ["fit", options.file, f"--target={options.target}", f"--beta={beta!r}"]
    for name in ("features", "one_hot"):
        chosen = getattr(options, name)
        if chosen is not None:
            words.append(f"--{name.replace('_', '-')}={_listed(chosen)}")
    if options.loss != "squared":
        words.append(f"--loss={options.loss}")
    if options.weights is not None:
        words.append(f"--weights={options.weights}")
    for name in ("standardize", "intercept"):
        if not getattr(options, name):
            words.append(f"--no-{name}")
    if options.floats != "binary":
        words.append(f"--floats={options.floats}")
    words += [*table_words(options), "-o", "model.json"]
    return [("next", shlex.join(["convex-solver", *words]))]


def _listed(names: Sequence[str]) -> str:
    """Write names as `column_list` reads them."""
    quoted = [name.replace('"', '""') for name in names]
    return ",".join(
        f'"{name}"' if any(mark in name for mark in ',"') else name for name in quoted
    )


def path_values(
    options: argparse.Namespace,
    problem: Problem,
    found: SolutionPath,
    choice: Choice | None,
    errors: list[list[float]],
) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    program = problem.program
    values: dict[str, Any] = {
        "file": options.file,
        "target": options.target,
        "features": list(program.feature_names),
        "loss": str(program.loss),
        "n": program.n,
        "tol": options.tol,
        "betas": found.betas.tolist(),
        "objectives": found.objectives.tolist(),
        "lower_bounds": found.lower_bounds.tolist(),
        "gaps": found.gaps.tolist(),
        "neurons": found.neurons.tolist(),
        "statuses": [one.status.value for one in found],
        "unsolved": list(found.unsolved),
        "stopped": found.stopped,
        "folds": options.cv,
        "rule": options.rule,
        "model": options.output,
        "plot": options.plot,
    }
    if choice is None:
        return values
    return values | {
        "error": error_name(program.loss),
        "errors": [_finite(row) for row in errors],
        "mean_errors": _finite(choice.means),
        "standard_errors": _finite(choice.errors),
        "least_error_beta": float(choice.betas[choice.best]),
        "one_se_beta": float(choice.betas[choice.one_se]),
        "beta": float(choice.betas[choice.index(RULE_NAMES[options.rule])]),
    }


def _finite(numbers: Iterable[float] | NDArray[Any]) -> list[float | None]:
    return [float(x) if np.isfinite(x) else None for x in numbers]
