"""A deep-learning researcher: how far is what Adam found from the best network?"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

TRAINED = """
import json
import numpy as np
import torch
from convex_solver import ConvexProgram, TwoLayerReLU, certify, save_model, solve

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = np.sign(X[:, 0] * X[:, 1])
np.savez("data.npz", table=np.column_stack([X, y]))
beta = 0.5
data, labels = torch.tensor(X), torch.tensor(y)


def objective(module):
    losses = torch.clamp(1.0 - labels * module(data).squeeze(1), min=0.0).sum()
    return losses + 0.5 * beta * sum((p**2).sum() for p in module.parameters())


def train(module, steps, lr):
    adam = torch.optim.Adam(module.parameters(), lr=lr)
    for _ in range(steps):
        adam.zero_grad()
        objective(module).backward()
        adam.step()
    return float(objective(module).detach())


torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Linear(2, 50), torch.nn.ReLU(), torch.nn.Linear(50, 1, bias=False)
).double()
by_adam = train(module, 300, 1e-2)
network = TwoLayerReLU.from_torch(module)
solution = solve(ConvexProgram(X, y, beta, loss="hinge", intercept=True))
save_model("model.json", solution, target_name="y")
dual = solution.certificate.dual
known = certify(network, X, y, beta, loss="hinge", dual=dual)
best = solution.network.to_torch()
at_optimum = float(objective(best).detach())
after = train(best, 100, 1e-4)
np.save("predictions.npy", solution.network.predict(X))
print(json.dumps({
    "adam": by_adam,
    "upper": known.upper_bound,
    "lower": known.lower_bound,
    "gap": known.gap,
    "optimum": solution.objective,
    "at optimum": at_optimum,
    "after": after,
}))
"""

EXPORTED = """
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("net.onnx")
X = np.load("data.npz")["table"][:, :2]
(outputs,) = session.run(["output"], {"X": X})
off = np.abs(outputs - np.load("predictions.npy")).max()
print(json.dumps({"off": float(off), "rows": len(outputs)}))
"""


def test_the_true_gap_of_adam_and_a_file_for_production(script, run):
    pytest.importorskip("torch", reason="PyTorch: pip install '.[torch]'")
    found = script(TRAINED)
    assert found["upper"] == pytest.approx(found["adam"], rel=1e-9)
    assert found["lower"] <= found["optimum"] <= found["adam"]
    gap = (found["adam"] - found["optimum"]) / found["adam"]
    assert found["gap"] == pytest.approx(gap, abs=1e-5)
    assert 0.0 < found["gap"] < 0.2
    # Adam, started at the optimum, finds nothing that is proven not to exist
    assert found["at optimum"] == pytest.approx(found["optimum"], rel=1e-9)
    assert found["lower"] <= found["after"] < 1.01 * found["optimum"]
    pytest.importorskip("onnxruntime", reason="onnxruntime: pip install '.[onnx]'")
    pytest.importorskip("onnx", reason="onnx: pip install '.[onnx]'")
    exported = run("convex-solver", "export", "model.json", "-o", "net.onnx")
    assert exported.code == 0, exported.err
    assert "above 0 it says y = +1" in exported.out
    result = script(EXPORTED)
    assert result["rows"] == 60
    assert result["off"] <= 1e-6
