"""A count that is late ends: before it begins, between its steps, and only once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from arrangement import Arrangement, BudgetExceededError, count_patterns
from arrangement.counting import counts

ROWS = np.random.default_rng(0).integers(-99, 99, (300, 6))


def test_a_count_without_time_does_not_begin(monkeypatch):
    given = Arrangement(ROWS)
    monkeypatch.setattr(Arrangement, "cone", property(lambda _: pytest.fail("begun")))
    with pytest.raises(BudgetExceededError, match=r"count of 300 rows has not begun"):
        count_patterns(given, time_limit=1e-9)


@pytest.mark.parametrize("step", ["_minor_bound_squared", "_residues"])
def test_between_its_steps_too(step, monkeypatch):
    own, called = getattr(counts, step), []

    def slow(*arguments):
        called.append(step)
        time.sleep(0.3)
        return own(*arguments)

    monkeypatch.setattr(counts, step, slow)
    monkeypatch.setattr(counts, "_walk", lambda *_: pytest.fail("begun"))
    Arrangement(ROWS).cone  # noqa: B018
    with pytest.raises(BudgetExceededError, match="the time is up"):
        count_patterns(ROWS, time_limit=0.25)
    assert called == [step]


def test_a_late_count_is_not_begun_again(monkeypatch):
    walks = []

    def late(*_):
        walks.append(1)
        time.sleep(0.3)
        raise BudgetExceededError("late.")

    monkeypatch.setattr(counts, "whitney_numbers", late)
    with pytest.raises(BudgetExceededError, match="late"):
        count_patterns(ROWS, time_limit=0.25)
    assert walks == [1]
