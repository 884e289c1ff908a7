"""Read npz files of a known content: these arrays, of these types, and nothing else.

`numpy.load` believes the headers: it takes the memory that they ask for, reads no
further than they say (and then never compares the checksum), and takes the last of two
members of one name.  Here a member has the type and the shape that it must have, as
many bytes as its header says, and all of them are read and compared with the checksum.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError
from arrangement.io.kinds import kind_of_path

# Headers as numpy writes them: version 1.0, a plain type, C order, at most two axes.
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '(<[a-zA-Z][0-9]{1,9})', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,18},? ?){0,2})\), \} *\n"
)
_LONGEST = 1 << 12
_PIECE = 1 << 20
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGES = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


@contextmanager
def open_archive(
    path: str | os.PathLike[str], names: tuple[str, ...]
) -> Iterator[Archive]:
    """Open an npz file that must hold exactly the arrays of these names.

    Raises
    ------
    InputError
        The file is missing, no npz file, or holds other arrays or one of them twice;
        raised for whatever is damaged while it is open, too.
    """
    target = Path(path)
    try:
        with target.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            members = {f"{name}.npy" for name in names}
            found = [info.filename for info in archive.infolist()]
            if len(found) != len(members) or set(found) != members:
                raise zipfile.BadZipFile(
                    f"it does not hold the arrays {', '.join(names)}, each once, and "
                    "nothing else"
                )
            yield Archive(archive)
    except OSError as error:
        reason = error.strerror or "its archive is damaged"
        raise InputError(f"cannot read patterns from {target}: {reason}.") from error
    except _DAMAGES as error:
        kind = kind_of_path(target, with_archives=False)
        if kind is not None:
            wanted = "an npz file that PatternSet.save wrote"
            raise InputError(kind.refusal(os.fspath(path), wanted)) from None
        reason = " ".join(ascii(str(error))[1:-1].split())[:200].rstrip(".")
        raise InputError(
            f"cannot read patterns from {target}: it is damaged, or PatternSet.save "
            f"did not write it ({reason})."
        ) from error
    except MemoryError:
        raise InputError(
            f"{target} claims more than fits in the memory that is free."
        ) from None


class Archive:
    """The arrays of an open npz file, read whole; ValueError says what is wrong."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def integer(self, name: str) -> int:
        """Return an array of no axes, int64, as an int."""
        return int(self._read(name, "<i8", lambda shape, _: shape == ())[0])

    def text(self, name: str, most: int) -> str:
        """Return an array of no axes: a text of at most so many characters."""
        return str(
            self._read(name, "<U", lambda shape, n: shape == () and n <= most)[0]
        )

    def words(self, name: str, width: int, most: int) -> NDArray[np.uint64]:
        """Return (P, width) uint64 with P at most ``most``."""
        rows = 0

        def fits(shape: tuple[int, ...], _: int) -> bool:
            nonlocal rows
            if len(shape) != 2 or shape[1] != width:
                return False
            rows = shape[0]
            if rows > most:
                raise ValueError(f"{name!r} has {rows:,} rows; at most {most:,} can be")
            return True

        flat = self._read(name, "<u8", fits)
        return flat.astype(np.uint64, copy=False).reshape(rows, width)

    def _read(
        self, name: str, kind: str, fits: Callable[[tuple[int, ...], int], bool]
    ) -> NDArray[Any]:
        """Return an array, flat; ``fits`` takes its shape and the length of a text."""
        info = self._archive.getinfo(f"{name}.npy")
        if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
            raise ValueError(f"{name!r} is encrypted, or packed in an unknown way")
        with self._archive.open(info) as stream:
            head = stream.read(len(_MAGIC) + 2)
            size = struct.unpack("<H", head[-2:])[0] if len(head) > 2 else 0
            text = stream.read(min(size, _LONGEST))
            match = _HEADER.fullmatch(text)
            if not head.startswith(_MAGIC) or match is None:
                raise ValueError(f"the header of {name!r} is none that numpy writes")
            dtype = match[1].decode()
            shape = tuple(map(int, match[2].replace(b",", b" ").split()))
            length = int(dtype[2:])
            is_kind = dtype[:2] == kind if kind == "<U" else dtype == kind
            if not is_kind or not fits(shape, length):
                raise ValueError(f"{name!r} is {dtype} of shape {shape}")
            n_bytes = np.dtype(dtype).itemsize * math.prod(shape)
            if n_bytes != info.file_size - len(head) - size:
                raise ValueError(f"{name!r} is not as long as its header says")
            raw = np.empty(n_bytes, dtype=np.uint8)
            for begin in range(0, n_bytes, _PIECE):
                piece = stream.read(min(_PIECE, n_bytes - begin))
                raw[begin : begin + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
                if len(piece) < min(_PIECE, n_bytes - begin):
                    raise ValueError(f"{name!r} is cut off")
            # reading to the end compares the checksum
            if stream.read(1):
                raise ValueError(f"{name!r} is longer than its header says")
        return raw.view(dtype)
