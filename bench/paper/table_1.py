"""Table 1: time, objective and accuracy of every method, beside the paper's figures.

Read from what the other experiments have written; nothing is run. All ends are held
against the certified bounds once more. Of the paper two figures are cited: the
objective of Figure 2's optimum and the time of Figure 3's. The others stand in its
Table 1; they are left out rather than quoted from memory, and a dash marks their
places. Times are of other machines and, where the data are made, of other data: they
are for reference only.
"""

from __future__ import annotations

from typing import Any

from bench.harness import Row
from bench.paper import pages
from bench.paper.common import End, MissingDataError, Options, Result, gap_text

# Figures as the paper prints them: problem and method, seconds, objective, accuracy.
PRINTED: dict[tuple[str, str], tuple[str | None, str | None, str | None]] = {
    ("Figure 2, m = 8", "optimal"): (None, "0.001", None),
    ("Figure 2, m = 15", "optimal"): (None, "0.001", None),
    ("Figure 2, m = 50", "optimal"): (None, "0.001", None),
    ("Figure 3, n = 50", "optimal"): ("118", None, None),
}
# Experiments whose problems are the paper's.
PAPERS = (
    "toy_1d",
    "toy_2d",
    "boston",
    "kinematics",
    "bank",
    "relu_cnn",
    "circular_cnn",
)
SHOWN = {"objective": ".5g", "accuracy, %": ".1f", "test error": ".3g"}


def ends_of(found: dict[str, Any]) -> list[End]:
    """Return the ends that an experiment wrote."""
    return [End(**end) for end in found["ends"]]


def row(end: End) -> Row:
    """Return the row of one method on one problem."""
    seconds, objective, accuracy = PRINTED.get((end.problem, end.method), (None,) * 3)
    ours = end.test_accuracy if end.test_accuracy is not None else end.train_accuracy
    return {
        "problem": end.problem,
        "method": end.label,
        "seconds": end.seconds,
        "paper's s": seconds,
        "objective": end.objective,
        "paper's": objective,
        "gap": gap_text(end.gap),
        "accuracy, %": ours,
        "test error": end.test_error,
        "paper's accuracy": accuracy,
    }


def run(options: Options) -> Result:
    result = Result("table_1")
    results = pages.read_results(options.output) if options.output else {}
    results.pop("table_1", None)
    if not results:
        raise MissingDataError(
            "Table 1 is read from the results of the other experiments, and there are "
            f"none in {options.output}; run those first."
        )
    for found in results.values():
        result.end(*ends_of(found))
    shown = [
        end for name in PAPERS if name in results for end in ends_of(results[name])
    ]
    result.table(
        "Table 1, ours beside the paper's",
        [row(end) for end in shown],
        formats=SHOWN,
        note="Seconds of all starts of a method, objective of the best of them; gap is "
        "to the certified bound; accuracy on the test samples, or on the training "
        "samples where there are no others. A dash: the method has none, or the "
        "paper's figure is not cited.",
    )
    missing = [name for name in pages.names()[:-1] if name not in results]
    result.raw["missing"] = missing
    if missing:
        print(f"not in the table, as they have not run: {', '.join(missing)}")
    return result
