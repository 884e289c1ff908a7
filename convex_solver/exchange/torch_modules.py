"""The one place that uses PyTorch: a network as an `nn.Sequential`, and back."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from arrangement import InputError, InputTypeError
from convex_solver.exchange.layers import Layers, missing
from convex_solver.rounding import lengths
from convex_solver.typing import Array

# what a module's own output may differ by from what is read off its weights, relative
# to the sum of the sizes: many roundings of float32, a few of its smaller types
_CLOSE, _ROUNDINGS = 1e-3, 8.0
_FORM = "nn.Sequential(nn.Linear(d, m), nn.ReLU(), nn.Linear(m, 1, bias=False))"
OUTPUT_BIAS = ("refuse", "neuron")


def import_torch(what: str) -> Any:
    """Return the module torch, or say how to install it."""
    try:
        import torch
    except ImportError as error:
        raise missing(what, "torch", "torch") from error
    return torch


def module_of_layers(layers: Layers, dtype: Any = None) -> Any:
    """Return ``Sequential(Linear, ReLU, Linear)`` with these weights, in ``dtype``.

    Raises
    ------
    InputTypeError
        ``dtype`` is none of PyTorch's floating types.
    InputError
        A weight is beyond it.
    """
    torch = import_torch("to_torch")
    kind = torch.float64 if dtype is None else dtype
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise InputTypeError(
            f"dtype={dtype!r}; expected one of PyTorch's such as torch.float32."
        )
    if layers.is_scaled:
        raise InputError("layers that scale the data are folded first.")
    m, d = layers.weights.shape
    has_bias = layers.bias is not None
    # not initialised first: that would take numbers from the caller's generator
    empty = {"dtype": kind, "device": "meta"}
    with warnings.catch_warnings():
        # a network without neurons: there is nothing to initialise
        warnings.simplefilter("ignore")
        module = torch.nn.Sequential(
            torch.nn.Linear(d, m, bias=has_bias, **empty),
            torch.nn.ReLU(),
            torch.nn.Linear(m, 1, bias=False, **empty),
        ).to_empty(device="cpu")
    values = {"0.weight": layers.weights, "2.weight": layers.alphas[None, :]}
    if layers.bias is not None:
        values["0.bias"] = layers.bias
    state = {name: torch.tensor(value).to(kind) for name, value in values.items()}
    for name, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise InputError(f"{name} holds numbers beyond {kind}; take torch.float64.")
    module.load_state_dict(state)
    return module


def state_content(module: Any) -> bytes:
    """Return the file of the state of a module, as `torch.save` writes it."""
    torch = import_torch("a state of PyTorch")
    stream = io.BytesIO()
    torch.save(module.state_dict(), stream)
    return stream.getvalue()


def layers_of_module(module: Any, *, output_bias: str = "refuse") -> Layers:
    """Read the weights off a ``Sequential(Linear, ReLU, Linear)``.

    What is read is compared with what the module gives at some points, so that hooks
    and layers that do more than their weights say are found.

    Raises
    ------
    InputTypeError
        It is no `nn.Sequential`.
    InputError
        Its layers are others, it has several outputs, an output bias (unless
        ``output_bias="neuron"``), weights that are not finite, or it gives something
        else than its weights say.
    """
    torch = import_torch("from_torch")
    if output_bias not in OUTPUT_BIAS:
        raise InputError(
            f"output_bias={output_bias!r} is unknown; use one of {OUTPUT_BIAS}."
        )
    first, last = _linear_layers(torch, module)
    weights = _values(first.weight, "0.weight")
    alphas = _values(last.weight, "2.weight")[0]
    bias = None if first.bias is None else _values(first.bias, "0.bias")
    constant = 0.0 if last.bias is None else float(_values(last.bias, "2.bias")[0])
    if constant != 0.0 and output_bias == "refuse":
        raise InputError(
            f"the last layer has the bias {constant:g}, which the network has no place "
            "for: train with nn.Linear(m, 1, bias=False), or take output_bias='neuron' "
            "for one more neuron, which is constant and pays weight decay."
        )
    _check_outputs(torch, module, Layers(weights, bias, alphas), constant)
    if constant != 0.0:
        size = abs(constant) ** 0.5
        weights = np.vstack([weights, np.zeros(weights.shape[1])])
        before = np.zeros(len(alphas)) if bias is None else bias
        bias = np.append(before, size)
        alphas = np.append(alphas, constant / size)
    return Layers(weights, bias, alphas)


def _linear_layers(torch: Any, module: Any) -> tuple[Any, Any]:
    """Return both linear layers, or raise: it is no two-layer ReLU network."""
    nn = torch.nn
    if not isinstance(module, nn.Sequential):
        raise InputTypeError(
            f"module is of type {type(module).__name__}; expected {_FORM}."
        )
    parts = list(module)
    found = ", ".join(type(part).__name__ for part in parts)
    kinds = (nn.Linear, nn.ReLU, nn.Linear)
    if len(parts) != 3 or not all(map(isinstance, parts, kinds)):
        raise InputError(f"module is Sequential({found}); expected {_FORM}.")
    first, _, last = parts
    if last.out_features != 1:
        raise InputError(
            f"module has {last.out_features} outputs; a network has one. Take one row "
            "of the last layer at a time."
        )
    return first, last


def _values(tensor: Any, name: str) -> Array:
    """Return a tensor as float64, which holds every smaller type exactly."""
    values: Array = tensor.detach().cpu().double().numpy().copy()
    if not np.all(np.isfinite(values)):
        raise InputError(
            f"{name} of the module holds {values[~np.isfinite(values)][0]}; expected "
            "finite numbers. Training has diverged."
        )
    return values


def _check_outputs(torch: Any, module: Any, layers: Layers, constant: float) -> None:
    """Raise where the module gives something else than its weights say."""
    points = layers.probes()
    weight = next(module.parameters())
    close = max(_CLOSE, _ROUNDINGS * torch.finfo(weight.dtype).eps)
    with torch.no_grad():
        given = torch.tensor(points).to(weight)
        outputs = module(given)
        points = given.cpu().double().numpy()
        outputs = outputs.cpu().double().numpy()
    expected = layers.outputs(points) + constant
    norms = lengths(layers.weights) * lengths(points)[:, None]
    if layers.bias is not None:
        norms = norms + np.abs(layers.bias)
    sizes = norms @ np.abs(layers.alphas) + abs(constant)
    if outputs.shape != (len(points), 1) or not np.all(
        np.abs(outputs[:, 0] - expected) <= close * sizes
    ):
        raise InputError(
            "the module gives something else than its weights say (a hook, or a layer "
            f"that does more); expected a plain {_FORM}."
        )
