"""Inequalities of facets: true of measures on the leaf, with these derivatives."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from convex_solver.leaves import Facets, Leaf, Packing
from convex_solver.leaves.cone import joined
from convex_solver.leaves.facets import products

from reference.halvings import moments, partition

ranks = st.integers(1, 5)
seeds = st.integers(0, 10**6)


def some_facets(random, r, count=3):
    """Facets of some leaves, moments of measures on them, and the measures."""
    parts = partition(random, r, 3 * count, least=r + 3)
    chosen = [parts[k] for k in random.permutation(len(parts))[:count]]
    measures = []
    for _, points in chosen:
        some = points[: r + 3]
        measures.append((some, random.random(len(some)) + 0.01))
    both = [moments(*measure) for measure in measures]
    m, M = (np.concatenate(part) for part in zip(*both, strict=True))
    leaves = [leaf for leaf, _ in chosen]
    return Facets(leaves, Packing(r)), leaves, measures, m, M


@given(ranks, seeds)
def test_measures_on_a_leaf_satisfy_its_inequalities(r, seed):
    """And each inequality is what it says it is, leaf by leaf."""
    random = np.random.default_rng(seed)
    facets, leaves, measures, m, M = some_facets(random, r)
    at = facets.at(m, M, 0.0)
    assert at.values.shape == facets.leaf.shape
    assert np.all(at.values >= -1e-12)
    for k, (leaf, (points, weights)) in enumerate(zip(leaves, measures, strict=True)):
        heights = leaf.facets[:, 0] + points @ leaf.facets[:, 1:].T
        singles = [
            weights @ F - np.linalg.norm((weights * F) @ points) for F in heights.T
        ]
        pairs = [
            weights @ (F * G) for F, G in itertools.combinations(list(heights.T), 2)
        ]
        found = at.values[facets.leaf == k]
        assert np.allclose(found, [*singles, *pairs], atol=1e-10)
    assert np.all(facets.at(m, M, 0.5).values <= at.values)


@given(ranks, seeds)
def test_one_point_is_on_the_border_of_each_facet_alone(r, seed):
    """``t0 = |t|`` for moments of one direction."""
    random = np.random.default_rng(seed)
    facets, _, measures, _, _ = some_facets(random, r)
    both = [moments(points[:1], weights[:1]) for points, weights in measures]
    with np.errstate(invalid="ignore"):  # a point on a facet has no policy
        at = facets.at(*(np.concatenate(part) for part in zip(*both, strict=True)), 0.0)
    assert np.allclose(at.values[: len(facets.single)], 0.0, atol=1e-12)


def test_a_measure_outside_breaks_an_inequality():
    axis = np.array([1.0, 0.0])
    facets = Facets([Leaf.whole(2).halves(axis, 0.5)[1]], Packing(2))
    outside = np.array([[0.0, 1.0], [0.6, 0.8]])
    values = facets.at(*moments(outside, np.array([0.9, 0.1])), 0.0).values
    assert values[0] < -0.1


@given(ranks, seeds, st.sampled_from([0.0, 0.2]))
def test_forms_make_the_values(r, seed, softness):
    """At the policies of the moments, and from above at any others."""
    random = np.random.default_rng(seed)
    facets, _, measures, m, M = some_facets(random, r)
    whole = joined(m, M)[facets.leaf]
    at = facets.at(m, M, softness)
    found = np.sum(facets.forms(at.policy) * whole, axis=(1, 2))
    hard = facets.at(m, M, 0.0).values
    if softness == 0.0:
        assert np.allclose(found, hard, atol=1e-10)
    other = random.normal(size=at.policy.shape)
    other /= np.maximum(np.linalg.norm(other, axis=1), 1.0)[:, None]
    forms = facets.forms(other)
    assert np.all(np.sum(forms * whole, axis=(1, 2)) >= hard - 1e-10)
    # forms are at least zero at each point of the leaf
    for k, (points, _) in enumerate(measures):
        lifted = np.column_stack([np.ones(len(points)), points])
        mine = forms[facets.leaf == k]
        values = np.einsum("pi,kij,pj->kp", lifted, mine, lifted)
        assert np.all(values >= -1e-12)


@given(ranks, seeds)
def test_facets_have_these_derivatives(r, seed):
    random = np.random.default_rng(seed)
    facets, leaves, _, m, M = some_facets(random, r)
    softness = 0.1
    at = facets.at(m, M, softness)
    gradients = facets.gradients(at)
    dm = 1e-4 * random.normal(size=m.shape)
    dM = 1e-4 * random.normal(size=M.shape)
    dM += np.swapaxes(dM, 1, 2)
    packed = np.concatenate([dm, facets.packing.pack(dM)], axis=1)
    behind, ahead = (
        facets.at(m + k * dm, M + k * dM, softness).values for k in (-1.0, 1.0)
    )
    along = np.einsum("kd,kd->k", gradients, packed[facets.leaf])
    assert np.allclose(along, 0.5 * (ahead - behind), rtol=1e-3, atol=1e-9)
    y = random.random(len(at.values))
    pulled = facets.pull(gradients, y, len(leaves))
    sums = np.bincount(facets.leaf, y * along, minlength=len(leaves))
    assert np.allclose(np.sum(pulled * packed, axis=1), sums, atol=1e-12)
    # at values that are positive, as inside they are
    positive = np.abs(at.values) + 0.1
    shifted = type(at)(positive, at.size, at.policy)
    D = r + facets.packing.size
    before = random.normal(size=(len(leaves), D, D))
    hessian = before.copy()
    facets.add_curvature(hessian, shifted, gradients, y)
    found = np.einsum("bi,bij,bj->b", packed, hessian - before, packed)
    second = y * (2.0 * at.values - ahead - behind) + y / positive * along**2
    expected = np.bincount(facets.leaf, second, minlength=len(leaves))
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-11)


def test_leaves_without_facets_have_no_inequalities():
    whole = Leaf.whole(3)
    half = whole.halves(np.array([1.0, 0.0, 0.0]), 0.0)[0]
    facets = Facets([whole, half, whole], Packing(3))
    assert facets.leaf.tolist() == [1]
    m, M = np.zeros((3, 3)), np.broadcast_to(np.eye(3) / 3, (3, 3, 3))
    assert facets.at(m, M, 0.0).values.shape == (1,)
    assert facets.pull(np.ones((1, 9)), np.ones(1), 3)[[0, 2]].tolist() == [[0] * 9] * 2
    none = Facets([whole], Packing(3))
    assert none.at(m[:1], M[:1], 0.0).values.size == 0
    assert none.gradients(none.at(m[:1], M[:1], 0.0)).shape == (0, 9)


def test_products_are_the_symmetric_ones():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    assert products(a, b).tolist() == [[[3.0, 5.0], [5.0, 8.0]]]
