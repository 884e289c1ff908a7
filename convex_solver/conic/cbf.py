"""The full program in the Conic Benchmark Format, version 3.

Rows are ``A x + b`` in cones there, so that A has the other sign.  The exponential cone
is ``x1 >= x2 exp(x3 / x2)``: its rows come in reverse order.  The format has no
quadratic cost: ``1/2 sum q_k a_k^2`` becomes a variable t, last, with

    (t + 1/2, t - 1/2, sqrt(q_1) a_1, ..)  in a second-order cone, last.

Comments hold what the format has no place for: which columns are the blocks, and, in
the last line, the SHA-256 of all lines before it, since a digit that is lost or altered
leaves a number too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from arrangement.io import parse_json, shown
from convex_solver.conic.columns import iter_columns, right_hand_side
from convex_solver.conic.model import ConicProgram
from convex_solver.conic.sizes import ConicSizes
from convex_solver.conic.validity import COUNTS, contradiction, is_cone, is_count
from convex_solver.errors import ConicFileError
from convex_solver.losses import ConicLoss
from convex_solver.program import ConvexProgram
from convex_solver.typing import Array

Ints = NDArray[np.int64]

_NAMES = {"zero": "L=", "nonnegative": "L+", "second_order": "Q", "exponential": "EXP"}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_LAYOUT = "# layout "
_END = "# sha256 "
# lines in memory at once
_LINES = 1 << 16


def write_cbf(
    stream: BinaryIO, program: ConvexProgram, loss: ConicLoss, sizes: ConicSizes
) -> None:
    """Write the program: structure and counts first, then the data as they come."""
    digested = _Digested(stream)
    _write_lines_of(digested, program, loss, sizes)
    stream.write(f"{_END}{digested.digest()}\n".encode())


class _Digested:
    """What is written to a stream, and the digest of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._state = hashlib.sha256()

    def write(self, content: bytes) -> None:
        self._stream.write(content)
        self._state.update(content)

    def digest(self) -> str:
        return self._state.hexdigest()


def _write_lines_of(
    stream: _Digested, program: ConvexProgram, loss: ConicLoss, sizes: ConicSizes
) -> None:
    extra = 1 if sizes.n_quadratic else 0
    top = sizes.n_rows
    for text in _structure(loss, sizes):
        stream.write(text.encode("ascii"))
    linear = np.flatnonzero(loss.linear)
    norms = 2 * sizes.n_chambers
    stream.write(b"\nOBJACOORD\n%d\n" % (linear.size + norms + extra))
    _write_lines(stream, [linear], loss.linear[linear])
    for begin in range(sizes.first_norm, sizes.first_flow, _LINES):
        columns = np.arange(begin, min(begin + _LINES, sizes.first_flow))
        _write_lines(stream, [columns], np.full(columns.size, program.beta))
    if extra:
        _write_lines(stream, [np.array([sizes.n_variables])], np.ones(1))
    if loss.constant:
        stream.write(f"\nOBJBCOORD\n{float(loss.constant)!r}\n".encode())
    places = _reversed_triples(sizes)
    n_entries = sizes.n_entries + (2 + sizes.n_quadratic if extra else 0)
    stream.write(b"\nACOORD\n%d\n" % n_entries)
    first = 0
    for piece in iter_columns(program, loss, sizes):
        columns = first + np.repeat(np.arange(piece.shape[1]), np.diff(piece.indptr))
        # only the first piece has entries in the rows of the loss
        rows = piece.indices if first else _moved(piece.indices, places, sizes)
        _write_lines(stream, [rows, columns], -piece.data)
        first += piece.shape[1]
    rows, values = right_hand_side(loss, sizes)
    rows = _moved(rows, places, sizes)
    if extra:
        squares = np.flatnonzero(loss.quadratic)
        below = top + 2 + np.arange(squares.size)
        _write_lines(stream, [below, squares], np.sqrt(loss.quadratic[squares]))
        t = np.full(2, sizes.n_variables)
        _write_lines(stream, [np.array([top, top + 1]), t], np.ones(2))
        rows = np.concatenate([rows, [top, top + 1]])
        values = np.concatenate([values, [0.5, -0.5]])
    kept = np.flatnonzero(values)
    stream.write(b"\nBCOORD\n%d\n" % kept.size)
    _write_lines(stream, [rows[kept]], values[kept])
    stream.write(b"\n")


def _structure(loss: ConicLoss, sizes: ConicSizes) -> Iterator[str]:
    """Everything before the data, in pieces of bounded size."""
    extra = 1 if sizes.n_quadratic else 0
    layout = {
        "form": sizes.form,
        "n_chambers": sizes.n_chambers,
        "first_block": sizes.n_loss_variables,
        "rank": sizes.rank,
        "n_cone_rows": sizes.n_cone_rows,
    }
    cones = list(sizes.cones)
    if extra:
        cones.append(("second_order", 2 + sizes.n_quadratic, 1))
    n_variables = sizes.n_variables + extra
    n_rows = sizes.n_rows + (2 + sizes.n_quadratic if extra else 0)
    yield "# convex program of a two-layer ReLU network, one pair of blocks a chamber\n"
    yield f"{_LAYOUT}{json.dumps(layout)}\n"
    yield "VER\n3\n\nOBJSENSE\nMIN\n"
    yield f"\nVAR\n{n_variables} 1\nF {n_variables}\n"
    yield f"\nCON\n{n_rows} {sum(times for _, _, times in cones)}\n"
    for kind, size, times in cones:
        # a second-order cone of one row is a half-line
        name = "L+" if size == 1 and kind == "second_order" else _NAMES[kind]
        line = f"{name} {size}\n"
        for begin in range(0, times, _LINES):
            yield line * min(_LINES, times - begin)


def _reversed_triples(sizes: ConicSizes) -> Ints:
    """Where each row of the loss goes when exponential cones are turned round."""
    places = np.arange(sizes.n_loss_rows)
    row = 0
    for kind, size, times in sizes.cones:
        first, row = row - sizes.loss_row, row + size * times
        if kind == "exponential":
            triples = places[first : first + size * times].reshape(-1, 3)
            triples[:] = triples[:, ::-1].copy()
    return places


def _moved(rows: NDArray[Any], places: Ints, sizes: ConicSizes) -> NDArray[Any]:
    rows = rows.astype(np.int64)
    inner = rows - sizes.loss_row
    of_loss = (inner >= 0) & (inner < places.size)
    rows[of_loss] = sizes.loss_row + places[inner[of_loss]]
    return rows


def _write_lines(stream: _Digested, places: list[NDArray[Any]], values: Array) -> None:
    """Write a line of indices and value for each entry.

    Few values are distinct: each is turned into text once.
    """
    for begin in range(0, values.size, _LINES):
        part = slice(begin, begin + _LINES)
        distinct, which = np.unique(values[part], return_inverse=True)
        texts = [f"{value!r}\n" for value in distinct.tolist()]
        columns = [place[part].tolist() for place in places]
        if len(columns) == 1:
            pairs = zip(columns[0], which.tolist(), strict=True)
            text = "".join([f"{i} {texts[k]}" for i, k in pairs])
        else:
            triples = zip(*columns, which.tolist(), strict=True)
            text = "".join([f"{i} {j} {texts[k]}" for i, j, k in triples])
        stream.write(text.encode("ascii"))


def read_cbf(stream: BinaryIO, path: Path) -> ConicProgram:
    """Read what `write_cbf` wrote: free variables, no integers, no matrices."""
    reader = _Reader(stream, path)
    while keyword := reader.keyword():
        read = getattr(reader, f"read_{keyword.lower()}", None)
        if read is None:
            raise reader.error(
                f"the keyword {shown(keyword)} is none that write_conic uses"
            )
        if keyword in reader.seen:
            raise reader.error(f"{keyword} came twice")
        reader.seen.add(keyword)
        read()
    return reader.program()


class _Reader:
    """The parts of a file as they are read, one method for each keyword."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._size = os.fstat(stream.fileno()).st_size
        self._line = 0
        self._state = hashlib.sha256()
        self._is_ended = False
        self.seen: set[str] = set()
        self._layout: dict[str, Any] = {}
        self._n_variables = self._n_rows = 0
        self._cones: list[tuple[str, int]] = []
        self._constant = 0.0

    def error(self, what: str) -> ConicFileError:
        return ConicFileError(
            f"{self._path}, line {self._line}: {what}. Write it again with write_conic."
        )

    def _lines(self, count: int) -> list[str]:
        lines = list(islice(self._stream, count))
        self._line += len(lines)
        for line in lines:
            self._state.update(line)
        if len(lines) < count:
            raise self.error(f"the file ends where {count - len(lines)} more lines are")
        try:
            return [line.decode("ascii") for line in lines]
        except UnicodeDecodeError:
            raise self.error("not a text file") from None

    def keyword(self) -> str:
        """Return the next keyword, "" at the end of the file."""
        for raw in self._stream:
            self._line += 1
            line = raw.decode("ascii", errors="replace").strip()
            if self._is_ended:
                raise self.error("a line follows the digest of all lines")
            if line.startswith(_END):
                if raw != f"{_END}{self._state.hexdigest()}\n".encode():
                    raise self.error(
                        "the digest is not that of the lines above: one of them was "
                        "altered, or is missing"
                    )
                self._is_ended = True
            self._state.update(raw)
            if line.startswith(_LAYOUT):
                self._read_layout(line.removeprefix(_LAYOUT))
            elif line and not line.startswith("#"):
                return line
        return ""

    def _read_layout(self, text: str) -> None:
        if self._layout:
            raise self.error("the layout came twice")
        try:
            layout = parse_json(text)
        except ValueError as error:
            raise self.error(f"the layout cannot be read ({error})") from None
        if not isinstance(layout, dict) or set(layout) != {*COUNTS, "form"}:
            raise self.error("the layout has other fields than write_conic writes")
        if not all(is_count(layout[name]) for name in COUNTS):
            raise self.error("a size in the layout is no count")
        self._layout = layout

    def _numbers(self, count: int, width: int) -> Array:
        """Read lines of so many numbers each."""
        lines = self._lines(count)
        try:
            flat = np.array(" ".join(lines).split(), dtype=np.float64)
            out: Array = flat.reshape(count, width)
        except ValueError:
            raise self.error(
                f"a line among the last {count} does not hold {width} numbers"
            ) from None
        if not np.all(np.isfinite(out)):
            raise self.error("a number is not finite")
        return out

    def _count(self) -> int:
        count = self._numbers(1, 1)[0, 0]
        # a line has two bytes at least
        if count < 0 or count % 1 or 2 * count > self._size:
            raise self.error(f"{count:g} is no count, or the file is cut off")
        return int(count)

    def _pair(self) -> tuple[int, int]:
        pair = self._numbers(1, 2)[0]
        if np.any((pair < 0) | (pair % 1 != 0) | (pair > self._size)):
            raise self.error("expected two counts; the file is altered or cut off")
        return int(pair[0]), int(pair[1])

    def _coordinates(self, limits: list[int]) -> tuple[list[Ints], Array]:
        """Read a count and as many lines of indices below the limits and a value."""
        total, width = self._count(), len(limits) + 1
        places = [np.empty(total, dtype=np.int64) for _ in limits]
        values = np.empty(total)
        for begin in range(0, total, _LINES):
            part = slice(begin, min(begin + _LINES, total))
            table = self._numbers(part.stop - begin, width)
            for place, column, limit in zip(places, table.T, limits, strict=False):
                if np.any((column < 0) | (column >= limit) | (column % 1 != 0)):
                    raise self.error(f"an index is not one of 0 .. {limit - 1}")
                place[part] = column
            values[part] = table[:, -1]
        return places, values

    def _check_once(self, places: Ints) -> None:
        if np.unique(places).size < places.size:
            raise self.error("an entry of a vector stands twice")

    def read_ver(self) -> None:
        if self._count() > 4:
            raise self.error("a version of the format after 4")

    def read_objsense(self) -> None:
        if self._lines(1)[0].strip() != "MIN":
            raise self.error("expected MIN")

    def read_var(self) -> None:
        self._n_variables = self._pair()[0]
        if self._lines(1)[0].split() != ["F", str(self._n_variables)]:
            raise self.error("expected free variables only")

    def read_con(self) -> None:
        n_rows, n_cones = self._pair()
        for line in self._lines(n_cones):
            name, _, size = line.partition(" ")
            # int() refuses what is long beyond reason, isdigit() other scripts' digits
            digits = size.rstrip("\n")
            is_short = digits.isdigit() and len(digits) < 19
            if not is_short or not is_cone(_KINDS.get(name), int(digits)):
                raise self.error(
                    f"{shown(line.rstrip())} is no cone that write_conic uses"
                )
            self._cones.append((_KINDS[name], int(digits)))
        if sum(size for _, size in self._cones) != n_rows:
            raise self.error(f"the cones do not have {n_rows} rows together")
        self._n_rows = n_rows

    def read_objacoord(self) -> None:
        (columns,), values = self._coordinates([self._n_variables])
        self._q = np.zeros(self._n_variables)
        self._q[columns] = values
        self._check_once(columns)

    def read_objbcoord(self) -> None:
        self._constant = float(self._numbers(1, 1)[0, 0])

    def read_acoord(self) -> None:
        (rows, columns), values = self._coordinates([self._n_rows, self._n_variables])
        rows = self._turned()[rows]
        self._A = sp.coo_matrix(
            (-values, (rows, columns)), shape=(self._n_rows, self._n_variables)
        ).tocsc()
        # entries of one place would have been added up
        if self._A.nnz < values.size:
            raise self.error("an entry of ACOORD stands twice")

    def read_bcoord(self) -> None:
        (rows,), values = self._coordinates([self._n_rows])
        self._b = np.zeros(self._n_rows)
        self._b[self._turned()[rows]] = values
        self._check_once(rows)

    def _turned(self) -> Ints:
        """Where each row goes when exponential cones are turned round."""
        places = np.arange(self._n_rows)
        row = 0
        for kind, size in self._cones:
            if kind == "exponential":
                places[row : row + size] = places[row : row + size][::-1].copy()
            row += size
        return places

    def program(self) -> ConicProgram:
        """Put the parts together."""
        missing = {"VER", "OBJSENSE", "VAR", "CON", "OBJACOORD", "ACOORD", "BCOORD"}
        missing -= self.seen
        if missing:
            raise self.error(f"the file ends without {', '.join(sorted(missing))}")
        if not self._is_ended:
            raise self.error(
                f"it ends without '{_END}..' and is cut off, or of an earlier version"
            )
        if not self._layout:
            raise self.error("the file ends without a layout")
        program = ConicProgram(
            P=sp.csc_matrix((self._n_variables, self._n_variables)),
            q=self._q,
            A=self._A,
            b=self._b,
            cones=self._cones,
            n_chambers=self._layout["n_chambers"],
            first_block=self._layout["first_block"],
            rank=self._layout["rank"],
            n_cone_rows=self._layout["n_cone_rows"],
            constant=self._constant,
            form=self._layout["form"],
        )
        if what := contradiction(program):
            raise self.error(what)
        return program
