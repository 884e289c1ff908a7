"""Networks to PyTorch and back: the same function, the same weights, or an error."""

from __future__ import annotations

import doctest
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convex_solver
from convex_solver import InputError, InputTypeError, TwoLayerReLU
from convex_solver.cli import main

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install '.[torch]'"
)
nn = torch.nn

EXAMPLES = Path(convex_solver.__file__).parent / "exchange" / "EXAMPLES.md"


@st.composite
def networks(draw):
    """Networks with and without intercept, centre, scale and neurons."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    m, d = draw(st.integers(0, 6)), draw(st.integers(1, 4))
    intercept, scaled = draw(st.booleans()), draw(st.booleans())
    return TwoLayerReLU(
        rng.standard_normal((m, d + intercept)),
        rng.standard_normal(m),
        intercept=intercept,
        center=rng.standard_normal(d) * 10.0 if scaled else None,
        scale=10.0 ** rng.integers(-2, 3, size=d) if scaled else None,
    )


def sequence(d=2, m=3, **options):
    return nn.Sequential(
        nn.Linear(d, m), nn.ReLU(), nn.Linear(m, 1, **{"bias": False} | options)
    )


@given(networks(), st.integers(0, 2**32))
def test_a_module_is_the_same_function(network, seed):
    rng = np.random.default_rng(seed)
    d = len(network.feature_names)
    scale = 1.0 if network.scale is None else network.scale
    center = 0.0 if network.center is None else network.center
    X = rng.standard_normal((7, d)) * scale + center
    module = network.to_torch()
    outputs = module(torch.tensor(X)).detach().numpy()
    assert outputs.shape == (7, 1)
    sizes = 1.0 + np.abs(network.predict(X)).max()
    assert np.abs(outputs[:, 0] - network.predict(X)).max() <= 1e-9 * sizes
    assert [type(part) for part in module] == [nn.Linear, nn.ReLU, nn.Linear]
    assert module[2].bias is None
    has_bias = network.intercept or network.center is not None
    assert (module[0].bias is not None) == has_bias


@given(networks())
def test_there_and_back_no_weight_changes(network):
    module = network.to_torch(raw=False)
    back = TwoLayerReLU.from_torch(module, center=network.center, scale=network.scale)
    assert np.array_equal(back.weights, network.weights)
    assert np.array_equal(back.alphas, network.alphas)
    assert back.intercept == network.intercept
    # its parameters are the network's own, and so is the weight decay
    squares = sum(float((p.detach() ** 2).sum()) for p in module.parameters())
    assert 0.05 * squares == pytest.approx(network.decay(0.1))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_every_floating_type_is_read_exactly(kind):
    torch.manual_seed(1)
    module = sequence().to(getattr(torch, kind))
    network = TwoLayerReLU.from_torch(module, feature_names=["a", "b"])
    assert network.feature_names == ("a", "b")
    assert np.array_equal(network.weights[:, :2], module[0].weight.detach().double())
    assert np.array_equal(network.weights[:, 2], module[0].bias.detach().double())


def test_a_module_shares_no_memory_and_takes_no_random_numbers():
    network = TwoLayerReLU([[1.0, 2.0]], [3.0])
    torch.manual_seed(5)
    expected = float(torch.rand(1))
    torch.manual_seed(5)
    module = network.to_torch()
    assert float(torch.rand(1)) == expected
    with torch.no_grad():
        module[0].weight.mul_(2.0)
    assert network.weights.tolist() == [[1.0, 2.0]]
    back = TwoLayerReLU.from_torch(module)
    with torch.no_grad():
        module[0].weight.mul_(2.0)
    assert back.weights.tolist() == [[2.0, 4.0]]
    assert network.to_torch(dtype=torch.float32)[0].weight.dtype == torch.float32


def test_a_bias_of_the_output_is_refused_or_a_neuron():
    torch.manual_seed(2)
    module = sequence(bias=True).double()
    with pytest.raises(InputError, match=r"the last layer has the bias .*bias=False"):
        TwoLayerReLU.from_torch(module)
    network = TwoLayerReLU.from_torch(module, output_bias="neuron")
    X = np.random.default_rng(0).standard_normal((9, 2))
    outputs = module(torch.tensor(X)).detach().numpy()[:, 0]
    assert np.allclose(network.predict(X), outputs, rtol=1e-12, atol=1e-12)
    assert network.n_neurons == 4
    assert abs(network.weights[3, 2]) == pytest.approx(abs(network.alphas[3]))
    with torch.no_grad():
        module[2].bias.zero_()
    assert TwoLayerReLU.from_torch(module).n_neurons == 3
    no_bias = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1))
    neuron = TwoLayerReLU.from_torch(no_bias.double(), output_bias="neuron")
    outputs = no_bias(torch.tensor(X)).detach().numpy()[:, 0]
    assert np.allclose(neuron.predict(X), outputs)


class Doubled(nn.Linear):
    """A layer that does more than its weights say."""

    def forward(self, x):
        return 2.0 * super().forward(x)


def hooked():
    module = sequence()
    module[1].register_forward_hook(lambda *parts: parts[-1] * 2.0)
    return module


def diverged():
    module = sequence()
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    return module


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: nn.Linear(2, 1),
            InputTypeError,
            "of type Linear; expected nn.Seq",
        ),
        (lambda: 3, InputTypeError, "of type int"),
        (lambda: nn.Sequential(nn.Linear(2, 1)), InputError, r"Sequential\(Linear\)"),
        (
            lambda: nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)),
            InputError,
            r"Sequential\(Linear, Tanh, Linear\); expected",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)),
            InputError,
            "module has 2 outputs",
        ),
        (
            lambda: nn.Sequential(
                Doubled(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)
            ),
            InputError,
            "gives something else than its weights say",
        ),
        (hooked, InputError, "gives something else than its weights say"),
        (diverged, InputError, r"0\.weight of the module holds nan"),
    ],
)
def test_what_a_network_is_not_is_refused(make, kind, message):
    with pytest.raises(kind, match=message) as caught:
        TwoLayerReLU.from_torch(make())
    assert "\n" not in str(caught.value)


def test_types_and_options_that_are_none():
    network = TwoLayerReLU([[1e300]], [1.0])
    with pytest.raises(InputTypeError, match="dtype=3"):
        network.to_torch(dtype=3)
    with pytest.raises(InputTypeError, match="expected one of PyTorch's"):
        network.to_torch(dtype=torch.int64)
    with pytest.raises(InputError, match=r"0\.weight holds numbers beyond torch"):
        network.to_torch(dtype=torch.float32)
    with pytest.raises(InputError, match="output_bias='x' is unknown"):
        TwoLayerReLU.from_torch(sequence(), output_bias="x")


def test_a_state_that_the_command_line_wrote(tmp_path, capsys):
    table, model = tmp_path / "t.csv", tmp_path / "m.json"
    table.write_text("x,y\n2001,1\n2002,0\n2003,1\n2004,3\n")
    fitted = ["fit", str(table), "--target", "y", "--beta", "0.1", "-o", str(model)]
    assert main(fitted) == 0
    out = tmp_path / "net.pt"
    assert main(["export", str(model), "-o", str(out)]) == 0
    assert "Sequential(Linear(1, " in capsys.readouterr().out
    state = torch.load(io.BytesIO(out.read_bytes()), weights_only=True)
    network = TwoLayerReLU.load(model)
    module = sequence(1, network.n_neurons).double()
    module.load_state_dict(state)
    X = np.array([[2001.0], [2003.5]])
    outputs = module(torch.tensor(X)).detach().numpy()[:, 0]
    assert np.allclose(outputs, network.predict(X), rtol=1e-9)


def test_the_examples_run():
    pytest.importorskip("onnxruntime", reason="onnxruntime: pip install '.[onnx]'")
    pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
    failed, n_examples = doctest.testfile(
        str(EXAMPLES), module_relative=False, optionflags=doctest.FAIL_FAST
    )
    assert failed == 0
    assert n_examples > 30
