"""scikit-learn estimators: the certified optimum behind `fit` and `predict`.

The only module that imports scikit-learn.  `convex_solver.ConvexReLURegressor` and
`convex_solver.ConvexReLUClassifier` load it when they are first asked for.
"""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

import time
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from arrangement import InputError
from convex_solver.certificates import SolutionStatus
from convex_solver.losses import Loss, get_loss
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, TOL, Limits
from convex_solver.solver import Solution, solve
from convex_solver.typing import Array


class _ConvexReLU(BaseEstimator):
    """What both estimators share: parameters, programs, one warning."""

    def __init__(
        self,
        beta: float = 0.1,
        *,
        loss: str = "squared",
        fit_intercept: bool = True,
        standardize: bool = True,
        tol: float = TOL,
        time_limit: float | None = None,
        max_cones: int = MAX_CONES,
        n_jobs: int = 1,
    ) -> None:
        self.beta = beta
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.time_limit = time_limit
        self.max_cones = max_cones
        self.n_jobs = n_jobs

    def _solve_each(
        self, X: Array, columns: list[Array], loss: Loss, sample_weight: Array | None
    ) -> list[Solution]:
        """Read X once and solve for each vector of targets, sharing the time."""
        begin = time.monotonic()
        names = getattr(self, "feature_names_in_", None)
        program = ConvexProgram(
            X,
            columns[0],
            self.beta,
            loss=loss,
            sample_weight=sample_weight,
            standardize=self.standardize,
            intercept=self.fit_intercept,
            feature_names=None if names is None else names.tolist(),
        )
        limits = Limits(self.tol, self.time_limit, None, self.max_cones, self.n_jobs)
        solutions: list[Solution] = []
        for targets in columns:
            if solutions:
                program = program.with_targets(targets)
            share = limits.share(begin, len(columns) - len(solutions))
            solution = solve(
                program,
                tol=self.tol,
                time_limit=share.time_limit,
                max_cones=self.max_cones,
                n_jobs=self.n_jobs,
            )
            solutions.append(solution)
        return solutions

    def _keep(self, solutions: list[Solution], *, is_list: bool) -> None:
        """Set the attributes of a fitted estimator: of one network, or lists."""

        def all_or_one(values: list[Any]) -> Any:
            return values if is_list else values[0]

        self.network_ = all_or_one([s.network for s in solutions])
        self.certificate_ = all_or_one([s.certificate for s in solutions])
        self.objective_ = all_or_one([s.objective for s in solutions])
        self.lower_bound_ = all_or_one([s.lower_bound for s in solutions])
        self.gap_ = all_or_one([s.gap for s in solutions])
        self.n_iter_ = max(1, *(len(s.history) for s in solutions))

    def _loss(self, *, is_classification: bool) -> Loss:
        """Return the loss, or raise: squared loss serves both kinds of estimators."""
        loss = get_loss(self.loss)
        if loss.is_classification != is_classification and loss.name != "squared":
            raise InputError(
                f"loss={self.loss!r} is not one of {type(self).__name__}; use another "
                "loss, or the other estimator."
            )
        return loss

    def _warn(self, solution: Solution, what: str = "") -> None:
        """Issue a `ConvergenceWarning` unless the certificate says optimal."""
        if solution.status is SolutionStatus.OPTIMAL:
            return
        rounds = solution.history
        warnings.warn(
            f"{what}the certified relative gap is {solution.gap:.1e}, above "
            f"tol={self.tol:g}, after {len(rounds)} rounds in {solution.seconds:.3g} s "
            f"(stopped: {solution.stopped}). Raise time_limit or max_cones, or beta.",
            ConvergenceWarning,
            stacklevel=3,
        )

    def _validated(self, X: ArrayLike | Any) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64))


class ConvexReLURegressor(RegressorMixin, _ConvexReLU):
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
        loss = self._loss(is_classification=False)
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True
        )
        targets = np.asarray(y, dtype=np.float64)
        X, weights, kept = _weighted(X, sample_weight)
        targets = targets[kept]
        is_list = targets.ndim == 2
        columns = list(targets.T) if is_list else [targets]
        solutions = self._solve_each(X, columns, loss, weights)
        self._keep(solutions, is_list=is_list)
        worst = int(np.argmax([s.gap for s in solutions]))
        self._warn(solutions[worst], f"output {worst} is worst: " if is_list else "")
        return self

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
        data = self._validated(X)
        if isinstance(self.network_, list):
            outputs = np.column_stack([one.predict(data) for one in self.network_])
        else:
            outputs = self.network_.predict(data)
        return get_loss(self.loss).mean(outputs)

    def __sklearn_tags__(self) -> Any:
        """Say that y may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _weighted(
    X: Array, sample_weight: ArrayLike | None
) -> tuple[Array, Array | None, NDArray[np.int64]]:
    """Return the rows that count, their weights, and which they are."""
    if sample_weight is None:
        return X, None, np.arange(len(X))
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    kept = np.flatnonzero(weights > 0.0)
    if not kept.size:
        raise InputError(
            "sample_weight is zero for all samples; at least one has to count."
        )
    return X[kept], weights[kept], kept


def _has_probabilities(estimator: ConvexReLUClassifier) -> bool:
    if get_loss(estimator.loss).name != "logistic":
        raise AttributeError(
            f"loss={estimator.loss!r} gives no probabilities; use loss='logistic'."
        )
    return True


class ConvexReLUClassifier(ClassifierMixin, _ConvexReLU):
    """Classification by the best two-layer ReLU network of any width.

    Minimises ``l(f(X), y) + beta / 2 (sum |u_j|^2 + sum alpha_j^2)`` with labels -1
    and +1 (Pilanci & Ergen 2020, equations (2) and (19)), to a certified distance from
    the global optimum: ``gap_`` is at most ``tol``, or a warning says what it is.
    For two classes one network; for more, one for each class against all
    others, and the largest output wins.

    Parameters
    ----------
    beta : float, default=0.1
        Weight decay, above 0.  The loss is a sum over the samples.
    loss : {"logistic", "hinge", "squared_hinge", "squared"}, default="logistic"
        Logistic is the default as it gives probabilities, and as it is strictly
        convex: the optimal predictions on the training data are unique.  Those of
        the hinge loss need not be.
    fit_intercept : bool, default=True
        Give every neuron a bias, penalised like the other weights.
    standardize : bool, default=True
        Scale the columns inside the program, exactly; see `ConvexReLURegressor`.
    tol : float, default=1e-6
        Relative gap between objective and certified lower bound, for each network.
    time_limit : float, optional
        Seconds for `fit`, certificates included; each class gets an equal share of
        what is left.
    max_cones : int, default=3000000
        Budget of each certificate; see `ConvexReLURegressor`.
    n_jobs : int, default=1
        Threads; see `ConvexReLURegressor`.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Sorted labels.
    network_ : TwoLayerReLU, or list of n_classes
        A list, in the order of ``classes_``, when there are more than two classes;
        for two, the output is positive for ``classes_[1]``.  Likewise the next four.
    certificate_ : Certificate, or list
        Proof of ``lower_bound_``.
    objective_ : float, or list
        Of the network on the training data.
    lower_bound_ : float, or list
        No network of any width has a smaller objective.
    gap_ : float, or list
        Certified relative gap.
    n_iter_ : int
        Most rounds of column generation of a network.
    n_features_in_, feature_names_in_
        As usual in scikit-learn.

    Notes
    -----
    Sparse data are not supported.  If a certificate does not reach ``tol``, `fit`
    issues a `~sklearn.exceptions.ConvergenceWarning` that names the class with the
    largest gap.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> model = ConvexReLUClassifier(beta=0.01).fit(X, ["even", "odd", "odd", "even"])
    >>> model.predict(X).tolist()
    ['even', 'odd', 'odd', 'even']
    """

    def __init__(
        self,
        beta: float = 0.1,
        *,
        loss: str = "logistic",
        fit_intercept: bool = True,
        standardize: bool = True,
        tol: float = TOL,
        time_limit: float | None = None,
        max_cones: int = MAX_CONES,
        n_jobs: int = 1,
    ) -> None:
        super().__init__(
            beta,
            loss=loss,
            fit_intercept=fit_intercept,
            standardize=standardize,
            tol=tol,
            time_limit=time_limit,
            max_cones=max_cones,
            n_jobs=n_jobs,
        )

    def fit(
        self,
        X: ArrayLike | Any,
        y: ArrayLike | Any,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Find the best network, or one for each class.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Not modified.
        y : array_like, shape (n_samples,)
            Labels of any type that sorts, of at least two classes.
        sample_weight : array_like, shape (n_samples,), optional
            What each sample's loss is multiplied with, at least 0.

        Returns
        -------
        ConvexReLUClassifier
            Itself.

        Raises
        ------
        ValueError, TypeError
            As `ConvexReLURegressor.fit`.
        """
        loss = self._loss(is_classification=True)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        X, weights, kept = _weighted(X, sample_weight)
        self.classes_, labels = np.unique(np.asarray(y)[kept], return_inverse=True)
        if self.classes_.size < 2:
            raise InputError(
                f"y has one class, {self.classes_.tolist()[0]!r}; two are needed."
            )
        positive = list(range(self.classes_.size)) if self.classes_.size > 2 else [1]
        columns = [np.where(labels == k, 1.0, -1.0) for k in positive]
        solutions = self._solve_each(X, columns, loss, weights)
        several = len(solutions) > 1
        self._keep(solutions, is_list=several)
        worst = int(np.argmax([s.gap for s in solutions]))
        name = self.classes_.tolist()[positive[worst]]
        self._warn(solutions[worst], f"class {name!r} is worst: " if several else "")
        return self

    def decision_function(self, X: ArrayLike | Any) -> Array:
        """Return the outputs of the networks.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_classes), float64
            One column for two classes, as a vector: positive for ``classes_[1]``.
        """
        data = self._validated(X)
        if isinstance(self.network_, list):
            return np.column_stack([one.predict(data) for one in self.network_])
        return np.asarray(self.network_.predict(data))

    def predict(self, X: ArrayLike | Any) -> NDArray[Any]:
        """Return the class of each row of ``X``.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,)
            Entries of ``classes_``; the first of them where outputs are equal.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.asarray(self.classes_[(scores > 0.0).astype(np.int64)])
        return np.asarray(self.classes_[np.argmax(scores, axis=1)])

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike | Any) -> Array:
        """Return the probabilities of the classes; with ``loss="logistic"`` only.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples, n_classes), float64
            ``1 / (1 + exp(-f))``; for more than two classes divided by their sum.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        # the largest to 1 first, in logarithms: all of them may underflow
        logs = -np.logaddexp(0.0, -scores)
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
