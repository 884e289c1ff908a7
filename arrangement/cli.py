"""The command line ``arrangement``: count, enumerate, verify.

Also what ``convex-solver`` needs of the same kind: one way to end with an error, to
show progress, and to say that kernels are being compiled.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from arrangement.arithmetic import make_layout
from arrangement.arrangement import Arrangement
from arrangement.counting import count_patterns, cover_bound
from arrangement.enumeration import enumerate_patterns
from arrangement.errors import ArrangementError, IncompleteListingError
from arrangement.patterns import PatternSet
from arrangement.storage import open_patterns, write_patterns
from arrangement.tables import check_new_file, read_table, with_ones
from arrangement.verification import verify

EXIT_UNPROVEN = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

_COUNTING = (("arrangement._kernels.counting", "advance"),)
PROVING = (("arrangement._kernels.proof", "check_signs"),)
_VERIFYING = (*PROVING, ("arrangement._kernels.proof", "margin_direction"))


class UsageError(Exception):
    """The arguments cannot be understood."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, written by the caller."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        raise UsageError(f"{message}. See {self.prog} --help.")


def run(
    name: str,
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    expected: tuple[type[Exception], ...],
) -> int:
    """Parse, call the command's function, and turn expected errors into one line.

    Returns the exit code: the function's own, 2 for an error, 130 when interrupted.
    """
    caught: tuple[type[Exception], ...] = (*expected, UsageError, OSError)
    try:
        options = parser.parse_args(argv)
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has gone; nothing may be written when Python closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except caught as error:
        print(f"{name}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    return code


def column_list(text: str) -> list[str]:
    """Split ``a,b`` into names; a name with a comma is quoted as in CSV."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in names]


def listing_kernels(arrangement: Arrangement) -> tuple[tuple[str, str], ...]:
    """Kernels that a proven listing of the arrangement needs."""
    if arrangement.cone.rank == 0:
        return PROVING
    walk = "walk_floats" if make_layout(arrangement).n_digits else "walk_ints"
    return ((f"arrangement._kernels.{walk}", "advance"), *PROVING)


def say_compiling(
    entries: Sequence[tuple[str, str]], *, quiet: bool, seconds: int = 15
) -> None:
    """Say on stderr that kernels will be compiled, if their cache is empty.

    ``entries`` are (module, function); Numba keeps an index file for each, which is
    empty or outdated before the first run.  ``seconds`` is about how long it takes.
    """
    if quiet or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return
    for module, function in entries:
        try:
            kernel = getattr(importlib.import_module(module), function)
            # the only way to ask; without it (another Numba) nothing is said
            compiled = kernel.signatures or kernel._cache._cache_file._load_index()
        except (AttributeError, ImportError, OSError):
            continue
        if not compiled:
            print(
                f"Compiling the kernels (first run only, about {seconds} s)...",
                file=sys.stderr,
            )
            return


@contextmanager
def progress_bar(
    unit: str, *, quiet: bool
) -> Iterator[Callable[[int, int], object] | None]:
    """Yield a function ``(done, total)`` that draws a bar, or None in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=unit, unit_scale=True, leave=False, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def print_report(rows: Sequence[tuple[str, str]]) -> None:
    """Print aligned ``label  value`` lines."""
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:<{width}}  {value}")


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(values, allow_nan=False))


def seconds_text(seconds: float) -> str:
    """Return a duration for a person."""
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def add_table_options(parser: argparse.ArgumentParser, *, floats: bool = True) -> None:
    """Add what every command that reads a table understands.

    ``floats=False`` leaves out --floats, where a model says how they were read.
    """
    parser.add_argument("--key", metavar="NAME", help="the array of an npz file")
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line of a CSV holds names (default: seen from it)",
    )
    if floats:
        parser.add_argument(
            "--floats",
            choices=("binary", "decimal"),
            default="binary",
            help="read floats of npy and npz as binary numbers (default) or "
            "as their shortest decimals; CSV is always read as the decimals it shows",
        )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``arrangement``."""
    parser = Parser(
        prog="arrangement",
        description="Every sign pattern 1[X z >= 0] of a matrix X, exactly.",
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
    for command in (count, listing, check):
        command.add_argument(
            "file", metavar="FILE", help="CSV, npy or npz; one row a line"
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
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``arrangement`` and return its exit code (0 done, 1 not proven, 2 error)."""
    return run("arrangement", build_parser(), argv, (ArrangementError,))


def _read(options: argparse.Namespace) -> Arrangement:
    table = read_table(options.file, key=options.key, header=options.header)
    X = table.numbers(options.columns)
    return Arrangement(with_ones(X) if options.intercept else X, floats=options.floats)


def _count(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    arrangement = _read(options)
    say_compiling(_COUNTING, quiet=options.json, seconds=5)
    total = count_patterns(arrangement)
    bound = cover_bound(arrangement.n_distinct, arrangement.rank)
    values = _facts(options, arrangement, total, bound) | {
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
        check_new_file(options.output)
        write = _write_npz
    arrangement = _read(options)
    say_compiling(listing_kernels(arrangement), quiet=options.json)
    with progress_bar(" patterns", quiet=options.json) as progress:
        written = write(options, arrangement, progress)
    values = _facts(options, arrangement, written["patterns"], written["bound"])
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
    progress: Callable[[int, int], object] | None,
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
    progress: Callable[[int, int], object] | None,
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
        "proven": stored.is_proven,
        "proof": stored.proof if stored.is_proven else None,
        "plan": stored.plan,
        "output": options.output,
        "bytes": sum(file.stat().st_size for file in stored.path.iterdir()),
    }


def _verify(options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    patterns = (
        open_patterns(options.patterns)
        if Path(options.patterns).is_dir() or Path(options.patterns).suffix == ".zarr"
        else PatternSet.load(options.patterns)
    )
    arrangement = _read(options)
    say_compiling(_VERIFYING, quiet=options.json)
    try:
        proof = (
            verify(patterns, arrangement)
            if isinstance(patterns, PatternSet)
            else patterns.verify(arrangement)
        )
    except IncompleteListingError as error:
        print(f"arrangement: not proven: {error}", file=sys.stderr)
        if options.json:
            print_json({"proven": False, "reason": str(error)})
        return EXIT_UNPROVEN
    values = _facts(options, arrangement, proof.n_patterns, proof.bound) | {
        "patterns_file": options.patterns,
        "proven": True,
        "proof": str(proof),
        "seconds": time.perf_counter() - begin,
    }
    if options.json:
        print_json(values)
        return 0
    print_report(
        [
            ("list", options.patterns),
            *_lines(options, values),
            ("proven", _proof_text(values["proof"])),
            ("time", seconds_text(values["seconds"])),
        ]
    )
    return 0


def _facts(
    options: argparse.Namespace, arrangement: Arrangement, total: int, bound: int
) -> dict[str, Any]:
    return {
        "file": options.file,
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
    ones = ", the last a column of ones" if options.intercept else ""
    return [
        ("file", options.file),
        ("rows", f"n = {values['n']:,}"),
        ("columns", f"d = {values['d']:,}{ones}"),
        ("rank", f"r = {values['rank']}"),
        ("hyperplanes", f"{values['distinct_hyperplanes']:,} distinct"),
        ("patterns", against_bound(values["patterns"], values["bound"])),
    ]


def against_bound(total: int, bound: int) -> str:
    """Return a count beside Cover's bound, for a person."""
    if total == bound:
        return f"{total:,} = Cover's bound"
    return f"{total:,} of Cover's bound {bound:,} ({total / bound:.1%})"


def _proof_text(proof: str | None) -> str:
    return "no, as asked" if proof is None else f"yes: {proof}"
