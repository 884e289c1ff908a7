"""What a notebook shows of an object: a small table, escaped, in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

# no colours of its own: text and lines take those of the page, light or dark
_TABLE = "border-collapse:collapse;margin:0.2em 0;font-size:0.92em;color:inherit"
_CELL = "padding:0.12em 0.7em;vertical-align:top;background:transparent;border:none"
_HEAD = f"{_CELL};border-bottom:1px solid currentColor;font-weight:600"
_NUMBERS = f"{_TABLE};font-family:ui-monospace,monospace"
_MOST = 200


def html_facts(title: str, facts: Sequence[tuple[str, str]], *more: str) -> str:
    """Return a title and a table of names and values as HTML; ``more`` is HTML.

    Examples
    --------
    >>> "1 &lt; 2" in html_facts("Order", [("said", "1 < 2")])
    True
    """
    rows = [
        f"<tr>{_cell(name, 'left', 'opacity:0.75;')}{_cell(value, 'left')}</tr>"
        for name, value in facts
    ]
    table = f'<table style="{_TABLE}"><tbody>{"".join(rows)}</tbody></table>'
    parts = f"<strong>{_text(title)}</strong>{table}{''.join(more)}"
    return f'<div style="margin:0.4em 0">{parts}</div>'


def html_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    summary: str = "",
    note: str = "",
) -> str:
    """Return a table with a line of heads as HTML, numbers to the right.

    With a ``summary`` it is folded away behind that text; ``note`` stands below.
    """
    head = "".join(
        f'<th style="{_HEAD};text-align:right">{_text(name)}</th>' for name in heads
    )
    body = "".join(
        f"<tr>{''.join(_cell(value, 'right') for value in row)}</tr>" for row in rows
    )
    below = f'<div style="opacity:0.75">{_text(note)}</div>' if note else ""
    table = (
        f'<table style="{_NUMBERS}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{below}"
    )
    if not summary:
        return table
    return f"<details><summary>{_text(summary)}</summary>{table}</details>"


def _cell(value: str, side: str, style: str = "") -> str:
    return f'<td style="{_CELL};{style}text-align:{side}">{_text(value)}</td>'


def _text(text: str) -> str:
    """Return text for a page: nothing in it is markup, and what is long is cut."""
    return escape(text if len(text) <= _MOST else f"{text[: _MOST - 3]}...")
