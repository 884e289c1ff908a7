"""The driver of the benchmarks: what it writes, and that a wrong answer stops it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"


def python(*words: str, timeout: float = 600.0) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout: there is the package of the benchmarks."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_the_index_is_generated_short_and_says_how_each_figure_is_made():
    text = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    code = "from bench.run import RESULTS, index; print(index(RESULTS), end='')"
    assert python("-c", code).stdout == text
    for path in RESULTS.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        command = f"python -m bench.run {path.stem}"
        assert found["command"].startswith(command)
        assert "--quick" not in found["command"]
        assert {"machine", "versions", "commit", "date"} <= set(found["setting"])
        page = path.with_suffix(".md").read_text(encoding="utf-8")
        assert all(text in page for text in (command, *found["setting"].values()))
        assert f"(results/{path.stem}.md)" in text


def test_pages_show_pictures_that_exist_and_no_picture_is_left_over():
    pages = "\n".join(path.read_text(encoding="utf-8") for path in RESULTS.glob("*.md"))
    drawn = set(re.findall(r"\]\(([^)]*\.png)\)", pages))
    assert drawn == {path.name for path in RESULTS.glob("*.png")}


def test_answers_of_two_checkouts_are_compared():
    cases = [
        ([5, 1.0], [5, 1.0 + 1e-12], False),
        ([5, 1.0], [5, 1.0 + 1e-6], True),
        ([5, 1.0], [6, 1.0], True),
        (["a"], ["b"], True),
        ([1], [1, 2], True),
    ]
    pairs = [case[:2] for case in cases]
    code = f"from bench.compare import differ; print([differ(*p) for p in {pairs!r}])"
    assert python("-c", code).stdout.strip() == str([case[2] for case in cases])


@pytest.mark.slow
def test_what_is_not_there_is_refused():
    done = python("-m", "bench.run", "listings")
    assert done.returncode == 2
    assert "no benchmark listings" in done.stderr
    done = python("-m", "bench.run", "--against", str(ROOT / "tests"))
    assert done.returncode == 2
    assert "is no checkout" in done.stderr


@pytest.mark.slow
def test_a_wrong_answer_stops_a_benchmark():
    code = """
from bench import bench_counting, run
bench_counting.count_patterns = lambda rows: 7
bench_counting.cases = lambda *, quick: [("random", "wrong", [[1, 0], [0, 1]])]
bench_counting.apart = lambda work, *arguments: work(*arguments)
run.main(["counting", "--quick", "--here"])
"""
    done = python("-c", code)
    assert done.returncode == 1
    assert "wrong: 4 found, 7 expected" in done.stderr


@pytest.mark.slow
def test_a_quick_run_writes_its_figures(tmp_path):
    names = ["counting", "peers"]
    words = ("-m", "bench.run", *names, "--quick", "--output", str(tmp_path))
    done = python(*words)
    assert done.returncode == 0, done.stderr
    index = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    for name in names:
        found = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert found["command"] == f"python -m bench.run {name} --quick"
        assert all(table["rows"] for table in found["tables"])
        assert f"[{name}]({name}.md)" in index
    counted = json.loads((tmp_path / "counting.json").read_text(encoding="utf-8"))
    rows = {row["matrix"]: row for row in counted["tables"][0]["rows"]}
    assert rows["threshold 5"]["patterns P"] == 94_572
    assert rows["threshold 5"]["count, s"] > 0.0


@pytest.mark.slow
def test_a_checkout_is_compared_with_itself():
    words = ("-m", "bench.run", "counting", "verification", "--quick")
    done = python(*words, "--against", str(ROOT), "--rounds", "1")
    # a busy machine may find one of two equals slower
    assert done.returncode in (0, 1), done.stderr
    lines = [line for line in done.stdout.splitlines() if "counting, " in line]
    assert len(lines) >= 2
    for line in lines:
        ratio = float(line.split("|")[4])
        assert 0.2 < ratio < 5.0
