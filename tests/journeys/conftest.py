"""What people have on their machines: commands, Python, a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# runs the cells of a notebook in a kernel of its own, and keeps what they gave
RUN_NOTEBOOK = """
import sys
import nbformat
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, path)
"""


class Done(NamedTuple):
    """What a command gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine with its own settings of Jupyter and Matplotlib."""
    own = {
        "IPYTHONDIR": str(tmp_path / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / ".runtime"),
        "MPLBACKEND": "agg",
    }
    return os.environ | own


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Done]:
    """Return a function that runs an installed command in the folder of the test."""

    def call(name: str, *words: object, stdin: str | None = None) -> Done:
        script = Path(sys.executable).with_name(name)
        start = [str(script)]
        if name == "python":
            start = [sys.executable]
        elif not script.exists():
            start = [sys.executable, "-m", name.replace("-", "_")]
        done = subprocess.run(
            [*start, *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=500,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def script(tmp_path: Path, run: Callable[..., Done]) -> Callable[[str], Any]:
    """Return a function that runs a script and reads the JSON that it prints last."""

    def call(text: str) -> Any:
        (tmp_path / "script.py").write_text(text, encoding="utf-8")
        done = run("python", "-W", "error", "script.py")
        assert done.code == 0, done.err
        return json.loads(done.out.splitlines()[-1])

    return call


@pytest.fixture
def notebook(
    tmp_path: Path, run: Callable[..., Done]
) -> Callable[..., list[list[dict[str, Any]]]]:
    """Return a function that runs cells in a Jupyter kernel: the outputs of each."""
    for package in ("nbclient", "ipykernel"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install nbclient ipykernel")

    def call(*cells: str) -> list[list[dict[str, Any]]]:
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": f"cell-{k}",
                    "metadata": {},
                    "outputs": [],
                    "source": source,
                }
                for k, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / "notebook.ipynb"
        path.write_text(json.dumps(content), encoding="utf-8")
        done = run("python", "-c", RUN_NOTEBOOK, path)
        assert done.code == 0, done.err
        found = json.loads(path.read_text(encoding="utf-8"))
        return [cell["outputs"] for cell in found["cells"]]

    return call


def text_of(outputs: list[dict[str, Any]], name: str = "stdout") -> str:
    """Return what a cell wrote to a stream."""
    parts = [o["text"] for o in outputs if o.get("name") == name]
    return "".join("".join(part) for part in parts)


def data_of(outputs: list[dict[str, Any]], kind: str) -> str:
    """Return what a cell displayed in one form, such as text/html."""
    parts = [o["data"][kind] for o in outputs if kind in o.get("data", {})]
    return "".join("".join(part) for part in parts)
