"""What chambers form together: tope graphs, zonotopes, regions, flats, insertion.

Lists are made and proven before the clock starts, unless a row says that it streams.
Edges are compared with the faces of codimension 1, which `face_numbers` counts on
another way; vertices are distinct and add up to zero; values of flats add up to the
characteristic polynomial; inserting the last row gives the list of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arrangement import (
    bounded_patterns,
    characteristic_polynomial,
    count_bounded,
    enumerate_patterns,
    face_numbers,
    insert_row,
    iter_flats,
    iter_tope_edges,
    iter_zonotope_vertices,
    tope_graph,
    zonotope_vertices,
)
from arrangement.constructions import braid, catalan, generic, resonance, shi
from bench.harness import Options, Report, Row, best_time, check, demand

Work = tuple[str, Callable[[], int], int]


def graphs(X: Any) -> Iterator[Work]:
    """Tope graph and zonotope: what is done, how many things it makes, how many."""
    patterns = enumerate_patterns(X)
    n_edges = face_numbers(X)[-2]
    yield "tope graph, edges", lambda: tope_graph(patterns).n_edges, n_edges
    graph = tope_graph(patterns)
    yield "adjacency matrix, edges", lambda: graph.to_scipy().nnz // 2, n_edges
    blocks = iter_tope_edges
    yield "edges streamed", lambda: sum(len(b.rows) for b in blocks(X)), n_edges
    vertices = zonotope_vertices(patterns)
    demand(not vertices.sum(axis=0).any(), "the zonotope is not centred")
    distinct = len(np.unique(vertices, axis=0))
    check("distinct vertices", distinct, len(patterns))
    yield "zonotope, vertices", lambda: len(zonotope_vertices(patterns)), distinct
    sums = iter_zonotope_vertices
    yield "vertices streamed", lambda: sum(map(len, sums(X))), distinct
    before = enumerate_patterns(X.normals[:-1])
    row = X.normals[-1]
    for prove in (False, True):
        name = f"last row inserted, {'with' if prove else 'without'} proof"
        yield name, lambda p=prove: len(insert_row(before, row, prove=p)), distinct


def flats(X: Any) -> Iterator[Work]:
    """Flats, whose values must add up."""
    chi = characteristic_polynomial(X)
    sums = [0] * len(chi)
    n_flats = 0
    for flat in iter_flats(X):
        sums[flat.dimension] += flat.mu
        n_flats += 1
    check("values of the flats", tuple(sums), chi)
    yield "flats", lambda: sum(1 for _ in iter_flats(X)), n_flats


def regions(X: Any) -> Iterator[Work]:
    """Bounded regions of an affine arrangement."""
    yield "bounded regions", lambda: len(bounded_patterns(X)), count_bounded(X)


def cases(*, quick: bool) -> Iterator[tuple[str, Iterator[Work]]]:
    if quick:
        yield "generic (30, 4)", graphs(generic(30, 4))
        yield "braid 6", flats(braid(6))
        yield "Shi 5", regions(shi(5))
        return
    yield "generic (100, 4)", graphs(generic(100, 4))
    yield "resonance 6", graphs(resonance(6))
    yield "braid 8", graphs(braid(8))
    yield "braid 8", flats(braid(8))
    yield "resonance 5", flats(resonance(5))
    yield "Shi 6", regions(shi(6))
    yield "Catalan 6", regions(catalan(6))


def run(options: Options, report: Report) -> None:
    rows: list[Row] = []
    for name, works in cases(quick=options.quick):
        for what, work, expected in works:
            work()  # compiles what it needs
            wall, _, found = best_time(work, repeats=3)
            check(f"{name}: {what}", found, expected)
            row: Row = {"case": name, "what": what, "number": found}
            rows.append(row | {"s": wall, "per second": found / wall})
    report.table("Graphs, zonotopes, regions and flats", rows)
