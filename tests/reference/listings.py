"""Listings of several blocks, and what streams of them are compared with."""

from __future__ import annotations

import numpy as np

from arrangement import Arrangement, PatternSet, enumerate_patterns
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run

from reference.brute_force import homogeneous_rows, matrix_rank


def large(name):
    """Listings of some 2,000 to 100,000 patterns: matrix, offsets, way."""
    rng = np.random.default_rng(12)
    floats = rng.standard_normal((66, 4))
    small = rng.integers(-3, 4, (30, 4))
    return {
        "vertices": (floats, None, "simple vertices"),
        "affine vertices": (floats[:50, :3], floats[:50, 3], "simple vertices"),
        "rank 2": (rng.standard_normal((2100, 2)), None, "simple vertices"),
        "cells": (small, None, "depth-first cells"),
        "affine cells": (small[:, :3], small[:, 3], "depth-first cells"),
    }[name]


NAMES = ("vertices", "affine vertices", "rank 2", "cells", "affine cells")


def joined(stream):
    blocks = [block.packed for block in stream]
    assert blocks
    return np.concatenate(blocks)


def whole_listing(X, offsets=None, *, by_cells=False):
    """The whole listing in one thread; by cells when asked for."""
    if by_cells:
        blocks = run(Plan(Arrangement(X, offsets), by_cells=True))
        return np.concatenate([block.patterns.copy() for block in blocks])
    return enumerate_patterns(X, offsets=offsets, prove=False).packed


def first_independent(X, offsets):
    """First row of the first maximal independent set (central)."""
    rows = homogeneous_rows(X, offsets)
    return next(i for i, row in enumerate(rows) if any(row))


def filtered(X, offsets, where):
    """The listing with these signs, the chambers and then the antipodes."""
    whole = PatternSet(whole_listing(X, offsets, by_cells=True), len(X), 0, 0).to_bool()
    kept = np.ones(len(whole), dtype=bool)
    for row, sign in where.items():
        kept &= whole[:, row] == (sign > 0)
    if offsets is None and matrix_rank(homogeneous_rows(X)) > 0:
        first = whole[:, first_independent(X, offsets)]
        return np.concatenate([whole[kept & first], whole[kept & ~first]])
    return whole[kept]
