"""Instances that several rooms test on: known, planted and degenerate data."""

from __future__ import annotations

import math

import numpy as np

from convex_solver import (
    CircularCNNProgram,
    ConvexProgram,
    LinearCNNProgram,
    TwoLayerReLU,
    certify,
    certify_circular_cnn,
    certify_interpolation,
    certify_linear_cnn,
    interpolate,
    solve,
    solve_circular_cnn,
    solve_linear_cnn,
)
from convex_solver.solver.relaxation import RelaxedProgram

from reference.losses import LABELLED
from reference.proofs import write_csv

# Five points on a line with a column of ones: ten chambers, an optimum known by hand.
FIVE = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
FIVE_Y = [1, -1, 1, 1, -1]


def gaussian_with_ones(rng, n, r):
    """Gaussian rows, the last of r columns ones."""
    return np.column_stack([rng.standard_normal((n, r - 1)), np.ones(n)])


def planted(n, r, seed=0):
    """Gaussian rows with ones; targets of a network of three neurons, with noise."""
    rng = np.random.default_rng(seed)
    X = gaussian_with_ones(rng, n, r)
    hidden = np.maximum(X @ rng.standard_normal((r, 3)), 0)
    return X, hidden @ rng.standard_normal(3) + 0.3 * rng.standard_normal(n)


def ridge_residual(n, r, seed):
    """Gaussian rows with ones; what ridge regression on random neurons leaves."""
    rng = np.random.default_rng(seed)
    X = gaussian_with_ones(rng, n, r)
    v = rng.standard_normal(n)
    H = np.maximum(X @ rng.standard_normal((r, 4 * n)), 0.0)
    return X, v - H @ np.linalg.solve(H.T @ H + 0.1 * np.eye(4 * n), H.T @ v)


def labels(y):
    """Signs about the median."""
    return np.where(y > np.median(y), 1, -1)


def planted_for(spec, n, r, seed=0):
    """`planted`, with targets that a loss takes: labels, counts or numbers."""
    X, y = planted(n, r, seed)
    if spec in LABELLED:
        return X, labels(y)
    if spec == "poisson":
        rate = np.exp(np.clip(y, -1, 2))
        return X, np.random.default_rng(seed).poisson(rate).astype(float)
    return X, y


def planted_program(spec, n, r, beta=0.1, seed=0, **options):
    """The program of `planted_for`."""
    X, y = planted_for(spec, n, r, seed)
    return ConvexProgram(X, y, beta, loss=spec, **options)


def searchable(loss, k):
    """Data, targets and beta on which local searches do well, for one loss and seed.

    8 to 20 samples, every other time of two patches; one or two Gaussian features and
    a column of ones; targets of a planted network of three neurons with noise of size
    0.3 (their signs about the median, or counts with such a mean); beta between 0.1
    and 1, where Adam from random starts is a good search.
    """
    random = np.random.default_rng([8, k])
    n, r, patches = int(random.integers(8, 21)), int(random.integers(2, 4)), 1 + k % 2
    X = random.standard_normal((n, patches, r))
    X[..., -1] = 1.0
    hidden = np.maximum(X @ random.standard_normal((r, 3)), 0.0).sum(axis=1)
    y = hidden @ random.standard_normal(3) + 0.3 * random.standard_normal(n)
    if loss in LABELLED:
        y = np.where(y > np.median(y), 1.0, -1.0)
    elif loss == "poisson":
        y = random.poisson(np.exp(np.clip(0.5 * y, -2.0, 2.0))).astype(float)
    beta = 10.0 ** random.uniform(-1.0, 0.0)
    return (X if patches > 1 else X[:, 0]), y, float(beta)


def linear_instance(seed, n, K, d, C=None, *, rank=2, noise=0.3):
    """Gaussian patches, targets of a planted network with noise, (n,) or (n, C)."""
    rng = np.random.default_rng(seed)
    patches = rng.normal(size=(n, K, d))
    Z = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, K * (C or 1)))
    blocks = Z.reshape(d, K, -1)
    y = np.einsum("nkd,dkc->nc", patches, blocks)
    y = y / y.std() + noise * rng.normal(size=y.shape)
    return patches, (y if C else y[:, 0])


def circular_instance(seed, n, d, *, noise=0.3):
    """Gaussian signals, targets of a planted cosine filter with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    kernel = np.cos(2 * np.pi * rng.integers(d) * np.arange(d) / d + rng.uniform(0, 6))
    y = X @ kernel
    return X, y / y.std() + noise * rng.normal(size=n)


def small_integers(rng, n, d):
    """Many ties and parallel rows of both directions."""
    return rng.integers(-2, 3, (n, d))


def binary(rng, n, d):
    return rng.integers(0, 2, (n, d))


def triples(rng, n, d):
    """Every row three times."""
    return np.repeat(rng.standard_normal((-(-n // 3), d)), 3, axis=0)[:n]


def many_zero_rows(rng, n, d):
    X = rng.integers(-3, 4, (n, d))
    X[rng.random(n) < 0.2] = 0
    return X


def opposites(rng, n, d):
    """Every row and its opposite, of another length, in general position."""
    X = rng.standard_normal((-(-n // 2), d))
    return np.concatenate([X, -X * rng.choice([0.5, 1.0, 2.0], (len(X), 1))])[:n]


def near_duplicates(rng, n, d):
    """Pairs of rows one ulp apart."""
    X = rng.standard_normal((-(-n // 2), d))
    return np.concatenate([X, np.nextafter(X, np.inf)])[:n]


# rows of (rng, n, d), each kind with its own coincidences
DEGENERATE = (
    small_integers,
    binary,
    triples,
    many_zero_rows,
    opposites,
    near_duplicates,
)


def small_targets(rng, loss, n):
    """Small integers, counts that are not all zero, or labels."""
    if loss in LABELLED:
        return rng.choice([-1, 1], n)
    y = rng.integers(-2, 3, n)
    return np.abs(y) + (np.arange(n) == 0) if loss == "poisson" else y


def rows_in_rank(seed, n=9, d=4, *, size=3):
    """Small integers: parallel rows, rows in common planes, cells with many rays."""
    return np.random.default_rng(seed).integers(-size, size + 1, (n, d))


def spread(X, *, n=130):
    """Put the rows among others parallel to them, over three words."""
    rng = np.random.default_rng(len(X))
    source = np.concatenate([rng.permutation(len(X)), rng.integers(0, len(X), n)])
    return (X[source] * rng.choice([-2, -1, 1, 3], len(source))[:, None])[:n]


def form_proof_of(folder, X, y, beta, *, leaves=6, **options):
    """Bound by the relaxation, and write proof and table, as `proof_of`.

    The network is any one.  With 0 leaves the forms are sought by the certificate,
    over the whole sphere.
    """
    program = ConvexProgram(X, y, beta, **options)
    network = TwoLayerReLU(np.full((1, program.d), 0.125), [0.125])
    relaxed = RelaxedProgram(program, 0)
    found = relaxed.refine(relaxed.zero, 1e-12, math.inf, most=max(leaves, 2))
    hints = found.hints if leaves else ()
    proof, table = folder / "forms.jsonl", folder / "data.csv"
    write_csv(table, X, y, options.get("sample_weight"))
    certificate = certify(
        network,
        X,
        y,
        program.beta,
        dual=found.v,
        loss=options.get("loss", "squared"),
        sample_weight=options.get("sample_weight"),
        method="relaxation",
        leaves=hints,
        proof=proof,
    )
    return certificate, proof, table


def cnn_proof_of(folder, size, beta, *, n=7, d=3):
    """Solve a linear CNN of K patches and C outputs, or a circular one (None)."""
    rng = np.random.default_rng(n)
    K, C = size or (1, 1)
    X, y = rng.standard_normal((n, K, d)), rng.standard_normal((n, C))
    proof, table = folder / "cnn.jsonl", folder / "data.csv"
    write_csv(table, X, y)
    if size is None:
        X, y = X[:, 0], y[:, 0]
        found = solve_circular_cnn(CircularCNNProgram(X, y, beta))
        certified = certify_circular_cnn
    else:
        found = solve_linear_cnn(LinearCNNProgram(X, y, beta))
        certified = certify_linear_cnn
    dual = found.certificate.dual
    return certified(found.network, X, y, beta, dual=dual, proof=proof), proof, table


def interpolation_proof_of(folder, X, y, **options):
    """Interpolate, certify, and write proof and table, as `proof_of`."""
    found = interpolate(X, y, time_limit=120, **options)
    proof, table = folder / "exact.jsonl", folder / "data.csv"
    write_csv(table, X, y)
    dual = found.certificate.dual
    certificate = certify_interpolation(found.network, X, y, dual=dual, proof=proof)
    return certificate, proof, table


def proof_of(folder, X, y, beta, *, tol=1e-4, **options):
    """Solve, certify, and write proof and table: the certificate, and both paths."""
    program = ConvexProgram(X, y, beta, **options)
    solution = solve(program, tol=tol, time_limit=120)
    proof, table = folder / "proof.jsonl", folder / "data.csv"
    write_csv(table, X, y, options.get("sample_weight"))
    found = certify(
        solution.network,
        X,
        y,
        program.beta,
        dual=solution.certificate.dual,
        loss=options.get("loss", "squared"),
        sample_weight=options.get("sample_weight"),
        proof=proof,
    )
    return found, proof, table
