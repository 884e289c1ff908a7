"""The first run in Python, which compiles, says so to a terminal and to the log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="no compilation"
)

SCRIPT = """
import logging, sys
logging.basicConfig(level=logging.{level}, stream=sys.stdout, format="%(message)s")
import numba
import arrangement
def add(a, b):
    return a + b
add.__module__ = {module!r}
numba.njit(add)(1, 2)
numba.njit(add)(1.0, 2.0)
"""
LINE = "Compiling the kernels (first run only, up to a minute)..."


def said(level, module, stderr):
    code = SCRIPT.format(level=level, module=module)
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


def test_a_log_is_told_once_and_a_pipe_is_not():
    assert said("INFO", "arrangement._kernels.x", subprocess.PIPE) == ([LINE], "")
    assert said("WARNING", "arrangement._kernels.x", subprocess.PIPE) == ([], "")
    assert said("INFO", "another.package", subprocess.PIPE) == ([], "")


def test_a_terminal_that_waits_is_told_once():
    reader, writer = pty.openpty()
    try:
        said("WARNING", "convex_solver._kernels.x", writer)
        assert os.read(reader, 1000).decode().split("\r\n") == [LINE, ""]
    finally:
        os.close(reader)
        os.close(writer)
