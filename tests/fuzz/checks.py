"""What is asked of every certificate, whatever it certifies."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from fractions import Fraction

import numpy as np

from arrangement import ArrangementError
from convex_solver import ConvexSolverError, SolutionStatus

TOLERANCES = (0.0, 1e-12, 1e-6, 1e-3, 0.5)


def attempt(call):
    """The result of a call, or None, with what else came: refusal, crash, warning."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found = call()
        except (ConvexSolverError, ArrangementError):
            return None, "refused"
        except Exception as error:
            return None, f"{type(error).__name__}: {str(error)[:60]}"
    return found, f"warns: {heard[0].message}" if heard else None


def bounds_agree(found):
    """What is wrong with the two bounds, the gap and the status of a certificate."""
    upper, lower, gap = found.upper_bound, found.lower_bound, found.gap
    for name, value in (("upper", upper), ("lower", lower), ("gap", gap)):
        if not isinstance(value, float) or isinstance(value, np.generic):
            yield f"{name} bound is a {type(value).__name__}"
        if math.isnan(value):
            yield f"{name} is NaN"
    if not lower < math.inf:
        yield "lower bound infinite"
    if not gap >= 0.0:
        yield "gap negative"
    for tol in (*TOLERANCES, *([gap] if gap < math.inf else [])):
        is_optimal = found.status(tol) is SolutionStatus.OPTIMAL
        if is_optimal and not is_close(upper, lower, tol):
            yield "false OPTIMAL"
    if upper < math.inf and lower <= upper:
        true = (upper - lower) / upper if upper else 0.0
        if abs(gap - true) > 1e-12:
            yield "gap is not that of the bounds"
    elif gap != math.inf:
        yield "gap of inconsistent bounds is finite"


def is_close(upper, lower, tol):
    """Whether ``0 <= upper - lower <= tol upper`` exactly."""
    if not (math.isfinite(upper) and math.isfinite(lower) and math.isfinite(tol)):
        return False
    gap = Fraction(upper) - Fraction(lower)
    return 0 <= gap <= Fraction(tol) * Fraction(upper)


def is_frozen(found):
    """What array of a certificate can be changed."""
    for name in found.__dataclass_fields__:
        value = getattr(found, name)
        if isinstance(value, np.ndarray) and value.flags.writeable:
            yield f"{name} can be written to"


class Tally:
    """Violations by kind, each with the first seeds that show it."""

    def __init__(self):
        self.counts = Counter()
        self.seeds = {}
        self.n_certified = self.n_refused = self.n_cases = 0

    def note(self, seed, kind):
        self.counts[kind] += 1
        self.seeds.setdefault(kind, [])
        if len(self.seeds[kind]) < 8:
            self.seeds[kind].append(seed)

    def add(self, other, name):
        """Take over the counts of another tally, under a name."""
        self.n_cases += other.n_cases
        self.n_certified += other.n_certified
        self.n_refused += other.n_refused
        for kind, seeds in other.seeds.items():
            for seed in seeds:
                self.note(seed, f"{name}: {kind}")

    def __str__(self):
        lines = [
            f"{self.n_cases} cases: {self.n_certified} certified, "
            f"{self.n_refused} refused"
        ]
        lines += [
            f"{count:7d}  {kind}  seeds {self.seeds[kind]}"
            for kind, count in self.counts.most_common()
        ]
        return "\n".join(lines)
