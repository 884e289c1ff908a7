"""Say what a file is that is not what a command takes, seen from its first bytes.

Lists, stores, models, proofs and pages of both packages lie beside the tables of their
users, and are given in the place of one another.  Each is told by its own mark; what
has none is left to whoever reads it.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from arrangement.io.array_files import DAMAGES
from arrangement.io.bit_rows import is_bit_rows

# Bytes from which text is told.
_HEAD = 1 << 12
_FORMAT = re.compile(rb'"format"\s*:\s*"(convex-relu [a-z]+)')
_LIST_USE = "arrangement verify takes it, before the table that it is of"
_BY_FORMAT = {
    b"convex-relu model": (
        "a model that convex-solver fit wrote",
        "convex-solver certify, predict, prove and export take it",
    ),
    b"convex-relu proof": (
        "a proof that convex-solver prove wrote",
        "python -m convex_solver.checker takes it, before its table",
    ),
    b"convex-relu listing": (
        "a proof that arrangement verify wrote",
        "python -m arrangement.checker takes it, before its table",
    ),
}
_CONIC = "a conic program that write_conic wrote", "convex_solver.read_conic takes it"
_BY_START = {
    b"\x89CONIC1\n": _CONIC,
    b"VER\n": _CONIC,
    b"\x89PNG": ("a picture", ""),
    b"<!DOCTYPE html": ("a page for a browser", ""),
    b"<?xml": ("XML, perhaps a picture", ""),
    b"<svg": ("a picture", ""),
}


class Kind(NamedTuple):
    """What a file is, and what takes it (empty: nothing here)."""

    what: str
    use: str

    def refusal(self, shown: str, wanted: str) -> str:
        """Return one line that says what came in the place of what is wanted.

        Examples
        --------
        >>> Kind("a picture", "").refusal("a.png", "a table")
        'a.png is a picture; expected a table.'
        """
        use = f" ({self.use})" if self.use else ""
        return f"{shown} is {self.what}{use}; expected {wanted}."


def kind_of(raw: bytes) -> Kind | None:
    r"""Return what the bytes of a file are; None where nothing marks them.

    Examples
    --------
    >>> kind_of(b'{"format": "convex-relu model 4"}').what
    'a model that convex-solver fit wrote'
    >>> kind_of(b"a,b\n1,2\n") is None
    True
    """
    if raw.startswith(b"PK"):
        return _archive(raw)
    for start, (what, use) in _BY_START.items():
        if raw.startswith(start):
            return Kind(what, use)
    if is_bit_rows(raw):
        n_lines = raw.count(b"\n") + (not raw.endswith(b"\n")) - 1
        return Kind(f"a list of {n_lines:,} patterns", _LIST_USE)
    start = raw[:_HEAD].lstrip()[:1]
    if start not in (b"{", b"["):
        return None
    found = _FORMAT.search(raw[:_HEAD])
    if found is not None and found[1] in _BY_FORMAT:
        return Kind(*_BY_FORMAT[found[1]])
    return _json(raw)


def kind_of_path(
    path: str | os.PathLike[str], *, with_archives: bool = True
) -> Kind | None:
    """Return what a file or folder is; None where nothing marks it, or it is none.

    None for archives, npz among them, where these are read in another way.
    """
    place = Path(path)
    try:
        if place.is_dir():
            return _folder(place)
        raw = place.read_bytes()
        return kind_of(raw) if with_archives or not raw.startswith(b"PK") else None
    except (OSError, ValueError):
        return None


def _folder(place: Path) -> Kind | None:
    if not (place / "zarr.json").is_file():
        return None
    is_list = any((part / "checksums").is_file() for part in (place, *place.iterdir()))
    return (
        Kind("a list of patterns", _LIST_USE) if is_list else Kind("a Zarr store", "")
    )


def _archive(raw: bytes) -> Kind | None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = set(archive.namelist())
            if {"packed.npy", "n_rows.npy", "bound.npy"} <= names:
                with archive.open("packed.npy") as stream:
                    np.lib.format.read_magic(stream)
                    shape, _, _ = np.lib.format.read_array_header_1_0(stream)
                return Kind(f"a list of {shape[0]:,} patterns", _LIST_USE)
    except DAMAGES:
        return None
    if "[Content_Types].xml" in names:
        return Kind("an Excel workbook", "save its sheet as CSV first")
    if any(name.endswith("/data.pkl") for name in names):
        return Kind("a state of PyTorch", "torch.load takes it")
    return None


def _json(raw: bytes) -> Kind | None:
    """Tell JSON from a table that begins with a brace."""
    line = raw.split(b"\n", 1)[0]
    for text in (raw, line):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            continue
        return Kind("JSON", "") if isinstance(content, (dict, list)) else None
    return None
