"""Networks in the forms of other libraries: PyTorch's modules, ONNX files."""

from convex_solver.exchange.layers import Layers
from convex_solver.exchange.onnx_files import onnx_content
from convex_solver.exchange.torch_modules import (
    layers_of_module,
    module_of_layers,
    state_content,
)

__all__ = [
    "Layers",
    "layers_of_module",
    "module_of_layers",
    "onnx_content",
    "state_content",
]
