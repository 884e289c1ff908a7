"""Stores that are written in pieces: a Zarr group, with an array for each piece.

``zarr.json`` is that of a group and says what all pieces have in common; ``piece.0``,
``piece.1``, .. are arrays as `stores` tells, each with its checksums, and one after
another they are the list.  A piece is written under a name of its own, forced to the
disk, and renamed: it is there in whole or not at all.  So pieces need no locks, a
worker may die at any moment, and two that write the same piece do no harm: both write
the same bytes, and the second finds the first's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import BudgetExceededError, InputError
from arrangement.executors import results_of
from arrangement.io import parse_json, shown
from arrangement.listing import Piece, Plan, SignShare, default_pieces
from arrangement.model import Arrangement, PatternSet, Proof
from arrangement.options import Listener, Progress
from arrangement.stores import format as form
from arrangement.stores.chunks import intact_chunks, write_all, write_chunks
from arrangement.stores.format import Checksum, Header
from arrangement.verification import PartProof, Prover

FORMAT = 2
_REMOVE = "Remove the store and write it again."


@dataclass(frozen=True)
class GroupHeader:
    """What ``zarr.json`` of a group says; ``digests`` are of the pieces' checksums."""

    matrix_sha256: str
    n_rows: int
    rank: int
    bound: str
    antipodes: str
    plan: str
    block_size: int
    bits: str
    n_pieces: int
    division_sha256: str
    format: int = FORMAT
    status: str = form.INCOMPLETE
    counts: tuple[int, ...] = ()
    digests: tuple[str, ...] = ()
    proof_method: str = "none"
    proof: str = "none: the list is incomplete"

    def document(self) -> dict[str, Any]:
        """Return the metadata of the group."""
        values = asdict(self)
        text = json.dumps(values, sort_keys=True)
        values |= {"sha256": hashlib.sha256(text.encode()).hexdigest()}
        return {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {"arrangement": values},
        }


class Joined:
    """Arrays one after another, read by slices as one of them is."""

    def __init__(self, arrays: list[Any]) -> None:
        self._arrays = arrays
        self.dtype = np.dtype(np.uint64)
        self.shape = (sum(array.shape[0] for array in arrays), arrays[0].shape[1])

    def __getitem__(self, key: int | slice) -> NDArray[np.uint64]:
        """Return a row for an int, rows for a slice."""
        if isinstance(key, (int, np.integer)):
            place = range(self.shape[0])[key]
            row: NDArray[np.uint64] = self[place : place + 1][0]
            return row
        places = range(self.shape[0])[key]
        forward = places if places.step > 0 else places[::-1]
        parts = [np.zeros((0, self.shape[1]), dtype=np.uint64)]
        begin = 0
        for array in self._arrays:
            inside = places_within(forward, begin, begin + array.shape[0])
            if inside is not None:
                parts.append(np.asarray(array[inside]))
            begin += array.shape[0]
        packed: NDArray[np.uint64] = np.concatenate(parts)
        return packed if places.step > 0 else packed[::-1]


def places_within(forward: range, begin: int, end: int) -> slice | None:
    """Return the places of an ascending range that are in a part, counted from it."""
    # the first place that is in this part or after it
    skip = max(0, -((forward.start - begin) // forward.step))
    first = forward.start + skip * forward.step
    last = min(forward[-1] if forward else -1, end - 1)
    return (
        slice(first - begin, last + 1 - begin, forward.step) if first <= last else None
    )


def is_group(folder: Path) -> bool:
    """Whether a store was begun in pieces; False where there is no store."""
    try:
        document = parse_json((folder / form.METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("node_type") == "group"


def check_kind(folder: Path, *, with_executor: bool) -> None:
    """Refuse to go on in another way than a store was begun in.

    Raises
    ------
    InputError
    """
    if not (folder / form.METADATA).exists() or is_group(folder) == with_executor:
        return
    if with_executor:
        raise InputError(
            f"{folder} was begun without executor, in one piece. Go on without, or "
            "give another path."
        )
    raise InputError(
        f"{folder} was begun in pieces. Go on with an executor "
        "(ThreadPoolExecutor(1) will do), or give another path."
    )


def piece_folder(folder: Path, number: int) -> Path:
    """Where a piece is."""
    return folder / f"piece.{number}"


def read_group(folder: Path) -> GroupHeader:
    """Read ``zarr.json`` of a group and check that it is as it was written.

    Raises
    ------
    InputError
        Another format, or altered.
    """
    path = folder / form.METADATA
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
        values = dict(document["attributes"]["arrangement"])
        version = values["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())[:200]
        raise InputError(
            f"{path} is damaged, or of a Zarr group that write_patterns did not "
            f"write: {reason}."
        ) from None
    if type(version) is not int or version != FORMAT:
        raise InputError(
            f"{folder} has format {shown(version)}; this version reads groups of "
            f"format {FORMAT}. Install the version that wrote it, or write it again."
        )
    values.pop("sha256", None)
    names = {field.name for field in fields(GroupHeader)}
    wrong = "its fields are not those of a group of pieces"
    if set(values) == names:
        for name in ("counts", "digests"):
            values[name] = tuple(values[name]) if isinstance(values[name], list) else ()
        group = GroupHeader(**values)
        if json.loads(json.dumps(group.document())) == document:
            return group
        wrong = "its SHA-256 is not that of what it says"
    raise InputError(f"{path} is altered: {wrong}. {_REMOVE}")


def write_group(
    folder: Path,
    header: Header,
    arrangement: Arrangement,
    executor: Executor,
    prove: bool,
    progress: Listener | None,
) -> Proof | None:
    """Bring a store in pieces to its end from wherever it is.

    The caller has locked the folder.  Proofs come from listing again and comparing.
    """
    plan = Plan(arrangement, by_cells=prove)
    pieces = default_pieces(plan)
    group = _group_header(header, plan, pieces)
    stored = _begun(folder, group)
    _remove_partial(folder)
    if stored is None:
        _write_header(folder, group)
    prover = Prover(arrangement, progress=progress) if prove else None
    counts: list[int] = []
    digests: list[str] = []
    place = str(folder.absolute())
    tasks = [(place, piece, replace(header, plan=plan.text), prove) for piece in pieces]
    for result in results_of(executor, write_piece, tasks):
        if result is None:
            continue
        count, found, part = result
        if prover is not None:
            prover.extend(part)
        counts.append(count)
        digests.append(found)
        if progress is not None:
            progress(Progress.of_patterns(sum(counts), plan.bound))
    _remove_partial(folder)
    if stored is not None and stored.digests == tuple(digests) and not prove:
        # it says no less than what was found now
        return None
    proof = None if prover is None else _concluded(prover, sum(counts))
    text = "none, as asked: completeness was not checked"
    group = replace(
        group,
        status=form.COMPLETE,
        counts=tuple(counts),
        digests=tuple(digests),
        proof_method="none" if proof is None else proof.method,
        proof=text if proof is None else str(proof),
    )
    _write_header(folder, group)
    return proof


def _concluded(prover: Prover, total: int) -> Proof:
    try:
        return prover.conclude(np.zeros((0, 0), dtype=np.uint64))
    except BudgetExceededError as error:
        raise BudgetExceededError(
            f"all {total:,} patterns are written, but could not be counted another "
            f"way: {error} End without proof with resume=True, prove=False."
        ) from error


def _group_header(header: Header, plan: Plan, pieces: list[Piece]) -> GroupHeader:
    shares = json.dumps([_plain(piece.share) for piece in pieces])
    return GroupHeader(
        matrix_sha256=header.matrix_sha256,
        n_rows=header.n_rows,
        rank=header.rank,
        bound=header.bound,
        antipodes=header.antipodes,
        plan=plan.text,
        block_size=header.block_size,
        bits=header.bits,
        n_pieces=len(pieces),
        division_sha256=hashlib.sha256(shares.encode()).hexdigest(),
    )


def _plain(share: Any) -> Any:
    """Return a share as lists and numbers, which are written alike everywhere."""
    if isinstance(share, SignShare):
        return [share.places.tolist(), share.signs.tolist()]
    return share and [[*box] for box in share]


def _begun(folder: Path, group: GroupHeader) -> GroupHeader | None:
    """Return what the store says so far, None where it says nothing yet.

    Raises
    ------
    InputError
        The folder holds something else than the beginning of this store.
    """
    if not (folder / form.METADATA).exists():
        strange = [p.name for p in folder.iterdir() if not _is_partial(p)]
        if strange:
            raise InputError(
                f"{folder} is not a store of patterns: it holds {min(strange)!r} and "
                f"no {form.METADATA}. Give another path."
            )
        return None
    stored = read_group(folder)
    for name in ("matrix_sha256", "block_size", "plan", "n_pieces", "division_sha256"):
        was, now = getattr(stored, name), getattr(group, name)
        if was != now:
            raise InputError(
                f"{folder} was begun with {name}={shown(was)}; now it is {shown(now)}. "
                "Give what it was begun with, or another path."
            )
    return stored


def write_piece(
    place: str, piece: Piece, header: Header, prove: bool
) -> tuple[int, str, PartProof | None]:
    """Write a piece where it is not there; in a worker.

    Returns how many patterns it has, a digest of them and what is proven about them.
    """
    folder = Path(place)
    target = piece_folder(folder, piece.number)
    prover = piece.prover() if prove else None
    header = replace(
        header,
        proof=f"none: piece {piece.number + 1} of {piece.total}, no list by itself",
    )
    kept = _finished(target, header)
    if kept is not None and prover is None:
        count = form.read_header(target).count
        return count, form.digest_lines(kept), None
    if prover is None:
        blocks = piece.iter_patterns(block_size=header.block_size)
    else:
        blocks = piece.iter_proven(header.block_size, prover)
    if kept is not None:
        written = write_chunks(target, header, kept, blocks)
        if written.chunks > len(kept):
            raise InputError(f"{target} was altered: it lacks patterns. {_REMOVE}")
    else:
        written = _write_new(target, header, blocks)
    part = None if prover is None else prover.part()
    return written.count, written.checksums_sha256, part


def _finished(target: Path, header: Header) -> list[Checksum] | None:
    """Return the checksums of a piece that is there, each compared; None if not."""
    if not (target / form.METADATA).exists():
        return None
    try:
        stored = form.stored_header(target, header)
    except InputError:
        return None
    assert stored is not None
    kept = intact_chunks(target, stored)
    is_whole = stored.status == form.COMPLETE and len(kept) == stored.chunks
    same = form.digest_lines(kept) == stored.checksums_sha256
    return kept if is_whole and same else None


def _write_new(target: Path, header: Header, blocks: Iterator[PatternSet]) -> Header:
    """Write a piece under a name of its own, and rename it."""
    partial = target.with_name(f".{target.name}.{uuid4().hex}")
    partial.mkdir()
    written = write_all(partial, header, blocks)
    # the last to be written, which forces all the names to the disk
    form.write_header(
        partial, replace(written, status=form.COMPLETE, total=written.count)
    )
    if _finished(target, header) is None and target.exists():
        # damaged: out of the way, under a name that is removed at the end
        target.rename(target.with_name(f".{target.name}.{uuid4().hex}"))
    try:
        partial.rename(target)
    except OSError:
        if not target.exists():
            raise
        # another worker was sooner, with the same bytes
        shutil.rmtree(partial)
    form.sync_folder(target.parent)
    return written


def _is_partial(path: Path) -> bool:
    return path.name.startswith(".p")


def _remove_partial(folder: Path) -> None:
    """Remove what workers left that died, or that nobody waits for any more."""
    for path in folder.glob(".piece.*"):
        shutil.rmtree(path, ignore_errors=True)
    form.remove_partial(folder)


def _write_header(folder: Path, group: GroupHeader) -> None:
    text = json.dumps(group.document(), indent=2) + "\n"
    form.replace_other(folder / form.METADATA, text.encode())
