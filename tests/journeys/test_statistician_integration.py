"""A statistician: a CSV made with pandas, the estimator, a fit that anyone rechecks."""

from __future__ import annotations

import base64
import json
import re

import pytest

from convex_solver import penguins_csv

from .conftest import data_of, text_of

pytestmark = pytest.mark.slow

ESTIMATOR = """
import json
import pandas as pd
from convex_solver import ConvexReLURegressor, load_model

frame = pd.read_csv("penguins.csv")
X, y = frame[["bill length (mm)"]], frame["body_mass_g"]
model = ConvexReLURegressor(beta=300.0).fit(X, y)
told = load_model("model.json")
print(json.dumps({
    "objective": model.objective_,
    "gap": model.gap_,
    "score": model.score(X, y),
    "names": list(model.feature_names_in_),
    "neurons": model.network_.n_neurons,
    "predictions": model.predict(X.head(3)).tolist(),
    "of the file": told.network.predict(X.head(3).to_numpy()).tolist(),
}))
"""


@pytest.fixture
def table(tmp_path):
    pandas = pytest.importorskip(
        "pandas", reason="pandas is not installed: pip install pandas"
    )
    frame = pandas.read_csv(penguins_csv()).iloc[::4]
    frame = frame.rename(columns={"bill_length_mm": "bill length (mm)"})
    columns = ["bill length (mm)", "body_mass_g"]
    frame[columns].to_csv(tmp_path / "penguins.csv", index=False)


def test_from_a_table_to_a_certified_fit(table, run, script, tmp_path):
    fit = run(
        *("convex-solver", "fit", "penguins.csv", "--target", "body_mass_g"),
        *("--beta", "300", "--plot", "fit.png", "-o", "model.json", "--json"),
    )
    assert fit.code == 0, fit.err
    values = json.loads(fit.out)
    assert values["status"] == "optimal"
    assert values["features"] == ["bill length (mm)"]
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    check = run("convex-solver", "certify", "model.json", "penguins.csv")
    assert check.code == 0, check.err
    assert "bounds recomputed from the data, as the model claims" in check.out
    guess = run("convex-solver", "predict", "model.json", "penguins.csv")
    assert guess.code == 0
    header, *predictions = guess.out.splitlines()
    assert (header, len(predictions)) == ("body_mass_g", 86)
    pytest.importorskip("sklearn", reason="scikit-learn: pip install '.[sklearn]'")
    found = script(ESTIMATOR)
    assert found["objective"] == pytest.approx(values["objective"], rel=1e-6)
    assert found["gap"] <= 1e-6
    assert found["names"] == ["bill length (mm)"]
    assert found["score"] == pytest.approx(values["score_value"], abs=1e-4)
    assert found["predictions"] == pytest.approx(found["of the file"], rel=1e-3)
    assert [float(p) for p in predictions[:3]] == found["of the file"]


def test_the_same_in_a_notebook(table, notebook):
    pytest.importorskip("sklearn", reason="scikit-learn: pip install '.[sklearn]'")
    read, solved, drawn, fitted = notebook(
        "import pandas as pd\n"
        "from convex_solver import ConvexProgram, ConvexReLURegressor, plot, solve\n"
        "frame = pd.read_csv('penguins.csv')\n"
        "X, y = frame[['bill length (mm)']], frame['body_mass_g']",
        "program = ConvexProgram(X, y, 300.0, intercept=True, standardize=True)\n"
        "solution = solve(program, progress=True)\n"
        "solution",
        "%matplotlib inline\n"
        "ax = plot.fit(solution, X, y, target_name='body mass (g)')",
        "print(ConvexReLURegressor(beta=300.0).fit(X, y).gap_ <= 1e-6)",
    )
    assert read == []
    shown = data_of(solved, "text/html")
    assert "optimal (ended by: tolerance)" in shown
    assert "bill length (mm)" not in text_of(solved)
    # a widget where ipywidgets is installed, else a line; either names the end
    bar = text_of(solved, "stderr") + data_of(solved, "text/plain")
    assert re.search(r"optimal: objective|HBox|\[\d\d:\d\d\]", bar)
    picture = base64.b64decode(data_of(drawn, "image/png"))
    assert picture.startswith(b"\x89PNG")
    assert text_of(fitted) == "True\n"
