"""Linear CNNs with closed forms, and what CVXPY finds for the same programs."""

from __future__ import annotations

import numpy as np
import pytest

from convex_solver.certificates.status import SolutionStatus
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.networks.linear import LinearCNN
from convex_solver.reading.patches import extract_patches

from instances import linear_instance
from reference.cnn_programs import nuclear_optimum


@pytest.mark.parametrize("beta", [0.1, 1.0, 2.5])
def test_unit_patches_give_singular_value_thresholding(beta):
    """Sample (k, a) has the unit vector a in patch k: the program denoises a matrix."""
    d, K = 4, 3
    matrix = np.random.default_rng(0).normal(size=(d, K))
    patches = np.zeros((K * d, K, d))
    for k, a in np.ndindex(K, d):
        patches[k * d + a, k, a] = 1.0
    y = matrix.T.ravel()
    left, s, right = np.linalg.svd(matrix, full_matrices=False)
    kept = np.maximum(s - beta, 0.0)
    optimum = 0.5 * np.sum((s - kept) ** 2) + beta * kept.sum()
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    assert solution.objective == pytest.approx(optimum, rel=1e-12)
    assert solution.network.n_neurons == np.count_nonzero(kept)
    found = solution.network.filters.T @ solution.network.outputs
    assert np.allclose(found, (left * kept) @ right, atol=1e-12)


def test_one_patch_is_a_ridge_without_the_square():
    """K = 1 and orthonormal columns: ``z = (1 - beta / |X^T y|) X^T y``."""
    rng = np.random.default_rng(1)
    X, _ = np.linalg.qr(rng.normal(size=(10, 3)))
    y = rng.normal(size=10)
    g = X.T @ y
    size = np.linalg.norm(g)
    beta = 0.4 * size
    solution = solve_linear_cnn(LinearCNNProgram(X[:, None], y, beta))
    z = (1.0 - beta / size) * g
    found = solution.network.filters.T @ solution.network.outputs
    assert np.allclose(found[:, 0], z, atol=1e-12)
    optimum = 0.5 * np.sum((X @ z - y) ** 2) + beta * np.linalg.norm(z)
    assert solution.objective == pytest.approx(optimum, rel=1e-12)


def test_a_shared_output_weight_sees_the_sum_of_the_patches():
    """Sum pooling: the same network, written with w_jk = w_j for every k."""
    patches, y = linear_instance(2, 15, 3, 4)
    pooled = patches.sum(axis=1, keepdims=True)
    solution = solve_linear_cnn(LinearCNNProgram(pooled, y, 2.0))
    net = solution.network
    shared = LinearCNN(net.filters, np.repeat(net.outputs, 3, axis=1))
    assert np.allclose(shared.predict(patches), net.predict(pooled), atol=1e-12)


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_from_beta_max_on_the_zero_network_is_optimal(factor):
    patches, y = linear_instance(3, 12, 3, 4, 2)
    beta = factor * LinearCNNProgram(patches, y, 1.0).beta_max() * (1.0 + 1e-12)
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    assert solution.network.n_neurons == 0
    assert solution.objective == pytest.approx(0.5 * np.sum(y**2), rel=1e-14)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.network.predict(patches).shape == y.shape


def test_below_beta_max_it_is_not():
    patches, y = linear_instance(3, 12, 3, 4, 2)
    beta = 0.999 * LinearCNNProgram(patches, y, 1.0).beta_max()
    assert solve_linear_cnn(LinearCNNProgram(patches, y, beta)).network.n_neurons == 1


@pytest.mark.parametrize("share", [0.5, 0.05, 0.005])
@pytest.mark.parametrize("outputs", [None, 1, 3])
def test_cvxpy_agrees(outputs, share):
    patches, y = linear_instance(4, 12, 3, 4, outputs)
    beta = share * LinearCNNProgram(patches, y, 1.0).beta_max()
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    other = nuclear_optimum(patches, y, beta)
    assert solution.objective == pytest.approx(other, rel=1e-7)
    assert solution.status is SolutionStatus.OPTIMAL


@pytest.mark.parametrize("share", [0.3, 0.03])
def test_airplanes_and_automobiles(data_folder, share):
    """60 images, 64 patches of 4 x 4 x 3 pixels in [0, 1]."""
    with np.load(data_folder / "cifar10_airplane_automobile.npz") as data:
        images, y = data["X"][:60] / 255.0, data["y"][:60]
    patches = extract_patches(images, (4, 4), stride=4)
    beta = share * LinearCNNProgram(patches, y, 1.0).beta_max()
    solution = solve_linear_cnn(LinearCNNProgram(patches, y, beta))
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-10
    assert 1 <= solution.network.n_neurons <= 48
