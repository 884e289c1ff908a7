"""Folds of rows for cross-validation, the same for every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement.io import UsageError


def fold_numbers(
    n: int, count: int, seed: int, classes: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    """Return for each row the fold in which it is held out, (n,).

    Rows are shuffled, as files are often sorted, and folds differ by one row at most;
    of a classification (``classes`` (n,)) each fold has its share of each class.

    Raises
    ------
    UsageError
        Fewer rows than folds.

    Examples
    --------
    >>> np.bincount(fold_numbers(7, 3, 0, None)).tolist()
    [3, 2, 2]
    """
    if count > n:
        raise UsageError(f"--cv is {count}, but there are {n} rows; take fewer folds.")
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    if classes is not None:
        # class by class, and dealt out by turns
        order = order[np.argsort(classes[order], kind="stable")]
    numbers = np.empty(n, dtype=np.int64)
    numbers[order] = np.arange(n) % count
    return numbers
