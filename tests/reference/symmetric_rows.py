"""Rows with and without symmetries, for tests of counts and lists by orbits."""

from __future__ import annotations

import random
from collections.abc import Sequence

Rows = list[list[int]]
SCALES = (1, 1, 1, -1, 2, -3, 10**12)


def disguised(rows: Sequence[Sequence[int]], source: random.Random) -> Rows:
    """Scale rows, change the basis of columns; flats stay what they are."""
    d = len(rows[0])
    turn = [
        [1 if i == j else source.randint(-2, 2) * (i < j) for j in range(d)]
        for i in range(d)
    ]
    out = []
    for row in rows:
        scale = source.choice(SCALES)
        out.append(
            [scale * sum(row[i] * turn[i][j] for i in range(d)) for j in range(d)]
        )
    return out


def degenerate(
    source: random.Random, *, most_rows: int, affine: bool | None = None
) -> tuple[Rows, list[int] | None]:
    """Return small rows with many dependent sets, some zero, equal or opposite."""
    d = source.randint(3, 5)
    rows = [
        [source.choice((-1, 0, 0, 1)) for _ in range(d)]
        for _ in range(source.randint(d, most_rows))
    ]
    if source.random() < 0.5:
        # with rows of some images under a shift of the columns
        rows += [row[1:] + row[:1] for row in rows]
        del rows[most_rows:]
    if source.random() < 0.3:
        rows[source.randrange(len(rows))] = [0] * d
    if source.random() < 0.3:
        rows[-1] = [source.choice((-2, -1, 1)) * x for x in rows[0]]
    if not any(map(any, rows)):
        rows[0][0] = 1
    offsets = None
    if affine is None and source.random() < 0.4:
        offsets = [source.choice((0, 0, 1)) for _ in rows]
    if offsets is None and source.random() < 0.5:
        rows = disguised(rows, source)
    return rows, offsets


def symmetric(source: random.Random) -> tuple[Rows, list[list[int]]]:
    """Return rows that a group of signed permutations of columns permutes.

    With generators as permutations of the rows; rows are in disguise, and shuffled.
    """
    d = source.randint(4, 5)
    maps = []
    for _ in range(source.randint(1, 2)):
        order = source.sample(range(d), d)
        maps.append([(k, source.choice((-1, 1, 1))) for k in order])
    rows: list[tuple[int, ...]] = [
        tuple(int(i == j) for j in range(d)) for i in range(d)
    ]
    rows += [
        tuple(source.choice((-1, 0, 1)) for _ in range(d))
        for _ in range(source.randint(1, 2))
    ]
    rows = [row for row in rows if any(row)]

    def moved(row: tuple[int, ...], images: list[tuple[int, int]]) -> tuple[int, ...]:
        out = tuple(sign * row[k] for k, sign in images)
        lead = next(x for x in out if x)
        return out if lead > 0 else tuple(-x for x in out)

    found: dict[tuple[int, ...], None] = {}
    waiting = [moved(row, [(k, 1) for k in range(d)]) for row in rows]
    for row in waiting:
        if row not in found and len(found) < 40:
            found[row] = None
            waiting += [moved(row, images) for images in maps]
    kept = list(found)
    place = {row: i for i, row in enumerate(kept)}
    generators = []
    for images in maps:
        targets = [place.get(moved(row, images), -1) for row in kept]
        if -1 not in targets:
            generators.append(targets)
    return disguised(kept, source), generators
