"""A data engineer: pipes, odd CSVs, npz, a Zarr store; nothing is overwritten."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

pytestmark = pytest.mark.slow

STORED = """
import json
import numpy as np
from arrangement import open_patterns

stored = open_patterns("patterns.zarr")
total, ones = 0, np.zeros(stored.n_rows, dtype=int)
for start in range(0, len(stored), 100):
    block = stored[start : start + 100].to_bool()
    total += len(block)
    ones += block.sum(axis=0)
print(json.dumps({"patterns": total, "half": bool((2 * ones == total).all())}))
"""


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.integers(-40, 40, size=(30, 2)) / 4.0
    y = np.maximum(X[:, 0], 0.0) - X[:, 1]
    return np.column_stack([X, y])


def european(table) -> str:
    lines = [";".join(f"{x:.2f}".replace(".", ",") for x in row) for row in table]
    return "\n".join(["Länge;Höhe;Wert", *lines]) + "\n"


def test_from_a_pipe_to_a_model_and_back(table, run, tmp_path):
    text = european(table)
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(text.encode()))
    read = ("--separator", "semicolon", "--decimal", ",")
    fit = ("convex-solver", "fit", "-", "--target", "Wert", "--beta", "0.01x", *read)
    fitted = run(*fit, "-o", "model.json", "--json", stdin=text)
    assert fitted.code == 0, fitted.err
    values = json.loads(fitted.out)
    assert values["features"] == ["Länge", "Höhe"]
    # the same command again: an error of one line, and the file is what it was
    before = (tmp_path / "model.json").read_bytes()
    again = run(*fit, "-o", "model.json", "--json", stdin=text)
    assert (again.code, again.out) == (2, "")
    assert again.err.count("\n") == 1
    assert (tmp_path / "model.json").read_bytes() == before
    # the compressed file holds the same data, and another is refused
    checked = run("convex-solver", "certify", "model.json", "data.csv.gz", *read)
    assert checked.code == 0, checked.err
    other = run(
        "convex-solver",
        *("certify", "model.json", "-", *read),
        stdin=text.replace("-", "", 1),
    )
    assert other.code == 1
    assert other.err.startswith("convex-solver: not certified: ")
    predicted = run("convex-solver", "predict", "model.json", "-", *read, stdin=text)
    column = predicted.out.splitlines()
    assert column[0] == "Wert"
    assert np.allclose([float(x) for x in column[1:]], table[:, 2], atol=2.0)


def test_patterns_in_archives_and_stores(table, run, script, tmp_path):
    np.savez(tmp_path / "data.npz", first=table[:, :2], second=np.ones((3, 2)))
    key = ("--key", "first")
    made = run("arrangement", "enumerate", "data.npz", *key, "-o", "patterns.npz")
    assert made.code == 0, made.err
    pytest.importorskip("zarr", reason="Zarr is not installed: pip install '.[zarr]'")
    out = ("-o", "patterns.zarr", "--json")
    stored = run("arrangement", "enumerate", "data.npz", *key, *out)
    assert stored.code == 0, stored.err
    count = json.loads(stored.out)["patterns"]
    assert json.loads(stored.out)["proven"]
    taken = run("arrangement", "enumerate", "data.npz", *key, *out)
    assert taken.code == 2
    resumed = run("arrangement", "enumerate", "data.npz", *key, *out, "--resume")
    assert resumed.code == 0, resumed.err
    verified = run("arrangement", "verify", "patterns.zarr", "data.npz", *key, "--json")
    assert json.loads(verified.out)["patterns"] == count
    found = script(STORED)
    # with a pattern its opposite: every row is 1 in half of them, as none is zero
    assert found == {"patterns": count, "half": True}
    # without --key two arrays could be meant: nothing is guessed
    unclear = run("arrangement", "count", "data.npz")
    assert unclear.code == 2
    assert "--key" in unclear.err
