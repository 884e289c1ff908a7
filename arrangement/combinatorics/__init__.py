"""What chambers form together: their graph, regions, zonotopes, flats, insertion."""

from arrangement.combinatorics.tope_graphs import (
    TopeEdges,
    TopeGraph,
    iter_tope_edges,
    tope_graph,
)

__all__ = [
    "TopeEdges",
    "TopeGraph",
    "iter_tope_edges",
    "tope_graph",
]
