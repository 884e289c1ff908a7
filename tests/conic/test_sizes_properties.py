"""Sizes that are stated before a program is built are those of what is built."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, count_patterns, enumerate_patterns
from arrangement.counting.restrictions import restricted_counts
from convex_solver import (
    ConvexProgram,
    InputError,
    ProgramTooLargeError,
    build_conic,
    conic_sizes,
)

from strategies import SMALL_KINDS, matrices, program_of


def assert_stated(program, form):
    sizes = conic_sizes(program, form=form)
    conic = build_conic(program, form=form)
    A, P = conic.A, conic.P
    assert A.shape == (sizes.n_rows, sizes.n_variables)
    assert A.nnz == sizes.n_entries == len(A.data)
    assert P.nnz == sizes.n_quadratic
    assert conic.n_chambers == sizes.n_chambers
    assert conic.n_cone_rows == sizes.n_cone_rows
    arrays = [conic.q, conic.b]
    arrays += [part for m in (A, P) for part in (m.data, m.indices, m.indptr)]
    assert sum(array.nbytes for array in arrays) == sizes.n_bytes
    cones = [(kind, n) for kind, n, times in sizes.cones for _ in range(times)]
    assert cones == conic.cones
    assert sum(n for _, n in cones) == sizes.n_rows
    assert A.has_canonical_format
    return conic


@given(
    matrices(max_rows=7, max_columns=4, kinds=SMALL_KINDS),
    st.sampled_from([1, 1, 2, 3]),
)
@settings(deadline=None, max_examples=60)
def test_sizes_are_exact_on_degenerate_data(X, n_patches):
    program = program_of(X, n_patches)
    for form in ("dense", "tree"):
        assert_stated(program, form)


@pytest.mark.parametrize("loss", ["hinge", "logistic", "absolute", "huber:1"])
def test_sizes_count_the_rows_of_the_loss(loss):
    X = np.array([[1, 0, 1], [0, 0, 0], [-2, 0, -2], [0, 1, 1], [1, 1, 2]])
    for form in ("dense", "tree"):
        assert_stated(program_of(X, loss=loss), form)


@given(matrices(max_rows=8, max_columns=4, kinds=SMALL_KINDS))
@settings(deadline=None, max_examples=60)
def test_a_hyperplane_is_a_facet_as_often_as_its_restriction_says(X):
    arrangement = Arrangement(X)
    listed = enumerate_patterns(arrangement)
    counts = np.bincount(
        np.concatenate([np.zeros(0, dtype=np.int64), *listed.facets()]),
        minlength=max(len(X), 1),
    )
    chambers = count_patterns(arrangement)
    expected = restricted_counts(arrangement, chambers, earlier=False)
    moving = arrangement.class_of >= 0
    firsts = [
        np.flatnonzero(arrangement.class_of == k)[0] for k in range(len(expected))
    ]
    assert counts[firsts].tolist() == [2 * count for count in expected]
    assert counts.sum() == 2 * sum(expected)
    assert not counts[: len(X)][~moving].any()


@given(matrices(max_rows=8, max_columns=4, kinds=SMALL_KINDS))
@settings(deadline=None, max_examples=60)
def test_hyperplanes_add_as_many_chambers_as_the_tree_has_edges(X):
    """``P(h_1 .. h_j) - P(h_1 .. h_{j-1})``, counted from the definition."""
    arrangement = Arrangement(X)
    chambers = count_patterns(arrangement)
    counts = restricted_counts(arrangement, chambers, earlier=True)
    order = arrangement.place_order()
    rows = np.array(arrangement.cone.rows, dtype=object)
    rows = rows.reshape(len(order), arrangement.rank)
    for j, k in enumerate(order):
        before, after = (count_patterns(rows[order[:i]]) for i in (j, j + 1))
        assert counts[k] == after - before
    assert sum(counts) == chambers - 1


@pytest.mark.slow
def test_general_position_is_counted_without_restrictions(monkeypatch):
    def never(*arguments):
        raise AssertionError

    X = np.random.default_rng(0).standard_normal((1000, 3))
    program = ConvexProgram(X, np.ones(1000), 0.1)
    monkeypatch.setattr("arrangement.counting.restrictions.whole_space", never)
    sizes = conic_sizes(program, form="tree")
    assert sizes.n_chambers == 999_002
    assert sizes.n_cone_rows == 2 * 3_996_000
    assert conic_sizes(program).n_bytes > 30e9 > 30 * sizes.n_bytes / 10


def test_programs_that_are_too_large_are_refused_with_their_bytes(monkeypatch):
    X = np.random.default_rng(0).standard_normal((30, 3))
    program = ConvexProgram(X, np.ones(30), 0.1)
    n_bytes = conic_sizes(program).n_bytes
    assert build_conic(program, max_bytes=n_bytes).A.nnz
    with pytest.raises(ProgramTooLargeError) as caught:
        build_conic(program, max_bytes=n_bytes - 1)
    text = str(caught.value)
    assert f"872 chambers and takes {n_bytes:,} bytes (n = 30, rank 3," in text
    assert 'write_conic, use fewer features or fewer rows, take form="tree"' in text
    with pytest.raises(ProgramTooLargeError) as caught:
        build_conic(program, form="tree", max_bytes=1000)
    assert "form=" not in str(caught.value)
    monkeypatch.setattr("convex_solver.conic.sizes._MAX_NODES", 5)
    with pytest.raises(ProgramTooLargeError, match="too many chambers to count"):
        conic_sizes(program)


def test_unknown_forms_are_refused():
    program = ConvexProgram([[1.0]], [1.0], 0.1)
    for ask in (conic_sizes, build_conic):
        with pytest.raises(InputError, match=r"form='sparse' is unknown; use one of"):
            ask(program, form="sparse")
