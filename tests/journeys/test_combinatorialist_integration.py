"""A combinatorialist: the braid arrangement, listed, counted, proven, drawn."""

from __future__ import annotations

import json

import pytest

from .conftest import data_of, text_of

pytestmark = pytest.mark.slow

# x_i = x_j for i < j up to 4: 4! chambers, characteristic polynomial t(t-1)(t-2)(t-3)
BRAID = "1,-1,0,0\n1,0,-1,0\n1,0,0,-1\n0,1,-1,0\n0,1,0,-1\n0,0,1,-1\n"
PLAIN = ("--no-header", "--no-intercept")

CHECKED = """
import json
from math import factorial
from arrangement import (
    PatternSet,
    characteristic_polynomial,
    enumerate_patterns,
    face_numbers,
    open_patterns,
    verify,
)

rows = [[int(x) for x in line.split(",")] for line in open("braid.csv")]
listed = PatternSet.load("braid.npz")
proof = verify(listed, rows)
print(json.dumps({
    "patterns": proof.n_patterns,
    "polynomial": [int(c) for c in characteristic_polynomial(rows)],
    "faces": [int(f) for f in face_numbers(rows)],
    "facets": sorted({len(f) for f in enumerate_patterns(rows).facets()}),
}))
"""


@pytest.fixture
def braid(tmp_path):
    (tmp_path / "braid.csv").write_text(BRAID)


def test_the_braid_arrangement_from_file_to_proof(braid, run, script):
    counted = run("arrangement", "count", "braid.csv", *PLAIN, "--json")
    assert counted.code == 0, counted.err
    assert json.loads(counted.out)["patterns"] == 24
    listed = run("arrangement", "enumerate", "braid.csv", *PLAIN, "-o", "braid.npz")
    assert listed.code == 0, listed.err
    assert "the characteristic polynomial counts 24" in listed.out
    verified = run("arrangement", "verify", "braid.npz", "braid.csv", *PLAIN)
    assert verified.code == 0, verified.err
    assert "proven       yes: 24 patterns" in verified.out
    found = script(CHECKED)
    assert found["patterns"] == 24
    # (t - 1)(t - 2)(t - 3) on the quotient by the line that all planes share
    assert found["polynomial"] == [-6, 11, -6, 1]
    # ordered set partitions of four things by their number of parts
    assert sorted(found["faces"]) == sorted([1, 14, 36, 24])
    assert found["facets"] == [3]


def test_pictures_of_it_in_a_notebook(braid, notebook):
    listed, lines, sphere = notebook(
        "import numpy as np\n"
        "import arrangement\n"
        "from arrangement import enumerate_patterns, plot\n"
        "# the quotient: coordinates x2 - x1, x3 - x1, x4 - x1\n"
        "X = np.loadtxt('braid.csv', delimiter=',', dtype=int)[:, 1:]\n"
        "patterns = enumerate_patterns(X, progress=True)\n"
        "print(len(patterns), patterns.proof.method)\n"
        "patterns",
        "%matplotlib inline\n"
        "ax = plot.chambers([[1, 0], [0, 1], [1, 1]], offsets=[0, 0, 1],\n"
        "                   pattern=[1, 1, 0])",
        "ax = plot.chambers(X, pattern=patterns[3])\nprint(len(ax.get_lines()))",
    )
    assert text_of(listed) == "24 characteristic polynomial\n"
    assert "24, Cover&#x27;s bound" in data_of(listed, "text/html")
    for drawn in (lines, sphere):
        assert data_of(drawn, "image/png")
    # six circles, the rim and three axes, and the legend of what is picked
    assert text_of(sphere) == "11\n"
