"""The one place that uses ONNX: a network as a graph, checked before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arrangement import InputError
from convex_solver.exchange.layers import Layers, missing
from convex_solver.typing import Array

# Largest difference of a runtime's outputs, relative to the largest output.
CLOSE = 1e-6
# Of 2020: what every runtime of today reads.
_OPSET, _IR = 13, 8
INPUT, OUTPUT = "X", "output"


def import_onnx() -> tuple[Any, Any]:
    """Return the modules onnx and onnxruntime, or say how to install them."""
    try:
        import onnx
    except ImportError as error:
        raise missing("an ONNX file", "onnx", "onnx") from error
    try:
        import onnxruntime
    except ImportError as error:
        raise missing("the check of an ONNX file", "onnxruntime", "onnx") from error
    return onnx, onnxruntime


def onnx_content(layers: Layers, names: Sequence[str]) -> bytes:
    """Return an ONNX file: ``X`` (n, d) float64 to ``output`` (n,) float64.

    The scaling of the data is kept, as nodes that subtract and divide, so that nothing
    is rounded that the network itself does not round; the intercept is an added bias.

    Raises
    ------
    InputError
        onnxruntime gives other outputs than the network, see `CLOSE`.
    """
    onnx, runtime = import_onnx()
    model = _model(onnx, layers, names)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    _check_outputs(runtime, content, layers)
    return content


def _model(onnx: Any, layers: Layers, names: Sequence[str]) -> Any:
    helper = onnx.helper
    double = onnx.TensorProto.DOUBLE
    constants: dict[str, Array] = {
        "center": np.zeros(0) if layers.center is None else layers.center,
        "scale": np.zeros(0) if layers.scale is None else layers.scale,
        "weights": np.ascontiguousarray(layers.weights.T),
        "bias": np.zeros(0) if layers.bias is None else layers.bias,
        "alphas": layers.alphas,
    }
    steps = [
        *([] if layers.center is None else [("Sub", "center")]),
        *([] if layers.scale is None else [("Div", "scale")]),
        ("MatMul", "weights"),
        *([] if layers.bias is None else [("Add", "bias")]),
        ("Relu", ""),
        ("MatMul", "alphas"),
    ]
    nodes, value = [], INPUT
    for kind, constant in steps:
        result = OUTPUT if constant == "alphas" else f"{kind.lower()}_{constant}"
        inputs = [value, *([constant] if constant else [])]
        nodes.append(helper.make_node(kind, inputs, [result], name=result))
        value = result
    used = {constant for _, constant in steps if constant}
    graph = helper.make_graph(
        nodes,
        "two-layer ReLU network",
        [helper.make_tensor_value_info(INPUT, double, ["n", layers.weights.shape[1]])],
        [helper.make_tensor_value_info(OUTPUT, double, ["n"])],
        [
            onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float64), name)
            for name, values in constants.items()
            if name in used
        ],
    )
    model = helper.make_model(
        graph,
        producer_name="convex-relu",
        ir_version=_IR,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    helper.set_model_props(model, {"feature_names": "\n".join(names)})
    return model


def _check_outputs(runtime: Any, content: bytes, layers: Layers) -> None:
    """Compare what the runtime gives with the network, at some points."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )
    points = layers.probes()
    (outputs,) = session.run([OUTPUT], {INPUT: points})
    expected = layers.outputs(points)
    off = float(np.abs(outputs - expected).max(initial=0.0))
    if not off <= CLOSE * float(np.abs(expected).max(initial=0.0)):
        raise InputError(
            f"onnxruntime differs from the network by {off:.1e}, so no file is "
            "written; the weights are too large or too small for a sum in float64."
        )
