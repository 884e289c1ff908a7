"""The loss map along a spanning tree of chambers: O(P r) entries instead of n P r.

Write ``u_c = v_c - w_c`` and let every chamber send its ``u_c`` along the edges of a
tree to a root chamber.  With ``g_e`` the flow on an edge e from its negative to its
positive side, and S all that arrives at the root,

    u_c + sum (g_e : c on the positive side of e) = sum (g_e : c on the negative side)
                                                    + [c is the root] S ,
    sum_c bit_i(c) x_i . u_c = x_i . (bit_i(root) S - sum (+-g_e : e crosses row i)) ,

because ``bit_i(c)`` is ``bit_i(root)`` and one step for every edge on the way that
crosses i.  A flow is the sum over a subtree, up to its sign.

The tree
--------
Insert the hyperplanes one by one.  A new one, j, splits some chambers in two, one for
every chamber W of the restriction to j of those before it; an edge joins the halves.
Later hyperplanes cut W into facets of smaller chambers: the edge stays with the piece
that is positive on the first of them that splits it, and so on.  This is a spanning
tree at every step, and its edges across j are counted without listing.

In a list in lexicographic order, positive first, the chambers that agree on the
hyperplanes before j are neighbours.  So the edge for W joins the first chamber among
them with facet j on its positive side and the first with facet j on its negative side:
both have the same signs on all later rows, and the stream needs no look-up.

Of a central arrangement the list has half the chambers in order, each followed by its
antipode.  The half has a tree of its own, the antipodes have its image, and one edge
across the first hyperplane joins the two: from the first chamber with that facet to
the antipode of the last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrangement import Arrangement
from convex_solver.errors import ConvexSolverError
from convex_solver.program import ProgramBatch
from convex_solver.typing import Array

Ints = NDArray[np.int64]


class TreeFinder:
    """Find the edges of the tree in the stream of chambers with their facets."""

    def __init__(self, arrangement: Arrangement) -> None:
        order = arrangement.place_order()
        m = len(order)
        self.order = np.array(order, dtype=np.int64)
        class_of = arrangement.class_of
        self._place_of_row = np.full(class_of.size, -1, dtype=np.int64)
        moving = class_of >= 0
        place_of_class = np.zeros(m, dtype=np.int64)
        place_of_class[self.order] = np.arange(m)
        self._place_of_row[moving] = place_of_class[class_of[moving]]
        _, first = np.unique(class_of[moving], return_index=True)
        self._rows = np.flatnonzero(moving)[first][self.order]
        self._n_seen = 0
        self._last = np.zeros((0, m), dtype=bool)
        # by place: where the run of chambers began that agree on all places before it
        self._begin = np.full(m, -1, dtype=np.int64)
        # by place and side: the run in which its facet was seen last
        self._found = np.full(2 * m, -1, dtype=np.int64)
        self._ends: tuple[list[Ints], list[Ints]] = ([], [])
        self._places: tuple[list[Ints], list[Ints]] = ([], [])
        self._across = [-1, -1]

    def add(self, batch: ProgramBatch) -> None:
        """Go on with a batch; it must not part a chamber from its antipode."""
        if not self._rows.size:
            return
        bits = batch.patterns.to_bool()[::2, self._rows]
        facets = batch.facets[::2]
        begins = self._runs(bits)
        counts = [len(rows) for rows in facets]
        chamber = np.repeat(np.arange(len(facets)), counts)
        place = self._place_of_row[np.concatenate(facets)]
        self._note_first_place(chamber[place == 0])
        chamber, place = chamber[place > 0], place[place > 0]
        side = bits[chamber, place]
        key = 2 * place + side
        run = begins[chamber, place]
        # entries come by chamber, so that the first of equal ones is the first chamber
        pairs = run * np.int64(self._found.size) + key
        _, kept = np.unique(pairs, return_index=True)
        kept = np.sort(kept)
        kept = kept[run[kept] != self._found[key[kept]]]
        np.maximum.at(self._found, key[kept], run[kept])
        for s in (0, 1):
            chosen = kept[side[kept] == s]
            self._ends[s].append(self._n_seen + chamber[chosen])
            self._places[s].append(place[chosen])
        self._n_seen += len(facets)

    def _runs(self, bits: NDArray[np.bool_]) -> Ints:
        """Where the run of each chamber began, by place; shape (chambers, places)."""
        m = bits.shape[1]
        differs = np.ones(bits.shape, dtype=bool)
        before = np.concatenate([self._last, bits])
        # the very first chamber has none before it; it begins a run at every place
        differs[1 - len(self._last) :] = before[1:] != before[:-1]
        first = np.argmax(differs, axis=1)
        index = self._n_seen + np.arange(len(bits))
        begins = np.where(first[:, None] < np.arange(m), index[:, None], -1)
        begins[0] = np.maximum(begins[0], self._begin)
        begins = np.maximum.accumulate(begins, axis=0)
        self._last, self._begin = bits[-1:], begins[-1]
        return begins

    def _note_first_place(self, chambers: Ints) -> None:
        if chambers.size:
            if self._across[0] < 0:
                self._across[0] = self._n_seen + int(chambers[0])
            self._across[1] = self._n_seen + int(chambers[-1])

    def edges(self) -> tuple[Ints, Ints, Ints]:
        """Return positive end, negative end and class of each edge, after the stream.

        Ends are numbers of chambers in the list.
        """
        if not self._rows.size:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none
        ends, places = [], []
        for s in (0, 1):
            place = np.concatenate(self._places[s])
            order = np.argsort(place, kind="stable")
            ends.append(np.concatenate(self._ends[s])[order])
            places.append(place[order])
        if not np.array_equal(places[0], places[1]) or (
            len(places[0]) != self._n_seen - 1
        ):
            raise ConvexSolverError(
                "the stream of chambers does not have the order that the tree is read "
                "from. Please report the matrix."
            )
        first, last = self._across
        # of an antipode the sides are exchanged
        plus = np.concatenate([2 * ends[1], 2 * ends[0] + 1, [2 * first]])
        minus = np.concatenate([2 * ends[0], 2 * ends[1] + 1, [2 * last + 1]])
        place = np.concatenate([places[0], places[0], [0]])
        return plus, minus, self.order[place]


class PlaceMap:
    """What a flow across each parallel class takes from the predictions."""

    def __init__(self, arrangement: Arrangement, X: Array, n_patches: int) -> None:
        self._X, self._n_patches = X, n_patches
        rows: list[Ints] = [np.zeros(0, dtype=np.int64)]
        columns: list[Ints] = [np.zeros(0, dtype=np.int64)]
        values: list[Array] = [np.zeros(0)]
        moving = np.flatnonzero(arrangement.class_of >= 0)
        order = moving[np.argsort(arrangement.class_of[moving], kind="stable")]
        counts = np.bincount(
            arrangement.class_of[moving], minlength=arrangement.n_distinct
        )
        for members in np.split(order, np.cumsum(counts)[:-1]):
            signed = arrangement.orientation[members, None] * X[members]
            samples, coordinates, sums = self._by_sample(members, signed)
            rows.append(samples)
            columns.append(coordinates)
            values.append(sums)
        self._counts = np.array([part.size for part in rows[1:]], dtype=np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self._rows, self._columns = np.concatenate(rows), np.concatenate(columns)
        self._values = np.concatenate(values)

    def _by_sample(self, rows: Ints, values: Array) -> tuple[Ints, Ints, Array]:
        """Add up the rows of a sample: samples, coordinates, values."""
        samples, place = np.unique(rows // self._n_patches, return_inverse=True)
        sums = np.zeros((samples.size, values.shape[1]))
        np.add.at(sums, place, values)
        i, k = np.nonzero(sums)
        return samples[i], k, sums[i, k]

    def n_entries(self, index: int) -> int:
        """Return how many entries a flow across a class has."""
        return int(self._counts[index])

    def across(self, classes: Ints) -> tuple[Ints, Ints, Ints, Array]:
        """Entries of flows across these classes: flow, sample, coordinate, value.

        The value is that of ``+-x_i``, positive for rows that point like the first.
        """
        counts = self._counts[classes]
        flow = np.repeat(np.arange(classes.size), counts)
        # where the entries of a flow's class start, less where the flow's own do
        shift = self._starts[classes] - (np.cumsum(counts) - counts)
        at = np.repeat(shift, counts) + np.arange(flow.size)
        return flow, self._rows[at], self._columns[at], self._values[at]

    def at_root(self, bits: NDArray[np.bool_]) -> tuple[Ints, Ints, Array]:
        """Entries of all that arrives at the root: sample, coordinate, value."""
        rows = np.flatnonzero(bits)
        return self._by_sample(rows, self._X[rows])
