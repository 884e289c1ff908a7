"""`PatternSet`: bit-packed sign patterns and what is known about their chambers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError
from arrangement.io import (
    bit_lines,
    bit_names,
    html_facts,
    html_table,
    new_file,
    open_archive,
)
from arrangement.model.arrangement import Arrangement
from arrangement.model.proof import Proof
from arrangement.options import short_repr

# patterns, and bits of each, in a notebook
_SHOWN_PATTERNS, _SHOWN_BITS = 6, 48
_MEMBERS = ("packed", "n_rows", "rank", "bound", "plan", "proof")
# Characters of the texts in a file; Python reads no longer numbers.
_MOST_DIGITS = 4300
_MOST_TEXT = 10**5


class GeometryProvider(Protocol):
    """What a `PatternSet` asks for the geometry of its chambers."""

    def witnesses(self, packed: NDArray[np.uint64]) -> NDArray[Any]:
        """Return an exact interior point of each chamber."""

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Return the exact rays of each closed chamber."""

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Return the input rows that are facets of each chamber."""


def pack(bits: ArrayLike) -> NDArray[np.uint64]:
    """Pack booleans (P, n) into (P, ceil(n/64)) uint64; bit i % 64 of word i // 64.

    Raises
    ------
    InputError
        ``bits`` has not two dimensions.
    """
    array = np.asarray(bits, dtype=bool)
    if array.ndim != 2:
        raise InputError(f"bits have shape {array.shape}; expected (patterns, rows).")
    count, n = array.shape
    width = -(-n // 64)
    padded = np.zeros((count, width * 8), dtype=np.uint8)
    packed = np.packbits(array, axis=1, bitorder="little")
    padded[:, : packed.shape[1]] = packed
    return padded.view("<u8").astype(np.uint64, copy=False).reshape(count, width)


def unpack(packed: NDArray[np.uint64], n_rows: int) -> NDArray[np.bool_]:
    """Unpack (P, ceil(n/64)) uint64 into booleans (P, n)."""
    count = packed.shape[0]
    if n_rows == 0 or count == 0:
        return np.zeros((count, n_rows), dtype=bool)
    raw = np.ascontiguousarray(packed.astype("<u8", copy=False)).view(np.uint8)
    bits = np.unpackbits(raw, axis=1, count=n_rows, bitorder="little")
    return bits.view(np.bool_)


@dataclass(frozen=True, eq=False)
class PatternSet:
    """A list of sign patterns, one for each chamber.

    Row i of the data has bit 1 where ``x_i . z >= 0`` at an interior point z of the
    chamber (``a_i . z - b_i >= 0`` when affine).  A zero row has bit 1 everywhere, a
    zero normal ``1[-b_i >= 0]``.

    Order of a listing: read first the bits of the first maximal set of independent
    rows (for affine arrangements independent together with infinity), then all bits
    in row order; patterns come in lexicographic order, 1 before 0.  In a central
    arrangement of rank at least 1 only those with the first of these rows positive
    are ordered so, and each is followed at once by its antipode.  Where ``plan`` names
    vertices, chambers come by their vertices instead: fewer rows first, then in
    lexicographic order of the rows (see `_kernels/vertices.py`); antipodes follow too.

    Attributes
    ----------
    packed : ndarray, shape (P, ceil(n/64)), uint64, C-contiguous, read-only
        Bit ``i % 64`` of word ``i // 64`` is row i; padding bits are zero.  An array
        that is handed in becomes read-only too, as a proof is about it.
    n_rows, rank : int
        Number of input rows n; rank of the arrangement.
    bound : int
        Cover's bound on the number of chambers of the distinct hyperplanes.
    proof : Proof or None
        The proof that the list is complete; None for blocks, slices, ``prove=False``
        and lists that come out of files.
    claim : str
        What the file that the list was loaded from says about its completeness, or
        "".  No proof: whoever can write a file can write that.
    plan : str
        How the list was made, and in which arithmetic.
    arrangement : Arrangement or None
        What was listed (None when loaded from a file without it).
    """

    packed: NDArray[np.uint64] = field(repr=False)
    n_rows: int
    rank: int
    bound: int
    proof: Proof | None = None
    plan: str = ""
    claim: str = ""
    arrangement: Arrangement | None = field(default=None, repr=False)
    provider: GeometryProvider | None = field(default=None, repr=False)
    known_facets: list[NDArray[np.int64]] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Return sizes and what is proven, on one line."""
        return short_repr(self, n_patterns=len(self))

    def __post_init__(self) -> None:
        """Close the patterns against changes."""
        object.__setattr__(self, "packed", _read_only(self.packed))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Close the patterns again: a pickled array forgets that it was read-only."""
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def _repr_html_(self) -> str:
        """Return what a notebook shows: sizes, proof, and the first patterns."""
        proof = str(self.proof or "none")
        if self.proof is None and self.claim:
            proof = f"none; the file says: {self.claim}"
        facts = [
            ("patterns", f"{len(self):,}, Cover's bound {self.bound:,}"),
            ("rows, rank", f"{self.n_rows:,}, {self.rank:,}"),
            ("proof", proof),
            *([("plan", self.plan)] if self.plan else []),
        ]
        rows = [
            [f"{k}", "".join(bits[:_SHOWN_BITS].astype(int).astype(str))]
            for k, bits in enumerate(self[:_SHOWN_PATTERNS])
        ]
        note = f"first {len(rows)} of {len(self):,} patterns"
        if self.n_rows > _SHOWN_BITS:
            note += f", first {_SHOWN_BITS} of {self.n_rows:,} rows"
        table = html_table(["", "bits of the rows"], rows, note=note) if rows else ""
        return html_facts("Sign patterns", facts, table)

    def __len__(self) -> int:
        """Return the number of patterns."""
        return int(self.packed.shape[0])

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        """Iterate over boolean vectors of shape (n,)."""
        for start in range(0, len(self), 4096):
            yield from unpack(self.packed[start : start + 4096], self.n_rows)

    @overload
    def __getitem__(self, key: int) -> NDArray[np.bool_]: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any] | list[int]) -> PatternSet: ...

    def __getitem__(self, key: Any) -> Any:
        """Return one pattern (booleans) for an int, a `PatternSet` for a slice."""
        if isinstance(key, (int, np.integer)):
            index = range(len(self))[key]
            return unpack(self.packed[index : index + 1], self.n_rows)[0]
        facets = self.known_facets
        if facets is not None:
            places = np.arange(len(self))[key]
            facets = [facets[i] for i in places]
        return replace(
            self,
            packed=np.ascontiguousarray(self.packed[key]),
            proof=None,
            claim="",
            known_facets=facets,
        )

    def __contains__(self, pattern: object) -> bool:
        """Whether a pattern (booleans, signs -1/+1, or packed words) is listed."""
        return self.find(pattern) >= 0

    def find(self, pattern: object) -> int:
        """Return the index of a pattern, or -1.

        Parameters
        ----------
        pattern : array_like
            Booleans or signs -1/+1 of shape (n,), or packed uint64 words.
        """
        words = self._to_words(pattern)
        hits = np.flatnonzero(np.all(self.packed == words, axis=1))
        return int(hits[0]) if hits.size else -1

    def _to_words(self, pattern: object) -> NDArray[np.uint64]:
        array = np.asarray(pattern)
        if array.dtype == np.uint64 and array.shape == self.packed.shape[1:]:
            return array
        if array.shape != (self.n_rows,):
            raise InputError(
                f"pattern has shape {array.shape}; expected ({self.n_rows},) booleans "
                f"or signs, or ({self.packed.shape[1]},) uint64 words."
            )
        if array.dtype == bool or np.isin(array, (0, 1)).all():
            words: NDArray[np.uint64] = pack(array[None].astype(bool))[0]
            return words
        if np.isin(array, (-1, 1)).all():
            signs: NDArray[np.uint64] = pack(array[None] > 0)[0]
            return signs
        raise InputError("pattern holds other values than 0/1 or -1/+1.")

    def to_bool(self) -> NDArray[np.bool_]:
        """Return the patterns as booleans, shape (P, n)."""
        return unpack(self.packed, self.n_rows)

    def to_signs(self) -> NDArray[np.int8]:
        """Return the patterns as signs, shape (P, n) int8: +1 for bit 1, else -1."""
        return self.to_bool().view(np.int8) * np.int8(2) - np.int8(1)

    def _geometry(self) -> GeometryProvider:
        if self.provider is None:
            raise InputError(
                "this PatternSet does not know its matrix; list it again with "
                "enumerate_patterns(X)."
            )
        return self.provider

    def witnesses(self) -> NDArray[Any]:
        """Return an exact interior point of each chamber.

        Returns
        -------
        ndarray, shape (P, d), or (P, d + 1) homogeneous when affine
            Integers: int64 where they fit, else Python ints (object).
        """
        return self._geometry().witnesses(self.packed)

    def rays(self) -> list[NDArray[Any]]:
        """Return the rays of each closed chamber: P integer arrays (k_i, d).

        Affine: homogeneous (k_i, d + 1), last entry 0 for directions of recession.
        A chamber is the set of positive combinations of its rays (in the pivot
        columns, when rank < d).
        """
        return self._geometry().rays(self.packed)

    def facets(self) -> list[NDArray[np.int64]]:
        """Return the facets of each chamber: P arrays of input row numbers.

        The first row of each parallel class stands for it.  ``(2 bit - 1) x_i . z >=
        0`` over these rows alone describes the closed chamber.
        """
        if self.known_facets is not None:
            return self.known_facets
        return self._geometry().facets(self.packed)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a new file; the matrix is not stored.

        Parameters
        ----------
        path : path-like
            A name that ends in ``.csv`` gets the lines of `iter_csv`, any other an npz
            file (no pickle).

        Raises
        ------
        InputError
            If the file exists or its folder cannot be written; a CSV of no rows.
        """
        if os.fspath(path).lower().endswith(".csv"):
            lines = self.iter_csv()
            with new_file(path) as stream:
                stream.writelines(lines)
            return
        with new_file(path) as stream:
            np.savez_compressed(
                stream,
                packed=self.packed.astype("<u8", copy=False),
                n_rows=np.array(self.n_rows, dtype="<i8"),
                rank=np.array(self.rank, dtype="<i8"),
                bound=np.array(str(self.bound)),
                plan=np.array(self.plan),
                proof=np.array(self.claim if self.proof is None else str(self.proof)),
            )

    def iter_csv(self) -> Iterator[bytes]:
        r"""Return an iterator over the text of a CSV, in pieces of whole lines.

        A line for each pattern, 0 or 1 for each row, under the names ``row1, row2,
        ...``.  ``verify(pack(bits), X)`` proves what comes back from another program.

        Raises
        ------
        InputError
            If there are no rows, and so no columns.

        Examples
        --------
        >>> from arrangement import enumerate_patterns
        >>> b"".join(enumerate_patterns([[1, 0], [0, 1]]).iter_csv())
        b'row1,row2\n1,1\n0,0\n1,0\n0,1\n'
        """
        if self.n_rows == 0:
            raise InputError("patterns of no rows have no columns for a CSV; use npz.")
        blocks = range(0, len(self), 4096)
        parts = (self.packed[start : start + 4096] for start in blocks)
        text = (bit_lines(unpack(part, self.n_rows)) for part in parts)
        return chain([bit_names(self.n_rows)], text)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PatternSet:
        """Read a file that `save` wrote; prove it with ``verify(patterns, X)``.

        Returns
        -------
        PatternSet
            Without a proof: what the file says about it is in ``claim``.

        Raises
        ------
        InputError
            If the file is missing, damaged or no list of patterns; one line says what
            is wrong.

        Examples
        --------
        >>> import tempfile
        >>> from arrangement import enumerate_patterns, verify
        >>> X = [[1, 0], [0, 1], [1, 1]]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     enumerate_patterns(X).save(f"{folder}/list.npz")
        ...     loaded = PatternSet.load(f"{folder}/list.npz")
        >>> print(loaded.proof)
        None
        >>> verify(loaded, X).n_patterns
        6
        """
        with open_archive(path, _MEMBERS) as archive:
            n_rows, rank = archive.integer("n_rows"), archive.integer("rank")
            digits = archive.text("bound", _MOST_DIGITS)
            plan = archive.text("plan", _MOST_TEXT)
            claim = archive.text("proof", _MOST_TEXT)
            if not (0 <= rank <= n_rows and digits.isascii() and digits.isdigit()):
                raise ValueError(f"{n_rows} rows, rank {rank} and the bound do not fit")
            if not (plan + claim).isprintable():
                raise ValueError("its texts hold control characters")
            bound = int(digits)
            if bound.bit_length() > n_rows + 1:
                raise ValueError(f"its bound is above 2^n for {n_rows} rows")
            packed = archive.words("packed", -(-n_rows // 64), bound)
            if n_rows % 64 and np.any(packed[:, -1] >> np.uint64(n_rows % 64)):
                raise ValueError("a padding bit is set")
        return cls(
            packed,
            n_rows,
            rank,
            bound,
            plan=f"loaded from a file ({plan})",
            claim=claim,
        )


def _read_only(array: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return an array that nobody can change: itself, closed, or a copy."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner is not array and (owner.flags.writeable or array.flags.writeable):
        # somebody else may hold the array that this is a part of
        owner = array = array.copy()
    owner.setflags(write=False)
    # a view of a closed array cannot be opened again
    return array.view() if owner is array else array
