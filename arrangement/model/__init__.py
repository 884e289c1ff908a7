"""The nouns: `Arrangement`, `PatternSet`, `Proof`, flats and fingerprints."""

from arrangement.model.arrangement import Arrangement
from arrangement.model.fingerprint import matrix_sha256
from arrangement.model.flats import (
    Flat,
    check_time,
    iter_flats,
    iter_levels,
    primitive,
    restricted,
    whole_space,
)
from arrangement.model.patterns import PatternSet, pack, unpack
from arrangement.model.proof import Proof
from arrangement.model.stabilisers import Stabilisers, make_chain, orbits_of
from arrangement.model.symmetries import Frame, Symmetry, read_symmetries
from arrangement.model.symmetry_search import find_symmetries

__all__ = [
    "Arrangement",
    "Flat",
    "Frame",
    "PatternSet",
    "Proof",
    "Stabilisers",
    "Symmetry",
    "check_time",
    "find_symmetries",
    "iter_flats",
    "iter_levels",
    "make_chain",
    "matrix_sha256",
    "orbits_of",
    "pack",
    "primitive",
    "read_symmetries",
    "restricted",
    "unpack",
    "whole_space",
]
