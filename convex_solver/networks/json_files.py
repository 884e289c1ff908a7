"""Networks and models as JSON, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from arrangement import InputError
from arrangement.io import write_new
from convex_solver.errors import ModelFileError


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
    """Read a JSON object; `ModelFileError` says why it cannot be read."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ModelFileError(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} holds no JSON object.")
    return content
