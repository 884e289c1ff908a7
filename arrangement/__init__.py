"""Every sign pattern of a matrix, exactly and provably: hyperplane arrangements."""

from arrangement.arrangement import Arrangement
from arrangement.counting import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
)
from arrangement.enumeration import PatternStream, enumerate_patterns, iter_patterns
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingStoppedError,
    ListingTooLargeError,
)
from arrangement.faces import face_numbers, iter_covectors
from arrangement.folding import fold
from arrangement.patterns import PatternSet
from arrangement.pieces import Piece, partition
from arrangement.storage import StoredPatterns, open_patterns, write_patterns
from arrangement.verification import Proof, verify

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
    "partition",
    "verify",
    "write_patterns",
]
