"""Chains of stabilisers against all elements of small groups."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement.model import make_chain, orbits_of, stabilisers

from reference.symmetries import closure

relaxed = settings(deadline=None)


def permutations(source: random.Random, m: int) -> list[np.ndarray]:
    return [
        np.array(source.sample(range(m), m), dtype=np.int32)
        for _ in range(source.randint(0, 2))
    ]


@relaxed
@given(st.integers(0, 10**9))
def test_moves_are_elements_that_fix_the_base(seed: int) -> None:
    source = random.Random(seed)
    m = source.randint(1, 7)
    generators = permutations(source, m)
    group = make_chain(generators, m)
    every = closure(generators, m)
    starts = group.chain.starts
    for level, point in enumerate(group.base):
        fixing = [g for g in every if all(g[b] == b for b in group.base[:level])]
        moves = group.chain.moves[starts[level] : starts[level + 1]].tolist()
        assert {tuple(move) for move in moves} <= set(fixing)
        # one for each row of the orbit
        targets = sorted(move.index(point) for move in moves)
        assert targets == sorted({g[point] for g in fixing})
        labels = orbits_of([np.array(g) for g in fixing], m)
        own = group.chain.orbits[level]
        assert np.array_equal(labels[:, None] == labels, own[:, None] == own)
    assert group.order == len(every)
    assert group.is_proven()


@relaxed
@given(st.integers(0, 10**9))
def test_a_chain_that_lacks_elements_is_not_proven(seed: int) -> None:
    source = random.Random(seed)
    m = source.randint(2, 7)
    generators = permutations(source, m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stabilisers, "_ELEMENTS", source.randint(0, 1))
        group = make_chain(generators, m)
    # what is lost may also be nothing
    assert group.is_proven() == (group.order == len(closure(generators, m)))
    assert group.order <= len(closure(generators, m))
