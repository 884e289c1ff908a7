"""Networks as ONNX files: what the runtime gives, and files whole or not at all."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_solver import (
    ConvexProgram,
    InputError,
    TwoLayerReLU,
    save_model,
    solve,
)
from convex_solver.cli import main
from convex_solver.exchange import onnx_files

onnx = pytest.importorskip(
    "onnx", reason="onnx is not installed: pip install '.[onnx]'"
)
runtime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed: pip install '.[onnx]'"
)

NET = TwoLayerReLU(
    [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]],
    [2.0, -1.0],
    intercept=True,
    feature_names=["bill length", "µ"],
    center=[40.0, 2000.0],
    scale=[5.0, 0.01],
)


def run(path, X):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["output"], {"X": np.asarray(X, dtype=np.float64)})[0]


@given(
    st.integers(0, 2**32),
    st.integers(0, 6),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_runtime_gives_the_predictions(seed, m, d, intercept, shifted, divided):
    rng = np.random.default_rng(seed)
    network = TwoLayerReLU(
        rng.standard_normal((m, d + intercept)),
        rng.standard_normal(m),
        intercept=intercept,
        center=rng.standard_normal(d) * 1e4 if shifted else None,
        scale=10.0 ** rng.integers(-3, 4, size=d) if divided else None,
    )
    content = onnx_files.onnx_content(network._layers, network.feature_names)
    scale = 1.0 if network.scale is None else network.scale
    X = rng.standard_normal((5, d)) * scale
    X = X if network.center is None else X + network.center
    expected = network.predict(X)
    assert np.allclose(run(content, X), expected, rtol=1e-12, atol=1e-9)
    assert np.array_equal(run(content, X[:1]).shape, (1,))


def test_a_file_says_what_it_takes_and_gives(tmp_path):
    path = tmp_path / "net.onnx"
    NET.to_onnx(path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Sub", "Div", "MatMul", "Add", "Relu", "MatMul"]
    assert [value.name for value in model.graph.input] == ["X"]
    assert [value.name for value in model.graph.output] == ["output"]
    (prop,) = model.metadata_props
    assert (prop.key, prop.value) == ("feature_names", "bill length\nµ")


def test_nothing_is_overwritten_and_nothing_left_behind(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        NET.to_onnx(path)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="is not a folder"):
        NET.to_onnx(tmp_path / "no" / "net.onnx")
    # a runtime that computes something else: no file
    path.unlink()
    session = runtime.InferenceSession

    class Wrong:
        def __init__(self, *parts, **options):
            self.inner = session(*parts, **options)

        def run(self, *parts):
            (found,) = self.inner.run(*parts)
            return (found * (1.0 + 2e-6),)

    monkeypatch.setattr(runtime, "InferenceSession", Wrong)
    with pytest.raises(InputError, match="onnxruntime differs from the network by"):
        NET.to_onnx(path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
def test_a_fitted_model_by_the_command_line(loss, tmp_path, capsys):
    X = np.arange(8.0)[:, None] + 1990.0
    y = [1, -1, 1, 1, -1, 1, 1, -1] if loss == "logistic" else [0, 1, 2, 1, 4, 3, 5, 6]
    options = {"intercept": True, "standardize": True}
    solution = solve(ConvexProgram(X, y, 0.1, loss=loss, **options))
    model, out = tmp_path / "m.json", tmp_path / "net.onnx"
    save_model(model, solution, target_name="size")
    assert main(["export", str(model), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    meaning = {
        "squared": "gives    size\n",
        "logistic": "gives    an output; above 0 it says size = +1",
        "poisson": "gives    the logarithm of the mean of size",
    }
    assert meaning[loss] in said
    assert np.abs(run(out, X) - solution.network.predict(X)).max() < 1e-10
    assert main(["export", str(model), "-o", str(out)]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["export", str(model), "-o", str(tmp_path / "n"), "--json"]) == 2
    assert "end the name in .onnx, or in .pt" in capsys.readouterr().err
    other = str(tmp_path / "o.onnx")
    assert main(["export", str(model), "-o", other, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == os.path.getsize(other)
