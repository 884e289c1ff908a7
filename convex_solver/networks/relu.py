"""`TwoLayerReLU`: the network, its objective, and Lemma 2's rescaling."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from arrangement import InputError
from arrangement.exact import float_array
from arrangement.io import check_new_file, html_facts, html_table, write_new
from arrangement.options import short
from convex_solver.errors import ModelFileError
from convex_solver.exchange import (
    Layers,
    layers_of_module,
    module_of_layers,
    onnx_content,
)
from convex_solver.losses import Loss, get_loss
from convex_solver.networks.json_files import (
    MOST_INPUTS,
    Fields,
    read_json,
    write_json,
)
from convex_solver.networks.names import check_names, read_names
from convex_solver.reading import real_array
from convex_solver.rounding import lengths
from convex_solver.typing import Array

# names of features in a `repr`
_SHOWN = 6
# neurons in a notebook
_SHOWN_NEURONS = 8
_FIELDS = (
    "weights",
    "alphas",
    "n_inputs",
    "intercept",
    "feature_names",
    "center",
    "scale",
)


@dataclass(frozen=True, eq=False, init=False)
class TwoLayerReLU:
    """The network ``f(x) = sum_j alpha_j max(0, x . u_j)``.

    Parameters
    ----------
    weights : array_like, shape (m, d)
        First-layer weights u_j, one neuron a row; with an intercept the last column
        multiplies the constant one.
    alphas : array_like, shape (m,)
        Second-layer weights.
    intercept : bool
        Whether a column of ones is appended to the data.  Its weight is penalised
        like any other: the convex program needs that.
    feature_names : sequence of str, optional
        Names of the columns of the data (without the ones).
    center, scale : array_like, shape (d - intercept,), optional
        The data enter as ``(X - center) / scale``.

    Raises
    ------
    InputError
        Shapes that do not agree, values that are not finite.

    Examples
    --------
    >>> net = TwoLayerReLU([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0], intercept=True)
    >>> net.predict([[-2.0], [3.0]]).tolist()
    [2.0, 3.0]
    """

    weights: Array
    alphas: Array
    intercept: bool
    feature_names: tuple[str, ...]
    center: Array | None
    scale: Array | None

    def __init__(
        self,
        weights: ArrayLike,
        alphas: ArrayLike,
        *,
        intercept: bool = False,
        feature_names: Sequence[str] | None = None,
        center: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        w, a = real_array(weights, "weights"), real_array(alphas, "alphas")
        if w.ndim != 2 or a.shape != (w.shape[0],):
            raise InputError(
                f"weights have shape {w.shape} and alphas {a.shape}; expected (m, d) "
                "and (m,)."
            )
        width = w.shape[1] - bool(intercept)
        names = tuple(f"x{k}" for k in range(width))
        if feature_names is not None:
            names = read_names(feature_names) or names
        shift = None if center is None else real_array(center, "center")
        unit = None if scale is None else real_array(scale, "scale")
        if len(names) != width or width < 0:
            raise InputError(
                f"{len(names)} feature names for {width} columns of the data."
            )
        for part in (shift, unit):
            if part is not None and part.shape != (width,):
                raise InputError(
                    f"center or scale has shape {part.shape}; expected ({width},)."
                )
        if unit is not None and not np.all(unit > 0.0):
            raise InputError(
                f"scale holds {unit[~(unit > 0.0)][0]:g}; expected numbers above 0, as "
                "the data are divided by them. Use 1 for a constant column."
            )
        values = (w, a, bool(intercept), names, shift, unit)
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Return the sizes, on one line; the weights are in ``weights``."""
        names = ", ".join(self.feature_names[:_SHOWN])
        more = ", ..." if len(self.feature_names) > _SHOWN else ""
        parts = [
            _counted(self.n_neurons, "neuron"),
            f"{_counted(len(self.feature_names), 'feature')}: "
            f"{short(names + more, 60)}",
        ]
        if self.intercept:
            parts.append("intercept")
        if self.center is not None or self.scale is not None:
            parts.append("scaled")
        return f"{type(self).__name__}({'; '.join(parts)})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: sizes, and the strongest neurons."""
        names = ", ".join(self.feature_names[:_SHOWN])
        more = ", ..." if len(self.feature_names) > _SHOWN else ""
        facts = [
            ("neurons", f"{self.n_neurons:,}"),
            (_counted(len(self.feature_names), "feature"), names + more),
            ("intercept", "yes" if self.intercept else "no"),
            ("scaled", "no" if self.center is None and self.scale is None else "yes"),
        ]
        sizes = lengths(self.weights) * np.abs(self.alphas)
        order = np.argsort(-sizes, kind="stable")[:_SHOWN_NEURONS]
        ones = ["intercept"] if self.intercept else []
        n_shown = min(len(self.feature_names), _SHOWN)
        columns = [*range(n_shown), *([self.weights.shape[1] - 1] if ones else [])]
        rows = [
            [str(j), f"{sizes[j]:.4g}", f"{self.alphas[j]:.4g}"]
            + [f"{self.weights[j, k]:.4g}" for k in columns]
            for j in order.tolist()
        ]
        heads = ["neuron", "size |u| |alpha|", "alpha"]
        note = f"strongest {len(rows)} of {_counted(self.n_neurons, 'neuron')}"
        if n_shown < len(self.feature_names):
            note += f", first {n_shown} of {len(self.feature_names):,} features"
        table = html_table(
            [*heads, *self.feature_names[:n_shown], *ones],
            rows,
            summary="weights u and alpha",
            note=note,
        )
        return html_facts("Two-layer ReLU network", facts, table if rows else "")

    @property
    def n_neurons(self) -> int:
        """Number of neurons m."""
        return int(self.alphas.size)

    def design(self, X: ArrayLike) -> Array:
        """Return the data as the first layer sees them, (n, d) or (n, K, d)."""
        check_names(self.feature_names, X)
        data = float_array(X, name="X")
        width = self.weights.shape[1] - self.intercept
        if data.ndim not in (2, 3) or data.shape[-1] != width:
            raise InputError(
                f"X has shape {data.shape}; expected (n, {width}), or patches "
                f"(n, K, {width}): {', '.join(self.feature_names)}."
            )
        if self.center is not None:
            data = data - self.center
        if self.scale is not None:
            data = data / self.scale
        if self.intercept:
            data = np.concatenate([data, np.ones((*data.shape[:-1], 1))], axis=-1)
        return data

    def predict(self, X: ArrayLike) -> Array:
        """Return f at each row of ``X`` (n, d - intercept), shape (n,).

        For patches (n, K, d - intercept) the outputs of a sample's patches are added
        up: the two-layer ReLU CNN with sum pooling.

        Raises
        ------
        InputError
            ``X`` is of another shape, or so large that the prediction, or what it is
            computed from, is beyond float64.
        """
        with np.errstate(all="ignore"):  # what overflows is refused below
            prediction = self.evaluate(self.design(X))
        wrong = np.flatnonzero(~np.isfinite(prediction))
        if wrong.size:
            raise InputError(
                f"row {wrong[0]} of X is so large that the prediction, or what it is "
                "computed from, is beyond float64. Leave the row out, or correct it."
            )
        return prediction

    def evaluate(self, design: Array) -> Array:
        """Return f for data in the coordinates of `design`."""
        hidden = np.maximum(design @ self.weights.T, 0.0)
        if hidden.ndim == 3:
            hidden = hidden.sum(axis=1)
        return np.asarray(hidden @ self.alphas)

    def objective(
        self,
        X: ArrayLike,
        y: ArrayLike,
        beta: float,
        *,
        loss: str | Loss = "squared",
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return objective (2): summed loss plus ``beta / 2`` times squared weights.

        Pilanci & Ergen (2020), equation (2), with the intercept's weights penalised.
        """
        prediction = self.predict(X)
        target = float_array(y, name="y")
        if target.shape != prediction.shape:
            raise InputError(
                f"y has shape {target.shape}; expected {prediction.shape}."
            )
        data_term = get_loss(loss).at(target, weights=sample_weight)
        return data_term.value(prediction) + self.decay(beta)

    def decay(self, beta: float) -> float:
        """Return ``beta / 2 (sum |u_j|^2 + sum alpha_j^2)``."""
        squares = float(np.sum(self.weights**2)) + float(np.sum(self.alphas**2))
        return 0.5 * beta * squares

    def balance(self) -> TwoLayerReLU:
        """Rescale every neuron so that ``|u_j| = |alpha_j|``; f does not change.

        Lemma 2: this is the least weight decay among all rescalings, and equals
        ``beta sum |u_j| |alpha_j|``.
        """
        norms = lengths(self.weights)
        alive = (norms > 0.0) & (self.alphas != 0.0)
        norms, alphas = norms[alive], self.alphas[alive]
        size = np.sqrt(norms * np.abs(alphas))
        return self.replace(
            self.weights[alive] / norms[:, None] * size[:, None],
            np.sign(alphas) * size,
        )

    def replace(self, weights: ArrayLike, alphas: ArrayLike) -> TwoLayerReLU:
        """Return a network with other weights on the same data columns."""
        return TwoLayerReLU(
            weights,
            alphas,
            intercept=self.intercept,
            feature_names=self.feature_names,
            center=self.center,
            scale=self.scale,
        )

    @property
    def _layers(self) -> Layers:
        """The parts, as other libraries name them."""
        width = len(self.feature_names)
        bias = self.weights[:, width] if self.intercept else None
        weights = self.weights[:, :width]
        return Layers(weights, bias, self.alphas, self.center, self.scale)

    def to_torch(self, *, raw: bool = True, dtype: Any = None) -> Any:
        """Return the network as ``nn.Sequential(Linear, ReLU, Linear)`` of PyTorch.

        The intercept is the bias of the first layer; the last layer has none.  For
        patches the module is the function of one patch, whose outputs are added up.

        Parameters
        ----------
        raw : bool
            Whether the module takes the data as they are: then ``center`` and
            ``scale`` are folded into weights and bias, which rounds them, and the
            squares of the module's parameters are not the weight decay.  Otherwise it
            takes ``(X - center) / scale``, and its parameters are the network's own.
        dtype : torch.dtype, optional
            float64 by default.

        Returns
        -------
        torch.nn.Sequential
            From ``(n, d)`` to ``(n, 1)``, on the CPU; it shares no memory with this.

        Raises
        ------
        MissingLibraryError
            PyTorch is not installed.
        InputError, InputTypeError
            ``dtype`` is no floating type of PyTorch, or does not hold the weights.

        Examples
        --------
        >>> net = TwoLayerReLU([[1.0, 0.5]], [2.0], intercept=True)
        >>> net.to_torch()  # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=1, out_features=1, bias=True)
          (1): ReLU()
          (2): Linear(in_features=1, out_features=1, bias=False)
        )
        """
        layers = self._layers
        if not raw:
            layers = Layers(layers.weights, layers.bias, layers.alphas)
        return module_of_layers(layers.folded(), dtype)

    @classmethod
    def from_torch(
        cls,
        module: Any,
        *,
        feature_names: Sequence[str] | None = None,
        center: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        output_bias: str = "refuse",
    ) -> TwoLayerReLU:
        """Read a network off ``nn.Sequential(Linear, ReLU, Linear)`` of PyTorch.

        The bias of the first layer becomes the intercept: `certify` then proves how far
        the module is from the best network, its biases penalised like all weights.

        Parameters
        ----------
        module : torch.nn.Sequential
            With one output; on any device, in any floating type, which is read exactly.
            It is not changed.
        feature_names : sequence of str, optional
        center, scale : array_like, shape (d,), optional
            How the data were shifted and divided before the module took them.
        output_bias : {"refuse", "neuron"}
            A bias of the last layer other than 0 is refused, or becomes one more
            neuron, a constant: ``|u| = |alpha|`` is the root of its size.

        Returns
        -------
        TwoLayerReLU

        Raises
        ------
        MissingLibraryError
            PyTorch is not installed.
        InputError, InputTypeError
            The module is none of these, or gives something else than its weights say.
        """
        layers = layers_of_module(module, output_bias=output_bias)
        bias = [] if layers.bias is None else [layers.bias]
        return cls(
            np.column_stack([layers.weights, *bias]),
            layers.alphas,
            intercept=layers.bias is not None,
            feature_names=feature_names,
            center=center,
            scale=scale,
        )

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a new ONNX file, whole or not at all.

        It takes ``X`` (n, d) float64 as it is, the scaling kept as the network has it,
        and gives ``output`` (n,) float64, what `predict` gives: of a classification
        the sign counts, of Poisson loss its exponential.  Before it is written its
        outputs by onnxruntime are compared with the network's, to 1e-6.

        Raises
        ------
        MissingLibraryError
            onnx or onnxruntime is not installed.
        InputError
            The file exists or cannot be written, or the outputs differ.
        """
        check_new_file(path)
        write_new(path, onnx_content(self._layers, self.feature_names))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and strings; floats survive JSON unchanged."""
        return {
            "weights": self.weights.tolist(),
            "alphas": self.alphas.tolist(),
            "n_inputs": int(self.weights.shape[1]),
            "intercept": self.intercept,
            "feature_names": list(self.feature_names),
            "center": None if self.center is None else self.center.tolist(),
            "scale": None if self.scale is None else self.scale.tolist(),
        }

    @classmethod
    def from_dict(cls, content: Any, *, source: str = "the network") -> TwoLayerReLU:
        """Rebuild a network that `to_dict` described; ``source`` begins messages.

        Raises
        ------
        ModelFileError
            A field is missing, unknown, of another type or shape, or not finite.
        """
        parts = Fields(content, source, _FIELDS)
        width = parts.count("n_inputs", MOST_INPUTS)
        names, intercept = parts.texts("feature_names"), parts.flag("intercept")
        if len(names) != width - intercept:
            raise parts.error("feature_names", f"{width - intercept} names")
        try:
            return cls(
                parts.array("weights", width),
                parts.array("alphas"),
                intercept=intercept,
                feature_names=names,
                center=None if parts["center"] is None else parts.array("center"),
                scale=None if parts["scale"] is None else parts.array("scale"),
            )
        except InputError as error:
            raise ModelFileError(f"{source}: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a new JSON file; an existing file is refused."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TwoLayerReLU:
        """Read a network that `save` wrote, or the one in a model file."""
        content = read_json(path)
        inner = content.get("network", content)
        return cls.from_dict(inner, source=f"{path}: the network")


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
