"""The pages that show results: what stands between two marks is made from the files.

A page has, for an experiment, a line ``<!-- begin NAME -->`` and one ``<!-- end NAME
-->``; `update` puts between them its tables and pictures.  The words around them are
written by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bench.harness import ROOT, Goal, markdown, shown
from bench.paper.common import gap_text

FOLDER = ROOT / "bench" / "paper"
RESULTS = FOLDER / "results"
PAGE = FOLDER / "README.md"
FRONT = ROOT / "README.md"
# In the order of the paper; those that others are read from come before them.
ORDER = (
    "toy_1d",
    "toy_2d",
    "boston",
    "kinematics",
    "bank",
    "relu_cnn",
    "circular_cnn",
    "what_exactness_buys",
    "where_the_wall_is",
    "table_1",
)

# Rows of the short table of the project's page: experiment, problem, what it is.
SUMMARY = (
    ("toy_1d", "Figure 2, m = 8", "five points, 8 neurons"),
    ("toy_2d", "Figure 3, n = 50", "50 points of the plane, hinge loss"),
    ("boston", "boston", "Boston housing, 400 rows, 13 columns"),
    ("kinematics", "kinematics", "kinematics, 4,000 rows, 8 columns"),
    ("bank", "bank", "bank, 4,000 rows, 32 columns"),
)
TRAINED = ("sgd", "adam", "gd")
SAMPLED = ("approximate", "alg1", "alg2", "alg3", "pyscnn")


def names() -> tuple[str, ...]:
    """Return the experiments that there are."""
    return tuple(name for name in ORDER if (FOLDER / f"{name}.py").is_file())


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the experiments found, by name, of those that have run."""
    paths = {name: folder / f"{name}.json" for name in names()}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


def block(found: dict[str, Any], linked: str = "") -> str:
    """Return pictures, tables, goals and how they were made; headings are bold lines.

    ``linked`` is the folder of the pictures, as the page sees it.
    """
    pictures = [f"![{Path(p).stem}]({linked}{p})" for p in found["pictures"]]
    seconds = f" in {float(found['seconds']):,.0f} s" if found["parts"] else ""
    made = (
        f"Made by `{found['command']}`{seconds}; {found['n_checked']} ends checked, "
        "none below its certified bound."
    )
    texts = [re.sub(r"\A## (.*)", r"**\1**", text) for text in found["texts"]]
    return "\n\n".join([*pictures, *texts, *goals(found["goals"]), made])


def goals(found: list[dict[str, Any]]) -> list[str]:
    """Return one list of all goals, with the verdict first."""
    lines = [
        f"- {'met' if goal.is_met else 'MISSED'}: {goal.statement}, {goal.case}: "
        f"{goal.found:.4g}, {'at least' if goal.at_least else 'at most'} {goal.limit:g}"
        for goal in (Goal(**one) for one in found)
    ]
    return ["\n".join(lines)] if lines else []


def page(found: dict[str, Any]) -> str:
    """Return the page of one experiment."""
    where = [f"- {key}: {value}" for key, value in found["setting"].items()]
    parts = [
        f"- part `{name}`: {part['seconds']} s, commit {part['commit']}, {part['date']}"
        for name, part in found["parts"].items()
    ]
    sections = [
        f"# {found['experiment']}",
        found["about"],
        "\n".join(where),
        block(found),
        "\n".join(["Parts:", "", *parts]) if parts else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def summary(results: dict[str, dict[str, Any]]) -> str:
    """Return the short table: the best of each kind of method, and what is certified.

    Objectives; ours has its certified bound, gap and seconds.
    """
    rows = []
    for name, problem, what in SUMMARY:
        if name not in results:
            continue
        ends = [end for end in results[name]["ends"] if end["problem"] == problem]
        bound = max(end["lower_bound"] for end in ends)

        def best(methods: tuple[str, ...], ends: Any = ends) -> dict[str, Any] | None:
            found = [end for end in ends if end["method"] in methods]
            return min(found, key=lambda end: end["objective"], default=None)

        row = [what]
        for methods in (("sgd",), TRAINED[1:], SAMPLED, ("optimal",)):
            end = best(methods)
            row.append("-" if end is None else f"{end['objective']:.7g}")
        ours = best(("optimal",))
        gap = max(0.0, 1.0 - bound / ours["objective"]) if ours else None
        row += [f"{bound:.7g}", shown(gap_text(gap)), shown(ours and ours["seconds"])]
        rows.append(row)
    heads = ["problem", "SGD", "Adam, GD", "some patterns", "ours"]
    heads += ["certified bound", "gap", "seconds"]
    return markdown(heads, rows)


def filled(text: str, blocks: dict[str, str]) -> str:
    """Return a page with new blocks between the marks of these names."""
    for name, content in blocks.items():
        marks = re.compile(
            rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)",
            re.DOTALL,
        )
        text = marks.sub(lambda m, c=content: f"{m[1]}\n{c}\n\n{m[2]}", text)
    return text


def contents() -> dict[Path, str]:
    """Return the pages as they should be, with the results that there are."""
    found = read_results(RESULTS)
    blocks = {
        name: block(found[name], "results/")
        if name in found
        else f"Not run yet: `python -m bench.paper {name}`."
        for name in names()
    }
    front = {"what it shows": summary(found)} if found else {}
    return {
        PAGE: filled(PAGE.read_text(encoding="utf-8"), blocks),
        FRONT: filled(FRONT.read_text(encoding="utf-8"), front),
    }


def update() -> None:
    """Bring the pages up to date."""
    for path, text in contents().items():
        path.write_text(text, encoding="utf-8")
