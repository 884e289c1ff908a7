"""The words beside a gap: what is shown, in one wording, and no more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_solver.certificates import (
    SolutionStatus,
    gap_text,
    heading,
    shown_text,
    verdict,
)
from convex_solver.certificates.status import status_of
from convex_solver.certificates.words import SMALL_GAP


@pytest.mark.every
@pytest.mark.parametrize(
    ("gap", "tol", "title", "words"),
    [
        (3e-9, 1e-6, "Certified global optimum", "optimal; "),
        (0.0, 1e-6, "Certified global optimum", "optimal; "),
        (2e-6, 1e-6, "Not shown to be optimal", "not shown to be optimal; "),
        (0.188, 1e-6, "Not shown to be optimal", "not shown to be optimal; "),
        # a tolerance that is asked for makes no optimum of a wide gap
        (
            *(0.188, 0.5, "Within the gap asked for"),
            "within the 50% asked for, not shown to be optimal; ",
        ),
        (1.0, 1e-6, "Not shown to be optimal", "not shown to be optimal; "),
        (math.inf, 1e-6, "Not shown to be optimal", "not shown to be optimal; "),
        (math.nan, 1e-6, "Not shown to be optimal", "not shown to be optimal; "),
    ],
)
def test_words_for_gaps(gap, tol, title, words):
    assert heading(gap, tol) == title
    assert verdict(gap, tol) == words + shown_text(gap)


def test_a_share_is_told_as_a_person_says_it():
    assert gap_text(0.188) == "18.8%"
    assert gap_text(0.00012) == "0.012%"
    assert gap_text(9.9e-5) == "9.9e-05"
    assert shown_text(1.0).endswith("100% of its objective, which says nothing")
    assert shown_text(math.inf) == "nothing is shown of the optimum"


@given(
    upper=st.floats(1e-3, 1e3),
    share=st.floats(0.0, 1.0),
    tol=st.sampled_from([0.0, 1e-9, 1e-6, 1e-3, 0.5]),
)
def test_words_never_say_more_than_the_status(upper, share, tol):
    lower = upper * (1.0 - share)
    gap = (upper - lower) / upper
    is_within = status_of(upper, lower, tol) is SolutionStatus.OPTIMAL
    title, text = heading(gap, tol), verdict(gap, tol)
    if title == "Certified global optimum" or text.startswith("optimal"):
        # but for the last bit of the gap, which the status rounds up
        assert is_within or math.isclose(gap, tol)
        assert gap <= SMALL_GAP
    else:
        assert "not shown to be optimal" in text
