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

from bench.harness import ROOT

FOLDER = ROOT / "bench" / "paper"
RESULTS = FOLDER / "results"
PAGE = FOLDER / "README.md"
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
    """Return tables, pictures and how they were made; ``linked`` is the folder."""
    pictures = [f"![{Path(p).stem}]({linked}{p})" for p in found["pictures"]]
    made = (
        f"Made by `{found['command']}` in {float(found['seconds']):,.0f} s; "
        f"{found['n_checked']} ends checked, none below its certified bound."
    )
    return "\n\n".join([*pictures, *_lower(found["texts"]), made])


def _lower(texts: list[str]) -> list[str]:
    """Make headings of tables bold lines, for a page with headings of its own."""
    return [re.sub(r"^## (.*)$", r"**\1**", text, count=1) for text in texts]


def page(found: dict[str, Any]) -> str:
    """Return the page of one experiment."""
    where = [f"- {key}: {value}" for key, value in found["setting"].items()]
    parts = [
        f"- part `{name}`: {part['seconds']} s, commit {part['commit']}, {part['date']}"
        for name, part in found["parts"].items()
    ]
    goals = [
        f"- {goal['statement']}, {goal['case']}: {goal['found']:.4g} "
        f"({'at least' if goal['at_least'] else 'at most'} {goal['limit']:g})"
        for goal in found["goals"]
    ]
    sections = [
        f"# {found['experiment']}",
        found["about"],
        "\n".join(where),
        block(found),
        "\n".join(["Goals:", "", *goals]) if goals else "",
        "\n".join(["Parts:", "", *parts]) if parts else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


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
    blocks = {name: block(one, "results/") for name, one in found.items()}
    return {PAGE: filled(PAGE.read_text(encoding="utf-8"), blocks)}


def update() -> None:
    """Bring the pages up to date."""
    for path, text in contents().items():
        path.write_text(text, encoding="utf-8")
