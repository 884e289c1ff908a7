"""``convex-solver path``: the optima of many weight decays, and which one to take."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np

from arrangement.io import (
    UsageError,
    add_table_options,
    check_output,
    column_list,
    held_interrupts,
    print_json,
    write_new,
)
from convex_solver.certificates import SolutionStatus
from convex_solver.cli.folds import fold_numbers
from convex_solver.cli.path_report import (
    RULE_NAMES,
    gaps_text,
    path_line,
    path_values,
    print_end,
    print_head,
)
from convex_solver.cli.problem import (
    Beta,
    Problem,
    add_limits,
    add_problem,
    check_limits,
    largest_beta,
    picture_file,
    program_of,
    read_problem,
    used_table,
    write_model,
)
from convex_solver.cli.quality import error_name, mean_error
from convex_solver.plot import check_format, render_path
from convex_solver.program import ConvexProgram
from convex_solver.reading import Limits, deadline_after
from convex_solver.solver import (
    EPS,
    N_BETAS,
    Choice,
    Solution,
    SolutionPath,
    Walks,
    beta_grid,
    choose_beta,
)
from convex_solver.typing import Array

EXIT_SHORT = 1
N_FOLDS = 5
# Share of the time that the search for the largest beta may take.
_GRID_SHARE = 0.1


def add_path(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``path``."""
    command.set_defaults(run=path)
    add_problem(command)
    command.add_argument(
        "--cv",
        type=int,
        default=N_FOLDS,
        metavar="K",
        help=f"folds of the cross-validation that chooses beta (default {N_FOLDS}); 0 "
        "for the path alone",
    )
    command.add_argument(
        "--rule",
        choices=RULE_NAMES,
        default="best",
        help="take the beta with the least mean error (default), or the largest that "
        "is within one standard error of it",
    )
    command.add_argument(
        "--betas",
        type=column_list,
        metavar="B,B",
        help="weight decays to try, numbers or multiples of beta_max such as 0.01x "
        "(default: a grid from beta_max down)",
    )
    command.add_argument(
        "--n-betas",
        type=int,
        default=N_BETAS,
        metavar="N",
        help=f"betas of the grid (default {N_BETAS})",
    )
    command.add_argument(
        "--eps",
        type=float,
        default=EPS,
        metavar="E",
        help=f"smallest beta of the grid, as a share of the largest (default {EPS:g})",
    )
    command.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="shuffles the rows into folds (default 0)",
    )
    add_limits(command)
    command.add_argument(
        "--plot",
        metavar="PNG",
        help="draw error, objective and neurons against beta (png, svg or pdf)",
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="MODEL",
        help="model of the chosen beta, new; - writes it to standard output, and what "
        "is told to standard error",
    )
    add_table_options(command)


@dataclass(frozen=True, eq=False)
class _Fold:
    """A program of some rows, and the rows that are held out of it."""

    program: ConvexProgram
    X: Array
    y: Array
    weights: Array | None

    def error(self, solution: Solution) -> float:
        """Return the mean error on the rows held out."""
        network, loss = solution.network, self.program.loss
        with np.errstate(all="ignore"):  # what overflows is an infinite error
            outputs = network.evaluate(network.design(self.X))
        return mean_error(loss, self.y, outputs, self.weights)


@dataclass(eq=False)
class _Run:
    """What was solved so far: a row for each beta, complete with its errors."""

    solutions: list[Solution] = field(default_factory=list)
    errors: list[list[float]] = field(default_factory=list)
    stopped: str = ""


def path(options: argparse.Namespace) -> int:
    """Solve, print a line for each beta, choose, draw and write."""
    printed = sys.stdout
    with redirect_stdout(sys.stderr if options.output == "-" else printed):
        return _path(options, printed)


def _path(options: argparse.Namespace, printed: TextIO) -> int:
    """Do so; a model without a file is printed."""
    begin = time.perf_counter()
    betas = _check(options)
    deadline = deadline_after(options.time_limit)
    target = None
    if options.output is not None:
        target = check_output(options.output, "models", (".json", "-"))
    picture = picture_file(options)
    kind = "" if picture is None else check_format(picture)
    table, names = used_table(options)
    problem = read_problem(options, table, names)
    grid = _grid(options, problem.program, betas)
    folds = _folds(options, names, problem)
    if not options.json:
        print_head(options, problem, grid)
    limits = Limits(options.tol, None, None, options.max_cones, options.jobs)
    programs = [problem.program, *(fold.program for fold in folds)]
    run = _walk(options, Walks(programs, grid.tolist(), limits, deadline), folds, grid)
    m = len(run.solutions)
    found = SolutionPath(
        tuple(run.solutions),
        grid[:m],
        tuple(grid[m:].tolist()),
        run.stopped,
        limits.tol,
    )
    choice = choose_beta(found.betas, np.array(run.errors)) if folds else None
    drawn = None
    try:
        if picture is not None:
            drawn = _drawn(options, problem, found, choice, kind)
    except KeyboardInterrupt:
        # the models are what took the time
        print("convex-solver: interrupted: no picture is drawn", file=sys.stderr)
    chosen = None if choice is None else found[choice.index(RULE_NAMES[options.rule])]
    with held_interrupts():
        if options.output is not None and chosen is not None:
            write_model(options, chosen, problem.classes, target, file=printed)
        if picture is not None and drawn is not None:
            write_new(picture, drawn)
    seconds = time.perf_counter() - begin
    if options.json:
        print_json(
            path_values(options, problem, found, choice, run.errors)
            | {"seconds": seconds}
        )
    else:
        print_end(options, problem, found, choice, seconds)
    shown = found.solutions if chosen is None else (chosen,)
    is_good = all(one.status is SolutionStatus.OPTIMAL for one in shown)
    return 0 if is_good and not run.stopped else EXIT_SHORT


def _check(options: argparse.Namespace) -> list[Beta]:
    """Refuse options out of range before the table is read; return the betas given."""
    check_limits(options)
    if options.cv != 0 and options.cv < 2:
        raise UsageError(f"--cv is {options.cv}; expected at least 2 folds, or 0.")
    if options.cv == 0 and options.output is not None:
        raise UsageError(
            "-o needs a choice, and with --cv 0 none is made; leave --cv out, or fit "
            "with the --beta that you choose."
        )
    if options.seed < 0:
        raise UsageError(f"--seed is {options.seed}; expected at least 0.")
    if options.n_betas < 1:
        raise UsageError(f"--n-betas is {options.n_betas}; expected at least 1.")
    if not 0.0 < options.eps < 1.0:
        raise UsageError(f"--eps is {options.eps:g}; expected between 0 and 1.")
    if options.betas is None:
        return []
    try:
        betas = [Beta.of(word) for word in options.betas]
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--betas: {error}.") from None
    for beta in betas:
        beta.check("--betas")
    return betas


def _grid(
    options: argparse.Namespace, program: ConvexProgram, betas: list[Beta]
) -> Array:
    """Return the betas to try, falling."""
    if not betas:
        limit = options.time_limit
        return beta_grid(
            program,
            n_betas=options.n_betas,
            eps=options.eps,
            time_limit=None if limit is None else _GRID_SHARE * limit,
        )
    most = None
    if any(beta.is_multiple for beta in betas):
        most = largest_beta(options, program, is_needed=True)
    numbers = {beta.number("--betas", most) for beta in betas}
    return np.array(sorted(numbers, reverse=True), dtype=np.float64)


def _folds(
    options: argparse.Namespace, names: list[str], problem: Problem
) -> list[_Fold]:
    """Return the folds; what is scaled is scaled by the rows of training alone."""
    if options.cv == 0:
        return []
    data = problem.program.data
    classes = data.y if problem.program.loss.is_classification else None
    numbers = fold_numbers(len(data.y), options.cv, options.seed, classes)
    y, X = np.asarray(problem.y), data.rows.values
    folds: list[_Fold] = []
    for k in range(options.cv):
        held = numbers == k
        weights, left = problem.weights, None
        if weights is not None and data.weights is not None:
            weights, left = weights[~held], data.weights[held]
        own = program_of(options, names, problem.X[~held], y[~held], weights)
        folds.append(_Fold(own, X[held], data.y[held], left))
    return folds


def _walk(
    options: argparse.Namespace, walks: Walks, folds: list[_Fold], grid: Array
) -> _Run:
    """Go along the path, a line for each beta as it is done."""
    run = _Run()
    try:
        for together in walks:
            errors = [
                fold.error(one) for fold, one in zip(folds, together[1:], strict=True)
            ]
            run.errors.append(errors)
            run.solutions.append(together[0])
            if not options.json:
                beta = float(grid[len(run.solutions) - 1])
                print(path_line(beta, together[0], errors), flush=True)
        run.stopped = walks.stopped
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    if not run.solutions:
        raise KeyboardInterrupt  # before there was a result
    del run.errors[len(run.solutions) :]
    return run


def _drawn(
    options: argparse.Namespace,
    problem: Problem,
    found: SolutionPath,
    choice: Choice | None,
    kind: str,
) -> bytes:
    folds = f", {options.cv} folds" if options.cv else ""
    return render_path(
        found,
        kind=kind,
        choice=choice,
        rule=RULE_NAMES[options.rule],
        error_name=error_name(problem.program.loss),
        title=f"{options.target}: {problem.program.loss} loss{folds}, "
        f"{len(found)} betas, {gaps_text(found)}",
    )
