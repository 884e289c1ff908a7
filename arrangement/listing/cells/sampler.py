"""`chamber_sample`: some of the chambers, each as likely as any other, in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement._kernels.cells import sample as kernels
from arrangement._kernels.state import (
    DONE,
    N_EMITTED,
    N_FRAMES,
    N_ROOTS,
    NEXT_ROOT,
    PAUSED,
    SINGLE,
    Output,
)
from arrangement.listing.cells.layout import Layout
from arrangement.listing.cells.walker import Walker, new_output

# the seed of what is drawn: samples are the same in every process, on every machine
_SEED = 2020
# the sample that tells where to drop cells is so many times smaller, but for small ones
_PILOT, _LEAST_PILOT = 16, 256
# of the cells that may come to a place so many are kept
_FILLED = 0.75
# a cell that c rows cut is taken to have ``(c + 1)**p`` chambers: p
_POWER = 1.5
# so few chambers, and bits of them, are all listed
_FEW, _FEW_BITS = 1 << 15, 1 << 27
# chambers of a sample, at least; of more it takes no longer than this part of the list
_LEAST, _PART = 1 << 12, 0.5


class ChamberSample(NamedTuple):
    """Chambers in the order of the listing, of the half on one side of its first row.

    Attributes
    ----------
    order : ndarray, shape (rows,), int64
        Places in the order of the listing: the base, then the others.
    positive : ndarray, shape (m, rows), bool
        Which of these rows are positive.
    cuts : ndarray, shape (m, rows), bool
        Rows beyond which there are chambers too, with the same signs of all rows
        before: those that have cut the cell on the way to the chamber.
    weights : ndarray, shape (m,), float64
        For how many chambers each is there; all are 1, if these are all of them.
    """

    order: NDArray[np.int64]
    positive: NDArray[np.bool_]
    cuts: NDArray[np.bool_]
    weights: NDArray[np.float64]


def chamber_sample(layout: Layout, most: int) -> ChamberSample:
    """Draw ``most`` chambers, or fewer, as far as it pays; all where there are few.

    In any part of the list the weights of those drawn add up to the number of chambers
    there, on average, but that samples that come out too large are drawn again.
    """
    room = max(most, min(2 * _FEW, 2 * _FEW_BITS // layout.n_rows))
    walker = _SampleWalker(layout, room)
    # a small sample says how many cells there are at each place, and how large
    none = np.zeros(walker.n_places + 1)
    pilot = max(most // _PILOT, min(most, _LEAST_PILOT))
    counts, sizes = walker.sample(none, pilot)
    if counts[-1] <= min(_FEW, _FEW_BITS // layout.n_rows):
        most = room
    else:
        # a chamber of a sample has its way through all rows to itself
        most = min(most, max(_LEAST, int(counts[-1] * _PART / layout.n_rows)))
    unit = np.where(counts > most, sizes / (_FILLED * most), 0.0)
    walker.sample(unit, most)
    return walker.written()


class _SampleWalker(Walker):
    """Walks along cells and drops some (see `_kernels/cells/sample.py`)."""

    def __init__(self, layout: Layout, most: int) -> None:
        super().__init__(layout)
        self.n_places = 64 * layout.n_words
        self.control[SINGLE] = 1
        depth = len(self.cells.start)
        places = self.n_places + 1
        self._sample = kernels.Sample(
            unit=np.zeros(places),
            come=np.zeros(places, dtype=np.int64),
            counts=np.zeros(places),
            sizes=np.zeros(places),
            end=np.zeros(places),
            point=np.zeros(places),
            next_place=np.zeros(depth, dtype=np.int64),
            weight=np.zeros(depth),
            cut=np.zeros((depth, layout.n_words), dtype=np.uint64),
            weights=np.zeros(most + 1),
            cuts=np.zeros((most + 1, layout.n_words), dtype=np.uint64),
            guesses=np.arange(1.0, layout.n_rows + 2.0) ** _POWER,
            draw=np.zeros(1, dtype=np.uint64),
            limits=np.zeros(3, dtype=np.int64),
        )
        patterns = np.zeros((most + 1, layout.words_per_pattern), dtype=np.uint64)
        self._output = new_output(layout)._replace(patterns=patterns)

    def _step(self, output: Output) -> int:
        run = kernels.sample_floats if self.layout.n_digits else kernels.sample_ints
        return int(run(*self._state(), self._budget, output, self._sample))

    def sample(
        self, unit: NDArray[np.float64], most: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw ``most`` chambers at most; say how many cells are at each place.

        About how many, and about what their guesses add up to.  Where ``unit`` (places
        + 1,) is not zero, cells are dropped by it, and wherever else it takes.
        """
        n_roots = 1 << max(self.layout.rank - 1, 0)
        stride = -(-n_roots // most)
        sample, control = self._sample, self.control
        unit = unit.copy()
        while True:
            generator = np.random.default_rng(_SEED)
            sample.draw[:] = generator.integers(1, 1 << 63)
            sample.limits[:] = stride, most, self.n_places + 1
            sample.unit[:] = unit
            for sums in (sample.come, sample.counts, sample.sizes, sample.end):
                sums[:] = 0
            sample.point[:] = generator.random(len(unit))
            control[[N_FRAMES, N_EMITTED]] = 0
            control[N_ROOTS] = n_roots
            control[NEXT_ROOT] = int(generator.integers(stride))
            status = PAUSED
            while status == PAUSED:
                status = self.advance(self._output)
            assert status == DONE
            horizon = int(sample.limits[kernels.HORIZON])
            if horizon > self.n_places:
                return sample.counts.copy(), sample.sizes.copy()
            needed = sample.sizes[horizon] / (_FILLED * most)
            unit[horizon] = max(needed, 2.0 * unit[horizon])

    def written(self) -> ChamberSample:
        """Return what was drawn."""
        layout, count = self.layout, self.n_written
        base = layout.base_places
        order = np.concatenate([base, np.setdiff1d(layout.places, base)])
        rows = layout.input_row[order]
        positive = _bits(self._output.patterns[:count], np.maximum(rows, 0))
        # infinity is in no pattern, and positive
        positive[:, rows < 0] = True
        cuts = _bits(self._sample.cuts[:count], order)
        # the first row of the base is positive in all that are listed
        cuts[:, : len(base)] = np.arange(len(base)) > 0
        return ChamberSample(order, positive, cuts, self._sample.weights[:count].copy())


def _bits(words: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Read bits at places of packed words."""
    shifts = (places % 64).astype(np.uint64)
    return (words[:, places // 64] >> shifts & np.uint64(1)).astype(np.bool_)
