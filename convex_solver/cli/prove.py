"""``convex-solver prove``: a proof that others check."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from arrangement.io import (
    UsageError,
    add_table_options,
    check_new_file,
    print_json,
    print_report,
    say_compiling,
    seconds_text,
)
from convex_solver._kernels.certify import cover, record
from convex_solver.certificates import certify_model, load_model, read_for
from convex_solver.cli.tables import open_data, weights_of
from convex_solver.datasets import penguins_csv
from convex_solver.errors import CertificateError
from convex_solver.losses import get_loss
from convex_solver.proofs import form_of, write_proof
from convex_solver.reading import MAX_CONES

EXIT_SHORT = 1


def add_prove(command: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of ``prove``."""
    command.set_defaults(run=prove)
    command.add_argument("model", metavar="MODEL", help="file that fit wrote")
    command.add_argument("file", metavar="DATA", help="the table, text")
    command.add_argument(
        "-o", "--output", required=True, metavar="PROOF", help="proof to write, new"
    )
    command.add_argument(
        "--max-cones",
        type=int,
        default=MAX_CONES,
        metavar="N",
        help=f"budget of the covering, for each sign (default {MAX_CONES:,})",
    )
    add_table_options(command, floats=False)


def prove(options: argparse.Namespace) -> int:
    """Certify a model, and write the proof of its bounds."""
    begin = time.perf_counter()
    if options.max_cones < 1:
        raise UsageError(f"--max-cones is {options.max_cones}; expected at least 1")
    target = check_new_file(options.output)
    model = load_model(options.model)
    if model.classes is not None:
        raise UsageError(
            f"{options.model} tells the classes {model.classes[0]!r} and "
            f"{model.classes[1]!r} apart by name; a proof needs a column of -1 and 1. "
            "Write the table with such a column, and fit the model to that"
        )
    table = open_data(options, options.file)
    X = table.numbers(model.network.feature_names)
    y = table.numbers([model.target_name])[:, 0]
    weights = weights_of(table, model.weight_name)
    say_compiling((cover, record), quiet=options.json)
    try:
        found = certify_model(model, X, y, sample_weight=weights)
    except CertificateError as error:
        reason = " ".join(str(error).split())
        print(f"convex-solver: not certified: {reason}", file=sys.stderr)
        return EXIT_SHORT
    data = read_for(model.network, X, y, model.floats, weights)
    names = model.network.feature_names
    proof = write_proof(
        target,
        data,
        model.network,
        found.dual,
        found.beta,
        get_loss(found.loss),
        form=form_of(table, data, names, model.target_name, model.weight_name),
        max_cones=options.max_cones,
        leaves=found.leaves,
        by_forms=found.n_cones is None and found.n_patterns is None,
    )
    file = penguins_csv() if options.file == "penguins" else Path(options.file)
    words = ["python", "-m", "convex_solver.checker", options.output, str(file)]
    values = {
        "model": options.model,
        "file": options.file,
        "n": len(y),
        "loss": found.loss,
        "beta": found.beta,
        "gap": found.gap,
        "proof": options.output,
        "lines": proof.n_lines,
        "bytes": proof.n_bytes,
        "seconds": time.perf_counter() - begin,
    }
    _report(values, words, quiet=options.json)
    return 0


def _report(values: dict[str, Any], words: list[str], *, quiet: bool) -> None:
    """Print what was written, and the command that checks it."""
    if quiet:
        print_json(values)
        return
    lines, size = values["lines"], values["bytes"]
    print_report(
        [
            ("model", values["model"]),
            ("file", values["file"]),
            ("gap", f"{values['gap']:.2e} relative, and some 1e-9 for the proof"),
            ("written", f"{values['proof']}: {lines:,} lines, {size:,} B"),
            ("time", seconds_text(values["seconds"])),
            ("next", shlex.join(words)),
        ]
    )
