"""Proofs that others check: a file of lines, and `convex_solver.checker`.

`FORMAT.md` beside this file says what the lines are.  Makers and checker share nothing
but it and the integers into which the checker turns the data.
"""

from convex_solver.proofs.linear import write_cnn_proof
from convex_solver.proofs.proof import (
    Proof,
    write_interpolation_proof,
    write_proof,
)
from convex_solver.proofs.source import TableForm
from convex_solver.proofs.tables import form_of

__all__ = [
    "Proof",
    "TableForm",
    "form_of",
    "write_cnn_proof",
    "write_interpolation_proof",
    "write_proof",
]
