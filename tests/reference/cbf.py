"""A reader of the Conic Benchmark Format, written from its description.

Scalar variables and constraints only: ``min/max c x + c0`` with ``x`` in the cones of
VAR and ``A x + b`` in those of CON.  The optimum is CVXPY's, with its own cones.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import cvxpy as cp
import numpy as np
import scipy.sparse as sp


def read(path):
    """Return the parts of a file: sense, cones, c, c0, A, b."""
    lines = [
        line.split()
        for line in Path(path).read_text(encoding="ascii").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    lines.reverse()
    (keyword,) = lines.pop()
    assert keyword == "VER"
    (version,) = map(int, lines.pop())
    parts = {"version": version, "c0": 0.0, "names": []}
    while lines:
        (keyword,) = lines.pop()
        parts["names"].append(keyword)
        if keyword == "OBJSENSE":
            (parts["sense"],) = lines.pop()
        elif keyword in ("VAR", "CON"):
            size, count = map(int, lines.pop())
            cones = [lines.pop() for _ in range(count)]
            cones = [(name, int(length)) for name, length in cones]
            assert sum(length for _, length in cones) == size
            parts[keyword] = cones
        elif keyword == "OBJBCOORD":
            (parts["c0"],) = map(float, lines.pop())
        else:
            assert keyword in ("OBJACOORD", "ACOORD", "BCOORD"), keyword
            (count,) = map(int, lines.pop())
            parts[keyword] = [lines.pop() for _ in range(count)]
    n_columns = sum(length for _, length in parts["VAR"])
    n_rows = sum(length for _, length in parts["CON"])
    parts["c"] = _vector(parts["OBJACOORD"], n_columns)
    parts["b"] = _vector(parts["BCOORD"], n_rows)
    places = {(int(i), int(j)) for i, j, _ in parts["ACOORD"]}
    assert len(places) == len(parts["ACOORD"])
    rows, columns, values = zip(*parts["ACOORD"], strict=True)
    parts["A"] = sp.csr_matrix(
        (np.array(values, float), (np.array(rows, int), np.array(columns, int))),
        shape=(n_rows, n_columns),
    )
    return parts


def _vector(lines, size):
    out = np.zeros(size)
    for index, value in lines:
        out[int(index)] += float(value)
    return out


def optimum(path):
    """Return the optimum of a file."""
    parts = read(path)
    x = cp.Variable(len(parts["c"]))
    constraints = [
        *_members(x, parts["VAR"]),
        *_members(parts["A"] @ x + parts["b"], parts["CON"]),
    ]
    objective = parts["c"] @ x + parts["c0"]
    sense = {"MIN": cp.Minimize, "MAX": cp.Maximize}[parts["sense"]]
    return cp.Problem(sense(objective), constraints).solve(solver="CLARABEL")


def _members(vector, cones):
    """Constraints that put the parts of a vector into cones, runs of them at once."""
    begin = 0
    for (name, length), run in itertools.groupby(cones):
        count = len(list(run))
        part = vector[begin : begin + count * length]
        begin += count * length
        if name == "L=":
            yield part == 0
        elif name == "L+":
            yield part >= 0
        elif name == "L-":
            yield part <= 0
        elif name == "Q":  # x_1 >= |(x_2, ..)|
            table = cp.reshape(part, (count, length), order="C")
            yield cp.SOC(table[:, 0], table[:, 1:], axis=1)
        elif name == "EXP":  # x_1 >= x_2 exp(x_3 / x_2)
            table = cp.reshape(part, (count, length), order="C")
            yield cp.ExpCone(table[:, 2], table[:, 1], table[:, 0])
        else:
            assert name == "F", name
