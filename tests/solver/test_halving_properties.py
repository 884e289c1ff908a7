"""Leaves are halved as far as the time goes: all of the sphere stays covered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convex_solver import ConvexProgram, solve
from convex_solver.leaves import DualPoint, covers
from convex_solver.solver import RelaxedProgram, relaxation, relaxed_certificate
from convex_solver.solver.halving import HALVED, SLOWER, Halving, Pace, chosen

from instances import planted_program


def seconds_of(pace, leaves, more, effort):
    """What a run and its halvings take, from the definition."""
    longer = effort(leaves + more) / effort(leaves)
    again = (leaves + more) / leaves
    return SLOWER * pace.steps * longer + pace.reading * again + pace.halving * more


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=12),
    st.tuples(*[st.floats(0.0, 2.0)] * 3),
    st.floats(1.0, 2.0),
    st.floats(-1.0, 20.0),
)
def test_the_leaves_with_the_most_slack_are_halved_and_no_more_fit_in(
    slack, pace, power, left
):
    slack, pace = np.array(slack), Pace(*pace)

    def effort(count):
        return count**power

    some = chosen(slack, pace, effort, left)
    assert some.shape == slack.shape
    wide = slack >= HALVED * slack.max()
    count, most, total = np.count_nonzero(some), np.count_nonzero(wide), len(slack)
    # those that are left out leave no more open than those that are not
    assert np.all(wide[some])
    assert not count or slack[some].min() >= slack[~some].max(initial=0.0)
    if count:
        assert seconds_of(pace, total, count, effort) <= left
    if count < most:
        assert seconds_of(pace, total, count + 1, effort) > left


@pytest.mark.parametrize("left", [0.0, np.inf])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_slack_that_is_no_number_is_no_leaf_to_halve(value, left):
    slack = np.array([1.0, value, 2.0])
    assert not np.any(chosen(slack, Pace(1.0, 1.0, 1.0), float, left)[[0, 2]])


def leaves_by_sign(parts):
    return [[part.leaf for part in parts if part.sign == sign] for sign in (1.0, -1.0)]


@pytest.fixture(scope="module")
def run():
    """A run over some leaves of a program of rank 7."""
    relaxed = RelaxedProgram(planted_program("squared", 40, 7, beta=1.0))
    relaxed.refine(relaxed.zero, 1e-9, np.inf, most=5)
    return relaxed, relaxed._run


@given(st.lists(st.booleans(), min_size=20, max_size=20))
def test_halves_take_the_place_of_their_parent_and_others_stay(run, flags):
    relaxed, last = run
    some = np.array(flags[: len(last.parts)])
    point, early = last.point, last.early
    parts = relaxed.halving.halve(last.parts, point, early, some)
    assert all(covers(leaves) for leaves in leaves_by_sign(parts))
    assert len(parts) <= len(last.parts) + np.count_nonzero(some)
    k = 0
    for is_chosen, parent in zip(some, last.parts, strict=True):
        if parts[k].leaf is parent.leaf:
            assert parts[k].sign == parent.sign
            k += 1
            continue
        assert is_chosen
        depth = len(parent.leaf.thresholds)
        for side, part in zip((False, True), parts[k : k + 2], strict=True):
            assert part.sign == parent.sign
            assert np.array_equal(part.leaf.normals[:depth], parent.leaf.normals)
            assert part.leaf.above.tolist() == [*parent.leaf.above, side]
            assert np.all(part.leaf.inside(part.points))
            # moments to begin with are of the leaf
            assert part.leaf.inside(part.points.mean(axis=0, keepdims=True)).all()
        k += 2
    assert k == len(parts)


class Watch:
    """A clock that every step moves by what it has to do, and the halvings."""

    def __init__(self, monkeypatch):
        self.now, self.halved, self.parts, self.limits = 1000.0, [], [], {}
        monkeypatch.setattr(relaxation.time, "monotonic", lambda: self.now)
        advance, halve = DualPoint.advance, Halving.halve

        def slowly(point, aim=None):
            self.now += point.effort(point.count) / point.effort(2)
            return advance(point, aim)

        def noting(halving, parts, point, early, some):
            halves = halve(halving, parts, point, early, some)
            self.halved.append((some, point.slack()))
            self.parts.append(halves)
            return halves

        def choosing(slack, pace, effort, left):
            wide = int(np.count_nonzero(slack >= HALVED * slack.max()))
            if wide > 1:  # limits at which all of them but one fit in
                needed = pace.after(len(slack), wide - 1, effort)
                self.limits[self.now + 1e-6 + needed - 1000.0] = len(self.halved)
            return chosen(slack, pace, effort, left)

        monkeypatch.setattr(relaxation, "chosen", choosing)
        monkeypatch.setattr(DualPoint, "advance", slowly)
        monkeypatch.setattr(Halving, "halve", noting)


def refined(program, upper, seconds, monkeypatch, most=12):
    with monkeypatch.context() as patch:
        watch, lines = Watch(patch), []
        relaxed = RelaxedProgram(program)
        found = relaxed.refine(
            upper, 1e-9, watch.now + seconds, most=most, report=lines.append
        )
        return watch, relaxed, found, lines


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_what_time_is_left_halves_some_leaves_and_the_bound_is_true(loss, monkeypatch):
    program = planted_program(loss, 25, 4, beta=0.3)
    solution = solve(program, tol=1e-8)
    upper, estimates = solution.objective, []
    limits = refined(program, upper, 1e6, monkeypatch)[0].limits
    assert len(limits) > 2
    for seconds in (0.5, *limits):
        watch, relaxed, found, _ = refined(program, upper, seconds, monkeypatch)
        # steps that are begun end in half of their time past the limit
        assert watch.now <= 1000.0 + seconds + 0.5 * relaxed._run._spent
        if seconds in limits:
            some, slack = watch.halved[limits[seconds]]
            wide = slack >= HALVED * slack.max()
            assert np.count_nonzero(some) == np.count_nonzero(wide) - 1
        leaves = [
            [hint.leaf for hint in found.hints if hint.sign == sign]
            for sign in (1.0, -1.0)
        ]
        assert all(map(covers, leaves))
        assert all(covers(each) for p in watch.parts for each in leaves_by_sign(p))
        proven = relaxed_certificate(program, solution.network, found, np.inf)
        assert proven.lower_bound <= solution.objective * (1 + 1e-12)
        assert proven.lower_bound == pytest.approx(found.estimate, rel=1e-4)
        estimates.append(found.estimate)
    assert estimates[-1] > estimates[0]


@pytest.mark.slow
def test_the_bound_only_rises_and_a_limit_that_does_not_strike_changes_nothing(
    monkeypatch,
):
    program = planted_program("squared", 30, 5, beta=0.5)
    upper = RelaxedProgram(program).zero
    watch, _, found, lines = refined(program, upper, 1e6, monkeypatch)
    _, _, other, others = refined(program, upper, np.inf, monkeypatch)
    assert len(watch.halved) > 2
    for some, slack in watch.halved:
        assert np.array_equal(some, slack >= HALVED * slack.max())
    assert lines == others
    assert found.estimate == other.estimate
    assert np.array_equal(found.v, other.v)
    bounds = [float(line.split("about ")[1].split(",")[0]) for line in lines]
    assert bounds == sorted(bounds)


@pytest.mark.slow
def test_few_cones_among_many_rows_do_not_cut_steps_short(monkeypatch):
    """3,000 rows: without emphasis of the cones there are nearly twice the steps."""
    random = np.random.default_rng(0)
    X = random.standard_normal((3000, 6))
    y = np.maximum(X @ random.standard_normal((6, 3)), 0.0).sum(axis=1)
    y += 0.5 * random.standard_normal(3000)
    y -= y.mean()
    direction = X.T @ y / np.linalg.norm(X.T @ y)
    program = ConvexProgram(X, y, 0.5 * abs(y @ np.maximum(X @ direction, 0.0)))
    upper = program.data_term.value(np.zeros(program.n))
    advance, steps = DualPoint.advance, []

    def count(point, *arguments):
        steps[-1] += 1
        return advance(point, *arguments)

    monkeypatch.setattr(DualPoint, "advance", count)
    bounds = []
    for emphasis in (None, 1.0):
        if emphasis is not None:
            monkeypatch.setattr(DualPoint, "_most", lambda _: 1.0)
        steps.append(0)
        found = RelaxedProgram(program).refine(upper, 1e-9, np.inf, most=4)
        bounds.append(found.estimate)
    assert steps[0] <= 0.75 * steps[1]
    assert bounds[0] == pytest.approx(bounds[1], rel=5e-3)
