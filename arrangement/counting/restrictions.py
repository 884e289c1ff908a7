"""How many chambers each restriction to a hyperplane has: the facets of a listing."""

from __future__ import annotations

from arrangement.counting.counts import cover_bound, whitney_numbers
from arrangement.counting.groups import row_orbits
from arrangement.model import Arrangement, Flat, whole_space

# chambers from which on symmetries are looked for, to count one restriction an orbit
_MANY = 1 << 14


def restricted_counts(
    arrangement: Arrangement, chambers: int, *, earlier: bool, max_nodes: int = 10**7
) -> list[int]:
    """Count, class by class, the chambers of a restriction to its hyperplane.

    ``earlier``: only the classes before it in `Arrangement.place_order` are restricted.
    ``chambers`` is their number in the arrangement itself; ``max_nodes`` as for
    `count_patterns`, for each class.
    """
    m, r = arrangement.n_distinct, arrangement.rank
    if m == 0:
        return []
    order = arrangement.place_order()
    if chambers == cover_bound(m, r):
        if not earlier:
            return [cover_bound(m - 1, r - 1)] * m
        counts = [cover_bound(j + 1, r) - cover_bound(j, r) for j in range(m)]
    else:
        top = whole_space(arrangement.cone)
        known: dict[int, int] = {}
        orbits = None
        if not earlier and chambers > _MANY:
            orbits = row_orbits(arrangement)
        rows = top.rows[order]
        counts = []
        for j in range(m):
            kept = rows[: j + 1] if earlier else rows
            orbit = j if orbits is None else int(orbits[order[j]])
            if orbit not in known:
                flat = Flat(kept, top.dimension).restrict(j)
                known[orbit] = _count(flat, max_nodes)
            counts.append(known[orbit])
    by_class = [0] * m
    for j, index in enumerate(order):
        by_class[index] = counts[j]
    return by_class


def _count(flat: Flat, max_nodes: int) -> int:
    if flat.dimension == 2:
        n_lines = len(flat.classes())
        return 2 * n_lines if n_lines else 1
    rows = [tuple(row) for row in flat.rows.tolist()]
    return sum(whitney_numbers(rows, flat.dimension, None, max_nodes))
