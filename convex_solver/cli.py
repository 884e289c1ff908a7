"""The command line ``convex-solver``: fit, certify, prove, predict."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from arrangement import ArrangementError, Progress
from arrangement.io import (
    Parser,
    Table,
    UsageError,
    add_table_options,
    against_bound,
    check_new_file,
    check_output,
    check_time_limit,
    column_list,
    names_text,
    print_json,
    print_report,
    read_table,
    run,
    say_compiling,
    seconds_text,
    table_options,
    table_words,
    write_new,
)
from arrangement.options import Listener
from convex_solver._kernels.certify import cover
from convex_solver._kernels.solve import ascend_all
from convex_solver.certificates import (
    Certificate,
    Model,
    SolutionStatus,
    certify_model,
    load_model,
    save_model,
)
from convex_solver.datasets import penguins_csv
from convex_solver.errors import CertificateError, ConvexSolverError
from convex_solver.losses import LOSSES, get_loss
from convex_solver.plotting import check_plot, render_fit
from convex_solver.program import ConvexProgram
from convex_solver.proof_command import add_prove
from convex_solver.reading import MAX_CONES, TOL
from convex_solver.solver import Solution, solve

EXIT_SHORT = 1
# the kernels that take longest to compile
_CERTIFYING = (cover,)
_SOLVING = (ascend_all, cover)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``convex-solver``."""
    parser = Parser(
        prog="convex-solver",
        description="The certified global optimum of a two-layer ReLU network.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_fit(commands.add_parser("fit", help="fit, certify and write a model"))
    check = commands.add_parser(
        "certify", help="recompute a model's certificate from the data alone"
    )
    check.set_defaults(run=_certify)
    guess = commands.add_parser("predict", help="print the prediction for each row")
    guess.set_defaults(run=_predict)
    add_prove(
        commands.add_parser("prove", help="write a proof that anyone can check"), _table
    )
    for command in (check, guess):
        command.add_argument("model", metavar="MODEL", help="file that fit wrote")
        command.add_argument("file", metavar="DATA", help="CSV, npy or npz")
        add_table_options(command, floats=False)
    return parser


def _add_fit(fit: argparse.ArgumentParser) -> None:
    fit.set_defaults(run=_fit)
    fit.add_argument(
        "file",
        metavar="FILE",
        help="CSV, npy or npz; the word penguins is the data set that is included",
    )
    fit.add_argument(
        "--target", required=True, metavar="COLUMN", help="what to predict"
    )
    fit.add_argument(
        "--beta",
        required=True,
        type=float,
        metavar="B",
        help="weight decay, above 0: beta/2 times all squared weights",
    )
    fit.add_argument(
        "--features",
        type=column_list,
        metavar="A,B",
        help="columns to predict from (default: all but the target)",
    )
    fit.add_argument(
        "--loss",
        default="squared",
        metavar="LOSS",
        help=f"{', '.join(LOSSES)}; with a parameter as in quantile:0.9; hinge, "
        "squared_hinge and logistic need a target of -1 and +1",
    )
    fit.add_argument(
        "--weights", metavar="COLUMN", help="what each row's loss is multiplied with"
    )
    fit.add_argument(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="centre and scale the features, exactly; centring needs the intercept",
    )
    fit.add_argument(
        "--intercept",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="append a column of ones; its weights are penalised like all others",
    )
    _add_limits(fit)
    fit.add_argument(
        "--plot", metavar="PNG", help="draw one or two features (png, svg or pdf)"
    )
    fit.add_argument(
        "-o", "--output", required=True, metavar="MODEL", help="model to write, new"
    )
    add_table_options(fit)


def _add_limits(fit: argparse.ArgumentParser) -> None:
    fit.add_argument(
        "--tol",
        type=float,
        default=TOL,
        metavar="T",
        help=f"relative gap at which the fit counts as optimal (default {TOL:g})",
    )
    fit.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds for all of it, certificate included; then the best network so "
        "far is written with its gap",
    )
    fit.add_argument(
        "--max-cones",
        type=int,
        default=MAX_CONES,
        metavar="N",
        help=f"budget of the certificate, for each sign (default {MAX_CONES:,})",
    )
    fit.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="threads, -1 for one a processor; the model does not depend on it "
        "(default 1)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``convex-solver`` and return its exit code.

    0: done, and optimal or certified; 1: the fit fell short of the tolerance, or the
    certificate does not hold; 2: an error, and nothing was written.
    """
    expected = (ConvexSolverError, ArrangementError)
    return run("convex-solver", build_parser(), argv, expected)


def _table(options: argparse.Namespace) -> Table:
    path = penguins_csv() if options.file == "penguins" else Path(options.file)
    return read_table(path, **table_options(options))


def _fit(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    _check_limits(options)
    target = check_output(options.output, "models", (".json",))
    table = _table(options)
    names = _features(options, table)
    picture, kind = _picture(options, len(names))
    program = ConvexProgram(
        table.numbers(names),
        table.numbers([options.target])[:, 0],
        options.beta,
        loss=options.loss,
        sample_weight=_weights(table, options.weights),
        standardize=options.standardize,
        intercept=options.intercept,
        floats=options.floats,
        feature_names=names,
    )
    say_compiling(_SOLVING, quiet=options.json)
    solution = solve(
        program,
        tol=options.tol,
        time_limit=options.time_limit,
        max_cones=options.max_cones,
        n_jobs=options.jobs,
        progress=_stages(quiet=options.json),
    )
    # drawn before anything is written, so that a failure leaves nothing behind
    drawn = None if picture is None else _drawn(options, program, solution, kind)
    save_model(
        target,
        solution,
        target_name=options.target,
        weight_name=options.weights,
        floats=options.floats,
    )
    if picture is not None and drawn is not None:
        write_new(picture, drawn)
    values = _fit_values(options, program, solution) | {
        "read_as": list(table.notes),
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
    else:
        _print_fit(options, values, solution)
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


def _features(options: argparse.Namespace, table: Table) -> list[str]:
    """Return the columns to predict from; target and weights are none of them."""
    for name in (options.target, options.weights):
        if name is not None:
            table.require(name)
    names: list[str] | None = options.features
    if names is None:
        names = list(table.features(besides=(options.target, options.weights)))
    if options.target in names:
        raise UsageError(f"--target {options.target!r} is among --features")
    if options.weights is not None and options.weights in [*names, options.target]:
        raise UsageError(
            f"--weights {options.weights!r} is the target or among --features"
        )
    return names


def _picture(options: argparse.Namespace, n_features: int) -> tuple[Path | None, str]:
    """Return the picture's path and kind, or None and an empty text without one."""
    if options.plot is None:
        return None, ""
    picture = check_new_file(options.plot)
    kind = check_plot(picture, n_features)
    return picture, kind


def _drawn(
    options: argparse.Namespace, program: ConvexProgram, solution: Solution, kind: str
) -> bytes:
    return render_fit(
        solution.network,
        program.data.rows.values,
        program.y,
        kind=kind,
        target_name=options.target,
        title=_title(options, solution),
        loss=program.loss,
    )


def _title(options: argparse.Namespace, solution: Solution) -> str:
    is_optimal = solution.status is SolutionStatus.OPTIMAL
    what = "Certified global optimum" if is_optimal else "Short of the optimum"
    return (
        f"{what}: {options.loss} loss, beta = {options.beta:g}, "
        f"relative gap {solution.gap:.1e}"
    )


def _stages(*, quiet: bool) -> Listener | None:
    """Show what is being done, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None
    return lambda line: print(f"... {line}", file=sys.stderr)


def _fit_values(
    options: argparse.Namespace, program: ConvexProgram, solution: Solution
) -> dict[str, Any]:
    return {
        "file": options.file,
        "target": options.target,
        "features": list(program.feature_names),
        "intercept": options.intercept,
        "standardize": options.standardize,
        "weights": options.weights,
        "loss": str(program.loss),
        "beta": program.beta,
        "n": program.n,
        "d": program.d,
        "rank": program.rank,
        **_certified(solution.certificate),
        "objective": solution.objective,
        "gap": solution.gap,
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


def _certified(certificate: Certificate) -> dict[str, Any]:
    return {
        "patterns": certificate.n_patterns,
        "bound": certificate.cover_bound,
        "cones": certificate.n_cones,
        "proof": certificate.proof,
        "upper_bound": certificate.upper_bound,
        "lower_bound": certificate.lower_bound,
        "gap": certificate.gap,
    }


def _print_fit(
    options: argparse.Namespace, values: dict[str, Any], solution: Solution
) -> None:
    status = f"{values['status']}: certified gap within {values['tol']:g}"
    if solution.status is not SolutionStatus.OPTIMAL:
        status = (
            f"{values['status']}: the certified gap is above {values['tol']:g} "
            f"(ended by: {solution.stopped}). Bounds and network hold as stated; try "
            "fewer features, or a larger --beta, --tol, --max-cones or --time-limit"
        )
    ones = " and a column of ones" if options.intercept else ""
    notes = ", ".join(values["read_as"])
    features = names_text(values["features"])
    written = (
        options.output
        if options.plot is None
        else (f"{options.output}, {options.plot}")
    )
    print_report(
        [
            ("file", options.file),
            *([("read as", notes)] if notes else []),
            ("predict", f"{options.target} from {features}{ones}"),
            ("problem", _problem(options.loss, values["beta"], options.weights)),
            ("rows", f"n = {values['n']:,}"),
            ("rank", f"r = {values['rank']} of {values['d']} columns"),
            ("method", _method(solution)),
            *_bounds_lines(values),
            ("neurons", f"{values['neurons']:,}"),
            ("status", status),
            *([("hint", solution.hint)] if solution.hint else []),
            ("written", written),
            ("time", seconds_text(values["seconds"])),
            ("next", shlex.join(["convex-solver", "certify", *_again(options)])),
        ]
    )


def _problem(loss: str, beta: float, weights: str | None) -> str:
    weighted = "" if weights is None else f" weighted by {weights}"
    return f"{loss} loss{weighted}, beta = {beta:g}"


def _method(solution: Solution) -> str:
    rounds = len(solution.history)
    return (
        f"{solution.method} ({solution.reason}): {rounds} rounds, "
        f"{solution.n_blocks:,} blocks at the end"
    )


def _again(options: argparse.Namespace) -> list[str]:
    """Return the arguments that read the same data once more."""
    return [options.output, options.file, *table_words(options)]


def _bounds_lines(values: dict[str, Any]) -> list[tuple[str, str]]:
    patterns = f"not listed; at most {values['bound']:,}"
    if values["patterns"] is not None:
        patterns = against_bound(values["patterns"], values["bound"])
    lines = [("patterns", patterns), ("proven", f"yes: {values['proof']}")]
    if "objective" in values:
        lines.append(("objective", f"{values['objective']:.12g}"))
    else:
        lines.append(("upper bound", f"{values['upper_bound']:.12g}"))
    return [
        *lines,
        ("lower bound", f"{values['lower_bound']:.12g}"),
        ("gap", f"{values['gap']:.2e} relative"),
    ]


def _weights(table: Table, name: str | None) -> NDArray[Any] | None:
    return None if name is None else table.numbers([name])[:, 0]


def _read_for(model: Model, table: Table) -> NDArray[Any]:
    return table.numbers(model.network.feature_names)


def _certify(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    try:
        model = load_model(options.model)
        table = _table(options)
        X = _read_for(model, table)
        y = table.numbers([model.target_name])[:, 0]
        say_compiling(_CERTIFYING, quiet=options.json)
        stages = _stages(quiet=options.json)
        if stages is not None:
            stages(Progress("certifying"))
        found = certify_model(
            model, X, y, sample_weight=_weights(table, model.weight_name)
        )
    except CertificateError as error:
        reason = " ".join(str(error).split())
        print(f"convex-solver: not certified: {reason}", file=sys.stderr)
        if options.json:
            print_json({"certified": False, "reason": reason})
        return EXIT_SHORT
    values = {
        "certified": True,
        "model": options.model,
        "file": options.file,
        "target": model.target_name,
        "loss": found.loss,
        "beta": found.beta,
        "n": len(y),
        "neurons": model.network.n_neurons,
        **_certified(found),
        "claimed_upper_bound": model.claim.upper_bound,
        "claimed_lower_bound": model.claim.lower_bound,
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
        return 0
    print_report(
        [
            ("model", options.model),
            ("file", options.file),
            ("problem", _problem(found.loss, found.beta, model.weight_name)),
            ("rows", f"n = {len(y):,}"),
            ("neurons", f"{values['neurons']:,}"),
            *_bounds_lines(values),
            ("certified", "yes: recomputed from the data, as the model claims"),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def _predict(options: argparse.Namespace) -> int:
    model = load_model(options.model)
    X = _read_for(model, _table(options))
    loss = get_loss(model.claim.loss)
    prediction = loss.mean(model.network.predict(X)).tolist()
    if options.json:
        print_json({"target": model.target_name, "prediction": prediction})
        return 0
    print(model.target_name)
    for value in prediction:
        print(repr(value))
    return 0
