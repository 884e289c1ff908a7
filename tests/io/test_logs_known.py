"""Logs of both packages: silent by default, and useful to who listens."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest

from arrangement import enumerate_patterns
from convex_solver import ConvexProgram, solve

X = np.random.default_rng(0).normal(size=(30, 3))


def said(caplog, name, level):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == name and record.levelno == level
    ]


def test_a_listing_tells_its_plan_and_its_proof(caplog):
    with caplog.at_level(logging.DEBUG):
        enumerate_patterns(X)
    plan, proof = said(caplog, "arrangement", logging.INFO)[-2:]
    assert plan.startswith("listing 30 rows in rank 3, at most 872 chambers: ")
    assert proof.startswith("listed: 872 patterns: all distinct")
    assert said(caplog, "arrangement", logging.DEBUG) == ["872 patterns so far"]


def test_a_run_tells_stages_and_rounds(caplog):
    with caplog.at_level(logging.DEBUG):
        solution = solve(ConvexProgram(X, X[:, 0] * X[:, 1], 0.1))
    stages = said(caplog, "convex_solver", logging.INFO)
    assert stages[0] == "column-generation: rank 3, up to 872 chambers"
    assert stages[-2] == "certifying"
    assert stages[-1].startswith("optimal: objective ")
    rounds = said(caplog, "convex_solver", logging.DEBUG)
    assert len(rounds) == len(solution.history)
    assert all("maxima priced" in line for line in rounds)


@pytest.mark.slow
def test_nothing_is_said_unless_somebody_listens():
    code = (
        "import logging, arrangement, convex_solver\n"
        "arrangement.enumerate_patterns([[1, 0], [0, 1]])\n"
        "for name in ('arrangement', 'convex_solver'):\n"
        "    log = logging.getLogger(name)\n"
        "    assert any(isinstance(h, logging.NullHandler) for h in log.handlers)\n"
        "    assert log.level == logging.NOTSET and log.propagate\n"
        "    log.warning('to nobody')\n"
        "assert not logging.getLogger().handlers\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
