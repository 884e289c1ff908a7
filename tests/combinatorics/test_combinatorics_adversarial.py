"""Widths of words, equal hashes, parallels, sizes beyond int64, limits, bad input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    BudgetExceededError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    ListingTooLargeError,
    PatternSet,
    bounded_patterns,
    enumerate_patterns,
    insert_row,
    iter_bounded_patterns,
    iter_flats,
    iter_patterns_inside,
    iter_tope_edges,
    iter_zonotope_vertices,
    patterns_inside,
    tope_graph,
    zonotope_vertices,
)
from arrangement.combinatorics import pattern_index
from arrangement.combinatorics.pattern_index import PatternIndex
from arrangement.constructions import braid, resonance, shi
from arrangement.model import flats, pack

from instances import rows_in_rank, spread
from reference import combinatorics as slow


@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 129])
def test_graphs_around_the_width_of_a_word(n):
    few = rows_in_rank(n, n=8, d=3)
    graph = tope_graph(spread(few, n=n))
    assert graph.n_chambers == len(enumerate_patterns(few))
    assert graph.n_edges == len(slow.edges(few.tolist()))
    assert set(graph.rows.tolist()) <= set(graph.patterns.arrangement.first_rows)
    blocks = list(iter_tope_edges(spread(few, n=n)))
    assert sum(len(block.rows) for block in blocks) == graph.n_edges


@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 129])
def test_insertion_around_the_width_of_a_word(n):
    X = np.random.default_rng(n).integers(-9, 10, (n, 2))
    patterns = enumerate_patterns(X[:-1])
    found = insert_row(patterns, X[-1])
    assert {w.tobytes() for w in found.packed} == {
        w.tobytes() for w in enumerate_patterns(X).packed
    }
    assert found.proof.n_patterns == len(found)
    assert zonotope_vertices(found).tolist() == (found.to_signs() @ X).tolist()


def test_equal_hashes_decide_nothing(monkeypatch):
    tables = pattern_index._byte_tables
    monkeypatch.setattr(pattern_index, "_byte_tables", lambda bits: tables(bits & 1))
    X = resonance(4)
    graph = tope_graph(X)
    assert graph.n_edges == len(slow.edges(X.normals.tolist()))
    monkeypatch.setattr(
        pattern_index, "_byte_tables", lambda bits: np.zeros_like(tables(bits))
    )
    again = tope_graph(X)
    assert np.array_equal(again.edges, graph.edges)
    index = PatternIndex(graph.patterns.packed)
    assert index.find(graph.patterns.packed).tolist() == list(range(len(index)))
    assert index.find(graph.patterns.packed ^ np.uint64(1)).min() == -1


def test_a_pattern_that_is_there_twice_is_refused():
    patterns = enumerate_patterns(braid(3))
    with pytest.raises(InputError, match="pattern 3 is listed twice"):
        tope_graph(patterns[[0, 1, 2, 1]])


def test_numbers_beyond_a_machine_word():
    big = 2**61
    X = [[big, 1], [big, -1], [1, big]]
    found = zonotope_vertices(X)
    assert found.dtype == object
    points = {tuple(map(int, row)) for row in found.tolist()}
    assert points == {tuple(map(int, v)) for v in slow.zonotope_vertices(X)}
    assert zonotope_vertices([[2**59, 0], [2**59 - 1, 1]]).dtype == np.int64
    assert zonotope_vertices([[2**59, 0], [2**59, 1]]).dtype == object
    huge = np.array([[-520488, 20262364], [6648481, 2**80 - 1]], dtype=object)
    patterns = enumerate_patterns(huge)
    found = insert_row(
        insert_row(patterns, [304350883112661, -6279881120264]), [-689, 6648481]
    )
    rows = [*huge.tolist(), [304350883112661, -6279881120264], [-689, 6648481]]
    assert {w.tobytes() for w in found.packed} == {
        w.tobytes() for w in enumerate_patterns(rows).packed
    }


def test_primitive_rows_of_one_column_keep_their_signs():
    column = np.array([[-5], [3], [0]])
    for dtype in (np.int64, object):
        found = flats.primitive(column.astype(dtype))
        assert found.tolist() == [[-1], [1], [0]]


def test_vertices_of_fractions_and_floats_are_exact():
    X = [[Fraction(1, 3), 1], ["0.1", 2], [0.1, 0.5]]
    found = zonotope_vertices(np.array(X, dtype=object))
    total = [Fraction(1, 3) + Fraction(1, 10) + Fraction(0.1), Fraction(7, 2)]
    assert found[0].tolist() == total
    decimals = zonotope_vertices([[0.1, 0.5]], floats="decimal")
    assert decimals.tolist() == [
        [Fraction(1, 10), Fraction(1, 2)],
        [Fraction(-1, 10), Fraction(-1, 2)],
    ]


def test_far_regions_of_lines_that_nearly_agree():
    # normals an ulp apart cross far away; offsets differ by much
    one = np.nextafter(1.0, 2.0)
    X = [[1.0, 0.0], [one, 1e-300], [0.0, 1.0], [1.0, 1.0]]
    b = [0.0, 1e9, -1e-9, 3.0]
    found = bounded_patterns(X, offsets=b)
    assert {tuple(map(int, bits)) for bits in found.to_bool()} == slow.bounded(X, b)


# --- limits -------------------------------------------------------------------


def test_no_time_at_all():
    X = resonance(5)
    patterns = enumerate_patterns(X)
    with pytest.raises(BudgetExceededError, match="time"):
        tope_graph(patterns, time_limit=1e-9)
    with pytest.raises(BudgetExceededError, match="time"):
        list(iter_flats(X, time_limit=1e-9))
    with pytest.raises(BudgetExceededError, match="time"):
        insert_row(patterns, [1, 2, 4, 8, 16], time_limit=1e-9)
    with pytest.raises(BudgetExceededError, match="time"):
        bounded_patterns(shi(5), time_limit=1e-9)
    with pytest.raises(ListingStoppedError, match="time_limit"):
        list(iter_zonotope_vertices(X, time_limit=1e-9))
    with pytest.raises(ListingStoppedError, match="time_limit"):
        list(iter_tope_edges(X, time_limit=1e-9))
    with pytest.raises(ListingStoppedError, match="time_limit") as caught:
        patterns_inside(X, [[1, 0, 0, 0, 0]], time_limit=1e-9)
    assert isinstance(caught.value.patterns, PatternSet)


def test_a_limit_of_patterns_hands_on_what_there_is():
    with pytest.raises(ListingStoppedError, match="max_patterns=5") as caught:
        patterns_inside(resonance(4), [[1, 1, 0, 0]], max_patterns=5)
    assert len(caught.value.patterns) == 5
    assert caught.value.patterns.n_rows == 15


def test_what_does_not_fit_is_refused():
    with pytest.raises(ListingTooLargeError, match="more than the 10 bytes"):
        patterns_inside(resonance(4), [[1, 1, 0, 0]], max_bytes=10)
    with pytest.raises(ListingTooLargeError, match="more than the 10 bytes"):
        bounded_patterns(shi(4), max_bytes=10)
    with pytest.raises(ListingTooLargeError, match="more than the 10 bytes"):
        zonotope_vertices(resonance(4), max_bytes=10)


def test_progress_is_told():
    told = []
    X = resonance(5)
    patterns = enumerate_patterns(X)
    tope_graph(patterns, progress=told.append)
    assert told[-1].done == told[-1].total == len(patterns)
    before = len(told)
    list(iter_flats(X, progress=told.append))
    list(iter_zonotope_vertices(X, progress=told.append, block_size=5000))
    list(iter_bounded_patterns(shi(4), progress=told.append))
    insert_row(patterns, [1, 2, 3, 4, 5], progress=told.append)
    assert len(told) > before + 4
    assert all(str(word) for word in told)


# --- bad input ----------------------------------------------------------------


def test_regions_say_what_is_wrong():
    X = braid(3)
    with pytest.raises(InputError, match=r"shape \(1, 2\); expected \(k, 3\)"):
        patterns_inside(X, [[1, 0]])
    with pytest.raises(InputError, match="offsets has length 2; expected 1"):
        patterns_inside(X, [[1, 0, 0]], [1, 2])
    with pytest.raises(InputError, match="block_size=0"):
        iter_patterns_inside(X, [[0, 0, 0]], block_size=0)
    with pytest.raises(InputError, match="float64 projection"):
        patterns_inside(Arrangement(X.normals, rank=2), [[1, 0, 0]])
    with pytest.raises(InputError, match="float64 projection"):
        bounded_patterns(Arrangement(X.normals, rank=2))
    with pytest.raises(InputTypeError, match="progress"):
        iter_bounded_patterns(X, progress=1)


def test_graphs_and_zonotopes_say_what_is_wrong(tmp_path):
    patterns = enumerate_patterns(braid(3))
    patterns.save(tmp_path / "list.npz")
    loaded = PatternSet.load(tmp_path / "list.npz")
    for call in (tope_graph, zonotope_vertices):
        with pytest.raises(InputError, match="does not know its matrix"):
            call(loaded)
    with pytest.raises(InputError, match="does not know its matrix"):
        insert_row(loaded, [1, 0, 0])
    with pytest.raises(InputError, match="X is a PatternSet already"):
        tope_graph(patterns, rank=2)
    with pytest.raises(InputError, match="X is affine"):
        zonotope_vertices(shi(3))
    with pytest.raises(InputError, match="float64 projection"):
        iter_zonotope_vertices(Arrangement(braid(3).normals, rank=2))
    with pytest.raises(InputError, match="block_size=0"):
        iter_zonotope_vertices(braid(3), block_size=0)
    with pytest.raises(InputError, match="dimension=3; expected 0 <= dimension <= 2"):
        iter_flats(braid(3), dimension=3)


def test_insertion_says_what_is_wrong():
    central = enumerate_patterns(braid(3))
    affine = enumerate_patterns(shi(3))
    with pytest.raises(InputError, match="row has length 2; expected 3"):
        insert_row(central, [1, 0])
    with pytest.raises(InputError, match="central: give no offset"):
        insert_row(central, [1, 0, 0], offset=1)
    with pytest.raises(InputError, match="affine: give an offset"):
        insert_row(affine, [1, 0, 0])
    with pytest.raises(InputError, match="row: nan came"):
        insert_row(central, [1, 0, float("nan")])
    with pytest.raises(InputError, match="expected a 1-D array"):
        insert_row(central, [[1, 0, 0]])
    projected = enumerate_patterns(braid(3).normals, rank=2)
    with pytest.raises(InputError, match="float64 projection"):
        insert_row(projected, [1, 0, 0])


def test_a_proven_list_with_a_chamber_missing_is_found_out():
    X = np.random.default_rng(5).integers(-9, 10, (9, 3))
    patterns = enumerate_patterns(X[:-1])
    kept = np.delete(patterns.packed, range(0, len(patterns), 3), axis=0)
    forged = PatternSet(
        kept,
        patterns.n_rows,
        patterns.rank,
        patterns.bound,
        proof=patterns.proof,
        arrangement=patterns.arrangement,
        provider=patterns.provider,
    )
    with pytest.raises(RuntimeError, match="are not in the list"):
        insert_row(forged, X[-1])


def test_an_empty_part_of_a_list():
    patterns = enumerate_patterns(braid(3))[:0]
    assert tope_graph(patterns).n_edges == 0
    assert zonotope_vertices(patterns).shape == (0, 3)
    assert len(insert_row(patterns, [1, 1, 1])) == 0
    assert PatternIndex(pack(np.zeros((0, 3)))).find(pack([[1, 0, 1]])).tolist() == [-1]
