"""The one place that uses Zarr: open an array, write a chunk, read one and check it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError
from arrangement.stores import format as form
from arrangement.stores.format import Checksum, Header


def import_zarr() -> Any:
    """Return the module zarr, or say how to install it."""
    try:
        import zarr
    except ImportError:
        raise InputError(
            "stores of patterns need the package zarr: pip install 'zarr>=3'."
        ) from None
    return zarr


def open_array(folder: Path) -> Any:
    """Open the array of a store for reading."""
    try:
        return import_zarr().open_array(folder, mode="r")
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())[:200].rstrip(".")
        raise InputError(f"Zarr cannot open {folder}: {reason}.") from error


def encode_chunk(packed: NDArray[np.uint64], header: Header) -> bytes:
    """Return the file of one chunk as Zarr makes it; empty when there are no words."""
    if not header.width:
        return b""
    zarr = import_zarr()
    files: dict[str, Any] = {}
    document = replace(header, count=header.block_size).document()
    # a chunk of zeros is a pattern too, and a missing file an error
    with zarr.config.set({"array.write_empty_chunks": True}):
        store = zarr.storage.MemoryStore(files)
        array = zarr.Array.from_dict(zarr.storage.StorePath(store), document)
        array[: len(packed)] = packed
    data: bytes = files["c.0.0"].to_bytes()
    return data


def read_chunk(folder: Path, array: Any, checksum: Checksum) -> NDArray[np.uint64]:
    """Read a chunk and compare it with its checksum.

    Raises
    ------
    InputError
        Names the chunk.
    """
    form.check_size(folder, checksum)
    size = array.chunks[0]
    if checksum.size:
        form.check_frame(folder, 8 * size * array.chunks[1], checksum)
    begin = checksum.chunk * size
    try:
        packed = np.asarray(array[begin : begin + size], dtype=np.uint64)
        reason = "" if digest(packed) == checksum.sha256 else "its checksum is wrong"
    except (ValueError, RuntimeError, OSError) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())[:200].rstrip(".")
    if reason:
        raise InputError(
            f"chunk {checksum.chunk} of {folder} is damaged (file {checksum.name}): "
            f"{reason}. {form.REWRITE}"
        )
    return packed


def digest(packed: NDArray[np.uint64]) -> str:
    """Return the SHA-256 of patterns, little-endian, row by row."""
    # as it lies, without a copy
    rows: Any = np.ascontiguousarray(packed, dtype="<u8")
    return hashlib.sha256(rows.reshape(-1)).hexdigest()
