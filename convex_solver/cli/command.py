"""The command line ``convex-solver``: fit, path, certify, prove, export, predict."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from arrangement import ArrangementError
from arrangement.io import add_table_options, command_line, run, say_exit_codes
from convex_solver.cli.check import VALUES, certify, predict
from convex_solver.cli.export import add_export
from convex_solver.cli.fit import add_fit
from convex_solver.cli.path import add_path
from convex_solver.cli.prove import add_prove
from convex_solver.errors import ConvexSolverError


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``convex-solver``."""
    parser = command_line(
        "convex-solver",
        "Two-layer ReLU networks, each with a certified bound of how far any other "
        "can be better.",
        {
            0: "done; the gap of a fit is within its tolerance, a certificate holds",
            1: "the fit fell short of the tolerance, or the certificate does not hold",
        },
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_fit(commands.add_parser("fit", help="fit, certify and write a model"))
    add_path(
        commands.add_parser("path", help="solve for many betas, and choose one of them")
    )
    check = commands.add_parser(
        "certify", help="recompute a model's certificate from the data alone"
    )
    check.set_defaults(run=certify)
    add_prove(commands.add_parser("prove", help="write a proof that anyone can check"))
    add_export(
        commands.add_parser("export", help="write the network for ONNX or PyTorch")
    )
    guess = commands.add_parser("predict", help="print the prediction for each row")
    guess.set_defaults(run=predict)
    guess.add_argument(
        "--values",
        choices=VALUES,
        default=VALUES[0],
        help="prediction: in the units of the target, of poisson the mean, of a "
        "classification the class (default); output: of the network, of poisson the "
        "logarithm of the mean; probability: of the second class, with logistic loss",
    )
    for command in (check, guess):
        command.add_argument(
            "model", metavar="MODEL", help="file that fit wrote, or - for stdin"
        )
        command.add_argument(
            "file", metavar="DATA", help="CSV, npy or npz, or - for stdin"
        )
        add_table_options(command, floats=False)
    say_exit_codes(parser, commands.choices.values())
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``convex-solver`` and return its exit code; ``--help`` says what each means.

    0: done, and optimal or certified; 1: the fit fell short of the tolerance, or the
    certificate does not hold; 2: an error, and nothing was written; 130: interrupted.
    """
    expected = (ConvexSolverError, ArrangementError)
    return run("convex-solver", build_parser(), argv, expected)
