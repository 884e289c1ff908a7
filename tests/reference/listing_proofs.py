"""What the proof of a list claims, evaluated from the definitions: no checker."""

from __future__ import annotations

import csv
import json
from fractions import Fraction

from reference.brute_force import chambers


def claimed(proof, table):
    """The matrix and the offsets of a claim, and the patterns at its points."""
    claim, *points, _ = map(json.loads, proof.read_text(encoding="utf-8").splitlines())
    how = claim["data"]
    places = [k for k, _ in how["columns"]]
    places += [how["offsets"][0]] if how["offsets"] else []
    with open(table, encoding="utf-8-sig", newline="") as stream:
        records = [r for r in csv.reader(stream, delimiter=how["separator"]) if r]
    rows = []
    for record in records[how["skip"] :]:
        cells = [record[k].strip() for k in places]
        if how["decimal"] == ",":
            cells = [cell.replace(",", ".") for cell in cells]
        exact = [float(x) if how["floats"] == "binary" else x for x in cells]
        rows.append([Fraction(x) for x in exact])
    width = len(how["columns"])
    offsets = [row[width] for row in rows] if how["offsets"] else None
    ones = [Fraction(1)] if how["intercept"] is True else []
    X = [row[:width] + ones for row in rows]
    found = []
    for z in points:
        signs = (1, -1) if claim["pairs"] is True else (1,)
        for sign in signs:
            values = [
                sum(x * sign * t for x, t in zip(row, z[: len(row)], strict=True))
                for row in X
            ]
            if offsets is not None:
                assert z[-1] > 0
                values = [v - b * z[-1] for v, b in zip(values, offsets, strict=True)]
            found.append(tuple(int(value >= 0) for value in values))
    return X, offsets, found


def fault_of(proof, table):
    """Why a proof claims what is false, or None."""
    X, offsets, found = claimed(proof, table)
    if len(set(found)) < len(found):
        return "a pattern comes twice"
    true = chambers(X, offsets)
    return None if true == set(found) else f"{len(true)} patterns, not {len(found)}"


def write_table(path, X, offsets=None):
    """The CSV that goes with ``verify(..., proof=)``: X, then offsets, no names."""
    rows = [list(row) for row in X]
    if offsets is not None:
        rows = [[*row, b] for row, b in zip(rows, offsets, strict=True)]
    text = "".join(",".join(map(shown, row)) + "\n" for row in rows)
    path.write_text(text)


def shown(x):
    """A number as a table shows it."""
    x = x.item() if hasattr(x, "item") else x
    return str(x) if isinstance(x, (int, str)) else repr(float(x))
