"""Networks that move: sizes against their optimality conditions, steps that fall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import ConvexProgram
from convex_solver.program import blocks_from_network
from convex_solver.training import Slide, slides

from instances import planted, planted_for, planted_program
from reference.losses import SPECS

SMOOTH = ("squared", "huber", "squared_hinge", "logistic", "poisson")


def slide_of(program, n_directions=12, seed=0):
    """A slide over random directions, of both signs."""
    rng = np.random.default_rng(seed)
    slide = Slide(program.X, program.n_patches, program.beta)
    directions = rng.standard_normal((n_directions, program.d))
    slide.add(directions, rng.choice([-1.0, 1.0], n_directions))
    return slide


def objective(program, slide):
    blocks, signs = slide.blocks
    z = np.maximum(program.X @ blocks.T, 0.0) @ signs
    decay = program.beta * np.linalg.norm(blocks, axis=1).sum()
    return program.data_term.value(program.pool(z)) + decay


def prices(program, slide):
    """What a neuron in each direction would gain, over beta."""
    v = program.spread(program.data_term.gradient(slide.f))
    return -slide.signs * (np.maximum(program.X @ slide.units.T, 0.0).T @ v)


@pytest.mark.parametrize("spec", SMOOTH)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.5, 0.05, 1e-3]))
def test_settled_sizes_keep_every_direction_of_the_set(spec, seed, share):
    program = planted_program(spec, 40, 3, beta=share * 5, seed=seed % 100)
    slide = slide_of(program, 12, seed)
    start = program.data_term.value(np.zeros(program.n))
    slide.settle(program.data_term)
    assert objective(program, slide) <= start * (1 + 1e-12)
    blocks, signs = slide.blocks
    np.testing.assert_allclose(slide.f, slide.predict(blocks, signs))
    found = prices(program, slide) / program.beta
    assert np.all(found <= 1.0 + 1e-6)
    # a neuron with a size has exactly that price
    assert np.all(found[slide.sizes > 0.0] >= 1.0 - 1e-6)


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_steps_only_lower_the_objective(spec, seed):
    program = planted_program(spec, 60, 3, beta=0.3, seed=seed % 100)
    data = program.data_term.smoothed(1.0)
    slide = slide_of(program, 8, seed)
    slide.settle(data)
    value = slide.objective(data)
    for _ in range(4):
        taken = slide.move(data, 1, 0.0)
        now = slide.objective(data)
        assert now <= value if taken else now == value
        value = now
    blocks, signs = slide.blocks
    np.testing.assert_allclose(slide.f, slide.predict(blocks, signs), atol=1e-9)


def test_where_steps_end_the_gradient_is_zero():
    # with 5,000 samples a pattern changes little in a step
    X, y = planted(5000, 3)
    program = ConvexProgram(X, y, 20.0)
    slide = slide_of(program, 30)
    slide.settle(program.data_term)
    assert slide.move(program.data_term, 30, 0.0) > 1
    blocks, signs = slide.blocks
    v = program.data_term.gradient(slide.f)
    for u, sign in zip(blocks, signs, strict=True):
        pull = program.X.T @ (sign * v * (program.X @ u > 0.0))
        size = np.linalg.norm(u)
        assert np.linalg.norm(pull + program.beta * u / size) < 0.05 * program.beta


@pytest.mark.parametrize("n_patches", [1, 3])
def test_chunks_and_patches_do_not_change_the_answer(n_patches, monkeypatch):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((150, 3)), rng.standard_normal(150 // n_patches)
    data = ConvexProgram(np.ones((len(y), 1)), y, 1.0).data_term
    blocks, signs = rng.standard_normal((5, 3)), np.array([1.0, -1, 1, -1, 1])
    z = np.maximum(X @ blocks.T, 0.0) @ signs
    ends = []
    for size in (1 << 21, 64):
        monkeypatch.setattr(slides, "CHUNK", size)
        slide = Slide(X, n_patches, 0.5)
        slide.place(blocks, signs)
        np.testing.assert_allclose(slide.f, z.reshape(len(y), n_patches).sum(axis=1))
        slide.move(data, 6, 0.0)
        slide.settle(data)
        ends.append((slide.f, slide.blocks[0]))
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=1e-9, atol=1e-9)


def test_directions_that_may_be_needed_are_kept():
    program = planted_program("squared", 40, 3, beta=2.0)
    slide = slide_of(program, 30)
    slide.settle(program.data_term)
    used = np.count_nonzero(slide.sizes)
    v = program.data_term.gradient(slide.f)
    found = prices(program, slide)
    near = np.count_nonzero(found > 0.5 * program.beta)
    assert 0 < used < near < 30
    slide.keep(v, 0.5 * program.beta, 100)
    assert (len(slide.units), np.count_nonzero(slide.sizes)) == (near, used)
    slide.keep(v, 0.5 * program.beta, used)
    assert len(slide.units) == used
    slide.keep(v, 2.0 * program.beta, 0)
    assert len(slide.units) == used
    np.testing.assert_allclose(slide.f, slide.predict(*slide.blocks))


@pytest.mark.parametrize("n_patches", [1, 4])
@pytest.mark.every
def test_no_neuron_is_a_network_too(n_patches):
    program = planted_program("squared", 20, 3, beta=1e6)
    X = np.repeat(program.X, n_patches, axis=0)
    slide = Slide(X, n_patches, program.beta)
    for _ in range(2):
        slide.settle(program.data_term)
        assert slide.move(program.data_term, 3, 0.0) == 0
        slide.keep(program.data_term.gradient(slide.f), 0.0, 5)
        assert not np.any(slide.f)
        assert slide.blocks[0].shape == (0, 3)
        slide.add(np.eye(3), np.ones(3))  # worth less than they cost


def test_a_network_takes_the_place_of_another():
    X, y = planted_for("squared", 50, 3)
    program = ConvexProgram(X, y, 0.1)
    slide = slide_of(program, 6)
    slide.settle(program.data_term)
    network = program.network([[1.0, 2, 0], [0, -1, 1]], [2.0, -0.5])
    slide.place(*blocks_from_network(network))
    assert len(slide.units) == 8
    np.testing.assert_allclose(slide.f, network.evaluate(program.data.design))
