"""Random degenerate rows: the count by classes, and the one that visits every set.

``pytest tests/fuzz/test_symmetry_counts.py --fuzz 2000`` runs so many seeds; one makes
one case.
"""

from __future__ import annotations

import random

import pytest

from arrangement import characteristic_polynomial
from arrangement.counting import classes
from arrangement.counting.groups import numbers_by_symmetry
from arrangement.model import Arrangement, Frame, find_symmetries, make_chain

from reference.symmetric_rows import degenerate, symmetric

pytestmark = pytest.mark.every


def test_counts_by_classes_are_those_without(fuzz_seeds: range) -> None:
    for seed in fuzz_seeds:
        source = random.Random(seed)
        if seed % 2:
            rows, offsets = degenerate(source, most_rows=16)
        else:
            rows, offsets = symmetric(source)[0], None
        known = characteristic_polynomial(rows, offsets=offsets, symmetry=None)
        arrangement = Arrangement(rows, offsets)
        frame = Frame(arrangement.cone)
        if frame.rank < classes.LEAST_RANK:
            continue
        found = [one.images for one in find_symmetries(frame)]
        for generators in (found, []):
            group = make_chain(generators, len(frame.rows))
            limits = classes.Limits(10**9)
            numbers = numbers_by_symmetry(arrangement, group, limits)
            mine = tuple((-1) ** k * x for k, x in enumerate(numbers))[::-1]
            assert mine == known, f"seed {seed}"
