"""Lists in parts are the list: threads, pieces that leave others, shares and regions.

``pytest tests/fuzz/test_parts_of_lists.py --fuzz 20000`` takes as many matrices, some
fifty a second.  What leaves a part does so after each chamber or a few, whatever is
left.  That the list itself is right is what `test_matrices` is for.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from arrangement import (
    Arrangement,
    face_numbers,
    fold,
    iter_covectors,
    iter_patterns,
    partition,
)
from arrangement.listing import left_pieces, listers
from arrangement.listing.buffers import Whole
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.listing.waiting import Growth

from fuzz.alterations import run_cases
from reference.listings import joined

pytestmark = pytest.mark.kernels
# width: most rows, so that there are some hundred chambers
ROWS = {1: 20, 2: 20, 3: 14, 4: 11, 5: 9}
# of so many matrices one has its faces listed
SELDOM = 8


@numba.njit
def record(state, pattern):
    """Keep the patterns of a piece, in order."""
    count, words = state
    words[count[0]] = pattern
    count[0] += 1


def drawn(rng):
    """Rows of one of the ways of computing, with coincidences, and offsets or None."""
    d = int(rng.integers(1, 6))
    n = int(rng.integers(1, ROWS[d] + 1))
    spread = int(rng.choice((1, 1, 2, 5, 1000)))
    X = rng.integers(-spread, spread + 1, (n, d))
    for i in range(1, n):
        if rng.random() < 0.25:
            a, b = rng.integers(0, i, 2)
            X[i] = rng.choice((-1, 1)) * X[a] + rng.choice((-1, 0, 1)) * X[b]
    offsets = None
    if rng.random() < 0.35:
        offsets = X @ rng.integers(-1, 2, d) + (rng.random(n) < 0.3)
    kind = rng.choice(("int64", "two words", "filtered", "ulps"))
    if kind == "two words":
        # rows that are longer, and not by a common factor
        return X * rng.integers(1 << 18, 1 << 20, (1, d)), offsets
    if kind == "filtered":
        return X * 10.0 ** rng.integers(-30, 31, (1, d)), offsets
    if kind == "ulps" and offsets is None:
        return np.nextafter(X.astype(float), rng.choice((-9.0, 9.0), (n, d))), None
    return X, offsets


def in_threads(arrangement, whole, rng):
    """The list by threads, whose walks leave parts early."""
    n_jobs = int(rng.integers(2, 4))
    stream = iter_patterns(arrangement, facets=True, n_jobs=n_jobs, block_size=64)
    assert np.array_equal(joined(stream), whole)


def by_vertices(arrangement, _, rng):
    """The list by vertices, in place, by threads, against one thread."""
    plan = Plan(arrangement)
    if arrangement.rank < 2 or plan.layout is None:
        return
    plan.by_vertices = True
    one = [block.patterns.copy() for block in run(plan)]
    packed = np.zeros((plan.bound, plan.width), dtype=np.uint64)
    blocks = run(plan, Whole(plan, packed), n_jobs=2)
    total = sum(len(block.patterns) for block in blocks)
    assert np.array_equal(packed[:total], np.concatenate(one))


def left_to_others(arrangement, whole, rng):
    """The patterns of pieces that an executor reduces, in the order of merging."""
    parts = []

    def keep(state, part):
        parts.append(part[1][: part[0][0]])

    state = np.zeros(1, dtype=np.int64), np.zeros_like(whole)
    plan = Plan(arrangement)
    with ThreadPoolExecutor(2) as pool:
        fold(arrangement, record, state, executor=pool, merge=keep)
    found = np.concatenate(parts)
    if plan.by_vertices:
        found = found[np.lexsort(found.T)]
        whole = whole[np.lexsort(whole.T)]
    assert np.array_equal(found, whole)


def shared_out(arrangement, whole, rng):
    """The pieces of a partition, one after another."""
    pieces = partition(arrangement, int(rng.integers(1, 9)))
    found = np.concatenate([joined(piece.iter_patterns()) for piece in pieces])
    if Plan(arrangement).by_vertices:
        found = found[np.lexsort(found.T)]
        whole = whole[np.lexsort(whole.T)]
    assert np.array_equal(found, whole)


def of_a_region(arrangement, whole, rng):
    """A region by threads: as many as the list has there."""
    n = arrangement.n_hyperplanes
    row, side = int(rng.integers(n)), int(rng.choice((-1, 1)))
    stream = iter_patterns(arrangement, where={row: side}, n_jobs=2)
    found = sum(len(block) for block in stream)
    bits = whole[:, row // 64] >> np.uint64(row % 64) & np.uint64(1)
    assert found == np.count_nonzero(bits == (side > 0))


def faces(arrangement, whole, rng):
    """Faces of all dimensions: different ones, and as many as counted."""
    found = np.concatenate([np.asarray(block) for block in iter_covectors(arrangement)])
    assert len(np.unique(found, axis=0)) == len(found)
    assert len(found) == sum(face_numbers(arrangement))


WAYS = (in_threads, by_vertices, left_to_others, shared_out, of_a_region)


def test_lists_in_parts(fuzz_seeds, monkeypatch):
    monkeypatch.setattr(listers, "_FEW", 0)
    monkeypatch.setattr(left_pieces, "_FEW", 0)

    def case(number):
        rng = np.random.default_rng([9, number])
        arrangement = Arrangement(*drawn(rng))
        first, doubled = int(rng.integers(1, 9)), int(rng.integers(1, 9))
        growth = Growth(first, doubled, int(rng.choice((first, 64, 1 << 20))))
        monkeypatch.setattr(listers, "_GROWTH", growth)
        monkeypatch.setattr(left_pieces, "_GROWTH", growth)
        monkeypatch.setattr(listers, "_IN_PLACE", int(rng.choice((1, 7, 1 << 16))))
        # in the order of signs
        whole = joined(iter_patterns(arrangement, facets=True))
        for way in WAYS if number % SELDOM else (*WAYS, faces):
            way(arrangement, whole, rng)
        layout = Plan(arrangement).layout
        if layout is None:
            return "one chamber"
        return (
            "floats" if layout.n_digits else ("integers", "two words")[layout.is_wide]
        )

    # the first calls may compile, which takes long where a machine is busy
    for number in fuzz_seeds[:4]:
        case(number)
    run_cases(case, "list in parts", fuzz_seeds)
