"""Regression with a weight decay by cross-validation: `ConvexReLURegressorCV`."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike

from convex_solver.estimators.cross_validated import CrossValidated
from convex_solver.estimators.regressor import ConvexReLURegressor


class ConvexReLURegressorCV(CrossValidated, ConvexReLURegressor):
    """`ConvexReLURegressor` with a weight decay chosen by cross-validation.

    For each beta from the largest down, the network for all data and that of every fold
    are solved, each begun at its last one, and each certified; scored is a fold's
    network on the rows that it has not seen.  The network kept is the one for all data
    at the beta chosen.

    Parameters
    ----------
    betas : array_like, shape (m,), optional
        Weight decays to try, in any order; by default a grid.  As in
        `ConvexReLURegressor` the loss is a sum over the samples, and a beta is the
        same for all data and for a fold.
    n_betas : int, default=20
        Of the grid: from `beta_max` down, where the first neuron appears, each the same
        share of the last.
    eps : float, default=1e-4
        Smallest beta of the grid as a share of the largest.
    cv : int, splitter or iterable, optional
        As in scikit-learn: five folds by default, in the order of the rows.
    scoring : str or callable, optional
        As in scikit-learn, larger is better; `score` by default, which is R2.
    rule : {"best", "one_se"}, default="best"
        Take the beta with the best mean score; or the largest whose mean score is
        within one standard error of it, for a simpler network.
    loss, fit_intercept, standardize, tol, max_cones
        As in `ConvexReLURegressor`.
    time_limit : float, optional
        Seconds for `fit`: all betas and folds, with their certificates.  Every network
        has an equal share of what is left; betas that were not reached are left out.
    n_jobs : int, default=1
        How many networks are solved at a time, in threads; -1 for as many as there are
        processors.  Without a time limit the result does not depend on it.

    Attributes
    ----------
    beta_ : float
        The one chosen.
    betas_ : ndarray, shape (m,)
        Those solved, falling.
    cv_results_ : dict of ndarray
        With an entry for each of ``betas_``: ``beta``, ``split<k>_test_score``,
        ``mean_test_score``, ``std_test_score``, ``rank_test_score``; of all data
        ``objective`` and ``lower_bound`` (certified), ``gap``, ``n_neurons``; and
        ``fold_gap``, the largest of the folds.  Of several outputs objectives, bounds
        and neurons are added up, and the largest gap counts.
    network_, certificate_, objective_, lower_bound_, gap_, n_iter_
        Of all data at ``beta_``, as in `ConvexReLURegressor`.
    n_features_in_, feature_names_in_
        As usual in scikit-learn.

    Notes
    -----
    Several outputs share one beta.  Weights of samples count in fits and in scores.
    Columns are scaled in each fold anew, by the rows it is trained on.  A
    `~sklearn.exceptions.ConvergenceWarning` says where the time ended the path, and
    where the gap of the network kept is above ``tol``.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.cos(7.0 * np.arange(20))
    >>> model = ConvexReLURegressorCV(n_betas=5, cv=4).fit(X[::-1], y[::-1])
    >>> model.beta_ in model.betas_[1:], model.gap_ <= model.tol
    (True, True)
    >>> model.cv_results_["mean_test_score"].shape
    (5,)
    """

    _plain = ConvexReLURegressor

    def fit(
        self,
        X: ArrayLike | Any,
        y: ArrayLike | Any,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose a beta, and keep the best network at it.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Not modified.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional
            What each sample's loss and error are multiplied with, at least 0.

        Returns
        -------
        ConvexReLURegressorCV
            Itself.

        Raises
        ------
        ValueError, TypeError
            Data or parameters that are not acceptable.
        """
        return self._fit_path(X, y, sample_weight)
