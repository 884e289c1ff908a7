"""Write a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from arrangement.errors import InputError


def check_new_file(path: str | os.PathLike[str]) -> Path:
    """Return the path if a new file can be made there; nothing is written.

    Raises
    ------
    InputError
        If the path exists, or its folder is missing or cannot be written.
    """
    target = Path(path)
    try:
        exists = os.path.lexists(target)
    except ValueError as error:  # a NUL character in the name
        raise InputError(f"cannot write {os.fspath(path)!r}: {error}.") from error
    if exists:
        raise InputError(f"{target} exists; give another path or remove it.")
    folder = target.parent
    if not folder.is_dir():
        raise InputError(f"cannot write {target}: {folder} is not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write {target}: the folder cannot be written.")
    return target


@contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that gets its name only when all of it was written.

    Raises
    ------
    InputError
        If the file exists or cannot be written.
    """
    target = Path(path)
    if target.exists():
        raise InputError(f"{target} exists; give another path or remove it.")
    # named after the process, so that no file of the user's is ever touched
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
        partial.rename(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def write_new(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a new file whole or not at all.

    Raises
    ------
    InputError
        If the file exists or cannot be written.
    """
    with new_file(path) as stream:
        stream.write(content)
