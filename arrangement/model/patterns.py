"""`PatternSet`: bit-packed sign patterns and what is known about their chambers."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import InputError
from arrangement.model.arrangement import Arrangement
from arrangement.model.proof import Proof


class GeometryProvider(Protocol):
    """What a `PatternSet` asks for the geometry of its chambers."""

    def witnesses(self, packed: NDArray[np.uint64]) -> NDArray[Any]:
        """Return an exact interior point of each chamber."""

    def rays(self, packed: NDArray[np.uint64]) -> list[NDArray[Any]]:
        """Return the exact rays of each closed chamber."""

    def facets(self, packed: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        """Return the input rows that are facets of each chamber."""


def pack(bits: ArrayLike) -> NDArray[np.uint64]:
    """Pack booleans (P, n) into (P, ceil(n/64)) uint64; bit i % 64 of word i // 64."""
    array = np.asarray(bits, dtype=bool)
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
    packed : ndarray, shape (P, ceil(n/64)), uint64, C-contiguous
        Bit ``i % 64`` of word ``i // 64`` is row i; padding bits are zero.
    n_rows, rank : int
        Number of input rows n; rank of the arrangement.
    bound : int
        Cover's bound on the number of chambers of the distinct hyperplanes.
    proof : Proof or None
        The proof that the list is complete; None for blocks, slices and
        ``prove=False``.
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
    arrangement: Arrangement | None = field(default=None, repr=False)
    provider: GeometryProvider | None = field(default=None, repr=False)
    known_facets: list[NDArray[np.int64]] | None = field(default=None, repr=False)

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
        """Write to a new ``.npz`` file (no pickle); the matrix is not stored.

        Raises
        ------
        InputError
            If the file exists or its folder cannot be written.
        """
        target = Path(path)
        if target.exists():
            raise InputError(f"{target} exists; give another path or remove it.")
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        try:
            with partial.open("xb") as stream:
                np.savez_compressed(
                    stream,
                    packed=self.packed,
                    n_rows=np.int64(self.n_rows),
                    rank=np.int64(self.rank),
                    bound=np.array(str(self.bound)),
                    plan=np.array(self.plan),
                    proof=np.array("" if self.proof is None else str(self.proof)),
                )
            partial.rename(target)
        except OSError as error:
            raise InputError(f"cannot write {target}: {error.strerror}.") from error
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PatternSet:
        """Read a file that `save` wrote; prove it with ``verify(patterns, X)``.

        Raises
        ------
        InputError
            If the file is missing, unreadable or no list of patterns.
        """
        try:
            with (
                Path(path).open("rb") as stream,
                np.load(stream, allow_pickle=False) as data,
            ):
                packed = np.ascontiguousarray(data["packed"])
                n_rows, rank = int(data["n_rows"]), int(data["rank"])
                bound, plan = int(str(data["bound"])), str(data["plan"])
        except (
            OSError,
            EOFError,
            KeyError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            raise InputError(f"cannot read patterns from {path}: {error}.") from error
        if packed.dtype != np.uint64 or packed.shape[1:] != (-(-n_rows // 64),):
            raise InputError(
                f"{path} holds {packed.dtype} of shape {packed.shape}; expected uint64 "
                f"of shape (P, {-(-n_rows // 64)}) for {n_rows} rows."
            )
        return cls(packed, n_rows, rank, bound, plan=f"loaded from a file ({plan})")
