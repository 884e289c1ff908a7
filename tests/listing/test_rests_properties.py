"""`Walker.leave`: what a walk leaves, at any time, is the end of its list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement._kernels.state import DONE, N_EMITTED, N_FRAMES
from arrangement.listing.cells import walker
from arrangement.listing.cells.walker import Walker, new_output

from instances import rows_in_rank, spread
from reference.walks import KINDS, layout_of, walk

pytestmark = pytest.mark.kernels

CASES = {
    "generic": (np.vander(np.arange(1, 11), 4), None),
    "degenerate": (rows_in_rank(1, 14, 4, size=2), None),
    "of three words": (spread(rows_in_rank(2, 24, 3)), None),
    "plane": (np.column_stack([np.arange(20), np.ones(20, dtype=int)]), None),
    "of high rank": (np.vstack([np.eye(6, dtype=int), rows_in_rank(3, 4, 6)]), None),
    "affine": (rows_in_rank(4, 12, 3, size=3), np.arange(12) % 4),
    "half-line": (np.ones((3, 1), dtype=int), None),
}


def required(layout, draw):
    """Draw signs of a few places; 0 for any other."""
    signs = np.zeros(64 * layout.n_words, dtype=np.int8)
    for place in draw(st.lists(st.sampled_from(layout.places.tolist()), max_size=2)):
        signs[place] = draw(st.sampled_from((-1, 1)))
    return signs


def in_parts(one, start, draw, few):
    """List what ``start`` begins with, and what is left where it is drawn, in order."""
    start(one)
    layout = one.layout
    room = draw(st.integers(1, 9))
    patterns = np.zeros((room, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(layout)._replace(patterns=patterns)
    found, left, status = [], [], -1
    while status != DONE:
        status = one.advance(output)
        found.append(patterns[: one.n_written].copy())
        one.n_written = 0
        rest = one.leave(few) if draw(st.booleans()) else None
        if rest is not None:
            # a part is never of nothing, and the walk keeps some for itself
            assert len(rest.waiting.counts) or rest.roots[0] < rest.roots[1]
            left.append(rest)
    assert one.leave(0) is None
    for rest in reversed(left):
        # in a walk of its own, or in this one, which has come to its end
        other = draw(st.sampled_from((one, Walker(layout, step=one.step))))
        begin = lambda walk, rest=rest: walk.take_up(rest)  # noqa: E731
        found += in_parts(other, begin, draw, few)
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_walk_and_what_it_left_are_the_listing(name, kind, data):
    layout = layout_of(*CASES[name], kind=kind)
    step = data.draw(st.sampled_from((1, 2)))
    signs = required(layout, data.draw)
    whole = Walker(layout, step=step)
    whole.require(signs)
    expected = walk(whole)[0]
    few = data.draw(st.sampled_from((0, 0, 8)))
    with pytest.MonkeyPatch.context() as patch:
        # pauses anywhere, within a cut too
        patch.setattr(walker, "_BUDGET", data.draw(st.sampled_from((1, 7, 1 << 16))))
        one = Walker(layout, step=step)
        found = in_parts(one, lambda walk: walk.require(signs), data.draw, few)
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_what_waits_is_left_unless_it_is_small(kind):
    layout = layout_of(CASES["degenerate"][0], kind=kind)
    one = Walker(layout)
    one.require(np.zeros(64 * layout.n_words, dtype=np.int8))
    patterns = np.zeros((1, layout.words_per_pattern), dtype=np.uint64)
    output = new_output(layout)._replace(patterns=patterns)
    one.advance(output)
    # of the eight cones the walk is in the first
    roots = []
    while (rest := one.leave(0)) is not None and rest.roots[1]:
        roots.append(rest.roots)
    assert roots == [(4, 8), (2, 4), (1, 2)]
    waiting = int(one.control[N_FRAMES]) + len(rest.waiting.counts)
    assert len(rest.waiting.counts) == waiting // 2
    assert one.leave(1 << 40) is None
    # of one cone that is not begun nothing is left to others
    one.control[[walker.NEXT_ROOT, walker.N_ROOTS, N_FRAMES, N_EMITTED]] = 3, 4, 0, 0
    assert one.leave(0) is None
    one.control[walker.NEXT_ROOT] = 2
    assert one.leave(0).roots == (3, 4)


@pytest.mark.parametrize("name", ["generic", "affine"])
def test_what_is_left_does_not_change_with_the_walk_that_goes_on(name):
    layout = layout_of(*CASES[name])
    one = Walker(layout)
    one.control[[walker.NEXT_ROOT, walker.N_ROOTS]] = 0, 1
    patterns = np.zeros((2, layout.words_per_pattern), dtype=np.uint64)
    one.advance(new_output(layout)._replace(patterns=patterns))
    rest = one.leave(0)
    before = [array.copy() for array in (*rest.waiting, *rest.required)]
    one.n_written = 0
    walk(one)
    after = (*rest.waiting, *rest.required)
    assert all(map(np.array_equal, before, after))
