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
    check_output,
    check_stdout,
    output_path,
    print_json,
    print_report,
    say_compiling,
    seconds_text,
)
from convex_solver._kernels.certify import cover, record
from convex_solver.certificates import certify_model, load_model, read_for
from convex_solver.cli.check import table_of
from convex_solver.cli.tables import weights_of
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
        "-o",
        "--output",
        required=True,
        metavar="PROOF",
        help="proof to write, new (jsonl); - prints it, and the report to standard "
        "error",
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
        raise UsageError(f"--max-cones is {options.max_cones}; expected at least 1.")
    check_stdout(options, "output")
    target = check_output(options.output, "proofs", (".jsonl", "-"))
    model = load_model(options.model)
    table, y = table_of(options, model)
    if any("left out" in note for note in table.notes):
        raise UsageError(
            f"{options.file} has rows with missing values, and whoever checks a proof "
            "reads all rows. Write those that are used to a new CSV, and prove the "
            "model on that: it is the same model."
        )
    X = table.numbers(model.network.feature_names)
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
    form = form_of(
        table, data, names, model.target_name, model.weight_name, model.classes
    )
    with output_path(target) as path:
        proof = write_proof(
            path,
            data,
            model.network,
            found.dual,
            found.beta,
            get_loss(found.loss),
            form=form,
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
    lines, size, is_printed = values["lines"], values["bytes"], values["proof"] == "-"
    output = "standard output" if is_printed else values["proof"]
    print_report(
        [
            ("model", values["model"]),
            ("file", values["file"]),
            ("gap", f"{values['gap']:.2e} relative, and some 1e-9 for the proof"),
            ("written", f"{output}: {lines:,} lines, {size:,} B"),
            ("time", seconds_text(values["seconds"])),
            *([] if is_printed else [("next", shlex.join(words))]),
        ],
        file=sys.stderr if is_printed else None,
    )
