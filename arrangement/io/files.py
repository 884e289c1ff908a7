"""Write a file whole or not at all, and never over another.

What is written gets another name in the same folder first; once it is on the disk,
`os.link` gives it its own name, and fails where that name is taken.  Looking first and
renaming then would overwrite what came in between.

Folders (stores of patterns) need none of this: `os.mkdir` fails where the name is
taken, and what is written later lies in a folder that this process made.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from arrangement.errors import InputError

# What file systems without hard links answer (FAT, some network drives).
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


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
        If the file exists, also when it came to be in the meantime, or cannot be
        written.
    """
    target = check_new_file(path)
    # a name that nobody guesses, so that no file of the user's is ever touched
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    try:
        try:
            with partial.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _give_name(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        raise InputError(
            f"{target} exists: it came to be while this was computed, and is left as "
            "it is. Give another path or remove it."
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror or error}."
        ) from error


def _give_name(partial: Path, target: Path) -> None:
    """Give a file its name; FileExistsError where another has it."""
    try:
        os.link(partial, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # the name is taken, empty, by whoever makes it first; only its maker goes on
        target.open("xb").close()
        partial.replace(target)


def write_new(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a new file whole or not at all; raises as `new_file` does."""
    with new_file(path) as stream:
        stream.write(content)
