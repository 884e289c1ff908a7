"""The driver of the paper's experiments: the check, kept parts, pages, quick runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "bench" / "paper"
RESULTS = FOLDER / "results"
MOST_BYTES = 300_000
TOYS = ("toy_1d", "toy_2d")


def python(*words: str, timeout: float = 900.0) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout: there is the package of the benchmarks."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def answer(code: str, *words: str) -> object:
    """Run a program that prints JSON in its last line."""
    done = python("-c", code, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_method_below_the_certified_bound_fails_and_rounding_does_not():
    code = """
import json
from bench.harness import WrongAnswerError
from bench.paper.common import End, check_bounds

def verdict(*ends):
    try:
        return check_bounds([End(p, "sgd", m, v, b, 1.0) for p, m, v, b in ends])
    except WrongAnswerError as error:
        return str(error)

print(json.dumps([
    verdict(("P", "ours", 2.0, 1.9), ("P", "SGD", 1.95, 1.9)),
    verdict(("P", "ours", 2.0, 2.0), ("P", "SGD", 2.0 * (1.0 - 1e-15), 2.0)),
    verdict(("P", "ours", 2.0, 1.9), ("P", "SGD", 1.8999, 1.9)),
    verdict(("P", "ours", 2.0, 1.9), ("P", "SGD", 1.8, None)),
    verdict(("P", "ours", 2.0, 1.9), ("P", "SGD", 1.85, 1.7)),
    verdict(("P", "ours", float("nan"), 1.9)),
    verdict(("P", "ours", 2.0, 1.9), ("Q", "SGD", 1.8, None)),
]))
"""
    found = answer(code)
    assert found[0] == found[1] == 2
    for text in found[2:5]:
        assert text.startswith("P, SGD: 1.8")
        assert text.endswith("is below the certified bound 1.9")
    assert "P, ours: nan is below" in found[5]
    assert found[6] == 1


def test_a_part_that_is_done_is_kept_until_its_settings_change(tmp_path):
    code = """
import json, sys
from pathlib import Path
import numpy as np
from bench.paper.common import Options, Parts, Result

folder, runs = Path(sys.argv[1]), []

def work():
    runs.append(1)
    return {"values": np.array([1.5, np.inf]), "run": len(runs)}

def ask(settings, **more):
    result = Result("some")
    answer = Parts(result, Options(output=folder, **more)).part("a b", settings, work)
    assert set(result.parts["a b"]) == {"seconds", "commit", "date", "machine"}
    return answer["values"], answer["run"]

asked = {"beta": 0.1, "steps": (1, 2)}
other = asked | {"beta": 0.2}
found = [ask(asked), ask(asked), ask(other), ask(other), ask(other, fresh=True)]
(folder / "parts" / "some" / "a_b.json").write_text('{"settings": ')
found.append(ask(other))
alone = Parts(Result("some"), Options())
found += [alone.part("a b", asked, work)["run"], alone.part("a b", asked, work)["run"]]
print(json.dumps(found))
"""
    *kept, first, second = answer(code, str(tmp_path))
    assert [values for values, _ in kept] == [[1.5, None]] * 6
    assert [run for _, run in kept] == [1, 1, 2, 2, 3, 4]
    # without a folder nothing is kept
    assert (first, second) == (5, 6)


def test_pages_show_the_results_that_there_are_and_every_picture():
    code = """
import json
from bench.paper import pages
pages_ = pages.contents()
stale = [str(p) for p in pages_ if p.read_text(encoding="utf-8") != pages_[p]]
print(json.dumps([stale, pages.names(), sorted(pages.read_results(pages.RESULTS))]))
"""
    stale, names, done = answer(code)
    assert stale == []
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in names:
        assert text.count(f"<!-- begin {name} -->") == 1
        assert text.count(f"<!-- end {name} -->") == 1
    shown = {
        Path(path).name for path in re.findall(r"\]\((results/[^)]*\.png)\)", text)
    }
    assert shown == {path.name for path in RESULTS.glob("*.png")}
    for name in done:
        found = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        assert found["command"] == f"python -m bench.paper {name}"
        assert {"machine", "versions", "commit", "date"} <= set(found["setting"])
        assert found["n_checked"] == len([e for e in found["ends"] if e["lower_bound"]])
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"\]\((bench/paper/[^)]*)\)", front):
        assert (ROOT / path).is_file()
    for path in RESULTS.glob("*.*"):
        assert path.stat().st_size <= MOST_BYTES, path


@pytest.mark.slow
def test_what_is_not_there_is_refused(tmp_path):
    done = python("-m", "bench.paper", "toy_3d")
    assert done.returncode == 2
    assert "no experiment toy_3d; there are toy_1d, toy_2d" in done.stderr
    done = python("-m", "bench.paper", "table_1", "--output", str(tmp_path))
    assert done.returncode == 0
    assert "there are none in" in done.stderr
    assert "skipped for want of data: table_1" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_quick_toys_write_what_they_found_and_are_not_run_again(tmp_path):
    words = ("-m", "bench.paper", *TOYS, "table_1", "--quick")
    words += ("--output", str(tmp_path))
    done = python(*words)
    assert done.returncode == 0, done.stderr
    assert ": running" in done.stdout
    first = {}
    for name in TOYS:
        found = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert found["command"] == f"python -m bench.paper {name} --quick"
        page = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        for picture in found["pictures"]:
            content = (tmp_path / picture).read_bytes()
            assert content.startswith(b"\x89PNG")
            assert f"({picture})" in page
        best = [end for end in found["ends"] if end["method"] == "optimal"]
        assert all(end["objective"] - end["lower_bound"] < 1e-6 for end in best)
        first[name] = found["ends"]
    assert {f"{end['objective']:.3f}" for end in first["toy_1d"][3::4]} == {"0.001"}
    table = json.loads((tmp_path / "table_1.json").read_text(encoding="utf-8"))
    assert table["ends"] == first["toy_1d"] + first["toy_2d"]
    again = python(*words)
    assert again.returncode == 0, again.stderr
    assert ": running" not in again.stdout
    assert again.stdout.count("done before, kept") == 7 + 4
    for name in TOYS:
        found = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert found["ends"] == first[name]


@pytest.mark.slow
def test_an_experiment_with_a_method_below_the_bound_fails_and_writes_nothing(
    tmp_path,
):
    code = """
import sys
from bench.paper import __main__, toy_1d

def better(program, n_starts, **how):
    start = {"objective": 1e-4, "seconds": 1.0}
    start |= {"weights": [[1.0, 0.0]], "alphas": [1.0]}
    start["curve"] = {"seconds": [0, 1], "steps": [0, 1], "objective": [1, 1]}
    return {"starts": [start] * n_starts}

toy_1d.searches = better
__main__.main(["toy_1d", "--quick", "--here", "--output", sys.argv[1]])
"""
    done = python("-c", code, str(tmp_path))
    assert done.returncode == 1
    assert (
        "Figure 2, m = 8, SGD, 3 starts: 0.0001 is below the certified" in done.stderr
    )
    assert not (tmp_path / "toy_1d.json").exists()
