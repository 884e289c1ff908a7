"""The command line ``arrangement``: count, enumerate, verify.

Also what ``convex-solver`` needs of the same kind: one way to end with an error, to
show progress, and to say that kernels are being compiled.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from arrangement._kernels import counting
from arrangement._kernels.cells import walk_floats, walk_ints
from arrangement._kernels.verification import check_signs, margin_direction
from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
)
from arrangement.io import (
    Kind,
    Table,
    UsageError,
    add_jobs,
    add_table_options,
    against_bound,
    check_jobs,
    check_output,
    check_stdout,
    check_time_limit,
    column_list,
    command_line,
    holds_bit_rows,
    kind_of_path,
    names_text,
    open_table,
    output_path,
    print_json,
    print_report,
    progress_bar,
    run,
    say_compiling,
    say_exit_codes,
    seconds_text,
    with_ones,
    with_values,
)
from arrangement.listing import enumerate_patterns, make_layout
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import Deadline, Listener
from arrangement.proofs import ProofFile, source_of
from arrangement.stores import open_patterns, read_csv, write_patterns
from arrangement.verification import verify, verify_to_file

EXIT_UNPROVEN = 1
# the kernels that take longest to compile
_COUNTING = (counting.advance,)
_PROVING = (check_signs,)
_VERIFYING = (check_signs, margin_direction)
_LISTS = (".csv", ".npz", ".zarr", "-")


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
        "with nothing of this program (jsonl; - prints it)",
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
        command.add_argument(
            "--time-limit",
            type=float,
            metavar="S",
            help="seconds to stop after; nothing is said or written then",
        )
    _add_listing(listing)
    say_exit_codes(parser, (count, listing, check))
    return parser


def _add_listing(listing: argparse.ArgumentParser) -> None:
    listing.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="list to write, new: OUT.npz, small; OUT.csv, text for any program, a "
        "line of 0 and 1 for each pattern; OUT.zarr, a Zarr store of any size; - "
        "prints the CSV, and the report to standard error",
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
        help="most bytes of memory a list may take that is no store (default: half of "
        "what is free)",
    )
    add_jobs(listing, "the list")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``arrangement`` and return its exit code (0 done, 1 not proven, 2 error)."""
    return run("arrangement", build_parser(), argv, (ArrangementError,))


class _Input(NamedTuple):
    """What was read, what a person is told of it, and the seconds that are left."""

    arrangement: Arrangement
    columns: tuple[str, ...]
    table: Table
    left: float | None


def _read(options: argparse.Namespace) -> _Input:
    deadline = Deadline(options.time_limit)
    table = open_table(options, options.file)
    names = table.features() if options.columns is None else tuple(options.columns)
    table = with_values(options, table, names)
    X = table.numbers(names)
    arrangement = Arrangement(
        with_ones(X) if options.intercept else X, floats=options.floats
    )
    if deadline.is_late():
        raise BudgetExceededError(
            "the time is up, and the table has been read, no more; raise --time-limit."
        )
    left = None if options.time_limit is None else deadline.left()
    return _Input(arrangement, names, table, left)


def _count(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    check_time_limit(options)
    given = _read(options)
    arrangement = given.arrangement
    say_compiling(_COUNTING, quiet=options.json)
    with progress_bar(" patterns", quiet=options.json) as progress:
        total = count_patterns(arrangement, time_limit=given.left, progress=progress)
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
    write, target = _way_to_write(options)
    given = _read(options)
    arrangement = given.arrangement
    say_compiling(listing_kernels(arrangement), quiet=options.json)
    with progress_bar(" patterns", quiet=options.json) as progress:
        written = write(options, given, target, progress)
    values = _facts(options, given, written["patterns"], written["bound"])
    values |= written | {"seconds": time.perf_counter() - begin}
    if options.json:
        print_json(values)
        return 0
    size = f" ({values['bytes']:,} bytes)"
    print_report(
        [
            *_lines(options, values),
            ("proven", _proof_text(values["proof"])),
            ("arithmetic", values["plan"]),
            ("written", f"{values['output']}{size}" if target else "standard output"),
            ("time", seconds_text(values["seconds"])),
        ],
        file=None if target else sys.stderr,
    )
    return 0


_Way = Callable[
    [argparse.Namespace, _Input, Path | None, Listener | None], dict[str, Any]
]


def _way_to_write(options: argparse.Namespace) -> tuple[_Way, Path | None]:
    """Return what writes a list in the form that its name says, and where to."""
    if options.max_bytes is not None and options.max_bytes < 1:
        raise UsageError(f"--max-bytes is {options.max_bytes}; expected at least 1.")
    check_time_limit(options)
    check_jobs(options)
    check_stdout(options, "output")
    if Path(options.output).suffix.lower() != ".zarr":
        if options.resume:
            raise UsageError(
                f"--resume continues an OUT.zarr; the output is {options.output}."
            )
        return _write_list, check_output(options.output, "patterns", _LISTS)
    if options.max_bytes is not None:
        raise UsageError(
            "--max-bytes is for a list in memory; an OUT.zarr needs little of it."
        )
    if options.time_limit is not None:
        raise UsageError(
            "--time-limit is for a list in memory; stop the writing of an OUT.zarr "
            "with Ctrl-C, and continue it with --resume."
        )
    return _write_store, Path(options.output)


def _write_list(
    options: argparse.Namespace,
    given: _Input,
    target: Path | None,
    progress: Listener | None,
) -> dict[str, Any]:
    patterns = enumerate_patterns(
        given.arrangement,
        prove=options.prove,
        n_jobs=options.jobs,
        max_bytes=options.max_bytes,
        time_limit=given.left,
        progress=progress,
    )
    if target is None:
        for text in patterns.iter_csv():
            sys.stdout.write(text.decode("ascii"))
    else:
        patterns.save(target)
    return {
        "patterns": len(patterns),
        "bound": patterns.bound,
        "proven": patterns.proof is not None,
        "proof": None if patterns.proof is None else str(patterns.proof),
        "plan": patterns.plan,
        "output": options.output,
        "bytes": 0 if target is None else target.stat().st_size,
    }


def _write_store(
    options: argparse.Namespace,
    given: _Input,
    target: Path | None,
    progress: Listener | None,
) -> dict[str, Any]:
    stored = write_patterns(
        options.output,
        given.arrangement,
        prove=options.prove,
        n_jobs=options.jobs,
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
    check_time_limit(options)
    check_stdout(options, "proof")
    target = None
    if options.proof is not None:
        endings = (".jsonl", "-")
        target = check_output(options.proof, "proofs", endings, option="--proof")
    read = _way_to_read(options)
    given = _read(options)
    say_compiling(_VERIFYING, quiet=options.json)
    try:
        proof, file = _proven(options, read(given.arrangement), given, target)
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
        values |= {"proof_file": options.proof, "proof_bytes": file.n_bytes}
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
        ],
        file=sys.stderr if options.proof == "-" else None,
    )
    return 0


def _way_to_read(options: argparse.Namespace) -> Callable[[Arrangement], PatternSet]:
    """Return what reads a list, of whose matrix it may ask."""
    path = Path(options.patterns)
    if path.is_dir() or path.suffix == ".zarr":
        return open_patterns(path).in_memory
    if holds_bit_rows(path):
        return lambda arrangement: read_csv(path, arrangement)
    if path.is_file() and not zipfile.is_zipfile(path):
        kind = kind_of_path(path) or Kind("no list of patterns", "")
        wanted = "what arrangement enumerate wrote, and then the table that it is of"
        raise InputError(kind.refusal(options.patterns, wanted))
    patterns = PatternSet.load(path)
    return lambda _: patterns


def _proven(
    options: argparse.Namespace,
    patterns: PatternSet,
    given: _Input,
    target: Path | None,
) -> tuple[Proof, ProofFile | None]:
    """Prove a list; write the proof of it where one was asked for."""
    limit = given.left
    if options.proof is None:
        return verify(patterns, given.arrangement, time_limit=limit), None
    source = source_of(given.table, given.columns, intercept=options.intercept)
    with output_path(target) as path:
        return verify_to_file(
            patterns, given.arrangement, source, path, time_limit=limit
        )


def _file_lines(options: argparse.Namespace, file: ProofFile) -> list[tuple[str, str]]:
    if options.proof == "-":
        return [("written", "standard output")]
    words = ["python", "-m", "arrangement.checker", file.path, options.file]
    words += [options.patterns] if zipfile.is_zipfile(options.patterns) else []
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
