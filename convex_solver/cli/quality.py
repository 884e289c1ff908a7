"""How well a network fits its data, in one number that people know."""

from __future__ import annotations

import numpy as np

from convex_solver.losses import Loss
from convex_solver.typing import Array

# Losses whose best constant is a quantile, and its share where that is always the same.
_SHARES = {"absolute": 0.5, "quantile": None}


def quality(
    loss: Loss, y: Array, outputs: Array, weights: Array | None
) -> tuple[str, float | None]:
    """Return the name of a score, and its value on the rows that were fitted.

    ``accuracy`` of a classification, else the share explained of what the best
    constant leaves: of the squares (``R2``), or of the loss (``D2``) where its best
    constant is no mean, absolute and quantile, and of the deviance of Poisson.  None
    where that constant leaves nothing.
    """
    counts = np.ones_like(y) if weights is None else weights
    if loss.is_classification:
        right = np.where(outputs > 0.0, 1.0, -1.0) == y
        return "accuracy", float(np.average(right, weights=counts))
    with np.errstate(all="ignore"):  # what is beyond float64 has no score
        mean = np.average(y, weights=counts)
        if loss.has_link:
            left = _deviance(y, loss.mean(outputs), counts)
            all_of_it = _deviance(y, np.full_like(y, mean), counts)
        elif loss.name in _SHARES:
            term = loss.at(y, weights=weights)
            best = _quantile(y, counts, _SHARES[loss.name] or loss.parameter or 0.0)
            left = float(term.value(outputs))
            all_of_it = float(term.value(np.full_like(y, best)))
        else:
            left = float(np.sum(counts * (y - outputs) ** 2))
            all_of_it = float(np.sum(counts * (y - mean) ** 2))
        score = 1.0 - left / all_of_it if all_of_it > 0.0 else np.nan
    name = f"D2 ({loss})" if loss.name in _SHARES else "R2"
    if loss.has_link:
        name = "D2 (deviance)"
    return name, score if np.isfinite(score) else None


def error_name(loss: Loss) -> str:
    """Return what `mean_error` is, for a person."""
    return "mean squared error" if loss.name == "squared" else f"mean {loss} loss"


def mean_error(loss: Loss, y: Array, outputs: Array, weights: Array | None) -> float:
    """Return the mean loss of rows, weighted; of the squared loss twice that.

    The measure that was minimised, on other rows.  Infinite where it is beyond float64.
    """
    total = len(y) if weights is None else float(np.sum(weights))
    with np.errstate(all="ignore"):
        value = loss.at(y, weights=weights).value(outputs) / total
    factor = 2.0 if loss.name == "squared" else 1.0
    return factor * float(value) if np.isfinite(value) else np.inf


def _quantile(y: Array, counts: Array, share: float) -> float:
    """Return the constant of least quantile loss: one of the targets."""
    order = np.argsort(y, kind="stable")
    below = np.cumsum(counts[order])
    place = int(np.searchsorted(below, share * below[-1]))
    return float(y[order[min(place, len(y) - 1)]])


def _deviance(y: Array, mean: Array, counts: Array) -> float:
    """Twice the loss in the likelihood to a mean for each row."""
    safe = np.where(y > 0.0, y, 1.0)
    each = np.where(y > 0.0, y * np.log(safe / mean), 0.0) - (y - mean)
    return float(2.0 * np.sum(counts * each))
