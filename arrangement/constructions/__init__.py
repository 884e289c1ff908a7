"""Arrangements that are known by name, of graphs, and as Sage and polymake write them.

Each constructor returns an `Arrangement`, which everything here takes as a matrix;
``normals`` and ``offsets`` of it are its rows.
"""

from arrangement.constructions.deformations import (
    catalan,
    deformation,
    linial,
    semiorder,
    shi,
)
from arrangement.constructions.families import (
    boolean,
    braid,
    resonance,
    threshold,
)
from arrangement.constructions.graph_edges import graphical
from arrangement.constructions.polymake_notation import from_polymake
from arrangement.constructions.random_rows import generic
from arrangement.constructions.root_systems import coxeter
from arrangement.constructions.sage_notation import from_sage

__all__ = [
    "boolean",
    "braid",
    "catalan",
    "coxeter",
    "deformation",
    "from_polymake",
    "from_sage",
    "generic",
    "graphical",
    "linial",
    "resonance",
    "semiorder",
    "shi",
    "threshold",
]
