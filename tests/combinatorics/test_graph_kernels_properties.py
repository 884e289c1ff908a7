"""Kernels over patterns in a hash table against dictionaries, and their Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement
from arrangement._kernels import graphs as kernels
from arrangement.combinatorics import pattern_index
from arrangement.combinatorics.class_bits import class_masks
from arrangement.combinatorics.pattern_index import PatternIndex

from reference.compiled import plain

pytestmark = pytest.mark.kernels

moderate = settings(max_examples=100, deadline=None)


@st.composite
def lists(draw):
    """Draw distinct patterns, packed, and some that may be among them."""
    width = draw(st.integers(1, 3))
    word = st.one_of(st.integers(0, 7), st.integers(0, 2**64 - 1))
    row = st.tuples(*[word] * width)
    rows = draw(st.lists(row, unique=True, max_size=40))
    others = draw(st.lists(row, max_size=10)) + draw(
        st.lists(st.sampled_from(rows), max_size=10) if rows else st.just([])
    )
    shaped = (np.array(x, dtype=np.uint64).reshape(-1, width) for x in (rows, others))
    return tuple(shaped)


@moderate
@given(lists(), st.sampled_from([2**64 - 1, 3, 0]))
def test_patterns_are_found_whatever_their_hashes(drawn, kept):
    rows, others = drawn
    tables = pattern_index._byte_tables
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pattern_index, "_byte_tables", lambda bits: tables(bits & np.uint64(kept))
        )
        index = PatternIndex(rows)
        found = index.find(others)
    place = {row.tobytes(): k for k, row in enumerate(rows)}
    assert found.tolist() == [place.get(row.tobytes(), -1) for row in others]
    assert index.find(rows).tolist() == list(range(len(rows)))


@moderate
@given(st.data())
def test_edges_are_pairs_that_differ_in_one_class(data):
    m = data.draw(st.integers(1, 6))
    n = data.draw(st.sampled_from([m, 2 * m, 70]))
    # class k has rows k, k + m, ..: the first of them decides the side
    X = np.column_stack([np.ones(n, dtype=int), np.arange(n) % m])
    sides = np.where(np.arange(n) // m % 2, -1, 1)
    arrangement = Arrangement(X * sides[:, None])
    classes = data.draw(
        st.lists(st.integers(0, 2**m - 1), unique=True, min_size=1, max_size=20)
    )
    bits = np.array(classes)[:, None] >> np.arange(n) % m & 1 == 1
    packed = pattern_index.pack(bits ^ (sides < 0))
    index = PatternIndex(packed)
    came, edges = index.edges(arrangement, 0)
    assert came == len(packed)
    expected = [
        [i, classes.index(x ^ 1 << k), k]
        for i, x in enumerate(classes)
        for k in range(m)
        if x >> k & 1 and x ^ 1 << k in classes
    ]
    assert edges.tolist() == expected
    masks = class_masks(arrangement)
    assert np.array_equal(packed[edges[:, 0]] ^ packed[edges[:, 1]], masks[edges[:, 2]])


def test_hashes_are_linear_over_bits():
    random = np.random.default_rng(1)
    rows = np.unique(random.integers(0, 2**64, (30, 2), dtype=np.uint64), axis=0)
    index = PatternIndex(rows)
    keys = np.zeros(len(rows), dtype=np.uint64)
    plain(kernels.hash_patterns)(rows, index._tables, keys)
    assert np.array_equal(keys, index._table.keys)
    both = index._hashes(rows[:-1] ^ rows[1:])
    assert np.array_equal(both, keys[:-1] ^ keys[1:])
    assert len(set(keys.tolist())) == len(rows)


def test_each_kernel_is_compiled_once():
    for kernel in (
        kernels.hash_patterns,
        kernels.fill_table,
        kernels.find_patterns,
        kernels.find_edges,
    ):
        if hasattr(kernel, "signatures"):
            assert len(kernel.signatures) <= 1


def test_edges_come_in_parts_where_room_is_short(monkeypatch):
    monkeypatch.setattr(pattern_index, "_EDGES", 1)
    monkeypatch.setattr(pattern_index, "_AT_ONCE", 3)
    arrangement = Arrangement(np.eye(4, dtype=int))
    bits = np.arange(16)[:, None] >> np.arange(4) & 1 == 1
    index = PatternIndex(pattern_index.pack(bits))
    done, parts = 0, []
    while done < 16:
        came, edges = index.edges(arrangement, done)
        assert done < came <= done + 3
        done = came
        parts.append(edges)
    assert len(np.concatenate(parts)) == 32
