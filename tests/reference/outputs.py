"""Predictions of a network from the definition, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def by_loops(network, X):
    """``f(X_i) = sum_j alpha_j sum_k max(0, x_ik . u_j)``, one product at a time."""
    outputs = []
    for sample in X:
        total = Fraction(0)
        for patch in np.asarray(sample).tolist():
            if network.intercept:
                patch = [*patch, 1.0]
            for u, a in zip(
                network.weights.tolist(), network.alphas.tolist(), strict=True
            ):
                pairs = zip(patch, u, strict=True)
                dot = sum(Fraction(p) * Fraction(q) for p, q in pairs)
                total += Fraction(a) * max(Fraction(0), dot)
        outputs.append(float(total))
    return np.array(outputs)
