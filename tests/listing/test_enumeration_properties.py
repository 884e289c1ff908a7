"""Enumeration against the definition, and what must not change its answer."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import (
    Arrangement,
    count_patterns,
    cover_bound,
    enumerate_patterns,
    iter_patterns,
)

from reference.brute_force import (
    chambers,
    homogeneous_rows,
    hyperplane_classes,
    is_uniform,
    matrix_rank,
)
from reference.exact_checks import (
    bits_at,
    chamber_constraints,
    extreme_ray_images,
    facet_rows,
    image,
)
from strategies import affine_arrangements, exact_matrix, integer_embeddings, matrices

moderate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def bit_list(patterns: Any) -> list[tuple[int, ...]]:
    """Return the patterns as tuples of 0 and 1, in the order listed."""
    return [tuple(row) for row in patterns.to_bool().astype(int).tolist()]


def bit_set(patterns: Any) -> set[tuple[int, ...]]:
    """Return the set of patterns; a pattern listed twice fails here."""
    listed = bit_list(patterns)
    found = set(listed)
    assert len(found) == len(listed) == len(patterns)
    return found


# --- against the definition ---------------------------------------------------


@settings(moderate, max_examples=250)
@given(matrices())
def test_listing_is_the_set_of_chambers(X):
    patterns = enumerate_patterns(X)
    expected = chambers(X)
    assert bit_set(patterns) == expected
    assert count_patterns(X) == len(expected)
    assert patterns.n_rows == X.shape[0]
    assert patterns.rank == matrix_rank(homogeneous_rows(X))


@settings(moderate, max_examples=150)
@given(affine_arrangements())
def test_affine_listing_is_the_set_of_chambers(instance):
    X, b = instance
    patterns = enumerate_patterns(X, offsets=b)
    expected = chambers(X, b)
    assert bit_set(patterns) == expected
    assert count_patterns(X, offsets=b) == len(expected)
    assert patterns.rank == matrix_rank(homogeneous_rows(X))


@settings(moderate, max_examples=40)
@given(matrices(max_rows=6, kinds=("small floats", "floats", "float32")))
def test_listing_is_the_set_of_chambers_of_the_shortest_decimals(X):
    found = bit_set(enumerate_patterns(X, floats="decimal"))
    assert found == chambers(X, floats="decimal")


@pytest.mark.parametrize(("n", "d"), [(9, 5), (8, 6)])
@pytest.mark.parametrize("seed", range(4))
def test_listing_is_the_set_of_chambers_in_higher_rank(n, d, seed):
    X = np.random.default_rng(seed).integers(-2, 3, (n, d))
    assert bit_set(enumerate_patterns(X)) == chambers(X)


# --- the Cover bound ----------------------------------------------------------


@moderate
@given(matrices())
def test_cover_bound_is_reached_exactly_by_uniform_arrangements(X):
    arrangement = Arrangement(X)
    n_distinct = len(hyperplane_classes(X))
    rank = matrix_rank(homogeneous_rows(X))
    patterns = enumerate_patterns(X)
    assert patterns.bound == cover_bound(n_distinct, rank)
    assert len(patterns) <= patterns.bound
    assert (len(patterns) == patterns.bound) == is_uniform(X)
    assert arrangement.is_uniform == is_uniform(X)
    assert arrangement.rank == rank


@moderate
@given(affine_arrangements())
def test_affine_bound_is_reached_exactly_in_general_position(instance):
    X, b = instance
    n_distinct = len(hyperplane_classes(X, b))
    rank = matrix_rank(homogeneous_rows(X))
    patterns = enumerate_patterns(X, offsets=b)
    assert patterns.bound == sum(comb(n_distinct, k) for k in range(rank + 1))
    assert len(patterns) <= patterns.bound
    assert (len(patterns) == patterns.bound) == is_uniform(X, b)
    assert Arrangement(X, b).is_uniform == is_uniform(X, b)


# --- order --------------------------------------------------------------------


@moderate
@given(matrices())
def test_antipodes_follow_each_other_as_complements_off_zero_rows(X):
    patterns = enumerate_patterns(X)
    bits = patterns.to_bool()
    if patterns.rank == 0:
        assert bits.tolist() == [[True] * X.shape[0]]
        return
    moving = np.zeros(X.shape[0], dtype=bool)
    moving[[i for group in hyperplane_classes(X) for i in group]] = True
    assert np.array_equal(bits[0::2, moving], ~bits[1::2, moving])
    assert bits[:, ~moving].all()


@moderate
@given(matrices(), st.integers(1, 9))
def test_stream_is_the_listing_cut_in_blocks(X, block_size):
    whole = enumerate_patterns(X)
    blocks = list(iter_patterns(X, block_size=block_size))
    assert np.array_equal(np.concatenate([b.packed for b in blocks]), whole.packed)
    assert all(0 < len(block) <= block_size for block in blocks)
    assert all(block.proof is None for block in blocks)
    assert all(block.n_rows == whole.n_rows for block in blocks)


@moderate
@given(affine_arrangements(), st.integers(1, 5))
def test_affine_stream_is_the_listing_cut_in_blocks(instance, block_size):
    X, b = instance
    whole = enumerate_patterns(X, offsets=b)
    blocks = list(iter_patterns(X, offsets=b, block_size=block_size))
    assert np.array_equal(np.concatenate([b.packed for b in blocks]), whole.packed)
    assert all(0 < len(block) <= block_size for block in blocks)


def test_every_block_size_streams_the_same_listing():
    X = np.random.default_rng(5).integers(-4, 5, (9, 4))
    whole = enumerate_patterns(X)
    for block_size in range(1, len(whole) + 3):
        blocks = list(iter_patterns(X, block_size=block_size))
        stacked = np.concatenate([block.packed for block in blocks])
        assert np.array_equal(stacked, whole.packed), block_size
        assert max(len(block) for block in blocks) <= block_size


def test_blocks_of_a_stream_know_their_own_witnesses_facets_and_rays():
    X = np.random.default_rng(6).integers(-3, 4, (8, 3))
    whole = enumerate_patterns(X)
    facets, rays = whole.facets(), whole.rays()
    start = 0
    for block in iter_patterns(X, block_size=7):
        stop = start + len(block)
        assert np.array_equal(block.witnesses(), whole.witnesses()[start:stop])
        for k, (own_facets, own_rays) in enumerate(
            zip(block.facets(), block.rays(), strict=True), start
        ):
            assert set(own_facets.tolist()) == set(facets[k].tolist())
            assert set(map(tuple, own_rays)) == set(map(tuple, rays[k]))
        start = stop
    assert start == len(whole)


# --- what leaves the patterns alone -------------------------------------------


@moderate
@given(matrices(), st.data())
def test_positive_row_scaling_changes_nothing(X, data):
    scaled = exact_matrix(X)
    factors = st.fractions(Fraction(1, 9), 9, max_denominator=9).filter(bool)
    for i in range(X.shape[0]):
        scaled[i] = scaled[i] * data.draw(factors)
    assert bit_set(enumerate_patterns(scaled)) == bit_set(enumerate_patterns(X))


@moderate
@given(matrices(), st.data())
def test_a_sign_flip_of_a_row_complements_its_bit(X, data):
    n = X.shape[0]
    flips = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    flipped = exact_matrix(X)
    for i, flip in enumerate(flips):
        if flip:
            flipped[i] = -flipped[i]
    moving = [any(row) for row in homogeneous_rows(X)]
    expected = {
        tuple(
            bit ^ (flip and move)
            for bit, flip, move in zip(bits, flips, moving, strict=True)
        )
        for bits in bit_set(enumerate_patterns(X))
    }
    assert bit_set(enumerate_patterns(flipped)) == expected


@moderate
@given(matrices(), st.data())
def test_a_permutation_of_rows_permutes_the_bits(X, data):
    order = data.draw(st.permutations(range(X.shape[0])))
    expected = {
        tuple(bits[i] for i in order) for bits in bit_set(enumerate_patterns(X))
    }
    assert bit_set(enumerate_patterns(X[np.array(order, dtype=int)])) == expected


@moderate
@given(matrices(), st.integers(0, 2), st.data())
def test_exact_column_transforms_and_embeddings_change_nothing(X, extra, data):
    embedding = data.draw(integer_embeddings(X.shape[1], extra=extra))
    image_of_x = np.empty((X.shape[0], X.shape[1] + extra), dtype=object)
    image_of_x[...] = 0
    if X.size:
        image_of_x[...] = exact_matrix(X) @ embedding
    moved = enumerate_patterns(image_of_x)
    assert bit_set(moved) == bit_set(enumerate_patterns(X))
    assert moved.rank == matrix_rank(homogeneous_rows(X))


@moderate
@given(affine_arrangements(), st.data())
def test_translations_change_nothing(instance, data):
    X, b = instance
    shift = [data.draw(st.fractions(-3, 3, max_denominator=7)) for _ in X.T]
    moved = exact_matrix(X)
    c = np.empty(len(b), dtype=object)
    for i, row in enumerate(moved):
        c[i] = b[i] + sum((x * z for x, z in zip(row, shift, strict=True)), Fraction(0))
    before = bit_set(enumerate_patterns(X, offsets=b))
    assert bit_set(enumerate_patterns(moved, offsets=c)) == before


@moderate
@given(affine_arrangements())
def test_affine_patterns_are_those_of_the_cone_on_one_side_of_infinity(instance):
    X, b = instance
    n, d = X.shape
    cone = np.zeros((n + 1, d + 1), dtype=object)
    cone[:n, :d] = exact_matrix(X)
    cone[:n, d] = -b
    cone[n, d] = 1
    above = {bits[:n] for bits in bit_set(enumerate_patterns(cone)) if bits[n]}
    assert bit_set(enumerate_patterns(X, offsets=b)) == above


@moderate
@given(matrices())
def test_zero_offsets_list_the_central_patterns(X):
    zero = np.zeros(X.shape[0], dtype=int)
    shifted = enumerate_patterns(X, offsets=zero)
    assert bit_set(shifted) == bit_set(enumerate_patterns(X))


# --- what a chamber knows about itself ----------------------------------------


@moderate
@given(matrices())
def test_witnesses_are_exact_interior_points(X):
    patterns = enumerate_patterns(X)
    witnesses = patterns.witnesses()
    assert witnesses.shape == (len(patterns), X.shape[1])
    assert witnesses.dtype in (np.dtype(np.int64), np.dtype(object))
    for bits, point in zip(bit_list(patterns), witnesses, strict=True):
        assert bits_at(X, point) == bits


@moderate
@given(affine_arrangements())
def test_affine_witnesses_are_exact_interior_points(instance):
    X, b = instance
    patterns = enumerate_patterns(X, offsets=b)
    witnesses = patterns.witnesses()
    assert witnesses.shape == (len(patterns), X.shape[1] + 1)
    for bits, point in zip(bit_list(patterns), witnesses, strict=True):
        assert bits_at(X, point, b) == bits


@settings(moderate, max_examples=40)
@given(matrices())
def test_facets_are_the_rows_that_a_neighbour_is_across(X):
    patterns = enumerate_patterns(X)
    listed = bit_list(patterns)
    everything = set(listed)
    facets = patterns.facets()
    assert len(facets) == len(patterns)
    for bits, own in zip(listed, facets, strict=True):
        assert own.dtype == np.int64
        assert len(set(own.tolist())) == len(own)
        assert set(own.tolist()) == facet_rows(bits, everything, X)


@settings(moderate, max_examples=40)
@given(affine_arrangements())
def test_affine_facets_are_the_rows_that_a_neighbour_is_across(instance):
    X, b = instance
    patterns = enumerate_patterns(X, offsets=b)
    listed = bit_list(patterns)
    everything = set(listed)
    for bits, own in zip(listed, patterns.facets(), strict=True):
        assert len(set(own.tolist())) == len(own)
        assert set(own.tolist()) == facet_rows(bits, everything, X, b)


@settings(moderate, max_examples=40)
@given(matrices(max_rows=6))
def test_rays_are_the_extreme_rays_of_the_closed_chamber(X):
    patterns = enumerate_patterns(X)
    rows = homogeneous_rows(X)
    rays = patterns.rays()
    assert len(rays) == len(patterns)
    for bits, own in zip(bit_list(patterns), rays, strict=True):
        assert own.shape[1] == X.shape[1]
        cuts = chamber_constraints(rows, bits, affine=False)
        images = [image(cuts, ray) for ray in own]
        assert len(set(images)) == len(images)
        assert set(images) == extreme_ray_images(cuts)


@settings(moderate, max_examples=40)
@given(affine_arrangements(max_rows=5))
def test_affine_rays_are_the_vertices_and_directions_of_the_chamber(instance):
    X, b = instance
    patterns = enumerate_patterns(X, offsets=b)
    rows = homogeneous_rows(X, b)
    for bits, own in zip(bit_list(patterns), patterns.rays(), strict=True):
        if not rows:
            continue
        assert own.shape[1] == X.shape[1] + 1
        cuts = chamber_constraints(rows, bits, affine=True)
        images = [image(cuts, ray) for ray in own]
        assert len(set(images)) == len(images)
        assert set(images) == extreme_ray_images(cuts)
