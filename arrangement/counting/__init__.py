"""Counts without a listing: Cover's bound, characteristic polynomial, faces."""

from arrangement.counting.counts import (
    Symmetries,
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
)
from arrangement.counting.faces import face_numbers
from arrangement.counting.groups import check_choice
from arrangement.counting.restrictions import restricted_counts

__all__ = [
    "Symmetries",
    "characteristic_polynomial",
    "check_choice",
    "count_bounded",
    "count_patterns",
    "cover_bound",
    "face_numbers",
    "restricted_counts",
]
