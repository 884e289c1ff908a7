"""Ctrl-C, as a signal to a process that solves: no network is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from convex_solver import ConvexProgram, load_model, solve
from convex_solver.cli import main
from convex_solver.solver import solver

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="slow without compilation"),
]

# what is done is told on stdout, a line at a time
TELL = """
import json, logging, sys
log = logging.getLogger("convex_solver")
log.addHandler(logging.StreamHandler(sys.stdout))
log.setLevel(logging.DEBUG)
"""
SOLVE = """
import numpy as np
from convex_solver import ConvexProgram, solve
random = np.random.default_rng(0)
X, y = random.normal(size=(120, 3)), random.normal(size=120)
found = solve(ConvexProgram(X, y, 1e-3, intercept=True), tol=1e-13)
seen = found.objective, found.lower_bound, found.status.value, found.stopped
print(json.dumps(seen))
"""
COMMAND = """
from convex_solver.cli import main
sys.exit(main(sys.argv[1:]))
"""
# where it is in the rounds, and at the certificate
ROUND, CERTIFYING = "blocks; objective <=", "certifying"


def interrupted(code, words, *arguments):
    """Run code; send SIGINT at each line that has the next word, twice for a pair."""
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", TELL + code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    left, lines = list(words), []
    with child:
        for line in child.stdout:
            lines.append(line.rstrip())
            if left and left[0] in line:
                child.send_signal(signal.SIGINT)
                del left[0]
    return lines, child.returncode


def least(lines):
    """The least objective that was told of."""
    return min(
        float(line.split("objective <= ")[1].split(",")[0])
        for line in lines
        if ROUND in line
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        (ROUND, ROUND, CERTIFYING),
        (ROUND,),
        (ROUND, "interrupted: certifying"),
        (ROUND, "interrupted: certifying", CERTIFYING),
        pytest.param(
            (ROUND, CERTIFYING, "inaccurate: objective"), marks=pytest.mark.slow
        ),
    ],
)
def test_the_best_network_comes_back(words):
    lines, code = interrupted(SOLVE, words)
    assert code == 0, lines
    objective, lower, status, stopped = json.loads(lines[-1])
    assert (status, stopped) == ("inaccurate", "interrupted")
    assert 0.0 <= lower <= objective
    # it was told in ten digits
    assert objective <= least(lines) * (1 + 1e-6)


@pytest.mark.parametrize("words", [(ROUND, CERTIFYING), (ROUND,)])
def test_the_command_writes_its_model(tmp_path, words):
    random = np.random.default_rng(0)
    table, model = tmp_path / "t.csv", tmp_path / "m.json"
    rows = random.normal(size=(120, 4)).round(3).tolist()
    text = "\n".join(["a,b,c,y", *(",".join(map(str, row)) for row in rows)])
    table.write_text(text + "\n")
    argv = ["fit", table, "--target=y", "--beta=1e-3", "--tol=1e-13", "-o", model]
    lines, code = interrupted(COMMAND, words, *argv)
    assert code == 1, lines
    assert any("ended by: interrupted" in line for line in lines)
    claim = load_model(model).claim
    assert 0.0 <= claim.lower_bound <= claim.upper_bound <= least(lines) * (1 + 1e-6)
    assert main(["certify", str(model), str(table), "--json"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "m.json"}


def test_a_third_one_before_the_second_is_taken_care_of(monkeypatch):
    """It ends nothing, wherever it comes: what there is is certified at once."""
    X, y = np.random.default_rng(0).normal(size=(2, 12, 2))
    program = ConvexProgram(X, y[:, 0], 1e-2)
    pressed = []

    def pressing(name):
        call = getattr(solver, name)

        def first(*arguments):
            pressed.append(name)
            signal.raise_signal(signal.SIGINT)
            return call(*arguments)

        monkeypatch.setattr(solver, name, first)

    # in the rounds; where the network is reduced; before what takes no time; after it
    for name in ("_rounds", "reduced", "certified_at_once", "_why"):
        pressing(name)
    found = solve(program)
    assert pressed == ["_rounds", "reduced", "certified_at_once", "_why"]
    assert found.stopped == "interrupted"
    assert 0.0 <= found.lower_bound <= found.objective


def test_the_command_writes_its_model_without_a_picture(tmp_path, monkeypatch, capsys):
    """Drawing takes seconds, and nobody waits for it who has pressed Ctrl-C."""

    def never(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("convex_solver.cli.fit.render_fit", never)
    table, model = tmp_path / "t.csv", tmp_path / "m.json"
    table.write_text("a,y\n" + "\n".join(f"{k},{k % 3}" for k in range(9)) + "\n")
    argv = ["fit", str(table), "--target=y", "--beta=0.1", "--json", "-o", str(model)]
    picture, page = tmp_path / "p.png", tmp_path / "p.html"
    assert main([*argv, f"--plot={picture}", f"--report={page}"]) == 0
    out, err = capsys.readouterr()
    assert "interrupted: the model alone is written" in err
    assert json.loads(out)["plot"] is None
    assert load_model(model).claim.lower_bound > 0.0
    assert not picture.exists()
    assert not page.exists()
