"""Lists and streams of all chambers, and what is reduced over them."""

from arrangement.listing.cells import make_layout
from arrangement.listing.covectors import iter_covectors
from arrangement.listing.executors import count_by_listing, default_pieces
from arrangement.listing.folding import fold
from arrangement.listing.orbits import Orbit, iter_orbits
from arrangement.listing.pieces import Piece, partition
from arrangement.listing.plan import Plan
from arrangement.listing.shares import SignShare
from arrangement.listing.streams import PatternStream, enumerate_patterns, iter_patterns

__all__ = [
    "Orbit",
    "PatternStream",
    "Piece",
    "Plan",
    "SignShare",
    "count_by_listing",
    "default_pieces",
    "enumerate_patterns",
    "fold",
    "iter_covectors",
    "iter_orbits",
    "iter_patterns",
    "make_layout",
    "partition",
]
