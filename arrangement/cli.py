"""The command line ``arrangement``: count, enumerate, verify.

Also what ``convex-solver`` needs of the same kind: one way to end with an error, to
show progress, and to say that kernels are being compiled.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from arrangement._kernels import counting
from arrangement._kernels.cells import walk_floats, walk_ints
from arrangement._kernels.verification import check_signs, margin_direction
from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import ArrangementError, IncompleteListingError
from arrangement.io import (
    Table,
    UsageError,
    add_table_options,
    against_bound,
    check_output,
    check_time_limit,
    column_list,
    command_line,
    names_text,
    open_table,
    print_json,
    print_report,
    progress_bar,
    run,
    say_compiling,
    seconds_text,
    with_ones,
    with_values,
)
from arrangement.listing import enumerate_patterns, make_layout
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import Listener
from arrangement.proofs import ProofFile, source_of
from arrangement.stores import open_patterns, write_patterns
from arrangement.verification import verify, verify_to_file

EXIT_UNPROVEN = 1
# the kernels that take longest to compile
_COUNTING = (counting.advance,)
_PROVING = (check_signs,)
_VERIFYING = (check_signs, margin_direction)


def listing_kernels(arrangement: Arrangement) -> tuple[Any, ...]:
    """Kernels that a proven listing of the arrangement needs."""
    if arrangement.cone.rank == 0:
        return _PROVING
    walk = walk_floats if make_layout(arrangement).n_digits else walk_ints
    return (walk.advance, *_PROVING)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``arrangement``."""
    parser = command_line(
        "arrangement",
        "Every sign pattern 1[X z >= 0] of a matrix X, exactly.",
        {0: "done, and proven where that was asked for", 1: "the list is not complete"},
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    count = commands.add_parser(
        "count", help="count the patterns, without listing them"
    )
    count.set_defaults(run=_count)
    count.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds to stop after; nothing is said of the count then",
    )
    listing = commands.add_parser(
        "enumerate", help="list all patterns, prove the list complete, write it"
    )
    listing.set_defaults(run=_enumerate)
    check = commands.add_parser(
        "verify", help="prove from its bits that a written list is complete"
    )
    check.set_defaults(run=_verify)
    check.add_argument("patterns", metavar="OUT", help="what enumerate wrote")
    check.add_argument(
        "--proof",
        metavar="PROOF",
        help="write a proof, new, that python -m arrangement.checker PROOF FILE checks "
        "with nothing of this program",
    )
    for command in (count, listing, check):
        command.add_argument(
            "file", metavar="FILE", help="CSV, npy or npz, - for stdin; one row a line"
        )
        command.add_argument(
            "--columns", type=column_list, metavar="A,B", help="use only these columns"
        )
        command.add_argument(
            "--intercept",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="append a column of ones",
        )
        add_table_options(command)
    _add_listing(listing)
    return parser


def _add_listing(listing: argparse.ArgumentParser) -> None:
    listing.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="npz file to write, new; or OUT.zarr, a Zarr store of any size",
    )
    listing.add_argument(
        "--resume",
        action="store_true",
        help="continue an OUT.zarr whose writing was stopped",
    )
    listing.add_argument(
        "--no-proof",
        dest="prove",
        action="store_false",
        help="do not prove the list (said in the output)",
    )
    listing.add_argument(
        "--max-bytes",
        type=int,
        metavar="N",
        help="most bytes an npz list may take (default: half of the free memory)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``arrangement`` and return its exit code (0 done, 1 not proven, 2 error)."""
    return run("arrangement", build_parser(), argv, (ArrangementError,))


class _Input(NamedTuple):
    """What was read, and what a person is told of it."""

    arrangement: Arrangement
    columns: tuple[str, ...]
    table: Table


def _read(options: argparse.Namespace) -> _Input:
    table = open_table(options, options.file)
    names = table.features() if options.columns is None else tuple(options.columns)
    table = with_values(options, table, names)
    X = table.numbers(names)
    arrangement = Arrangement(
        with_ones(X) if options.intercept else X, floats=options.floats
    )
    return _Input(arrangement, names, table)


def _count(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    check_time_limit(options)
    given = _read(options)
    arrangement = given.arrangement
    say_compiling(_COUNTING, quiet=options.json)
    with progress_bar(" patterns", quiet=options.json) as progress:
        total = count_patterns(
            arrangement, time_limit=options.time_limit, progress=progress
        )
    bound = cover_bound(arrangement.n_distinct, arrangement.rank)
    values = _facts(options, given, total, bound) | {
        "method": "deletion and restriction, exact zero tests modulo primes",
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
        return 0
    print_report(
        [
            *_lines(options, values),
            ("counted by", f"{values['method']}; no pattern was listed"),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def _enumerate(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    if options.max_bytes is not None and options.max_bytes < 1:
        raise UsageError(f"--max-bytes is {options.max_bytes}; expected at least 1")
    if Path(options.output).suffix == ".zarr":
        if options.max_bytes is not None:
            raise UsageError("--max-bytes is for npz; an OUT.zarr needs little memory")
        write = _write_store
    elif options.resume:
        raise UsageError(
            f"--resume continues an OUT.zarr; the output is {options.output}"
        )
    else:
        check_output(options.output, "patterns", (".npz", ".zarr"))
        write = _write_npz
    given = _read(options)
    arrangement = given.arrangement
    say_compiling(listing_kernels(arrangement), quiet=options.json)
    with progress_bar(" patterns", quiet=options.json) as progress:
        written = write(options, arrangement, progress)
    values = _facts(options, given, written["patterns"], written["bound"])
    values |= written | {"seconds": time.perf_counter() - begin}
    if options.json:
        print_json(values)
        return 0
    print_report(
        [
            *_lines(options, values),
            ("proven", _proof_text(values["proof"])),
            ("arithmetic", values["plan"]),
            ("written", f"{values['output']} ({values['bytes']:,} bytes)"),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def _write_npz(
    options: argparse.Namespace,
    arrangement: Arrangement,
    progress: Listener | None,
) -> dict[str, Any]:
    patterns = enumerate_patterns(
        arrangement,
        prove=options.prove,
        max_bytes=options.max_bytes,
        progress=progress,
    )
    patterns.save(options.output)
    return {
        "patterns": len(patterns),
        "bound": patterns.bound,
        "proven": patterns.proof is not None,
        "proof": None if patterns.proof is None else str(patterns.proof),
        "plan": patterns.plan,
        "output": options.output,
        "bytes": Path(options.output).stat().st_size,
    }


def _write_store(
    options: argparse.Namespace,
    arrangement: Arrangement,
    progress: Listener | None,
) -> dict[str, Any]:
    stored = write_patterns(
        options.output,
        arrangement,
        prove=options.prove,
        resume=options.resume,
        progress=progress,
    )
    return {
        "patterns": len(stored),
        "bound": stored.bound,
        "proven": stored.proof is not None,
        "proof": None if stored.proof is None else str(stored.proof),
        "plan": stored.plan,
        "output": options.output,
        "bytes": sum(file.stat().st_size for file in stored.path.iterdir()),
    }


def _verify(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    if options.proof is not None:
        check_output(options.proof, "proofs", (".jsonl",), option="--proof")
    patterns = (
        open_patterns(options.patterns)
        if Path(options.patterns).is_dir() or Path(options.patterns).suffix == ".zarr"
        else PatternSet.load(options.patterns)
    )
    given = _read(options)
    say_compiling(_VERIFYING, quiet=options.json)
    try:
        if not isinstance(patterns, PatternSet):
            patterns = patterns.in_memory(given.arrangement)
        proof, file = _proven(options, patterns, given)
    except IncompleteListingError as error:
        print(f"arrangement: not proven: {error}", file=sys.stderr)
        if options.json:
            print_json({"proven": False, "reason": str(error)})
        return EXIT_UNPROVEN
    values = _facts(options, given, proof.n_patterns, proof.bound) | {
        "patterns_file": options.patterns,
        "proven": True,
        "proof": str(proof),
    }
    if file is not None:
        values |= {"proof_file": file.path, "proof_bytes": file.n_bytes}
    values["seconds"] = time.perf_counter() - begin
    if options.json:
        print_json(values)
        return 0
    print_report(
        [
            ("list", options.patterns),
            *_lines(options, values),
            ("proven", _proof_text(values["proof"])),
            *([] if file is None else _file_lines(options, file)),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def _proven(
    options: argparse.Namespace, patterns: PatternSet, given: _Input
) -> tuple[Proof, ProofFile | None]:
    """Prove a list; write the proof of it where one was asked for."""
    if options.proof is None:
        return verify(patterns, given.arrangement), None
    source = source_of(given.table, given.columns, intercept=options.intercept)
    return verify_to_file(patterns, given.arrangement, source, options.proof)


def _file_lines(options: argparse.Namespace, file: ProofFile) -> list[tuple[str, str]]:
    words = ["python", "-m", "arrangement.checker", file.path, options.file]
    words += [] if Path(options.patterns).is_dir() else [options.patterns]
    return [
        ("written", f"{file.path}: {file.n_lines:,} lines, {file.n_bytes:,} B"),
        ("next", shlex.join(words)),
    ]


def _facts(
    options: argparse.Namespace, given: _Input, total: int, bound: int
) -> dict[str, Any]:
    arrangement = given.arrangement
    return {
        "file": options.file,
        "read_as": list(given.table.notes),
        "columns": list(given.columns),
        "intercept": options.intercept,
        "n": arrangement.n_hyperplanes,
        "d": arrangement.dimension,
        "rank": arrangement.rank,
        "distinct_hyperplanes": arrangement.n_distinct,
        "patterns": total,
        "bound": bound,
    }


def _lines(
    options: argparse.Namespace, values: dict[str, Any]
) -> list[tuple[str, str]]:
    ones = " and a column of ones" if options.intercept else ""
    notes = ", ".join(values["read_as"])
    return [
        ("file", options.file),
        *([("read as", notes)] if notes else []),
        ("rows", f"n = {values['n']:,}"),
        ("columns", f"d = {values['d']:,}: {names_text(values['columns'])}{ones}"),
        ("rank", f"r = {values['rank']}"),
        ("hyperplanes", f"{values['distinct_hyperplanes']:,} distinct"),
        ("patterns", against_bound(values["patterns"], values["bound"])),
    ]


def _proof_text(proof: str | None) -> str:
    return "no, as asked" if proof is None else f"yes: {proof}"
