"""Exact numbers: reading, integer linear algebra, scaled floats, short columns."""

from arrangement.exact.cells import cell_kind, rows_digest
from arrangement.exact.columns import Column
from arrangement.exact.containers import column_names, exact_array
from arrangement.exact.floats import (
    column_shifts,
    exact_product,
    rounded,
    scaled_floats,
)
from arrangement.exact.integer_rows import IntegerRows, RowTuples
from arrangement.exact.linear_algebra import (
    Echelon,
    IntRow,
    MinorBounds,
    canonical,
    cofactors,
    determinant,
    dual_basis,
    exact_signs,
    hadamard_bits,
    independent_rows,
    integer_row,
    multiply,
    primitive,
    solved,
)
from arrangement.exact.modular_rank import leads_with_pivots, pivot_columns
from arrangement.exact.number_text import written
from arrangement.exact.reading import (
    Matrix,
    check_frame,
    float_array,
    read_matrix,
    read_samples,
    read_vector,
)
from arrangement.exact.scalars import (
    MAX_DIGITS,
    decimal_fault,
    exact_number,
    exact_text,
)
from arrangement.exact.short_columns import Shortened, reduce_columns, shorten
from arrangement.exact.word_rows import Grouped, grouped

__all__ = [
    "MAX_DIGITS",
    "Column",
    "Echelon",
    "Grouped",
    "IntRow",
    "IntegerRows",
    "Matrix",
    "MinorBounds",
    "RowTuples",
    "Shortened",
    "canonical",
    "cell_kind",
    "check_frame",
    "cofactors",
    "column_names",
    "column_shifts",
    "decimal_fault",
    "determinant",
    "dual_basis",
    "exact_array",
    "exact_number",
    "exact_product",
    "exact_signs",
    "exact_text",
    "float_array",
    "grouped",
    "hadamard_bits",
    "independent_rows",
    "integer_row",
    "leads_with_pivots",
    "multiply",
    "pivot_columns",
    "primitive",
    "read_matrix",
    "read_samples",
    "read_vector",
    "reduce_columns",
    "rounded",
    "rows_digest",
    "scaled_floats",
    "shorten",
    "solved",
    "written",
]
