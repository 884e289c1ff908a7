"""What both estimators share: parameters, programs, one warning."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# scikit-learn has no types

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from arrangement import InputError
from arrangement.exact import check_frame
from convex_solver.certificates import SolutionStatus, verdict
from convex_solver.losses import Loss, get_loss
from convex_solver.networks import TwoLayerReLU, moved_to
from convex_solver.program import ConvexProgram
from convex_solver.reading import MAX_CONES, TOL, Limits
from convex_solver.solver import Solution, solve
from convex_solver.typing import Array

# seconds for what is left after Ctrl-C
_AT_ONCE = 1e-3


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted: rows that count, and a vector of targets for each network.

    ``kept`` are the rows of the data given, ``is_list`` whether networks are kept as a
    list, and ``names`` say in a warning whose each vector is.
    """

    X: Array
    columns: list[Array]
    loss: Loss
    weights: Array | None
    kept: NDArray[np.int64]
    is_list: bool
    names: list[str]


class ConvexReLU(BaseEstimator):
    """Base of both estimators."""

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
        warm_start: bool = False,
    ) -> None:
        self.beta = beta
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.time_limit = time_limit
        self.max_cones = max_cones
        self.n_jobs = n_jobs
        self.warm_start = warm_start

    def _read(
        self, X: ArrayLike | Any, y: ArrayLike | Any, sample_weight: ArrayLike | None
    ) -> Problem:
        """Read the data; set what is known of them, such as classes."""
        raise NotImplementedError

    def _programs(self, problem: Problem, beta: float) -> Iterator[ConvexProgram]:
        """Read X once; yield the program of each vector of targets."""
        names = getattr(self, "feature_names_in_", None)
        program = ConvexProgram(
            problem.X,
            problem.columns[0],
            beta,
            loss=problem.loss,
            sample_weight=problem.weights,
            standardize=self.standardize,
            intercept=self.fit_intercept,
            feature_names=None if names is None else names.tolist(),
        )
        yield program
        for targets in problem.columns[1:]:
            yield program.with_targets(targets)

    def _fit(self, problem: Problem) -> Self:
        """Solve for each vector of targets, keep networks, warn of the worst."""
        solutions = self._solve_each(problem)
        self._keep(solutions, is_list=problem.is_list)
        self._warn_of_worst(solutions, problem)
        return self

    def _solve_each(self, problem: Problem) -> list[Solution]:
        """Solve for each vector of targets, sharing the time."""
        count = len(problem.columns)
        before = self._networks_before(problem.X.shape[1], count)
        begin = time.monotonic()
        limits = Limits(self.tol, self.time_limit, None, self.max_cones, self.n_jobs)
        solutions: list[Solution] = []
        programs = self._programs(problem, self.beta)
        for program, start in zip(programs, before, strict=True):
            share = limits.share(begin, count - len(solutions))
            seconds = share.time_limit
            if solutions and solutions[-1].stopped == "interrupted":
                seconds = _AT_ONCE  # Ctrl-C is for all of them
            solution = solve(
                program,
                tol=self.tol,
                time_limit=seconds,
                max_cones=self.max_cones,
                n_jobs=self.n_jobs,
                start=None if start is None else moved_to(start, program.data),
            )
            solutions.append(solution)
        return solutions

    def _networks_before(self, width: int, count: int) -> list[TwoLayerReLU | None]:
        """Return the networks of the last fit to begin near, where that is asked for.

        None where there is none, or where it was of another problem.
        """
        found = getattr(self, "network_", None) if self.warm_start else None
        every = found if isinstance(found, list) else [found]
        fits = [
            network is not None and len(network.feature_names) == width
            for network in every
        ]
        return every if len(every) == count and all(fits) else [None] * count

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

    def _warn_of_worst(self, solutions: list[Solution], problem: Problem) -> None:
        """Issue a `ConvergenceWarning` unless all certificates say optimal."""
        worst = int(np.argmax([one.gap for one in solutions]))
        solution = solutions[worst]
        if solution.status is SolutionStatus.OPTIMAL:
            return
        what = f"{problem.names[worst]} is worst: " if problem.is_list else ""
        rounds = solution.history
        warnings.warn(
            f"{what}{verdict(solution.gap, self.tol)}; the gap is above "
            f"tol={self.tol:g} after {len(rounds)} rounds in {solution.seconds:.3g} s "
            f"(stopped: {solution.stopped}). Raise time_limit or max_cones, or beta.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _data(self, X: ArrayLike | Any, y: ArrayLike | Any, **options: Any) -> Any:
        """Return X and y as scikit-learn reads them; of a frame, name what is not."""
        check_frame(X)
        return validate_data(self, X, y, dtype=np.float64, **options)

    def _outputs(self, X: ArrayLike | Any) -> Array:
        """Return the outputs of the network, (n,), or of several, a column each."""
        check_is_fitted(self)
        check_frame(X)
        data = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        if isinstance(self.network_, list):
            return np.column_stack([one.predict(data) for one in self.network_])
        return np.asarray(self.network_.predict(data))


def weighted(
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
