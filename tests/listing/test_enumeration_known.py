"""Listings whose number of chambers is known from elsewhere.

Sources: OEIS A000609 (threshold), the test suite of CountingChambers.jl (resonance),
orders of reflection groups (braid, B, D), Cover's formula (generic), published affine
deformations of the braid arrangement, and exact counts of data sets and of the test
instances of IncrementalSignFeasibility.jl, which are read from ARRANGEMENT_DATA.
"""

from __future__ import annotations

from math import comb, factorial

import numpy as np
import pytest

from arrangement import enumerate_patterns, iter_patterns

from reference import families

slow = pytest.mark.slow

CENTRAL = [
    *[
        pytest.param(families.threshold(n), n + 1, count, id=f"threshold {n}")
        for n, count in enumerate((2, 4, 14, 104, 1882, 94572))
    ],
    pytest.param(families.threshold(6), 7, 15028134, id="threshold 6", marks=slow),
    *[
        pytest.param(families.threshold(n, low=-1), n + 1, count, id=f"+-1 cube {n}")
        for n, count in ((3, 104), (5, 94572))
    ],
    *[
        pytest.param(families.resonance(n), n, count, id=f"resonance {n}")
        for n, count in ((2, 6), (3, 32), (4, 370), (5, 11292))
    ],
    pytest.param(families.resonance(6), 6, 1066044, id="resonance 6", marks=slow),
    *[
        pytest.param(families.braid(k), k, factorial(k + 1), id=f"braid {k}")
        for k in range(2, 9)
    ],
    pytest.param(families.braid(9), 9, 3628800, id="braid 9", marks=slow),
    *[
        pytest.param(families.coxeter_b(k), k, 2**k * factorial(k), id=f"B{k}")
        for k in (2, 3, 4, 5, 6)
    ],
    *[
        pytest.param(families.coxeter_d(k), k, 2 ** (k - 1) * factorial(k), id=f"D{k}")
        for k in (4, 5, 6)
    ],
    pytest.param(families.coxeter_b(8), 8, 10321920, id="B8", marks=slow),
    pytest.param(families.coxeter_d(8), 8, 5160960, id="D8", marks=slow),
    pytest.param(families.coxeter_e7(), 7, 2903040, id="E7", marks=slow),
    pytest.param(families.coxeter_g2(), 2, 12, id="G2"),
    *[
        pytest.param(families.crosspolytope(k), k + 1, count, id=f"cross-polytope {k}")
        for k, count in ((6, 1394), (8, 12866), (10, 117074))
    ],
    pytest.param(families.boolean(13), 13, 2**13, id="Boolean 13"),
]


@pytest.mark.parametrize(("rows", "rank", "count"), CENTRAL)
def test_central_family_has_its_known_number_of_chambers(rows, rank, count):
    patterns = enumerate_patterns(rows)
    assert len(patterns) == count <= patterns.bound
    assert patterns.rank == rank
    assert patterns.proof is not None


GENERIC = [
    (10, 3),
    (20, 3),
    (50, 3),
    (100, 3),
    (200, 3),
    (20, 4),
    (30, 4),
    (50, 4),
    (100, 4),
    (20, 5),
    (30, 5),
    (16, 6),
    (30, 6),
]


@pytest.mark.parametrize(
    ("n", "r"),
    [
        *GENERIC,
        pytest.param(40, 6, marks=slow),
        pytest.param(24, 8, marks=slow),
    ],
    ids=str,
)
def test_generic_arrangement_reaches_the_cover_bound(n, r):
    # Gaussian rows: floats with full mantissas, the hardest on machine integers
    X = np.random.default_rng(n + r).standard_normal((n, r))
    patterns = enumerate_patterns(X)
    expected = 2 * sum(comb(n - 1, k) for k in range(r))
    assert len(patterns) == expected == patterns.bound
    assert patterns.proof is not None


@pytest.mark.parametrize(("n", "r"), [(50, 3), (20, 4), (16, 6)])
def test_generic_integer_arrangement_reaches_the_cover_bound(n, r):
    patterns = enumerate_patterns(families.generic(n, r, seed=n))
    assert len(patterns) == 2 * sum(comb(n - 1, k) for k in range(r))


AFFINE = [
    *[
        pytest.param(families.shi(k), (k + 1) ** (k - 1), id=f"Shi {k}")
        for k in range(2, 7)
    ],
    *[
        pytest.param(
            families.catalan(k),
            factorial(k) * comb(2 * k, k) // (k + 1),
            id=f"Catalan {k}",
        )
        for k in range(2, 7)
    ],
    *[
        pytest.param(families.linial(k), count, id=f"Linial {k}")
        for k, count in ((2, 2), (3, 7), (4, 36), (5, 246))
    ],
]


@pytest.mark.parametrize(("instance", "count"), AFFINE)
def test_affine_family_has_its_known_number_of_chambers(instance, count):
    rows, offsets = instance
    patterns = enumerate_patterns(rows, offsets=offsets)
    assert len(patterns) == count <= patterns.bound
    assert patterns.proof is not None


def test_a_stream_of_a_known_family_has_every_chamber_once():
    seen = set()
    total = 0
    for block in iter_patterns(families.resonance(5), block_size=1000):
        total += len(block)
        seen.update(block.packed[:, 0].tolist())
    assert total == len(seen) == 11292


ISF_COUNTS = {
    "data_aff_R_10_5": 638,
    "data_aff_R_12_6": 2510,
    "data_aff_R_14_7": 9908,
    "data_aff_R_16_8": 39203,
    "data_aff_R_8_2": 37,
    "data_aff_R_9_4": 256,
    "data_aff_degen2d_5": 1232,
    "data_aff_degen2d_7": 3840,
    "data_aff_perm_4": 120,
    "data_aff_perm_6": 5040,
    "data_aff_perm_8": 362880,
    "data_aff_ratio_3_9": 1176,
    "data_aff_ratio_4_9": 4600,
    "data_aff_ratio_5_9": 11325,
    "data_aff_ratio_6_9": 53795,
    "data_aff_ratio_7_9": 135039,
    "data_aff_srand_8_20_4": 213467,
    "crosspoly_10": 117074,
    "crosspoly_6": 1394,
    "crosspoly_8": 12866,
    "data_degen2d_20_4": 136,
    "data_degen2d_20_6": 512,
    "data_degen2d_20_8": 1792,
    "data_perm_6": 5040,
    "data_perm_8": 362880,
    "data_rand_4_8_2": 128,
    "data_rand_7_11_4": 1696,
    "data_rand_7_13_5": 5020,
    "data_rand_7_8_4": 254,
    "data_rand_8_15_7": 19816,
    "data_ratio_20_3_7": 304,
    "data_ratio_20_4_7": 2278,
    "data_ratio_20_5_7": 8470,
    "data_ratio_20_6_7": 26194,
    "data_ratio_20_7_7": 76790,
    "data_srand_8_20_2": 24544,
    "data_srand_8_20_6": 186430,
    "demicube_5": 3756,
    "resonance_4": 370,
    "resonance_6": 1066044,
    "threshold_4": 1882,
    "threshold_6": 15028134,
}


# full mantissas or huge integers in high rank: slow for their number of chambers
ISF_SLOW = {"data_rand_8_15_7", "data_aff_ratio_7_9", "data_aff_srand_8_20_4"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[slow] if count > 10**6 or name in ISF_SLOW else [])
        for name, count in ISF_COUNTS.items()
    ],
)
def test_instance_of_the_isf_suite_has_its_known_number_of_chambers(name, data_folder):
    with np.load(data_folder / "isf_instances.npz", allow_pickle=False) as instances:
        X = instances[name]
    offsets = None
    if name.startswith("data_aff"):  # the last column is t of the hyperplane v.x = t
        X, offsets = X[:, :-1], X[:, -1]
    patterns = enumerate_patterns(X, offsets=offsets)
    assert len(patterns) == ISF_COUNTS[name]
    assert patterns.proof is not None


DATA_SETS = [
    pytest.param("mcycle", [0], 2, 188, 188, id="mcycle"),
    pytest.param("old_faithful", [0], 2, 252, 252, id="old faithful"),
    pytest.param("lidar", [0], 2, 442, 442, id="lidar"),
    pytest.param("iris", [2, 3], 3, 8164, 10304, id="iris petals"),
    pytest.param("ripley_synth", [0, 1], 3, 62252, 62252, id="ripley"),
    pytest.param("penguins", [0, 1], 3, 107618, 113908, id="penguin bills"),
    pytest.param("haberman", [0, 1, 2], 4, 5808146, 7475728, id="haberman", marks=slow),
]


def with_ones(data_folder, name, columns):
    """Return the columns of a data set and a column of ones, as stored floats."""
    with np.load(data_folder / f"{name}.npz", allow_pickle=False) as stored:
        X = stored["X"][:, columns]
    return np.column_stack([X, np.ones(len(X))])


@pytest.mark.parametrize(("name", "columns", "rank", "count", "bound"), DATA_SETS)
def test_data_set_read_as_decimals_has_its_known_number_of_patterns(
    name, columns, rank, count, bound, data_folder
):
    X = with_ones(data_folder, name, columns)
    patterns = enumerate_patterns(X, floats="decimal")
    assert len(patterns) == count
    assert patterns.bound == bound
    assert patterns.rank == rank
    assert patterns.proof is not None


def test_scaled_integers_of_a_data_set_have_the_patterns_of_its_decimals(data_folder):
    X = with_ones(data_folder, "iris", [2, 3])
    with np.load(data_folder / "iris.npz", allow_pickle=False) as stored:
        whole = np.column_stack([stored["X_int"][:, [2, 3]], np.ones(len(X), int)])
    decimals = enumerate_patterns(X, floats="decimal").packed
    integers = enumerate_patterns(whole).packed
    assert np.array_equal(np.unique(decimals, axis=0), np.unique(integers, axis=0))


@pytest.mark.slow
def test_rounding_to_binary_breaks_the_ties_of_decimals(data_folder):
    X = with_ones(data_folder, "iris", [2, 3])
    binary = enumerate_patterns(X, floats="binary")
    assert 8164 < len(binary) <= binary.bound == 10304
