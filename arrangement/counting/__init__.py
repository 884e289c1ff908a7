"""Counts without a listing: Cover's bound, characteristic polynomial, faces."""

from arrangement.counting.counts import (
    Symmetries,
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
    whitney_numbers,
)
from arrangement.counting.faces import face_numbers
from arrangement.counting.groups import check_choice
from arrangement.counting.restrictions import restricted_counts
from arrangement.counting.tree import Tree, count_tree

__all__ = [
    "Symmetries",
    "Tree",
    "characteristic_polynomial",
    "check_choice",
    "count_bounded",
    "count_patterns",
    "count_tree",
    "cover_bound",
    "face_numbers",
    "restricted_counts",
    "whitney_numbers",
]
