"""Alterations of proofs, line by line."""

from __future__ import annotations

import json

from fuzz.alterations import altered_document, at, places, put, to_json, with_twin


def altered_line(rng, raw):
    """The bytes of a proof with one line changed, dropped, repeated or moved."""
    lines = raw.decode().splitlines(keepends=True)
    k = (
        rng.randrange(min(4, len(lines)))
        if rng.random() < 0.4
        else rng.randrange(len(lines))
    )
    what = rng.randrange(8)
    if what == 0:
        del lines[k]
    elif what == 1:
        lines.insert(k, lines[rng.randrange(len(lines))])
    elif what == 2:
        other = rng.randrange(len(lines))
        lines[k], lines[other] = lines[other], lines[k]
    elif what in (3, 4):
        document, twin = altered_document(rng, json.loads(lines[k]))
        lines[k] = to_json(document) + "\n"
        if twin is not None:
            lines[k] = with_twin(lines[k], str(twin[0][-1]), twin[1])
    else:
        # numbers near to what they were: the likeliest to be believed
        document = json.loads(lines[k])
        found = [p for p in places(document) if isinstance(at(document, p), int)]
        if found:
            path = rng.choice(found)
            old = at(document, path)
            step = rng.choice((1, 1, 2, 5, abs(old) // 1000 + 1, abs(old) // 3 + 1))
            put(document, path, old + step * rng.choice((-1, 1)))
            lines[k] = json.dumps(document, separators=(",", ":")) + "\n"
    return "".join(lines).encode()
