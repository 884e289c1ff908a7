"""Many rows: a block and all that is made beside it stay within their bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arrangement import (
    iter_covectors,
    iter_patterns,
    iter_patterns_inside,
    iter_tope_edges,
    iter_zonotope_vertices,
    partition,
)
from arrangement.options import _BLOCK_BYTES

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="peaks of memory are read as Linux tells them"
)

# what is held beside a block: the rows themselves, the next block, tables
MOST = 12 * _BLOCK_BYTES
CHILD = """
import resource, sys
import numpy as np
from arrangement import *

def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

calls = [eval("lambda X: " + text) for text in sys.argv[2:]]
for call in calls:
    call(np.random.default_rng(1).normal(size=(40, 2)))
X = np.random.default_rng(0).normal(size=(int(sys.argv[1]), 2))
before = peak()
for call in calls:
    call(X)
    print(peak() - before, flush=True)
"""
FEW = [
    "next(iter_patterns(X))",
    "next(iter_patterns(X, facets=True))",
    "next(iter_patterns(X, prove=True))",
]
MORE = [
    "next(iter_patterns(X, where={0: 1}))",
    "next(partition(X, 8)[1].iter_patterns())",
    "next(iter_patterns(X, block_size=64))[:1].witnesses()",
    "next(iter_patterns(X, block_size=64))[:1].facets()",
    "next(iter_patterns(X, n_jobs=2))",
    "next(iter_tope_edges(X))",
    "next(iter_covectors(X))",
    "next(iter_patterns_inside(X, np.eye(2)))",
]


@pytest.mark.slow
@pytest.mark.parametrize("calls", [FEW, pytest.param(MORE, marks=pytest.mark.slow)])
def test_a_first_block_takes_little_memory(calls):
    """Walks, facets and edges took 37 GB here, by the squares of the rows."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "100000", *calls],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = dict(zip(calls, map(int, done.stdout.split()), strict=True))
    assert max(found.values()) < MOST, found


def test_default_blocks_are_of_bytes_and_others_as_asked_for():
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    # of 2 MiB, to stay in the cache, and of 1,024 and 32,768 patterns
    assert len(next(iter_patterns(X))) == 1024
    assert len(next(iter_patterns(X[:9_000]))) == ((1 << 21) // (8 * 141)) & ~1
    assert len(next(iter_patterns(X[:300, [0, 1, 1]] ** [1, 1, 2]))) == 1 << 15
    assert len(next(iter_patterns(X, block_size=10))) == 10
    assert len(next(iter_patterns(X, block_size=30_000))) == 30_000
    assert next(iter_covectors(X)).nbytes <= _BLOCK_BYTES
    edges = next(iter_tope_edges(X))
    assert edges.positive.nbytes + edges.negative.nbytes <= _BLOCK_BYTES
    assert len(next(iter_zonotope_vertices(X[:50].round(2), block_size=7))) == 7
    assert len(next(iter_patterns_inside(X, np.eye(2), block_size=9))) == 9


@pytest.mark.parametrize(("n", "r"), [(70, 3), (40, 4), (150, 2)])
def test_a_pool_that_starts_small_lists_the_same(monkeypatch, n, r):
    """As with many rows: room for rays is made as they come."""
    X = np.random.default_rng(n).integers(-50, 51, size=(n, r))
    kinds = [{"facets": True}, {"prove": True}, {"facets": True, "n_jobs": 2}]
    whole = [next(iter_patterns(X, **kind)).packed for kind in kinds]
    points = next(iter_patterns(X))[:9].witnesses()
    monkeypatch.setattr("arrangement.listing.cells.walker._RAY_BYTES", 1)
    for kind, packed in zip(kinds, whole, strict=True):
        assert np.array_equal(next(iter_patterns(X, **kind)).packed, packed)
    assert np.array_equal(next(iter_patterns(X))[:9].witnesses(), points)
    pieces = [
        block.packed for piece in partition(X, 5) for block in piece.iter_patterns()
    ]
    stream = [block.packed for block in iter_patterns(X)]
    assert np.array_equal(np.concatenate(pieces), np.concatenate(stream))
