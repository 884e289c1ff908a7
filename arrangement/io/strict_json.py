"""Read JSON that says one thing only: no key twice, no NaN, no number out of bounds."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

# Digits of the longest integer that a file of ours holds: 2**64 has 20.
_MOST_DIGITS = 400
# Characters of a part of the file that a message shows.
_SHOWN = 40


def shown(value: Any) -> str:
    """Return a value for a message: one line of printable characters, cut off."""
    text = value if type(value) is str else None
    if text is None:
        text = type(value).__name__ if isinstance(value, (dict, list)) else repr(value)
        return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return ascii(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def parse_json(content: bytes | str) -> Any:
    """Parse JSON text, UTF-8 where it is bytes.

    Raises
    ------
    ValueError
        In one line what is wrong: no JSON, a key that stands twice in one object, a
        number that is infinite, no number, or too long, or too deep a nesting.
    """
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"no JSON at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {shown(key)} stands twice in one object")
            seen.add(key)
    return out


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no finite number")


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"an integer has {len(text):,} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:_SHOWN]} is beyond float64")
    return value
