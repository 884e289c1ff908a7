"""What both estimators that choose beta share: paths on folds, scores, the choice."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from arrangement import InputError
from convex_solver.estimators.base import ConvexReLU, Problem
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, TOL, Limits, deadline_after
from convex_solver.solver import (
    EPS,
    N_BETAS,
    Solution,
    Walks,
    beta_grid,
    check_rule,
    choose_beta,
    read_betas,
)
from convex_solver.typing import Array

# Share of the time that the search for the largest beta may take.
_GRID_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class _Fold:
    """A plain estimator for the rows of training, and the rows it is scored on."""

    model: ConvexReLU
    problem: Problem
    X: Array
    y: NDArray[Any]
    weights: Array | None

    def score(self, solutions: list[Solution], scorer: Callable[..., float]) -> float:
        """Give the model its networks at a beta, and return its score."""
        self.model._keep(solutions, is_list=self.problem.is_list)
        given = {}
        if self.weights is not None and _takes_weights(scorer):
            given["sample_weight"] = self.weights
        return float(scorer(self.model, self.X, self.y, **given))


@dataclass(frozen=True, eq=False)
class _Found:
    """The betas that were solved; at each the solutions for all data, scores of folds.

    And the largest gap of a fold.
    """

    betas: Array
    whole: list[list[Solution]]
    worst: list[float]
    scores: Array


class CrossValidated(ConvexReLU):
    """Base of the estimators that choose beta by cross-validation."""

    # the estimator with a beta of its own
    _plain: type[ConvexReLU]

    def __init__(
        self,
        betas: ArrayLike | None = None,
        *,
        n_betas: int = N_BETAS,
        eps: float = EPS,
        cv: Any = None,
        scoring: Any = None,
        rule: str = "best",
        loss: str = "squared",
        fit_intercept: bool = True,
        standardize: bool = True,
        tol: float = TOL,
        time_limit: float | None = None,
        max_cones: int = MAX_CONES,
        n_jobs: int = 1,
    ) -> None:
        self.betas = betas
        self.n_betas = n_betas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.time_limit = time_limit
        self.max_cones = max_cones
        self.n_jobs = n_jobs

    def _fit_path(
        self, X: ArrayLike | Any, y: ArrayLike | Any, sample_weight: ArrayLike | None
    ) -> Self:
        """Solve all data and every fold at each beta; keep the best one's networks."""
        check_rule(self.rule)
        limits = Limits(self.tol, self.time_limit, None, self.max_cones, self.n_jobs)
        deadline = deadline_after(limits.time_limit)
        problem = self._read(X, y, sample_weight)
        programs = list(self._programs(problem, 1.0))
        betas = self._grid(programs)
        scorer = check_scoring(self._model(), self.scoring)
        folds = self._folds(X, y, problem)
        for fold in folds:
            programs += fold.model._programs(fold.problem, 1.0)
        walks = Walks(programs, betas.tolist(), limits, deadline)
        found = _walked(walks, betas, len(problem.columns), folds, scorer)
        if not np.any(np.all(np.isfinite(found.scores), axis=1)):
            raise InputError(
                "no beta has a score on every fold: the scores are not finite. Choose "
                "another scoring or cv."
            )
        chosen = choose_beta(found.betas, -found.scores).index(self.rule)
        self.betas_ = found.betas
        self.beta_ = float(found.betas[chosen])
        self.cv_results_ = _results(found)
        self._keep(found.whole[chosen], is_list=problem.is_list)
        if walks.stopped:
            warnings.warn(
                f"{walks.stopped}: {len(found.betas)} of {len(betas)} betas were "
                "solved, and beta_ is chosen among them. Raise time_limit, or take "
                "fewer betas or folds.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self._warn_of_worst(found.whole[chosen], problem)
        return self

    def _grid(self, programs: list[ConvexProgram]) -> Array:
        """Return the betas to try, falling."""
        if self.betas is None:
            limit = None if self.time_limit is None else _GRID_SHARE * self.time_limit
            return beta_grid(
                *programs, n_betas=self.n_betas, eps=self.eps, time_limit=limit
            )
        betas = read_betas(np.ravel(np.asarray(self.betas)).tolist())
        if not betas.size:
            raise InputError("betas is empty; give at least one, or None for a grid.")
        return np.sort(betas)[::-1]

    def _model(self) -> ConvexReLU:
        """Return a plain estimator with the same options."""
        names = ("loss", "fit_intercept", "standardize", "tol", "max_cones")
        return self._plain(**{name: getattr(self, name) for name in names})

    def _folds(
        self, X: ArrayLike | Any, y: ArrayLike | Any, problem: Problem
    ) -> list[_Fold]:
        """Return the folds; rows that weigh nothing are left out of both parts."""
        targets = np.asarray(y)
        if targets.ndim == 2 and targets.shape[1] == 1 and is_classifier(self):
            targets = targets[:, 0]
        # rows of the problem, where each is among those that count, else -1
        place = np.full(len(targets), -1)
        place[problem.kept] = np.arange(len(problem.kept))
        splitter = check_cv(self.cv, targets, classifier=is_classifier(self))
        return [
            self._fold(k, problem, targets, place[train], place[test])
            for k, (train, test) in enumerate(splitter.split(X, targets))
        ]

    def _fold(
        self,
        k: int,
        problem: Problem,
        targets: NDArray[Any],
        train: NDArray[np.int64],
        test: NDArray[np.int64],
    ) -> _Fold:
        """Return a fold of some rows of the problem; -1 stands for none."""
        train, test = train[train >= 0], test[test >= 0]
        X, y, weights = problem.X, targets[problem.kept], problem.weights
        model = self._model()
        try:
            if not test.size:
                raise InputError("no row to score on has a weight above 0.")
            given = None if weights is None else weights[train]
            own = model._read(X[train], y[train], given)
        except ValueError as error:
            raise InputError(
                f"fold {k} of cv: {error} Take fewer folds, or another cv."
            ) from error
        left = None if weights is None else weights[test]
        return _Fold(model, own, X[test], y[test], left)


def _takes_weights(scorer: Callable[..., float]) -> bool:
    """Whether a scorer can be given weights: scikit-learn's can, others may."""
    parameters = inspect.signature(scorer).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _walked(
    walks: Walks,
    betas: Array,
    width: int,
    folds: list[_Fold],
    scorer: Callable[..., float],
) -> _Found:
    """Go along all paths, and score every fold at each beta."""
    whole: list[list[Solution]] = []
    worst: list[float] = []
    scores: list[list[float]] = []
    try:
        for together in walks:
            scores.append(_scores(together[width:], folds, scorer))
            whole.append(together[:width])
            worst.append(max(one.gap for one in together[width:]))
    except KeyboardInterrupt:
        walks.stopped = "interrupted"
    if not whole:
        raise KeyboardInterrupt  # before there was a result
    m = len(whole)
    return _Found(betas[:m], whole, worst, np.array(scores[:m]))


def _scores(
    solutions: list[Solution], folds: list[_Fold], scorer: Callable[..., float]
) -> list[float]:
    """Return the score of every fold at a beta."""
    found: list[float] = []
    for fold in folds:
        width = len(fold.problem.columns)
        found.append(fold.score(solutions[:width], scorer))
        solutions = solutions[width:]
    return found


def _results(found: _Found) -> dict[str, Any]:
    """Return what `cv_results_` holds; all arrays have an entry for each beta."""

    def of_all(name: str) -> Array:
        values = [[getattr(one, name) for one in each] for each in found.whole]
        return np.array(values, dtype=np.float64)

    scores = found.scores
    means = scores.mean(axis=1)
    neurons = [[one.network.n_neurons for one in each] for each in found.whole]
    # as in scikit-learn's searches: without a score comes last
    order = np.where(np.isnan(means), -np.inf, means)
    results: dict[str, Any] = {
        "beta": found.betas,
        **{f"split{k}_test_score": column for k, column in enumerate(scores.T)},
        "mean_test_score": means,
        "std_test_score": scores.std(axis=1),
        "rank_test_score": rankdata(-order, method="min").astype(np.int32),
        "objective": of_all("objective").sum(axis=1),
        "lower_bound": of_all("lower_bound").sum(axis=1),
        "gap": of_all("gap").max(axis=1),
        "fold_gap": np.array(found.worst),
        "n_neurons": np.array(neurons).sum(axis=1),
    }
    return results
