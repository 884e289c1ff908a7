"""The first run in Python, which compiles, says so to who waits for it, and once."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import pty
import subprocess
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from arrangement._kernels import notice

KERNEL = "convex_solver._kernels.x"
LINE = "Compiling the kernels (first run only, up to a minute)..."
# compiles a small function as if it were a kernel, which takes a second or less
SCRIPT = f"""
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
import numba
import arrangement
from arrangement._kernels import notice
notice.NOTICE.wait = 0.0
def add(a, b):
    return a + b
add.__module__ = {KERNEL!r}
numba.njit(add)(1, 2)
numba.njit(add)(1.0, 2.0)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="no compilation"
)
@pytest.mark.parametrize("is_logged", [True, False])
def test_numba_tells_of_what_it_compiles(is_logged):
    # a log on standard output that is no screen does not tell who looks at the terminal
    reader, writer = pty.openpty()
    try:
        code = SCRIPT if is_logged else SCRIPT.replace("level=logging.INFO, ", "")
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=writer,
            text=True,
            check=True,
        )
        os.set_blocking(reader, False)
        assert done.stdout.splitlines() == ([LINE] if is_logged else [])
        assert os.read(reader, 1000).decode().split("\r\n") == [LINE, ""]
    finally:
        os.close(reader)
        os.close(writer)


class Screen(io.StringIO):
    """A terminal, or what is none."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def event(module=KERNEL):
    function = SimpleNamespace(__module__=module)
    return SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=function)})


def told(monkeypatch, *, is_terminal=True, wait=0.0, seconds=0.15, events=None):
    """Return what a person reads while kernels compile, one after another."""
    screen = Screen(is_terminal=is_terminal)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        one = notice.Notice()
        one.wait = wait
        for module in events or [KERNEL, KERNEL]:
            one.on_start(event(module))
            # what a kernel calls is compiled within it
            one.on_start(event(module))
            one.on_end(event(module))
            time.sleep(seconds)
            one.on_end(event(module))
        time.sleep(0.02)
    return screen.getvalue().splitlines()


@pytest.fixture(autouse=True)
def no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    log = logging.getLogger("arrangement")
    level = log.level
    yield
    log.setLevel(level)


def test_who_waits_at_a_terminal_is_told_once(monkeypatch):
    assert told(monkeypatch) == [LINE]
    assert told(monkeypatch, is_terminal=False) == []
    assert told(monkeypatch, events=["another.package"]) == []
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        notice.Notice()._say()


def test_a_notebook_is_told_and_a_program_with_ipython_is_not(monkeypatch):
    for shell, expected in (
        (SimpleNamespace(kernel=object()), [LINE]),
        (SimpleNamespace(), []),
        (None, []),
    ):
        found = SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", found)
        assert told(monkeypatch, is_terminal=False) == expected


def test_what_is_soon_done_is_not_told_of(monkeypatch):
    assert told(monkeypatch, wait=60.0) == []
    # kernels that follow one another are waited for together, and only they count
    some = {"wait": 0.8, "seconds": 0.3}
    assert told(monkeypatch, **some, events=[KERNEL]) == []
    assert told(monkeypatch, **some, events=[KERNEL] * 4) == [LINE]
    assert told(monkeypatch, **some, events=[KERNEL, *["numpy"] * 3]) == []


def test_the_log_sets_whether_it_is_told(monkeypatch):
    log = logging.getLogger("arrangement")
    log.setLevel("WARNING")
    assert told(monkeypatch) == []
    log.setLevel("INFO")
    assert told(monkeypatch) == [LINE]


def test_a_log_on_the_screen_has_told_it(monkeypatch):
    log = logging.getLogger("arrangement")
    log.setLevel("INFO")
    screen = Screen(is_terminal=True)
    handler = logging.StreamHandler(screen)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        patch.setattr(log, "handlers", [handler])
        notice.Notice()._say()
        assert screen.getvalue().splitlines() == [LINE]
        # one that keeps silent about it has not
        handler.setLevel("ERROR")
        notice.Notice()._say()
        assert screen.getvalue().splitlines() == [LINE, LINE]


def test_a_worker_says_nothing(monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "name", "SpawnProcess-1")
    assert told(monkeypatch) == []
