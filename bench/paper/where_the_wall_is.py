"""How far exactness reaches: rows, rank, patterns, seconds, memory, by rank.

- *Exact listing*: all patterns of Gaussian rows in general position (Cover's bound),
  with the proof that none is missing; the list is held in memory.  Every case runs in a
  process of its own, whose peak of resident memory is given less what it was before.
- *Exact optimum*: `solve` to a relative gap of 1e-6 on networks planted in noise
  (rows with a column of ones, beta 0.1), with a limit.  Along a rank the rows grow
  until the limit is met; the last case, which is drawn hollow, is the wall.
- *Certified gap by rank*: what `solve` has certified in a fixed time for 100 rows of
  every rank, at two weight decays, shares of the largest useful one.

Times are of one core.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from arrangement import cover_bound, enumerate_patterns
from bench import instances
from bench.bench_relaxation import largest_price
from bench.harness import Row, apart, peak_bytes
from bench.paper import style
from bench.paper.common import End, Options, Parts, Result, warm_up
from convex_solver import ConvexProgram, solve

NAME = "where_the_wall_is"
# Rows of every rank, growing.
LISTED = {
    2: (100, 1000, 10_000),
    3: (50, 200, 800, 2000),
    4: (30, 60, 120, 240, 360),
    5: (20, 40, 60, 80, 110),
    6: (14, 20, 30, 40),
}
SOLVED = {
    2: (100, 1000, 5000),
    3: (25, 50, 100, 200, 400, 800),
    4: (15, 30, 60, 120),
    5: (12, 25, 50),
    6: (12, 20),
}
RANKS, GAP_ROWS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16), 100
SHARES = (0.3, 0.05)
BETA, TOL = 0.1, 1e-6
LIST_SECONDS, SOLVE_SECONDS, GAP_SECONDS = 40.0, 60.0, 12.0
QUICK_LISTED = {2: (10, 40), 3: (10, 20)}
QUICK_SOLVED = {2: (10, 20), 3: (10,)}
QUICK_RANKS = (2, 3, 7)
# One look for a rank, in the order of ranks.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v")


def list_all(n: int, r: int) -> dict[str, Any]:
    """List and prove; return patterns, seconds and bytes.  In a process of its own.

    The second list is timed, as the first one loads compiled code.
    """
    enumerate_patterns(instances.gaussian(12, r))
    X = instances.gaussian(n, r)
    before = peak_bytes()
    patterns = enumerate_patterns(X)
    size = max(0, peak_bytes() - before)
    found = {"patterns": len(patterns), "bytes": size, "proof": str(patterns.proof)}
    del patterns
    begin = time.perf_counter()
    enumerate_patterns(X)
    return found | {"seconds": time.perf_counter() - begin}


def optimise(n: int, r: int, limit: float) -> dict[str, Any]:
    """Solve a planted problem; return seconds, gap and objective."""
    asked = instances.planted_network(n, r, BETA)
    program = ConvexProgram(asked["X"], asked["y"], BETA)
    return _solved(program, TOL, limit)


def bounded(n: int, r: int, share: float, limit: float) -> dict[str, Any]:
    """Solve with a share of the largest useful beta for a fixed time."""
    asked = instances.planted_network(n, r, 1.0)
    X, y = np.array(asked["X"]), np.array(asked["y"])
    program = ConvexProgram(X, y, share * largest_price(X, y))
    return _solved(program, TOL, limit)


def _solved(program: ConvexProgram, tol: float, limit: float) -> dict[str, Any]:
    solution = solve(program, tol=tol, time_limit=limit)
    return {
        "seconds": solution.seconds,
        "gap": solution.gap,
        "status": solution.status.value,
        "objective": solution.objective,
        "bound": solution.lower_bound,
        "patterns": cover_bound(program.arrangement.n_distinct, program.rank),
    }


def run(options: Options) -> Result:
    result = Result(NAME)
    parts = Parts(result, options)
    warm_up()
    found: dict[str, dict[int, dict[int, Any]]] = {
        "listed": _listed(parts, options),
        "solved": _solved_by_rank(parts, options),
    }
    gaps = _gaps(parts, options)
    for r, cases in found["solved"].items():
        for n, one in cases.items():
            name = f"planted ({n}, {r}), beta {BETA:g}"
            result.end(_end(name, one))
    for share, ranks in gaps.items():
        for r, one in ranks.items():
            result.end(
                _end(f"planted ({GAP_ROWS}, {r}), {share:g} of the largest", one)
            )
    _tables(found, gaps, result)
    result.raw = found | {"gaps": gaps}
    result.pictures += _draw(found, gaps, options)
    return result


def _end(name: str, one: dict[str, Any]) -> End:
    return End(name, "optimal", "solve", one["objective"], one["bound"], one["seconds"])


def _listed(parts: Parts, options: Options) -> dict[int, dict[int, Any]]:
    found: dict[int, dict[int, Any]] = {}
    for r, rows in (QUICK_LISTED if options.quick else LISTED).items():
        found[r] = {}
        for n in rows:

            def work(n: int = n, r: int = r) -> dict[str, Any]:
                if options.quick:
                    return list_all(n, r)
                apart(list_all, n, r)  # which compiles, and keeps it
                return apart(list_all, n, r)

            one = parts.part(f"list {n} {r}", {"n": n, "r": r}, work)
            found[r][n] = one
            # rows that double multiply the patterns by 2^(r - 1)
            if one["seconds"] > LIST_SECONDS / 2 ** (r - 1):
                break
    return found


def _solved_by_rank(parts: Parts, options: Options) -> dict[int, dict[int, Any]]:
    limit = 2.0 if options.quick else SOLVE_SECONDS
    found: dict[int, dict[int, Any]] = {}
    for r, rows in (QUICK_SOLVED if options.quick else SOLVED).items():
        found[r] = {}
        for n in rows:
            settings = {"n": n, "r": r, "limit": limit, "tol": TOL, "beta": BETA}
            one = parts.part(
                f"solve {n} {r}", settings, lambda n=n, r=r: optimise(n, r, limit)
            )
            found[r][n] = one
            if one["status"] != "optimal":
                break
    return found


def _gaps(parts: Parts, options: Options) -> dict[float, dict[int, Any]]:
    limit, n = (1.0, 20) if options.quick else (GAP_SECONDS, GAP_ROWS)
    found: dict[float, dict[int, Any]] = {}
    for share in SHARES:
        found[share] = {
            r: parts.part(
                f"gap {share} {r}",
                {"n": n, "r": r, "share": share, "limit": limit, "tol": TOL},
                lambda r=r, share=share: bounded(n, r, share, limit),
            )
            for r in (QUICK_RANKS if options.quick else RANKS)
        }
    return found


def _tables(
    found: dict[str, dict[int, dict[int, Any]]],
    gaps: dict[float, dict[int, Any]],
    result: Result,
) -> None:
    listed: list[Row] = [
        {
            "rows, rank": f"({n:,}, {r})",
            "patterns": one["patterns"],
            "seconds": one["seconds"],
            "patterns a second": int(one["patterns"] / max(one["seconds"], 1e-9)),
            "MB of memory": one["bytes"] / 1e6,
        }
        for r, cases in found["listed"].items()
        for n, one in cases.items()
    ]
    result.table("Exact listing, proven complete", listed)
    solved: list[Row] = [
        {
            "rows, rank": f"({n:,}, {r})",
            "patterns at most": int(one["patterns"]),
            "seconds": one["seconds"],
            "certified gap": one["gap"],
            "status": one["status"],
        }
        for r, cases in found["solved"].items()
        for n, one in cases.items()
    ]
    formats = {"certified gap": ".1e"}
    result.table(f"Exact optimum, beta {BETA:g}", solved, formats=formats)
    by_rank: list[Row] = []
    for r in next(iter(gaps.values())):
        row: Row = {"rank": str(r)}
        for share, ranks in gaps.items():
            row[f"gap, {share:g} of the largest beta"] = ranks[r]["gap"]
            row[f"seconds, {share:g}"] = ranks[r]["seconds"]
        by_rank.append(row)
    heads = [f"gap, {share:g} of the largest beta" for share in gaps]
    title = f"Certified gap by rank, {GAP_ROWS} rows"
    result.table(title, by_rank, formats=dict.fromkeys(heads, ".1e"))


def _draw(
    found: dict[str, dict[int, dict[int, Any]]],
    gaps: dict[float, dict[int, Any]],
    options: Options,
) -> list[str]:
    figure, axes = style.canvas(2, 2, size=(10.4, 7.6))
    listing, memory, optimum, by_rank = axes.flat
    ranks = sorted({r for cases in found.values() for r in cases})
    for colour, marker, r in zip(COLOURS, MARKERS, ranks, strict=False):
        look: dict[str, Any] = {"color": colour, "marker": marker, "linewidth": 1.3}
        look |= {"markersize": 5.5}
        cases = found["listed"].get(r, {})
        seconds = [one["seconds"] for one in cases.values()]
        listing.plot(list(cases), seconds, label=f"rank {r}", **look)
        held = [(c["patterns"], c["bytes"] / 1e6) for c in cases.values() if c["bytes"]]
        if held:
            memory.plot(*zip(*held, strict=True), **look)
        cases = found["solved"].get(r, {})
        optimum.plot(list(cases), [one["seconds"] for one in cases.values()], **look)
        for n, one in cases.items():
            if one["status"] != "optimal":
                hollow = look | {"markerfacecolor": "white", "zorder": 4}
                optimum.plot([n], [one["seconds"]], **hollow)
    for line, (share, cases) in zip(("-", "--"), gaps.items(), strict=True):
        values = [max(one["gap"], 1e-12) for one in cases.values()]
        by_rank.plot(
            list(cases),
            values,
            color=style.INK,
            linestyle=line,
            marker="o",
            markersize=4.5,
            label=f"beta {share:g} of the largest",
        )
    for one in (listing, memory, optimum):
        one.set_xscale("log")
        one.set_yscale("log")
    by_rank.set_yscale("log")
    by_rank.axhline(TOL, color=style.INK, linewidth=0.8, linestyle=":")
    by_rank.legend(frameon=False, fontsize=8.5, labelcolor=style.INK)
    style.dress(listing, title="exact listing, with proof", x="rows", y="seconds")
    style.dress(
        memory, title="memory of the list", x="patterns", y="MB above the start"
    )
    style.dress(
        optimum,
        title=f"certified optimum, gap {TOL:g} (hollow: not in time)",
        x="rows",
        y="seconds",
    )
    limit = 1.0 if options.quick else GAP_SECONDS
    style.dress(
        by_rank,
        title=f"certified gap in {limit:g} s (dotted: optimal)",
        x="rank",
        y="relative gap",
    )
    style.log_ticks(*axes.flat)
    style.legend_below(figure, [listing])
    return style.save(figure, options.output, NAME)
