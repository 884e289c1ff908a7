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
# where it tells of so many times as many, it is not far off
_MANY = 8


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
    total : float
        About how many chambers there are: m, if these are all of them.
    """

    order: NDArray[np.int64]
    positive: NDArray[np.bool_]
    cuts: NDArray[np.bool_]
    total: float


def chamber_sample(layout: Layout, most: int) -> ChamberSample:
    """Draw ``most`` chambers, or somewhat fewer; all where there are no more than that.

    The probability of a chamber is the same for all, and about ``m / total``; samples
    that come out too large are drawn again, so it is some hundredths less.  (A
    population of cells is kept from row to row, of bounded size: Grassberger 1997,
    *Pruned-enriched Rosenbluth method*, without weights.)
    """
    walker = _SampleWalker(layout, most)
    # a small sample says how many cells there are at each place
    dropped = np.zeros(walker.n_places + 1, dtype=np.int64)
    pilot = max(most // _PILOT, min(most, _LEAST_PILOT))
    expected = walker.sample(dropped, pilot)
    if expected[-1] > _MANY * most:
        scale = 1.0
        for place, count in enumerate(expected.tolist()):
            if count > 0.75 * most * scale:
                dropped[place] = 1
                scale *= 2.0
    total = float(walker.sample(dropped, most)[-1])
    return walker.written(total)


class _SampleWalker(Walker):
    """Walks along cells and drops some (see `_kernels/cells/sample.py`)."""

    def __init__(self, layout: Layout, most: int) -> None:
        super().__init__(layout)
        self.n_places = 64 * layout.n_words
        self.control[SINGLE] = 1
        depth = len(self.cells.start)
        self._sample = kernels.Sample(
            dropped=np.zeros(self.n_places + 1, dtype=np.int64),
            come=np.zeros(self.n_places + 1, dtype=np.int64),
            next_place=np.zeros(depth, dtype=np.int64),
            cut=np.zeros((depth, layout.n_words), dtype=np.uint64),
            cuts=np.zeros((most + 1, layout.n_words), dtype=np.uint64),
            draw=np.zeros(1, dtype=np.uint64),
            limits=np.zeros(3, dtype=np.int64),
        )
        patterns = np.zeros((most + 1, layout.words_per_pattern), dtype=np.uint64)
        self._output = new_output(layout)._replace(patterns=patterns)

    def _step(self, output: Output) -> int:
        run = kernels.sample_floats if self.layout.n_digits else kernels.sample_ints
        return int(run(*self._state(), self._budget, output, self._sample))

    def sample(self, dropped: NDArray[np.int64], most: int) -> NDArray[np.float64]:
        """Draw ``most`` chambers at most; about how many cells there are at each place.

        Some are dropped where ``dropped`` says, and wherever else it takes.
        """
        n_roots = 1 << max(self.layout.rank - 1, 0)
        stride = -(-n_roots // most)
        dropped = dropped != 0
        sample, control = self._sample, self.control
        while True:
            sample.limits[:] = stride, most, self.n_places + 1
            sample.come[:] = 0
            sample.dropped[:] = dropped
            generator = np.random.default_rng(_SEED)
            sample.draw[:] = generator.integers(1, 1 << 63)
            control[[N_FRAMES, N_EMITTED]] = 0
            control[N_ROOTS] = n_roots
            control[NEXT_ROOT] = int(generator.integers(stride))
            status = PAUSED
            while status == PAUSED:
                status = self.advance(self._output)
            assert status == DONE
            horizon = int(sample.limits[kernels.HORIZON])
            if horizon > self.n_places:
                break
            dropped[horizon] = True
        before = np.cumsum(dropped) - dropped
        expected: NDArray[np.float64] = sample.come * (float(stride) * 2.0**before)
        return expected

    def written(self, total: float) -> ChamberSample:
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
        return ChamberSample(order, positive, cuts, total)


def _bits(words: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Read bits at places of packed words."""
    shifts = (places % 64).astype(np.uint64)
    return (words[:, places // 64] >> shifts & np.uint64(1)).astype(np.bool_)
