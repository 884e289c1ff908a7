"""Where PyTorch or ONNX is not installed: one line that says what to install."""

from __future__ import annotations

import sys

import pytest

from convex_solver import (
    ConvexProgram,
    MissingLibraryError,
    TwoLayerReLU,
    save_model,
    solve,
)
from convex_solver.cli import main

NET = TwoLayerReLU([[1.0, 2.0]], [1.0])


@pytest.mark.parametrize(
    ("missing", "call", "message"),
    [
        ("torch", lambda path: NET.to_torch(), r"to_torch needs torch, .*\[torch\]"),
        ("torch", lambda path: TwoLayerReLU.from_torch(0), "from_torch needs torch"),
        ("onnx", NET.to_onnx, r"an ONNX file needs onnx, .*pip install onnx, or .*"),
    ],
)
def test_what_to_install_is_said(missing, call, message, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingLibraryError, match=message) as caught:
        call(tmp_path / "net.onnx")
    assert isinstance(caught.value, ImportError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("missing", "name"), [("torch", "n.pt"), ("onnx", "n.onnx")])
def test_the_command_line_says_it_too(missing, name, monkeypatch, tmp_path, capsys):
    model = tmp_path / "m.json"
    save_model(model, solve(ConvexProgram([[1.0], [2.0]], [1.0, 0.0], 0.1)))
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["export", str(model), "-o", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"needs {missing}, which is not installed" in err
