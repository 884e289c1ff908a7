"""Counts by symmetry against published numbers and closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest

from arrangement import Progress, characteristic_polynomial, count_patterns
from arrangement._kernels import classes as kernels
from arrangement._kernels import planes
from arrangement.counting import classes
from arrangement.counting import counts as counting
from arrangement.counting.groups import found_group, given_group, numbers_by_symmetry
from arrangement.errors import BudgetExceededError
from arrangement.model import Arrangement, make_chain

from reference import families

# (OEIS A000609), (CountingChambers.jl, arXiv:2105.14542), orders of Weyl groups
KNOWN: dict[str, tuple[families.Rows, int]] = {
    "threshold 4": (families.threshold(4), 1882),
    "threshold 5": (families.threshold(5, low=-1), 94572),
    "threshold 6": (families.threshold(6), 15028134),
    # numbers above 2**31, so that one modulus is not enough
    "threshold 7": (families.threshold(7), 8378070864),
    "resonance 4": (families.resonance(4), 370),
    "resonance 5": (families.resonance(5), 11292),
    "resonance 6": (families.resonance(6), 1066044),
    "resonance 7": (families.resonance(7), 347326352),
    "braid 4": (families.braid(4), math.factorial(5)),
    "braid 11": (families.braid(11), math.factorial(12)),
    "B8": (families.coxeter_b(8), 2**8 * math.factorial(8)),
    "D6": (families.coxeter_d(6), 2**5 * math.factorial(6)),
    "E7": (families.coxeter_e7(), 2903040),
    "E8": (families.coxeter_e8(), 696729600),
    "boolean 9": (families.boolean(9), 2**9),
    "cross-polytope 8": (families.crosspolytope(8), 12866),
}
LARGE = {
    "threshold 8": (families.threshold(8), 17561539552946),
    "resonance 8": (families.resonance(8), 419172756930),
}
# elements of the group of permutations of the hyperplanes
ORDERS = {
    "threshold 4": 2**4 * math.factorial(5),
    "resonance 4": math.factorial(5),
    "resonance 7": math.factorial(8),
    "braid 4": math.factorial(5),
    "braid 11": math.factorial(12),
    "B8": 2**7 * math.factorial(8),
    "E7": 2903040 // 2,
    "E8": 696729600 // 2,
    "boolean 9": math.factorial(9),
    "cross-polytope 8": 2**8 * math.factorial(8),
}


def by_symmetry(rows: Any, **options: Any) -> tuple[int, ...]:
    arrangement = Arrangement(rows)
    group = found_group(arrangement, lambda: False)
    assert group is not None
    return numbers_by_symmetry(arrangement, group, classes.Limits(10**9, **options))


@pytest.mark.parametrize("name", KNOWN)
def test_counts(name: str) -> None:
    rows, count = KNOWN[name]
    assert sum(by_symmetry(rows)) == count


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_counts(name: str) -> None:
    rows, count = LARGE[name]
    assert count_patterns(rows) == count


@pytest.mark.parametrize("name", ORDERS)
def test_orders_of_groups(name: str) -> None:
    group = found_group(Arrangement(KNOWN[name][0]), lambda: False)
    assert group is not None
    assert group.order == ORDERS[name]
    assert group.is_proven()


@pytest.mark.parametrize("k", [4, 5, 6])
def test_affine_arrangements_count_by_the_symmetries_of_their_cone(k: int) -> None:
    rows, offsets = families.catalan(k)
    arrangement = Arrangement(rows, offsets)
    group = found_group(arrangement, lambda: False)
    assert group is not None
    numbers = numbers_by_symmetry(arrangement, group, classes.Limits(10**9))
    assert sum(numbers) == math.factorial(k) * math.comb(2 * k, k) // (k + 1)
    walked = characteristic_polynomial(rows, offsets=offsets, symmetry=None)
    assert tuple(map(abs, walked[::-1])) == numbers


def test_a_count_that_takes_long_finds_its_symmetries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "_FIRST_NODES", 1000)
    said: list[Progress] = []
    monkeypatch.setattr(classes, "_EVERY", 0.0)
    monkeypatch.setattr(classes, "_WORK_PER_CALL", 1)
    rows, count = KNOWN["resonance 6"]
    assert count_patterns(rows, progress=said.append) == count
    assert any("classes of flats of rank 2" in str(one) for one in said)
    # a class a restriction: far fewer than the walk's 10**5
    assert count_patterns(rows, max_nodes=1001) == count
    with pytest.raises(BudgetExceededError, match=r"visited 1001 restrictions"):
        count_patterns(rows, max_nodes=1001, symmetry=None)


def test_one_compiled_version_of_each_kernel() -> None:
    by_symmetry(families.braid(4))
    # two primes instead of one
    rows = families.braid(4)
    assert (
        sum(
            by_symmetry(
                [[x * 10**30 ** (j == 0) for j, x in enumerate(row)] for row in rows]
            )
        )
        == 120
    )
    for kernel in (kernels.expand, planes.close):
        if hasattr(kernel, "signatures"):  # not with NUMBA_DISABLE_JIT
            assert len(kernel.signatures) == 1


def test_limits() -> None:
    arrangement = Arrangement(families.resonance(6))
    group = found_group(arrangement, lambda: False)
    assert group is not None

    def count(**options: Any) -> int:
        limits = classes.Limits(**{"max_nodes": 10**9, **options})
        return sum(numbers_by_symmetry(arrangement, group, limits))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classes, "_WORK_PER_CALL", 1)
        patch.setattr(classes, "_PAIRS_PER_CALL", 1)
        # 1, 3, 8 and 21 classes of ranks 0 to 3
        assert count(max_nodes=34) == 1066044
        with pytest.raises(
            BudgetExceededError, match=r"max_nodes=32.* raise max_nodes"
        ):
            count(max_nodes=32)
        with pytest.raises(BudgetExceededError, match=r"the time is up.* time_limit"):
            count(is_late=lambda: True)
        patch.setattr(classes, "_ROOM", 0)
        with pytest.raises(classes.ClassesTooLargeError, match="1,000 are allowed"):
            count(max_bytes=1000)


def test_a_walk_goes_on_where_classes_do_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "_FIRST_NODES", 100)
    monkeypatch.setattr(classes, "free_bytes", lambda: 1000)
    monkeypatch.setattr(classes, "_ROOM", 0)
    assert count_patterns(families.resonance(5)) == 11292


def test_a_group_that_is_given() -> None:
    # rotation and a transposition of the coordinates of the resonance arrangement
    rows = families.resonance(4)
    place = {row: i for i, row in enumerate(rows)}
    turn = [place[row[1:] + row[:1]] for row in rows]
    swap = [place[(row[1], row[0], *row[2:])] for row in rows]
    assert count_patterns(rows, symmetry=[turn, swap]) == 370
    assert count_patterns(rows, symmetry=[]) == 370
    group = given_group(Arrangement(rows), [turn, swap])
    assert group is not None
    assert group.order == 24


class NoNoise:
    """A source whose numbers tell nothing apart."""

    def __init__(self, seed: int) -> None:
        del seed

    def getrandbits(self, bits: int) -> int:
        return 0


def test_hashes_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # all flats of a size in one chain of the table: masks tell them apart
    monkeypatch.setattr(classes.random, "Random", NoNoise)
    group = make_chain([], 15)
    arrangement = Arrangement(families.resonance(4))
    limits = classes.Limits(10**9)
    assert sum(numbers_by_symmetry(arrangement, group, limits)) == 370
    assert limits.visited == 1 + 15
