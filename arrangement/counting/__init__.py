"""Counts without a listing: Cover's bound, characteristic polynomial, faces."""

from arrangement.counting.counts import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
)
from arrangement.counting.faces import face_numbers
from arrangement.counting.restrictions import restricted_counts

__all__ = [
    "characteristic_polynomial",
    "count_bounded",
    "count_patterns",
    "cover_bound",
    "face_numbers",
    "restricted_counts",
]
