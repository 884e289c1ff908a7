"""Stream the program chamber by chamber."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrangement import PatternSet, iter_patterns
from convex_solver.program import ConvexProgram


@dataclass(frozen=True, eq=False)
class ProgramBlock:
    """Some chambers of the program.

    ``patterns`` are their `PatternSet`; ``facets`` the input rows that bound each cone:
    ``(2 bit - 1) x_f . u >= 0`` over these rows describes ``K_i``.
    """

    patterns: PatternSet
    facets: list[NDArray[np.int64]]


def iter_blocks(
    program: ConvexProgram, *, block_size: int = 4096
) -> Iterator[ProgramBlock]:
    """Yield the program chamber by chamber, ``block_size`` at a time.

    Nothing but one block and the enumerator's stack is held in memory.
    """
    for patterns in iter_patterns(
        program.arrangement, block_size=block_size, facets=True
    ):
        yield ProgramBlock(patterns, patterns.facets())
