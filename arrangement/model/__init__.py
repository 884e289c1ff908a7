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
from arrangement.model.stabilisers import Stabilisers, make_chain

__all__ = [
    "Arrangement",
    "Flat",
    "PatternSet",
    "Proof",
    "Stabilisers",
    "check_time",
    "iter_flats",
    "iter_levels",
    "make_chain",
    "matrix_sha256",
    "pack",
    "primitive",
    "restricted",
    "unpack",
    "whole_space",
]
