"""Parameters and texts that are refused, in one line that says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from arrangement import BudgetExceededError, InputError, InputTypeError
from arrangement.constructions import (
    boolean,
    braid,
    coxeter,
    deformation,
    from_polymake,
    from_sage,
    generic,
    graphical,
    resonance,
    shi,
    threshold,
)


def refused(call, match, kind=InputError):
    with pytest.raises(kind, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_parameters():
    for family in (boolean, braid, resonance, shi):
        refused(lambda f=family: f(0), "n=0; expected an integer >= 1")
        refused(lambda f=family: f(2.0), "n=2.0; expected an integer", InputTypeError)
    refused(lambda: threshold(-1), "n=-1; expected an integer >= 0")
    refused(lambda: resonance(60), "at most 100,000,000 entries")
    refused(lambda: braid(10**4), "49,995,000 x 10,000")
    refused(lambda: resonance(10**9), "smaller n")
    refused(lambda: deformation(3, [[1]]), "expected a 1-D array")
    refused(lambda: deformation(3, [1j]), "complex", InputTypeError)
    refused(lambda: generic(3, 4), "expected r <= n")
    refused(lambda: generic(3, 2, seed=-1), "seed=-1")
    refused(lambda: generic(60, 6, time_limit=1e-9), "time is up", BudgetExceededError)


def test_types_of_coxeter_groups():
    refused(lambda: coxeter("H", 3), "golden ratio")
    refused(lambda: coxeter("I", 5), r"generic\(5, 2\)")
    refused(lambda: coxeter("E", 9), "type E has rank 6, 7, 8 only")
    refused(lambda: coxeter("D", 1), "rank 2 or more")
    refused(lambda: coxeter("X", 3), "letter='X' is unknown")
    refused(lambda: coxeter(3, 3), "letter=3", InputTypeError)
    assert coxeter("b", np.int64(2)).rank == 2


def test_graphs():
    refused(lambda: graphical([(0, 0)]), "edge 0 is .* a loop")
    refused(lambda: graphical([(0, 1, 2)]), "edge 0 is .*; expected a pair")
    refused(lambda: graphical(["ab"]), "expected a pair")
    refused(lambda: graphical([3]), "expected a pair")
    refused(lambda: graphical("ab"), "expected edges", InputTypeError)
    refused(lambda: graphical(7), "expected edges", InputTypeError)
    refused(lambda: graphical([([1], 2)]), "must be hashable", InputTypeError)
    refused(lambda: graphical([(0, 3)], vertices=[0, 1]), "3 is not among the vertices")
    refused(lambda: graphical([(0, 1)], vertices=[0, 1, 1]), "3 vertices, 2 distinct")


def test_texts_of_sage():
    refused(
        lambda: from_sage("Arrangement of 10 hyperplanes of dimension 4 and rank 3"),
        "names no hyperplanes",
    )
    for text in ("x*y", "x^2", "2x", "x - 1.5?", "x/2", "1/0*x", "x - - y", "x y", "*"):
        refused(lambda t=text: from_sage(t), "no linear form")
    refused(lambda: from_sage("x + y", variables=["x"]), "variable 'y' is not among")
    refused(lambda: from_sage(""), "no hyperplanes")
    refused(lambda: from_sage(3), "expected the text", InputTypeError)
    refused(lambda: from_sage([[1, 2]]), "expected the text", InputTypeError)
    refused(lambda: from_sage([], variables=["x"]), "variables are for text")


def test_texts_of_polymake(tmp_path):
    refused(lambda: from_polymake("1 2\n3"), "ragged")
    refused(lambda: from_polymake("1 x"), "HYPERPLANES: .*'1 x'")
    refused(lambda: from_polymake("{"), "no JSON")
    refused(lambda: from_polymake({"_type": "Cone"}), "Cone came without HYPERPLANES")
    refused(lambda: from_polymake("(3) (0 1) 4"), "no sparse row")
    refused(lambda: from_polymake("(3) (3 1)"), "column 3 of 3")
    refused(
        lambda: from_polymake({"HYPERPLANES": ["12"]}), "expected a list of numbers"
    )
    refused(lambda: from_polymake({"HYPERPLANES": [[True]]}), "boolean", InputTypeError)
    refused(lambda: from_polymake(7), "expected text", InputTypeError)
    refused(lambda: from_polymake(tmp_path / "none"), "cannot be read")
    refused(lambda: from_polymake([[], []], affine=True), "column of constants")
    nan = {"HYPERPLANES": [[float("nan")]]}
    refused(lambda: from_polymake(nan), "nan came")
