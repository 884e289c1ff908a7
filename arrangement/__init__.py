"""Every sign pattern of a matrix, exactly and provably: hyperplane arrangements."""

from arrangement.arrangement import Arrangement
from arrangement.counting import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
)
from arrangement.enumeration import enumerate_patterns, iter_patterns
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingTooLargeError,
)
from arrangement.patterns import PatternSet
from arrangement.verification import Proof, verify

__all__ = [
    "Arrangement",
    "ArrangementError",
    "BudgetExceededError",
    "IncompleteListingError",
    "InputError",
    "InputTypeError",
    "ListingTooLargeError",
    "PatternSet",
    "Proof",
    "characteristic_polynomial",
    "count_bounded",
    "count_patterns",
    "cover_bound",
    "enumerate_patterns",
    "iter_patterns",
    "verify",
]
