"""Networks and models as JSON: written whole or not at all, read by name and type."""

from __future__ import annotations

import json
import math
import os
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import numpy as np

from arrangement import InputError
from arrangement.io import kind_of, kind_of_path, parse_json, shown, write_new
from convex_solver.errors import ModelFileError
from convex_solver.typing import Array

# Length of a dimension in a file; a larger one is a mistake.
MOST_INPUTS = 10**9
_MODEL = "a model that"
_WANTED = "a model or a network (JSON), which comes before the data"


def write_json(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write a new JSON file whole or not at all.

    Raises
    ------
    InputError
        If the file exists or cannot be written, or a number is infinite or NaN.
    """
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except ValueError as error:
        raise InputError(
            f"{path} is not written: a number is infinite or NaN ({error})."
        ) from error
    write_new(path, (text + "\n").encode())


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object; `ModelFileError` says in one line why it cannot be read."""
    if os.path.isdir(path):
        _refuse_folder(path)
    raw = b""
    try:
        raw = Path(path).read_bytes()
        content = parse_json(raw)
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ModelFileError(why_no_json(os.fspath(path), raw, error)) from error
    except MemoryError:
        raise ModelFileError(f"{path} does not fit in the free memory.") from None
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} holds {shown(content)}; expected a JSON object.")
    return content


def _refuse_folder(path: str | os.PathLike[str]) -> None:
    kind = kind_of_path(path)
    if kind is not None:
        raise ModelFileError(kind.refusal(os.fspath(path), _WANTED))


def why_no_json(source: str, raw: bytes, error: Exception) -> str:
    """Return one line about bytes that `parse_json` refused: what they are instead."""
    kind = kind_of(raw)
    # what marks a model is damaged, as it is no JSON
    if kind is not None and _MODEL not in kind.what:
        return kind.refusal(source, _WANTED)
    if raw and not raw.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
        return f"{source} is no JSON ({error}); expected {_WANTED}."
    return f"{source} is damaged: {error}."


class Fields:
    """The fields of one object of a file, each taken once.

    ``where`` begins every message: the file, and the place in it.
    """

    def __init__(self, content: Any, where: str, names: tuple[str, ...]) -> None:
        self._where = where
        if not isinstance(content, dict):
            raise ModelFileError(f"{where} is {shown(content)}; expected an object.")
        missing = [name for name in names if name not in content]
        unknown = [name for name in content if name not in names]
        if missing:
            raise ModelFileError(f"{where} lacks {', '.join(missing)}.")
        if unknown:
            raise ModelFileError(
                f"{where} has {shown(unknown[0])}, which no such file has."
            )
        self._content = content

    def error(self, name: str, expected: str) -> ModelFileError:
        """Return the error for a field of this name."""
        value = shown(self._content[name])
        return ModelFileError(f"{self._where}: {name} is {value}; expected {expected}.")

    def __getitem__(self, name: str) -> Any:
        """Return a field as it is."""
        return self._content[name]

    def text(self, name: str) -> str:
        """Return a field that is text."""
        value = self._content[name]
        if not isinstance(value, str):
            raise self.error(name, "text")
        return value

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        value = self._content[name]
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def count(self, name: str, most: int) -> int:
        """Return a field that is an integer from 0 to ``most``."""
        value = self._content[name]
        if type(value) is not int or not 0 <= value <= most:
            raise self.error(name, f"an integer from 0 to {most:,}")
        return value

    def number(self, name: str) -> float:
        """Return a field that is a finite number."""
        value = self._content[name]
        if not _is_number(value):
            raise self.error(name, "a finite number")
        return float(value)

    def texts(self, name: str) -> list[str]:
        """Return a field that is a list of texts."""
        value = self._content[name]
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise self.error(name, "a list of texts")
        return value

    def array(self, name: str, *inner: int) -> Array:
        """Return a field of nested lists: any number of parts of shape ``inner``."""
        value = self._content[name]
        if not isinstance(value, list) or not all(_fits(x, inner) for x in value):
            shape = "".join(f", {k}" for k in inner)
            raise self.error(name, f"finite numbers of shape (any{shape})")
        return np.array(value, dtype=np.float64).reshape(len(value), *inner)


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    if not shape:
        return _is_number(value)
    return (
        isinstance(value, list)
        and len(value) == shape[0]
        and all(_fits(part, shape[1:]) for part in value)
    )


def _is_number(value: Any) -> bool:
    """Whether a value is a float64: an integer beyond 2**53 may round."""
    if type(value) is int:
        return abs(value) <= 2**53
    return type(value) is float and math.isfinite(value)
