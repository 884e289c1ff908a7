"""The proof that a list is complete; it uses nothing of the listing."""

from arrangement.verification.prover import PartProof, Prover
from arrangement.verification.verification import verify, verify_to_file

__all__ = ["PartProof", "Prover", "verify", "verify_to_file"]
