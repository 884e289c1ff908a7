"""A statistician: which beta, what does the network say, is it right, who gets it.

All of it through the installed command line, and as a notebook.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("convex-solver")

NOTEBOOK = """
import numpy as np
from convex_solver import ConvexReLURegressorCV, load_penguins
X, y = (np.array(part, dtype=float) for part in load_penguins()[:2])
model = ConvexReLURegressorCV(n_betas=4, eps=1e-3, cv=3, tol=1e-4).fit(X, y)
best = np.argmax(model.cv_results_["mean_test_score"])
print(model.beta_ == model.betas_[best], model.gap_ <= 1e-4, model.score(X, y) > 0.2)
"""


def run(folder: Path, *words: str, code: int = 0) -> str:
    if not COMMAND.exists():
        pytest.skip(f"{COMMAND} is not installed")
    done = subprocess.run(
        [COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def next_of(out: str) -> list[str]:
    """Return the words of the command that a report says is next."""
    name, *words = shlex.split(re.search(r"^next +(.*)$", out, re.M)[1])
    assert name == "convex-solver"
    return words


@pytest.mark.slow
def test_from_a_table_to_a_page_that_is_sent_on(tmp_path):
    data = ["penguins", "--target", "body_mass_g", "--features", "bill_length_mm"]
    grid = ["--n-betas", "5", "--cv", "3", "--tol", "1e-4", "--plot", "path.png"]
    out = run(tmp_path, "path", *data, *grid)
    assert (
        len(re.findall(r"^ +[\d.e+]+ +[\d.e+]+ +[\d.e-]+ +\d+ +\S+ +\S+$", out, re.M))
        == 5
    )
    assert (tmp_path / "path.png").stat().st_size > 10_000
    # what is proposed is the fit at the beta with the least error
    fit = next_of(out)
    beta = re.search(r"least error +beta = (\S+),", out)[1]
    given = next(word for word in fit if word.startswith("--beta="))
    assert float(given.partition("=")[2]) == pytest.approx(float(beta), rel=1e-5)
    out = run(tmp_path, *fit, "--tol", "1e-4", "--report", "report.html")
    assert "written      model.json, report.html" in out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Certified global optimum" in page
    # who gets it recomputes the bounds with the command on the page
    command = re.search(r"<pre>convex-solver (.*)</pre>", page)[1]
    checked = json.loads(run(tmp_path, *shlex.split(command), "--json"))
    assert checked["certified"] is True
    assert checked["gap"] <= 2e-4
    lines = run(tmp_path, "predict", "model.json", "penguins").splitlines()
    assert lines[0] == "body_mass_g"
    assert len(lines) == 343
    assert all(2000 < float(line) < 7000 for line in lines[1:])


@pytest.mark.slow
def test_the_same_in_a_notebook(tmp_path):
    pytest.importorskip("sklearn")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(NOTEBOOK)]
    book = nbformat.v4.new_notebook(cells=cells)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=300, resources=where).execute()
    assert book.cells[0].outputs[0]["text"] == "True True True\n"
