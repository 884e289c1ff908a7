"""Every sign pattern of a matrix, exactly and provably: hyperplane arrangements."""

from __future__ import annotations

from arrangement.combinatorics import (
    LatticeFlat,
    TopeEdges,
    TopeGraph,
    bounded_patterns,
    insert_row,
    iter_bounded_patterns,
    iter_flats,
    iter_patterns_inside,
    iter_tope_edges,
    iter_zonotope_vertices,
    patterns_inside,
    tope_graph,
    zonotope_vertices,
)
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
    "LatticeFlat",
    "ListingStoppedError",
    "ListingTooLargeError",
    "PatternSet",
    "PatternStream",
    "Piece",
    "Progress",
    "Proof",
    "StoredPatterns",
    "TopeEdges",
    "TopeGraph",
    "bounded_patterns",
    "characteristic_polynomial",
    "count_bounded",
    "count_patterns",
    "cover_bound",
    "enumerate_patterns",
    "face_numbers",
    "fold",
    "insert_row",
    "iter_bounded_patterns",
    "iter_covectors",
    "iter_flats",
    "iter_patterns",
    "iter_patterns_inside",
    "iter_tope_edges",
    "iter_zonotope_vertices",
    "open_patterns",
    "pack",
    "partition",
    "patterns_inside",
    "restricted_counts",
    "tope_graph",
    "verify",
    "write_patterns",
    "zonotope_vertices",
]
