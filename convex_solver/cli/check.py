"""``convex-solver certify`` and ``predict``: what a model says of a table."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement import Progress
from arrangement.io import (
    Table,
    UsageError,
    parse_json,
    print_json,
    print_report,
    say_compiling,
    seconds_text,
    with_values,
)
from convex_solver._kernels.certify import cover
from convex_solver.certificates import (
    Certificate,
    Model,
    certify_model,
    load_model,
    read_model,
    verdict,
)
from convex_solver.cli.labels import coded
from convex_solver.cli.report import (
    bounds_lines,
    certified_values,
    problem_text,
    show_stages,
)
from convex_solver.cli.tables import open_data, warn_of_new_values, weights_of
from convex_solver.errors import CertificateError, ModelFileError
from convex_solver.losses import get_loss
from convex_solver.networks import why_no_json

EXIT_SHORT = 1
VALUES = ("prediction", "output", "probability")
# the kernels that take longest to compile
_CERTIFYING = (cover,)


def certify(options: argparse.Namespace) -> int:
    """Recompute the certificate of a model and compare it with the claim."""
    begin = time.perf_counter()
    try:
        model = _model(options)
        table, y = table_of(options, model)
        found = _recomputed(options, model, table, y)
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
        **certified_values(found),
        "shown": verdict(found.gap),
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
            ("problem", problem_text(found.loss, found.beta, model.weight_name)),
            ("rows", f"n = {len(y):,}"),
            ("neurons", f"{values['neurons']:,}"),
            *bounds_lines(values),
            ("checked", "bounds recomputed from the data, as the model claims"),
            ("shown", verdict(found.gap)),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def predict(options: argparse.Namespace) -> int:
    """Print a value for each row: of the target, the network, or a probability."""
    model = _model(options)
    names = model.network.feature_names
    table = open_data(options, options.file)
    kept = table.complete(names)
    used = with_values(options, table, names)
    X = used.numbers(names)
    warn_of_new_values(used, names)
    found = _values(options, model, X).tolist()
    each: list[Any] = [None] * len(kept) if options.missing == "drop" else found
    if options.missing == "drop":
        for row, value in zip(np.flatnonzero(kept).tolist(), found, strict=True):
            each[row] = value
    if options.json:
        print_json({"target": model.target_name, "prediction": each})
        return 0
    print(model.target_name)
    for value in each:
        # an empty cell where a feature is missing, so that lines stay rows
        print("" if value is None else value if type(value) is str else repr(value))
    return 0


def _values(options: argparse.Namespace, model: Model, X: NDArray[Any]) -> NDArray[Any]:
    if options.values == "output":
        return model.network.predict(X)
    if options.values == "probability":
        return model.probability(X)
    found = model.predict(X)
    if get_loss(model.claim.loss).is_classification and model.classes is None:
        return found.astype(np.int64)
    return found


def _model(options: argparse.Namespace) -> Model:
    if options.model != "-":
        return load_model(options.model)
    if options.file == "-":
        raise UsageError("MODEL and DATA are both '-'; only one can be standard input.")
    source, raw = "standard input", sys.stdin.buffer.read()
    try:
        content = parse_json(raw)
    except ValueError as error:
        raise ModelFileError(why_no_json(source, raw, error)) from error
    return read_model(content, source)


def table_of(
    options: argparse.Namespace, model: Model
) -> tuple[Table, NDArray[Any] | list[int]]:
    """Return the rows that the model was fitted on, and their targets."""
    used = [*model.network.feature_names, model.target_name]
    if model.weight_name is not None:
        used.append(model.weight_name)
    table = with_values(options, open_data(options, options.file), used)
    if model.classes is None:
        return table, table.numbers([model.target_name])[:, 0]
    return table, coded(table, model.target_name, model.classes)


def _recomputed(
    options: argparse.Namespace,
    model: Model,
    table: Table,
    y: NDArray[Any] | list[int],
) -> Certificate:
    X = table.numbers(model.network.feature_names)
    say_compiling(_CERTIFYING, quiet=options.json)
    stages = show_stages(quiet=options.json)
    if stages is not None:
        stages(Progress("certifying"))
    weights = weights_of(table, model.weight_name)
    return certify_model(model, X, y, sample_weight=weights)
