"""What chambers form together: their graph, regions, zonotopes, flats, insertion."""

from arrangement.combinatorics.bounded_regions import (
    bounded_patterns,
    iter_bounded_patterns,
)
from arrangement.combinatorics.flat_lattice import LatticeFlat, iter_flats
from arrangement.combinatorics.insertion import insert_row
from arrangement.combinatorics.regions import iter_patterns_inside, patterns_inside
from arrangement.combinatorics.tope_graphs import (
    TopeEdges,
    TopeGraph,
    iter_tope_edges,
    tope_graph,
)
from arrangement.combinatorics.zonotopes import (
    iter_zonotope_vertices,
    zonotope_vertices,
)

__all__ = [
    "LatticeFlat",
    "TopeEdges",
    "TopeGraph",
    "bounded_patterns",
    "insert_row",
    "iter_bounded_patterns",
    "iter_flats",
    "iter_patterns_inside",
    "iter_tope_edges",
    "iter_zonotope_vertices",
    "patterns_inside",
    "tope_graph",
    "zonotope_vertices",
]
