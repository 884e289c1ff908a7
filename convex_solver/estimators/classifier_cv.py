"""Classification with a beta by cross-validation: `ConvexReLUClassifierCV`."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike

from convex_solver.estimators.classifier import ConvexReLUClassifier
from convex_solver.estimators.cross_validated import CrossValidated
from convex_solver.reading import MAX_CONES, TOL
from convex_solver.solver import EPS, N_BETAS


class ConvexReLUClassifierCV(CrossValidated, ConvexReLUClassifier):
    """`ConvexReLUClassifier` with a weight decay chosen by cross-validation.

    As `ConvexReLURegressorCV`: for each beta from the largest down, the networks for
    all data and those of every fold are solved and certified, and a fold's are scored
    on the rows that they have not seen.

    Parameters
    ----------
    betas, n_betas, eps, rule, time_limit, n_jobs
        As in `ConvexReLURegressorCV`; of more than two classes the grid begins at the
        largest `beta_max`, and all classes share a beta.
    cv : int, splitter or iterable, optional
        As in scikit-learn: five folds by default, with equal shares of each class.
    scoring : str or callable, optional
        As in scikit-learn, larger is better; `score` by default, which is accuracy.
        ``"neg_log_loss"`` tells betas apart that classify alike.
    loss : {"logistic", "hinge", "squared_hinge", "squared"}, default="logistic"
    fit_intercept, standardize, tol, max_cones
        As in `ConvexReLUClassifier`.

    Attributes
    ----------
    beta_, betas_, cv_results_
        As in `ConvexReLURegressorCV`; of several classes objectives, bounds and neurons
        are added up, and the largest gap counts.
    classes_, network_, certificate_, objective_, lower_bound_, gap_, n_iter_
        Of all data at ``beta_``, as in `ConvexReLUClassifier`.
    n_features_in_, feature_names_in_
        As usual in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> labels = np.where(np.abs(X[:, 0]) > 0.5, "far", "near")
    >>> model = ConvexReLUClassifierCV(n_betas=4, cv=3).fit(X, labels)
    >>> model.score(X, labels), len(model.betas_)
    (1.0, 4)
    """

    _plain = ConvexReLUClassifier

    def __init__(
        self,
        betas: ArrayLike | None = None,
        *,
        n_betas: int = N_BETAS,
        eps: float = EPS,
        cv: Any = None,
        scoring: Any = None,
        rule: str = "best",
        loss: str = "logistic",
        fit_intercept: bool = True,
        standardize: bool = True,
        tol: float = TOL,
        time_limit: float | None = None,
        max_cones: int = MAX_CONES,
        n_jobs: int = 1,
    ) -> None:
        super().__init__(
            betas,
            n_betas=n_betas,
            eps=eps,
            cv=cv,
            scoring=scoring,
            rule=rule,
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
        """Choose a beta, and keep the best network at it, or one for each class.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Not modified.
        y : array_like, shape (n_samples,)
            Labels of any type that sorts, of at least two classes in every fold.
        sample_weight : array_like, shape (n_samples,), optional
            What each sample's loss and score are multiplied with, at least 0.

        Returns
        -------
        ConvexReLUClassifierCV
            Itself.

        Raises
        ------
        ValueError, TypeError
            As `ConvexReLURegressorCV.fit`; a fold of one class.
        """
        return self._fit_path(X, y, sample_weight)
