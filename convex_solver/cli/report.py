"""What the commands tell a person, and machines: bounds, and no more than they say."""

from __future__ import annotations

import sys
from typing import Any

from arrangement.io import against_bound
from arrangement.options import Listener
from convex_solver.certificates import Certificate

# An interval for beta_max of this relative width is told as one number.
_SAME = 1e-5


def certified_values(certificate: Certificate) -> dict[str, Any]:
    """Return what a certificate says, for JSON."""
    return {
        "patterns": certificate.n_patterns,
        "bound": certificate.cover_bound,
        "cones": certificate.n_cones,
        "proof": certificate.proof,
        "upper_bound": certificate.upper_bound,
        "lower_bound": certificate.lower_bound,
        "gap": certificate.gap,
    }


def bounds_lines(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines that tell of both bounds and of what proves the lower one."""
    patterns = f"not listed; at most {values['bound']:,}"
    if values["patterns"] is not None:
        patterns = against_bound(values["patterns"], values["bound"])
    lines = [("patterns", patterns)]
    if "objective" in values:
        lines.append(("objective", f"{values['objective']:.12g}"))
    else:
        lines.append(("upper bound", f"{values['upper_bound']:.12g}"))
    return [
        *lines,
        ("lower bound", f"{values['lower_bound']:.12g}, proven by {values['proof']}"),
        ("gap", f"{values['gap']:.2e} relative"),
    ]


def problem_text(loss: str, beta: float, weights: str | None) -> str:
    """Say what is minimised."""
    weighted = "" if weights is None else f" weighted by {weights}"
    return f"{loss} loss{weighted}, beta = {beta:g}"


def beta_max_text(beta: float, largest: tuple[float, float] | None) -> str:
    """Say what beta_max is, as far as that is known; it goes on after a beta."""
    if largest is None:
        return ""
    low, high = largest
    if high <= low * (1.0 + _SAME):
        share = f" ({beta / high:.2g} of it)" if high > 0.0 else ""
        return f", beta_max = {high:.6g}{share}"
    return f", beta_max from {low:.4g} to {high:.4g}"


def show_stages(*, quiet: bool) -> Listener | None:
    """Show what is being done, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None
    return lambda line: print(f"... {line}", file=sys.stderr)
