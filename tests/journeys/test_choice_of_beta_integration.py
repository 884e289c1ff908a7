"""A statistician once more: which beta, what it says of it, who gets the page."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from .conftest import text_of

pytestmark = pytest.mark.slow

NOTEBOOK = """
import numpy as np
from convex_solver import ConvexReLURegressorCV, load_penguins
X, y = (np.array(part, dtype=float) for part in load_penguins()[:2])
model = ConvexReLURegressorCV(n_betas=4, eps=1e-3, cv=3, tol=1e-4).fit(X, y)
best = np.argmax(model.cv_results_["mean_test_score"])
print(model.beta_ == model.betas_[best], model.gap_ <= 1e-4, model.score(X, y) > 0.2)
"""
ROW = r"^ +[\d.e+]+ +[\d.e+]+ +[\d.e-]+ +\d+ +\S+ +\S+$"


def next_of(out: str) -> list[str]:
    """Return the command that a report says is next."""
    return shlex.split(re.search(r"^next +(.*)$", out, re.M)[1])


def test_from_a_table_to_a_page_that_is_sent_on(run, tmp_path):
    data = ["penguins", "--target", "body_mass_g", "--features", "bill_length_mm"]
    grid = ["--n-betas", 5, "--cv", 3, "--tol", 1e-4, "--plot", "path.png"]
    path = run("convex-solver", "path", *data, *grid)
    assert path.code == 0, path.err
    assert len(re.findall(ROW, path.out, re.M)) == 5
    assert (tmp_path / "path.png").stat().st_size > 10_000
    # what is proposed is the fit at the beta with the least error
    command = next_of(path.out)
    beta = re.search(r"least error +beta = (\S+),", path.out)[1]
    given = next(word for word in command if word.startswith("--beta="))
    assert float(given.partition("=")[2]) == pytest.approx(float(beta), rel=1e-5)
    fit = run(*command, "--tol", 1e-4, "--report", "report.html")
    assert fit.code == 0, fit.err
    assert "written      model.json, report.html" in fit.out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Certified global optimum" in page
    # who gets it recomputes the bounds with the command on the page
    words = shlex.split(re.search(r"<pre>(.*)</pre>", page)[1])
    check = json.loads(run(*words, "--json").out)
    assert check["certified"] is True
    assert check["gap"] <= 2e-4
    guess = run("convex-solver", "predict", "model.json", "penguins")
    header, *lines = guess.out.split()
    assert (header, len(lines)) == ("body_mass_g", 342)
    assert all(2000 < float(line) < 7000 for line in lines)


def test_beta_is_chosen_in_a_notebook(notebook):
    pytest.importorskip("sklearn", reason="scikit-learn: pip install '.[sklearn]'")
    (chosen,) = notebook(NOTEBOOK)
    assert text_of(chosen) == "True True True\n"
