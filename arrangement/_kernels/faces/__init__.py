"""Faces from chambers: the chambers of flats inside one another, by bits alone.

Take all chambers of the restriction to a flat as bits, one a row.  A row is a wall of a
chamber just when the pattern with the bits of all rows parallel to it there turned is a
chamber too: then the two have a face in common, which is a chamber of the flat that the
row cuts out, and all its chambers are found so (Bjoerner et al., *Oriented Matroids*,
section 4.2).  So with the chambers of the whole arrangement in exact numbers no
arithmetic is left:

- rows are parallel on a flat when their bits always agree, or never do there;
- k rows are independent there when the chambers have all ``2**k`` signs on them, as
  dependent ones cut their space into fewer parts;
- of the chambers of a plane through the origin, or of a line, each two are as many rows
  apart as they are walls, so that they are in order along it by that distance.

Of a central arrangement one of each two opposite chambers is kept, that where the first
row which is not zero on the flat is positive.  Every chamber of a cut comes from two,
so that a path of flats has room in twice the room of the first.  Chambers are kept in
the order of all their signs, + before -, which a cut keeps.

A key is drawn for each row, and the hash of a chamber is the exclusive or of those of
the rows that are positive there: that of another one differs by keys that are known.
A filter of sixteen bits a chamber (Bloom's, three bits of one word each) tells nearly
all apart that are none; what passes is looked up, and compared bit by bit.

With n rows and T chambers of the whole, walls take ``n T`` looks at the filter, once.
Then every flat of a dimension that is passed takes its chambers times its classes of
parallel rows, and each face written n bytes.  A dimension is walked from the top, and
nothing is kept of it but the path.
"""

from arrangement._kernels.faces.cuts import PLACE, begin, find_walls, gather, reverse
from arrangement._kernels.faces.state import (
    ASK,
    AT,
    CONE,
    DEPTH,
    FEW_ROWS,
    IS_BY_SIGNS,
    IS_CENTRAL,
    IS_OPEN,
    LAST,
    N_CONTROL,
    N_FILTER,
    N_LEVEL,
    TARGET,
    WRITTEN,
    Path,
    Scratch,
    Spread,
)
from arrangement._kernels.faces.walk import advance

__all__ = [
    "ASK",
    "AT",
    "CONE",
    "DEPTH",
    "FEW_ROWS",
    "IS_BY_SIGNS",
    "IS_CENTRAL",
    "IS_OPEN",
    "LAST",
    "N_CONTROL",
    "N_FILTER",
    "N_LEVEL",
    "PLACE",
    "TARGET",
    "WRITTEN",
    "Path",
    "Scratch",
    "Spread",
    "advance",
    "begin",
    "find_walls",
    "gather",
    "reverse",
]
