"""Lists of patterns on disk: a Zarr array that grows chunk by chunk.

A store is one Zarr v3 array, ``(P, ceil(n/64))`` uint64, with codecs that every Zarr
library has (transpose, bytes, Blosc, CRC-32C), so ``zarr.open(path)[:]`` reads it
without this package.  The folder holds ``zarr.json``, the chunks ``c.0.0``, ``c.1.0``,
.. and ``checksums``, one line a chunk: SHA-256 of its patterns (little-endian, row by
row), size of its file, name of its file.

Chunks are transposed and bits are shuffled: neighbours in a listing differ in few
rows, so each row's bits make long runs.  That takes about 1 byte a pattern where
plain Zstandard takes 2.5, for matrices of a few hundred rows.

Writing: the chunk, then its line in ``checksums``, then ``zarr.json``; each is forced
to the disk before the next, and chunks and ``zarr.json`` are written under another name
and renamed.  The shape in ``zarr.json`` grows with every chunk, so whatever moment the
process dies at, the folder is a valid array of exactly the patterns that were finished;
with a shape set once, at the start or the end, stock Zarr would read missing chunks as
zeros, or nothing.

A store is proven as its stream is: the patterns proven are those written, or found
equal to what was written before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
    ListingTooLargeError,
)
from arrangement.executors import check_executor
from arrangement.io import ProgressLike, check_new_file, listener, shows_progress
from arrangement.listing import PatternStream, iter_patterns
from arrangement.model import Arrangement, PatternSet, Proof, matrix_sha256
from arrangement.options import count_jobs, free_bytes, short_repr
from arrangement.stores import format as form
from arrangement.stores import groups
from arrangement.stores.arrays import import_zarr, open_array, read_chunk
from arrangement.stores.chunks import intact_chunks, write_chunks
from arrangement.stores.format import Checksum, Header
from arrangement.verification import verify

# a list is copied and sorted a few times while it is verified
_VERIFY_COPIES = 6


@dataclass(frozen=True, eq=False)
class StoredPatterns:
    """A complete list of patterns on disk, read when asked.

    ``stored[a:b]`` is a `PatternSet` in memory, ``stored[i]`` one pattern (booleans,
    shape (n,)), and iterating yields one pattern after another, as for a `PatternSet`;
    `iter_chunks` yields a `PatternSet` for each chunk.  The checksum of every chunk
    read so is checked.

    Attributes
    ----------
    path : Path
        Folder of the store.
    packed : zarr.Array, shape (P, ceil(n/64)), uint64
        The patterns as in ``PatternSet.packed``, read by slices; here only Zarr's own
        check (CRC-32C) is made.  Of a store written in pieces, what reads such slices
        of the arrays of them all.
    n_rows, rank, bound, plan
        As in `PatternSet`.
    block_size : int
        Patterns a chunk; the last may hold fewer.
    claim : str
        What the store says about its completeness.  No proof: whoever can write a file
        can write that.
    matrix_sha256 : str
        `arrangement.model.fingerprint.matrix_sha256` of the matrix listed.
    proof : Proof or None
        The proof of the call of `write_patterns` that returned this; None for a store
        that was opened (`verify` proves it).
    pieces : tuple of StoredPatterns
        What a store written in pieces is made of, one after another.
    """

    path: Path
    packed: Any = field(repr=False)
    n_rows: int
    rank: int
    bound: int
    plan: str
    block_size: int
    claim: str
    matrix_sha256: str
    checksums: tuple[Checksum, ...] = field(repr=False)
    proof: Proof | None = None
    pieces: tuple[StoredPatterns, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        """Return sizes and what is proven, on one line."""
        return short_repr(self, n_patterns=len(self))

    def __len__(self) -> int:
        """Return the number of patterns."""
        return int(self.packed.shape[0])

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        """Iterate over boolean vectors of shape (n,), one chunk in memory."""
        for chunk in self.iter_chunks():
            yield from chunk

    def iter_chunks(self) -> Iterator[PatternSet]:
        """Yield the patterns of each chunk, checked."""
        for piece in self.pieces:
            yield from piece.iter_chunks()
        for checksum in self.checksums:
            yield self._pattern_set(read_chunk(self.path, self.packed, checksum))

    def __getitem__(self, key: int | slice) -> Any:
        """Return one pattern (booleans) for an int, a `PatternSet` for a slice."""
        if isinstance(key, (int, np.integer)):
            index = range(len(self))[key]
            return self[index : index + 1][0]
        if not isinstance(key, slice):
            raise InputTypeError(
                f"index {key!r}; expected an int or a slice. Use .packed for others."
            )
        places = range(len(self))[key]
        forward = places if places.step > 0 else places[::-1]
        packed = np.concatenate([self.packed[:0], *self._parts(forward)])
        return self._pattern_set(packed if places.step > 0 else packed[::-1])

    def _parts(self, forward: range) -> Iterator[NDArray[np.uint64]]:
        """Yield what each chunk, or each piece, has of some places."""
        begin = 0
        for piece in self.pieces:
            inside = groups.places_within(forward, begin, begin + len(piece))
            if inside is not None:
                yield piece[inside].packed
            begin += len(piece)
        if not self.pieces and forward:
            size = self.block_size
            for k in range(forward[0] // size, forward[-1] // size + 1):
                inside = groups.places_within(forward, k * size, (k + 1) * size)
                if inside is not None:
                    chunk = read_chunk(self.path, self.packed, self.checksums[k])
                    yield chunk[inside]

    def _pattern_set(self, packed: NDArray[np.uint64]) -> PatternSet:
        return PatternSet(
            np.ascontiguousarray(packed),
            self.n_rows,
            self.rank,
            self.bound,
            plan=f"read from a store ({self.plan})",
        )

    def verify(
        self,
        X: Arrangement | ArrayLike | Any,
        *,
        offsets: ArrayLike | None = None,
        rank: str | int = "exact",
        floats: str = "binary",
        proof: str | os.PathLike[str] | None = None,
    ) -> Proof:
        """Prove from the bits alone that the list is complete for a matrix.

        Reads the whole list into memory, checks all checksums, and calls
        `arrangement.verify`.

        Parameters
        ----------
        X, offsets, rank, floats, proof
            As in `arrangement.verify`.

        Returns
        -------
        Proof

        Raises
        ------
        IncompleteListingError
            The store lists another matrix, or `arrangement.verify` fails.
        ListingTooLargeError
            The list does not fit in memory several times over.
        InputError
            A chunk is damaged; the message names it.
        """
        arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
        patterns = self.in_memory(arrangement)
        if proof is None:
            return verify(patterns, arrangement)
        return verify(
            patterns, X, offsets=offsets, rank=rank, floats=floats, proof=proof
        )

    def in_memory(self, arrangement: Arrangement) -> PatternSet:
        """Return the whole list, whose checksums are right, for the matrix it lists.

        Raises
        ------
        IncompleteListingError, ListingTooLargeError, InputError
            As in `verify`.
        """
        given = matrix_sha256(arrangement)
        if given != self.matrix_sha256:
            raise IncompleteListingError(
                f"{self.path} lists another matrix: its SHA-256 is "
                f"{self.matrix_sha256}, that of the matrix given is {given}. Give the "
                "same rows, columns, offsets, rank and floats."
            )
        needed = _VERIFY_COPIES * 8 * max(self.packed.shape[1], 1) * len(self)
        free = free_bytes()
        if needed > free:
            raise ListingTooLargeError(
                f"verifying {len(self):,} patterns takes about {needed:,} bytes of "
                f"memory; {free:,} are free. Use a machine with more memory."
            )
        patterns: PatternSet = self[:]
        return patterns


@shows_progress
def write_patterns(
    path: str | os.PathLike[str],
    X: Arrangement | ArrayLike | Any,
    *,
    offsets: ArrayLike | None = None,
    rank: str | int = "exact",
    floats: str = "binary",
    block_size: int | None = None,
    n_jobs: int = 1,
    prove: bool = True,
    resume: bool = False,
    progress: ProgressLike = None,
    executor: Executor | None = None,
) -> StoredPatterns:
    """Stream every sign pattern of a matrix to a Zarr store.

    Memory holds a few chunks, whatever the total.  Killed at any moment, the same
    call with ``resume=True`` lists again, compares what is there, writes the rest, and
    ends with the same bytes in every file.

    Parameters
    ----------
    path : path-like
        Folder to make, by custom ``*.zarr``.
    X, offsets, rank, floats, n_jobs
        As in `enumerate_patterns`.
    block_size : int, optional
        Patterns a chunk, at least 1; by default 65,536, and fewer where a chunk would
        take more than 32 MiB of memory.
    prove : bool
        Prove completeness (`Proof`) on the way, in the memory of one block.
    resume : bool
        Continue a store that is there (or begin one); damaged chunks and all after
        them are written again.
    progress : callable or True, optional
        Called with a `Progress` after each chunk; True draws a bar.
    executor : concurrent.futures.Executor, optional
        Lists and writes pieces on its workers, as in `iter_patterns`.  The store is
        then a Zarr group with an array for each piece, each written by one worker and
        there in whole or not at all: with ``resume=True`` the pieces that are there
        are kept.  How many pieces, and every byte, depends on the matrix alone.
        All workers must reach the path, by the same name.

    Returns
    -------
    StoredPatterns
        With ``proof`` set unless ``prove=False``.

    Raises
    ------
    InputError
        The path exists (without ``resume``), cannot be written, or holds something
        else: another matrix, another block size, a chunk that is not what is listed.
    IncompleteListingError
        The proof fails (a defect of the program; please report it).
    BudgetExceededError
        All patterns are written, but counting them another way takes too long.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = write_patterns(folder + "/list.zarr", [[1, 0], [0, 1], [1, 1]])
    ...     len(stored), stored[2:4].to_bool().astype(int).tolist()
    (6, [[1, 0, 1], [0, 1, 0]])
    """
    import_zarr()
    arrangement = Arrangement.coerce(X, offsets=offsets, rank=rank, floats=floats)
    size = form.chunk_rows(block_size, arrangement.n_hyperplanes)
    folder = _check_target(path, resume=resume)
    groups.check_kind(folder, with_executor=executor is not None)
    check_executor(executor, count_jobs(n_jobs))
    stream = iter_patterns(
        arrangement, block_size=size, n_jobs=n_jobs, prove=prove, progress=progress
    )
    header = Header(
        matrix_sha256=matrix_sha256(arrangement),
        n_rows=arrangement.n_hyperplanes,
        rank=arrangement.rank,
        bound=str(stream.bound),
        antipodes=_antipodes_text(arrangement),
        plan=stream.plan,
        block_size=size,
    )
    try:
        with form.locked(folder, exist_ok=resume):
            if executor is None:
                proof = _write(folder, header, stream, prove)
            else:
                proof = groups.write_group(
                    folder, header, arrangement, executor, prove, listener(progress)
                )
    except FileExistsError:
        raise InputError(
            f"{folder} exists; it came to be in the meantime. Give another path, or "
            "continue it with --resume (resume=True)."
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot write {folder}: {error.strerror or error}. Make room or give "
            "another path; --resume (resume=True) continues what was begun."
        ) from error
    return replace(open_patterns(folder), proof=proof)


def open_patterns(path: str | os.PathLike[str]) -> StoredPatterns:
    """Open a store that `write_patterns` finished; patterns are read when asked.

    That every chunk is there and of the right size is checked now, its checksum when
    it is read.

    Parameters
    ----------
    path : path-like
        Folder of the store.

    Returns
    -------
    StoredPatterns

    Raises
    ------
    InputError
        No such store, incomplete, of another format, or damaged; names the chunk.
    """
    import_zarr()
    folder = Path(path)
    if groups.is_group(folder):
        return _open_group(folder)
    header = form.read_header(folder)
    if header.status != form.COMPLETE:
        raise InputError(
            f"{folder} is incomplete: {header.chunks} chunks with {header.count:,} "
            "patterns are written. Continue it: arrangement enumerate --resume, or "
            "write_patterns(.., resume=True)."
        )
    checksums = form.check_checksums(folder, header)
    for checksum in checksums:
        form.check_size(folder, checksum)
    return StoredPatterns(
        path=folder,
        packed=open_array(folder),
        n_rows=header.n_rows,
        rank=header.rank,
        bound=int(header.bound),
        plan=header.plan,
        block_size=header.block_size,
        claim=header.proof,
        matrix_sha256=header.matrix_sha256,
        checksums=tuple(checksums),
    )


def _open_group(folder: Path) -> StoredPatterns:
    """Open a store that was written in pieces."""
    group = groups.read_group(folder)
    if group.status != form.COMPLETE:
        raise InputError(
            f"{folder} is incomplete: not all of its {group.n_pieces} pieces are "
            "written. Continue it: write_patterns(.., executor=.., resume=True)."
        )
    pieces = []
    for k, found in enumerate(group.digests):
        piece = open_patterns(groups.piece_folder(folder, k))
        if form.digest_lines(list(piece.checksums)) != found:
            raise InputError(
                f"{piece.path} is not the piece that was written. {form.REWRITE}"
            )
        pieces.append(piece)
    return StoredPatterns(
        path=folder,
        packed=groups.Joined([piece.packed for piece in pieces]),
        n_rows=group.n_rows,
        rank=group.rank,
        bound=int(group.bound),
        plan=group.plan,
        block_size=group.block_size,
        claim=group.proof,
        matrix_sha256=group.matrix_sha256,
        checksums=(),
        pieces=tuple(pieces),
    )


def _check_target(path: str | os.PathLike[str], *, resume: bool) -> Path:
    folder = Path(path)
    if not os.path.lexists(folder):
        return check_new_file(folder)
    if not resume:
        raise InputError(
            f"{folder} exists; continue it with --resume (resume=True), give another "
            "path, or remove it."
        )
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder, so no store of patterns.")
    return folder


def _antipodes_text(arrangement: Arrangement) -> str:
    if not arrangement.is_central:
        return "affine: one pattern a chamber, no antipodes"
    if not arrangement.n_distinct:
        return "one chamber, its own antipode"
    return "full list: each chamber is followed at once by its antipode"


def _write(
    folder: Path, header: Header, stream: PatternStream, prove: bool
) -> Proof | None:
    """Bring the store to its end from wherever it is; writes nothing when done.

    A proof comes from listing again and comparing, never from what the store says.
    """
    stored = form.stored_header(folder, header)
    kept: list[Checksum] = []
    if stored is not None:
        header = replace(header, format=stored.format)
        kept = intact_chunks(folder, stored)
    form.remove_partial(folder)
    if (
        stored is not None
        and stored.status == form.COMPLETE
        and stored.checksums_sha256 == form.digest_lines(kept)
        and not prove
    ):
        return None
    header = write_chunks(folder, header, kept, _blocks(stream))
    method, text = "none", "none, as asked: completeness was not checked"
    if stream.proof is not None:
        method, text = stream.proof.method, str(stream.proof)
    header = replace(
        header,
        status=form.COMPLETE,
        total=header.count,
        proof_method=method,
        proof=text,
    )
    form.write_header(folder, header)
    return stream.proof


def _blocks(stream: PatternStream) -> Iterator[PatternSet]:
    try:
        yield from stream
    except BudgetExceededError as error:
        raise BudgetExceededError(
            f"all {stream.n_patterns:,} patterns are written, but could not be counted "
            f"another way: {error} End without proof with --resume --no-proof "
            "(resume=True, prove=False)."
        ) from error
