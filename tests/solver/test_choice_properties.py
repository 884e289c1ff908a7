"""The choice of a beta by errors, against its definition."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_solver import InputError
from convex_solver.solver import RULES, choose_beta

ERRORS = st.integers(0, 6).map(float) | st.just(float("nan"))


@st.composite
def tables(draw):
    """Betas in any order, and errors of some folds, all of them on one beta."""
    m, k = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    betas = draw(st.permutations([2.0**i for i in range(m)]))
    errors = [[draw(ERRORS) for _ in range(k)] for _ in range(m)]
    errors[draw(st.integers(0, m - 1))] = [draw(st.integers(0, 6)) for _ in range(k)]
    return np.array(betas), np.array(errors, dtype=float)


@given(tables())
def test_the_choice_is_the_one_defined(table):
    betas, errors = table
    found = choose_beta(betas, errors)
    k = errors.shape[1]
    means, standard = [], []
    for row in errors.tolist():
        is_known = all(x == x for x in row)
        means.append(statistics.fmean(row) if is_known else float("inf"))
        error = statistics.stdev(row) / k**0.5 if is_known and k > 1 else 0.0
        standard.append(error)
    np.testing.assert_allclose(found.means, means)
    np.testing.assert_allclose(found.errors, standard, atol=1e-12)
    least = min(means)
    best = max(b for b, mean in zip(betas, means, strict=True) if mean == least)
    assert betas[found.best] == best
    most = found.means[found.best] + found.errors[found.best]
    near = [b for b, mean in zip(betas, found.means, strict=True) if mean <= most]
    assert betas[found.one_se] == max(near)
    assert [found.index(rule) for rule in RULES] == [found.best, found.one_se]
    with pytest.raises(InputError, match="rule='least' is unknown"):
        found.index("least")
