"""Tables from npy and npz files: one matrix with names, and columns beside it."""

from __future__ import annotations

import io
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError
from arrangement.options import first_line

ARRAY_MAGIC = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")

# what NumPy and zipfile raise for damaged files
DAMAGES = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    OverflowError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    NotImplementedError,
    AssertionError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Arrays:
    """Columns of a matrix, and columns of the same length that stand beside it.

    ``names`` are those of all columns; the first ``n_default`` are the matrix's.
    """

    names: tuple[str, ...]
    columns: tuple[NDArray[Any], ...]
    n_rows: int
    n_default: int


def read_arrays(shown: str, raw: bytes, key: str | None) -> Arrays:
    """Read an npy or npz file without pickled objects.

    Raises
    ------
    InputError
        The file is damaged, or holds no matrix, or several and no ``key``.
    """
    try:
        loaded = np.load(io.BytesIO(raw), allow_pickle=False)
        arrays = (
            {"": loaded}
            if isinstance(loaded, np.ndarray)
            else {name: loaded[name] for name in loaded.files}
        )
    except DAMAGES as error:
        raise InputError(
            f"cannot read {shown} as an array file: {first_line(error)}."
        ) from error
    arrays = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
    name = _choose(shown, arrays, key)
    X = arrays.pop(name)
    if X.ndim != 2:
        hint = " Use X[:, None] for one column." if X.ndim == 1 else ""
        raise InputError(f"{shown}: shape {X.shape}; expected (n, d).{hint}")
    n, d = X.shape
    names = tuple(f"x{k + 1}" for k in range(d))
    labels = arrays.get("feature_names")
    if labels is not None and labels.dtype.kind == "U" and labels.shape == (d,):
        names = tuple(label or names[k] for k, label in enumerate(labels.tolist()))
    taken = set(names)
    extra = {
        k: v
        for k, v in arrays.items()
        if v.shape == (n,) and v.dtype.kind in "iuf" and k not in taken
    }
    columns = (*(X[:, k] for k in range(d)), *extra.values())
    return Arrays((*names, *extra), columns, n, d)


def _choose(shown: str, arrays: dict[str, NDArray[Any]], key: str | None) -> str:
    if list(arrays) == [""]:
        if key is not None:
            raise InputError(f"{shown} is an npy file with one array; it has no keys.")
        return ""
    if not arrays:
        raise InputError(f"{shown} holds no arrays.")
    if key is not None:
        if key not in arrays:
            raise InputError(f"{shown} has no array {key!r}; it has {listed(arrays)}.")
        return key
    if "X" in arrays:
        return "X"
    matrices = [k for k, v in arrays.items() if v.ndim == 2]
    if len(matrices) == 1:
        return matrices[0]
    if len(arrays) == 1:
        return next(iter(arrays))
    raise InputError(f"{shown} holds {listed(arrays)}; choose the matrix with --key.")


def listed(names: Any) -> str:
    """Return names for a message: the first twelve."""
    every = list(names)
    shown = ", ".join(repr(name) for name in every[:12])
    return shown if len(every) <= 12 else f"{shown} and {len(every) - 12} more"
