"""Compiled code on disk is that of the sources, callees in other files included."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest
from numba.core import caching

import arrangement
import convex_solver
from arrangement._kernels.compile import KernelCache, Level
from arrangement._kernels.rows import group_rows, power

ROOTS = [Path(package.__file__).parent for package in (arrangement, convex_solver)]
CALLEE = """
from {package}._kernels.compile import inner
STEP = 1

@inner
def step(x):
    return x + STEP
"""
CALLER = """
from {package}._kernels.compile import kernel
from {package}._kernels.callee import STEP, step

@kernel
def call(x):
    return step(x), STEP
"""
CHILD = """
from {package}._kernels.caller import call
print(call(1), sum(call.stats.cache_hits.values()), call.py_func.__code__.co_filename)
"""
needs_jit = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="nothing is compiled"
)


def copy_kernels(folder):
    """Copy the kernels of both packages, without all that calls them."""
    for root in ROOTS:
        shutil.copytree(
            root / "_kernels",
            folder / root.name / "_kernels",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (folder / root.name / "__init__.py").touch()


@pytest.mark.slow
@needs_jit
@pytest.mark.parametrize(
    ("place", "below", "above"),
    [
        ("tree", "arrangement", "arrangement"),
        ("NUMBA_CACHE_DIR", "arrangement", "convex_solver"),
        ("zip", "convex_solver", "convex_solver"),
    ],
)
def test_a_change_in_a_callee_is_seen(tmp_path, place, below, above):
    if place == "zip" and not hasattr(caching, "ZipCacheLocator"):
        pytest.skip("this Numba compiles nothing that is in a zip")
    sources = tmp_path / "sources"
    copy_kernels(sources)
    callee = sources / below / "_kernels" / "callee.py"
    callee.write_text(CALLEE.format(package=below))
    caller = CALLER.format(package=above).replace(
        f"{above}._kernels.callee", f"{below}._kernels.callee"
    )
    (sources / above / "_kernels" / "caller.py").write_text(caller)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    if place == "NUMBA_CACHE_DIR":
        environment[place] = str(tmp_path / "cache")
    path = tmp_path / "packages.zip" if place == "zip" else sources
    environment["PYTHONPATH"] = str(path)

    def run():
        """Call the kernel in a new process: what it returns, whether it was kept."""
        if place == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for file in sources.rglob("*.py"):
                    archive.write(file, file.relative_to(sources))
        words = [sys.executable, "-c", CHILD.format(package=above)]
        done = subprocess.run(
            words,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        result, kept, where = done.stdout.rsplit(maxsplit=2)
        assert where.startswith(str(path))
        return result, int(kept)

    assert run() == ("(2, 1)", 0)
    assert run() == ("(2, 1)", 1)
    callee.write_text(callee.read_text().replace("STEP = 1", "STEP = 7"))
    assert run() == ("(8, 7)", 0)
    assert run() == ("(8, 7)", 1)


@needs_jit
def test_numba_asks_the_cache_of_this_project():
    # a dispatcher of this Numba has it in the place where Numba looks for it
    assert type(group_rows._cache) is KernelCache
    stamp = group_rows._cache._cache_file._source_stamp
    assert stamp == group_rows._cache._impl.locator.get_source_stamp()


def test_kernels_are_compiled_by_the_decorators_of_this_project():
    for root in ROOTS:
        for file in (root / "_kernels").rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    assert all(word.arg != "cache" for word in node.keywords), file


@needs_jit
def test_only_entries_are_optimised():
    def told(kernel):
        return SimpleNamespace(data={"dispatcher": kernel})

    level, full, seen = Level(), numba.config.OPT, []
    theirs = numba.njit(told)
    kernels = [group_rows, power, theirs, group_rows, theirs, power]
    for kernel in kernels:
        level.on_start(told(kernel))
        seen.append(int(numba.config.OPT))
    low = min(full, Level.LOW)
    assert seen == [full, low, low, full, full, low]
    for kernel in reversed(kernels):
        assert seen.pop() == numba.config.OPT
        level.on_end(told(kernel))
    # an end without a start, as after Ctrl-C
    level.on_end(told(power))
    assert numba.config.OPT is full
