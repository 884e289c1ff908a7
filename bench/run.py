"""Run benchmarks, each in a process of its own, and write what they measured.

``python -m bench.run [names] [--quick] [--output DIR]`` in a checkout.  A full run
writes ``bench/results/<name>.json`` and ``.md`` and the index ``bench/RESULTS.md``; a
quick one (small instances, a few minutes for all) writes only where ``--output`` says.
``--against PATH`` times the same work with the packages of another checkout instead.
Set ARRANGEMENT_DATA to the folder of the data sets that do not ship with the project to
include them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import ROOT, Goal, Options, Report, markdown, setting, shown

NAMES = tuple(sorted(p.stem[6:] for p in (ROOT / "bench").glob("bench_*.py")))
RESULTS = ROOT / "bench" / "results"
MOST_LINES, MISSED = 60, ("", "Missed:", "")
MOST_MISSED = 12
INDEX = """# Benchmarks

`python -m bench.run [names]` in a checkout runs them, each in a process of its own with
compilation excluded, checks every answer, and writes this page and the tables it links
to, which tell machine, versions and commit. `--quick` takes small instances and a few
minutes for all; `--plot` draws; `--against PATH` times the same work with the packages
of another checkout, alternating. Of each goal the figure that is nearest to it.
"""


def run_here(name: str, options: Options) -> dict[str, Any]:
    """Run one benchmark in this process; return what it measured."""
    module = importlib.import_module(f"bench.bench_{name}")
    start, where = time.perf_counter(), setting()
    report = Report()
    print("\n".join(f"{key}: {value}" for key, value in where.items()), end="\n\n")
    module.run(options, report)
    about = (module.__doc__ or "").strip()
    text = "\n\n".join(table.text() for table in report.tables)
    return {
        "benchmark": name,
        "command": "python -m bench.run " + " ".join(_words(name, options)),
        "seconds": round(time.perf_counter() - start, 1),
        "setting": where,
        **report.as_json(),
        "about": about,
        "text": text,
        "pictures": report.pictures,
    }


def _words(name: str, options: Options) -> list[str]:
    """Return the arguments that make the same run again."""
    plain = Options()
    words = [name]
    words += ["--quick"] * options.quick + ["--plot"] * (options.plots is not None)
    if options.limit != plain.limit:
        words.append(f"--limit {options.limit:g}")
    if options.starts != plain.starts:
        words.append(f"--starts {options.starts}")
    if options.cases != plain.cases:
        words.append(f"--cases {options.cases}")
    if options.soak != plain.soak:
        words.append(f"--soak {options.soak:g}")
    # an interpreter's path is of one machine
    return words + [f"--peer {peer}=PYTHON" for peer in sorted(options.peers)]


def write(found: dict[str, Any], folder: Path) -> None:
    """Write the figures as JSON and the tables as a page."""
    name = found["benchmark"]
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: found[key] for key in found if key not in ("text", "about")}
    text = json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    lines = [f"- made by: `{found['command']}`, in {found['seconds']:,.0f} s"]
    lines += [f"- {key}: {value}" for key, value in found["setting"].items()]
    pictures = [f"![{Path(p).stem}]({p})" for p in found["pictures"]]
    parts = [f"# {name}", found["about"], "\n".join(lines), found["text"], *pictures]
    page = "\n\n".join(part for part in parts if part)
    (folder / f"{name}.md").write_text(page + "\n", encoding="utf-8")


def index(folder: Path) -> str:
    """Return the page of all goals, from the figures in a folder."""
    linked = "results/" if folder == RESULTS else ""
    rows: list[list[str]] = []
    missed: list[str] = []
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        name = found["benchmark"]
        goals = [Goal(**goal) for goal in found["goals"]]
        by_statement: dict[str, list[Goal]] = {}
        for goal in goals:
            by_statement.setdefault(goal.statement, []).append(goal)
        link, command = f"[{name}]({linked}{name}.md)", f"`{found['command']}`"
        if not goals:
            rows.append([link, command, "none: figures only", "-", "-"])
        groups = list(by_statement.values())
        # those that are met all are one line
        whole = [group for group in groups if all(goal.is_met for goal in group)]
        if whole:
            groups = [group for group in groups if group not in whole]
            groups.append([goal for group in whole for goal in group])
        for group in groups:
            worst = max(group, key=lambda goal: goal.share)
            met = sum(goal.is_met for goal in group)
            rows.append(
                [
                    link,
                    command,
                    worst.statement,
                    _figure(worst),
                    f"{met} of {len(group)}",
                ]
            )
            link = command = ""
        missed += [
            f"- {name}, {goal.statement}: {_figure(goal)}"
            for goal in goals
            if not goal.is_met
        ]
    heads = ["benchmark", "made by", "goal", "nearest to it", "met"]
    parts = [INDEX, markdown(heads, rows) if rows else ""]
    if missed:
        room = MOST_LINES - len("\n".join(parts).splitlines()) - len(MISSED) - 1
        more = len(missed) - min(max(room, 0), MOST_MISSED)
        parts += [*MISSED, *missed[: len(missed) - more]]
        parts += [f"- and {more} more, in the tables"] if more > 0 else []
    return "\n".join(parts) + "\n"


def _figure(goal: Goal) -> str:
    relation = "at least" if goal.at_least else "at most"
    return f"{goal.case}: {shown(goal.found)}, {relation} {goal.limit:g}"


def write_index(folder: Path) -> None:
    """Write the index beside the results of the project, or into another folder."""
    folder.mkdir(parents=True, exist_ok=True)  # also where nothing could be written
    path = (ROOT / "bench" if folder == RESULTS else folder) / "RESULTS.md"
    path.write_text(index(folder), encoding="utf-8")


def read_arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)} (all)")
    parser.add_argument("--quick", action="store_true", help="small instances")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--plot", action="store_true", help="draw too; needs a DIR")
    plain = Options()
    parser.add_argument(
        "--limit", type=float, default=plain.limit, help="seconds a slow case may take"
    )
    parser.add_argument(
        "--starts", type=int, default=plain.starts, help="local searches an instance"
    )
    parser.add_argument(
        "--cases", type=int, default=plain.cases, help="cases of the first fuzzer"
    )
    parser.add_argument(
        "--soak", type=float, default=plain.soak, help="seconds of random calls"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="interpreter that has a peer: sage, polypart, e01loss or pyscnn",
    )
    parser.add_argument("--against", type=Path, metavar="PATH", help="other checkout")
    parser.add_argument(
        "--rounds", type=int, default=3, help="pairs of processes (--against)"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    asked.output = asked.output or (None if asked.quick else RESULTS)
    if asked.against is not None:
        return asked
    unknown = set(asked.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; {', '.join(NAMES)}")
    if not all("=" in peer for peer in asked.peer):
        parser.error("--peer takes NAME=PYTHON")
    if asked.plot and asked.output is None:
        parser.error("--plot with --quick needs --output DIR for the pictures")
    return asked


def _passed_on(asked: argparse.Namespace) -> list[str]:
    """Return the options for the process of one benchmark."""
    words = ["--quick"] * asked.quick + ["--plot"] * asked.plot
    if asked.output is not None:
        words += ["--output", str(asked.output.resolve())]
    words += ["--limit", str(asked.limit), "--starts", str(asked.starts)]
    words += ["--cases", str(asked.cases), "--soak", str(asked.soak)]
    for peer in asked.peer:
        words += ["--peer", peer]
    return words


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line names; 1 when a benchmark fails, whatever its times."""
    asked = read_arguments(sys.argv[1:] if words is None else words)
    if asked.against is not None:
        from bench import compare  # with all packages that the work needs

        return compare.run(asked.against, asked.names, asked.rounds, quick=asked.quick)
    if asked.here:
        options = Options(
            quick=asked.quick,
            limit=asked.limit,
            starts=asked.starts,
            cases=asked.cases,
            soak=asked.soak,
            peers=dict(peer.split("=", 1) for peer in asked.peer),
            plots=asked.output if asked.plot else None,
        )
        if asked.output is not None:
            asked.output.mkdir(parents=True, exist_ok=True)  # pictures come first
        found = run_here(asked.names[0], options)
        if asked.output is not None:
            write(found, asked.output)
        return 0
    failed = []
    for name in asked.names or NAMES:
        print(f"# {name}\n", flush=True)
        command = [
            sys.executable,
            "-m",
            "bench.run",
            name,
            "--here",
            *_passed_on(asked),
        ]
        if subprocess.run(command, cwd=ROOT).returncode:
            failed.append(name)
    if asked.output is not None:
        write_index(asked.output)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
