"""The words for what bounds show of a network: one wording, and no more than is shown.

A lower bound is proven, whatever the gap is; a network is called optimal only where the
gap is within the tolerance, and so small that a person would call it so.
"""

from __future__ import annotations

import math

from convex_solver.reading import TOL

# A gap above this is told in per cent, and no network with one is called optimal.
SMALL_GAP = 1e-4


def gap_text(gap: float) -> str:
    """Return a relative gap for a person.

    Examples
    --------
    >>> gap_text(0.188), gap_text(3e-9)
    ('18.8%', '3e-09')
    """
    return f"{gap:.2g}" if gap < SMALL_GAP else f"{100.0 * gap:.3g}%"


def shown_text(gap: float) -> str:
    """Say what a gap shows of a network, and no more.

    Examples
    --------
    >>> shown_text(0.188)
    'no network is better by more than 18.8% of its objective'
    >>> shown_text(1.0)
    'no network is better by more than 100% of its objective, which says nothing'
    """
    if not math.isfinite(gap):
        return "nothing is shown of the optimum"
    text = f"no network is better by more than {gap_text(gap)} of its objective"
    return f"{text}, which says nothing" if gap >= 1.0 else text


def is_shown_optimal(gap: float, tol: float = TOL) -> bool:
    """Whether words may call a network optimal: its gap is within ``tol``, and small.

    Examples
    --------
    >>> is_shown_optimal(3e-9), is_shown_optimal(0.188, tol=0.5)
    (True, False)
    """
    return gap <= min(tol, SMALL_GAP)


def heading(gap: float, tol: float = TOL) -> str:
    """Say in a few words how far a network is shown to be optimal; for titles.

    Examples
    --------
    >>> heading(3e-9), heading(0.188), heading(0.188, tol=0.5)
    ('Certified global optimum', 'Not shown to be optimal', 'Within the gap asked for')
    """
    if is_shown_optimal(gap, tol):
        return "Certified global optimum"
    return "Within the gap asked for" if gap <= tol else "Not shown to be optimal"


def verdict(gap: float, tol: float = TOL) -> str:
    """Say how far a network is shown to be optimal.

    Examples
    --------
    >>> verdict(3e-9)
    'optimal; no network is better by more than 3e-09 of its objective'
    >>> verdict(0.188)
    'not shown to be optimal; no network is better by more than 18.8% of its objective'
    """
    if is_shown_optimal(gap, tol):
        return f"optimal; {shown_text(gap)}"
    if gap <= tol:
        return (
            f"within the {gap_text(tol)} asked for, not shown to be optimal; "
            f"{shown_text(gap)}"
        )
    return f"not shown to be optimal; {shown_text(gap)}"
