"""Graphs, zonotopes, regions, flats and insertion of arrangements that are known."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    bounded_patterns,
    count_bounded,
    enumerate_patterns,
    face_numbers,
    insert_row,
    iter_flats,
    iter_tope_edges,
    patterns_inside,
    tope_graph,
    verify,
    zonotope_vertices,
)
from arrangement.constructions import (
    boolean,
    braid,
    catalan,
    coxeter,
    generic,
    linial,
    resonance,
    shi,
    threshold,
)

# partitions of a set of n elements
BELL = (1, 1, 2, 5, 15, 52, 203)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_the_graph_of_the_braid_arrangement_is_that_of_the_permutohedron(n):
    graph = tope_graph(braid(n))
    assert graph.n_chambers == math.factorial(n)
    assert set(graph.degrees().tolist()) == {n - 1}
    # an edge swaps two neighbours in an order of the coordinates
    points = zonotope_vertices(graph.patterns)
    for (i, j), row in zip(graph.edges.tolist(), graph.rows.tolist(), strict=True):
        step = points[i] - points[j]
        assert step.tolist() == (2 * graph.patterns.arrangement.normals[row]).tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_the_vertices_of_the_permutohedron_are_the_permutations(n):
    found = zonotope_vertices(braid(n))
    assert found.dtype == np.int64
    expected = permutations(range(n - 1, -n, -2))
    assert sorted(map(tuple, found.tolist())) == sorted(expected)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_graph_of_the_coordinates_is_a_cube(n):
    graph = tope_graph(boolean(n))
    assert (graph.n_chambers, graph.n_edges) == (2**n, n * 2 ** (n - 1))
    bits = graph.patterns.to_bool()
    a, b = graph.edges.T
    assert np.all(np.count_nonzero(bits[a] != bits[b], axis=1) == 1)
    assert np.all(bits[a, graph.rows] & ~bits[b, graph.rows])
    cube = sorted(map(tuple, zonotope_vertices(boolean(n)).tolist()))
    assert cube == sorted(product((-1, 1), repeat=n))


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(lambda: coxeter("B", 4), id="B4"),
        pytest.param(lambda: coxeter("F", 4), id="F4"),
        pytest.param(lambda: resonance(4), id="resonance"),
        pytest.param(lambda: threshold(3), id="threshold"),
        pytest.param(lambda: generic(12, 4, seed=3), id="generic"),
        pytest.param(lambda: shi(4), id="shi"),
        pytest.param(lambda: catalan(3), id="catalan"),
        pytest.param(lambda: linial(4), id="linial"),
    ],
)
def test_edges_are_as_many_as_faces_of_codimension_one(X):
    X = X()
    graph = tope_graph(X)
    assert graph.n_edges == face_numbers(X)[-2]
    assert sum(len(block.rows) for block in iter_tope_edges(X)) == graph.n_edges


def test_simplicial_chambers_have_as_many_neighbours_as_the_rank():
    for letter, n in (("B", 3), ("D", 4), ("F", 4), ("G", 2)):
        assert set(tope_graph(coxeter(letter, n)).degrees().tolist()) == {n}


def test_the_diameter_is_the_number_of_hyperplanes():
    networkx = pytest.importorskip("networkx")
    for X in (braid(4), resonance(3), generic(7, 3)):
        graph = tope_graph(X)
        found = graph.to_networkx()
        assert networkx.is_bipartite(found)
        assert networkx.diameter(found) == len(X.normals)
        rows = networkx.get_edge_attributes(found, "row")
        assert sorted(rows.values()) == sorted(graph.rows.tolist())
        # the distance counts the hyperplanes between two chambers
        bits = graph.patterns.to_bool()
        lengths = networkx.single_source_shortest_path_length(found, 0)
        for k, length in lengths.items():
            assert length == np.count_nonzero(bits[0] != bits[k])


def test_one_chamber_has_no_neighbour():
    for X in (np.zeros((0, 3)), np.zeros((2, 3)), np.zeros((3, 0))):
        graph = tope_graph(X)
        assert (graph.n_chambers, graph.n_edges) == (1, 0)
        assert graph.to_scipy().shape == (1, 1)
        assert list(iter_tope_edges(X)) == []


# --- regions ------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_orders_in_which_one_coordinate_is_largest(n):
    cone = braid(n).normals[: n - 1]  # x_0 > x_j
    assert len(patterns_inside(braid(n), cone)) == math.factorial(n - 1)


def test_a_box_around_the_origin_meets_what_passes_it():
    # lines x = -2 .. 2 and y = -2 .. 2; an open box of side 3 meets 3 x 3 squares less
    # than whole, one of side 1 between the lines a single one
    X = [[1, 0]] * 5 + [[0, 1]] * 5
    b = [-2, -1, 0, 1, 2] * 2
    box = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    assert len(patterns_inside(X, box, [0, -1, 0, -1], offsets=b)) == 1
    half = Fraction(1, 2)
    assert len(patterns_inside(X, box, [-half] * 4, offsets=b)) == 4
    assert len(patterns_inside(X, box, [half - 2, half - 2] * 2, offsets=b)) == 16
    # nothing is inside where the box is flat, or empty
    assert len(patterns_inside(X, box, [0, 0, 0, -1], offsets=b)) == 0
    assert len(patterns_inside(X, box, [1, 1, 0, -1], offsets=b)) == 0


@pytest.mark.parametrize(
    ("family", "n", "number"),
    [(shi, 5, 4**4), (catalan, 4, 24 * 5), (linial, 5, 26), (shi, 1, 1)],
)
def test_bounded_regions_of_deformations(family, n, number):
    X = family(n)
    found = bounded_patterns(X)
    assert len(found) == number == count_bounded(X)
    assert {w.tobytes() for w in found.packed} <= {
        w.tobytes() for w in enumerate_patterns(X).packed
    }
    if X.rank:
        for rays in found[:20].rays():
            assert np.all(rays[:, -1] > 0)


def test_squares_between_lines():
    n = 6
    X = np.repeat(np.eye(2, dtype=int), n, axis=0)
    found = bounded_patterns(X, offsets=[*range(n)] * 2)
    assert len(found) == (n - 1) ** 2
    # not a single one where the lines have one direction only: but then the essential
    # space is a line, and each segment is relatively bounded
    assert len(bounded_patterns(X[:n], offsets=range(n))) == n - 1


# --- flats --------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_flats_of_the_braid_arrangement_are_partitions(n):
    flats = list(iter_flats(braid(n)))
    assert len(flats) == BELL[n]
    assert (flats[-1].dimension, flats[-1].mu) == (
        0,
        (-1) ** (n - 1) * math.factorial(n - 1),
    )
    assert flats[0] == ((), 0, n - 1, 1)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_flats_of_the_coordinates_are_subsets(n):
    flats = list(iter_flats(boolean(n)))
    assert len({flat.rows for flat in flats}) == 2**n
    assert all(flat.mu == (-1) ** len(flat.rows) for flat in flats)


def test_flats_of_lines_in_the_plane():
    # x = 0, y = 0, x + y = 0 in a point, and y = 1, twice, across two of them
    X = [[1, 0], [0, 1], [1, 1], [0, 2], [0, 0]]
    flats = {flat.rows: flat for flat in iter_flats(X, offsets=[0, 0, 0, 2, 5])}
    assert flats[0, 1, 2].mu == 2
    assert flats[0, 3].mu == flats[2, 3].mu == 1
    assert len(flats) == 1 + 4 + 3
    assert flats[3,].n_hyperplanes == 1
    twice = {flat.rows: flat for flat in iter_flats([[1, 2], [2, 4], [0, 1]])}
    assert (twice[0, 1].n_hyperplanes, twice[0, 1, 2].mu) == (1, 1)


# --- insertion ----------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(lambda: resonance(4), id="resonance"),
        pytest.param(lambda: coxeter("D", 4), id="D4"),
        pytest.param(lambda: generic(14, 4), id="generic"),
        pytest.param(lambda: shi(4), id="shi"),
        pytest.param(lambda: catalan(3), id="catalan"),
    ],
)
def test_the_last_row_inserted(X):
    X = X()
    offsets = None if X.offsets is None else X.offsets[:-1]
    last = None if X.offsets is None else X.offsets[-1]
    patterns = enumerate_patterns(X.normals[:-1], offsets=offsets)
    found = insert_row(patterns, X.normals[-1], offset=last)
    assert found.n_rows == len(X.normals)
    assert str(found.proof) == str(verify(found, X))
    assert insert_row(patterns, X.normals[-1], offset=last, prove=False).proof is None
    listed = enumerate_patterns(X)
    assert {w.tobytes() for w in found.packed} == {w.tobytes() for w in listed.packed}
    if X.is_central:
        assert np.array_equal(found.to_bool()[::2], ~found.to_bool()[1::2])
    # its geometry is that of the new arrangement
    assert found.witnesses().shape == listed.witnesses().shape


def test_rows_that_cut_nothing():
    patterns = enumerate_patterns([[1, 0], [0, 1]])
    assert len(insert_row(patterns, [0, 0])) == 4
    twice = insert_row(patterns, ["-0.5", 0])
    assert np.array_equal(twice.to_bool()[:, 2], ~twice.to_bool()[:, 0])
    affine = enumerate_patterns([[1, 0], [0, 1]], offsets=[0, 0])
    assert insert_row(affine, [0, 0], offset=1).to_bool()[:, 2].tolist() == [False] * 4
    parallel = insert_row(affine, [2, 0], offset=1)
    assert len(parallel) == 6
    assert parallel.proof.n_patterns == 6


def test_a_row_inserted_into_nothing():
    patterns = enumerate_patterns(np.zeros((0, 2)))
    for row in ([1, 2], [2, 1], [0, 0]):
        patterns = insert_row(patterns, row)
    assert len(patterns) == 4
    assert isinstance(patterns.arrangement, Arrangement)
