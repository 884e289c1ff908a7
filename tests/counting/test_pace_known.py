"""A kernel is given less to do where a call takes long, more where it takes none."""

from __future__ import annotations

import time

import numpy as np
import pytest

from arrangement import BudgetExceededError, count_patterns, iter_orbits
from arrangement.counting import pace
from arrangement.counting.pace import Pace
from arrangement.errors import ListingStoppedError
from arrangement.model import Arrangement, find_symmetries
from arrangement.model.symmetries import Frame
from arrangement.options import Deadline


def test_work_is_halved_and_doubled(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    given = []

    def kernel(seconds, work):
        given.append(work)
        now[0] += seconds
        return 7

    one = Pace(128)
    for seconds in (0.0, 0.0, 0.0, 0.3, 0.1, 0.1, 1.0, 0.0):
        assert one.call(kernel, seconds) == 7
    assert given == [4, 8, 16, 32, 16, 16, 16, 8]
    least = Pace(1)
    for _ in range(3):
        least.call(kernel, 9.0)
    assert given[-3:] == [1, 1, 1]
    for _ in range(20):
        one.call(kernel, 0.0)
    assert given[-1] == 128


def test_what_is_left_of_a_limit_is_named_by_the_limit():
    whole = Deadline(5)
    part = Deadline(whole.left())
    assert str(whole) == str(part) == str(Deadline(part.left())) == "time_limit=5 s"
    assert 0.0 < part.left() <= 5.0
    assert whole.left() <= 5.0
    assert Deadline(None).left() == float("inf")
    assert str(Deadline(0.25)) == "time_limit=0.25 s"


def test_no_symmetries_are_sought_among_thousands_of_rows(monkeypatch):
    """Their angles took 2.5 GB, and minutes."""
    frame = Frame(Arrangement(np.random.default_rng(0).normal(size=(3001, 2))).cone)
    monkeypatch.setattr("arrangement.model.symmetry_search._angles", None)
    assert find_symmetries(frame) == []


def test_none_are_sought_when_the_time_is_up(monkeypatch):
    frame = Frame(Arrangement(np.eye(4)).cone)
    assert find_symmetries(frame)
    monkeypatch.setattr("arrangement.model.symmetry_search._angles", None)
    assert find_symmetries(frame, lambda: True) == []
    late = iter([False, True])
    assert find_symmetries(frame, lambda: next(late)) == []


# a call, a block or a wave more; on a busy machine that takes seconds
LATE = 8.0


@pytest.mark.slow
@pytest.mark.parametrize(("n", "r"), [(1000, 4), (12480, 3)])
def test_limits_are_kept_with_many_rows(n, r):
    X = np.random.default_rng(0).normal(size=(n, r))
    small = X[:6]
    count_patterns(small, symmetry=[np.arange(6)])
    next(iter_orbits(small))
    begin = time.monotonic()
    with pytest.raises(BudgetExceededError, match="the time is up"):
        count_patterns(X, symmetry=[np.arange(n)], time_limit=0.5)
    with pytest.raises(ListingStoppedError, match=r"time_limit=0.5 s was reached"):
        for _ in iter_orbits(X, time_limit=0.5):
            pass
    assert time.monotonic() - begin < 1.0 + 2 * LATE
