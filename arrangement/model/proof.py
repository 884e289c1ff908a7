"""`Proof`: what was checked when a list was proven complete."""

from __future__ import annotations

from dataclasses import dataclass, field

from arrangement.options import short_repr


@dataclass(frozen=True)
class Proof:
    """What was checked when a list was proven complete.

    Attributes
    ----------
    n_patterns : int
        Patterns in the list, all distinct, each realised by an exact witness.
    bound : int
        Cover's bound.
    count : int
        The number of chambers: the bound when it is reached, else counted.
    method : {"cover bound", "characteristic polynomial"}
        Where ``count`` comes from.
    n_exact_witnesses : int
        Witnesses that floating point could not decide and a rational linear
        program found.  The candidates depend on the parts in which the list was made
        (its threads, its blocks), so proofs compare equal whatever this number is.
    is_projected : bool
        Whether a float64 projection of the matrix was listed.
    """

    n_patterns: int
    bound: int
    count: int
    method: str
    n_exact_witnesses: int = field(compare=False)
    is_projected: bool

    __repr__ = short_repr

    def __str__(self) -> str:
        """Return the proof in one line."""
        what = " of the float64 projection" if self.is_projected else ""
        reason = (
            f"Cover's bound {self.bound:,} is reached"
            if self.method == "cover bound"
            else f"the characteristic polynomial counts {self.count:,} "
            f"(Cover's bound {self.bound:,})"
        )
        return (
            f"{self.n_patterns:,} patterns{what}: all distinct, each with a witness "
            "decided "
            f"exactly; {reason}."
        )
