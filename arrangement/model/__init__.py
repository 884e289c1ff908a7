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

__all__ = [
    "Arrangement",
    "Flat",
    "PatternSet",
    "Proof",
    "check_time",
    "iter_flats",
    "iter_levels",
    "matrix_sha256",
    "pack",
    "primitive",
    "restricted",
    "unpack",
    "whole_space",
]
