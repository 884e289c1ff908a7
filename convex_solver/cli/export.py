"""``convex-solver export``: the network of a model as a file of other libraries."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from arrangement.io import (
    UsageError,
    check_output,
    print_json,
    print_report,
    seconds_text,
    write_new,
)
from convex_solver.certificates import load_model
from convex_solver.exchange import state_content
from convex_solver.losses import get_loss

_ENDINGS = (".onnx", ".pt", ".pth")


def add_export(command: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of ``export``."""
    command.set_defaults(run=export)
    command.add_argument("model", metavar="MODEL", help="file that fit wrote")
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="NET",
        help="file to write, new: NET.onnx, or NET.pt, the state of PyTorch's "
        "Sequential(Linear, ReLU, Linear)",
    )
    command.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def export(options: argparse.Namespace) -> int:
    """Write the network of a model, and say what the file takes and gives."""
    begin = time.perf_counter()
    target = check_output(options.output, "networks", _ENDINGS)
    kind = Path(options.output).suffix.lower()
    if target is None or kind not in _ENDINGS:
        raise UsageError(
            f"-o is {options.output}; end the name in .onnx, or in .pt for PyTorch."
        )
    model = load_model(options.model)
    network = model.network
    if kind == ".onnx":
        network.to_onnx(target)
    else:
        write_new(target, state_content(network.to_torch()))
    values = {
        "model": options.model,
        "output": options.output,
        "features": list(network.feature_names),
        "target": model.target_name,
        "loss": model.claim.loss,
        "neurons": network.n_neurons,
        "bytes": target.stat().st_size,
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
        return 0
    form = _ONNX if kind == ".onnx" else _STATE
    print_report(
        [
            ("model", options.model),
            ("takes", f"{', '.join(network.feature_names)}, as they are"),
            ("gives", _meaning(values, model.classes)),
            ("form", form.format(d=len(network.feature_names), m=network.n_neurons)),
            ("written", f"{options.output} ({values['bytes']:,} bytes)"),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


_ONNX = (
    "X (n, {d}) float64 to output (n) float64; scaling and intercept kept as nodes; "
    "compared with onnxruntime to 1e-6"
)
_STATE = (
    "state of Sequential(Linear({d}, {m}), ReLU(), Linear({m}, 1)), float64; scaling "
    "and intercept folded into the first layer, no bias in the last"
)


def _meaning(values: dict[str, Any], classes: tuple[str, str] | None) -> str:
    """Say what an output means."""
    loss, target = get_loss(values["loss"]), values["target"]
    if loss.is_classification:
        second = "+1" if classes is None else classes[1]
        return f"an output; above 0 it says {target} = {second}"
    if loss.has_link:
        return f"the logarithm of the mean of {target}"
    return f"{target}"
