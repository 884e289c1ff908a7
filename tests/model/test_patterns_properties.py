"""`PatternSet`: the packed words and every other face of the same listing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import config

from arrangement import PatternSet, enumerate_patterns, iter_patterns
from arrangement.errors import InputError, ListingTooLargeError

from reference import families
from reference.exact_checks import bits_at
from strategies import affine_arrangements, matrices

pytestmark = pytest.mark.kernels

moderate = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def unpack(packed: np.ndarray, n: int) -> list[list[bool]]:
    """Bit ``i % 64`` of word ``i // 64`` is row i, read with Python integers."""
    words = packed.tolist()
    return [[bool(row[i // 64] >> (i % 64) & 1) for i in range(n)] for row in words]


def spread(X: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Repeat rows of X, with random signs, to n rows."""
    rng = np.random.default_rng(seed)
    return X[rng.integers(0, len(X), n)] * rng.choice([-3, -1, 1, 2], (n, 1))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 127, 128, 129, 200])
def test_packed_words_hold_row_i_in_bit_i_and_zero_padding(n):
    base = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, -1, 2]])
    patterns = enumerate_patterns(spread(base, n, n))
    n_words = -(-n // 64)
    assert patterns.packed.dtype == np.uint64
    assert patterns.packed.shape == (len(patterns), n_words)
    assert patterns.packed.flags.c_contiguous
    assert patterns.to_bool().tolist() == unpack(patterns.packed, n)
    if n % 64:
        assert not (patterns.packed[:, -1] >> np.uint64(n % 64)).any()


@moderate
@given(matrices())
def test_bool_and_sign_forms_say_the_same(X):
    patterns = enumerate_patterns(X)
    bits, signs = patterns.to_bool(), patterns.to_signs()
    assert bits.dtype == np.bool_
    assert signs.dtype == np.int8
    assert bits.shape == signs.shape == (len(patterns), X.shape[0])
    assert np.array_equal(signs, np.where(bits, 1, -1))


@moderate
@given(matrices(), st.data())
def test_membership_accepts_bits_signs_and_words_and_rejects_the_rest(X, data):
    n = X.shape[0]
    patterns = enumerate_patterns(X)
    bits = patterns.to_bool()
    for row, packed in zip(bits, patterns.packed, strict=True):
        assert row in patterns
        assert np.where(row, 1, -1).astype(np.int8) in patterns
        assert packed in patterns
    listed = set(map(tuple, bits.tolist()))
    other = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    assert (np.array(other, dtype=bool) in patterns) == (tuple(other) in listed)


def test_membership_is_false_for_a_pattern_that_is_not_realised():
    patterns = enumerate_patterns([[1, 0], [0, 1], [1, 1]])
    assert np.array([True, True, True]) in patterns
    assert np.array([True, True, False]) not in patterns
    assert np.array([-1, -1, 1], dtype=np.int8) not in patterns
    assert np.array([0b011], dtype=np.uint64) not in patterns


@moderate
@given(matrices())
def test_iteration_yields_the_rows_in_order(X):
    patterns = enumerate_patterns(X)
    rows = list(patterns)
    assert len(rows) == len(patterns)
    for row, expected in zip(rows, patterns.to_bool(), strict=True):
        assert row.dtype == np.bool_
        assert np.array_equal(row, expected)


@moderate
@given(matrices(), st.data())
def test_slices_are_pattern_sets_of_the_same_rows(X, data):
    patterns = enumerate_patterns(X)
    bound = st.one_of(st.none(), st.integers(-9, 9))
    step = data.draw(st.sampled_from((None, 2)))
    cut = slice(data.draw(bound), data.draw(bound), step)
    part = patterns[cut]
    assert isinstance(part, PatternSet)
    assert part.n_rows == patterns.n_rows
    assert np.array_equal(part.packed, patterns.packed[cut])
    assert np.array_equal(part.to_bool(), patterns.to_bool()[cut])
    assert np.array_equal(part.witnesses(), patterns.witnesses()[cut])
    expected = [set(facets.tolist()) for facets in patterns.facets()[cut]]
    assert [set(facets.tolist()) for facets in part.facets()] == expected


def test_a_proper_slice_does_not_carry_the_proof_of_the_whole():
    patterns = enumerate_patterns([[1, 0], [0, 1], [1, 1]])
    assert patterns.proof is not None
    assert patterns[1:].proof is None


@moderate
@given(matrices(kinds=("small", "floats", "huge", "fractions", "wide")))
def test_save_and_load_keep_the_listing(tmp_path_factory, X):
    path = tmp_path_factory.mktemp("listing") / "patterns.npz"
    patterns = enumerate_patterns(X)
    patterns.save(path)
    loaded = PatternSet.load(path)
    assert np.array_equal(loaded.packed, patterns.packed)
    assert loaded.packed.dtype == np.uint64
    assert loaded.packed.shape == patterns.packed.shape
    assert loaded.n_rows == patterns.n_rows
    assert loaded.rank == patterns.rank
    assert loaded.bound == patterns.bound
    assert np.array_equal(loaded.to_bool(), patterns.to_bool())


@settings(moderate, max_examples=15)
@given(affine_arrangements(kinds=("small", "floats")))
def test_save_and_load_keep_an_affine_listing(tmp_path_factory, instance):
    X, b = instance
    path = tmp_path_factory.mktemp("listing") / "patterns.npz"
    patterns = enumerate_patterns(X, offsets=b)
    patterns.save(path)
    loaded = PatternSet.load(path)
    assert np.array_equal(loaded.packed, patterns.packed)
    assert loaded.bound == patterns.bound


def test_the_saved_file_needs_no_pickle(tmp_path):
    path = tmp_path / "patterns.npz"
    enumerate_patterns([[1, 0], [0, 1], [2**70, 1]]).save(path)
    with np.load(path, allow_pickle=False) as stored:
        for key in stored.files:
            assert stored[key].dtype != object, key


def test_saving_refuses_to_overwrite(tmp_path):
    path = tmp_path / "patterns.npz"
    path.write_bytes(b"precious")
    patterns = enumerate_patterns([[1, 0], [0, 1]])
    with pytest.raises((InputError, FileExistsError), match=r"exist"):
        patterns.save(path)
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04broken"])
def test_loading_something_else_is_one_clear_error(tmp_path, content):
    path = tmp_path / "patterns.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"patterns\.npz"):
        PatternSet.load(path)


def test_loading_an_archive_of_other_arrays_is_one_clear_error(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(InputError, match=r"other\.npz"):
        PatternSet.load(path)


def test_a_listing_that_does_not_fit_is_refused_with_its_size():
    X = np.vander(np.arange(1, 31), 4)  # generic: 8,180 chambers of one word
    with pytest.raises(ListingTooLargeError, match=r"8,?180 patterns") as caught:
        enumerate_patterns(X, max_bytes=1000)
    assert "bytes" in str(caught.value)
    assert isinstance(caught.value, MemoryError)
    assert len(enumerate_patterns(X, max_bytes=10**9)) == 8180


@pytest.mark.slow
@pytest.mark.skipif(config.DISABLE_JIT, reason="minutes in the interpreter")
def test_a_listing_too_large_even_to_count_is_refused_before_it_starts():
    # 256 hyperplanes, 17,561,539,552,946 chambers of four words each
    with pytest.raises(ListingTooLargeError, match=r"bytes.*iter_patterns"):
        enumerate_patterns(families.threshold(8), max_bytes=10**9)


def test_the_stream_of_a_listing_that_fits_nowhere_starts_at_once():
    X = families.threshold(8)
    stream = iter_patterns(X, block_size=500)
    blocks = [next(stream) for _ in range(3)]
    packed = np.concatenate([block.packed for block in blocks])
    assert packed.shape == (1500, 4)
    assert len(np.unique(packed, axis=0)) == 1500
    part = blocks[2][-2:]
    for bits, point in zip(part.to_bool().astype(int), part.witnesses(), strict=True):
        assert bits_at(X, point) == tuple(bits.tolist())


def test_projected_listings_say_so_and_keep_zero_rows_and_parallel_classes():
    rng = np.random.default_rng(2)
    left, right = rng.integers(-9, 10, (9, 2)), rng.integers(-9, 10, (2, 3))
    X = left @ right + 1e-14 * rng.standard_normal((9, 3))
    X[4] = 0
    X[7] = -2 * X[1]
    X[8] = X[2]
    assert enumerate_patterns(X).rank == 3
    for rank in ("numerical", 2):
        patterns = enumerate_patterns(X, rank=rank)
        arrangement = patterns.arrangement
        assert arrangement.is_projected
        assert arrangement.projection.shape == (3, 2)
        assert arrangement.projection.dtype == np.float64
        assert patterns.rank == 2
        assert "project" in patterns.plan
        bits = patterns.to_bool()
        assert bits[:, 4].all()
        assert np.array_equal(bits[:, 7], ~bits[:, 1])
        assert np.array_equal(bits[:, 8], bits[:, 2])
        assert len(patterns) == 2 * 6  # six distinct lines in the plane
        assert patterns.proof is not None


def test_an_exact_listing_is_not_projected():
    arrangement = enumerate_patterns([[1.0, 2.0], [2.0, 4.0]]).arrangement
    assert not arrangement.is_projected
    assert arrangement.projection is None
    assert arrangement.rank == 1


def test_decimal_ties_are_kept_as_decimals_and_broken_as_binary():
    # 0.1, 0.2, 0.3 lie on a line with step 0.1 only as decimals
    points = np.array([0.1, 0.2, 0.3])
    X = np.column_stack([points, 2 * points, np.ones(3)])
    X[:, 1] = [1.1, 1.2, 1.3]
    decimal = enumerate_patterns(X, floats="decimal")
    binary = enumerate_patterns(X, floats="binary")
    assert decimal.rank == 2
    assert binary.rank == 3
    assert len(decimal) == 6
    assert len(binary) == 8


def test_the_product_of_decimals_is_not_the_decimal_of_the_product():
    X = np.array([[0.3, 1.0], [0.1 * 3, 1.0]])
    assert len(enumerate_patterns(X)) == 4
    assert len(enumerate_patterns(X, floats="decimal")) == 4  # 0.30000000000000004
    assert len(enumerate_patterns(np.round(X, 12), floats="decimal")) == 2


@pytest.mark.slow
def test_a_listing_that_fits_is_not_refused_for_its_bound():
    assert len(enumerate_patterns(families.braid(9), max_bytes=10**8)) == 3628800
