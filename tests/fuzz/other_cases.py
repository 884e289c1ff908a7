"""Random problems for the other certificates, each made from one integer."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np

from convex_solver import CircularCNN, LinearCNN, TwoLayerReLU

from fuzz.numbers import EDGES, fraction, moved, real, scalar, table


def interpolation(seed):
    """Arguments of `certify_interpolation`: exact rows and targets come with them."""
    rng = random.Random(seed)
    is_tame = rng.random() < 0.25
    n, width = rng.choice((1, 1, 2, 2, 3, 4)), rng.choice((1, 1, 2, 2))
    intercept = rng.random() < 0.3
    mode = rng.choice(("grid", "tame", "decimal"))
    spread = rng.uniform(-320.0, 308.0)
    if not is_tame:
        mode = rng.choice(("grid", "tame", "sized", "wide", "subnormal"))
    rows = [[real(rng, mode, spread) for _ in range(width)] for _ in range(n)]
    given, floats, exact = table(rng, rows)
    center, exact = _centered(rng, exact, width, is_tame)
    exact = [[*row, Fraction(1)] for row in exact] if intercept else exact
    y, y_exact = _targets(rng, exact, floats, is_tame)
    network = _network(rng, n, width + intercept, intercept, center, is_tame)
    if rng.random() < 0.4 and n == 1 and not is_tame:
        dual = [rng.choice((-1.0, 1.0))]
    elif is_tame or rng.random() < 0.6:
        dual = [rng.gauss(0.0, 1.0) for _ in range(n)]
    else:
        dual = [real(rng, "wide") for _ in range(n)]
    options = {"dual": dual, "floats": floats}
    if not is_tame and rng.random() < 0.1:
        options["max_cones"] = rng.choice((1, 4, 2.5, "4", True, 10**400, 0))
    if not is_tame and rng.random() < 0.1:
        options["rtol"] = rng.choice((0.1, np.float32(0.1), "1e-6", 10**400, 0.0, -1))
    return (network, given, y), options, exact, y_exact, is_tame


def _centered(rng, exact, width, is_tame):
    if rng.random() < 0.6:
        return None, exact
    center = [rng.randint(-4, 4) / 2.0 for _ in range(width)]
    if not is_tame and rng.random() < 0.3:
        center = [real(rng, "wide") for _ in range(width)]
    rows = [
        [x - Fraction(c) for x, c in zip(row, center, strict=True)] for row in exact
    ]
    return center, rows


def _targets(rng, exact, floats, is_tame):
    """Targets: of some neurons, exactly, or random ones."""
    if rng.random() < 0.5:
        units = [[rng.randint(-3, 3) for _ in exact[0]] for _ in range(2)]
        values = []
        for row in exact:
            parts = [sum(a * b for a, b in zip(row, u, strict=True)) for u in units]
            values.append(max(parts[0], Fraction(0)) - max(parts[1], Fraction(0)))
        return values, values
    mode = rng.choice(("grid", "tame"))
    if not is_tame:
        mode = rng.choice(("grid", "sized", "wide"))
    spread = rng.uniform(-320.0, 308.0)
    values = [real(rng, mode, spread) for _ in exact]
    return values, [fraction(x, floats) for x in values]


def _network(rng, n, d, intercept, center, is_tame):
    m = rng.choice((0, 1, 2))
    mode = "tame" if is_tame else rng.choice(("tame", "grid", "sized", "wide"))
    spread = rng.uniform(-320.0, 308.0)
    units = np.array([[real(rng, mode, spread) for _ in range(d)] for _ in range(m)])
    alphas = [real(rng, mode, -spread) for _ in range(m)]
    return TwoLayerReLU(units.reshape(m, d), alphas, intercept=intercept, center=center)


def _cnn_entries(rng, shape, is_tame, *, is_data):
    """An array of the size that data of the CNNs may have, or weights of any size."""
    mode = "tame" if is_tame else rng.choice(("grid", "tame", "sized", "wide"))
    spread = rng.uniform(-150.0, 150.0) if is_data else rng.uniform(-320.0, 308.0)
    size = int(np.prod(shape))
    values = [real(rng, mode, spread) for _ in range(size)]
    if is_data and rng.random() < 0.9:
        values = [x if abs(x) <= 1e150 else rng.choice(EDGES[:14]) for x in values]
    if not is_tame and rng.random() < 0.1:
        values = [moved(rng, x) for x in values]
    array = np.array(values).reshape(shape)
    if is_data and rng.random() < 0.1:
        # one form that NumPy would round or that is no number
        flat = array.tolist()
        first = flat
        while isinstance(first[0], list):
            first = first[0]
        first[0] = rng.choice(
            (2**53 + 1, 10**400, "1", True, Fraction(1, 3), np.float32(0.1), None)
        )
        return flat
    return array


def cnn(seed):
    """Arguments of `certify_linear_cnn` or `certify_minimum_norm_cnn`."""
    rng = random.Random(seed)
    is_tame = rng.random() < 0.25
    n, K, d = rng.randint(2, 3), rng.randint(1, 2), rng.randint(1, 3)
    C, m = rng.choice((None, None, 1, 2)), rng.randint(0, 2)
    patches = _cnn_entries(rng, (n, K, d), is_tame, is_data=True)
    y = _cnn_entries(rng, (n,) if C is None else (n, C), is_tame, is_data=True)
    outputs = (m, K) if C is None else (m, K, C)
    network = LinearCNN(
        _cnn_entries(rng, (m, d), is_tame, is_data=False),
        _cnn_entries(rng, outputs, is_tame, is_data=False),
    )
    dual = _cnn_entries(rng, np.shape(y), is_tame, is_data=False)
    return network, patches, y, beta(rng, is_tame), dual, is_tame


def circular(seed):
    """Arguments of `certify_circular_cnn`."""
    rng = random.Random(seed)
    is_tame = rng.random() < 0.25
    n, d, m = rng.randint(2, 3), rng.randint(1, 4), rng.randint(0, 2)
    X = _cnn_entries(rng, (n, d), is_tame, is_data=True)
    y = _cnn_entries(rng, (n,), is_tame, is_data=True)
    network = CircularCNN(
        _cnn_entries(rng, (m, d), is_tame, is_data=False),
        _cnn_entries(rng, (m, d), is_tame, is_data=False),
    )
    dual = _cnn_entries(rng, (n,), is_tame, is_data=False)
    return network, X, y, beta(rng, is_tame), dual, is_tame


def beta(rng, is_tame):
    """A weight decay of some size and type."""
    if is_tame:
        return 0.1
    value = 10.0 ** rng.uniform(-323.0, 308.0)
    if rng.random() < 0.5:
        value = 10.0 ** rng.uniform(-3.0, 3.0)
    return scalar(rng, max(value, 5e-324))


def infeasible(seed):
    """Arguments of `certify_infeasible_cnn`, integers and floats mixed."""
    rng = random.Random(seed)
    n, d = rng.randint(2, 3), rng.randint(1, 2)
    base = rng.choice((1, 2**53, 2**60, 2**63))
    wide = rng.choice((int, float, np.uint64, Fraction))
    patches = [[[wide(base + rng.randint(0, 1)) for _ in range(d)]] for _ in range(n)]
    for i in range(1, n):
        if rng.random() < 0.5:
            patches[i] = [list(patches[0][0])]
    if rng.random() < 0.5:
        for row in patches:
            row[0].append(0.5)
    y = [wide(rng.choice((base, base + 1, 1, 2))) for _ in range(n)]
    rows = [0, 1] if rng.random() < 0.9 else [0, rng.choice((0, 5, "1", 1.0, 10**400))]
    coefficients = [1, -1] if rng.random() < 0.8 else [2, rng.choice((-1, 2.0, 10**30))]
    return patches, y, rows, coefficients
