"""What a proof file claims, evaluated from the definitions: no checker, no solver."""

from __future__ import annotations

import csv
import json
import re
from fractions import Fraction

import numpy as np
import pytest

from reference.certified import Problem, objective, price_violation, total_dual


def dyadic(parts):
    """``m 2^e``, or ``m 2^e / q``."""
    m, e, *q = parts
    return Fraction(m, *q) * Fraction(2) ** e


def problem_of(claim, table):
    """The exact problem of a claim and a table, read here anew."""
    how = claim["data"]
    places = [k for k, _ in how["columns"]] + [how["target"][0]]
    if how["weights"]:
        places.append(how["weights"][0])
    with open(table, encoding="utf-8-sig", newline="") as stream:
        records = [r for r in csv.reader(stream, delimiter=how["separator"]) if r]
    samples = []
    for record in records[how["skip"] :]:
        cells = [record[k].strip() for k in places]
        if how.get("classes"):
            k = len(how["columns"])
            cells[k] = str(how["classes"][cells[k]])
        if how["decimal"] == ",":
            cells = [cell.replace(",", ".") for cell in cells]
        exact = [float(x) if how["floats"] == "binary" else x for x in cells]
        samples.append([Fraction(x) for x in exact])
    width, K = len(how["columns"]), how["patches"]
    center, scale = ([dyadic(x) for x in how[part]] for part in ("center", "scale"))
    ones = [Fraction(1)] if how["intercept"] is True else []
    d = width // K
    rows = [
        [(x - a) / b for x, a, b in zip(s[k : k + d], center, scale, strict=True)]
        + ones
        for s in samples
        for k in range(0, width, d)
    ]
    y = [s[width] for s in samples]
    weights = [s[width + 1] if how["weights"] else Fraction(1) for s in samples]
    name, parameter = claim["loss"]
    return Problem(rows, K, y, weights, name, dyadic(parameter), dyadic(claim["beta"]))


def bounds_of(proof, table):
    """Enclosures of lower and upper bound, and a direction that shows them false.

    The lower one is None where the dual point is outside the domain.
    """
    lines = proof.read_text(encoding="utf-8").splitlines()[:3]
    claim, network, dual = map(json.loads, lines)
    problem = problem_of(claim, table)
    unit = Fraction(2) ** dual["exponent"]
    v = [unit * x for x in dual["values"]]
    units = [[dyadic(x) for x in u] for u in network["weights"]]
    alphas = [dyadic(a) for a in network["alphas"]]
    lower = total_dual(problem.name, problem.parameter, v, problem.y, problem.weights)
    spread = [x for x in v for _ in range(problem.n_patches)]
    fault = price_violation(problem.rows, spread, problem.beta, extra=())
    return lower, objective(problem, units, alphas), fault


def said(out):
    """The bounds that the checker prints, as fractions."""
    found = {}
    for name in ("upper", "lower", "gap"):
        number = re.search(rf"^{name} +(\S+?)[:,]? ", out + " ", re.MULTILINE)
        found[name] = Fraction(number.group(1))
    return found


def assert_true(out, found, proof, table):
    """What the checker said of a proof is true, and what a certificate has found."""
    bounds = said(out)
    lower, upper, fault = bounds_of(proof, table)
    assert fault is None
    low, high = float(lower[0]), float(upper[1])
    assert bounds["lower"] <= max(lower[1], 0)
    assert bounds["upper"] >= upper[0]
    assert float(bounds["lower"]) == pytest.approx(max(low, 0.0), rel=1e-11, abs=1e-15)
    assert float(bounds["upper"]) == pytest.approx(high, rel=1e-11, abs=1e-15)
    # a bound is shortened: the certificate's but for the margin
    assert float(bounds["gap"]) <= found.gap + 1e-7
    assert float(bounds["lower"]) == pytest.approx(found.lower_bound, rel=1e-7)
    assert bounds["upper"] <= found.upper_bound * (1 + 1e-11)


def write_csv(path, X, y, weights=None):
    """The CSV that goes with ``certify(..., proof=)``: X, y, weights, no names."""
    numbers = [np.reshape(X, (len(y), -1)), np.reshape(y, (len(y), -1))]
    if weights is not None:
        numbers.append(np.reshape(weights, (-1, 1)))
    rows = np.hstack(numbers).tolist()
    path.write_text("".join(",".join(map(repr, row)) + "\n" for row in rows))
