"""Kernels of the proof; they use nothing of the listing."""

from arrangement._kernels.verification import borders
from arrangement._kernels.verification.arrays import (
    Coordinates,
    Elimination,
    OutputBits,
    new_elimination,
)
from arrangement._kernels.verification.witnesses import (
    check_signs,
    first_disorder,
    hash_chambers,
    margin_direction,
    may_repeat,
)

__all__ = [
    "Coordinates",
    "Elimination",
    "OutputBits",
    "borders",
    "check_signs",
    "first_disorder",
    "hash_chambers",
    "margin_direction",
    "may_repeat",
    "new_elimination",
]
