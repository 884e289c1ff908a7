"""Regression: `ConvexReLURegressor`."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from convex_solver.estimators.base import ConvexReLU, Problem, weighted
from convex_solver.losses import get_loss
from convex_solver.typing import Array


class ConvexReLURegressor(RegressorMixin, ConvexReLU):
    """Regression by the best two-layer ReLU network of any width.

    Minimises ``l(f(X), y) + beta / 2 (sum |u_j|^2 + sum alpha_j^2)`` over all networks
    ``f(x) = sum_j alpha_j max(0, x . u_j)`` (Pilanci & Ergen 2020, equations (2) and
    (19)), to a certified distance from the global optimum: ``gap_`` is at most ``tol``,
    or a warning says what it is.  No initialisation, no learning rate, no width and no
    random seed: without ``time_limit`` the result is a function of the data.

    Parameters
    ----------
    beta : float, default=0.1
        Weight decay, above 0.  The loss is a sum over the samples, so that the same
        beta weighs less on more of them.
    loss : str, default="squared"
        ``"squared"``, ``"absolute"``, ``"huber:D"``, ``"quantile:T"``,
        ``"epsilon_insensitive:E"`` or ``"poisson"``; see `convex_solver.losses.loss`.
    fit_intercept : bool, default=True
        Give every neuron a bias.  It is penalised like the other weights: the
        equivalence needs that.
    standardize : bool, default=True
        Scale the columns inside the program, and centre them with ``fit_intercept``,
        so that beta does not depend on the units of ``X``.  Unlike a
        `~sklearn.preprocessing.StandardScaler` before it, this is done in exact
        arithmetic and keeps ties between rows.  ``y`` is not scaled.
    tol : float, default=1e-6
        Relative gap between the objective and the certified lower bound.
    time_limit : float, optional
        Seconds for `fit`, certificates included; several outputs get equal shares.
        Where it cuts a run short, the result depends on the machine.
    max_cones : int, default=3000000
        Budget of the certificate: cones of its covering for each sign, some 200,000 a
        second.  Enough for a few features; with many columns no budget is, the
        network may still be optimal, and `gap_` says what is proven.
    n_jobs : int, default=1
        Threads; -1 for as many as there are processors.  Without a time limit the
        result does not depend on it.
    warm_start : bool, default=False
        Begin near the network of the last `fit` of this estimator: shorter where beta
        or the data changed a little.  The optimum is the same.

    Attributes
    ----------
    network_ : TwoLayerReLU, or list of n_outputs
        Takes unscaled data.  A list, like the next four, where ``y`` has two
        dimensions.
    certificate_ : Certificate, or list
        Proof of ``lower_bound_``; see `convex_solver.certify`.
    objective_ : float, or list
        Of ``network_`` on the training data.
    lower_bound_ : float, or list
        No network of any width has a smaller objective.
    gap_ : float, or list
        Certified relative gap, ``(upper - lower) / upper``.
    n_iter_ : int
        Most rounds of column generation of a network.
    n_features_in_, feature_names_in_
        As usual in scikit-learn.

    Notes
    -----
    Data are read as float64, exactly.  Sparse data are not supported.  Several outputs
    are fitted by separate networks, each at its own optimum; that is not the problem
    of one network with a shared hidden layer.  If the certificate does not reach
    ``tol``, `fit` issues a `~sklearn.exceptions.ConvergenceWarning`.

    Examples
    --------
    >>> X = [[-2.0], [-1.0], [0.0], [1.0], [2.0]]
    >>> model = ConvexReLURegressor(beta=1e-3).fit(X, [2.0, 1.0, 0.0, 1.0, 2.0])
    >>> model.predict([[-1.5], [1.5]]).round(2).tolist()
    [1.5, 1.5]
    >>> model.gap_ <= model.tol
    True
    """

    def fit(
        self,
        X: ArrayLike | Any,
        y: ArrayLike | Any,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Find the best network, or one for each output.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Not modified.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional
            What each sample's loss is multiplied with, at least 0.

        Returns
        -------
        ConvexReLURegressor
            Itself.

        Raises
        ------
        ValueError, TypeError
            Data or parameters that are not acceptable.
        """
        return self._fit(self._read(X, y, sample_weight))

    def _read(
        self, X: ArrayLike | Any, y: ArrayLike | Any, sample_weight: ArrayLike | None
    ) -> Problem:
        """Read the data, and return a problem for each output."""
        loss = self._loss(is_classification=False)
        X, y = self._data(X, y, y_numeric=True, multi_output=True)
        targets = np.asarray(y, dtype=np.float64)
        X, weights, kept = weighted(X, sample_weight)
        targets = targets[kept]
        is_list = targets.ndim == 2
        columns = list(targets.T) if is_list else [targets]
        names = [f"output {k}" for k in range(len(columns))]
        return Problem(X, columns, loss, weights, kept, is_list, names)

    def predict(self, X: ArrayLike | Any) -> Array:
        """Return the prediction for each row of ``X``.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs), float64
            The network's output; with ``loss="poisson"`` the mean, its exponential.
        """
        return get_loss(self.loss).mean(self._outputs(X))

    def __sklearn_tags__(self) -> Any:
        """Say that y may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
