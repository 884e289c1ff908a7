"""Graphical arrangements: one hyperplane for each edge of a graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from arrangement.constructions.families import differences, empty_rows
from arrangement.errors import InputError, InputTypeError
from arrangement.model import Arrangement
from arrangement.options import said


def graphical(
    graph: Iterable[tuple[Hashable, Hashable]] | Any,
    *,
    vertices: Iterable[Hashable] | None = None,
) -> Arrangement:
    """Return the arrangement of a graph: ``x_u = x_v`` for each edge (u, v).

    Parameters
    ----------
    graph : iterable of pairs, or a NetworkX graph
        Edges, each a pair of labels; of a NetworkX graph its edges and nodes.
    vertices : iterable, optional
        The labels in the order of the columns.  By default the nodes of the graph in
        its order; of a list of edges the labels sorted, or as they come where they
        cannot be compared.

    Returns
    -------
    Arrangement
        One row ``e_u - e_v`` for each edge, in the order of the edges, one column for
        each vertex.  Chambers are the acyclic orientations: bit 1 of an edge says
        ``x_u > x_v``.

    Raises
    ------
    InputError
        A loop, an edge that is no pair, a label that is not among ``vertices`` or is
        there twice.
    InputTypeError
        ``graph`` is neither; a label that cannot be hashed.

    Notes
    -----
    ``chi`` is the chromatic polynomial over ``t**c``, c the number of components, so
    that there are ``|chi(-1)|`` acyclic orientations (Stanley 1973; Greene 1977).

    Examples
    --------
    >>> from arrangement import count_patterns
    >>> square = graphical([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")])
    >>> count_patterns(square)
    14
    """
    nodes: list[Any] | None
    edges, nodes = _edges_and_nodes(graph)
    if vertices is not None:
        nodes = list(vertices)
    if nodes is None:
        nodes = list(dict.fromkeys(label for edge in edges for label in edge))
        with suppress(TypeError):  # labels that cannot be compared stay
            nodes.sort()
    column = {label: k for k, label in enumerate(nodes)}
    if len(column) < len(nodes):
        raise InputError(
            f"{len(nodes)} vertices, {len(column)} distinct; name each once."
        )
    pairs = np.zeros((len(edges), 2), dtype=np.int64)
    for i, edge in enumerate(edges):
        for k, label in enumerate(edge):
            if label not in column:
                raise InputError(
                    f"{said(f'edge {i}', edge)}; {label!r} is not among the vertices."
                )
            pairs[i, k] = column[label]
    rows = empty_rows(len(edges), len(nodes), "this graph", len(nodes))
    differences(pairs, rows)
    return Arrangement(rows)


def _edges_and_nodes(
    graph: Any,
) -> tuple[list[tuple[Hashable, Hashable]], list[Hashable] | None]:
    """Return the edges as pairs, no loops, and the nodes where they are known."""
    nodes = None
    if hasattr(graph, "nodes") and callable(getattr(graph, "edges", None)):
        nodes, graph = list(graph.nodes), graph.edges()
    if isinstance(graph, str | bytes) or not isinstance(graph, Iterable):
        raise InputTypeError(
            f"{said('graph', graph)}; expected edges, pairs of labels, or a NetworkX "
            "graph."
        )
    edges = []
    for i, edge in enumerate(graph):
        try:
            ends = tuple(edge.tolist() if isinstance(edge, np.ndarray) else edge)
        except TypeError:
            ends = ()
        if len(ends) != 2 or isinstance(edge, str):
            raise InputError(f"{said(f'edge {i}', edge)}; expected a pair of labels.")
        for label in ends:
            try:
                hash(label)
            except TypeError:
                raise InputTypeError(
                    f"{said(f'edge {i}', edge)}; a label must be hashable, such as an "
                    "int or a text."
                ) from None
        if ends[0] == ends[1]:
            raise InputError(
                f"{said(f'edge {i}', edge)} is a loop, which has no hyperplane; leave "
                "it out."
            )
        edges.append((ends[0], ends[1]))
    return edges, nodes
