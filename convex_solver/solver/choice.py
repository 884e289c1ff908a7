"""Which weight decay to take, of errors on data that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arrangement import InputError
from arrangement.options import short_repr
from convex_solver.typing import Array

# The least mean error, or the largest beta within a standard error of it.
RULES = ("best", "one_se")


@dataclass(frozen=True, eq=False)
class Choice:
    """Errors of every beta, and two choices among them.

    Attributes
    ----------
    betas : ndarray, shape (m,), float64
    means, errors : ndarray, shape (m,), float64
        Mean over the folds, and its standard error (0 with one fold).
    best : int
        The beta with the least mean; the largest of them where several have it.
    one_se : int
        The largest beta whose mean is at most one standard error above the least:
        the simplest network that is as good as one can tell (Breiman et al. 1984,
        section 3.4.3).
    """

    betas: Array
    means: Array
    errors: Array
    best: int
    one_se: int

    __repr__ = short_repr

    def index(self, rule: str) -> int:
        """Return the choice by one of `RULES`.

        Raises
        ------
        InputError
            Another rule.
        """
        check_rule(rule)
        return self.best if rule == "best" else self.one_se


def check_rule(rule: str) -> None:
    """Raise `InputError` unless the rule is one of `RULES`."""
    if rule not in RULES:
        raise InputError(f"rule={rule!r} is unknown; use one of {RULES}.")


def choose_beta(betas: Array, folds: Array) -> Choice:
    """Compare weight decays by their errors on several folds.

    Parameters
    ----------
    betas : ndarray, shape (m,), float64
        At least one.
    folds : ndarray, shape (m, k), float64
        Mean error of each beta on each fold; less is better.  NaN is infinite.

    Returns
    -------
    Choice

    Examples
    --------
    >>> found = choose_beta(np.array([4.0, 2.0, 1.0]),
    ...                     np.array([[9.0, 9.0], [2.0, 4.0], [1.0, 4.0]]))
    >>> found.means.tolist(), found.best, found.one_se
    ([9.0, 3.0, 2.5], 2, 1)
    """
    values = np.where(np.isnan(folds), np.inf, folds)
    means = values.mean(axis=1)
    m, k = values.shape
    errors: Array = np.zeros(m)
    finite = np.isfinite(means)
    if k > 1:
        errors[finite] = values[finite].std(axis=1, ddof=1) / np.sqrt(k)
    falling = np.argsort(-betas, kind="stable")
    best = int(falling[np.argmin(means[falling])])
    near = means[falling] <= means[best] + errors[best]
    return Choice(betas, means, errors, best, int(falling[np.argmax(near)]))
