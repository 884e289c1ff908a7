"""`check_borders` clears no pattern that is not realised, whatever rows are named.

The reference is the definition: all chambers of a small arrangement by brute force.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, IncompleteListingError, enumerate_patterns
from arrangement._kernels.verification import borders as vertex_proof
from arrangement._kernels.verification import new_elimination
from arrangement._kernels.verification.borders import E, M
from arrangement._kernels.verification.lines import DOUBTED, ORDER, ORDERED
from arrangement.exact.floats import column_shifts
from arrangement.model.patterns import unpack
from arrangement.verification.output_bits import _Rules
from arrangement.verification.witnesses import _check_vertices

from reference.brute_force import chambers
from reference.exact_algebra import determinant

pytestmark = pytest.mark.kernels

U = Fraction(1, 2**53)


@numba.njit
def run_eliminate_row(elimination, depth, n_left, row):
    return vertex_proof.eliminate_row(elimination, depth, n_left, row)


def elimination(coords):
    """The state before the first row goes; scratch holds anything."""
    rng = np.random.default_rng(0)
    state = new_elimination(coords, len(coords) - 1)
    state.work[1:] = rng.random(state.work[1:].shape)
    state.bounds[1:] = rng.random(state.bounds[1:].shape)
    for words in (state.others, state.masks):
        words[:] = rng.integers(0, 2**63, words.shape, dtype=np.uint64)
    for scratch in (state.line, state.keys, state.order, state.fractions):
        scratch[:] = rng.integers(0, 99, scratch.shape)
    return state


def cleared(rules, packed, bases):
    """Whether `check_borders` clears each of some patterns."""
    shifts = column_shifts(rules.rows, rules.arrangement.cone.rank)
    start = elimination(rules.coordinates(shifts).values)
    bad = np.ones(len(packed), dtype=np.bool_)
    vertex_proof.check_borders(start, bases, packed, 1, rules.bits.firsts, bad)
    return ~bad


def every_case(n, r):
    """All sign patterns of n rows with all sets of r - 1 of them, and some with -1."""
    bases = np.array(list(combinations(range(n), r - 1)), dtype=np.int64)
    bits = np.arange(1 << n, dtype=np.uint64)
    packed = np.tile(bits, len(bases))[:, None].copy()
    repeated = np.repeat(bases, len(bits), axis=0)
    repeated[::7, 0] = -1
    return packed, repeated


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_only_chambers_are_cleared_and_generic_ones_are(data):
    """Every pattern of few rows with every choice of rows, in any order."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    r = data.draw(st.integers(2, 4))
    n = data.draw(st.integers(r, 7))
    kind = data.draw(st.sampled_from(("generic", "signs", "near", "near in singles")))
    X = rng.standard_normal((n, r))
    if kind == "signs":
        X = rng.integers(-2, 3, (n, r)).astype(float)
    if "near" in kind:  # rows one ulp from a common plane
        X = rng.integers(-3, 4, (n, r - 1)) @ rng.integers(-3, 4, (r - 1, r)) * 1.0
        X[rng.integers(n)] = rng.standard_normal(r)
        off = np.nextafter(X, 9)
        if kind != "near":
            off = X + 2.0**-25 * rng.integers(-9, 10, X.shape)
        X = np.where(rng.random(X.shape) < 0.3, off, X)
    rules = _Rules(Arrangement(X))
    if rules.arrangement.cone.rank != r or len(rules.rows) != n:
        return
    packed, bases = every_case(n, r)
    order = rng.permutation(len(packed)) if data.draw(st.booleans()) else slice(None)
    packed, bases = np.ascontiguousarray(packed[order]), bases[order].copy()
    found = cleared(rules, packed, bases)
    assert not found[bases[:, 0] < 0].any()
    listed = [tuple(row) for row in unpack(packed[found], n).astype(int).tolist()]
    true = chambers(X)
    assert set(listed) <= true
    if kind == "generic":
        # a chamber has a vertex on r - 1 of the rows
        assert set(listed) == true


@pytest.mark.parametrize(("n", "r"), [(30, 2), (70, 3), (40, 4), (20, 5), (14, 7)])
def test_lists_by_vertices_are_proven_without_any_search(n, r):
    X = np.random.default_rng(n).standard_normal((n, r))
    patterns = enumerate_patterns(X)
    assert patterns.proof is not None
    assert patterns.proof.n_exact_witnesses <= 1  # the last level has no vertex


def signs_of_line(X, j):
    """The pattern at the vertex of row j in the plane, exactly; bit j is 0."""
    (a, b), rows = X[j].tolist(), X.tolist()
    return [Fraction(a) * Fraction(y) > Fraction(b) * Fraction(x) for x, y in rows]


@pytest.mark.parametrize("kind", ["generic", "near"])
def test_a_line_is_proven_at_once_and_only_what_is_true(kind):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((300, 2))
    if kind == "near":
        X[200:203] = np.nextafter(X[:3], 9)
    arrangement = Arrangement(X)
    rules = _Rules(arrangement)
    bits = np.array([signs_of_line(X, j) for j in range(300)])
    bits[rng.random(300) < 0.5] ^= True
    bits[np.arange(300), np.arange(300)] = rng.random(300) < 0.5
    raw = np.zeros((300, 40), dtype=np.uint8)
    raw[:, :38] = np.packbits(bits, axis=1, bitorder="little")
    packed = raw.view("<u8").astype(np.uint64)
    shifts = column_shifts(rules.rows, 2)
    state = elimination(rules.coordinates(shifts).values)

    def check(patterns, bases):
        bad = np.ones(len(patterns), dtype=np.bool_)
        firsts = rules.bits.firsts
        vertex_proof.check_borders(state, bases, patterns, 1, firsts, bad)
        return np.flatnonzero(bad).tolist()

    bases = rng.permutation(300)[:, None].copy()
    patterns = packed[bases[:, 0]]
    doubted = check(patterns, bases)
    assert state.control[ORDER] == (ORDERED if kind == "generic" else DOUBTED)
    if kind == "generic":
        assert doubted == []
    assert len(doubted) <= 6
    for k in range(0, 300, 7):
        # any bit but that of the row itself, and a word of another chamber
        altered = patterns.copy()
        row = int(rng.integers(299))
        row += row >= bases[k, 0]
        altered[k, row // 64] ^= np.uint64(1 << (row % 64))
        assert check(altered, bases) == sorted({*doubted, k})
        altered = patterns.copy()
        altered[[k, k - 1], 2] = altered[[k - 1, k], 2]
        assert {k, (k - 1) % 300} & {*check(altered, bases)} or np.array_equal(
            altered, patterns
        )
    # two at one vertex, and one named by the vertex of another
    twice = bases.copy()
    twice[1] = twice[0]
    assert 1 in check(patterns, twice)
    assert check(
        np.repeat(patterns[:200], 2, axis=0), np.repeat(bases[:200], 2, axis=0)
    ) == [2 * k + s for k in doubted if k < 200 for s in (0, 1)]


@pytest.mark.parametrize("altered", ["bit", "copy", "constant", "basis"])
def test_an_altered_pattern_or_vertex_is_not_accepted(altered):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((66, 3))
    X[10], X[20] = 0.0, -2.0 * X[4]
    rules = _Rules(Arrangement(X))
    i, j = 3, 65
    ray = np.cross(X[i], X[j])
    bits = X @ ray > 0
    bits[[i, j, 10]] = True
    bits[20] = not bits[4]
    bases = np.array([[i, j]])
    if altered == "bit":
        bits[30] ^= True
    elif altered == "copy":
        bits[20] ^= True
    elif altered == "constant":
        bits[10] = False
    shifts = column_shifts(rules.rows, 3)
    raw = np.packbits(np.concatenate([bits, np.zeros(62, bool)]), bitorder="little")
    packed = raw.view("<u8").astype(np.uint64)[None]
    arguments = (rules, packed, 1, np.zeros((1, 3)), shifts)
    if altered == "basis":
        # another vertex proves nothing; a point has to be found
        assert not cleared(rules, packed, np.array([[i, 64]]))[0]
        assert _check_vertices(*arguments, np.array([[i, 64]])) == 0
        assert cleared(rules, packed, bases)[0]
        return
    with pytest.raises(IncompleteListingError, match=r"not realised|contradict"):
        _check_vertices(*arguments, bases)


@pytest.mark.parametrize("step", [1, 2])
def test_bits_that_are_copies_or_constant_are_checked_and_no_others(step):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((130, 2))
    X[[20, 129]] = X[[4, 70]] * [[-2.0], [4.0]]
    X[[10, 65]] = 0.0
    free = [i for i in range(130) if i not in (4, 10, 20, 65, 70, 129)]
    rules = _Rules(Arrangement(X))
    right = enumerate_patterns(X, prove=False).packed[: 4 * step].copy()

    def marked(patterns):
        bad = np.zeros(len(patterns) // step, dtype=np.bool_)
        signs = rng.integers(0, 2**63, rules.width, dtype=np.uint64)
        vertex_proof.check_copies(patterns, step, rules.bits, signs, bad)
        return np.flatnonzero(bad).tolist()

    assert marked(right) == []
    for i in range(64 * rules.width):
        altered = right.copy()
        altered[2 * step, i // 64] ^= np.uint64(1 << (i % 64))
        assert marked(altered) == ([] if i in free else [2])


@pytest.mark.parametrize("kind", ["random", "near"])
@pytest.mark.parametrize("r", [3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_bounds_of_an_elimination_hold(seed, r, kind):
    """Coordinates after eliminations are ratios of determinants."""
    rng = np.random.default_rng(seed)
    n = 9
    rows = rng.uniform(-1, 1, (n, r))
    if kind == "near":
        rows = rng.uniform(-1, 1, (n, r - 2)) @ rng.uniform(-1, 1, (r - 2, r)) / r
    noise = rng.choice([-1, 0, 1], rows.shape)
    exact = [
        [Fraction(x) * (1 + int(s) * U) for x, s in zip(*pair, strict=True)]
        for pair in zip(rows.tolist(), noise.tolist(), strict=True)
    ]
    coords = np.zeros((r, 64))
    coords[:, :n] = rows.T
    state = elimination(coords)
    chosen = rng.permutation(n)[: r - 2].tolist()
    columns = list(range(r))
    pivots = []
    for depth, row in enumerate(chosen):
        pivot = int(np.argmax(np.abs(state.work[depth, : r - depth, row])))
        if not run_eliminate_row(state, depth, r - depth, row):
            return
        pivots.append(columns[pivot])
        columns[pivot] = columns[-1]
        columns.pop()
        error, most = (Fraction(x) for x in state.bounds[depth + 1].tolist())
        bottom = determinant(
            [[exact[s][c] for c in pivots] for s in chosen[: depth + 1]]
        )
        for place, column in enumerate(columns):
            for k in range(n):
                top = [
                    [exact[s][c] for c in (*pivots, column)]
                    for s in (*chosen[: depth + 1], k)
                ]
                found = Fraction(state.work[depth + 1, place, k])
                assert abs(found - determinant(top) / bottom) <= error
                assert abs(found) <= most
    assert (E, M) == (0, 1)


def test_kernels_are_compiled_once():
    for n, r in ((30, 2), (40, 4)):
        enumerate_patterns(np.random.default_rng(n).standard_normal((n, r)))
    enumerate_patterns(np.random.default_rng(0).standard_normal((40, 4)))
    if not numba.config.DISABLE_JIT:
        assert len(vertex_proof.check_borders.signatures) == 1
        assert len(vertex_proof.check_copies.signatures) == 1
