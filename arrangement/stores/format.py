"""The files of a store of patterns, without Zarr: metadata, checksums, safe writing.

`storage` tells the layout and the order of writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from arrangement.errors import InputError
from arrangement.io import parse_json, shown
from arrangement.options import whole_number

FORMAT = 3
# of each format the level of compression: 2 takes a quarter of the time of 5, and up to
# a third more bytes
_LEVELS = {1: 5, 3: 2}
_NUMBERS = ("n_rows", "rank", "block_size", "format", "count", "chunks", "total")
# Digits of the bound, as many as Python reads, and the bits of so many digits.
_MOST_DIGITS = 4300
_MOST_BITS = 1 << 14
METADATA = "zarr.json"
CHECKSUMS = "checksums"
COMPLETE, INCOMPLETE = "complete", "incomplete"
REWRITE = (
    "The same command with --resume (resume=True) writes it and all after it again."
)
_REMOVE = "Remove the store and write it again."
_PARTIAL = ".partial"
_LINE = re.compile(r"([0-9a-f]{64})  ([0-9]{1,18})  c\.([0-9]{1,18})\.0\n")
_OURS = re.compile(r"c\.[0-9]+\.0|checksums|\.partial")
# patterns a chunk, and bytes of it that a reader has to hold
_BLOCK = 1 << 16
_CHUNK_BYTES = 1 << 25
# Blosc takes no buffer of 2 GiB or more
_MAX_CHUNK_BYTES = 1 << 30
_BITS = (
    "bit i % 64 of word i // 64 is 1 where row i is >= 0 inside the chamber; padding "
    "bits are zero"
)


@dataclass(frozen=True)
class Header:
    """What ``zarr.json`` says beside the array; ``count`` patterns in ``chunks``."""

    matrix_sha256: str
    n_rows: int
    rank: int
    bound: str
    antipodes: str
    plan: str
    block_size: int
    bits: str = _BITS
    format: int = FORMAT
    count: int = 0
    chunks: int = 0
    total: int | None = None
    status: str = INCOMPLETE
    proof_method: str = "none"
    proof: str = "none: the list is incomplete"
    checksums_sha256: str = hashlib.sha256().hexdigest()

    def contradiction(self) -> str:
        """Return what does not fit in a header that was read, or ""."""
        bound = self.bound
        if not (bound.isascii() and bound.isdigit() and len(bound) <= _MOST_DIGITS):
            return "its bound is no number"
        if not 0 <= self.rank <= self.n_rows:
            return f"its rank is {self.rank:,} of {self.n_rows:,} rows"
        if not 1 <= self.block_size <= _MAX_CHUNK_BYTES // (8 * max(self.width, 1)):
            return f"its chunks would have {self.block_size:,} patterns"
        if self.chunks != -(-self.count // self.block_size):
            return f"{self.count:,} patterns are not in {self.chunks:,} chunks"
        if not self.count <= int(bound) <= 1 << min(self.n_rows, _MOST_BITS):
            return f"{self.count:,} patterns and its bound do not fit"
        if self.status not in (COMPLETE, INCOMPLETE):
            return f"its status is {shown(self.status)}"
        if self.total != (self.count if self.status == COMPLETE else None):
            return "its total is not what is there"
        return ""

    @property
    def width(self) -> int:
        """Words a pattern."""
        return -(-self.n_rows // 64)

    def attributes(self) -> dict[str, Any]:
        """Return the fields with a SHA-256 of them all."""
        values = asdict(self)
        text = json.dumps(values, sort_keys=True)
        return values | {"sha256": hashlib.sha256(text.encode()).hexdigest()}

    def document(self) -> dict[str, Any]:
        """Return the metadata of the array; not Zarr's, whose text changes."""
        chunk = [self.block_size, max(self.width, 1)]
        blosc = {
            "typesize": 8,
            "cname": "zstd",
            "clevel": _LEVELS[self.format],
            "shuffle": "bitshuffle",
            # one block a chunk: several would be stored in the order threads end
            "blocksize": 8 * chunk[0] * chunk[1],
        }
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [self.count, self.width],
            "data_type": "uint64",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {
                "name": "default",
                "configuration": {"separator": "."},
            },
            "fill_value": 0,
            "codecs": [
                {"name": "transpose", "configuration": {"order": [1, 0]}},
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "blosc", "configuration": blosc},
                {"name": "crc32c"},
            ],
            "dimension_names": ["pattern", "word"],
            "attributes": {"arrangement": self.attributes()},
        }


@dataclass(frozen=True)
class Checksum:
    """One line of ``checksums``."""

    sha256: str
    size: int
    chunk: int

    @property
    def name(self) -> str:
        """Name of the chunk's file."""
        return f"c.{self.chunk}.0"

    def __str__(self) -> str:
        """Return the line, with its end."""
        return f"{self.sha256}  {self.size}  {self.name}\n"


def chunk_rows(block_size: int | None, n_rows: int) -> int:
    """Return the patterns of a chunk: those asked for, or a good number of them."""
    row_bytes = 8 * max(-(-n_rows // 64), 1)
    if block_size is None:
        # even, so that a chamber and its antipode share a chunk
        return max(2, min(_BLOCK, _CHUNK_BYTES // row_bytes) // 2 * 2)
    size = whole_number(block_size, "block_size")
    most = _MAX_CHUNK_BYTES // row_bytes
    if not 1 <= size <= most:
        raise InputError(
            f"block_size={size}; expected 1 to {most:,} patterns of {row_bytes} bytes."
        )
    return size


def read_header(folder: Path) -> Header:
    """Read ``zarr.json`` and check all of it that is not the user's own.

    Raises
    ------
    InputError
        No store of patterns, another format, or altered.
    """
    try:
        text = (folder / METADATA).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        what = "is no folder" if not folder.is_dir() else f"has no {METADATA}"
        raise InputError(
            f"{folder} is not a store of patterns: it {what}. If its writing was "
            "stopped before the first chunk, continue with --resume (resume=True)."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {folder / METADATA}: {error}.") from error
    try:
        document = parse_json(text)
        values = document["attributes"]["arrangement"]
        version = values["format"]
    except ValueError as error:
        raise InputError(f"{folder / METADATA} is damaged: {error}.") from None
    except (KeyError, TypeError):
        raise InputError(
            f"{folder / METADATA} is damaged, or of a Zarr store that write_patterns "
            "did not write (zarr.open reads those)."
        ) from None
    if type(version) is not int or version not in _LEVELS:
        raise InputError(
            f"{folder} has format {shown(version)}; this version reads formats "
            f"{' and '.join(map(str, _LEVELS))}. Install the version that wrote it, or "
            "write the list again."
        )
    given = {name: value for name, value in values.items() if name != "sha256"}
    wrong = _wrong_field(given)
    header = None if wrong else Header(**given)
    if header is not None:
        wrong = header.contradiction() or _wrong_document(header, document)
    if wrong or header is None:
        raise InputError(f"{folder / METADATA} is altered: {wrong}. {_REMOVE}")
    return header


def _wrong_document(header: Header, document: dict[str, Any]) -> str:
    """Return what is not as the fields of the header make it, or ""."""
    expected = header.document()
    if expected["attributes"]["arrangement"] != document["attributes"]["arrangement"]:
        return "its SHA-256 is not that of what it says"
    for name in expected:
        if name != "attributes" and expected[name] != document.get(name):
            return f"{name!r} is not that of a store of these patterns"
    return ""


def _wrong_field(values: dict[str, Any]) -> str:
    """Return which field of a header is missing, unknown or of another type, or ""."""
    names = [field.name for field in fields(Header)]
    if set(values) != set(names):
        odd = min(set(values) ^ set(names))
        return f"it lacks {odd!r}" if odd in names else f"{shown(odd)} is unknown"
    for name in names:
        value = values[name]
        if name == "total" and value is None:
            continue
        if type(value) is not (int if name in _NUMBERS else str):
            return f"{name} is {shown(value)}"
        if isinstance(value, str) and not value.isprintable():
            return f"{name} holds control characters"
        if isinstance(value, int) and value < 0:
            return f"{name} is negative"
    return ""


def stored_header(folder: Path, header: Header) -> Header | None:
    """Return the header of a store to go on with; None when there is none yet.

    Raises
    ------
    InputError
        The folder holds something else than the beginning of this list.
    """
    if not (folder / METADATA).exists():
        strange = [p.name for p in folder.iterdir() if not _OURS.fullmatch(p.name)]
        if strange:
            raise InputError(
                f"{folder} is not a store of patterns: it holds {min(strange)!r} and "
                f"no {METADATA}. Give another path."
            )
        return None
    stored = read_header(folder)
    same = "Give what it was begun with, or another path"
    if stored.matrix_sha256 != header.matrix_sha256:
        raise InputError(
            f"{folder} is of another matrix: its SHA-256 is {stored.matrix_sha256}, "
            f"that of the matrix given is {header.matrix_sha256}. {same}."
        )
    if stored.block_size != header.block_size:
        raise InputError(
            f"{folder} has {stored.block_size} patterns a chunk; block_size="
            f"{header.block_size} came. {same}."
        )
    if stored.plan != header.plan:
        raise InputError(
            f"{folder} was listed in another way ({stored.plan!r}; now "
            f"{header.plan!r}), so the order differs. {_REMOVE}"
        )
    return stored


def read_checksums(folder: Path) -> list[Checksum]:
    """Read the lines of ``checksums`` up to the first that is not whole."""
    try:
        text = (folder / CHECKSUMS).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(
            f"cannot read {folder / CHECKSUMS}: {error.strerror}."
        ) from error
    found = []
    for k, line in enumerate(text.splitlines(keepends=True)):
        match = _LINE.fullmatch(line)
        if match is None or int(match[3]) != k:
            break
        found.append(Checksum(match[1], int(match[2]), k))
    return found


def digest_lines(lines: list[Checksum]) -> str:
    """Return the SHA-256 of lines of ``checksums``."""
    return hashlib.sha256("".join(map(str, lines)).encode()).hexdigest()


def check_checksums(folder: Path, header: Header) -> list[Checksum]:
    """Return the checksums of a finished store.

    Raises
    ------
    InputError
        A line is missing or altered.
    """
    lines = read_checksums(folder)[: header.chunks]
    if len(lines) < header.chunks or digest_lines(lines) != header.checksums_sha256:
        raise InputError(
            f"{folder / CHECKSUMS} is missing or altered; it should list "
            f"{header.chunks} chunks. The same command with --resume (resume=True) "
            "writes it again."
        )
    return lines


def check_size(folder: Path, checksum: Checksum) -> None:
    """Check that the file of a chunk is there and as long as it was.

    Raises
    ------
    InputError
        Names the chunk.
    """
    if checksum.size == 0:  # patterns of no rows: no words, no files
        return
    try:
        size = (folder / checksum.name).stat().st_size
    except FileNotFoundError:
        raise InputError(
            f"chunk {checksum.chunk} of {folder} is missing (file {checksum.name}). "
            f"{REWRITE}"
        ) from None
    if size != checksum.size:
        raise InputError(
            f"chunk {checksum.chunk} of {folder} is damaged: file {checksum.name} has "
            f"{size} bytes; {checksum.size} were written. {REWRITE}"
        )


def check_frame(folder: Path, header_bytes: int, checksum: Checksum) -> None:
    """Check that a chunk unpacks to so many bytes, before memory is taken for them.

    A Blosc frame says at byte 4 what it unpacks to, and at byte 12 how long it is; four
    bytes of CRC-32C follow it.

    Raises
    ------
    InputError
        Names the chunk.
    """
    try:
        with (folder / checksum.name).open("rb") as stream:
            head = stream.read(16)
        unpacked, _, length = struct.unpack("<4xIII", head)
    except (OSError, struct.error):
        unpacked = length = -1
    if unpacked != header_bytes or length + 4 != checksum.size:
        raise InputError(
            f"chunk {checksum.chunk} of {folder} is damaged (file {checksum.name}): "
            f"its frame is not one of {header_bytes:,} bytes. {REWRITE}"
        )


def write_header(folder: Path, header: Header) -> None:
    """Replace ``zarr.json``: what this says is on the disk, is."""
    text = json.dumps(header.document(), indent=2) + "\n"
    replace_other(folder / METADATA, text.encode())


def write_checksums(folder: Path, lines: list[Checksum]) -> None:
    """Replace ``checksums`` by these lines."""
    replace_other(folder / CHECKSUMS, "".join(map(str, lines)).encode())


def replace_other(path: Path, data: bytes) -> None:
    """Replace a file unless it says the same already."""
    try:
        is_same = path.read_bytes() == data
    except OSError:
        is_same = False
    if not is_same:
        replace_file(path, data)


def append_checksum(folder: Path, line: Checksum) -> None:
    """Append a line to ``checksums`` and force it to the disk."""
    with (folder / CHECKSUMS).open("ab") as stream:
        stream.write(str(line).encode())
        stream.flush()
        os.fsync(stream.fileno())


def write_file(path: Path, data: bytes) -> None:
    """Write a file and force it to the disk, but not its name."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Write a whole file under another name, force it to the disk, rename it."""
    # one name for all: what a killed process leaves there is overwritten
    partial = path.with_name(_PARTIAL)
    write_file(partial, data)
    partial.replace(path)
    sync_folder(path.parent)


def remove_partial(folder: Path) -> None:
    """Remove what a killed process left."""
    (folder / _PARTIAL).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Force to the disk what a folder holds, by name."""
    if os.name == "posix":  # elsewhere folders cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(folder: Path, *, exist_ok: bool) -> Iterator[None]:
    """Make the folder and keep other writers out; the lock dies with the process.

    Not with the last of its copies, as the workers of a pool are: those may outlive it.
    """
    folder.mkdir(exist_ok=exist_ok)
    sync_folder(folder.parent)
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    _held.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder} is being written by another process; wait for it or stop it."
            ) from None
        yield
    finally:
        if handle in _held:  # not in a copy
            _held.remove(handle)
            os.close(handle)


def _let_go() -> None:
    """Close in a copy of a process what that has locked, which goes on to hold it."""
    while _held:
        os.close(_held.pop())


# files of the folders that this process has locked
_held: set[int] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
