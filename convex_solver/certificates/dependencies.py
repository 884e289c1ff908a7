"""Linear dependencies between patches, checked exactly."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from numpy.typing import ArrayLike

from arrangement import InputError, InputTypeError
from arrangement.options import said, short_repr
from convex_solver.reading import Samples, read_patch_samples
from convex_solver.typing import Array

# {row: coefficient}: a combination of rows that is claimed to vanish.
Dependency = dict[int, int]


def combination(matrix: Array, dependency: Dependency) -> list[Fraction]:
    """Return ``sum_i c_i matrix[i]`` exactly, for floats as the rationals they are.

    Examples
    --------
    >>> import numpy as np
    >>> combination(np.array([[1.0, 2.0], [2.0, 4.5]]), {0: 2, 1: -1})
    [Fraction(0, 1), Fraction(-1, 2)]
    """
    total = [Fraction(0)] * matrix.shape[1]
    for i, c in dependency.items():
        row = matrix[i].tolist()
        total = [t + c * Fraction(x) for t, x in zip(total, row, strict=True)]
    return total


@dataclass(frozen=True)
class Redundancy:
    """A sample that follows from others, patches and targets alike.

    ``sum coefficients[i] * sample rows[i] = 0`` exactly, the coefficient of ``row``
    not zero.
    """

    row: int
    rows: tuple[int, ...]
    coefficients: tuple[int, ...]

    __repr__ = short_repr


@dataclass(frozen=True)
class CNNInfeasibility:
    """The proof that no linear CNN interpolates, of whatever width.

    Attributes
    ----------
    rows : tuple of int
        The samples involved.
    coefficients : tuple of int
        ``sum coefficients[i] * patches[rows[i]] = 0`` exactly: the column of ``V``.
    column : int
        The output whose targets do not cancel.
    discrepancy : float
        ``sum coefficients[i] * y[rows[i]]`` of that output, by the largest coefficient,
        rounded: how much the targets contradict each other.
    data_digest : str
        SHA-256 of patches and y.
    """

    rows: tuple[int, ...]
    coefficients: tuple[int, ...]
    column: int
    discrepancy: float
    data_digest: str

    __repr__ = short_repr


def certify_infeasible_cnn(
    patches: ArrayLike,
    y: ArrayLike,
    rows: Sequence[int],
    coefficients: Sequence[int],
) -> CNNInfeasibility:
    """Check exactly that a combination of samples cancels and its targets do not.

    Raises
    ------
    InputError
        If the patches do not cancel, or the targets do.
    InputTypeError
        Rows or coefficients that are no integers.

    Examples
    --------
    >>> patches = [[[1.0]], [[2.0]]]
    >>> certify_infeasible_cnn(patches, [1.0, 3.0], [0, 1], [2, -1]).discrepancy
    -0.5
    """
    return infeasibility(read_patch_samples(patches, y), rows, coefficients)


def infeasibility(
    samples: Samples, rows: Sequence[int], coefficients: Sequence[int]
) -> CNNInfeasibility:
    """Return the proof on samples that were read; see `certify_infeasible_cnn`."""
    dependency = _dependency(rows, coefficients, len(samples.X))
    if any(combination(samples.flat, dependency)):
        raise InputError(
            "the combination of patches is not zero; this proves no infeasibility."
        )
    sums = combination(samples.outputs, dependency)
    column = next((c for c, value in enumerate(sums) if value), None)
    if column is None:
        raise InputError(
            "the combination of targets is zero; this proves no infeasibility."
        )
    largest = max(abs(c) for c in dependency.values())
    return CNNInfeasibility(
        tuple(dependency),
        tuple(dependency.values()),
        column,
        float(sums[column] / largest),
        samples.digest,
    )


def _check(claim: Redundancy, flat: Array, outputs: Array, left_out: set[int]) -> None:
    dependency = _dependency(claim.rows, claim.coefficients, len(flat))
    if not dependency.get(claim.row) or left_out & set(dependency):
        raise InputError(
            f"sample {claim.row} is left out without a proof by samples that are kept."
        )
    if any(combination(flat, dependency)) or any(combination(outputs, dependency)):
        raise InputError(f"sample {claim.row} does not follow from the others.")


def _dependency(
    rows: Sequence[int], coefficients: Sequence[int], n: int
) -> dict[int, int]:
    try:
        whole = [list(map(operator.index, part)) for part in (rows, coefficients)]
    except TypeError:
        raise InputTypeError(
            f"{said('rows', rows)}, {said('coefficients', coefficients)}; expected "
            "integers, as many of both."
        ) from None
    result = dict(zip(whole[0], whole[1], strict=False))
    if not (
        len(result) == len(rows) == len(coefficients) and set(result) <= {*range(n)}
    ):
        raise InputError(
            f"{len(rows)} rows and {len(coefficients)} coefficients; expected as many "
            f"of each, with different rows from 0 to {n - 1}."
        )
    return result
