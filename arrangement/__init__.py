"""Every sign pattern of a matrix, exactly and provably: hyperplane arrangements."""

from __future__ import annotations

from arrangement import plot
from arrangement.counting import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
    face_numbers,
    restricted_counts,
)
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.listing import (
    PatternStream,
    Piece,
    enumerate_patterns,
    fold,
    iter_covectors,
    iter_patterns,
    partition,
)
from arrangement.model import Arrangement, PatternSet, Proof, pack
from arrangement.options import Progress
from arrangement.stores import StoredPatterns, open_patterns, write_patterns
from arrangement.verification import verify

__all__ = [
    "Arrangement",
    "ArrangementError",
    "BudgetExceededError",
    "IncompleteListingError",
    "InputError",
    "InputTypeError",
    "ListingStoppedError",
    "ListingTooLargeError",
    "PatternSet",
    "PatternStream",
    "Piece",
    "Progress",
    "Proof",
    "StoredPatterns",
    "characteristic_polynomial",
    "count_bounded",
    "count_patterns",
    "cover_bound",
    "enumerate_patterns",
    "face_numbers",
    "fold",
    "iter_covectors",
    "iter_patterns",
    "open_patterns",
    "pack",
    "partition",
    "plot",
    "restricted_counts",
    "verify",
    "write_patterns",
]
