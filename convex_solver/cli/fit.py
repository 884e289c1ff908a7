"""``convex-solver fit``: read a table, solve, certify, write a model."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import InputError
from arrangement.io import (
    Table,
    UsageError,
    add_table_options,
    check_new_file,
    check_output,
    check_time_limit,
    column_list,
    names_text,
    print_json,
    print_report,
    say_compiling,
    seconds_text,
    table_words,
    with_values,
    write_new,
)
from convex_solver._kernels.certify import cover
from convex_solver._kernels.solve import ascend_all
from convex_solver.certificates import SolutionStatus, model_content, save_model
from convex_solver.cli.labels import coded, find_classes
from convex_solver.cli.quality import quality
from convex_solver.cli.report import (
    bounds_lines,
    certified_values,
    problem_text,
    proven_text,
    show_stages,
)
from convex_solver.cli.tables import features_of, open_data, weights_of
from convex_solver.losses import LOSSES, get_loss
from convex_solver.plot import check_plot, render_fit
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, TOL, read_beta
from convex_solver.solver import METHODS, Solution, beta_max_interval, solve

EXIT_SHORT = 1
# the kernels that take longest to compile
_SOLVING = (ascend_all, cover)
# Cones, for each sign, that the report's beta_max may take; where it is known to this
# share it is one number.
_FEW_CONES = 10**4
_SAME = 1e-5


@dataclass(frozen=True)
class _Beta:
    """A weight decay as given: a number, or a multiple of beta_max."""

    value: float
    is_multiple: bool


def _beta(text: str) -> _Beta:
    number = text[:-1] if text.endswith("x") else text
    try:
        return _Beta(float(number), text.endswith("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number nor a multiple of beta_max such as 0.01x"
        ) from None


@dataclass(frozen=True, eq=False)
class _Problem:
    """What was read: the program, its table and classes, and where beta_max is."""

    program: ConvexProgram
    table: Table
    classes: tuple[str, str] | None
    largest_beta: tuple[float, float] | None


def add_fit(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fit``."""
    command.set_defaults(run=fit)
    command.add_argument(
        "file",
        metavar="FILE",
        help="CSV, npy or npz; - is standard input, the word penguins the data set "
        "that is included",
    )
    command.add_argument(
        "--target", required=True, metavar="COLUMN", help="what to predict"
    )
    command.add_argument(
        "--beta",
        required=True,
        type=_beta,
        metavar="B",
        help="weight decay, above 0: beta/2 times all squared weights; 0.01x is a "
        "hundredth of beta_max, from which on the zero network is optimal",
    )
    command.add_argument(
        "--features",
        type=column_list,
        metavar="A,B",
        help="columns to predict from (default: all but the target)",
    )
    command.add_argument(
        "--one-hot",
        type=column_list,
        metavar="A,B",
        help="features to take as categories: a column of 0 and 1 for each value",
    )
    command.add_argument(
        "--loss",
        default="squared",
        metavar="LOSS",
        help=f"{', '.join(LOSSES)}; with a parameter as in quantile:0.9; hinge, "
        "squared_hinge and logistic take a target of two classes, texts or numbers",
    )
    command.add_argument(
        "--weights", metavar="COLUMN", help="what each row's loss is multiplied with"
    )
    command.add_argument(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="centre and scale the features, exactly; centring needs the intercept",
    )
    command.add_argument(
        "--intercept",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="append a column of ones; its weights are penalised like all others",
    )
    _add_limits(command)
    _add_outputs(command)
    add_table_options(command)


def _add_outputs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--plot", metavar="PNG", help="draw one or two features (png, svg or pdf)"
    )
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="MODEL",
        help="model to write, new; - writes it to standard output, and the report to "
        "standard error",
    )


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="all chambers at once (full), a working set that is extended "
        "(column-generation), or what suits the size (default)",
    )
    command.add_argument(
        "--tol",
        type=float,
        default=TOL,
        metavar="T",
        help=f"relative gap at which the fit counts as optimal (default {TOL:g})",
    )
    command.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds for all of it, certificate included; then the best network so "
        "far is written with its gap",
    )
    command.add_argument(
        "--max-cones",
        type=int,
        default=MAX_CONES,
        metavar="N",
        help=f"budget of the certificate, for each sign (default {MAX_CONES:,})",
    )
    command.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="threads, -1 for one a processor; the model does not depend on it "
        "(default 1)",
    )


def fit(options: argparse.Namespace) -> int:
    """Fit, certify, draw and write; return the exit code."""
    begin = time.perf_counter()
    _check_limits(options)
    target = check_output(options.output, "models", (".json", "-"))
    problem, picture, kind = _read(options)
    solution = solve(
        problem.program,
        method=options.method,
        tol=options.tol,
        time_limit=options.time_limit,
        max_cones=options.max_cones,
        n_jobs=options.jobs,
        progress=show_stages(quiet=options.json),
    )
    # drawn before anything is written, so that a failure leaves nothing behind
    drawn = None if picture is None else _drawn(options, problem, solution, kind)
    _write(options, problem, solution, target)
    if picture is not None and drawn is not None:
        write_new(picture, drawn)
    values = _fit_values(options, problem, solution) | {
        "read_as": list(problem.table.notes),
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
    else:
        _print_fit(options, values, solution, problem)
    return 0 if solution.status is SolutionStatus.OPTIMAL else EXIT_SHORT


def _check_limits(options: argparse.Namespace) -> None:
    """Refuse limits out of range before the table is read."""
    if not 0.0 < options.tol < math.inf:
        raise UsageError(f"--tol is {options.tol:g}; expected a number above 0")
    check_time_limit(options)
    if options.max_cones < 1:
        raise UsageError(f"--max-cones is {options.max_cones}; expected at least 1")
    if options.jobs < 1 and options.jobs != -1:
        raise UsageError(f"--jobs is {options.jobs}; expected at least 1, or -1")
    if options.output == "-" and options.json:
        raise UsageError("-o - and --json both write to standard output; choose one")
    if not options.beta.is_multiple:
        read_beta(options.beta.value)
    elif not 0.0 < options.beta.value < math.inf:
        raise UsageError(f"--beta is {options.beta.value:g}x; expected above 0x")


def _read(options: argparse.Namespace) -> tuple[_Problem, Path | None, str]:
    """Return the program; and the path and kind of a picture, or None without one."""
    table = open_data(options, options.file)
    names = features_of(options, table)
    used = [*names, options.target]
    if options.weights is not None:
        used.append(options.weights)
    table = with_values(options, table, used)
    picture, kind = None, ""
    if options.plot is not None:
        picture = check_new_file(options.plot)
        kind = check_plot(picture, len(names))
    loss = get_loss(options.loss)
    classes = find_classes(table, options.target) if loss.is_classification else None
    program = ConvexProgram(
        table.numbers(names),
        _targets(options, table, classes),
        1.0 if options.beta.is_multiple else options.beta.value,
        loss=loss,
        sample_weight=weights_of(table, options.weights),
        standardize=options.standardize,
        intercept=options.intercept,
        floats=options.floats,
        feature_names=names,
    )
    say_compiling(_SOLVING, quiet=options.json)
    most = _largest_beta(options, program)
    if options.beta.is_multiple:
        if most is None or not most[0] > 0.0:
            raise UsageError(
                f"--beta is {options.beta.value:g}x, but beta_max of these data is "
                "zero or not known (the loss has a kink at zero); give a number"
            )
        program = program.with_beta(options.beta.value * most[0])
    return _Problem(program, table, classes, most), picture, kind


def _targets(
    options: argparse.Namespace, table: Table, classes: tuple[str, str] | None
) -> Any:
    if classes is not None:
        return coded(table, options.target, classes)
    try:
        return table.numbers([options.target])[:, 0]
    except InputError as error:
        if get_loss(options.loss).is_classification:
            raise
        raise InputError(f"{error} For classes say --loss logistic.") from None


def _largest_beta(
    options: argparse.Namespace, program: ConvexProgram
) -> tuple[float, float] | None:
    """Return between which numbers beta_max is; None where it is not defined."""
    cones = MAX_CONES if options.beta.is_multiple else _FEW_CONES
    limit = None if options.time_limit is None else 0.1 * options.time_limit
    try:
        return beta_max_interval(
            program, max_cones=min(cones, options.max_cones), time_limit=limit
        )
    except InputError:
        return None  # a kink at the zero prediction


def _write(
    options: argparse.Namespace,
    problem: _Problem,
    solution: Solution,
    target: Path | None,
) -> None:
    named: dict[str, Any] = {
        "target_name": options.target,
        "weight_name": options.weights,
        "floats": options.floats,
        "classes": problem.classes,
    }
    if target is not None:
        save_model(target, solution, **named)
        return
    content = model_content(solution, **named)
    print(json.dumps(content, indent=1, allow_nan=False))


def _drawn(
    options: argparse.Namespace, problem: _Problem, solution: Solution, kind: str
) -> bytes:
    program = problem.program
    return render_fit(
        solution.network,
        program.data.rows.values,
        program.y,
        kind=kind,
        target_name=options.target,
        title=_title(options, problem, solution),
        loss=program.loss,
        classes=problem.classes,
    )


def _title(options: argparse.Namespace, problem: _Problem, solution: Solution) -> str:
    is_optimal = solution.status is SolutionStatus.OPTIMAL
    what = "Certified global optimum" if is_optimal else "Short of the optimum"
    return (
        f"{what}: {options.loss} loss, beta = {problem.program.beta:g}, "
        f"relative gap {solution.gap:.1e}"
    )


def _fit_values(
    options: argparse.Namespace, problem: _Problem, solution: Solution
) -> dict[str, Any]:
    program, most = problem.program, problem.largest_beta
    data = program.data
    outputs = solution.network.evaluate(data.design)
    name, score = quality(program.loss, program.y, outputs, data.weights)
    return {
        "file": options.file,
        "target": options.target,
        "classes": None if problem.classes is None else list(problem.classes),
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
        "hint": solution.hint,
        "tol": solution.tol,
        "model": options.output,
        "plot": options.plot,
    }


def _print_fit(
    options: argparse.Namespace,
    values: dict[str, Any],
    solution: Solution,
    problem: _Problem,
) -> None:
    ones = " and a column of ones" if options.intercept else ""
    notes, classes = ", ".join(values["read_as"]), values["classes"]
    features = names_text(values["features"])
    output = "standard output" if options.output == "-" else options.output
    written = output if options.plot is None else f"{output}, {options.plot}"
    problem_line = problem_text(options.loss, values["beta"], options.weights)
    lines = [
        ("file", options.file),
        *([("read as", notes)] if notes else []),
        ("predict", f"{options.target} from {features}{ones}"),
        *([("classes", f"{classes[0]} = -1, {classes[1]} = +1")] if classes else []),
        ("problem", problem_line + _beta_max_text(problem)),
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


def _beta_max_text(problem: _Problem) -> str:
    """Say what beta_max is, as far as that is known."""
    if problem.largest_beta is None:
        return ""
    low, high = problem.largest_beta
    if high <= low * (1.0 + _SAME):
        share = f" ({problem.program.beta / high:.2g} of it)" if high > 0.0 else ""
        return f", beta_max = {high:.6g}{share}"
    return f", beta_max from {low:.4g} to {high:.4g}"


def _fit_text(values: dict[str, Any]) -> str:
    if values["score_value"] is None:
        return "the targets are all one number"
    return f"{values['score']} = {values['score_value']:.4g} on these rows"


def _status_text(values: dict[str, Any], solution: Solution) -> str:
    if solution.status is SolutionStatus.OPTIMAL:
        return f"{values['status']}: certified gap within {values['tol']:g}"
    return (
        f"{values['status']}: the certified gap is above {values['tol']:g} (ended by: "
        f"{solution.stopped}), {proven_text(solution.gap)}. Bounds and network hold as "
        "stated; try fewer features, or a larger --beta, --tol, --max-cones or "
        "--time-limit"
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
