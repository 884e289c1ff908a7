"""`ConvexProgram`: the data, loss and beta of program (8)/(19), and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement import Arrangement, InputError
from arrangement.exact import Column
from convex_solver.losses import DataTerm, Loss, get_loss
from convex_solver.networks import TwoLayerReLU, check_fit, names_of, read_names
from convex_solver.program.axes import principal_axes
from convex_solver.reading import Data, Scaling, read_beta, read_data
from convex_solver.typing import Array


@dataclass(frozen=True, eq=False, init=False)
class ConvexProgram:
    """The convex program that is equivalent to training a two-layer ReLU network.

    ``min l(sum_i D_i X (v_i - w_i), y) + beta sum_i (|v_i| + |w_i|)`` over ``v_i,
    w_i`` in
    ``K_i = {u : (2 D_i - I) X u >= 0}``, one pair for every chamber (Pilanci & Ergen
    2020, equations (8) and (19)).  Its optimum is that of objective (2),
    ``l(f(X), y) + beta / 2 (sum |u_j|^2 + sum alpha_j^2)``; the loss is a sum, not a
    mean.

    Parameters
    ----------
    X : array_like, shape (n, d) or (n, K, d)
        Data in any form that `arrangement.Arrangement` reads exactly.  K patches a
        sample make it the program of a two-layer ReLU CNN with sum pooling,
        ``f(X_i) = sum_j alpha_j sum_k (x_ik . u_j)_+``: the patterns are those of the
        stacked patches.
    y : array_like, shape (n,)
        Targets; -1 and +1 for classification losses, at least 0 for Poisson.
    beta : float
        Weight decay, finite and positive.
    loss : str or Loss
        A name of `convex_solver.losses.loss`, with a parameter as in ``"huber:1.35"``,
        ``"quantile:0.9"``, ``"epsilon_insensitive:0.1"``.
    sample_weight : array_like, shape (n,), optional
        What each sample's loss is multiplied with; finite, above 0.
    standardize : bool
        Scale the columns in the program (centre them too when ``intercept``).  The
        patterns stay those of the data as given.
    intercept : bool
        Append a column of ones.  Its weights are penalised like all others: the
        equivalence needs it.
    floats : {"binary", "decimal"}
        How floats are read.
    feature_names : sequence of str, optional
        Of the columns; those of a data frame by default, else x0, x1, ...

    Raises
    ------
    InputError, InputTypeError
        Shapes, labels, weights, beta, loss, NaN, infinity, no rows, patches or columns.

    Examples
    --------
    >>> program = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.0], 0.1)
    >>> program.n, program.d, program.rank
    (2, 2, 2)
    """

    data: Data = field(repr=False)
    beta: float
    loss: Loss
    data_term: DataTerm = field(repr=False)
    feature_names: tuple[str, ...]

    def __init__(
        self,
        X: ArrayLike | Any,
        y: ArrayLike | Any,
        beta: float,
        *,
        loss: str | Loss = "squared",
        sample_weight: ArrayLike | Any | None = None,
        standardize: bool = False,
        intercept: bool = False,
        floats: str = "binary",
        feature_names: Sequence[str] | None = None,
    ) -> None:
        chosen = get_loss(loss)
        size = read_beta(beta)
        data = read_data(
            X,
            y,
            intercept=intercept,
            standardize=standardize,
            floats=floats,
            sample_weight=sample_weight,
        )
        width = data.rows.width
        names = names_of(X, width)
        if feature_names is not None:
            names = read_names(feature_names) or names
        if len(names) != width:
            raise InputError(f"{len(names)} feature names for {width} columns.")
        values = (data, size, chosen, _term(chosen, data), names)
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Return sizes, loss and beta, on one line."""
        patches = f", n_patches={self.n_patches}" if self.n_patches > 1 else ""
        return (
            f"ConvexProgram(n={self.n}, d={self.d}{patches}, loss={str(self.loss)!r}, "
            f"beta={self.beta!r})"
        )

    def with_beta(self, beta: float) -> ConvexProgram:
        """Return the same program with another weight decay; the data are shared."""
        return self._with(beta=read_beta(beta))

    def with_loss(self, loss: str | Loss) -> ConvexProgram:
        """Return the same program with another loss; the data are shared."""
        chosen = get_loss(loss)
        return self._with(loss=chosen, data_term=_term(chosen, self.data))

    def with_targets(self, y: ArrayLike | Any) -> ConvexProgram:
        """Return the same program with other targets; X is not read again."""
        data = self.data.with_targets(y)
        return self._with(data=data, data_term=_term(self.loss, data))

    def with_samples(self, chosen: NDArray[np.int64], weights: Column) -> ConvexProgram:
        """Return the program of some samples, with other weights."""
        data = self.data.merged(chosen, weights)
        return self._with(data=data, data_term=_term(self.loss, data))

    def _with(self, **changes: Any) -> ConvexProgram:
        copy = object.__new__(ConvexProgram)
        for name in self.__dataclass_fields__:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        return copy

    @property
    def intercept(self) -> bool:
        """Whether the last column is one of ones."""
        return self.data.intercept

    @property
    def scaling(self) -> Scaling | None:
        """How the columns were scaled, None when they were not."""
        return self.data.scaling

    @property
    def arrangement(self) -> Arrangement:
        """The arrangement of the exact, unscaled rows."""
        return self.data.arrangement

    @property
    def X(self) -> Array:
        """Rows in the program's coordinates, (n K, d), with the ones column.

        Row ``i K + k`` is patch k of sample i; K is 1 unless there are patches.
        """
        return self.data.X

    @property
    def y(self) -> Array:
        """Targets, (n,)."""
        return self.data.y

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.data.y.size)

    @property
    def n_patches(self) -> int:
        """Number of patches of a sample, K."""
        return self.data.n_patches

    @property
    def d(self) -> int:
        """Number of columns, the ones column included."""
        return int(self.data.X.shape[1])

    @property
    def rank(self) -> int:
        """Exact rank of the data."""
        return self.arrangement.rank

    def reduced(self) -> tuple[Array, Array]:
        """Return ``(X V, V)``, V (d, rank) orthonormal: norms of weights are kept."""
        if self.rank == self.d:
            return self.X, np.eye(self.d)
        return self.principal()

    def principal(self) -> tuple[Array, Array]:
        """Return ``(X V, V)`` with orthogonal columns, V (d, rank) orthonormal."""
        return principal_axes(self.X, self.rank)

    def network(self, weights: ArrayLike, alphas: ArrayLike) -> TwoLayerReLU:
        """Return a network on this program's columns."""
        scaling = self.scaling
        return TwoLayerReLU(
            np.reshape(weights, (-1, self.d)),
            alphas,
            intercept=self.intercept,
            feature_names=self.feature_names,
            center=None if scaling is None else scaling.center,
            scale=None if scaling is None else scaling.scale,
        )

    def network_objective(self, network: TwoLayerReLU) -> float:
        """Return objective (2) on the program's float data.

        Raises
        ------
        InputError
            The network has another intercept, center or scale than the program: its
            weights are then of other units, and cost something else here.  Its own
            objective is ``network.objective(X, y, beta)``.
        """
        check_fit(self.data, network)
        prediction = network.evaluate(self.data.design)
        return self.data_term.value(prediction) + network.decay(self.beta)

    def pool(self, z: Array) -> Array:
        """Add up the rows of each sample: (n K, ...) to (n, ...)."""
        if self.n_patches == 1:
            return z
        return np.asarray(z.reshape(self.n, self.n_patches, *z.shape[1:]).sum(axis=1))

    def spread(self, v: Array) -> Array:
        """Give every row the entry of its sample, (n,) to (n K,); `pool` transposed."""
        return self.data.spread(v)

    def outputs(self, directions: Array) -> Array:
        """``sum_k (X_k u)_+`` of directions u (m, d): what neurons output, (n, m)."""
        return self.pool(np.maximum(self.X @ directions.T, 0.0))


def _term(loss: Loss, data: Data) -> DataTerm:
    return loss.at(
        data.y,
        weights=data.weights,
        y_exact=data.y_read,
        weights_exact=data.weights_read,
    )
