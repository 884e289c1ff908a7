"""Signs of the determinants of every level above 0, which the level below needs."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np

from arrangement._kernels.state import CONTROL_SIZE, PAUSED
from arrangement._kernels.vertices import walk as vertices
from arrangement.listing.vertices.decisions import Decisions, Tables
from arrangement.listing.vertices.frame import Frame
from arrangement.listing.vertices.level import Level

# prefixes of a table a call: Python is back within a fraction of a second
_PREFIXES = 1 << 14


def fill_tables(frame: Frame, tables: Tables) -> Iterator[None]:
    """Fill the tables of all levels in bounded steps; this shows whether y is generic.

    Every other sign that may not vanish is a product of theirs.

    Raises
    ------
    NotGenericError
        A determinant vanished that need not.
    """
    n_words = frame.layout.n_words
    control = np.zeros(CONTROL_SIZE, dtype=np.int64)
    others = np.zeros(n_words, dtype=np.uint64)
    decisions = Decisions(frame, tables)
    tables.clear()
    tables[frame.rank - 1] = np.zeros((1, 2, n_words), dtype=np.uint64)
    for number in range(frame.rank - 2, 0, -1):
        level = Level(frame, number, control)
        decisions.begin(number)
        prefixes = comb(level.n_free, level.size - 1)
        tables[number] = np.zeros((prefixes, 2, n_words), dtype=np.uint64)
        while not level.is_done:
            status = vertices.fill_table(
                frame.chart, level.path, others, tables[number], _PREFIXES
            )
            level.note(int(status), decisions)
            while not decisions.settle(decisions.determine):
                yield
            if status == PAUSED:
                yield
