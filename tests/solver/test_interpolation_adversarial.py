"""Certificates of interpolation that are fed bad networks, duals, sizes and shapes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver import InputError, InputTypeError, SolutionStatus, TwoLayerReLU
from convex_solver._kernels.solve import interior_point as kernels
from convex_solver.certificates.interpolation import certify_interpolation
from convex_solver.certificates.obstruction import find_obstruction
from convex_solver.errors import NoInterpolationError
from convex_solver.solver.interpolation import interpolate

from reference.interpolation import exact_norm

whole = st.integers(-3, 3)
VEE = ([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 0.0, 1.0])
VEE_NET = TwoLayerReLU([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0])
VEE_DUAL = [1.0, -2.0, 1.0]


def empty(d):
    return TwoLayerReLU(np.zeros((0, d)), [])


def gaussian(n, r, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, r)), rng.standard_normal(n)


@st.composite
def reached(draw, d=2):
    """Integer rows with coincidences, and the outputs of an integer network on them."""
    row = st.tuples(*[whole] * d)
    X = np.array(draw(st.lists(row, min_size=1, max_size=6)))
    U = np.array(draw(st.lists(row, min_size=1, max_size=3)))
    a = np.array(draw(st.lists(whole, min_size=len(U), max_size=len(U))))
    return X, np.maximum(X @ U.T, 0) @ a, U, a


def norm_of(U, a):
    return float(np.linalg.norm(U, axis=1) @ np.abs(a))


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(reached())
def test_the_bounds_hold_for_networks_that_interpolate_exactly(problem):
    X, y, U, a = problem
    found = interpolate(X, y)
    assert found.gap <= 1e-6
    assert found.lower_bound <= norm_of(U, a) * (1 + 1e-14)
    directions = [(i, j) for i in range(-3, 4) for j in range(-3, 4) if i or j]
    exact = exact_norm(X, y, directions)
    assert exact is not None
    assert found.lower_bound <= exact * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(reached(), st.integers(0, 10**6))
def test_a_network_that_does_not_interpolate_never_lowers_the_upper_bound(
    problem, seed
):
    X, y, U, a = problem
    best = interpolate(X, y)
    rng = np.random.default_rng(seed)
    dual = rng.standard_normal(len(y))
    wrong = TwoLayerReLU(
        U + rng.standard_normal(U.shape) * 10.0 ** rng.integers(-15, 2), a
    )
    for network in (wrong, empty(2), best.network, TwoLayerReLU(U, a).balance()):
        found = certify_interpolation(network, X, y, dual=dual)
        assert best.lower_bound <= found.upper_bound < np.inf
        assert 0 <= found.lower_bound <= best.certificate.upper_bound
        assert found.gap >= 0


@settings(deadline=None, max_examples=60)
@given(reached(), st.integers(0, 10**6))
def test_the_residual_is_at_least_the_exact_one(problem, seed):
    X, _, U, _ = problem
    rng = np.random.default_rng(seed)
    X = np.unique(X, axis=0) / 7.0
    network = TwoLayerReLU(rng.standard_normal(U.shape), rng.standard_normal(len(U)))
    y = network.predict(X)  # in floats nothing is missed
    if find_obstruction(X, y) is not None:
        return
    found = certify_interpolation(network, X, y, dual=np.ones(len(y)))
    for row, target in zip(X.tolist(), y.tolist(), strict=True):
        exact = -Fraction(target)
        for u, size in zip(
            network.weights.tolist(), network.alphas.tolist(), strict=True
        ):
            inner = sum(Fraction(p) * Fraction(q) for p, q in zip(row, u, strict=True))
            exact += Fraction(size) * max(Fraction(0), inner)
        assert abs(exact) <= found.residual


@pytest.mark.slow
def test_what_the_empty_network_misses_is_paid_for_and_not_absurdly():
    for n in (3, 10, 25):
        X, y = gaussian(n, 3, n)
        best = interpolate(X, y)
        found = certify_interpolation(empty(3), X, y, dual=best.dual)
        assert found.correction == pytest.approx(found.upper_bound)
        assert best.norm <= found.upper_bound <= 1e4 * best.norm
        assert found.lower_bound == pytest.approx(best.lower_bound, rel=1e-9)


def test_decimals_have_errors_that_are_paid_for():
    X, y = [[0.1, 0.7], [0.3, -0.2]], [0.1, 0.6]
    best = interpolate(X, y, floats="decimal")
    binary = certify_interpolation(best.network, X, y, dual=best.dual)
    decimal = certify_interpolation(
        best.network, X, y, dual=best.dual, floats="decimal"
    )
    assert decimal.residual > binary.residual > 0
    assert decimal.data_digest != binary.data_digest
    assert decimal.gap < 1e-6
    # in proportion as decimals, but not as binary floats
    X, y = [[0.1], [0.3]], [1, 3]
    found = certify_interpolation(
        TwoLayerReLU([[1.0]], [10.0]), X, y, dual=[1.0, 0.0], floats="decimal"
    )
    assert found.lower_bound == pytest.approx(10)


@pytest.mark.parametrize("factor", [-1.0, 3.0, 1e-200, 1e200, -1e-300])
def test_the_size_and_sign_of_the_dual_point_do_not_matter(factor):
    found = certify_interpolation(VEE_NET, *VEE, dual=np.multiply(VEE_DUAL, factor))
    assert found.lower_bound == pytest.approx(2, rel=1e-9)
    assert found.lower_bound <= 2


@pytest.mark.parametrize("noise", [1e-12, 1e-6, 1e-2, 1.0, 100.0])
def test_a_worse_dual_point_gives_a_lower_bound_that_holds(noise):
    rng = np.random.default_rng(1)
    lower = []
    for _ in range(20):
        dual = VEE_DUAL + noise * rng.standard_normal(3)
        found = certify_interpolation(VEE_NET, *VEE, dual=dual)
        assert found.lower_bound <= 2 <= found.upper_bound
        lower.append(found.lower_bound)
    assert min(lower) < 2 - 1e-3 * min(noise, 1)
    zero = certify_interpolation(VEE_NET, *VEE, dual=np.zeros(3))
    assert (zero.lower_bound, zero.gap, zero.status(1e-6).value) == (0, 1, "inaccurate")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
def test_the_lower_bound_is_rounded_down(dual):
    found = certify_interpolation(VEE_NET, *VEE, dual=dual)
    exact = abs(
        sum(Fraction(v) * Fraction(y) for v, y in zip(dual, VEE[1], strict=True))
    )
    assert Fraction(found.lower_bound) * Fraction(found.max_price) <= exact
    assert found.lower_bound <= 2


@pytest.mark.slow
def test_few_cones_leave_a_loose_bound():
    X, y = gaussian(30, 3)
    best = interpolate(X, y)
    found = certify_interpolation(best.network, X, y, dual=best.dual, max_cones=10)
    assert found.lower_bound < 0.999 * best.lower_bound
    assert found.upper_bound == best.certificate.upper_bound
    assert found.status(1e-6).value == "inaccurate"
    few = interpolate(X, y, max_cones=10)
    assert few.status.value == "inaccurate"
    assert few.dual @ y == pytest.approx(few.lower_bound, rel=1e-9)
    assert few.lower_bound <= best.norm <= few.certificate.upper_bound


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1e-9, 1e-2, 0.1])
def test_a_time_limit_ends_with_an_honest_gap(limit):
    X, y = gaussian(40, 3)
    best = interpolate(X, y)
    found = interpolate(X, y, time_limit=limit)
    assert found.lower_bound <= best.norm * (1 + 1e-9)
    assert found.certificate.upper_bound >= best.lower_bound
    assert (found.status.value == "optimal") == (found.gap <= found.tol)
    if limit < 1e-3:
        assert found.status.value == "inaccurate"
        assert found.gap > 1e-3


@pytest.mark.parametrize("shift", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
def test_rows_that_are_nearly_parallel_are_certified(shift):
    # rows 0 and 1 differ by (0, shift), and their targets by 1
    found = interpolate([[1.0, 0.0], [1.0, shift], [0.0, 1.0]], [1.0, 2.0, 3.0])
    assert found.status.value == "optimal"
    assert found.lower_bound <= 5 / shift
    assert found.certificate.upper_bound >= 1 / shift
    assert np.abs(found.dual).max() > 0.9 / shift


@pytest.mark.slow
def test_rows_one_part_in_1e12_apart_get_an_honest_gap():
    found = interpolate([[1.0, 0.0], [1.0, 1e-12], [0.0, 1.0]], [1.0, 2.0, 3.0])
    assert (found.status.value == "optimal") == (found.gap <= 1e-6)
    assert found.lower_bound <= 4e12
    assert found.certificate.upper_bound >= 1e12


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1e12, 1e30])
def test_data_of_any_scale_are_certified(size):
    X, y = gaussian(5, 2)
    norm = interpolate(X, y).norm
    assert interpolate(size * X, size * y).norm == pytest.approx(norm, rel=1e-6)
    for found in (interpolate(size * X, size * y), interpolate(X, size * y)):
        assert found.gap <= 1e-6
    assert interpolate(X, size * y).norm == pytest.approx(size * norm, rel=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_certificates_at_the_ends_of_float64_are_honest(size):
    X, y = gaussian(5, 2)
    best = interpolate(X, y)
    for network in (best.network, empty(2)):
        found = certify_interpolation(network, size * X, size * y, dual=best.dual)
        assert 0 <= found.lower_bound <= best.norm * (1 + 1e-9)
        assert found.upper_bound >= best.norm * (1 - 1e-9)


def test_residuals_are_not_removed_at_any_price():
    # two neurons nearly alike on these rows: sizes that remove 1e-15 had cost 5e-6
    X = [[0, 1], [1, 0], [1, -1], [0, 0], [1, 1]]
    found = interpolate(X, [0, 1, 0, 0, 1])
    assert found.norm == pytest.approx(2, rel=1e-8)
    assert found.gap < 1e-8


def test_patches_are_refused_and_one_patch_is_a_row():
    X, y = VEE
    patches = np.reshape(X, (3, 1, 2))
    assert interpolate(patches, y).norm == pytest.approx(2)
    assert certify_interpolation(VEE_NET, patches, y, dual=VEE_DUAL).gap < 1e-9
    for call in (
        lambda: interpolate(np.ones((3, 2, 2)), y),
        lambda: certify_interpolation(VEE_NET, np.ones((3, 2, 2)), y, dual=VEE_DUAL),
        lambda: interpolate([[[1, 2], [3, 4]]], [1]),
    ):
        with pytest.raises(
            InputError, match=r"supported for rows, X of shape \(n, d\)"
        ):
            call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X": [1.0, 2.0]}, r"expected \(n, d\)"),
        ({"X": [[1.0], [2.0, 3.0]]}, "ragged"),
        ({"X": [[1.0, np.nan]] * 3}, "nan"),
        ({"X": np.zeros((0, 2)), "y": []}, "at least one row"),
        ({"y": [1.0, 2.0]}, "y has length 2; expected 3"),
        ({"y": [1.0, 2.0, np.inf]}, "inf"),
        ({"tol": 0.0}, "tol=0.0; expected a finite number above 0"),
        ({"time_limit": -1.0}, "time_limit=-1.0; expected a finite number above 0"),
        ({"max_cones": 0}, "max_cones=0; expected an integer >= 1"),
        ({"floats": "octal"}, "floats='octal' is unknown"),
        ({"feature_names": ["a"]}, "1 feature names for 2 columns"),
    ],
)
def test_bad_input_of_interpolate_is_named(options, message):
    asked = {"X": VEE[0], "y": VEE[1], **options}
    with pytest.raises(InputError, match=message):
        interpolate(asked.pop("X"), asked.pop("y"), **asked)


def test_types_that_are_no_numbers():
    with pytest.raises(InputTypeError, match="complex"):
        interpolate(np.array(VEE[0]) * 1j, VEE[1])
    with pytest.raises(InputTypeError, match="boolean"):
        interpolate(VEE[0], [True, False, True])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dual": [1.0, 2.0]}, r"dual has shape \(2,\); expected \(3,\)"),
        (
            {"dual": [1.0, np.nan, 2.0]},
            r"dual has shape \(3,\); expected \(3,\), finite",
        ),
        ({"dual": np.ones((3, 1))}, r"dual has shape \(3, 1\)"),
        ({"y": [1.0, 2.0]}, "y has length 2; expected 3"),
        ({"X": np.ones((3, 5))}, "the network has 2 inputs; the data have 5"),
        ({"network": TwoLayerReLU([[1.0, 0.0]], [1.0], intercept=True)}, "have 3 col"),
        ({"max_cones": 0}, "max_cones=0; expected an integer >= 1"),
        ({"rtol": -1.0}, "rtol=-1"),
    ],
)
def test_bad_input_of_the_certificate_is_named(options, message):
    asked = {"network": VEE_NET, "X": VEE[0], "y": VEE[1], "dual": VEE_DUAL, **options}
    with pytest.raises(InputError, match=message):
        certify_interpolation(**asked)


def test_the_certificate_names_an_obstruction_too():
    with pytest.raises(
        NoInterpolationError, match="rows 0 and 1 point in one"
    ) as error:
        certify_interpolation(empty(1), [[1.0], [2.0]], [1.0, 3.0], dual=[1.0, 1.0])
    assert error.value.obstruction.rows == (0, 1)


def test_obstruction_names_bad_input():
    for X, y, message in (
        ([1, 2], [1, 2], "expected"),
        ([[1], [2]], [1], "y has length 1; expected 2"),
        ([[1], [2]], [[1], [2]], "expected a 1-D array"),
        ([[1], [float("nan")]], [1, 2], "nan"),
    ):
        with pytest.raises(ValueError, match=message):
            find_obstruction(X, y)


def test_a_cone_that_is_flat_to_rounding_ends_the_steps(monkeypatch):
    calls = []
    centring = kernels.centring

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 7:
            raise ZeroDivisionError
        centring(*arguments)

    monkeypatch.setattr(kernels, "centring", failing)
    random = np.random.default_rng(0)
    X = np.column_stack([random.standard_normal(8), np.ones(8)])
    found = interpolate(X, random.standard_normal(8))
    assert len(calls) > 7
    assert found.status is SolutionStatus.OPTIMAL


@pytest.mark.slow
def test_columns_that_differ_by_ten_thousand_have_an_optimum():
    # a kernel divided by a determinant of zero here
    text = """4.68894 9.96658e-05 3.41148 -14.2634 4.20047e-05 2.01411 -11.2799
    4.43453e-05 -5.66523 -5.26009 -0.000111173 -3.54524 -4.28425 -2.56784e-07 0.516581
    6.13226 -0.000128595 -11.2212 -7.64374 0.000163203 -12.6919 -1.91025 6.33931e-05
    9.8603 -15.4931 0.00018206 11.7798 -10.3065 -7.03521e-05 1.81453 8.89881 0.000130399
    1.99385 -3.1891 8.53213e-05 1.93567"""
    table = np.array(text.split(), dtype=float).reshape(12, 3)
    found = interpolate(table[:, :2], table[:, 2])
    assert found.status is SolutionStatus.OPTIMAL
    assert found.norm == pytest.approx(3802630, rel=1e-4)
