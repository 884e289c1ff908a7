r"""Every sign pattern of a matrix, exactly and provably: hyperplane arrangements.

A *chamber* of the rows ``x_i`` of a matrix is a set of all ``z`` with the same signs of
``x_i . z``, none of them zero; its *pattern* is ``1[X z >= 0]``.  With ``offsets=`` the
hyperplanes are affine.

Lists
-----
`enumerate_patterns` lists all patterns, `iter_patterns` streams blocks of them in
bounded memory, with a proof at its end if asked; ``where={row: sign}`` lists one region
without the rest, ``n_jobs`` uses threads, ``max_patterns`` and ``time_limit`` stop it.
``plan`` of a list says how it was made: nearly generic matrices are listed vertex by
vertex, any other by cutting cells.

``executor=`` of `iter_patterns`, `fold`, `write_patterns` and others takes any
`concurrent.futures.Executor` (a pool of processes, Dask's ``client.get_executor()``,
mpi4py, loky): pieces of about even work are listed by its workers, and the result is
the same, in the same order, with the same proof.  `partition` gives the pieces
themselves.  `fold` has ``n_jobs`` too, for threads that reduce pieces.

>>> import numpy as np
>>> generic = enumerate_patterns(np.random.default_rng(0).normal(size=(60, 5)))
>>> len(generic) == generic.bound, generic.plan.split(";")[0]
(True, 'simple vertices (a sample of them was simple)')
>>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
>>> patterns = enumerate_patterns(X)
>>> patterns.plan
'depth-first cells; int64, bound proven'
>>> patterns.to_bool()[:2].astype(int).tolist()
[[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
>>> patterns.facets()[0].tolist(), patterns.witnesses()[0].tolist()
([0, 4], [0, 1])

`fold` runs a compiled reduction over all chambers and stores none; with
``order="tree"`` it walks along a tree of adjacent chambers, one class of parallel rows
a step, with depth and a point of each chamber, so that sums over rows are kept up to
date (examples: the most balanced split, Tukey depth, exact 0-1 loss).  `iter_covectors`
lists the faces of every dimension, `face_numbers` counts them.  `write_patterns` and
`open_patterns` keep lists on disk as Zarr (extra ``zarr``); ``patterns.save``
writes npz, or a CSV of 0 and 1 for other programs.

Exact
-----
A float64 is a rational number, and it is read as that number (or, with
``floats="decimal"``, as its shortest decimal; a CSV is always read as the decimals it
shows).  No sign is decided with a tolerance: machine integers are used only after their
bound is proven, floating point only with a proven error bound, and integers of as many
bits as needed where that leaves a doubt.  A list counts as complete only when every
pattern has a witness whose signs were decided exactly, no pattern occurs twice, and
their number equals Cover's bound or the count from the characteristic polynomial, which
another algorithm computes with nothing of the first.  `verify` proves a list from its
bits alone.  With ``rank="numerical"`` or ``rank=k`` the matrix listed is the float64
projection ``X V_k``, and every report says so.

Data
----
Arrays and tensors of any library, nested lists, data frames (pandas, polars, Arrow), or
Sage matrices, of ints of any size, floats, `Fraction`, `Decimal` and decimal text.
Columns of booleans are 0 and 1, and categories are refused by name.  Each entry is read
with its own type: an int64 column beside a float column is not rounded, and float32 has
float32's shortest decimals.  Text and `Decimal` have at most 10,000 digits written out
(exponents within 10,000).

The first call
--------------
It compiles kernels, which are kept for all later processes.  Where that takes more than
two seconds a line says so in a terminal or a notebook, once; it is in the log at INFO
too, and ``logging.getLogger("arrangement").setLevel("WARNING")`` silences both.
"""

from __future__ import annotations

from arrangement import plot
from arrangement.combinatorics import (
    LatticeFlat,
    TopeEdges,
    TopeGraph,
    bounded_patterns,
    insert_row,
    iter_bounded_patterns,
    iter_flats,
    iter_patterns_inside,
    iter_tope_edges,
    iter_zonotope_vertices,
    patterns_inside,
    tope_graph,
    zonotope_vertices,
)
from arrangement.counting import (
    characteristic_polynomial,
    count_bounded,
    count_patterns,
    cover_bound,
    face_numbers,
    restricted_counts,
)
from arrangement.errors import (
    ArrangementError,
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingInterruptedError,
    ListingStoppedError,
    ListingTooLargeError,
    WorkersLostError,
)
from arrangement.listing import (
    Orbit,
    PatternStream,
    Piece,
    count_by_listing,
    enumerate_patterns,
    fold,
    iter_covectors,
    iter_orbits,
    iter_patterns,
    partition,
)
from arrangement.model import Arrangement, PatternSet, Proof, pack
from arrangement.options import Progress
from arrangement.stores import StoredPatterns, open_patterns, write_patterns
from arrangement.verification import verify

__all__ = [
    "Arrangement",
    "ArrangementError",
    "BudgetExceededError",
    "IncompleteListingError",
    "InputError",
    "InputTypeError",
    "LatticeFlat",
    "ListingInterruptedError",
    "ListingStoppedError",
    "ListingTooLargeError",
    "Orbit",
    "PatternSet",
    "PatternStream",
    "Piece",
    "Progress",
    "Proof",
    "StoredPatterns",
    "TopeEdges",
    "TopeGraph",
    "WorkersLostError",
    "bounded_patterns",
    "characteristic_polynomial",
    "count_bounded",
    "count_by_listing",
    "count_patterns",
    "cover_bound",
    "enumerate_patterns",
    "face_numbers",
    "fold",
    "insert_row",
    "iter_bounded_patterns",
    "iter_covectors",
    "iter_flats",
    "iter_orbits",
    "iter_patterns",
    "iter_patterns_inside",
    "iter_tope_edges",
    "iter_zonotope_vertices",
    "open_patterns",
    "pack",
    "partition",
    "patterns_inside",
    "plot",
    "restricted_counts",
    "tope_graph",
    "verify",
    "write_patterns",
    "zonotope_vertices",
]
