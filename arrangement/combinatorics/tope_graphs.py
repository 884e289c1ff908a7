"""The tope graph: chambers, and which of them share a facet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.combinatorics.class_bits import crossed
from arrangement.combinatorics.pattern_index import PatternIndex, check_late
from arrangement.errors import InputError, InputTypeError
from arrangement.io import ProgressLike, listener, shows_progress
from arrangement.listing import enumerate_patterns, iter_patterns
from arrangement.model import Arrangement, PatternSet
from arrangement.options import (
    Deadline,
    Listener,
    Progress,
    block_rows,
    said,
    short_repr,
    whole_number,
)

# chambers whose edges are a block
_BLOCK = 1 << 15


@dataclass(frozen=True, eq=False)
class TopeGraph:
    """Chambers as vertices, and an edge where two of them share a facet.

    Attributes
    ----------
    patterns : PatternSet
        The chambers; vertex k is pattern k.
    edges : ndarray, shape (E, 2), int64, read-only
        Each edge once: first the chamber with bit 1 of ``rows``.  In the order of the
        first chambers, then of the rows.
    rows : ndarray, shape (E,), int64, read-only
        The hyperplane that an edge crosses: the first row of its parallel class.
    """

    patterns: PatternSet
    edges: NDArray[np.int64] = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)

    def __repr__(self) -> str:
        """Return the sizes, on one line."""
        return short_repr(self, n_edges=self.n_edges)

    def __post_init__(self) -> None:
        """Close the arrays against changes."""
        self.edges.setflags(write=False)
        self.rows.setflags(write=False)

    @property
    def n_chambers(self) -> int:
        """Number of vertices P."""
        return len(self.patterns)

    @property
    def n_edges(self) -> int:
        """Number of edges E: facets between two chambers."""
        return len(self.edges)

    def degrees(self) -> NDArray[np.int64]:
        """Return how many facets each chamber shares with another, (P,)."""
        return np.bincount(self.edges.ravel(), minlength=self.n_chambers)

    def to_scipy(self) -> Any:
        """Return the adjacency matrix, a symmetric ``csr_array`` (P, P) of int64 ones.

        Columns of a row are ascending.
        """
        from scipy.sparse import coo_array

        first, second = self.edges.T
        ends = np.concatenate([first, second]), np.concatenate([second, first])
        ones = np.ones(2 * self.n_edges, dtype=np.int64)
        matrix = coo_array((ones, ends), shape=(self.n_chambers,) * 2).tocsr()
        matrix.sort_indices()
        return matrix

    def to_networkx(self) -> Any:
        """Return a ``networkx.Graph`` on 0 .. P - 1 whose edges have a ``row``.

        Raises
        ------
        InputError
            NetworkX is not installed.
        """
        graph = import_networkx().Graph()
        graph.add_nodes_from(range(self.n_chambers))
        graph.add_edges_from(
            (a, b, {"row": row})
            for (a, b), row in zip(self.edges.tolist(), self.rows.tolist(), strict=True)
        )
        return graph


class TopeEdges(NamedTuple):
    """A block of edges of the tope graph.

    Attributes
    ----------
    positive, negative : ndarray, shape (b, ceil(n/64)), uint64
        The two chambers of each edge, packed as in `PatternSet`: with bit 1 and with
        bit 0 of the row.
    rows : ndarray, shape (b,), int64
        The hyperplane between them: the first row of its parallel class.
    """

    positive: NDArray[np.uint64]
    negative: NDArray[np.uint64]
    rows: NDArray[np.int64]

    def __repr__(self) -> str:
        """Return the fields on one short line, arrays by their shapes."""
        return short_repr(self)


def import_networkx() -> Any:
    """Return the module networkx, or say how to install it."""
    try:
        import networkx
    except ImportError:
        raise InputError(
            "graphs of NetworkX need the package networkx: pip install networkx."
        ) from None
    return networkx


@shows_progress
def tope_graph(
    X: PatternSet | Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    n_jobs: int = 1,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> TopeGraph:
    """Return the graph of chambers, two of them adjacent where they share a facet.

    Parameters
    ----------
    X : PatternSet, Arrangement or array_like, shape (n, d)
        A list of distinct patterns, or what `enumerate_patterns` lists, proven
        complete.  Of a list that is a part, it is the graph between these chambers.
    offsets, rank, floats, n_jobs
        As in `enumerate_patterns`.
    time_limit : float, optional
        Most seconds for list and graph, kept within about one.
    progress : callable, optional
        Called with a `Progress` while chambers are listed, then while their neighbours
        are looked up.

    Returns
    -------
    TopeGraph

    Raises
    ------
    BudgetExceededError, InputError, InputTypeError
        As `enumerate_patterns`; also if the time is up, if a pattern is listed twice,
        or if the list comes from a file without its matrix.

    Notes
    -----
    Two topes of an oriented matroid share a facet exactly if they differ in one
    parallel class (Björner et al., *Oriented Matroids*, 2nd ed. 1999, section 4.2), so
    bits decide it.  Every class is flipped in every pattern and looked up in a hash
    table: O(P m) steps of some nanoseconds for m distinct hyperplanes, half of that as
    each edge is looked for from one side; 24 bytes an edge and up to 76 a chamber.

    Examples
    --------
    >>> from arrangement.constructions import braid
    >>> graph = tope_graph(braid(4))
    >>> graph.n_chambers, graph.n_edges, set(graph.degrees().tolist())
    (24, 36, {3})
    >>> graph.to_scipy().sum(axis=0)[:5]
    array([3, 3, 3, 3, 3])
    """
    deadline = Deadline(time_limit)
    progress = listener(progress)
    patterns = patterns_of(X, offsets, rank, floats, n_jobs, deadline, progress)
    arrangement = arrangement_of(patterns)
    edges = all_edges(patterns, arrangement, deadline, progress)
    # copies, so that the third column is not kept twice
    return TopeGraph(patterns, edges[:, :2].copy(), arrangement.first_rows[edges[:, 2]])


def all_edges(
    patterns: PatternSet,
    arrangement: Arrangement,
    deadline: Deadline,
    progress: Listener | None,
    index: PatternIndex | None = None,
) -> NDArray[np.int64]:
    """Return the edges as `PatternIndex.edges` does, all of them, (E, 3)."""
    if index is None:
        index = PatternIndex(patterns.packed, is_late=deadline.is_late)
    parts = [np.zeros((0, 3), dtype=np.int64)]
    done = n_edges = 0
    while done < len(patterns):
        check_late(deadline.is_late, done, len(patterns))
        done, found = index.edges(arrangement, done)
        parts.append(found)
        n_edges += len(found)
        if progress is not None:
            text = f"{n_edges:,} edges of {done:,} chambers of {len(patterns):,}"
            progress(Progress(text, done, len(patterns)))
    return np.concatenate(parts)


def patterns_of(
    X: Any,
    offsets: ArrayLike | None,
    rank: str | int,
    floats: str,
    n_jobs: int,
    deadline: Deadline,
    progress: Listener | None,
) -> PatternSet:
    """Return X itself if it is a list, else list it, with proof."""
    if isinstance(X, PatternSet):
        if offsets is not None or rank != "exact" or floats != "binary":
            raise InputError(
                "X is a PatternSet already; offsets, rank and floats are those of the "
                "call that listed it."
            )
        return X
    return enumerate_patterns(
        X,
        offsets=offsets,
        rank=rank,
        floats=floats,
        n_jobs=n_jobs,
        time_limit=deadline.left(),
        progress=progress,
    )


def arrangement_of(patterns: PatternSet) -> Arrangement:
    """Return what was listed, or say that the list does not know it."""
    if not isinstance(patterns, PatternSet):
        raise InputTypeError(
            f"{said('patterns', patterns)}; expected a PatternSet, as "
            "enumerate_patterns(X) returns."
        )
    if patterns.arrangement is None:
        raise InputError(
            "this PatternSet does not know its matrix; list it again with "
            "enumerate_patterns(X)."
        )
    return patterns.arrangement


def iter_tope_edges(
    X: Arrangement | ArrayLike | Any,
    *,
    block_size: int | None = None,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    n_jobs: int = 1,
    time_limit: float | None = None,
    progress: ProgressLike = None,
) -> Iterator[TopeEdges]:
    """Yield the edges of the tope graph in blocks, in bounded memory.

    Parameters
    ----------
    X, offsets, rank, floats, n_jobs, time_limit, progress
        As in `iter_patterns`.
    block_size : int, optional
        Chambers whose edges are a block, at least 1.  By default 32,768, or fewer where
        the patterns of a block would take over 64 MiB.

    Yields
    ------
    TopeEdges
        Each edge once, with both patterns in full, at the chamber with bit 1 of the
        row; chambers in the order of signs, rows ascending.  Never an empty block.

    Raises
    ------
    ListingStoppedError, InputError, InputTypeError
        As `iter_patterns`.

    Notes
    -----
    Facets come from the walk over cells, which knows them, and no list is kept.  Where
    the list fits in memory `tope_graph` numbers the chambers and is faster.

    Examples
    --------
    >>> blocks = list(iter_tope_edges([[1, 0], [0, 1], [1, 1]]))
    >>> [len(edges.rows) for edges in blocks], blocks[0].rows.tolist()
    ([6], [0, 1, 2, 1, 0, 2])
    """
    if block_size is not None:
        whole_number(block_size, "block_size", 1)
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    if block_size is None:
        # a chamber has about 2 (r - 1) facets, and there are two patterns an edge
        ends = 4 * max(arrangement.rank, 1)
        words = -(-arrangement.n_hyperplanes // 64)
        block_size = block_rows(_BLOCK, 8 * words * ends)
    stream = iter_patterns(
        arrangement,
        block_size=block_size,
        facets=True,
        n_jobs=n_jobs,
        time_limit=time_limit,
        progress=progress,
    )
    return _edges_of(stream, arrangement)


def _edges_of(
    stream: Iterator[PatternSet], arrangement: Arrangement
) -> Iterator[TopeEdges]:
    for block in stream:
        facets = block.facets()
        chambers = np.repeat(np.arange(len(block)), [len(rows) for rows in facets])
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *facets])
        words = block.packed[chambers]
        if not len(rows):
            continue
        own = words[np.arange(len(rows)), rows >> 6] >> (rows & 63).astype(np.uint64)
        kept = np.flatnonzero(own & np.uint64(1))
        if kept.size:
            positive, rows = words[kept], rows[kept]
            yield TopeEdges(positive, crossed(positive, rows, arrangement), rows)
