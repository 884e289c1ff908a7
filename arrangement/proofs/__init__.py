"""Proofs that others check: a file of lines, and `arrangement.checker`.

`FORMAT.md` beside this file says what the lines are.  Makers and checker share nothing
but it and the integers into which the checker turns the data.
"""

from arrangement.proofs.files import ProofFile, write_listing
from arrangement.proofs.source import Source, TableForm
from arrangement.proofs.tables import source_of

__all__ = [
    "ProofFile",
    "Source",
    "TableForm",
    "source_of",
    "write_listing",
]
