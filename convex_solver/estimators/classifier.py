"""Classification: `ConvexReLUClassifier`."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from arrangement import InputError
from convex_solver.estimators.base import ConvexReLU, Problem, weighted
from convex_solver.losses import get_loss
from convex_solver.reading import MAX_CONES, TOL
from convex_solver.typing import Array


def _has_probabilities(estimator: ConvexReLUClassifier) -> bool:
    if get_loss(estimator.loss).name != "logistic":
        raise AttributeError(
            f"loss={estimator.loss!r} gives no probabilities; use loss='logistic'."
        )
    return True


class ConvexReLUClassifier(ClassifierMixin, ConvexReLU):
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
    warm_start : bool, default=False
        Begin near the network of the last `fit` of this estimator: shorter where beta
        or the data changed a little.  The optimum is the same.

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
        warm_start: bool = False,
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
            warm_start=warm_start,
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
        return self._fit(self._read(X, y, sample_weight))

    def _read(
        self, X: ArrayLike | Any, y: ArrayLike | Any, sample_weight: ArrayLike | None
    ) -> Problem:
        """Read the data, set the classes, and return a problem for each of them."""
        loss = self._loss(is_classification=True)
        X, y = self._data(X, y)
        check_classification_targets(y)
        X, weights, kept = weighted(X, sample_weight)
        self.classes_, labels = np.unique(np.asarray(y)[kept], return_inverse=True)
        if self.classes_.size < 2:
            raise InputError(
                f"y has one class, {self.classes_.tolist()[0]!r}; two are needed."
            )
        several = self.classes_.size > 2
        positive = list(range(self.classes_.size)) if several else [1]
        columns = [np.where(labels == k, 1.0, -1.0) for k in positive]
        names = [f"class {self.classes_.tolist()[k]!r}" for k in positive]
        return Problem(X, columns, loss, weights, kept, several, names)

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
        return self._outputs(X)

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
        # in logarithms: all of them may underflow
        shares = np.exp(_log_shares(scores))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike | Any) -> Array:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples, n_classes), float64
            Of `predict_proba`, also where that underflows.
        """
        return _log_shares(self.decision_function(X))


def _log_shares(scores: Array) -> Array:
    if scores.ndim == 1:
        return -np.logaddexp(0.0, np.column_stack([scores, -scores]))
    logs = -np.logaddexp(0.0, -scores)
    return np.asarray(logs - logsumexp(logs, axis=1, keepdims=True))
