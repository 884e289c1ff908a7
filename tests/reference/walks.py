"""A walk over cells run to its end, in any arithmetic."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from arrangement import Arrangement
from arrangement._kernels.state import BLOCK_FULL, DONE, N_EMITTED, PAUSED
from arrangement.listing.cells import layout as arithmetic
from arrangement.listing.cells.layout import make_layout
from arrangement.listing.cells.walker import new_output

KINDS = ("int64", "two words", "filtered")


def layout_of(X, offsets=None, *, kind="int64"):
    """Lay out an arrangement; in a later arithmetic even where int64 would do."""
    with pytest.MonkeyPatch.context() as patch:
        force(patch, kind)
        layout = make_layout(Arrangement(X, offsets))
    if kind == "filtered":
        assert layout.n_digits > 0
    if kind == "two words" and layout.n_digits == 0:
        assert layout.is_wide
    return layout


def force(patch, kind):
    """Have no arithmetic before this one chosen."""
    later = KINDS.index(kind)
    for name in ("_fits_int64", "_fits_two_words")[:later]:
        patch.setattr(arithmetic, name, lambda *_: False)


def walk(one, *, block=4096, witnesses=False, facets=False):
    """Run a walk to its end: patterns, witnesses and facets, chamber by chamber."""
    layout = one.layout
    patterns = np.zeros((block, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(
        layout,
        n_points=block if witnesses else 0,
        n_facets=block if facets else 0,
        room=block * 64 * layout.n_words if facets else 0,
    )._replace(patterns=patterns)
    points, starts, places = output.points, output.starts, output.places
    found, where, sides = [], [], []
    status = PAUSED
    while status != DONE:
        status = one.advance(output)
        if status == PAUSED:  # by the clock: the block is gone on with
            continue
        count = int(one.control[N_EMITTED])
        assert count > 0 or status != BLOCK_FULL
        found.append(patterns[:count].copy())
        where.append(points[:count].copy())
        ends = starts[: count + 1].tolist()
        sides += [places[a:b].tolist() for a, b in pairwise(ends)]
        one.control[N_EMITTED] = 0
    return np.concatenate(found), np.concatenate(where), sides
