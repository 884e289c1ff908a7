"""``convex-solver fit``: read a table, solve, certify, write a model."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arrangement.io import (
    UsageError,
    add_table_options,
    check_output,
    held_interrupts,
    names_text,
    print_json,
    print_report,
    seconds_text,
    table_words,
    write_new,
)
from convex_solver.certificates import SolutionStatus, heading, verdict
from convex_solver.cli.fit_page import PICTURE_SIZE, fit_page
from convex_solver.cli.labels import classes_text
from convex_solver.cli.problem import (
    Beta,
    Problem,
    add_limits,
    add_problem,
    check_limits,
    largest_beta,
    picture_file,
    read_problem,
    used_table,
    write_model,
)
from convex_solver.cli.quality import quality
from convex_solver.cli.report import (
    beta_max_text,
    bounds_lines,
    certified_values,
    problem_text,
    show_stages,
)
from convex_solver.plot import check_plot, render_fit
from convex_solver.program import ConvexProgram
from convex_solver.solver import METHODS, Solution, solve

EXIT_SHORT = 1


@dataclass(frozen=True, eq=False)
class _Fit:
    """A problem with its weight decay, where beta_max is, and the solution."""

    problem: Problem
    program: ConvexProgram
    largest_beta: tuple[float, float] | None
    solution: Solution


def add_fit(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fit``."""
    command.set_defaults(run=fit)
    add_problem(command)
    command.add_argument(
        "--beta",
        required=True,
        type=Beta.of,
        metavar="B",
        help="weight decay, above 0: beta/2 times all squared weights; 0.01x is a "
        "hundredth of beta_max, from which on the zero network is optimal",
    )
    command.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="all chambers at once (full), a working set that is extended "
        "(column-generation), or what suits the size (default)",
    )
    add_limits(command)
    command.add_argument(
        "--plot", metavar="PNG", help="draw one or two features (png, svg or pdf)"
    )
    command.add_argument(
        "--report",
        metavar="HTML",
        help="write a page about the fit that opens in any browser",
    )
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="MODEL",
        help="model to write, new; - writes it to standard output, and the report to "
        "standard error",
    )
    add_table_options(command)


def fit(options: argparse.Namespace) -> int:
    """Fit, certify, draw and write; return the exit code."""
    begin = time.perf_counter()
    check_limits(options)
    options.beta.check("--beta")
    target = check_output(options.output, "models", (".json", "-"))
    page, picture = _report_file(options), picture_file(options)
    table, names = used_table(options)
    kind = "" if picture is None else check_plot(picture, len(names))
    problem = read_problem(options, table, names)
    found = _solved(options, problem)
    with held_interrupts():
        values = _fit_values(options, found) | {
            "read_as": list(table.notes),
            "seconds": time.perf_counter() - begin,
        }
    # drawn before anything is written, so that a failure leaves nothing behind
    drawn = written = None
    try:
        drawn = None if picture is None else _drawn(options, found, kind)
        written = None if page is None else _page(options, values, found)
    except KeyboardInterrupt:
        # the model is what took the time
        print("convex-solver: interrupted: the model alone is written", file=sys.stderr)
        options.plot = options.report = values["plot"] = values["report"] = None
        drawn = written = None
    with held_interrupts():
        write_model(options, found.solution, problem.classes, target)
        if picture is not None and drawn is not None:
            write_new(picture, drawn)
        if page is not None and written is not None:
            write_new(page, written)
        if options.json:
            print_json(values)
        else:
            _print_fit(options, values, found)
    is_optimal = found.solution.status is SolutionStatus.OPTIMAL
    return 0 if is_optimal else EXIT_SHORT


def _report_file(options: argparse.Namespace) -> Path | None:
    """Return the path of the page; it is none of the other files."""
    if options.report is None:
        return None
    page = check_output(options.report, "reports", (".html",), option="--report")
    if options.report in (options.output, options.plot):
        raise UsageError(
            f"--report and another file are both {options.report}; give each a name."
        )
    return page


def _solved(options: argparse.Namespace, problem: Problem) -> _Fit:
    is_needed = options.beta.is_multiple
    most = largest_beta(options, problem.program, is_needed=is_needed)
    program = problem.program.with_beta(options.beta.number("--beta", most))
    solution = solve(
        program,
        method=options.method,
        tol=options.tol,
        time_limit=options.time_limit,
        max_cones=options.max_cones,
        n_jobs=options.jobs,
        progress=show_stages(quiet=options.json),
    )
    return _Fit(problem, program, most, solution)


def _drawn(options: argparse.Namespace, found: _Fit, kind: str, **look: Any) -> bytes:
    program = found.program
    return render_fit(
        found.solution.network,
        program.data.rows.values,
        program.y,
        kind=kind,
        target_name=options.target,
        loss=program.loss,
        classes=found.problem.classes,
        **{"title": _title(options, found), **look},
    )


def _page(options: argparse.Namespace, values: dict[str, Any], found: _Fit) -> bytes:
    """Return the page of ``--report``, its picture drawn for a narrow screen."""
    picture = None
    if len(found.program.feature_names) in (1, 2):
        picture = _drawn(options, found, "png", title="", size=PICTURE_SIZE)
    return fit_page(
        values,
        found.solution,
        found.program,
        picture=picture,
        beta_max=beta_max_text(found.program.beta, found.largest_beta),
        command=dict(_next(options)).get("next"),
    )


def _title(options: argparse.Namespace, found: _Fit) -> str:
    solution = found.solution
    return (
        f"{heading(solution.gap, solution.tol)}: {options.loss} loss, "
        f"beta = {found.program.beta:g}, relative gap {solution.gap:.1e}"
    )


def _fit_values(options: argparse.Namespace, found: _Fit) -> dict[str, Any]:
    program, most, solution = found.program, found.largest_beta, found.solution
    classes = found.problem.classes
    data = program.data
    outputs = solution.network.evaluate(data.design)
    name, score = quality(program.loss, program.y, outputs, data.weights)
    return {
        "file": options.file,
        "target": options.target,
        "classes": None if classes is None else list(classes),
        "features": list(program.feature_names),
        "intercept": options.intercept,
        "standardize": options.standardize,
        "weights": options.weights,
        "loss": str(program.loss),
        "beta": program.beta,
        "beta_max": None if most is None else [x if x < np.inf else None for x in most],
        "n": program.n,
        "d": program.d,
        "rank": program.rank,
        **certified_values(solution.certificate),
        "objective": solution.objective,
        "gap": solution.gap,
        "score": name,
        "score_value": score,
        "neurons": solution.network.n_neurons,
        "method": solution.method,
        "rounds": len(solution.history),
        "blocks": solution.n_blocks,
        "stopped": solution.stopped,
        "status": solution.status.value,
        "shown": verdict(solution.gap, solution.tol),
        "hint": solution.hint,
        "tol": solution.tol,
        "model": options.output,
        "plot": options.plot,
        "report": options.report,
    }


def _print_fit(
    options: argparse.Namespace, values: dict[str, Any], found: _Fit
) -> None:
    solution = found.solution
    ones = " and a column of ones" if options.intercept else ""
    notes, classes = ", ".join(values["read_as"]), values["classes"]
    features = names_text(values["features"])
    output = "standard output" if options.output == "-" else options.output
    others = [name for name in (options.plot, options.report) if name is not None]
    written = ", ".join([output, *others])
    beta_max = beta_max_text(values["beta"], found.largest_beta)
    problem_line = problem_text(options.loss, values["beta"], options.weights)
    lines = [
        ("file", options.file),
        *([("read as", notes)] if notes else []),
        ("predict", f"{options.target} from {features}{ones}"),
        *([("classes", classes_text(classes))] if classes else []),
        ("problem", problem_line + beta_max),
        ("rows", f"n = {values['n']:,}"),
        ("rank", f"r = {values['rank']} of {values['d']} columns"),
        ("method", _method(solution)),
        *bounds_lines(values),
        ("neurons", f"{values['neurons']:,}"),
        ("fit", _fit_text(values)),
        ("status", _status_text(values, solution)),
        *([("hint", solution.hint)] if solution.hint else []),
        ("written", written),
        ("time", seconds_text(values["seconds"])),
        *_next(options),
    ]
    print_report(lines, file=sys.stderr if options.output == "-" else None)


def _fit_text(values: dict[str, Any]) -> str:
    if values["score_value"] is None:
        return "the targets are all one number"
    return f"{values['score']} = {values['score_value']:.4g} on these rows"


def _status_text(values: dict[str, Any], solution: Solution) -> str:
    text = verdict(solution.gap, solution.tol)
    if solution.status is SolutionStatus.OPTIMAL:
        return text
    return (
        f"{values['status']}: {text}. The gap is above {values['tol']:g} (ended by: "
        f"{solution.stopped}). Bounds and network hold as stated; try fewer features, "
        "or a larger --beta, --tol, --max-cones or --time-limit"
    )


def _method(solution: Solution) -> str:
    rounds = len(solution.history)
    return (
        f"{solution.method} ({solution.reason}): {rounds} rounds, "
        f"{solution.n_blocks:,} blocks at the end"
    )


def _next(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the command that reads the same data once more, if they can be."""
    if "-" in (options.output, options.file):
        return []
    words = [options.output, options.file, *table_words(options)]
    return [("next", shlex.join(["convex-solver", "certify", *words]))]
