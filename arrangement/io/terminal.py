"""What the command lines share: parser, reports, progress and exit codes."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn, TextIO

from arrangement._kernels import notice
from arrangement.io.files import check_new_file
from arrangement.io.progress import Bar
from arrangement.io.tables import Table, read_table
from arrangement.options import Listener

_DISTRIBUTION = "convex-relu"
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
# 128 and the signal that ends whoever writes to a closed pipe
EXIT_UNREAD = 141
# an ending that names a format, and not a number as in beta-0.1
_ENDING = re.compile(r"\.[a-z][a-z0-9]*", re.IGNORECASE)


class UsageError(Exception):
    """The arguments cannot be understood."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, written by the caller."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        raise UsageError(f"{message}. See {self.prog} --help.")


class _Version(argparse.Action):
    """Print the version of the distribution, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print it and leave."""
        try:
            text = version(_DISTRIBUTION)
        except PackageNotFoundError:
            text = "of a source tree that is not installed"
        print(f"{parser.prog} ({_DISTRIBUTION}) {text}")
        parser.exit()


def command_line(prog: str, description: str, exits: dict[int, str]) -> Parser:
    """Return a parser that knows --version, and says what its exit codes mean."""
    meanings = exits | {
        EXIT_ERROR: "an error, in one line; no file is left half-written",
        EXIT_INTERRUPTED: "interrupted before there was a result",
        EXIT_UNREAD: "whoever read the output went away",
    }
    lines = [f"  {code:>3}  {meaning}" for code, meaning in meanings.items()]
    parser = Parser(
        prog=prog,
        description=description,
        epilog="\n".join(["exit codes:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version and leave"
    )
    return parser


def say_exit_codes(parser: Parser, commands: Iterable[argparse.ArgumentParser]) -> None:
    """Let the help of each command end as that of the whole does."""
    for command in commands:
        command.epilog = parser.epilog
        command.formatter_class = parser.formatter_class


def run(
    name: str,
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    expected: tuple[type[Exception], ...],
) -> int:
    """Parse, call the command's function, and turn expected errors into one line.

    Returns the exit code: the function's own, 2 for an error, 130 when interrupted,
    141 when standard output was closed by whoever read it.
    """
    caught: tuple[type[Exception], ...] = (*expected, UsageError, OSError)
    try:
        options = parser.parse_args(argv)
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has gone; nothing may be written when Python closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except caught as error:
        print(f"{name}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    return code


def check_output(
    name: str, what: str, endings: Sequence[str], *, option: str = "-o"
) -> Path | None:
    """Return the path of a new file; what is written is what its ending says.

    None for ``-``, standard output, where ``endings`` allow it: a ``-`` among them.

    ``what`` (a plural) is written, as ``endings`` say; a name without one will do.

    Raises
    ------
    InputError
        As `check_new_file`.
    UsageError
        The name is -, or has another ending.
    """
    known = [ending for ending in endings if ending != "-"]
    if name == "-":
        if "-" in endings:
            return None
        raise UsageError(
            f"{option} is '-', but {what} are not written to standard output; give a "
            f"name that ends in {either(known)}."
        )
    path = check_new_file(name)
    ending = path.suffix.lower()
    if _ENDING.fullmatch(ending) and ending not in known:
        raise UsageError(
            f"{option} is {name}, but {what} are not written as {ending}; end the name "
            f"in {either(known)}."
        )
    return path


@contextmanager
def output_path(target: Path | None) -> Iterator[Path]:
    """Yield where to write a file of text: the target, or what then is printed.

    What is printed is whole, as what is written is.
    """
    if target is not None:
        yield target
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        yield path
        with path.open(encoding="utf-8", newline="") as stream:
            shutil.copyfileobj(stream, sys.stdout)


def check_stdout(options: argparse.Namespace, *names: str) -> None:
    """Refuse more than one use of standard output among options that may be ``-``."""
    used = [f"--{name}" for name in names if getattr(options, name) == "-"]
    used += ["--json"] if options.json else []
    if len(used) > 1:
        first, second = (word.replace("--output", "-o") for word in used[:2])
        raise UsageError(
            f"{first} {'' if first == '--json' else '- '}and {second}"
            f"{'' if second == '--json' else ' -'} both write to standard output; "
            "choose one."
        )


def either(words: Sequence[str]) -> str:
    """Return words for a choice.

    Examples
    --------
    >>> either([".csv", ".npz", ".zarr"])
    '.csv, .npz or .zarr'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def check_time_limit(options: argparse.Namespace) -> None:
    """Refuse a ``--time-limit`` that is none, before a table is read."""
    limit = options.time_limit
    if limit is not None and not limit > 0.0:
        raise UsageError(f"--time-limit is {limit:g}; expected seconds above 0.")


def add_jobs(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --jobs; ``what`` does not depend on it."""
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help=f"threads, -1 for one a processor; {what} does not depend on it "
        "(default 1)",
    )


def check_jobs(options: argparse.Namespace) -> None:
    """Refuse a number of ``--jobs`` that is none, before a table is read."""
    if options.jobs < 1 and options.jobs != -1:
        raise UsageError(f"--jobs is {options.jobs}; expected at least 1, or -1.")


def column_list(text: str) -> list[str]:
    """Split ``a,b`` into names; a name with a comma is quoted as in CSV."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in names]


def say_compiling(kernels: Sequence[Any], *, quiet: bool) -> None:
    """Say on stderr that kernels will be compiled, if their cache is empty.

    ``kernels`` are Numba's dispatchers, which keep an index file each, empty or
    outdated before the first run.
    """
    # what follows here is said here, or not at all
    notice.NOTICE.is_said = True
    if quiet or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return
    for kernel in kernels:
        try:
            # the only way to ask; without it (another Numba) nothing is said
            compiled = kernel.signatures or kernel._cache._cache_file._load_index()
        except (AttributeError, OSError):
            continue
        if not compiled:
            print(notice.LINE, file=sys.stderr)
            return


@contextmanager
def progress_bar(unit: str, *, quiet: bool) -> Iterator[Listener | None]:
    """Yield a ``progress`` that draws a bar, or None in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = Bar(unit, leave=False, file=sys.stderr)
    try:
        yield bar
    finally:
        bar.close()


def print_report(
    rows: Sequence[tuple[str, str]], *, file: TextIO | None = None
) -> None:
    """Print aligned ``label  value`` lines, on standard output unless told where."""
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:<{width}}  {value}", file=file)


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
    parser.add_argument(
        "--separator",
        metavar="MARK",
        help="what separates the cells of a CSV: one character, or comma, semicolon, "
        "tab, pipe, space (default: seen from the lines)",
    )
    parser.add_argument(
        "--decimal",
        metavar="MARK",
        help="the decimal mark of a CSV, '.' (default) or ','",
    )
    parser.add_argument(
        "--index",
        metavar="NAME",
        help="the column that numbers or names the rows, which is no data; none: the "
        "first column is data though it has no name",
    )
    parser.add_argument(
        "--missing",
        choices=("error", "drop"),
        default="error",
        help="rows with a missing value in a column that is used: an error (default), "
        "or left out",
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


def table_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return what `add_table_options` added as keywords of `read_table`."""
    names = ("key", "header", "separator", "decimal", "index")
    return {name: getattr(options, name) for name in names}


def open_table(options: argparse.Namespace, file: str | Path) -> Table:
    """Read the table that a command names; ``-`` is standard input."""
    source = sys.stdin.buffer if file == "-" else file
    return read_table(source, **table_options(options))


def with_values(
    options: argparse.Namespace, table: Table, names: Sequence[str]
) -> Table:
    """Leave out the rows without a value in a column that is used, where asked."""
    if options.missing == "error":
        return table
    return table.rows(table.complete(names))


def table_words(options: argparse.Namespace) -> list[str]:
    """Return the options that read the same table once more."""
    words = ["--missing=drop"] if options.missing == "drop" else []
    for name, value in table_options(options).items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value is not None:
            words.append(f"--{name}={value}")
    return words


def names_text(names: Sequence[str]) -> str:
    """Return names for a person: the first twelve."""
    shown = ", ".join(names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12:,} more"


def against_bound(total: int, bound: int) -> str:
    """Return a count beside Cover's bound, for a person."""
    if total == bound:
        return f"{total:,} = Cover's bound"
    return f"{total:,} of Cover's bound {bound:,} ({total / bound:.1%})"
