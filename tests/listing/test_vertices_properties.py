"""`VertexWalker` against the walk over cells.

The walker is used directly, whatever the planner would choose: small integers with
planted dependences, where nearly every vertex is in doubt, and data in general
position, where none is.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, ArrangementError
from arrangement._kernels.state import DONE, HEAD, N_EMITTED, PAUSED
from arrangement._kernels.vertices import walk as vertices
from arrangement.listing.cells.layout import make_layout
from arrangement.listing.cells.walker import Walker, new_output
from arrangement.listing.vertices.subsets import place_of
from arrangement.listing.vertices.walker import VertexWalker
from arrangement.model.patterns import unpack

from reference.brute_force import chambers
from strategies import affine_arrangements, matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def vertex_walker(X, offsets=None, *, step=None):
    arrangement = Arrangement(X, offsets)
    step = step or (2 if offsets is None else 1)
    return VertexWalker(arrangement, make_layout(arrangement), step=step)


def walk(one, *, block=4096, witnesses=False):
    """Run a walk to its end: patterns and witnesses."""
    patterns = np.zeros((block, one.layout.words_per_pattern), dtype=np.uint64)
    output = new_output(
        one.layout, n_points=block // one.step if witnesses else 0
    )._replace(patterns=patterns)
    points = output.points
    found, where = [], []
    status = None
    while status != DONE:
        status = one.advance(output)
        count = int(one.control[N_EMITTED])
        assert status in (DONE, PAUSED) or count > block - one.step
        found.append(patterns[:count].copy())
        where.append(points[: count // one.step].copy())
        one.control[N_EMITTED] = 0
    return np.concatenate(found), np.concatenate(where)


def in_order(patterns):
    return patterns[np.lexsort(patterns.T)]


def assert_same_chambers(X, offsets=None):
    """The vertices list what the walk over cells lists; returns the walker."""
    one = vertex_walker(X, offsets)
    patterns, _ = walk(one)
    cells, _ = walk(Walker(one.layout, step=one.step))
    listed = in_order(patterns)
    assert not np.any(np.all(listed[1:] == listed[:-1], axis=1)), "listed twice"
    assert np.array_equal(listed, in_order(cells))
    if offsets is None:
        moving = one.layout.outside.moving
        assert np.array_equal(patterns[1::2], patterns[::2] ^ moving)
    for least in (1, 7, 40):
        pieces = [*vertex_walker(X, offsets).pieces(least)]
        parts = [walk(make())[0] for _, make in pieces]
        assert np.array_equal(np.concatenate(parts), patterns)
        sets = one.step * np.cumsum([n_sets for n_sets, _ in pieces])
        # so each may be written before it is known how many come before it
        assert np.all(np.cumsum([len(part) for part in parts]) <= sets)
        n_free = one.layout.n_rows - 1
        assert sets[-1] == one.step * sum(
            math.comb(n_free, k) for k in range(one._rank)
        )
    return one


# --- matrices with planted dependences ----------------------------------------

MOST_ROWS = {2: 24, 3: 12, 4: 9, 5: 8, 6: 8}


@st.composite
def planted(draw, *, affine):
    """Random rows of rank up to 6, some of them replaced by dependent ones."""
    kind = draw(st.sampled_from(("signs", "small", "normal", "long", "wide")))
    r = draw(st.integers(2, 3 if kind == "wide" else 6))  # wide: slow when exact
    n = draw(st.integers(r, r + 3 if kind == "wide" else MOST_ROWS[r]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (n, r)
    if kind == "normal":
        X = rng.standard_normal(shape)
    else:
        top = {"signs": 1, "small": 3, "long": 2**52, "wide": 9}[kind]
        X = rng.integers(-top, top + 1, shape).astype(np.float64)
    if kind == "wide":
        by_column = draw(st.booleans())
        X *= 10.0 ** rng.integers(-300, 300, r if by_column else (n, 1))
    for _ in range(draw(st.integers(0, 5))):
        i = draw(st.integers(0, n - 1))
        others = [X[draw(st.integers(0, n - 1))] for _ in range(4)]
        weights = [draw(st.sampled_from((-1.0, 1.0))) for _ in others]
        # a multiple, then dependent pairs, triples, quadruples, quintuples
        most = draw(st.integers(0, 4))
        row = np.zeros(r)
        for weight, other in zip(weights[:most], others, strict=False):
            row = row + weight * other
        nudged = draw(st.sampled_from((None, None, *range(r))))
        if nudged is not None:
            row[nudged] = np.nextafter(row[nudged], np.inf)
        if affine and draw(st.booleans()):
            row = others[0].copy()
            row[-1] = draw(st.integers(-3, 3))  # parallel
        X[i] = row
    assume(np.all(np.isfinite(X)))
    normals, offsets = (X[:, :-1], -X[:, -1]) if affine else (X, None)
    cone = Arrangement(normals, offsets).cone
    assume(cone.rank >= 2 and cone.rows)
    return normals, offsets


@moderate
@given(planted(affine=False))
def test_vertices_list_the_chambers_of_the_walk_over_cells(instance):
    assert_same_chambers(*instance)


@moderate
@given(planted(affine=True))
def test_vertices_list_the_affine_chambers_of_the_walk_over_cells(instance):
    assert_same_chambers(*instance)


@moderate
@given(st.data())
def test_vertices_list_exactly_the_chambers_by_definition(data):
    offsets = None
    if data.draw(st.booleans()):
        X, offsets = data.draw(affine_arrangements(max_rows=6))
    else:
        X = data.draw(matrices(max_rows=6))
    cone = Arrangement(X, offsets).cone
    assume(cone.rank >= 2 and cone.rows)
    patterns, _ = walk(vertex_walker(X, offsets))
    found = [tuple(row) for row in unpack(patterns, len(X)).astype(int).tolist()]
    assert len(set(found)) == len(found)
    assert set(found) == chambers(X, offsets)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("n", [63, 64, 65, 128, 129])
def test_rows_at_the_ends_of_words(n, affine):
    rng = np.random.default_rng(n)
    X = rng.integers(-20, 21, (n, 3))
    X[n // 2] = 0
    X[-2] = -X[0]
    X[5] = X[0]
    X[63 % n] = X[2] + X[3]
    X[-1] = X[1] - X[4]
    offsets = None
    if affine:
        X, offsets = X[:, :2], X[:, 2]
    one = assert_same_chambers(X, offsets)
    assert one.n_local > 0


def test_many_rows_parallel_to_few_in_three_words():
    rng = np.random.default_rng(1)
    few = rng.integers(-3, 4, (9, 4))
    source = np.concatenate([np.arange(9), rng.integers(0, 9, 130)])
    X = few[source] * rng.choice([-2, -1, 1, 3], len(source))[:, None]
    assert_same_chambers(X[rng.permutation(len(X))])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("r", [3, 4, 5])
def test_rows_one_ulp_from_a_common_plane(r, seed):
    """Many determinants are far below the error of their float evaluation."""
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((r - 1, r))
    X = rng.standard_normal((11 - r // 4, r - 1)) @ base
    X[0] = rng.standard_normal(r)
    one = assert_same_chambers(X)
    assert one.n_exact > 0


@pytest.mark.parametrize("n", [60, 64, 70, 130])
def test_rows_parallel_to_others_within_and_across_words(n):
    """Their bits are copied by whole words where all places are output bits."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 3))
    X[7:10] = X[4:7]
    X[11] = -2.0 * X[0]
    X[n - 2 : n] = X[2:4] * [[-1.0], [0.5]]
    X[31] = X[63 % n]
    one = assert_same_chambers(X)
    # a bit of the run of three, of the twin that flips, and of each that crosses words
    assert len(one.layout.outside.members) == 7
    assert 4 <= len(one._frame.chart.copies) < 7


def test_two_rows_one_ulp_from_parallel_and_no_others():
    """Their vertex is in doubt though there is no other row to compare with."""
    one = assert_same_chambers([[1, 1], [1, np.nextafter(1.0, 2.0)]], [0, 0])
    assert one.n_exact == 3


# --- vertices in doubt, and on more rows than they need -----------------------


@pytest.mark.parametrize(
    ("n", "r"), [(40, 2), (30, 3), (64, 3), (20, 4), (12, 5), (10, 6)]
)
def test_data_in_general_position_leaves_nothing_in_doubt(n, r):
    one = vertex_walker(np.random.default_rng(n + r).standard_normal((n, r)))
    patterns, _ = walk(one)
    assert len(patterns) == 2 * sum(math.comb(n - 1, k) for k in range(r))
    assert (one.n_exact, one.n_local) == (0, 0)


def test_a_dependent_quadruple_in_rank_4_is_one_vertex_of_its_own():
    X = np.random.default_rng(3).integers(-1000, 1001, (14, 4))
    X[9] = X[2] + X[5] - X[7]
    one = assert_same_chambers(X)
    # each three of the four rows are a basis of the vertex
    assert (one.n_exact, one.n_local) == (4, 1)


def test_a_dependent_quadruple_with_row_0_meets_far_out():
    """The other three rows meet on row 0 and are told apart before they meet."""
    X = np.random.default_rng(3).integers(-1000, 1001, (14, 4))
    X[9] = X[0] + X[5] - X[7]
    one = assert_same_chambers(X)
    assert one.n_local == 0
    # three vertices on the flat, and three dependent rows in the chart at infinity
    assert one.n_exact >= 3


def test_a_dependent_triple_in_rank_4_meets_every_other_row():
    n = 14
    X = np.random.default_rng(4).integers(-1000, 1001, (n, 4))
    X[9] = X[2] - X[5]
    one = assert_same_chambers(X)
    # with each row but row 0 at level 0, and with none at level 1
    assert one.n_local == (n - 4) + 1


@pytest.mark.parametrize("r", [3, 4, 5])
def test_a_determinant_that_is_not_known_ends_the_listing(r):
    """Whichever row of the vertex it leaves out."""
    X = np.random.default_rng(r).standard_normal((9, r))
    for chosen in combinations(range(8), r - 2):
        one = vertex_walker(X)
        words = one._tables[1][place_of(chosen[:-1]), vertices.KNOWN]
        flag = np.uint64(1 << int(one._frame.free[chosen[-1]]))
        assert words[0] & flag
        words[0] ^= flag
        with pytest.raises(ArrangementError, match="vanished"):
            walk(one)


# --- blocks and forks ---------------------------------------------------------


def with_local_vertices(affine):
    rng = np.random.default_rng(8)
    X = rng.integers(-3, 4, (9, 4))
    return (X[:, :3], X[:, 3]) if affine else (X, None)


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5, 6, 1000])
@pytest.mark.parametrize("affine", [False, True])
def test_every_block_size_gives_the_same_bytes(affine, block):
    X, offsets = with_local_vertices(affine)
    one = vertex_walker(X, offsets)
    if block < one.step:
        return
    whole, points = walk(one, block=1 << 14, witnesses=True)
    patterns, where = walk(vertex_walker(X, offsets), block=block, witnesses=True)
    assert np.array_equal(patterns, whole)
    assert np.array_equal(where, points)


def test_patterns_do_not_depend_on_witnesses_or_the_step():
    X, _ = with_local_vertices(False)
    whole, points = walk(vertex_walker(X), witnesses=True)
    assert len(points) == len(whole) // 2
    assert np.array_equal(walk(vertex_walker(X))[0], whole)
    assert np.array_equal(walk(vertex_walker(X, step=1))[0], whole[::2])


@pytest.mark.parametrize(("n", "r"), [(300, 2), (600, 2), (20, 3), (9, 4), (8, 5)])
def test_forks_list_the_whole_in_order_with_nothing_shared(n, r):
    X = np.random.default_rng(n).integers(-4000, 4001, (n, r))
    whole, _ = walk(vertex_walker(X))
    pieces = [make() for _, make in vertex_walker(X).pieces()]
    assert len(pieces) > 2
    # backwards, in turns of one small block each
    blocks = np.zeros((len(pieces), 6, pieces[0].layout.words_per_pattern), np.uint64)
    parts = [[] for _ in pieces]
    waiting = set(range(len(pieces)))
    while waiting:
        for k in sorted(waiting, reverse=True):
            output = new_output(pieces[k].layout)._replace(patterns=blocks[k])
            if pieces[k].advance(output) == DONE:
                waiting.discard(k)
            parts[k].append(blocks[k][: pieces[k].control[N_EMITTED]].copy())
            pieces[k].control[N_EMITTED] = 0
    found = np.concatenate([part for blocks in parts for part in blocks])
    assert np.array_equal(found, whole)


@pytest.mark.parametrize("least", [1, 10, 60, 100, 10**6])
def test_pieces_have_as_many_chambers_as_asked_for(least):
    one = vertex_walker(np.random.default_rng(5).standard_normal((12, 5)), step=1)
    pieces = [make() for _, make in one.pieces(least)]
    heads = [
        (piece._level.number, *piece._level.path.prefix[: piece.control[HEAD]])
        for piece in pieces
    ]
    counts = [len(walk(piece)[0]) for piece in pieces]
    assert sum(counts) == 1 + sum(math.comb(11, k) for k in (1, 2, 3, 4))
    assert (len(pieces) == 2) == (least == 10**6)
    # the first piece, and the last of each head of a level, have what is left
    for k in range(1, len(pieces) - 1):
        assert counts[k] >= least or heads[k + 1] != heads[k]


# --- witnesses ----------------------------------------------------------------


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize(("n", "r"), [(30, 2), (14, 3), (11, 4), (9, 5), (8, 6)])
def test_nearly_all_witnesses_lie_in_their_chambers(n, r, affine):
    X = np.random.default_rng(n * r).standard_normal((n, r))
    offsets = None
    if affine:
        X, offsets = X[:, :-1], X[:, -1]
    one = vertex_walker(X, offsets, step=1)
    patterns, points = walk(one, witnesses=True)
    cone = Arrangement(X, offsets).cone
    rows = [
        [Fraction(x, 2**shift) for x, shift in zip(row, one.shifts, strict=True)]
        for row in cone.rows
    ]
    listed = unpack(patterns, n)
    good = 0
    for bits_, point in zip(listed.tolist(), points.tolist(), strict=True):
        where = [Fraction(x) for x in point]
        values = [sum(x * w for x, w in zip(row, where, strict=True)) for row in rows]
        is_inside = [value > 0 for value in values] == bits_ and 0 not in values
        good += is_inside and (not affine or where[-1] > 0)
    # the chamber of the last level has no vertex, so no candidate
    assert good >= 0.99 * (len(listed) - 1)


def test_kernels_are_compiled_once():
    for X in ([[1, 0], [0, 1], [1, 1]], np.random.default_rng(0).normal(size=(9, 4))):
        for step in (1, 2):
            walk(vertex_walker(X, step=step), witnesses=True)
    for one in (
        vertices.advance,
        vertices.fill_table,
        vertices.interior_points,
        vertices.emit_words,
    ):
        if not numba.config.DISABLE_JIT:
            assert len(one.signatures) == 1
