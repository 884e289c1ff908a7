"""Kernels of the walk over cells."""

from arrangement._kernels.cells import exact_rays, find, sample, walk_floats, walk_ints
from arrangement._kernels.cells.rays import emit, facets_of, is_facet, survey
from arrangement._kernels.cells.walk_floats import add_rays, begin_cut, finish_cut
from arrangement._kernels.cells.walk_ints import add_rays as add_int_rays
from arrangement._kernels.cells.walk_ints import cut_cell

__all__ = [
    "add_int_rays",
    "add_rays",
    "begin_cut",
    "cut_cell",
    "emit",
    "exact_rays",
    "facets_of",
    "find",
    "finish_cut",
    "is_facet",
    "sample",
    "survey",
    "walk_floats",
    "walk_ints",
]
