"""The proof of completeness refuses every list that is not the complete list."""

from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest

from arrangement import Arrangement, PatternSet, enumerate_patterns, verify
from arrangement.errors import (
    BudgetExceededError,
    IncompleteListingError,
    InputError,
    InputTypeError,
)
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.verification import verification
from arrangement.verification.prover import Prover

X_SMALL = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1], [1, -1, 2]]
X_TALL = np.random.default_rng(1).integers(-5, 6, (70, 3))
X_ZERO = [[1, 0], [0, 0], [0, 1], [2, 0]]
CASES = {"central": (X_SMALL, None), "two words": (X_TALL, None)}
CASES["affine"] = (X_SMALL, [1, 2, 0, -1, 3, 0])
CASES["zero and parallel rows"] = (X_ZERO, None)
cases = pytest.mark.parametrize("name", CASES)


def tampered(patterns, tmp_path, change):
    """Return the listing with its words changed, by way of its file."""
    path, other = tmp_path / "good.npz", tmp_path / "bad.npz"
    patterns.save(path)
    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    packed = patterns.packed
    keys = [
        key
        for key, value in arrays.items()
        if value.dtype == packed.dtype and np.array_equal(value, packed)
    ]
    assert len(keys) == 1, "the words are stored once, as they are"
    arrays[keys[0]] = change(packed.copy())
    np.savez(other, **arrays)
    return PatternSet.load(other)


def drop(packed):
    return np.delete(packed, len(packed) // 2, axis=0)


def drop_pair(packed):
    return packed[2:]


def double(packed):
    return np.concatenate([packed, packed[3:4]])


def replace_by_another(packed):
    """The number is right; one pattern is missing and another is there twice."""
    packed[1] = packed[0]
    return packed


def flip_padding(packed):
    packed[1, -1] ^= np.uint64(1) << np.uint64(63)
    return packed


@cases
def test_the_complete_listing_is_proven(name):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    assert patterns.proof is not None
    assert verify(patterns, X, offsets=b) is not None


@cases
def test_a_reordered_listing_is_proven(name, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    shuffled = tampered(patterns, tmp_path, lambda packed: packed[::-1].copy())
    assert verify(shuffled, X, offsets=b) is not None


@cases
@pytest.mark.parametrize("change", [drop, drop_pair])
def test_a_dropped_pattern_is_noticed_with_both_numbers(name, change, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    bad = tampered(patterns, tmp_path, change)
    with pytest.raises(IncompleteListingError) as caught:
        verify(bad, X, offsets=b)
    numbers = re.findall(r"\d+", str(caught.value).replace(",", ""))
    assert str(len(bad)) in numbers or str(len(patterns) - len(bad)) in numbers
    assert str(len(patterns)) in numbers


@cases
@pytest.mark.parametrize("change", [double, replace_by_another])
def test_a_doubled_pattern_is_noticed(name, change, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    # a list longer than Cover's bound is refused when it is read
    what = r"twice|doubl|duplicate|repeat|rows; at most .* can be"
    with pytest.raises((IncompleteListingError, InputError), match=what):
        verify(tampered(patterns, tmp_path, change), X, offsets=b)


@cases
def test_an_altered_bit_is_noticed_wherever_it_is(name, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    n = len(X)
    rows = range(n) if n < 10 else (0, 1, 63, 64, 69)
    for place in (0, len(patterns) - 1):
        for i in rows:
            folder = tmp_path / f"{place}-{i}"
            folder.mkdir()

            def flip(packed, place=place, i=i):
                packed[place, i // 64] ^= np.uint64(1) << np.uint64(i % 64)
                return packed

            bad = tampered(patterns, folder, flip)
            with pytest.raises(IncompleteListingError, match=r"[a-z]{4}"):
                verify(bad, X, offsets=b)


def test_a_pattern_that_no_point_has_is_named(tmp_path):
    X = [[1, 0], [0, 1], [1, 1]]
    patterns = enumerate_patterns(X)

    def unrealised(packed):
        packed[2] = 0b011  # x > 0, y > 0, x + y < 0
        return packed

    bad = tampered(patterns, tmp_path, unrealised)
    with pytest.raises(IncompleteListingError, match=r"pattern 2\b|2 .*pattern"):
        verify(bad, X)


@cases
def test_a_padding_bit_is_noticed(name, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    with pytest.raises((IncompleteListingError, ValueError), match=r"padding"):
        verify(tampered(patterns, tmp_path, flip_padding), X, offsets=b)


@pytest.mark.parametrize("factor", [(1, 1, 2), (1, -1, 1)])
def test_the_listing_of_another_matrix_is_refused(factor):
    X = np.array(X_SMALL)
    Y = X.copy()
    Y[4] = factor  # another matrix of the same shape
    patterns = enumerate_patterns(X)
    assert set(map(tuple, patterns.to_bool())) != set(
        map(tuple, enumerate_patterns(Y).to_bool())
    )
    with pytest.raises(IncompleteListingError, match=r"[a-z]{4}"):
        verify(patterns, Y)


def test_the_listing_of_a_matrix_with_rows_swapped_is_refused():
    X = np.array([[1, 0], [2, 0], [0, 1], [1, 1]])
    with pytest.raises(IncompleteListingError, match=r"[a-z]{4}"):
        verify(enumerate_patterns(X), X[[2, 1, 0, 3]])


def test_the_listing_of_a_flipped_row_is_refused():
    X = np.array([[1, 0], [0, 1], [1, 1]])
    with pytest.raises(IncompleteListingError, match=r"[a-z]{4}"):
        verify(enumerate_patterns(X), X * [[-1], [1], [1]])


def test_the_listing_of_a_matrix_with_fewer_rows_is_refused():
    X = np.array(X_SMALL)
    with pytest.raises((IncompleteListingError, ValueError), match=r"5.*6|6.*5"):
        verify(enumerate_patterns(X[:5]), X)


def test_the_central_listing_is_no_affine_listing_and_conversely():
    X, b = CASES["affine"]
    with pytest.raises((IncompleteListingError, ValueError), match=r"[a-z]{4}"):
        verify(enumerate_patterns(X), X, offsets=b)
    with pytest.raises((IncompleteListingError, ValueError), match=r"[a-z]{4}"):
        verify(enumerate_patterns(X, offsets=b), X)


def test_a_matrix_one_ulp_away_has_another_listing():
    X = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0], [0, 0, 1.0]])
    Y = X.copy()
    Y[2, 2] = 5e-324
    verify(enumerate_patterns(Y), Y)
    with pytest.raises(IncompleteListingError, match=r"12.*14|14.*12"):
        verify(enumerate_patterns(X), Y)


def test_a_matrix_with_the_same_patterns_proves_the_same_listing():
    X = np.array(X_SMALL)
    patterns = enumerate_patterns(X)
    for other in (X @ [[1, 2, 0], [0, 1, 0], [3, 0, 1]], X * 7):
        assert verify(patterns, other).n_patterns == len(patterns)


@cases
def test_a_loaded_listing_is_proven_from_its_bits(name, tmp_path):
    X, b = CASES[name]
    patterns = enumerate_patterns(X, offsets=b)
    path = tmp_path / "patterns.npz"
    patterns.save(path)
    assert verify(PatternSet.load(path), X, offsets=b) is not None


@pytest.mark.parametrize("X", [np.zeros((3, 0)), np.zeros((0, 3)), np.zeros((2, 2))])
def test_the_one_chamber_of_nothing_is_proven(X, tmp_path):
    path = tmp_path / "patterns.npz"
    patterns = enumerate_patterns(X)
    assert verify(patterns, X).n_patterns == 1
    patterns.save(path)
    assert verify(PatternSet.load(path), X).n_patterns == 1


def test_integers_beyond_64_bits_are_proven_from_their_bits(tmp_path):
    X = np.array(X_SMALL, dtype=object) * 2**70 + np.arange(18).reshape(6, 3)
    patterns = enumerate_patterns(X)
    path = tmp_path / "patterns.npz"
    patterns.save(path)
    verify(PatternSet.load(path), X)
    with pytest.raises(IncompleteListingError, match=r"[a-z]{4}"):
        verify(tampered(enumerate_patterns(X_SMALL), tmp_path_of(tmp_path), drop), X)


def tmp_path_of(folder):
    """Return a fresh folder inside another."""
    inner = folder / "inner"
    inner.mkdir()
    return inner


def test_no_proof_is_recorded_as_no_proof(tmp_path):
    patterns = enumerate_patterns(X_SMALL, prove=False)
    assert patterns.proof is None
    assert np.array_equal(patterns.packed, enumerate_patterns(X_SMALL).packed)
    path = tmp_path / "patterns.npz"
    patterns.save(path)
    assert PatternSet.load(path).proof is None
    assert verify(patterns, X_SMALL) is not None


def test_enumeration_fails_when_the_count_disagrees(monkeypatch):
    """A wrong count of either algorithm must stop a listing that claims a proof."""
    from arrangement.verification import prover

    monkeypatch.setattr(prover, "count_patterns", lambda *args, **options: 26)
    X = [[1, -1, 0], [0, 1, -1], [1, 0, -1], [1, 1, 1]]  # not uniform: counted
    with pytest.raises(IncompleteListingError, match=r"12.*26|26.*12"):
        enumerate_patterns(X)
    assert enumerate_patterns(X, prove=False).proof is None


def test_a_proof_has_a_time_limit(monkeypatch):
    patterns = enumerate_patterns(X_SMALL)
    total = len(patterns)
    assert verify(patterns, X_SMALL, time_limit=1e6).n_patterns == total
    monkeypatch.setattr(verification, "_CHUNK", 1)
    # every look at the clock takes a second
    monkeypatch.setattr(time, "monotonic", itertools.count(100.0).__next__)
    message = rf"time_limit=9 s was reached when \d+ of {total // 2} patterns were"
    with pytest.raises(BudgetExceededError, match=message):
        verify(patterns, X_SMALL, time_limit=9)
    with pytest.raises(InputTypeError, match="time_limit='1'"):
        verify(patterns, X_SMALL, time_limit="1")
    with pytest.raises(InputError, match="time_limit=0; expected"):
        verify(patterns, X_SMALL, time_limit=0)


@pytest.mark.parametrize("lost", [-1, 40, 1])
def test_a_chamber_that_comes_again_as_an_antipode_is_out_of_order(lost):
    """In the place of another: the number is right, and the order of the first."""
    X = [bits for bits in itertools.product((0, 1), repeat=4) if any(bits)]
    arrangement, blocks = Arrangement(X), []
    plan = Plan(arrangement)
    assert not plan.by_vertices
    for _ in run(plan, check=lambda *block: blocks.append([np.copy(x) for x in block])):
        pass
    patterns, points = (np.concatenate([block[k] for block in blocks]) for k in (0, 1))
    shifts = tuple(blocks[0][2].tolist())
    whole = Prover(arrangement)
    whole.append(patterns, whole.check(patterns, points, shifts))
    assert whole.conclude(patterns).count == len(patterns) == 370
    lost %= len(points)
    for kept in range(len(points)):
        if kept != lost:
            other, there = patterns.copy(), points.copy()
            other[2 * lost : 2 * lost + 2] = patterns[2 * kept : 2 * kept + 2][::-1]
            there[lost] = -points[kept]
            prover = Prover(arrangement)
            with pytest.raises(IncompleteListingError, match="repeats or precedes"):
                prover.append(other, prover.check(other, there, shifts))
