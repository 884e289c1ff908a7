"""Exact numbers: reading, integer linear algebra, scaled floats, short columns."""

from arrangement.exact.floats import column_shifts, rounded, scaled_floats
from arrangement.exact.linear_algebra import (
    Echelon,
    IntRow,
    canonical,
    determinant,
    dual_basis,
    hadamard_bits,
    independent_rows,
    integer_row,
    multiply,
)
from arrangement.exact.reading import exact_number, read_matrix, read_vector
from arrangement.exact.short_columns import reduce_columns

__all__ = [
    "Echelon",
    "IntRow",
    "canonical",
    "column_shifts",
    "determinant",
    "dual_basis",
    "exact_number",
    "hadamard_bits",
    "independent_rows",
    "integer_row",
    "multiply",
    "read_matrix",
    "read_vector",
    "reduce_columns",
    "rounded",
    "scaled_floats",
]
