"""Counts against published numbers, closed forms and counts of real data."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arrangement._kernels import counting as kernels
from arrangement.counting import counts as counting
from arrangement.errors import BudgetExceededError, InputError, InputTypeError
from arrangement.model.arrangement import Arrangement

from reference import families

# OEIS A000609, sums of Betti numbers (CountingChambers.jl), orders of Weyl groups.
THRESHOLD = (2, 4, 14, 104, 1882, 94572, 15028134)
RESONANCE = {2: 6, 3: 32, 4: 370, 5: 11292, 6: 1066044}
GENERIC = {
    (10, 3): 92,
    (20, 3): 382,
    (50, 3): 2452,
    (20, 4): 2320,
    (30, 4): 8180,
    (20, 5): 10072,
    (16, 6): 9888,
    (30, 5): 55682,
    (50, 4): 39300,
    (100, 3): 9902,
    (100, 4): 323600,
    (30, 6): 293192,
    (40, 6): 1335856,
    (200, 3): 39802,
    (24, 8): 781312,
}
CROSSPOLYTOPE = {6: 1394, 8: 12866, 10: 117074}
# [X 1] from the decimals of the data: file, columns, distinct hyperplanes, count.
DATA = (
    ("mcycle", (0,), 94, 188),
    ("old_faithful", (0,), 126, 252),
    ("lidar", (0,), 221, 442),
    ("iris", (2, 3), 102, 8164),
    ("ripley_synth", (0, 1), 250, 62252),
    ("penguins", (0, 1), 338, 107618),
    ("haberman", (0, 1, 2), 283, 5808146),
)


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("low", [0, -1])
def test_threshold_functions(n: int, low: int) -> None:
    assert counting.count_patterns(families.threshold(n, low=low)) == THRESHOLD[n]


@pytest.mark.parametrize("n", RESONANCE)
def test_resonance(n: int) -> None:
    assert counting.count_patterns(families.resonance(n)) == RESONANCE[n]


@pytest.mark.parametrize("k", CROSSPOLYTOPE)
def test_crosspolytopes(k: int) -> None:
    assert counting.count_patterns(families.crosspolytope(k)) == CROSSPOLYTOPE[k]


def expand(roots: list[int]) -> tuple[int, ...]:
    """Ascending coefficients of the product of ``t - root``."""
    polynomial = [1]
    for root in roots:
        shifted = [0, *polynomial]
        polynomial = [
            a - root * b for a, b in zip(shifted, [*polynomial, 0], strict=True)
        ]
    return tuple(polynomial)


# Coxeter arrangements factor over the exponents of the group (Brieskorn 1971).
COXETER: dict[str, tuple[Callable[[], families.Rows], list[int]]] = {
    **{
        f"A{k}": (lambda k=k: families.braid(k), list(range(1, k + 1)))
        for k in range(1, 11)
    },
    **{
        f"B{k}": (lambda k=k: families.coxeter_b(k), list(range(1, 2 * k, 2)))
        for k in range(1, 9)
    },
    **{
        f"D{k}": (
            lambda k=k: families.coxeter_d(k),
            [*range(1, 2 * k - 2, 2), k - 1],
        )
        for k in range(3, 9)
    },
    "G2": (families.coxeter_g2, [1, 5]),
    "E7": (families.coxeter_e7, [1, 5, 7, 9, 11, 13, 17]),
    "E8": (families.coxeter_e8, [1, 7, 11, 13, 17, 19, 23, 29]),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(x, marks=pytest.mark.slow if x == "E8" else ()) for x in COXETER],
)
def test_coxeter_polynomials_factor_over_the_exponents(name: str) -> None:
    build, exponents = COXETER[name]
    polynomial = counting.characteristic_polynomial(build())
    assert polynomial == expand(exponents)


def test_orders_of_coxeter_groups() -> None:
    for k in range(2, 9):
        assert counting.count_patterns(families.braid(k)) == math.factorial(k + 1)
        order = 2**k * math.factorial(k)
        assert counting.count_patterns(families.coxeter_b(k)) == order
        if k >= 3:
            assert counting.count_patterns(families.coxeter_d(k)) == order // 2


@pytest.mark.parametrize(("n", "r"), GENERIC)
def test_generic_reaches_the_cover_bound(n: int, r: int) -> None:
    assert counting.cover_bound(n, r) == GENERIC[n, r]
    assert counting.count_patterns(families.generic(n, r, seed=n + r)) == GENERIC[n, r]


@pytest.mark.parametrize("k", range(9))
def test_boolean(k: int) -> None:
    rows = np.array(families.boolean(k), dtype=np.int64).reshape(k, k)
    assert counting.count_patterns(rows) == 2**k
    assert counting.characteristic_polynomial(rows) == expand([1] * k)


@pytest.mark.parametrize("k", range(2, 7))
def test_affine_deformations_of_the_braid_arrangement(k: int) -> None:
    catalan_number = math.comb(2 * k, k) // (k + 1)
    previous = math.comb(2 * k - 2, k - 1) // k
    rows, offsets = families.shi(k)
    assert counting.count_patterns(rows, offsets=offsets) == (k + 1) ** (k - 1)
    assert counting.count_bounded(rows, offsets=offsets) == (k - 1) ** (k - 1)
    assert counting.characteristic_polynomial(rows, offsets=offsets) == expand(
        [k] * (k - 1)
    )
    rows, offsets = families.catalan(k)
    order = math.factorial(k)
    assert counting.count_patterns(rows, offsets=offsets) == order * catalan_number
    assert counting.count_bounded(rows, offsets=offsets) == order * previous
    rows, offsets = families.linial(k)
    chambers = {2: 2, 3: 7, 4: 36, 5: 246, 6: 2104}[k]
    assert counting.count_patterns(rows, offsets=offsets) == chambers


def test_affine_lines_and_points() -> None:
    grid = [[1, 0]] * 4 + [[0, 1]] * 3
    offsets = [0, 1, 2, 3, 0, 1, 2]
    assert counting.count_patterns(grid, offsets=offsets) == 20
    assert counting.count_bounded(grid, offsets=offsets) == 6
    assert counting.count_patterns([[2], [1], [3]], offsets=[4, 2, 5]) == 3
    assert counting.count_bounded([[2], [1], [3]], offsets=[4, 2, 5]) == 1


def test_nothing_to_count() -> None:
    for shape in ((0, 0), (0, 3), (3, 0)):
        empty = np.zeros(shape)
        assert counting.count_patterns(empty) == 1
        assert counting.characteristic_polynomial(empty) == (1,)
        assert counting.count_bounded(empty) == 1
    zeros = np.zeros((2, 3))
    assert counting.count_patterns(zeros) == 1
    assert counting.count_patterns(zeros, offsets=[0, 1]) == 1
    assert counting.characteristic_polynomial(zeros, offsets=[0, 1]) == (1,)
    assert counting.count_patterns([[5]]) == 2
    assert counting.count_bounded([[5]]) == 0


def test_cover_bound() -> None:
    assert counting.cover_bound(0, 5) == counting.cover_bound(5, 0) == 1
    assert counting.cover_bound(5, 9) == 2**5
    assert counting.cover_bound(506, 14) == 39217394929254407374269864
    assert type(counting.cover_bound(np.int64(9), np.int64(3))) is int
    for bad in (True, 3.0, "3", None):
        with pytest.raises(InputTypeError, match="expected an integer"):
            counting.cover_bound(bad, 2)  # type: ignore[arg-type]
        with pytest.raises(InputTypeError, match="expected an integer"):
            counting.cover_bound(2, bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n=-1; expected an integer >= 0"):
        counting.cover_bound(-1, 2)


def test_budget() -> None:
    rows = families.threshold(4)
    polynomial = counting.characteristic_polynomial(rows)
    assert counting.characteristic_polynomial(rows, max_nodes=941) == polynomial
    with pytest.raises(BudgetExceededError, match=r"visited 10 .* raise max_nodes"):
        counting.count_patterns(rows, max_nodes=10)
    for bad in (0, -1):
        with pytest.raises(InputError, match="max_nodes"):
            counting.count_patterns(rows, max_nodes=bad)
    for kind in (1e9, True):
        with pytest.raises(InputTypeError, match="max_nodes"):
            counting.count_patterns(rows, max_nodes=kind)  # type: ignore[arg-type]


def test_the_budget_is_the_number_of_restrictions() -> None:
    # A chart of D dimensions restricts once for each no-broken-circuit set of
    # 1 .. D - 1 rows; the chart of a generic central (n, 4) is (n - 1, 3).
    rows, nodes = families.generic(30, 4, seed=1), 29 + math.comb(29, 2)
    assert counting.count_patterns(rows, max_nodes=nodes) == GENERIC[30, 4]
    with pytest.raises(BudgetExceededError, match=f"visited {nodes - 1} "):
        counting.count_patterns(rows, max_nodes=nodes - 1)


def test_small_calls_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WORK_PER_CALL", 1)
    assert counting.count_patterns(families.resonance(4)) == RESONANCE[4]
    assert counting.count_patterns(families.threshold(4)) == THRESHOLD[4]


def test_an_arrangement_is_taken_as_it_is() -> None:
    arrangement = Arrangement(families.resonance(4))
    assert counting.count_patterns(arrangement) == RESONANCE[4]


def test_one_compiled_version_of_each_kernel() -> None:
    counting.count_patterns(families.threshold(3))
    counting.count_patterns([[2**70 + i**5, i, i * i, 1] for i in range(6)])
    for kernel in (kernels.normalise, kernels.merge, kernels.advance):
        if hasattr(kernel, "signatures"):  # not with NUMBA_DISABLE_JIT
            assert len(kernel.signatures) == 1


def load(folder: Path, name: str) -> Any:
    path = folder / name
    if not path.is_file():
        pytest.skip(f"{name} is not in ARRANGEMENT_DATA={str(folder)!r}")
    return np.load(path, allow_pickle=False)


@pytest.mark.parametrize(
    ("name", "columns", "distinct", "count"), DATA, ids=[row[0] for row in DATA]
)
def test_data_sets_as_decimals(
    data_folder: Path,
    name: str,
    columns: tuple[int, ...],
    distinct: int,
    count: int,
) -> None:
    with load(data_folder, f"{name}.npz") as data:
        X = data["X_int"][:, list(columns)]
    X = np.column_stack([X, np.ones(len(X), dtype=np.int64)])
    assert counting.count_patterns(X) == count
    assert Arrangement(X).n_distinct == distinct


def test_instances_of_incremental_sign_feasibility(data_folder: Path) -> None:
    path = data_folder / "isf_instances_index.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in ARRANGEMENT_DATA={str(data_folder)!r}")
    with path.open(newline="") as lines:
        index = [row for row in csv.DictReader(lines) if row["regions_exact"]]
    with load(data_folder, "isf_instances.npz") as instances:
        matrices = {
            row["name"]: [[int(x) for x in line] for line in instances[row["name"]]]
            for row in index
        }
    assert len(index) >= 30
    for row in index:
        rows = matrices[row["name"]]
        offsets = None
        if row["kind"] == "affine":
            offsets = [line[-1] for line in rows]
            rows = [line[:-1] for line in rows]
        count = counting.count_patterns(rows, offsets=offsets)
        assert count == int(row["regions_exact"]), row["name"]
