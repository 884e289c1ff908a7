"""What the experiments share: options, parts that are kept, results, the check.

An experiment is a module ``bench/paper/<name>.py`` with ``run(options) -> Result``.  It
works in parts (`Parts.part`), each of which is kept when it is done, says where every
method ended (`Result.end`), and draws.  ``python -m bench.paper`` does the rest.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.harness import Report, Row, WrongAnswerError, data_folder, setting

if TYPE_CHECKING:
    from convex_solver import Training

# Objectives are sums in float64 of non-negative terms, off by less than this, relative;
# certified bounds are rounded to the safe side and need no such allowance.
ROUNDING = 1e-12
# Points of a curve that are kept for the pictures.
KEPT_POINTS = 120


class MissingDataError(Exception):
    """Data that an experiment needs are not on this machine."""


@dataclass(frozen=True)
class Options:
    """What the command line asks of an experiment.

    ``output`` is the folder for results and kept parts; None writes nothing.
    """

    quick: bool = False
    output: Path | None = None
    data: Path | None = None
    fresh: bool = False

    def data_file(self, name: str) -> Path:
        """Return the path of a data file, or say what is missing and where."""
        folder = self.data or data_folder()
        if folder is None:
            raise MissingDataError(
                f"{name} does not come with the project; name a folder that holds it "
                "by --data or ARRANGEMENT_DATA."
            )
        if not (folder / name).is_file():
            raise MissingDataError(f"there is no {name} in {folder}.")
        return folder / name


@dataclass(frozen=True)
class End:
    """Where one method ended on one problem.

    Attributes
    ----------
    problem, method, label : str
        ``method`` is a key of `bench.paper.style.METHODS`; ``label`` says more.
    objective : float
        Objective (2) of the network it returned; the best of several starts.
    lower_bound : float or None
        Certified lower bound of the optimum of this problem, the best that is known.
    seconds : float
        Of the whole method, all its starts included, without compilation.
    train_accuracy, test_accuracy : float or None
        Percent.
    test_error : float or None
        Mean squared error on samples that were not used.
    worst : float or None
        Objective of the worst of several starts.
    """

    problem: str
    method: str
    label: str
    objective: float
    lower_bound: float | None
    seconds: float
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    test_error: float | None = None
    worst: float | None = None

    @property
    def gap(self) -> float | None:
        """How far it can be above the optimum, relative to the objective."""
        if self.lower_bound is None or self.objective <= 0.0:
            return None
        return max(0.0, 1.0 - self.lower_bound / self.objective)


@dataclass
class Result(Report):
    """Tables, goals and pictures (as `bench.harness.Report`), ends, and raw figures.

    ``raw`` is what the pictures are drawn from, small; it goes into the JSON file.
    """

    name: str
    ends: list[End] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def end(self, *ends: End) -> None:
        """Add where methods ended."""
        self.ends += ends

    def as_json(self) -> dict[str, Any]:
        return plain(
            {
                **super().as_json(),
                "ends": [asdict(end) for end in self.ends],
                "raw": self.raw,
                "parts": self.parts,
            }
        )


def check_bounds(ends: Iterable[End]) -> int:
    """Stop if a method ended below a certified lower bound; return how many were read.

    This is the one place where it is checked, for every experiment.  All ends of one
    problem are held against the largest bound that any of them knows.

    Raises
    ------
    WrongAnswerError
        Names every method that ended below.
    """
    ends = list(ends)
    best: dict[str, float] = {}
    for end in ends:
        if end.lower_bound is not None:
            known = best.get(end.problem, -math.inf)
            best[end.problem] = max(known, end.lower_bound)
    below = []
    n_checked = 0
    for end in ends:
        if end.problem not in best:
            continue
        n_checked += 1
        least = best[end.problem]
        # not "<", so that an objective that is no number fails
        if not end.objective >= least - ROUNDING * abs(least):
            below.append(
                f"{end.problem}, {end.label}: {end.objective!r} is below the certified "
                f"bound {least!r}"
            )
    if below:
        raise WrongAnswerError("; ".join(below))
    return n_checked


class Parts:
    """Pieces of work of one experiment, each kept as JSON when it is done.

    Parameters
    ----------
    result : Result
        Is told when and by which commit each part was made.
    options : Options
    """

    def __init__(self, result: Result, options: Options) -> None:
        self._result = result
        self._fresh = options.fresh
        self._folder = options.output and options.output / "parts" / result.name

    def part(
        self, name: str, settings: dict[str, Any], work: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what ``work()`` gives, as JSON gives it back; from a file if it can.

        A part is run again if there is none, its settings differ, or all shall be
        fresh.  ``settings`` must hold all that the answer depends on but the code.
        """
        settings = plain(settings)
        kept = None if self._fresh else self._read(name, settings)
        if kept is None:
            print(f"{self._result.name}, {name}: running", flush=True)
            start = time.perf_counter()
            answer = plain(work())
            seconds = time.perf_counter() - start
            where = setting()
            kept = {"settings": settings, "setting": where, "answer": answer}
            kept["seconds"] = round(seconds, 2)
            self._write(name, kept)
            print(f"{self._result.name}, {name}: {seconds:.1f} s", flush=True)
        else:
            print(f"{self._result.name}, {name}: done before, kept", flush=True)
        where = kept["setting"]
        self._result.parts[name] = {
            "seconds": kept["seconds"],
            "commit": where["commit"],
            "date": where["date"],
            "machine": where["machine"],
        }
        answer = kept["answer"]
        return answer

    def _path(self, name: str) -> Path | None:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        return self._folder and self._folder / f"{safe}.json"

    def _read(self, name: str, settings: dict[str, Any]) -> dict[str, Any] | None:
        path = self._path(name)
        if path is None or not path.is_file():
            return None
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return None  # a run that was killed while it wrote
        return kept if kept.get("settings") == settings else None

    def _write(self, name: str, kept: dict[str, Any]) -> None:
        path = self._path(name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(kept, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back: lists, and None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def thinned(*columns: Any, most: int = KEPT_POINTS) -> list[list[Any]]:
    """Return columns of a curve with few points: first and last, denser at the start.

    The points are even in the logarithm of their number, as pictures of training are.
    """
    n = len(columns[0])
    if n > most:
        chosen = np.unique(np.geomspace(1, n, most).astype(int) - 1)
    else:
        chosen = np.arange(n)
    return [[float(f"{float(column[i]):.7g}") for i in chosen] for column in columns]


def curves(training: Training) -> list[dict[str, list[float]]]:
    """Return the objectives of each start of a training against time and steps.

    Starts run side by side; the seconds of a step are those of the call, divided by
    the number of steps.  Objectives are those of the iterates, as they were.
    """
    last = max(int(training.steps[-1]), 1)
    seconds = training.seconds * training.steps / last
    found = []
    for history in training.history.T:
        good = np.isfinite(history)
        columns = thinned(seconds[good], training.steps[good], history[good])
        names = ("seconds", "steps", "objective")
        found.append(dict(zip(names, columns, strict=True)))
    return found


def warm_up(loss: str = "squared") -> None:
    """Compile what a solver needs, so that no time below holds it."""
    # here, so that the driver and its pages do not wait for the packages
    from convex_solver import ConvexProgram, solve

    random = np.random.default_rng(0)
    X = np.column_stack([random.standard_normal((12, 2)), np.ones(12)])
    y = np.where(X[:, 0] > 0.1, 1.0, -1.0)
    y[:2] *= -1.0
    solve(ConvexProgram(X, y, 0.1, loss=loss), tol=1e-6)


def accuracy(outputs: Any, y: Any) -> float:
    """Return the percentage of signs that are right; an output of 0 is class +1."""
    classes = np.where(np.asarray(outputs) >= 0.0, 1.0, -1.0)
    return 100.0 * float(np.mean(classes == np.asarray(y)))


def gap_text(gap: float | None) -> str | None:
    """Return a relative gap as people read it: in percent unless it is tiny."""
    if gap is None:
        return None
    return f"{100.0 * gap:.2f}%" if gap >= 5e-5 else f"{gap:.0e}"


def end_rows(ends: Iterable[End]) -> list[Row]:
    """Return the rows of a table of ends, without columns that nobody has."""
    rows: list[Row] = []
    columns = {
        "train accuracy, %": "train_accuracy",
        "test accuracy, %": "test_accuracy",
        "test error": "test_error",
        "worst start": "worst",
    }
    ends = list(ends)
    kept = {
        head: name
        for head, name in columns.items()
        if any(getattr(end, name) is not None for end in ends)
    }
    for end in ends:
        row: Row = {"problem": end.problem, "method": end.label}
        row |= {"seconds": end.seconds, "objective": end.objective}
        if "worst start" in kept:
            row["worst start"] = end.worst
        row |= {"certified bound": end.lower_bound, "true gap": gap_text(end.gap)}
        for head, name in kept.items():
            row.setdefault(head, getattr(end, name))
        rows.append(row)
    return rows


# How `end_rows` are shown.
SHOWN = {
    "objective": ".7g",
    "worst start": ".7g",
    "certified bound": ".7g",
    "train accuracy, %": ".1f",
    "test accuracy, %": ".1f",
    "test error": ".4g",
}
