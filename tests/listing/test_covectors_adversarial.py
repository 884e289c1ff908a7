"""Faces at the edges: widths of words, limits of int64, parallels, bad input."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from arrangement import Arrangement, BudgetExceededError, face_numbers, iter_covectors
from arrangement.errors import InputError, InputTypeError
from arrangement.listing import covectors as faces
from arrangement.model.flats import whole_space

from reference.covectors import covectors


def listed(X, **options):
    return np.concatenate(list(iter_covectors(X, **options)))


def as_set(signs):
    found = {tuple(row) for row in signs.tolist()}
    assert len(found) == len(signs)
    return found


def with_plants(X):
    """Overwrite the last rows: a zero row, a copy, an opposite, a multiple."""
    X[-4:] = [X[0] * 0, X[1], -X[2], 3 * X[3]]
    return X


@pytest.mark.slow
@pytest.mark.parametrize("n", [63, 64, 65, 127, 128, 129])
def test_faces_in_the_plane_around_the_width_of_a_word(n):
    X = with_plants(np.random.default_rng(n).integers(-50, 51, (n, 2)))
    signs = listed(X)
    assert as_set(signs) == covectors(X)
    assert len(signs) == sum(face_numbers(X))


@pytest.mark.parametrize("n", [63, 64, 65])
def test_faces_in_space_around_the_width_of_a_word(n):
    X = with_plants(np.random.default_rng(n).integers(-9, 10, (n, 3)))
    numbers = face_numbers(X)
    for k, number in enumerate(numbers):
        assert len(as_set(listed(X, dimension=k))) == number
    # the rays are the directions common to two planes
    cuts = [np.cross(x, y) for x, y in combinations(X, 2)]
    rays = {tuple(np.sign(X @ c).tolist()) for c in cuts if c.any()}
    rays |= {tuple(-s for s in ray) for ray in rays}
    assert as_set(listed(X, dimension=1)) == rays
    # a face of dimension 2 has as its two ends rays that lie on its plane
    ends = {}
    for ray in rays:
        for i in [i for i, s in enumerate(ray) if not s and X[i].any()]:
            ends.setdefault(i, set()).add(ray)
    planes = {frozenset(found) for found in ends.values()}
    assert numbers[2] == sum(len(found) for found in planes)


@pytest.mark.parametrize("n", [63, 64, 65])
def test_affine_faces_on_a_line_and_in_the_plane_around_the_width_of_a_word(n):
    source = np.random.default_rng(n)
    X = with_plants(source.integers(-9, 10, (n, 1)))
    b = source.integers(-9, 10, n)
    assert as_set(listed(X, offsets=b)) == covectors(X, b)
    X = with_plants(source.integers(-9, 10, (n, 2)))
    for k, number in enumerate(face_numbers(X, offsets=b)):
        assert len(as_set(listed(X, offsets=b, dimension=k))) == number


def test_parallel_affine_hyperplanes():
    """A grid of 3 x 4 lines, some given again or from the other side."""
    X = [[1, 0], [2, 0], [-1, 0], [0, 1], [0, 1], [0, -2], [0, 3], [1, 0]]
    b = [0, 2, -2, 0, 1, -4, 9, 0]
    assert face_numbers(X, offsets=b) == (12, 31, 20)
    assert as_set(listed(X, offsets=b)) == covectors(X, b)


def test_parallel_planes_that_become_constant_on_flats():
    X = [[1, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -2, 0], [0, 2, 0], [1, 1, 1]]
    b = [0, 1, -1, 0, -2, 2, 5]
    signs = listed(X, offsets=b)
    assert as_set(signs) == covectors(X, b)
    assert len(signs) == sum(face_numbers(X, offsets=b))


@pytest.mark.parametrize("peak", [2**14 - 1, 2**15, 2**31, 2**62, 2**63, 2**200])
def test_each_rung_of_the_arithmetic(peak):
    """Rows one unit apart, at the limit of int64 and beyond."""
    rows = [(peak, peak - 1), (peak - 1, peak), (peak - 1, peak - 2), (-peak, 1 - peak)]
    rows += [(1, 1), (peak, -1), (1, -peak), (0, peak)]
    assert as_set(listed(rows)) == covectors(rows)
    space = [(*row, peak - k) for k, row in enumerate(rows[:6])]
    assert as_set(listed(space)) == covectors(space)
    assert len(listed(space)) == sum(face_numbers(space))


def test_int64_is_used_up_to_its_bound_and_not_beyond():
    # 10**9 bits would do as well: only a proven bound chooses machine integers
    small = Arrangement([[2**14, 1], [1, 2**14], [1, 1]])
    large = Arrangement([[2**20, 1], [1, 2**20], [1, 1]])
    assert whole_space(small.cone).rows.dtype == np.int64
    assert whole_space(large.cone).rows.dtype == object


@pytest.mark.parametrize("bits", [40, 62, 90, 200])
def test_signs_of_determinants_one_are_never_left_to_rounding(bits):
    """Neighbours in a Stern-Brocot tree: products agree in nearly all their bits."""
    source = np.random.default_rng(bits)
    for _ in range(200):
        (a, b), (c, d) = (1, 0), (0, 1)
        while max(a, b, c, d) < 2**bits:
            k = int(source.integers(1, 4))
            if source.integers(2):
                a, b = a + k * c, b + k * d
            else:
                c, d = c + k * a, d + k * b
        assert a * d - b * c == 1
        points = np.array([(-b, a), (-d, c), (b, -a)], dtype=object)
        rows = np.array([(a, b), (c, d), (2 * c, 2 * d)], dtype=object)
        expected = [[0, 1, 1], [-1, 0, 0], [0, -1, -1]]
        assert faces._signs_at(points, rows).tolist() == expected


@pytest.mark.parametrize("table", [1, 40])
def test_small_pieces_change_nothing(monkeypatch, table):
    source = np.random.default_rng(table)
    X, b = source.integers(-9, 10, (12, 3)), source.integers(-9, 10, 12)
    instances = [(X, None), (X[:, :2], b), (X[:, :1], b), (X.astype(object) << 40, b)]
    expected = [listed(rows, offsets=shifts) for rows, shifts in instances]
    monkeypatch.setattr(faces, "_TABLE", table)
    monkeypatch.setattr(faces, "_CHUNK", 4)
    for (rows, shifts), signs in zip(instances, expected, strict=True):
        assert np.array_equal(listed(rows, offsets=shifts), signs)


def test_floats_one_ulp_apart_are_told_apart():
    up = math.nextafter(1.0, 2.0)
    X = np.array([[1, 1, 0.5], [1, up, 0.5], [up, 1, 0.5], [2, 2, 1], [0, 0, 1]])
    assert as_set(listed(X)) == covectors(X)


def test_a_projection_is_what_is_listed():
    X = np.array([[1.0, 2, 3], [2, 4, 6], [0, 1, 1], [1, 0, 1], [0, 0, 0]])
    arrangement = Arrangement(X, rank=2)
    stored = X @ arrangement.projection
    stored[1] = 2 * stored[0]  # parallel classes are decided on X
    assert as_set(listed(X, rank=2)) == covectors(stored)
    assert face_numbers(X, rank=2) == (1, 6, 6)
    assert np.array_equal(listed(arrangement), listed(X, rank=2))


def test_a_normal_that_is_projected_to_zero_has_the_sign_of_minus_b():
    X, b = [[4.0, 0], [0, 1], [0, -1], [0, 2]], [0, 1, -1, 0]
    signs = listed(X, offsets=b, rank=1)
    assert as_set(signs) == {(s, -1, 1, 0) for s in (-1, 0, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_depend_on_the_coordinates(seed):
    source = np.random.default_rng(seed)
    X, b = source.integers(-2, 3, (7, 3)), source.integers(-2, 3, 7)
    turned = ([[-1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0], [2, 3, 1]])
    for offsets in (None, b):
        signs = listed(X, offsets=offsets)
        assert as_set(signs) == covectors(X, offsets)
        for matrix in turned:
            assert np.array_equal(listed(X @ np.array(matrix), offsets=offsets), signs)


def test_other_readings_of_numbers():
    X = [["0.1", "0.2"], [Fraction(1, 10), Fraction(1, 5)], [0.1, 0.2]]
    assert listed(X, floats="decimal").tolist() == [[1] * 3, [-1] * 3, [0] * 3]
    near = [["0.1", "0.3"], [Fraction(1, 10), Fraction(3, 10)], [0.1, 0.3]]
    assert len(listed(near, floats="decimal")) == 3
    assert as_set(listed(near)) == covectors(near)
    assert len(listed(near)) == 9


# --- bad input ----------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1])
def test_a_block_size_below_one_is_refused(size):
    with pytest.raises(InputError, match=f"block_size={size}.*integer >= 1"):
        iter_covectors(np.eye(2), block_size=size)


@pytest.mark.parametrize("name", ["block_size", "dimension"])
@pytest.mark.parametrize("value", [True, 1.0, "1", np.bool_(True)])
def test_sizes_that_are_no_integers_are_refused(name, value):
    with pytest.raises(InputTypeError, match=rf"{name}=.*expected an int"):
        iter_covectors(np.eye(2), **{name: value})


@pytest.mark.parametrize("dimension", [-1, 3])
def test_a_dimension_out_of_range_is_refused(dimension):
    for X in (np.eye(2), [[1, 0, 1], [0, 1, 1]]):
        with pytest.raises(InputError, match=r"0 <= dimension <= 2.*Leave it out"):
            iter_covectors(X, dimension=dimension)
    assert len(list(iter_covectors(np.eye(2), dimension=np.int64(2)))) == 1


@pytest.mark.parametrize("function", [iter_covectors, face_numbers])
def test_bad_matrices_are_refused_before_anything_is_listed(function):
    with pytest.raises(InputError, match=r"expected \(n, d\)"):
        function([1, 2, 3])
    with pytest.raises(InputError, match=r"(?i)nan"):
        function([[math.nan, 1]])
    with pytest.raises(InputTypeError, match="complex"):
        function([[1j, 1]])
    with pytest.raises(InputError, match="offsets has length 1; expected 2"):
        function(np.eye(2), offsets=[1])
    with pytest.raises(InputError, match="Arrangement already"):
        function(Arrangement(np.eye(2)), offsets=[1, 2])


def test_budgets_of_the_count():
    with pytest.raises(InputError, match=r"max_nodes=0.*>= 1"):
        face_numbers(np.eye(2), max_nodes=0)
    with pytest.raises(InputTypeError, match=r"max_nodes=1\.5"):
        face_numbers(np.eye(2), max_nodes=1.5)
    X = np.random.default_rng(0).integers(-9, 10, (20, 4))
    with pytest.raises(BudgetExceededError, match="max_nodes=3"):
        face_numbers(X, max_nodes=3)
