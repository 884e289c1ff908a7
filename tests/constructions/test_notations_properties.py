"""Arrangements written as Sage and polymake write them, read again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, count_patterns
from arrangement.constructions import from_polymake, from_sage

moderate = settings(max_examples=100, deadline=None)
numbers = st.one_of(
    st.integers(-3, 3), st.integers(-(10**30), 10**30), st.fractions(max_denominator=99)
)


@st.composite
def hyperplanes(draw):
    """Draw normals and constants, columns t0, t1, .. all of them used."""
    d = draw(st.integers(1, 12))
    row = st.lists(numbers, min_size=d, max_size=d)
    rows = [*draw(st.lists(row, min_size=1, max_size=5)), [1] * d]
    shifts = draw(st.sampled_from([numbers, st.just(0)]))
    return rows, [draw(shifts) for _ in rows]


def form(row, constant, *, zeros):
    """A linear form as Sage prints it, with or without zero terms."""
    terms = [(x, f"t{k}") for k, x in enumerate(row) if x or zeros]
    text = ""
    for x, name in [*terms, *([(constant, "")] if constant or zeros else [])]:
        sign = " - " if x < 0 else " + " if text else ""
        size = abs(x)
        if not text:
            sign = sign.strip()
        factor = "" if size == 1 and name else f"{size}*" if name else str(size)
        text += f"{sign}{factor}{name}"
    return text or "0"


def check(found, rows, constants):
    assert found.normals.tolist() == rows
    if any(constants):
        assert found.offsets.tolist() == [-c for c in constants]
    else:
        assert found.is_central


@moderate
@given(hyperplanes(), st.booleans())
def test_text_of_sage(drawn, zeros):
    rows, constants = drawn
    forms = [form(r, c, zeros=zeros) for r, c in zip(rows, constants, strict=True)]
    check(from_sage(f"Arrangement <{' | '.join(forms)}>"), rows, constants)
    listed = ", ".join(f"Hyperplane {text}" for text in forms)
    check(from_sage(f"({listed})"), rows, constants)
    check(from_sage("\n".join(forms)), rows, constants)
    names = [f"t{k}" for k in range(len(rows[0]))][::-1]
    turned = from_sage("\n".join(forms), variables=names)
    check(turned, [row[::-1] for row in rows], constants)


@dataclass
class Plane:
    """What a hyperplane of Sage has."""

    row: list[Any]
    constant: Any

    def normal(self):
        return tuple(self.row)

    def constant_term(self):
        return self.constant


@moderate
@given(hyperplanes())
def test_objects_of_sage(drawn):
    rows, constants = drawn
    planes = [Plane(r, c) for r, c in zip(rows, constants, strict=True)]
    check(from_sage(planes), rows, constants)


@moderate
@given(hyperplanes(), st.data())
def test_matrices_of_polymake(drawn, data):
    rows, constants = drawn
    texts = [[str(Fraction(x)) for x in row] for row in rows]
    dense = "\n".join(" ".join(row) for row in texts)
    d = len(rows[0])
    entries = [
        [(k, x) for k, x in enumerate(row) if x != "0" or data.draw(st.booleans())]
        for row in texts
    ]
    sparse = "\n".join(
        f"({d}) " + " ".join(f"({k} {x})" for k, x in row) for row in entries
    )
    body = {"_type": "fan::HyperplaneArrangement<Rational>", "HYPERPLANES": texts}
    mappings = [{str(k): x for k, x in row} for row in entries]
    for source in (
        dense,
        f"HYPERPLANES\n{dense}\n\nLINEALITY_DIM\n0\n",
        sparse,
        body,
        json.dumps(body),
        json.dumps({**body, "HYPERPLANES": [*mappings, {"cols": d}]}),
        texts,
        rows,
        np.array(rows, dtype=object),
    ):
        check(from_polymake(source), rows, [0] * len(rows))
    homogeneous = [[c, *row] for c, row in zip(constants, rows, strict=True)]
    found = from_polymake(homogeneous, affine=True)
    assert found.normals.tolist() == rows
    assert found.offsets.tolist() == [-c for c in constants]


def test_a_file_of_polymake(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps(
            {
                "_ns": {"polymake": ["https://polymake.org", "4.6"]},
                "_type": "fan::HyperplaneArrangement<Rational>",
                "HYPERPLANES": [["1", "-1", "0"], ["0", "1", "-1"], ["1", "0", "-1"]],
            }
        )
    )
    assert count_patterns(from_polymake(path)) == 6

    class Big:
        HYPERPLANES = ((1, 0), (0, 1))

    assert count_patterns(from_polymake(Big())) == 4


def test_arrangements_without_hyperplanes():
    assert from_sage("Empty hyperplane arrangement of dimension 3").dimension == 3

    class Empty(list):
        def dimension(self):
            return 2

    assert from_sage(Empty()).normals.shape == (0, 2)
    assert from_polymake({"HYPERPLANES": []}).normals.shape == (0, 0)
    assert from_polymake("", affine=True).normals.shape == (0, 0)


def test_an_arrangement_keeps_the_numbers_that_it_read():
    X = [["0.5", 1], [Fraction(1, 3), 2**70]]
    a = Arrangement(np.array(X, dtype=object), [0.1, -1])
    assert a.normals.tolist() == [[Fraction(1, 2), 1], [Fraction(1, 3), 2**70]]
    assert a.offsets.tolist() == [Fraction(0.1), -1]
    assert Arrangement([[0.1]], floats="decimal").normals[0, 0] == Fraction(1, 10)
    assert Arrangement([[2.0, -1.0]]).normals.dtype == np.int64
    again = Arrangement(a.normals, a.offsets)
    assert again.distinct.tuples() == a.distinct.tuples()
    with pytest.raises(AttributeError):
        a.normals = 3
