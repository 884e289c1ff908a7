"""The general way: cells that are cut row by row, whatever the degeneracy."""

from arrangement.listing.cells.geometry import CellGeometry, PointGeometry
from arrangement.listing.cells.layout import (
    Layout,
    make_layout,
    packed_flags,
    word_copies,
)
from arrangement.listing.cells.sampler import ChamberSample, chamber_sample
from arrangement.listing.cells.walker import (
    CellState,
    Rest,
    Waiting,
    Walker,
    new_output,
)

__all__ = [
    "CellGeometry",
    "CellState",
    "ChamberSample",
    "Layout",
    "PointGeometry",
    "Rest",
    "Waiting",
    "Walker",
    "chamber_sample",
    "make_layout",
    "new_output",
    "packed_flags",
    "word_copies",
]
