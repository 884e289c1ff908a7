"""Lists of patterns as CSV, which hold their bits alone."""

from __future__ import annotations

import os

import numpy as np

from arrangement.counting import cover_bound
from arrangement.io import read_bit_rows
from arrangement.model import Arrangement, PatternSet, pack


def read_csv(path: str | os.PathLike[str], arrangement: Arrangement) -> PatternSet:
    """Read what `PatternSet.save` wrote to a name that ends in ``.csv``.

    Parameters
    ----------
    path : path-like
    arrangement : Arrangement
        What is listed: rank and bound are not in the file.

    Returns
    -------
    PatternSet
        Without a proof; ``verify(patterns, arrangement)`` proves it.

    Raises
    ------
    InputError
        As `arrangement.io.read_bit_rows`.
    """
    blocks, n_rows = [], 0
    for bits in read_bit_rows(path):
        n_rows = bits.shape[1]
        blocks.append(pack(bits))
    return PatternSet(
        np.concatenate(blocks),
        n_rows,
        arrangement.rank,
        cover_bound(arrangement.n_distinct, arrangement.rank),
        plan="read from a CSV",
        arrangement=arrangement,
    )
