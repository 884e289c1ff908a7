"""Known arrangements: their counts, from tables, formulas and other systems."""

from __future__ import annotations

import csv
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from arrangement import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
    enumerate_patterns,
)
from arrangement.constructions import (
    boolean,
    braid,
    catalan,
    coxeter,
    deformation,
    generic,
    graphical,
    linial,
    resonance,
    semiorder,
    shi,
    threshold,
)

from reference import families

CATALAN = (1, 1, 2, 5, 14, 42, 132)
# Bourbaki, Lie groups and Lie algebras, chapter 6, plates I to IX
EXPONENTS = {
    ("A", 4): (1, 2, 3, 4),
    ("B", 4): (1, 3, 5, 7),
    ("C", 4): (1, 3, 5, 7),
    ("D", 4): (1, 3, 3, 5),
    ("D", 5): (1, 3, 4, 5, 7),
    ("E", 6): (1, 4, 5, 7, 8, 11),
    ("E", 7): (1, 5, 7, 9, 11, 13, 17),
    ("E", 8): (1, 7, 11, 13, 17, 19, 23, 29),
    ("F", 4): (1, 5, 7, 11),
    ("G", 2): (1, 5),
    ("I", 2): (1, 1),
    ("I", 3): (1, 2),
    ("I", 4): (1, 3),
    ("I", 6): (1, 5),
    ("A", 1): (1,),
    ("B", 1): (1,),
    ("D", 2): (1, 1),
}


def with_roots(roots):
    """Coefficients of the product of (t - e), ascending."""
    out = [1]
    for e in roots:
        shifted = [0, *out]
        out = [a - e * b for a, b in zip(shifted, [*out, 0], strict=True)]
    return tuple(out)


def table():
    """Return the rows of the table of counts beside the data, or skip."""
    folder = os.environ.get("ARRANGEMENT_DATA")
    path = Path(folder or ".").parent / "known_counts.csv"
    if not folder or not path.is_file():
        pytest.skip("no table known_counts.csv beside ARRANGEMENT_DATA")
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def made(family, params):
    """Return the arrangement of a row of the table, or None."""
    kind, _, number = params.partition("=")
    if family == "threshold":
        return threshold(int(number))
    if family == "resonance":
        return resonance(int(number))
    if family == "braid A_k":
        return braid(int(number) + 1)
    if family.startswith("Coxeter"):
        kind = family.split()[1][0] if "_" in family else params[0]
        return coxeter(kind, int(number or params[1:]))
    if family == "generic central":
        n, r = map(int, params.split(","))
        return generic(n, r)
    return None


def test_counts_of_the_table():
    done = 0
    for row in table():
        if int(row["n"]) > 128 or int(row["count"]) > 5 * 10**6:
            continue
        X = made(row["family"], row["params"])
        if X is None:
            continue
        assert len(X.normals) == int(row["n"])
        assert X.rank == int(row["rank"])
        assert count_patterns(X) == int(row["count"]), row
        done += 1
    assert done > 30


@pytest.mark.parametrize("n", range(1, 7))
def test_closed_forms(n):
    assert count_patterns(boolean(n)) == 2**n
    assert count_patterns(braid(n)) == math.factorial(n)
    assert count_patterns(shi(n)) == (n + 1) ** (n - 1)
    assert count_bounded(shi(n)) == (n - 1) ** (n - 1)
    assert count_patterns(coxeter("B", n)) == 2**n * math.factorial(n)
    if n < 6:
        assert count_patterns(catalan(n)) == math.factorial(n) * CATALAN[n]
        assert count_bounded(catalan(n)) == math.factorial(n) * CATALAN[n - 1]


def test_numbers_of_the_encyclopedia():
    assert [count_patterns(linial(n)) for n in range(1, 6)] == [1, 2, 7, 36, 246]
    assert [count_patterns(semiorder(n)) for n in range(1, 6)] == [1, 3, 19, 183, 2371]
    assert [count_patterns(threshold(n)) for n in range(5)] == [2, 4, 14, 104, 1882]
    assert [count_patterns(resonance(n)) for n in range(1, 6)] == [2, 6, 32, 370, 11292]


@pytest.mark.parametrize(("kind", "n"), EXPONENTS)
def test_exponents_of_weyl_groups(kind, n):
    X = coxeter(kind, n)
    exponents = EXPONENTS[kind, n]
    assert X.rank == len(exponents)
    assert X.n_distinct == len(X.normals) == sum(exponents)
    if kind != "E" or n < 8:
        assert characteristic_polynomial(X) == with_roots(exponents)
    # the reflection in each mirror permutes the mirrors
    rows = X.normals
    lines = {tuple(side * row) for row in rows for side in (1, -1)}
    for root in rows[:: 1 + len(rows) // 12]:
        for row in rows:
            image = [
                Fraction(int(x))
                - Fraction(2 * int(row @ root), int(root @ root)) * int(r)
                for x, r in zip(row, root, strict=True)
            ]
            assert tuple(image) in lines


def test_rows_are_those_of_the_families():
    assert sorted(map(tuple, resonance(4).normals.tolist())) == sorted(
        families.resonance(4)
    )
    assert sorted(map(tuple, threshold(3).normals.tolist())) == sorted(
        families.threshold(3)
    )
    assert list(map(tuple, braid(5).normals.tolist())) == families.braid(4)
    for ours, theirs in ((shi, families.shi), (catalan, families.catalan)):
        rows, levels = theirs(4)
        assert list(map(tuple, ours(4).normals.tolist())) == rows
        assert ours(4).offsets.tolist() == levels


def test_deformations_of_fractions():
    X = deformation(3, ["1/2", Fraction(-1, 3)])
    assert X.offsets.tolist() == [Fraction(1, 2), Fraction(-1, 3)] * 3
    assert not X.is_central
    assert count_patterns(deformation(4, [0])) == 24


@pytest.mark.parametrize(
    ("n", "r"), [(1, 1), (7, 1), (9, 2), (12, 3), (10, 10), (24, 5)]
)
def test_random_rows_are_in_general_position(n, r):
    X = generic(n, r, seed=4)
    assert X.normals.shape == (n, r)
    if r > 1:
        assert count_patterns(X) == cover_bound(n, r)
    assert np.array_equal(generic(n, r, seed=4).normals, X.normals)
    if r > 1:
        assert not np.array_equal(generic(n, r, seed=5).normals, X.normals)


# --- graphs -------------------------------------------------------------------


def test_patterns_of_a_graph_are_its_acyclic_orientations():
    edges = [(0, 1), (1, 2), (2, 0), (2, 3)]
    found = enumerate_patterns(graphical(edges)).to_bool()
    assert len(found) == 6 * 2
    for bits in found:
        arcs = [e if bit else e[::-1] for e, bit in zip(edges, bits, strict=True)]
        assert not {(0, 1), (1, 2), (2, 0)} <= set(arcs)
        assert not {(1, 0), (2, 1), (0, 2)} <= set(arcs)


def chromatic(edges, nodes):
    """Coefficients of the chromatic polynomial, ascending: delete and contract."""
    if not edges:
        return [0] * len(nodes) + [1]
    (u, v), rest = edges[0], edges[1:]
    merged = {tuple(sorted(u if x == v else x for x in edge)) for edge in rest}
    less = chromatic(sorted(e for e in merged if e[0] != e[1]), nodes - {v})
    whole = chromatic(rest, nodes)
    return [a - b for a, b in zip(whole, [*less, 0], strict=True)]


def test_the_chromatic_polynomials_of_graphs_of_networkx():
    networkx = pytest.importorskip("networkx")
    graphs = [
        networkx.petersen_graph(),
        networkx.cycle_graph(6),
        networkx.complete_bipartite_graph(3, 3),
        networkx.grid_2d_graph(2, 3),
        networkx.disjoint_union(networkx.path_graph(3), networkx.complete_graph(3)),
    ]
    for graph in graphs:
        numbered = networkx.convert_node_labels_to_integers(graph)
        edges = [tuple(sorted(edge)) for edge in numbered.edges()]
        coefficients = chromatic(edges, set(numbered))
        parts = networkx.number_connected_components(graph)
        X = graphical(graph)
        assert X.dimension == graph.number_of_nodes()
        assert characteristic_polynomial(X) == tuple(coefficients[parts:])
        acyclic = sum(c * (-1) ** k for k, c in enumerate(coefficients))
        assert count_patterns(X) == abs(acyclic)
        assert count_patterns(graphical(networkx.DiGraph(graph))) == abs(acyclic)
    assert count_patterns(graphical(graphs[0])) == 16680


def test_columns_of_a_graph_are_its_vertices():
    X = graphical([("b", "a"), ("c", "b")])
    assert X.normals.tolist() == [[-1, 1, 0], [0, -1, 1]]
    X = graphical([("b", "a")], vertices="xab")
    assert X.normals.tolist() == [[0, -1, 1]]
    X = graphical([(3, "a"), ("a", 1)])  # labels that cannot be compared
    assert X.normals.tolist() == [[1, -1, 0], [0, 1, -1]]
    assert graphical(np.array([[0, 2], [2, 1]])).normals.tolist() == [
        [1, 0, -1],
        [0, -1, 1],
    ]
    assert graphical([]).normals.shape == (0, 0)
