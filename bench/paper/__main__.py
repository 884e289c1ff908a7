"""Run experiments, each in a process of its own; check, and write what they found.

A full run writes ``bench/paper/results/<name>.json``, ``.md`` and pictures, and brings
the pages up to date that show them.  A quick one (small and made data, a few minutes
for all) writes only where ``--output`` says.  Parts that are done are kept in the
folder of the results and not run again, unless their settings have changed or
``--fresh`` is said.  Data that do not come with the project are read from ``--data`` or
ARRANGEMENT_DATA; an experiment without its data is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import ROOT, setting
from bench.paper import pages
from bench.paper.common import MissingDataError, Options, check_bounds

# What an experiment exits with when its data are missing.
SKIPPED = 3


def run_here(name: str, options: Options) -> dict[str, Any]:
    """Run one experiment in this process, check it; return what it found."""
    module = importlib.import_module(f"bench.paper.{name}")
    start, where = time.perf_counter(), setting()
    result = module.run(options)
    n_checked = check_bounds(result.ends)
    seconds = time.perf_counter() - start
    found = {
        "experiment": name,
        "command": f"python -m bench.paper {name}" + " --quick" * options.quick,
        "seconds": round(sum(float(p["seconds"]) for p in result.parts.values()), 1),
        "setting": where,
        "n_checked": n_checked,
        **result.as_json(),
        "about": (module.__doc__ or "").strip(),
        "texts": [table.text() for table in result.tables],
        "pictures": result.pictures,
    }
    print(*pages.goals(found["goals"]), sep="\n\n", flush=True)
    print(
        f"{name}: {n_checked} ends, none below its certified bound; {seconds:.1f} s",
        flush=True,
    )
    return found


def write(found: dict[str, Any], folder: Path) -> None:
    """Write what an experiment found as JSON, and as a page."""
    folder.mkdir(parents=True, exist_ok=True)
    name = found["experiment"]
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, indent=None)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(pages.page(found), encoding="utf-8")


def read_arguments(words: Sequence[str]) -> argparse.Namespace:
    names = pages.names()
    parser = argparse.ArgumentParser(prog="python -m bench.paper", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names)} (all)")
    parser.add_argument("--quick", action="store_true", help="small instances")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where data lie")
    parser.add_argument("--fresh", action="store_true", help="run all parts again")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    asked.output = asked.output or (None if asked.quick else pages.RESULTS)
    unknown = set(asked.names) - set(names)
    if unknown:
        parser.error(
            f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    if asked.data is not None and not asked.data.is_dir():
        parser.error(f"--data {asked.data} is no folder")
    return asked


def _here(asked: argparse.Namespace) -> int:
    options = Options(asked.quick, asked.output, asked.data, asked.fresh)
    try:
        found = run_here(asked.names[0], options)
    except MissingDataError as reason:
        print(f"skipped: {reason}", file=sys.stderr, flush=True)
        return SKIPPED
    if asked.output is not None:
        write(found, asked.output)
    return 0


def _command(name: str, asked: argparse.Namespace) -> list[str]:
    words = [sys.executable, "-m", "bench.paper", name, "--here"]
    words += ["--quick"] * asked.quick + ["--fresh"] * asked.fresh
    for option in ("output", "data"):
        folder = getattr(asked, option)
        if folder is not None:
            words += [f"--{option}", str(folder.resolve())]
    return words


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line names; 1 when an experiment fails."""
    asked = read_arguments(sys.argv[1:] if words is None else words)
    if asked.here:
        return _here(asked)
    if asked.output is None:
        # one experiment reads what the others have written
        with tempfile.TemporaryDirectory() as folder:
            asked.output = Path(folder)
            return _run_all(asked)
    return _run_all(asked)


def _run_all(asked: argparse.Namespace) -> int:
    failed, skipped = [], []
    for name in asked.names or pages.names():
        print(f"# {name}\n", flush=True)
        try:
            code = subprocess.run(_command(name, asked), cwd=ROOT).returncode
        except KeyboardInterrupt:
            print("stopped; the same command goes on where it was", file=sys.stderr)
            return 130
        if code == SKIPPED:
            skipped.append(name)
        elif code:
            failed.append(name)
        print(flush=True)
    if asked.output.resolve() == pages.RESULTS:
        pages.update()
    if skipped:
        print(f"skipped for want of data: {', '.join(skipped)}", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
