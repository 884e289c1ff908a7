"""What notebooks show of results: small tables, escaped, in the colours of the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from arrangement import Arrangement, PatternSet, enumerate_patterns, iter_patterns
from arrangement.io import html_facts, html_table
from convex_solver import ConvexProgram, TwoLayerReLU, certify, solve

X = np.random.default_rng(0).normal(size=(70, 2))
EVIL = "<script>alert('&')</script>"


class Reader(HTMLParser):
    """Reads a fragment: its text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)

    @property
    def facts(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.rows if len(row) == 2}


@pytest.fixture(scope="module")
def objects():
    program = ConvexProgram(
        X,
        X[:, 0] * X[:, 1],
        0.5,
        intercept=True,
        standardize=True,
        feature_names=[EVIL, "b"],
    )
    solution = solve(program)
    patterns = enumerate_patterns(X)
    return {
        "solution": solution,
        "certificate": solution.certificate,
        "network": solution.network,
        "patterns": patterns,
        "slice": patterns[:3],
        "block": next(iter_patterns(X)),
        "none": enumerate_patterns(np.zeros((0, 2))),
        "arrangement": patterns.arrangement,
        "affine": Arrangement([[1, 2], [2, 4], [0, 0]], offsets=[1, 2, 3]),
        "zero": TwoLayerReLU(np.zeros((0, 3)), []),
        "wide": TwoLayerReLU(np.ones((2, 2000)), [1.0, -1.0]),
    }


def test_tables_are_short_escaped_and_without_colours_of_their_own(objects):
    for name, value in objects.items():
        text = value._repr_html_()
        read = Reader(text)
        assert read.open == [], name
        assert read.tags <= {
            *("div", "strong", "table", "tbody", "thead", "tr", "td", "th"),
            *("details", "summary"),
        }
        assert len(text) < 12_000, name
        # colours: those of the page, so that dark themes are read as well
        assert not re.search(r"color:(?!inherit)(?!transparent)", text), name
        assert "#" not in re.sub(r"&#\w+;", "", text), name


def test_facts_are_those_of_the_object(objects):
    solution = objects["solution"]
    facts = Reader(solution._repr_html_()).facts
    assert facts["status"] == "optimal (ended by: tolerance)"
    assert float(facts["objective"]) == pytest.approx(solution.objective, rel=1e-11)
    assert facts["problem"] == "squared loss, beta = 0.5"
    certificate = Reader(objects["certificate"]._repr_html_()).facts
    assert float(certificate["lower bound"]) <= float(certificate["upper bound"])
    assert certificate["lower bound by"] == solution.certificate.proof
    patterns = Reader(objects["patterns"]._repr_html_()).facts
    assert patterns["patterns"].startswith("140, Cover's bound 140")
    assert patterns["proof"].startswith("140 patterns: all distinct")
    assert patterns["0"] == "".join(objects["patterns"][0][:48].astype(int).astype(str))
    assert Reader(objects["slice"]._repr_html_()).facts["proof"] == "none"
    affine = Reader(objects["affine"]._repr_html_()).facts
    assert affine["kind"] == "affine"
    assert affine["distinct hyperplanes"] == "1 (1 rows repeat one)"
    assert affine["rows without one"] == "1, zero"


def test_neurons_come_strongest_first_with_names(objects):
    network = objects["network"]
    rows = Reader(network._repr_html_()).rows
    heads = next(row for row in rows if row[0] == "neuron")
    assert heads[3:] == [EVIL, "b", "intercept"]
    sizes = [float(row[1]) for row in rows[rows.index(heads) + 1 :]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == min(8, network.n_neurons)
    wide = objects["wide"]._repr_html_()
    assert "first 6 of 2,000 features" in wide


def test_what_a_file_claims_is_no_proof(tmp_path, objects):
    path = tmp_path / "p.npz"
    objects["patterns"].save(path)
    facts = Reader(PatternSet.load(path)._repr_html_()).facts
    assert facts["proof"].startswith("none; the file says: 140 patterns")


def test_text_is_never_markup():
    text = html_facts(EVIL, [(EVIL, EVIL)])
    text += html_table([EVIL], [[EVIL]], summary=EVIL, note=EVIL)
    assert "<script" not in text
    assert Reader(text).tags.isdisjoint({"script"})
    assert len(html_facts("t", [("n", "x" * 10**6)])) < 1000


def test_a_certificate_of_a_loose_bound_is_shown():
    network = TwoLayerReLU([[1.0, 0.0]], [1.0])
    text = certify(network, X, X[:, 0], 10.0)._repr_html_()
    assert "relative" in text
