"""Weights whose squares are no float64 have lengths, and their neurons are kept."""

from __future__ import annotations

import numpy as np
import pytest

from convex_solver import ConvexProgram, TwoLayerReLU
from convex_solver.program import network_from_blocks, unit_rows
from convex_solver.rounding import lengths

POWERS = (-1000, -600, -540, -500, 0, 500, 540, 600, 1000)


@pytest.mark.parametrize("power", POWERS)
def test_lengths_of_any_size(power):
    rows = np.random.default_rng(0).normal(size=(20, 3))
    expected = np.linalg.norm(rows, axis=1)
    assert np.array_equal(lengths(np.ldexp(rows, power)), np.ldexp(expected, power))
    assert np.allclose(np.linalg.norm(unit_rows(np.ldexp(rows, power)), axis=1), 1.0)


def test_lengths_of_nothing():
    assert lengths(np.zeros((2, 3))).tolist() == [0.0, 0.0]
    assert lengths(np.zeros((2, 0))).tolist() == [0.0, 0.0]
    assert lengths(np.zeros((0, 3))).shape == (0,)
    assert lengths(np.array([[3e300, 4e300], [1e-320, 0.0]])).tolist() == [
        5e300,
        1e-320,
    ]


@pytest.mark.parametrize("power", POWERS)
def test_balancing_keeps_the_function(power):
    """Neurons of weights below 1e-162 were dropped, and above 1e154 infinite."""
    random = np.random.default_rng(power % 7)
    X = random.normal(size=(9, 2))
    weights, alphas = random.normal(size=(3, 2)), random.normal(size=3)
    network = TwoLayerReLU(np.ldexp(weights, power), np.ldexp(alphas, -power))
    balanced = network.balance()
    assert balanced.n_neurons == 3
    assert np.allclose(balanced.predict(X), network.predict(X), rtol=1e-14)
    plain = TwoLayerReLU(weights, alphas).balance()
    assert np.allclose(balanced.alphas, plain.alphas, rtol=1e-14)


@pytest.mark.parametrize("power", [-600, 0, 600])
def test_neurons_of_blocks_of_any_size(power):
    X = np.random.default_rng(3).normal(size=(9, 2))
    program = ConvexProgram(np.ldexp(X, -power), X[:, 0], 1.0)
    blocks = np.ldexp([[1.0, 2.0], [-1.0, 0.5]], power)
    network = network_from_blocks(program, blocks, np.array([1.0, -1.0]))
    assert network.n_neurons == 2
    expected = np.maximum(X @ [1.0, 2.0], 0) - np.maximum(X @ [-1.0, 0.5], 0)
    found = network.evaluate(program.data.design)
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-15)
