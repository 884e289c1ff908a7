"""Parts of a page that stands alone: text, tables, two kinds of charts, and a style.

Nothing is fetched and nothing is run: styles are inline, charts are SVG in the colours
of the page, light or dark.  All text is escaped.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# characters that HTML has no place for
_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #22303c; --quiet: #566573;
  --line: #d5dce2; --card: #f4f6f8; --good: #00664b; --short: #9a4200;
  --upper: #0072b2; --lower: #b34a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14191e; --ink: #e6ebef;
  --quiet: #a9b4be; --line: #39444e; --card: #1f272e; --good: #4fd3a8; --short: #f0a060;
  --upper: #56b4e9; --lower: #e69f00; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  -webkit-text-size-adjust: 100%; overflow-wrap: anywhere; }
main { max-width: 56rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 44rem; }
.status { font-weight: 600; }
.good { color: var(--good); } .short { color: var(--short); }
.quiet, figcaption, summary { color: var(--quiet); }
.facts { display: grid; gap: .6rem; margin: 1rem 0 0;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.facts div { background: var(--card); border-radius: .4rem; padding: .5rem .7rem; }
.facts dt { color: var(--quiet); font-size: .85rem; }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.list { display: grid; grid-template-columns: minmax(5.5rem, max-content) 1fr;
  gap: .25rem 1rem; margin: .5rem 0; }
.list dt { color: var(--quiet); } .list dd { margin: 0; }
figure { margin: .75rem 0; }
figcaption { font-size: .9rem; margin-top: .25rem; max-width: 44rem; }
.paper { display: block; width: 100%; max-width: 44rem; height: auto; background: #fff;
  border-radius: .4rem; padding: .25rem; }
.charts { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
svg .name { font-weight: 600; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .upper { stroke: var(--upper); } svg .lower { stroke: var(--lower); }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg circle.upper { fill: var(--upper); } svg circle.lower { fill: var(--lower); }
svg text.upper { fill: var(--upper); stroke: none; }
svg text.lower { fill: var(--lower); stroke: none; }
svg .lower.line { stroke-dasharray: 6 4; }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { text-align: right; padding: .25rem .45rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; overflow-wrap: normal; }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
pre { background: var(--card); border-radius: .4rem; padding: .6rem .8rem;
  white-space: pre-wrap; font-size: .92rem; }
summary { cursor: pointer; }
"""  # noqa: E501


def page(title: str, body: Iterable[str]) -> bytes:
    """Return a whole page; the title is text, the body is markup."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{text(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        *body,
        "</main>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode("utf-8")


def text(value: object) -> str:
    """Return text as markup that shows it, and nothing more.

    Examples
    --------
    >>> text("<script>a & b</script>")
    '&lt;script&gt;a &amp; b&lt;/script&gt;'
    """
    return html.escape(_STRANGE.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def facts(rows: Iterable[tuple[str, str]], *, css: str = "list") -> str:
    """Return names with their values, all of them text."""
    items = [
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
        if css == "facts"
        else f"<dt>{text(name)}</dt><dd>{text(value)}</dd>"
        for name, value in rows
    ]
    return f'<dl class="{css}">{"".join(items)}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, label: str) -> str:
    """Return a table of text; too wide, it scrolls, and the page does not."""
    top = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    lines = [
        f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows
    ]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">'
        f"<table><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def image(content: bytes, *, alt: str, caption: str) -> str:
    """Return a PNG as a figure, on white paper in the dark too."""
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img class="paper" alt="{text(alt)}" '
        f'src="data:image/png;base64,{data}">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


# Of a chart, in units of its SVG; some 12 of them are as high as a letter.
_WIDTH, _HEIGHT = 400, 230
_TOP, _RIGHT, _BOTTOM = 44, 14, 34
_LETTER = 6.8
_TICKS = 4
_MOST_POINTS = 40


@dataclass(frozen=True)
class Line:
    """A line of a chart: its class of style, its name, its points (x, y)."""

    css: str
    name: str
    points: list[tuple[int, float]]


def chart(
    title: str, lines: Sequence[Line], *, x_name: str, is_log: bool = False
) -> str:
    """Return lines over whole numbers as SVG in the colours of the page.

    With ``is_log`` powers of ten are marked, and points of 0 or less are left out.
    """
    if is_log:
        lines = [
            replace(line, points=[(x, y) for x, y in line.points if y > 0.0])
            for line in lines
        ]
    values = [y for line in lines for _, y in line.points if math.isfinite(y)]
    if not values:
        return ""
    ticks = _powers(values) if is_log else _round_numbers(min(values), max(values))
    xs = sorted({x for line in lines for x, _ in line.points})
    frame = _Frame(ticks, xs[0], max(xs[-1], xs[0] + 1))
    parts = [f'<text class="name" x="2" y="14">{text(title)}</text>']
    parts += frame.axes(_some(xs), x_name)
    start = 2.0
    for line in lines:
        name = text(line.name)
        parts.append(f'<text class="{line.css}" x="{start:.0f}" y="32">{name}</text>')
        start += _LETTER * len(line.name) + 18
        parts += frame.drawn(line, is_log=is_log)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{text(title)}">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True)
class _Frame:
    """Where numbers are in a chart: heights by ticks (place, name), xs between two."""

    ticks: list[tuple[float, str]]
    first: int
    last: int

    @property
    def left(self) -> float:
        return 12 + _LETTER * max(len(name) for _, name in self.ticks)

    def x(self, number: int) -> float:
        share = (number - self.first) / (self.last - self.first)
        return self.left + 8 + share * (_WIDTH - _RIGHT - self.left - 16)

    def y(self, height: float) -> float:
        low, high = self.ticks[0][0], self.ticks[-1][0]
        share = (height - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    def axes(self, xs: Sequence[int], x_name: str) -> list[str]:
        """Draw a line and a name for each tick, and the names of some xs."""
        parts: list[str] = []
        end = _WIDTH - _RIGHT
        for height, name in self.ticks:
            y = self.y(height)
            parts.append(
                f'<line class="grid" x1="{self.left:.1f}" x2="{end}" y1="{y:.1f}" '
                f'y2="{y:.1f}"/><text x="{self.left - 5:.1f}" y="{y + 4:.1f}" '
                f'text-anchor="end">{name}</text>'
            )
        low = _HEIGHT - _BOTTOM + 16
        parts += [
            f'<text x="{self.x(x):.1f}" y="{low}" text-anchor="middle">{x}</text>'
            for x in xs
        ]
        name = text(x_name)
        parts.append(
            f'<text x="{end}" y="{_HEIGHT - 3}" text-anchor="end">{name}</text>'
        )
        return parts

    def drawn(self, line: Line, *, is_log: bool) -> list[str]:
        """Draw a line with its points; of very many points the last."""
        places = [
            (self.x(x), self.y(math.log10(y) if is_log else y)) for x, y in line.points
        ]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        return [
            f'<polyline class="line {line.css}" points="{way}"/>',
            *(
                f'<circle class="{line.css}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
                for x, y in (places if len(places) <= _MOST_POINTS else places[-1:])
            ),
        ]


def _powers(values: Sequence[float]) -> list[tuple[float, str]]:
    """Return powers of ten around values above 0, at most five, as exponents."""
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = max(math.ceil(math.log10(max(values)) - 1e-9), low + 1)
    step = -(-(high - low) // _TICKS)
    return [(float(k), f"1e{k}") for k in range(low, high + step, step)]


def _round_numbers(low: float, high: float) -> list[tuple[float, str]]:
    """Return three to six round numbers from below ``low`` to above ``high``."""
    size = max(abs(low), abs(high))
    # what float64 tells apart on paper
    span = max(high - low, 1e-9 * size) or 1.0
    raw = span / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(k * power for k in (1.0, 2.0, 2.5, 5.0, 10.0) if k * power >= raw)
    begin, end = math.floor(low / step), math.ceil(high / step)
    end = max(end, begin + 1)
    digits = max(3, math.ceil(math.log10(max(size / step, 1.0))) + 2)
    return [(k * step, f"{k * step:.{digits}g}") for k in range(begin, end + 1)]


def _some(numbers: Sequence[int]) -> list[int]:
    """Return at most seven of rising whole numbers, evenly apart."""
    step = -(-len(numbers) // 7)
    return list(numbers[::step])
