"""Graphs, regions, zonotopes, flats and insertion against the definitions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import (
    Arrangement,
    bounded_patterns,
    characteristic_polynomial,
    count_bounded,
    enumerate_patterns,
    insert_row,
    iter_bounded_patterns,
    iter_flats,
    iter_patterns,
    iter_patterns_inside,
    iter_tope_edges,
    iter_zonotope_vertices,
    patterns_inside,
    tope_graph,
    verify,
    zonotope_vertices,
)
from arrangement.model import unpack

from reference import combinatorics as slow
from reference.brute_force import chambers, exact, homogeneous_rows
from strategies import KINDS, affine_arrangements, matrices

moderate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
small = matrices(max_rows=6, max_columns=3)
small_affine = affine_arrangements(max_rows=5, max_columns=3)


@st.composite
def instances(draw):
    """Draw a matrix with or without offsets."""
    if draw(st.booleans()):
        return draw(small), None
    return draw(small_affine)


def tuples(bits):
    """Return rows as tuples of int; a row that is there twice fails here."""
    found = [tuple(row) for row in np.asarray(bits).astype(int).tolist()]
    assert len(set(found)) == len(found)
    return set(found)


# --- the tope graph -----------------------------------------------------------


@moderate
@given(instances())
def test_edges_are_the_facets_between_chambers(instance):
    X, b = instance
    graph = tope_graph(X, offsets=b)
    bits = graph.patterns.to_bool().astype(int).tolist()
    found = [
        (tuple(bits[i]), tuple(bits[j]), row)
        for (i, j), row in zip(graph.edges.tolist(), graph.rows.tolist(), strict=True)
    ]
    assert len(set(found)) == len(found)
    assert set(found) == slow.edges(X, b)
    assert graph.edges[:, 0].tolist() == sorted(graph.edges[:, 0].tolist())
    matrix = graph.to_scipy()
    assert matrix.nnz == 2 * graph.n_edges
    assert np.array_equal(matrix.sum(axis=0), graph.degrees())
    assert (matrix != matrix.T).nnz == 0


@moderate
@given(instances(), st.sampled_from([1, 2, 3, 64]))
def test_streamed_edges_are_those_of_the_graph(instance, size):
    X, b = instance
    n = len(X)
    found = set()
    for block in iter_tope_edges(X, offsets=b, block_size=size):
        assert len(block.rows) == len(block.positive) == len(block.negative) > 0
        ends = [unpack(words, n).astype(int).tolist() for words in block[:2]]
        new = {
            (tuple(p), tuple(q), row)
            for p, q, row in zip(*ends, block.rows.tolist(), strict=True)
        }
        assert len(new) == len(block.rows)
        assert not new & found
        found |= new
    assert found == slow.edges(X, b)


@moderate
@given(instances(), st.data())
def test_the_graph_of_a_part_is_what_is_between_its_chambers(instance, data):
    X, b = instance
    patterns = enumerate_patterns(X, offsets=b)
    whole = tope_graph(patterns)
    places = st.integers(0, len(patterns) - 1)
    kept = data.draw(st.lists(places, unique=True, max_size=12))
    part = tope_graph(patterns[kept])
    edges = {tuple(kept[i] for i in edge) for edge in part.edges.tolist()}
    inner = [edge for edge in whole.edges.tolist() if set(edge) <= set(kept)]
    assert edges == {tuple(edge) for edge in inner}


# --- regions ------------------------------------------------------------------


@st.composite
def polyhedra(draw, d):
    """Draw up to three inequalities; rows of zeros are among them."""
    k = draw(st.integers(1, 3))
    entries = st.one_of(st.integers(-2, 2), st.fractions(-2, 2, max_denominator=3))
    G = np.empty((k, d), dtype=object)
    for place in np.ndindex(k, d):
        G[place] = draw(entries)
    if draw(st.booleans()):
        return G, None
    return G, [draw(entries) for _ in range(k)]


@moderate
@given(instances(), st.data())
def test_chambers_inside_meet_the_open_polyhedron(instance, data):
    X, b = instance
    n, d = X.shape
    G, h = data.draw(polyhedra(d))
    found = patterns_inside(X, G, h, offsets=b)
    assert tuples(found.to_bool()) == slow.inside(X, b, G, h, d)
    assert found.n_rows == n
    blocks = list(iter_patterns_inside(X, G, h, offsets=b, block_size=2))
    assert {len(block) for block in blocks[:-1]} <= {2}
    joined = [block.packed for block in blocks]
    assert np.array_equal(np.concatenate([found.packed[:0], *joined]), found.packed)
    if len(found):
        # the geometry is that of the whole chamber
        points = [[int(x) for x in z] for z in found.witnesses().tolist()]
        rows = homogeneous_rows(X, b)
        for z, bits in zip(points, found.to_bool().tolist(), strict=True):
            for row, bit in zip(rows, bits, strict=True):
                value = sum(x * y for x, y in zip(row, z, strict=True))
                assert (value >= 0) == bit


@moderate
@given(small_affine)
def test_bounded_chambers_are_left_by_every_direction(instance):
    X, b = instance
    found = bounded_patterns(X, offsets=b)
    assert tuples(found.to_bool()) == slow.bounded(X, b)
    assert len(found) == count_bounded(X, offsets=b)
    order = [w.tobytes() for block in iter_patterns(X, offsets=b) for w in block.packed]
    places = [order.index(words.tobytes()) for words in found.packed]
    assert places == sorted(places)


@moderate
@given(small)
def test_bounded_chambers_without_offsets(X):
    found = list(iter_bounded_patterns(X))
    assert sum(map(len, found)) == count_bounded(X)


# --- zonotopes ----------------------------------------------------------------


@pytest.mark.slow
@moderate
@given(matrices(max_rows=4, max_columns=3))
def test_vertices_are_the_sums_that_a_direction_prefers(X):
    found = zonotope_vertices(X)
    points = {tuple(Fraction(x) for x in row) for row in found.tolist()}
    assert len(points) == len(found)
    if X.shape[1] and len(X):
        assert points == slow.zonotope_vertices(X)


@moderate
@given(matrices(max_rows=7, max_columns=4), st.sampled_from([1, 2, 3, 64]))
def test_vertices_are_signed_sums_in_the_order_of_the_patterns(X, size):
    patterns = enumerate_patterns(X)
    rows = [[exact(x) for x in row] for row in X]
    expected = [
        [
            sum((s * row[k] for s, row in zip(signs, rows, strict=True)), 0)
            for k in range(X.shape[1])
        ]
        for signs in patterns.to_signs().tolist()
    ]
    assert zonotope_vertices(patterns).tolist() == expected
    blocks = list(iter_zonotope_vertices(patterns, block_size=size))
    assert np.array_equal(np.concatenate(blocks), zonotope_vertices(patterns))
    assert {len(block) for block in blocks[:-1]} <= {size}


# --- flats --------------------------------------------------------------------


@moderate
@given(instances())
def test_flats_and_their_values(instance):
    X, b = instance
    found = list(iter_flats(X, offsets=b))
    expected = slow.flats(X, b)
    assert len(found) == len(expected)
    assert {flat.rows: (flat.dimension, flat.mu) for flat in found} == expected
    classes = Arrangement(X, b).class_of
    for flat in found:
        assert flat.n_hyperplanes == len(set(classes[list(flat.rows)].tolist()))
    order = [-flat.dimension for flat in found]
    assert order == sorted(order)
    for k in set(order):
        own = list(iter_flats(X, offsets=b, dimension=-k))
        assert own == [flat for flat in found if flat.dimension == -k]


@moderate
@given(matrices(max_rows=9, max_columns=5, kinds=("small",)))
def test_values_add_up_to_the_characteristic_polynomial(X):
    chi = characteristic_polynomial(X)
    sums = [0] * len(chi)
    for flat in iter_flats(X):
        sums[flat.dimension] += flat.mu
    assert tuple(sums) == chi


# --- insertion ----------------------------------------------------------------


@moderate
@given(instances(), st.data())
def test_a_row_inserted_gives_the_list_of_all_rows(instance, data):
    X, b = instance
    if not len(X):
        return
    row, rest = X[-1], X[:-1]
    last = None if b is None else b[-1]
    patterns = enumerate_patterns(rest, offsets=None if b is None else b[:-1])
    found = insert_row(patterns, row, offset=last)
    assert tuples(found.to_bool()) == chambers(X, b)
    assert found.proof.n_patterns == len(found)
    assert str(found.proof) == str(verify(found, X, offsets=b))
    # of a part, what its chambers become
    some = data.draw(st.slices(len(patterns)))
    part = insert_row(patterns[some], row, offset=last)
    assert part.proof is None
    before = tuples(patterns[some].to_bool())
    whole = {bits for bits in tuples(found.to_bool()) if bits[:-1] in before}
    assert tuples(part.to_bool()) == whole


@moderate
@given(matrices(max_rows=6, max_columns=4, kinds=KINDS[:4]))
def test_a_list_made_row_by_row(X):
    patterns = enumerate_patterns(X[:0])
    for row in X:
        patterns = insert_row(patterns, row)
        if patterns.arrangement.rank and np.all(patterns.arrangement.class_of >= 0):
            # antipodes follow their chambers, also after a rank that grew
            assert np.array_equal(patterns.to_bool()[::2], ~patterns.to_bool()[1::2])
    assert {w.tobytes() for w in patterns.packed} == {
        w.tobytes() for w in enumerate_patterns(X).packed
    }
