"""The digest of data as read: a name for the numbers, whatever they were written as."""

from __future__ import annotations

import hashlib

from arrangement.exact import Column, Matrix, exact_text, written


def data_digest(matrix: Matrix, targets: Column, weights: Column | None) -> str:
    """Return the SHA-256 of the numbers in lowest terms (``1.50`` is ``3/2``).

    A line for each sample: the entries of its rows, one after another, and its target,
    with commas between; a line for patches, where a sample has several; a line of the
    weights, if there are any.
    """
    state = hashlib.sha256()
    for part in written(matrix.columns, matrix.n_rows, matrix.n_patches, targets):
        state.update(part)
    if matrix.n_patches > 1:
        state.update(f"patches {matrix.n_patches}\n".encode())
    if weights is not None:
        state.update(("weights " + ",".join(map(exact_text, weights)) + "\n").encode())
    return state.hexdigest()
