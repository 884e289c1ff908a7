"""Random problems for `certify`, each made from one integer."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from convex_solver import Loss, TwoLayerReLU

from fuzz.numbers import EDGES, fraction, moved, real, scalar, table
from reference.certified import Problem

LABELLED = ("hinge", "squared_hinge", "logistic")
LOSSES = (
    "squared", "absolute", "huber", "quantile", "epsilon_insensitive", "hinge",
    "squared_hinge", "logistic", "poisson",
)  # fmt: skip
# a quarter of the cases is tame: there the bounds have to be tight as well
TAME = 0.25
# one network that fits one sample to rounding, next to no decay: the loss is what the
# prediction rounds; dual points that become subnormal where rows are huge; and columns
# whose means are far above their spread, with residuals of a linear fit
FITTED, SUBNORMAL, RAW = 0.3, 0.34, 0.38


@dataclass
class Case:
    """Arguments of one call, and the exact problem behind them."""

    seed: int
    network: Any
    X: Any
    y: Any
    beta: Any
    options: dict[str, Any]
    is_tame: bool
    problem: Problem | None = None
    units: list = field(default_factory=list)
    alphas: list = field(default_factory=list)

    def __str__(self):
        parts = [f"X={self.X!r}", f"y={self.y!r}", f"beta={self.beta!r}"]
        parts += [f"{k}={v!r}" for k, v in self.options.items()]
        network = None if self.network is None else self.network.to_dict()
        return f"seed {self.seed}: network={network}, " + ", ".join(parts)


def make(seed):
    """The case of a seed; its network is None where the network was refused."""
    rng = random.Random(seed)
    kind = rng.random()
    if TAME <= kind < FITTED:
        return _fitted(rng, seed)
    if FITTED <= kind < SUBNORMAL:
        return _subnormal(rng, seed)
    if SUBNORMAL <= kind < RAW:
        return _raw(rng, seed)
    is_tame = kind < TAME
    name = rng.choice(LOSSES)
    n, width = rng.choice((1, 2, 2, 3, 3, 4, 5)), rng.choice((1, 1, 2, 2, 2, 3))
    intercept = width < 3 and rng.random() < 0.3
    n_patches = rng.choice((1, 1, 1, 1, 2, 3))
    rows = _rows(rng, n * n_patches, width, is_tame)
    given, floats, exact = table(rng, rows)
    y, y_exact = _targets(rng, name, n, floats, is_tame)
    weights, weights_exact = _weights(rng, n, floats, is_tame)
    loss, parameter = _loss(rng, name, is_tame)
    center, scale, exact = _scaling(rng, exact, width, is_tame)
    rows = [[*row, Fraction(1)] for row in exact] if intercept else exact
    beta = _beta(rng, is_tame)
    network, units, alphas = _network(
        rng, rows, y_exact, width, intercept, center, scale, is_tame
    )
    options = {"loss": loss, "floats": floats}
    if weights is not None:
        options["sample_weight"] = weights
    dual = _dual(rng, name, parameter, y_exact, weights_exact, rows, is_tame)
    if dual is not None:
        options["dual"] = dual
    options |= _pricing(rng, is_tame)
    if n_patches > 1:
        given = _patches(given, n, n_patches, width)
    number = None if isinstance(beta, (str, type(None), complex)) else beta
    if isinstance(beta, np.ndarray) and beta.ndim == 0:
        number = beta[()]
    try:
        exact_beta = fraction(number, "binary")
    except (TypeError, ValueError, OverflowError):
        exact_beta = None
    problem = Problem(
        rows, n_patches, y_exact, weights_exact, name, parameter, exact_beta
    )
    # exp of a prediction that float64 does not hold is refused, whatever the data
    largest = n_patches * largest_prediction(rows, units, alphas)
    is_tame &= name != "poisson" or largest < 700
    return Case(seed, network, given, y, beta, options, is_tame, problem, units, alphas)


def largest_prediction(rows, units, alphas):
    """Bound the sizes of the outputs of a network on rows."""
    return max(
        sum(
            abs(alpha) * abs(sum(a * b for a, b in zip(row, unit, strict=True)))
            for unit, alpha in zip(units, alphas, strict=True)
        )
        for row in rows
    )


def _fitted(rng, seed):
    name = rng.choice(("squared", "absolute", "quantile"))
    width, size = rng.randint(1, 3), 10.0 ** rng.uniform(-100.0, 100.0)
    given, floats, rows = table(rng, [[real(rng, "tame") * size for _ in range(width)]])
    y = [real(rng, "tame") or 1.0]
    unit = [real(rng, "tame") / size for _ in range(width)]
    alpha = _fitting(rng, rows, [Fraction(y[0])], unit)
    parameter = Fraction(1, 2) if name == "quantile" else None
    y_exact = [fraction(y[0], floats)]
    problem = Problem(
        rows, 1, y_exact, [Fraction(1)], name, parameter, Fraction(1e-300)
    )
    exact = [[Fraction(x) for x in unit]]
    return Case(
        seed, TwoLayerReLU([unit], [alpha]), given, y, 1e-300,
        {"loss": name, "floats": floats, "dual": [0.0], "method": "covering"},
        False, problem, exact, [Fraction(alpha)],
    )  # fmt: skip


def _raw(rng, seed):
    n, width, mean = rng.randint(2, 5), rng.randint(1, 3), 10.0 ** rng.uniform(4.0, 8.0)
    X = [[mean * rng.uniform(0.5, 2.0)] * n for _ in range(width)]
    X = [[x + rng.uniform(-1.0, 1.0) for x in column] for column in X]
    rows = np.array(X).T
    y = np.array([rng.uniform(-2.0, 2.0) for _ in range(n)])
    fit = np.linalg.lstsq(rows, y)[0]
    share = rng.choice((1.0, 1.0, 1e-3, 0.5, 1.1))
    dual = share * (rows @ fit - y)
    name = rng.choice(("squared", "absolute", "huber", "quantile"))
    parameter = Fraction(1, 2) if name in ("huber", "quantile") else None
    if parameter is not None:
        dual = np.clip(dual, -0.5, 0.5)
    beta = 10.0 ** rng.uniform(-9.0, -1.0)
    exact = [[Fraction(x) for x in row] for row in rows.tolist()]
    y_exact = [Fraction(x) for x in y.tolist()]
    weights = [Fraction(1)] * n
    problem = Problem(exact, 1, y_exact, weights, name, parameter, Fraction(beta))
    loss = name if parameter is None else Loss(name, float(parameter))
    unit = fit.tolist()
    return Case(
        seed, TwoLayerReLU([unit], [1.0]), rows.tolist(), y.tolist(), beta,
        {"loss": loss, "floats": "binary", "dual": dual.tolist()},
        False, problem, [[Fraction(x) for x in unit]], [Fraction(1)],
    )  # fmt: skip


def _subnormal(rng, seed):
    n, power = rng.randint(1, 2), rng.uniform(0.0, 307.0)
    X = [[rng.uniform(0.1, 1.0) * 10.0**power] for _ in range(n)]
    beta = max(rng.uniform(0.2, 9.0) * 10.0 ** (power - 323.0), 5e-324)
    y = [rng.choice((-1.0, 1.0)) for _ in range(n)]
    dual = [-label * 10.0 ** rng.uniform(-100.0, 0.0) for label in y]
    rows, y_exact = [[Fraction(x) for x in row] for row in X], [Fraction(x) for x in y]
    problem = Problem(
        rows, 1, y_exact, [Fraction(1)] * n, "absolute", None, Fraction(beta)
    )
    method = rng.choice(("covering", "chambers"))
    return Case(
        seed, TwoLayerReLU(np.zeros((0, 1)), []), X, y, beta,
        {"loss": "absolute", "dual": dual, "method": method}, False, problem,
    )  # fmt: skip


def _rows(rng, n, width, is_tame):
    mode = rng.choice(("grid", "tame", "tame", "decimal"))
    spread = 0.0
    if not is_tame:
        mode = rng.choice(
            ("grid", "tame", "decimal", "sized", "sized", "wide", "subnormal")
        )
        spread = rng.uniform(-320.0, 308.0)
    rows = [[real(rng, mode, spread) for _ in range(width)] for _ in range(n)]
    for i in range(1, n):
        kind = rng.random()
        if kind < 0.1:
            rows[i] = list(rows[rng.randrange(i)])
        elif kind < 0.2:
            factor = rng.choice((-1.0, 2.0, -0.5, 3.0))
            rows[i] = [_finite(factor * x) for x in rows[rng.randrange(i)]]
        elif kind < 0.25:
            rows[i] = [moved(rng, x, 1) for x in rows[rng.randrange(i)]]
        elif kind < 0.3:
            rows[i] = [0.0] * width
    return rows


def _finite(x):
    return x if math.isfinite(x) else 1.0


def _patches(given, n, n_patches, width):
    if isinstance(given, np.ndarray):
        return given.reshape(n, n_patches, width)
    rows = [list(row) for row in given]
    return [rows[k * n_patches : (k + 1) * n_patches] for k in range(n)]


def _targets(rng, name, n, floats, is_tame):
    if name in LABELLED:
        labels = [rng.choice((-1, 1)) for _ in range(n)]
        form = rng.random()
        if form < 0.4:
            given = [float(x) for x in labels]
        elif form < 0.6:
            given = np.array(labels)
        elif form < 0.8:
            given = np.array(labels, np.float32)
        else:
            given = [str(x) for x in labels]
        if not is_tame and rng.random() < 0.02:
            given, labels = [*given[:-1], "1." + "0" * 20 + "1"], None
        return given, None if labels is None else [Fraction(x) for x in labels]
    mode = rng.choice(("grid", "tame", "decimal"))
    spread = 0.0
    if not is_tame:
        mode = rng.choice(("grid", "tame", "sized", "sized", "wide", "subnormal"))
        spread = rng.uniform(-320.0, 308.0)
    values = [real(rng, mode, spread) for _ in range(n)]
    if name == "poisson":
        values = [abs(x) for x in values]
        if not is_tame and rng.random() < 0.03:
            values = [str(x) for x in values]
            values[-1] = rng.choice(("-1e-400", "1e-400", "-0.5"))
            return values, [Fraction(x) for x in values]
    kind = rng.random()
    if kind < 0.5:
        return values, [fraction(x, floats) for x in values]
    if kind < 0.7 and all(abs(x) < 3e38 for x in values):
        narrow = np.array(values).astype(np.float32)
        return narrow, [fraction(x, floats) for x in narrow]
    if kind < 0.85:
        return [repr(x) for x in values], [Fraction(repr(x)) for x in values]
    thirds = [Fraction(x) / 3 for x in values]
    return thirds, thirds


def _weights(rng, n, floats, is_tame):
    one = [Fraction(1)] * n
    if rng.random() < 0.6:
        return None, one
    if is_tame:
        values = [rng.uniform(0.1, 3.0) for _ in range(n)]
    elif rng.random() < 0.5:
        values = [abs(real(rng, "wide")) for _ in range(n)]
    else:
        values = [rng.choice(EDGES) for _ in range(n)]
    kind = rng.random()
    if kind < 0.5:
        return values, [fraction(x, floats) for x in values]
    if kind < 0.7 and all(x < 3e38 for x in values):
        narrow = np.array(values).astype(np.float32)
        return narrow, [fraction(x, floats) for x in narrow]
    if kind < 0.85:
        return [repr(x) for x in values], [Fraction(repr(x)) for x in values]
    thirds = [Fraction(x) / 3 for x in values]
    return thirds, thirds


def _loss(rng, name, is_tame):
    parameter = None
    if name == "huber":
        parameter = 1.35 if is_tame else rng.choice((1e-300, 5e-324, 0.1, 1.35, 1e300))
    elif name == "quantile":
        parameter = rng.choice((0.5, 0.9, 0.1))
        if not is_tame:
            parameter = rng.choice((5e-324, 1.0 - 2.0**-53, 1e-17, 0.5, 0.3))
    elif name == "epsilon_insensitive":
        parameter = rng.choice((0.0, 0.1, 0.4))
        if not is_tame:
            parameter = rng.choice((0.0, 5e-324, 1e-300, 0.1, 1e100, 1.7e308))
    if parameter is None:
        return name, None
    if rng.random() < 0.5:
        return f"{name}:{parameter!r}", Fraction(parameter)
    if rng.random() < 0.3:
        parameter = np.float32(min(max(parameter, 1e-30), 1e30))
        if name == "quantile":
            parameter = np.float32(0.3)
        return Loss(name, parameter), Fraction(float(parameter))
    return Loss(name, parameter), Fraction(parameter)


def _scaling(rng, exact, width, is_tame):
    if rng.random() < 0.65:
        return None, None, exact
    center = [rng.randint(-8, 8) / 2.0 for _ in range(width)]
    scale = [rng.choice((0.5, 1.0, 3.0, 0.1)) for _ in range(width)]
    if not is_tame:
        if rng.random() < 0.3:
            center = [real(rng, "wide") for _ in range(width)]
        if rng.random() < 0.3:
            scale = [abs(real(rng, "wide")) for _ in range(width)]
        if rng.random() < 0.05:
            scale[-1] = rng.choice((0.0, math.nan, math.inf, -1.0))
    which = rng.random()
    if which < 0.3:
        scale = None
    elif which < 0.5:
        center = None
    good = scale is None or all(math.isfinite(s) and s > 0.0 for s in scale)
    if good:
        shift = [Fraction(c) for c in center or [0.0] * width]
        unit = [Fraction(s) for s in scale or [1.0] * width]
        exact = [
            [(x - c) / s for x, c, s in zip(row, shift, unit, strict=True)]
            for row in exact
        ]
    return center, scale, exact


def _beta(rng, is_tame):
    if is_tame:
        return rng.choice((0.1, 1.0, 0.03, 2.5))
    kind = rng.random()
    if kind < 0.3:
        value = 10.0 ** rng.uniform(-3.0, 3.0)
    elif kind < 0.6:
        value = 10.0 ** rng.uniform(-323.0, 308.0)
    else:
        value = moved(rng, rng.choice(EDGES))
    return scalar(rng, value if value > 0.0 else 5e-324)


def _network(rng, rows, y, width, intercept, center, scale, is_tame):
    m = rng.choice((0, 1, 1, 2, 2, 3))
    d = width + intercept
    mode, spread = rng.choice((("tame", 0.0), ("grid", 0.0)))
    if not is_tame:
        mode = rng.choice(("tame", "grid", "sized", "sized", "wide"))
        spread = rng.uniform(-320.0, 308.0)
    units = [[real(rng, mode, spread) for _ in range(d)] for _ in range(m)]
    if not is_tame and rng.random() < 0.5:
        mode, spread = rng.choice((("sized", -spread), ("wide", 0.0), ("tame", 0.0)))
    alphas = [real(rng, mode, spread) for _ in range(m)]
    if m and y is not None and rng.random() < 0.4:
        alphas[0] = _fitting(rng, rows, y, units[0])
    try:
        network = TwoLayerReLU(
            np.array(units).reshape(m, d), alphas, intercept=intercept,
            center=center, scale=scale,
        )  # fmt: skip
    except ValueError:
        return None, [], []
    exact = [[Fraction(x) for x in u] for u in units]
    return network, exact, [Fraction(a) for a in alphas]


def _fitting(rng, rows, y, unit):
    """The output weight that fits one of the samples, to rounding."""
    k = rng.randrange(len(y))
    inner = sum(a * Fraction(b) for a, b in zip(rows[k], unit, strict=True))
    try:
        return float(y[k] / inner) if inner > 0 else 1.0
    except OverflowError:
        return 1.0


def _dual(rng, name, parameter, y, weights, rows, is_tame):
    kind = rng.random()
    if kind < 0.25 or (is_tame and kind < 0.5):
        return None
    n = len(weights)
    if is_tame:
        return [rng.gauss(0.0, 1.0) for _ in range(n)]
    if kind < 0.35:
        return np.array([real(rng, "wide") for _ in range(n)])
    if kind < 0.4:
        return rng.choice(
            ([math.nan] * n, [0.0] * n, [10**400] * n, [0.0] * (n + 1), ["1"] * n,
             np.ones(n, np.float32), [1] * n, [Fraction(1, 3)] * n, [True] * n,
             [[0.0]] * n, 0.5, None, [1j] * n)
        )  # fmt: skip
    if kind < 0.6:
        spread = rng.uniform(-320.0, 308.0)
        return [real(rng, "sized", spread) for _ in range(n)]
    # the edges of the domain, an ulp or two off
    found = []
    for k in range(n):
        label = 1.0 if y is None else float(min(max(y[k], -1), 1))
        low, high = _edges(name, parameter, weights[k], 0 if y is None else y[k], label)
        edge = rng.choice((low, high, 0.0))
        found.append(moved(rng, edge))
    if rng.random() < 0.3:
        factor = rng.random()
        found = [x * factor for x in found]
    return found


def _edges(name, parameter, weight, target, label):
    def near(x):
        try:
            return float(x)
        except OverflowError:
            return 1.7976931348623157e308

    c = near(weight)
    if name == "huber":
        return -near(parameter * weight), near(parameter * weight)
    if name == "quantile":
        return -near(parameter * weight), near((1 - parameter) * weight)
    if name in ("hinge", "logistic"):
        return min(0.0, -label * c), max(0.0, -label * c)
    if name == "poisson":
        return -near(target * weight), near(target * weight)
    return -c, c


def _pricing(rng, is_tame):
    options = {}
    kind = rng.random()
    if kind < 0.35:
        options["method"] = "covering"
    elif kind < 0.55:
        options["method"] = "chambers"
    elif kind < 0.57 and not is_tame:
        options["method"] = rng.choice(("fast", None, 1))
    if is_tame:
        return options
    if rng.random() < 0.15:
        options["rtol"] = rng.choice(
            (0.1, 1e-3, np.float32(1e-3), 1e-13, 0.0, 10, Fraction(1, 8), "1e-6", -1.0,
             math.nan, True, 10**400)
        )  # fmt: skip
    if rng.random() < 0.15:
        options["max_cones"] = rng.choice(
            (1, 4, 100, np.int64(4), 2.5, "4", True, 0, -1, 10**400, 4.0, math.nan)
        )
    return options
