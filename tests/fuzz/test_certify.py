"""`certify` against exact evaluation, on problems of every kind and size.

``pytest tests/fuzz --fuzz 200000 --fuzz-first 0`` runs so many seeds from the first;
a seed makes one case, and `explain` prints it with what is wrong.
"""

from __future__ import annotations

import math
import time
from fractions import Fraction

from convex_solver import certify

from fuzz.certify_cases import make
from fuzz.checks import Tally, attempt, bounds_agree, is_frozen
from reference.certified import (
    objective,
    price_violation,
    total_dual,
)

# Seconds of the processor that no call on so few rows may take.
SLOW = 5.0
TIGHT = Fraction(1, 10**9)


def call(case):
    return certify(case.network, case.X, case.y, case.beta, **case.options)


def violations(case, found):
    """Kinds of false claims of a certificate."""
    yield from bounds_agree(found)
    yield from is_frozen(found)
    problem = case.problem
    if problem.beta is None or found.beta != problem.beta:
        yield "beta is not the one given"
        return
    if math.isnan(found.upper_bound) or not math.isfinite(found.lower_bound):
        return
    yield from _upper(case, found)
    yield from _dual(case, found)
    if case.seed % 4:  # follows from the dual point, by Theorem 6: checked now and then
        return
    lower = Fraction(found.lower_bound)
    for units, alphas in candidates(case):
        if objective(problem, units, alphas)[1] < lower:
            yield "lower bound above the objective of a network"
            break


def _upper(case, found):
    low, high = objective(case.problem, case.units, case.alphas)
    upper = found.upper_bound
    if upper < math.inf and Fraction(upper) < low:
        yield "upper bound below the objective"
    if case.is_tame and not (upper < math.inf and upper <= high * (1 + TIGHT) + TIGHT):
        yield "upper bound loose"


def _dual(case, found):
    problem = case.problem
    v = [Fraction(x) for x in found.dual.tolist()]
    value = total_dual(problem.name, problem.parameter, v, problem.y, problem.weights)
    if value is None:
        yield "dual outside the domain"
        return
    if Fraction(found.lower_bound) > max(value[1], 0):
        yield "lower bound above the dual value"
    if case.is_tame and found.lower_bound < value[0] * (1 - TIGHT) - TIGHT:
        yield "lower bound loose"
    spread = [x for x in v for _ in range(problem.n_patches)]
    if price_violation(problem.rows, spread, problem.beta) is not None:
        yield "dual not feasible"


def candidates(case):
    """Cheap networks, as exact weights: none, the given one, parts, one neuron."""
    d = len(case.problem.rows[0])
    yield [], []
    yield case.units, case.alphas
    if case.units:
        yield case.units[:1], case.alphas[:1]
        yield case.units, [a / 2 for a in case.alphas]
        yield _balanced(case.units, case.alphas)
    rows, y = case.problem.rows, case.problem.y
    k = case.seed % len(rows)
    square = sum(x * x for x in rows[k])
    if square and case.problem.name != "poisson":
        # fits one sample, weights of about the same size
        target = y[k // case.problem.n_patches]
        root = _root(abs(target) * square) if target else Fraction(0)
        if root:
            unit = [x * abs(target) / root for x in rows[k]]
            yield [unit], [root / square * (1 if target > 0 else -1)]
            half = [x / 2 for x in unit]
            yield [half], [root / square / 2 * (1 if target > 0 else -1)]
    yield [[Fraction(1)] * d], [Fraction(1, 2)]


def _balanced(units, alphas):
    """About the scaling of Lemma 2, by exact factors near the best ones."""
    found, sizes = [], []
    for u, a in zip(units, alphas, strict=True):
        square = sum(x * x for x in u)
        if not square or not a:
            continue
        t = _root(_root(a * a / square))
        found.append([x * t for x in u])
        sizes.append(a / t)
    return found, sizes


def _root(x):
    """A fraction within a millionth of the square root, of few digits."""
    if not x:
        return Fraction(0)
    power = (x.numerator.bit_length() - x.denominator.bit_length()) // 2
    scaled = x / Fraction(4) ** power
    return Fraction(round(math.sqrt(scaled) * 2**24), 2**24) * Fraction(2) ** power


def examine(seed, tally):
    """Run one case and note what is wrong."""
    case = make(seed)
    tally.n_cases += 1
    if case.network is None or case.problem.y is None:
        tally.n_refused += 1
        if case.network is not None and attempt(lambda: call(case))[1] is None:
            tally.note(seed, "wrong labels are taken")
        return
    start = time.perf_counter()
    found, error = attempt(lambda: call(case))
    # the first call may have compiled kernels, and a busy machine is not slow
    begin = time.process_time()
    if time.perf_counter() - start > SLOW:
        attempt(lambda: call(case))
    if time.process_time() - begin > SLOW:
        tally.note(seed, "slow")
    if error == "refused":
        tally.n_refused += 1
        if case.is_tame:
            tally.note(seed, "a tame case is refused")
    elif error is not None:
        tally.note(seed, error)
    if found is not None:
        tally.n_certified += 1
        for kind in set(violations(case, found)):
            tally.note(seed, kind)


def explain(seed):
    """Print a case and what is wrong with it."""
    case = make(seed)
    print(case)
    found, error = attempt(lambda: call(case))
    print(error or found)
    if found is not None:
        print("dual", found.dual.tolist())
        print(set(violations(case, found)))


def test_no_certificate_is_false(fuzz_seeds):
    tally = Tally()
    for seed in fuzz_seeds:
        examine(seed, tally)
    print(tally)
    assert not tally.counts, str(tally)
    assert tally.n_certified >= 0.6 * tally.n_cases, str(tally)
