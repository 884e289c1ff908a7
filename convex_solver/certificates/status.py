"""What a certificate shows, in one word."""

from __future__ import annotations

from enum import Enum


class SolutionStatus(Enum):
    """What a certificate shows: only it sets ``OPTIMAL``."""

    OPTIMAL = "optimal"
    INACCURATE = "inaccurate"
    INFEASIBLE = "infeasible"
