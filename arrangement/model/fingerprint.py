"""A name for a matrix as it was read: the SHA-256 of its exact integers."""

from __future__ import annotations

import hashlib
from fractions import Fraction

from arrangement.exact import dual_basis, integer_row, multiply
from arrangement.model.arrangement import Arrangement


def matrix_sha256(arrangement: Arrangement) -> str:
    """Return the SHA-256 of the exact rows, the same on every platform.

    Rows enter in input order as primitive integers in hexadecimal, over the pivot
    columns (and ``-b`` when affine), so matrices have the same name when they differ
    only in positive factors of rows or in columns that depend on others: the patterns
    are the same.  A projected rank names the float64 projection, which depends on the
    platform's SVD.

    Examples
    --------
    >>> one = matrix_sha256(Arrangement([["0.5", 1], [0, 3]]))
    >>> one == matrix_sha256(Arrangement([[1, 2], [0, 1]]))
    True
    """
    kind = "central" if arrangement.is_central else "affine"
    digest = hashlib.sha256()
    digest.update(
        f"{kind} n={arrangement.n_hyperplanes} d={arrangement.dimension} "
        f"projected={int(arrangement.is_projected)} "
        f"pivots={','.join(map(str, arrangement.pivot_columns))}\n".encode()
    )
    rows = _class_rows(arrangement)
    for i, (place, side) in enumerate(
        zip(arrangement.class_of.tolist(), arrangement.orientation, strict=True)
    ):
        if place < 0:
            line = f"constant {int(arrangement.constant_bits[i])}"
        else:
            # hexadecimal: Python refuses to print decimals of more than 4300 digits
            line = " ".join(format(int(side) * x, "x") for x in rows[place])
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _class_rows(arrangement: Arrangement) -> list[tuple[int, ...]]:
    """Rows of the cone in the columns of the data, whatever basis it is kept in."""
    rows = list(arrangement.cone.rows)
    if arrangement.column_basis is not None:
        inverse = list(zip(*dual_basis(arrangement.column_basis), strict=True))
        rows = multiply(rows, inverse)
    scales = [*arrangement.column_scales]
    if not arrangement.is_central:
        scales.append(Fraction(1))
    return [
        integer_row([x / scale for x, scale in zip(row, scales, strict=True)])
        for row in rows
    ]
