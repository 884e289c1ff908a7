"""What the command lines share: parser, reports, progress and exit codes."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from arrangement.io.files import check_new_file
from arrangement.options import Listener, Progress

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
# endings that say what a file holds, to a person and to other programs
_FORMATS = frozenset(
    f".{ending}"
    for ending in re.findall(
        r"\w+",
        "cbf csv gz h5 hdf5 html jpg json mat npy npz parquet pdf pickle pkl png svg "
        "tsv txt xls xlsx zarr zip",
    )
)


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


def check_output(name: str, what: str, endings: Sequence[str]) -> Path:
    """Return the path of a new file; its name may not say that it is of another format.

    ``what`` (a plural) is written, as ``endings`` say; a name without one will do.

    Raises
    ------
    InputError
        As `check_new_file`.
    UsageError
        The name is -, or has the ending of another format.
    """
    if name == "-":
        raise UsageError(
            f"-o is '-', but {what} are not written to standard output; give a path"
        )
    path = check_new_file(name)
    ending = path.suffix.lower()
    if ending in _FORMATS and ending not in endings:
        raise UsageError(
            f"-o is {name}, but {what} are not written as {ending}; end the name in "
            f"{' or '.join(endings)}"
        )
    return path


def check_time_limit(options: argparse.Namespace) -> None:
    """Refuse a ``--time-limit`` that is none, before a table is read."""
    limit = options.time_limit
    if limit is not None and not limit > 0.0:
        raise UsageError(f"--time-limit is {limit:g}; expected seconds above 0")


def column_list(text: str) -> list[str]:
    """Split ``a,b`` into names; a name with a comma is quoted as in CSV."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in names]


def say_compiling(kernels: Sequence[Any], *, quiet: bool) -> None:
    """Say on stderr that kernels will be compiled, if their cache is empty.

    ``kernels`` are Numba's dispatchers, which keep an index file each, empty or
    outdated before the first run.
    """
    if quiet or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return
    for kernel in kernels:
        try:
            # the only way to ask; without it (another Numba) nothing is said
            compiled = kernel.signatures or kernel._cache._cache_file._load_index()
        except (AttributeError, OSError):
            continue
        if not compiled:
            print(
                "Compiling the kernels (first run only, up to a minute)...",
                file=sys.stderr,
            )
            return


@contextmanager
def progress_bar(unit: str, *, quiet: bool) -> Iterator[Listener | None]:
    """Yield a ``progress`` that draws a bar, or None in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=unit, unit_scale=True, leave=False, file=sys.stderr) as bar:

        def show(latest: Progress) -> None:
            if latest.done is None:
                bar.set_description_str(latest.message)
                return
            bar.total = latest.total
            bar.update((latest.done or 0) - bar.n)

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


def table_words(options: argparse.Namespace) -> list[str]:
    """Return the options that read the same table once more."""
    words = []
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
