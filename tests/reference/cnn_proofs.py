"""What a proof for a linear or circular CNN claims, evaluated from the definitions."""

from __future__ import annotations

import csv
import json
from fractions import Fraction

import numpy as np

from reference.proofs import dyadic


def problem_of(proof, table):
    """Claim, network, samples and dual point (n, C) of a proof, in fractions."""
    claim, network, dual = map(json.loads, proof.read_text().splitlines()[:3])
    with open(table, newline="") as stream:
        records = [r for r in csv.reader(stream) if r][claim["data"]["skip"] :]
    kind = float if claim["data"]["floats"] == "binary" else str
    rows = [[Fraction(kind(cell.strip())) for cell in record] for record in records]
    neurons = [[[dyadic(x) for x in part] for part in pair] for pair in network]
    C, unit = claim["outputs"], Fraction(2) ** dual["exponent"]
    v = [unit * x for x in dual["values"]]
    duals = [v[i : i + C] for i in range(0, len(v), C)]
    return claim, neurons, rows, duals


def bounds_of(proof, table):
    """Lower and upper bound as claimed, and the dual norm over beta in floats.

    The upper bound is infinite where targets are to be met and are not.
    """
    claim, neurons, rows, duals = problem_of(proof, table)
    K, C, is_linear = (
        claim["patches"],
        claim["outputs"],
        claim["architecture"][0] == "l",
    )
    width = len(rows[0]) - C
    d, beta = width // K, dyadic(claim["beta"])
    B = np.zeros((d, K * C if is_linear else d), dtype=object)
    fit, product, square = Fraction(0), Fraction(0), Fraction(0)
    for row, v in zip(rows, duals, strict=True):
        x, y = row[:width], row[width:]
        f = [Fraction(0) for _ in range(C)]
        for u, w in neurons:
            if is_linear:
                for k in range(K):
                    for c in range(C):
                        f[c] += w[k * C + c] * sum(
                            x[k * d + a] * u[a] for a in range(d)
                        )
            else:
                f[0] += sum(
                    x[a] * u[(a - b) % d] * w[b] for a in range(d) for b in range(d)
                )
        for c in range(C):
            fit += (f[c] - y[c]) ** 2
            product += v[c] * y[c]
            square += v[c] ** 2
        for a in range(d):
            for k in range(K):
                for c in range(C):
                    if is_linear:
                        B[a, k * C + c] += x[k * d + a] * v[c]
        if not is_linear:
            for a in range(d):
                for b in range(d):
                    B[a, b] += x[(a + b) % d] * v[0]
    decay = sum(x * x for u, w in neurons for x in (*u, *w))
    upper, lower = beta / 2 * decay, -product
    if claim["loss"] == "squared":
        upper, lower = upper + fit / 2, lower - square / 2
    elif fit:
        upper = float("inf")
    ratios = np.array([[float(x / beta) for x in line] for line in B])
    return max(lower, Fraction(0)), upper, float(np.linalg.norm(ratios, 2))
