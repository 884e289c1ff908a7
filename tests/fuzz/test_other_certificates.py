"""The certificates of interpolation and of the CNNs against exact evaluation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from convex_solver import (
    NoInterpolationError,
    certify_circular_cnn,
    certify_infeasible_cnn,
    certify_interpolation,
    certify_linear_cnn,
    certify_minimum_norm_cnn,
)

from fuzz import other_cases
from fuzz.checks import Tally, attempt, bounds_agree, is_frozen
from fuzz.numbers import fraction
from reference.certified import largest_price_squared, prediction
from reference.cnn_exact import (
    exact,
    exact_circular,
    exact_linear,
    is_above_spectral_norm,
)
from reference.interpolation import class_matrix, in_reach

TIGHT = Fraction(1, 10**6)


def report(seed, tally, call, check, is_tame):
    """Run one call and note what is wrong."""
    tally.n_cases += 1
    found, error = attempt(call)
    if error == "refused":
        tally.n_refused += 1
        if is_tame:
            tally.note(seed, "a tame case is refused")
    elif error is not None:
        tally.note(seed, error)
    if found is not None:
        tally.n_certified += 1
        for kind in {*bounds_agree(found), *is_frozen(found), *check(found)}:
            tally.note(seed, kind)


def interpolation(seed, tally):
    arguments, options, rows, y, is_tame = other_cases.interpolation(seed)
    is_reached = in_reach(class_matrix(rows), y)

    def call():
        try:
            return certify_interpolation(*arguments, **options)
        except NoInterpolationError:
            if is_reached:
                raise AssertionError("refused, but a network interpolates") from None
            raise

    network = arguments[0]
    units = exact(network.weights)
    alphas = [Fraction(a) for a in network.alphas.tolist()]

    def check(found):
        if not is_reached:
            yield "bounds for what no network takes"
            return
        v = [Fraction(x) for x in found.dual.tolist()]
        square = largest_price_squared(rows, v)
        value = sum(a * b for a, b in zip(v, y, strict=True)) ** 2
        if Fraction(found.lower_bound) ** 2 * square > value:
            yield "lower bound false"
        is_known = is_tame and len(rows[0]) <= 2  # all critical directions are tried
        if is_known and Fraction(found.lower_bound) ** 2 * square < value * (1 - TIGHT):
            yield "lower bound loose"
        if found.max_price < math.inf and Fraction(found.max_price) ** 2 < square:
            yield "price too low"
        if found.upper_bound < math.inf:
            if Fraction(found.upper_bound) ** 2 * square < value:
                yield "upper bound below a dual value"
            yield from least(Fraction(found.upper_bound), Fraction(found.lower_bound))
        f = prediction(rows, 1, units, alphas)
        missed = max(abs(a - b) for a, b in zip(f, y, strict=True))
        if found.residual < math.inf and Fraction(found.residual) < missed:
            yield "residual too small"

    def least(upper, lower):
        """Known least norms: one row, or one column."""
        if len(rows) == 1:
            square = sum(x * x for x in rows[0])
            if upper**2 * square < y[0] ** 2:
                yield "upper bound below the least norm"
            if lower**2 * square > y[0] ** 2:
                yield "lower bound above the least norm"
        elif len(rows[0]) == 1:
            pairs = zip(rows, y, strict=True)
            sides = {row[0] > 0: abs(b / row[0]) for row, b in pairs if row[0]}
            if not lower <= sum(sides.values()) <= upper:
                yield "the least norm is not between the bounds"

    report(seed, tally, call, check, is_tame and is_reached)


def stacked(patches, v):
    """``[X_1^T V .. X_K^T V]`` in fractions, for V (n, C)."""
    n, K, d = patches.shape
    rows = [exact(sample) for sample in patches]
    C = len(v[0])
    return [
        [
            sum(rows[i][k][j] * v[i][c] for i in range(n))
            for k in range(K)
            for c in range(C)
        ]
        for j in range(d)
    ]


def columns(dual):
    return exact(dual if dual.ndim == 2 else dual[:, None])


def linear(seed, tally):
    network, patches, y, beta, dual, is_tame = other_cases.cnn(seed)

    def check(found):
        data, targets = np.array(patches, float), np.array(y, float)
        outputs = targets.reshape(len(targets), -1)
        v = columns(found.dual)
        yield from taken_exactly({"patches": patches, "y": y, "beta": beta}, found.beta)
        value = exact_linear(network, data, outputs, exact_number(beta))
        yield from objective_and_dual(found, value, v, outputs, is_tame)
        for limit in (found.beta, found.dual_norm):
            if not is_above_spectral_norm(stacked(data, v), limit):
                yield "dual not feasible"

    given = {} if seed % 3 == 0 else {"dual": dual}
    is_plain = isinstance(patches, np.ndarray) and isinstance(y, np.ndarray)
    report(
        seed,
        tally,
        lambda: certify_linear_cnn(network, patches, y, beta, **given),
        check,
        is_tame and is_plain and isinstance(dual, np.ndarray),
    )


def circular(seed, tally):
    network, X, y, beta, dual, is_tame = other_cases.circular(seed)

    def check(found):
        data, targets = np.array(X, float), np.array(y, float)
        yield from taken_exactly({"X": X, "y": y, "beta": beta}, found.beta)
        v = columns(found.dual)
        value = exact_circular(network, data, targets, exact_number(beta))
        yield from objective_and_dual(found, value, v, targets[:, None], is_tame)
        n, d = data.shape
        rows = exact(data)
        g = [sum(rows[i][j] * v[i][0] for i in range(n)) for j in range(d)]
        hankel = [[g[(a + k) % d] for a in range(d)] for k in range(d)]
        for limit in (found.beta, found.dual_norm):
            if not is_above_spectral_norm(hankel, limit):
                yield "dual not feasible"

    given = {} if seed % 3 == 0 else {"dual": dual}
    is_plain = isinstance(X, np.ndarray) and isinstance(y, np.ndarray)
    report(
        seed,
        tally,
        lambda: certify_circular_cnn(network, X, y, beta, **given),
        check,
        is_tame and is_plain and isinstance(dual, np.ndarray),
    )


def objective_and_dual(found, value, v, y, is_tame):
    upper = found.upper_bound
    if upper < math.inf and Fraction(upper) < value:
        yield "upper bound below the objective"
    if is_tame and not upper <= value * (1 + TIGHT):
        yield "upper bound loose"
    bound = Fraction(0)
    for row, targets in zip(v, exact(y), strict=True):
        for a, b in zip(row, targets, strict=True):
            bound -= a * (a / 2 + b)
    if Fraction(found.lower_bound) > max(bound, 0):
        yield "lower bound above the dual value"


def taken_exactly(given, beta=None):
    """Which arguments hold numbers that float64 would have rounded."""
    for name, values in given.items():
        flat = np.array(values, dtype=object).ravel()
        if any(exact_number(x) != Fraction(float(x)) for x in flat):
            yield f"{name} is rounded"
    if beta is not None and exact_number(given["beta"]) != beta:
        yield "beta is not the one given"


def exact_number(x):
    return fraction(x.item() if isinstance(x, np.ndarray) else x, "binary")


def minimum_norm(seed, tally):
    network, patches, y, _, dual, _ = other_cases.cnn(seed)

    def check(found):
        yield from taken_exactly({"patches": patches, "y": y})
        data, targets = np.array(patches, float), np.array(y, float)
        outputs = targets.reshape(len(targets), -1)
        v = columns(found.dual)
        for limit in (1, found.dual_norm):
            if not is_above_spectral_norm(stacked(data, v), limit):
                yield "dual not feasible"
        value = sum(
            a * b
            for row, t in zip(v, exact(outputs), strict=True)
            for a, b in zip(row, t, strict=True)
        )
        if Fraction(found.lower_bound) > max(value, 0):
            yield "lower bound above the dual value"
        if found.upper_bound < math.inf:
            yield from above(Fraction(found.upper_bound), data, outputs)

    def above(upper, data, outputs):
        """One column and one patch: the least norm is |z| for X z = y, by one row."""
        for sample, target in zip(data, exact(outputs), strict=True):
            # |sum_k <x_k, z_k>| <= sigma_max(x) |z|_* for each output alone
            for t in target:
                if t and is_above_spectral_norm(
                    exact(sample), abs(t) / upper * (1 - Fraction(1, 2**60))
                ):
                    yield "upper bound below the least norm"

    report(
        seed,
        tally,
        lambda: certify_minimum_norm_cnn(network, patches, y, dual=dual),
        check,
        False,
    )


def infeasible(seed, tally):
    patches, y, rows, coefficients = other_cases.infeasible(seed)
    tally.n_cases += 1
    found, error = attempt(
        lambda: certify_infeasible_cnn(patches, y, rows, coefficients)
    )
    if error == "refused":
        tally.n_refused += 1
    elif error is not None:
        tally.note(seed, error)
    if found is not None:
        tally.n_certified += 1
        pairs = list(zip(found.rows, found.coefficients, strict=True))
        flat = [[_whole(x) for x in sample[0]] for sample in patches]
        if any(sum(c * flat[i][k] for i, c in pairs) for k in range(len(flat[0]))):
            tally.note(seed, "the patches do not cancel")
        if not sum(c * _whole(y[i]) for i, c in pairs):
            tally.note(seed, "the targets cancel")


def _whole(x):
    return Fraction(int(x)) if isinstance(x, np.integer) else Fraction(x)


KINDS = {
    "interpolation": interpolation,
    "linear": linear,
    "circular": circular,
    "minimum_norm": minimum_norm,
    "infeasible": infeasible,
}


def examine(seed, tally):
    """One case of each kind."""
    for name, run in KINDS.items():
        own = Tally()
        run(seed, own)
        tally.add(own, name)


@pytest.mark.parametrize("kind", KINDS)
def test_no_certificate_is_false(kind, fuzz_seeds):
    tally = Tally()
    for seed in fuzz_seeds[: max(1, len(fuzz_seeds) // 2)]:
        KINDS[kind](seed, tally)
    print(tally)
    assert not tally.counts, str(tally)
    assert tally.n_certified >= 0.15 * tally.n_cases, str(tally)
