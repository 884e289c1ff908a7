"""What ``fit`` and ``path`` share: the arguments of a problem, and how it is read."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from arrangement import InputError
from arrangement.io import (
    Table,
    UsageError,
    add_jobs,
    check_jobs,
    check_output,
    check_stdout,
    check_time_limit,
    column_list,
    say_compiling,
    with_values,
)
from convex_solver._kernels.certify import cover
from convex_solver._kernels.solve import ascend_all
from convex_solver.certificates import model_content, save_model
from convex_solver.cli.labels import coded, find_classes
from convex_solver.cli.tables import features_of, open_data, weights_of
from convex_solver.losses import LOSSES, get_loss
from convex_solver.plot import FORMATS
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, TOL, read_beta
from convex_solver.solver import Solution, beta_max_interval

# the kernels that take longest to compile
_SOLVING = (ascend_all, cover)
# Cones, for each sign, that a report's beta_max may take.
_FEW_CONES = 10**4


@dataclass(frozen=True)
class Beta:
    """A weight decay as given: a number, or a multiple of beta_max."""

    value: float
    is_multiple: bool

    @classmethod
    def of(cls, text: str) -> Beta:
        """Read ``0.1``, or ``0.01x`` for a multiple; as argparse asks."""
        number = text[:-1] if text.endswith("x") else text
        try:
            return cls(float(number), text.endswith("x"))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is neither a number nor a multiple of beta_max such as 0.01x"
            ) from None

    def check(self, option: str) -> None:
        """Refuse what is not above 0, before a table is read."""
        if not self.is_multiple:
            read_beta(self.value)
        elif not 0.0 < self.value < math.inf:
            raise UsageError(f"{option} is {self.value:g}x; expected above 0x.")

    def number(self, option: str, most: tuple[float, float] | None) -> float:
        """Return it as a number; ``most`` is between which numbers beta_max is."""
        if not self.is_multiple:
            return self.value
        if most is None or not most[0] > 0.0:
            raise UsageError(
                f"{option} is {self.value:g}x, but beta_max of these data is "
                "zero or not known (the loss has a kink at zero); give a number."
            )
        return self.value * most[0]


@dataclass(frozen=True, eq=False)
class Problem:
    """What was read: a program of beta 1, its table, its numbers as given, its classes.

    ``X`` (n, d) and ``y`` (n,) are numbers or their texts, ``weights`` (n,) or None.
    """

    program: ConvexProgram
    table: Table
    classes: tuple[str, str] | None
    X: Any
    y: Any
    weights: Any


def add_problem(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is fitted; those of beta are the caller's."""
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


def add_limits(command: argparse.ArgumentParser) -> None:
    """Add the arguments that end a run."""
    command.add_argument(
        "--tol",
        type=float,
        default=TOL,
        metavar="T",
        help=f"relative gap at which a network counts as optimal (default {TOL:g})",
    )
    command.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds for all of it, certificates included; then the best network so "
        "far is written with its gap",
    )
    command.add_argument(
        "--max-cones",
        type=int,
        default=MAX_CONES,
        metavar="N",
        help=f"budget of a certificate, for each sign (default {MAX_CONES:,})",
    )
    add_jobs(command, "the model")


def check_limits(options: argparse.Namespace) -> None:
    """Refuse limits out of range before the table is read."""
    if not 0.0 < options.tol < math.inf:
        raise UsageError(f"--tol is {options.tol:g}; expected a number above 0.")
    check_time_limit(options)
    if options.max_cones < 1:
        raise UsageError(f"--max-cones is {options.max_cones}; expected at least 1.")
    check_jobs(options)
    check_stdout(options, "output")


def picture_file(options: argparse.Namespace) -> Path | None:
    """Return the path of ``--plot``, a new file, if there is to be one."""
    if options.plot is None:
        return None
    endings = [f".{name}" for name in FORMATS]
    return check_output(options.plot, "pictures", endings, option="--plot")


def write_model(
    options: argparse.Namespace,
    solution: Solution,
    classes: tuple[str, str] | None,
    target: Path | None,
    *,
    file: TextIO | None = None,
) -> None:
    """Write a model; without a target print it, on standard output unless told."""
    named: dict[str, Any] = {
        "target_name": options.target,
        "weight_name": options.weights,
        "floats": options.floats,
        "classes": classes,
    }
    if target is not None:
        save_model(target, solution, **named)
        return
    content = model_content(solution, **named)
    print(json.dumps(content, indent=1, allow_nan=False), file=file or sys.stdout)


def used_table(options: argparse.Namespace) -> tuple[Table, list[str]]:
    """Return the rows that are used, and the names of the features."""
    table = open_data(options, options.file)
    names = features_of(options, table)
    used = [*names, options.target]
    if options.weights is not None:
        used.append(options.weights)
    return with_values(options, table, used), names


def read_problem(
    options: argparse.Namespace, table: Table, names: list[str]
) -> Problem:
    """Read the numbers of a table, and say where kernels are compiled."""
    loss = get_loss(options.loss)
    classes = find_classes(table, options.target) if loss.is_classification else None
    X = table.numbers(names)
    y = _targets(options, table, classes)
    weights = weights_of(table, options.weights)
    program = program_of(options, names, X, y, weights)
    say_compiling(_SOLVING, quiet=options.json)
    return Problem(program, table, classes, X, y, weights)


def program_of(
    options: argparse.Namespace, names: list[str], X: Any, y: Any, weights: Any
) -> ConvexProgram:
    """Return the program of some rows, with a beta of 1."""
    return ConvexProgram(
        X,
        y,
        1.0,
        loss=options.loss,
        sample_weight=weights,
        standardize=options.standardize,
        intercept=options.intercept,
        floats=options.floats,
        feature_names=names,
    )


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


def largest_beta(
    options: argparse.Namespace, program: ConvexProgram, *, is_needed: bool
) -> tuple[float, float] | None:
    """Return between which numbers beta_max is; None where it is not defined.

    With few cones where it is only told of.
    """
    cones = MAX_CONES if is_needed else _FEW_CONES
    limit = None if options.time_limit is None else 0.1 * options.time_limit
    try:
        return beta_max_interval(
            program, max_cones=min(cones, options.max_cones), time_limit=limit
        )
    except InputError:
        return None  # a kink at the zero prediction
