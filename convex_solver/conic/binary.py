"""The full program as a binary file of checked chunks.

The file begins with `MAGIC`, then come

- the header: its length (uint64), JSON text in UTF-8 with all sizes, its SHA-256;
- chunks: a name (8 bytes, padded with zeros) and the length of what follows (uint64),
  the numbers, the SHA-256 of all that;
- the chunk ``end``: the SHA-256 of the digests before it, in order.  Nothing follows.

All numbers are little-endian.  Chunks of one name continue each other:

======== =========================== ==============================================
name     dtype                       what
======== =========================== ==============================================
P.index  int64                       places on the diagonal of P that are not zero
P.value  float64                     what is there
q, b     float64                     the vectors
A.count  int64                       entries of each column of A
A.row    int32, int64 where needed   their rows, ascending in each column
A.value  float64                     what is there
======== =========================== ==============================================
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from arrangement.io import parse_json
from convex_solver.conic.columns import iter_columns, right_hand_side
from convex_solver.conic.model import ConicProgram, diagonal
from convex_solver.conic.sizes import ConicSizes
from convex_solver.conic.validity import contradiction, is_cone, is_count
from convex_solver.errors import ConicFileError
from convex_solver.losses import ConicLoss
from convex_solver.program import ConvexProgram

MAGIC = b"\x89CONIC1\n"
_HEAD = struct.Struct("<8sQ")
_DIGEST = hashlib.sha256().digest_size
_COUNTS = (
    "n_chambers",
    "rank",
    "first_block",
    "n_cone_rows",
    "n_variables",
    "n_rows",
    "n_entries",
    "n_quadratic",
)
_FIELDS = {*_COUNTS, "form", "cones", "constant", "index"}
# numbers in a chunk of a vector
_NUMBERS = 1 << 16


def write_binary(
    stream: BinaryIO, program: ConvexProgram, loss: ConicLoss, sizes: ConicSizes
) -> None:
    """Write the program chunk by chunk."""
    index = "<i4" if sizes.index_dtype is np.int32 else "<i8"
    header = {name: getattr(sizes, name) for name in _COUNTS if name != "first_block"}
    header |= {
        "form": sizes.form,
        "first_block": sizes.n_loss_variables,
        "cones": sizes.cones,
        "constant": float(loss.constant),
        "index": index,
    }
    text = json.dumps(header).encode()
    chain = hashlib.sha256()
    stream.write(MAGIC)
    head = struct.pack("<Q", len(text)) + text
    digest = hashlib.sha256(head).digest()
    chain.update(digest)
    stream.write(head + digest)
    for name, array in _chunks(program, loss, sizes, index):
        content = array.tobytes()
        head = _HEAD.pack(name.encode(), len(content))
        digest = hashlib.sha256(head + content).digest()
        chain.update(digest)
        stream.write(head)
        stream.write(content)
        stream.write(digest)
    content = chain.digest()
    head = _HEAD.pack(b"end", len(content))
    stream.write(head + content + hashlib.sha256(head + content).digest())


def _chunks(
    program: ConvexProgram, loss: ConicLoss, sizes: ConicSizes, index: str
) -> Iterator[tuple[str, NDArray[Any]]]:
    squares = np.flatnonzero(loss.quadratic)
    yield "P.index", squares.astype("<i8")
    yield "P.value", loss.quadratic[squares].astype("<f8")
    for begin in range(0, sizes.n_variables, _NUMBERS):
        columns = np.arange(begin, min(begin + _NUMBERS, sizes.n_variables))
        is_norm = (columns >= sizes.first_norm) & (columns < sizes.first_flow)
        q = np.where(is_norm, program.beta, 0.0)
        of_loss = columns[columns < sizes.n_loss_variables]
        q[: of_loss.size] = loss.linear[of_loss]
        yield "q", q.astype("<f8")
    rows, values = right_hand_side(loss, sizes)
    for begin in range(0, sizes.n_rows, _NUMBERS):
        b = np.zeros(min(_NUMBERS, sizes.n_rows - begin))
        inside = (rows >= begin) & (rows < begin + b.size)
        b[rows[inside] - begin] = values[inside]
        yield "b", b.astype("<f8")
    for piece in iter_columns(program, loss, sizes):
        yield "A.count", np.diff(piece.indptr).astype("<i8")
        yield "A.row", piece.indices.astype(index)
        yield "A.value", piece.data.astype("<f8")


def read_binary(stream: BinaryIO, path: Path) -> ConicProgram:
    """Read what `write_binary` wrote, after its `MAGIC`, and check every chunk."""
    reader = _Reader(stream, path)
    header = reader.header()
    parts = reader.parts(_targets(header))
    n_rows, n_columns = header["n_rows"], header["n_variables"]
    starts = np.zeros(n_columns + 1, dtype=parts["A.row"].dtype)
    np.cumsum(parts["A.count"], out=starts[1:])
    try:
        A = sp.csc_matrix(
            (parts["A.value"], parts["A.row"], starts), shape=(n_rows, n_columns)
        )
        A.check_format(full_check=True)
        P = diagonal(parts["P.index"], parts["P.value"], n_columns)
        P.check_format(full_check=True)
    except (ValueError, IndexError) as error:
        raise reader.error(f"its matrices do not fit together ({error})") from None
    program = ConicProgram(
        P=P,
        q=parts["q"],
        A=A,
        b=parts["b"],
        cones=[(kind, n) for kind, n, times in header["cones"] for _ in range(times)],
        n_chambers=header["n_chambers"],
        first_block=header["first_block"],
        rank=header["rank"],
        n_cone_rows=header["n_cone_rows"],
        constant=header["constant"],
        form=header["form"],
    )
    if what := contradiction(program):
        raise reader.error(what)
    return program


def _targets(header: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Dtype and length of every array."""
    return {
        "P.index": ("<i8", header["n_quadratic"]),
        "P.value": ("<f8", header["n_quadratic"]),
        "q": ("<f8", header["n_variables"]),
        "b": ("<f8", header["n_rows"]),
        "A.count": ("<i8", header["n_variables"]),
        "A.row": (header["index"], header["n_entries"]),
        "A.value": ("<f8", header["n_entries"]),
    }


def _is_group(group: Any) -> bool:
    """Whether an entry of the header is kind and size of a cone and how many."""
    if not isinstance(group, list) or len(group) != 3:
        return False
    return is_cone(*group[:2]) and is_count(group[2]) and group[2] > 0


class _Reader:
    """Where a file is read, and the digests so far."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._size = os.fstat(stream.fileno()).st_size
        self._chain = hashlib.sha256()
        self._place = "the header"

    def error(self, what: str) -> ConicFileError:
        return ConicFileError(f"{self._path}: {what}. Write it again with write_conic.")

    def _read(self, count: int) -> bytes:
        if count > self._size - self._stream.tell():
            raise self.error(f"{self._place} is cut off, or its length was altered")
        return self._stream.read(count)

    def _check(self, content: bytes) -> bytes:
        digest = hashlib.sha256(content).digest()
        if self._read(_DIGEST) != digest:
            raise self.error(f"{self._place} was altered")
        return digest

    def header(self) -> dict[str, Any]:
        length = self._read(8)
        text = self._read(struct.unpack("<Q", length)[0])
        self._chain.update(self._check(length + text))
        try:
            header = parse_json(text)
        except ValueError as error:
            raise self.error(f"the header cannot be understood ({error})") from None
        if not isinstance(header, dict) or set(header) != _FIELDS:
            raise self.error("the header cannot be understood (other fields)")
        if not (
            all(is_count(header[name]) for name in _COUNTS)
            and type(header["constant"]) is float
            and header["index"] in ("<i4", "<i8")
            and isinstance(header["cones"], list)
            and all(map(_is_group, header["cones"]))
            and sum(n * times for _, n, times in header["cones"]) == header["n_rows"]
        ):
            raise self.error("the header contradicts itself")
        return header

    def parts(self, targets: dict[str, tuple[str, int]]) -> dict[str, NDArray[Any]]:
        """Read all chunks into arrays of the lengths that the header states."""
        wanted = sum(np.dtype(kind).itemsize * size for kind, size in targets.values())
        if wanted > self._size:
            raise self.error("the file is shorter than its header says; it is cut off")
        out = {name: np.empty(n, dtype=kind) for name, (kind, n) in targets.items()}
        filled = dict.fromkeys(targets, 0)
        number = 0
        while True:
            number += 1
            self._place = f"chunk {number}"
            head = self._read(_HEAD.size)
            raw, length = _HEAD.unpack(head)
            name = raw.rstrip(b"\0").decode("ascii", errors="replace")
            self._place = f"chunk {number} ({name!r})"
            content = self._read(length)
            digest = self._check(head + content)
            if name == "end":
                break
            self._chain.update(digest)
            if name not in targets or length % out[name].itemsize:
                raise self.error(f"{self._place} is none that write_conic writes")
            part = np.frombuffer(content, dtype=targets[name][0])
            begin, end = filled[name], filled[name] + part.size
            if end > out[name].size:
                raise self.error(f"{self._place} holds more than the header says")
            out[name][begin:end] = part
            filled[name] = end
        if content != self._chain.digest():
            raise self.error("chunks are missing, or not in their order")
        if self._stream.read(1):
            raise self.error("bytes follow the end")
        short = [name for name, size in filled.items() if size < out[name].size]
        if short:
            raise self.error(f"{', '.join(short)} hold less than the header says")
        return out
