"""Everything in both packages that writes a file, each with a call that does.

`SITES` says which function of the packages opens the new file, `RAW` which functions
open, make or rename by themselves; ``tests/walls/test_writers.py`` reads the packages
and compares, so that a new writer has to be named here, and so is killed in
``tests/fuzz/test_faults.py`` as the others are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from arrangement import enumerate_patterns, verify
from arrangement.cli import main as arrangement_main
from convex_solver import (
    CircularCNN,
    ConvexProgram,
    LinearCNN,
    LinearCNNProgram,
    certify,
    certify_linear_cnn,
    save_model,
    solve,
    solve_linear_cnn,
    solve_path,
    write_conic,
)
from convex_solver.cli import main as solver_main
from convex_solver.plot import plot_fit, plot_path
from convex_solver.solver.relaxation import RelaxedProgram

from instances import linear_instance, planted, rows_in_rank
from reference.proofs import write_csv

ROWS = rows_in_rank(5, n=14, d=3, size=4)

# files by the function that calls `new_file` or `write_new`
SITES = {
    ("arrangement/model/patterns.py", "save"): (
        "list.npz",
        "list.csv",
        "list of the command.npz",
        "list of the command.csv",
    ),
    ("arrangement/proofs/files.py", "write_listing"): (
        "listing.jsonl",
        "listing of the command.jsonl",
    ),
    ("convex_solver/networks/json_files.py", "write_json"): (
        "network.json",
        "linear.json",
        "circular.json",
        "model.json",
        "model of the command.json",
        "model of the path.json",
    ),
    ("convex_solver/networks/relu.py", "to_onnx"): (
        "network.onnx",
        "network of the command.onnx",
    ),
    ("convex_solver/cli/export.py", "export"): ("network of the command.pt",),
    ("convex_solver/proofs/proof.py", "_write"): (
        "proof.jsonl",
        "proof by forms.jsonl",
        "proof of the command.jsonl",
    ),
    ("convex_solver/proofs/linear.py", "write_cnn_proof"): ("proof of a CNN.jsonl",),
    ("convex_solver/conic/files.py", "write_conic"): (
        "program.cbf",
        "program.conic",
        "tree.conic",
    ),
    ("convex_solver/plot/fit_files.py", "plot_fit"): ("fit.png",),
    ("convex_solver/plot/path_files.py", "plot_path"): ("path.png",),
    ("convex_solver/cli/fit.py", "fit"): (
        "picture of the command.png",
        "report of the command.html",
    ),
    ("convex_solver/cli/path.py", "_path"): ("picture of the path.png",),
}
NAMES = tuple(name for names in SITES.values() for name in names)
# options that name a file to write, by the function that takes them
OUTPUTS = {
    ("arrangement/cli.py", "_way_to_write"): ("list of the command.npz",),
    ("arrangement/cli.py", "_verify"): ("listing of the command.jsonl",),
    ("convex_solver/cli/fit.py", "fit"): ("model of the command.json",),
    ("convex_solver/cli/fit.py", "_report_file"): ("report of the command.html",),
    ("convex_solver/cli/path.py", "_path"): ("model of the path.json",),
    ("convex_solver/cli/export.py", "export"): ("network of the command.onnx",),
    ("convex_solver/cli/prove.py", "prove"): ("proof of the command.jsonl",),
    ("convex_solver/cli/problem.py", "picture_file"): (
        "picture of the command.png",
        "picture of the path.png",
    ),
}
# what opens, makes or renames by itself: files whole or not at all, and stores, which
# are cut off and go on
RAW = {
    ("arrangement/io/files.py", "new_file"),
    ("arrangement/io/files.py", "_give_name"),
    ("arrangement/stores/format.py", "append_checksum"),
    ("arrangement/stores/format.py", "replace_file"),
    ("arrangement/stores/format.py", "write_file"),
    ("arrangement/stores/format.py", "locked"),
    ("arrangement/stores/groups.py", "_write_new"),
    # into a stream that one of the others has opened, or that is no file
    ("arrangement/model/patterns.py", "save"),
    ("convex_solver/exchange/torch_modules.py", "state_content"),
    ("convex_solver/plot/files.py", "content"),
    ("arrangement/io/terminal.py", "run"),
}
LIBRARIES = {
    ".onnx": ("onnx", "onnxruntime"),
    ".pt": ("torch",),
    ".png": ("matplotlib",),
}
# of a page the numbers may be others, such as times
NUMBERS = re.compile(rb"[\d.,e+-]+( (ms|s|min)\b)?")


def same_bytes(name: str, raw: bytes) -> bytes:
    """What two runs of a writer have in common: all, but the numbers of a page."""
    return NUMBERS.sub(b"#", raw) if name.endswith(".html") else raw


class Writers:
    """What writes files, by the name of the file; each call takes its path."""

    def __init__(self, folder: Path) -> None:
        self.calls: dict[str, Callable[[Path], object]] = {}
        self._lists(folder)
        self._models(folder)
        self._commands(folder)

    def _lists(self, folder: Path) -> None:
        patterns = enumerate_patterns(ROWS)
        table, listed = folder / "rows.csv", folder / "rows.npz"
        lines = [",".join(map(str, row)) + "\n" for row in ROWS.tolist()]
        table.write_text("".join(lines))
        patterns.save(listed)
        words = ["verify", str(listed), str(table), "--no-intercept", "--proof"]
        list_it = ["enumerate", str(table), "-o"]
        self.calls |= {
            "list.npz": patterns.save,
            "list.csv": patterns.save,
            "listing.jsonl": lambda path: verify(patterns, ROWS, proof=path),
            "list of the command.npz": _command(arrangement_main, *list_it),
            "list of the command.csv": _command(arrangement_main, *list_it),
            "listing of the command.jsonl": _command(arrangement_main, *words),
        }

    def _models(self, folder: Path) -> None:
        X, y = planted(8, 2, seed=1)
        write_csv(folder / "table.csv", X, y)
        program = ConvexProgram(X, y, 0.2)
        solution = solve(program, tol=1e-4)
        network, dual = solution.network, solution.certificate.dual
        relaxed = RelaxedProgram(program, 0)
        found = relaxed.refine(relaxed.zero, 1e-12, math.inf, most=2)
        path_found = solve_path(program, [1.0, 0.5], tol=1e-3)
        ones = np.ones((3, 2))
        given = network, X, y, 0.2

        def prove_forms(path: Path) -> object:
            return certify(
                *given,
                dual=found.v,
                method="relaxation",
                leaves=found.hints,
                proof=path,
            )

        patches, targets = linear_instance(0, 6, 2, 3)
        linear = solve_linear_cnn(LinearCNNProgram(patches, targets, 0.3))

        def prove_linear(path: Path) -> object:
            return certify_linear_cnn(
                linear.network,
                patches,
                targets,
                0.3,
                dual=linear.certificate.dual,
                proof=path,
            )

        self.calls |= {
            "network.json": network.save,
            "linear.json": LinearCNN(ones, np.ones((3, 4))).save,
            "circular.json": CircularCNN(ones, ones).save,
            "model.json": lambda path: save_model(path, solution),
            "network.onnx": network.to_onnx,
            "proof.jsonl": lambda path: certify(*given, dual=dual, proof=path),
            "proof by forms.jsonl": prove_forms,
            "proof of a CNN.jsonl": prove_linear,
            "program.cbf": lambda path: write_conic(path, program),
            "program.conic": lambda path: write_conic(path, program),
            "tree.conic": lambda path: write_conic(path, program, form="tree"),
            "fit.png": lambda path: plot_fit(network, X, y, path),
            "path.png": lambda path: plot_path(path_found, path),
        }

    def _commands(self, folder: Path) -> None:
        table, model = str(folder / "table.csv"), str(folder / "command.json")
        of = [table, "--target", "x3", "--features", "x1,x2"]
        fit = ["fit", *of, "--beta", "1", "-o"]
        path = ["path", *of, "--betas", "0.5x,0.2x", "--cv", "2", "--tol", "1e-3"]
        solver_main([*fit, model])
        calls = {
            "model of the command.json": fit,
            "model of the path.json": [*path, "-o"],
            "picture of the command.png": [*fit, "-", "--plot"],
            "picture of the path.png": [*path, "--plot"],
            "report of the command.html": [*fit, "-", "--report"],
            "proof of the command.jsonl": ["prove", model, table, "-o"],
            "network of the command.onnx": ["export", model, "-o"],
            "network of the command.pt": ["export", model, "-o"],
        }
        for name, words in calls.items():
            self.calls[name] = _command(solver_main, *words)


def _command(main: Callable[[list[str]], int], *words: str) -> Callable[[Path], int]:
    return lambda path: main([*words, str(path)])
