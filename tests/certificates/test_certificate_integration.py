"""The certificate: valid for any dual point, and it notices every tampering."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from arrangement import enumerate_patterns
from convex_solver import (
    ClaimNotReproducedError,
    ConvexProgram,
    DigestMismatchError,
    InputError,
    ModelFileError,
    TwoLayerReLU,
    certify,
    certify_interpolation,
    certify_model,
    interpolate,
    load_model,
    save_model,
    solve,
)
from convex_solver._kernels.certify import Chambers, Weighted, price_block
from convex_solver.certificates import cover_sphere

from instances import FIVE, FIVE_Y, labels, planted


@pytest.fixture(scope="module")
def solved():
    X, y = planted(12, 3, seed=1)
    return X, y, solve(ConvexProgram(X, y, 0.1))


def brute_price(X, v, seed=0):
    """Largest ``|v^T (X u)_+|`` on the unit sphere that a local search finds."""
    rng = np.random.default_rng(seed)
    best = 0.0
    for start in rng.standard_normal((40, X.shape[1])):
        for sign in (1, -1):

            def value(u, sign=sign):
                return -sign * v @ np.maximum(X @ u, 0) / np.linalg.norm(u)

            best = max(best, -minimize(value, start, method="Nelder-Mead").fun)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_price_is_that_of_the_best_direction(seed):
    X, _ = planted(9, 3, seed=seed)
    v = np.random.default_rng(seed).standard_normal(9)
    net = TwoLayerReLU(np.zeros((0, 3)), [])
    found = certify(net, X, np.zeros(9), 1.0, dual=v).max_price
    best = brute_price(X, v)
    assert best <= found
    assert found == pytest.approx(best, rel=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(["squared", "hinge", "logistic"]))
def test_any_dual_point_gives_a_bound_below_every_network(seed, loss):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, (6, 2))
    y = rng.standard_normal(6) if loss == "squared" else rng.choice([-1, 1], 6)
    net = TwoLayerReLU(rng.standard_normal((3, 2)), rng.standard_normal(3))
    dual = rng.standard_normal(6) * 10.0 ** rng.integers(-3, 4)
    certificate = certify(net, X, y, 0.3, loss=loss, dual=dual)
    optimum = solve(ConvexProgram(X, y, 0.3, loss=loss)).objective
    assert 0 <= certificate.lower_bound <= optimum * (1 + 1e-9)
    assert certificate.upper_bound >= net.objective(X, y, 0.3, loss=loss)
    assert certificate.gap >= 0


def test_the_scaled_dual_is_feasible_for_random_directions(solved):
    X, _, solution = solved
    u = np.random.default_rng(0).standard_normal((20000, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    values = solution.certificate.dual @ np.maximum(X @ u.T, 0)
    assert np.abs(values).max() <= 0.1
    assert np.abs(values).max() > 0.0999


def test_a_price_over_all_chambers_exceeds_that_without_the_best_one(solved):
    X, y, solution = solved
    listing = enumerate_patterns(X)
    facets = listing.facets()
    v = solution.network.predict(X) - y
    prices = np.zeros((len(listing), 2))
    starts = np.cumsum([0, *map(len, facets)])
    chambers = Chambers(listing.packed, starts, np.concatenate(facets))
    price_block(chambers, Weighted(X, 0 * X, v, 0.0), prices)
    found = certify(solution.network, X, y, 0.1).max_price
    assert found == pytest.approx(prices.max(), rel=1e-9)
    active = prices.max(axis=1) > 0.1 * (1 - 1e-6)
    assert 0 < active.sum() < len(listing)


def test_decimals_count_their_own_rounding():
    X = [["0.1", "1"], ["0.2", "1"], ["0.3", "1"], ["0.7", "1"]]
    y = ["0.1", "0.4", "0.2", "0.9"]
    solution = solve(ConvexProgram(X, y, 0.01))
    assert solution.gap < 1e-8
    assert solution.certificate.max_price >= solution.certificate.beta * (1 - 1e-6)


def test_a_listing_without_proof_or_of_other_data_is_refused(solved):
    X, y, solution = solved
    bare = enumerate_patterns(X, prove=False)
    other = enumerate_patterns(X[::-1] * [[1, 1, -1]])
    with pytest.raises(InputError, match="no proof"):
        certify(solution.network, X, y, 0.1, patterns=bare)
    with pytest.raises(InputError, match="not the listing"):
        certify(solution.network, X, y, 0.1, patterns=other)


def saved(solved, tmp_path):
    X, y, solution = solved
    path = tmp_path / "model.json"
    save_model(path, solution)
    return X, y, solution, path


def test_a_model_file_certifies_itself_from_the_data(solved, tmp_path):
    X, y, solution, path = saved(solved, tmp_path)
    found = certify_model(load_model(path), X, y)
    assert found.upper_bound == solution.certificate.upper_bound
    assert found.lower_bound == pytest.approx(solution.certificate.lower_bound)
    with pytest.raises(InputError, match="exists"):
        save_model(path, solution)


def sealed(content):
    """The content with the digest of what it says now."""
    parts = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return parts | {"digest": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize("part", ["weights", "dual", "beta", "claim"])
def test_a_changed_part_fails_the_digest(solved, tmp_path, part):
    *_, path = saved(solved, tmp_path)
    content = json.loads(path.read_text())
    if part == "weights":
        content["network"]["weights"][0][0] += 1e-9
    elif part == "dual":
        content["claim"]["dual"][0] *= 1.001
    elif part == "beta":
        content["claim"]["beta"] *= 2
    else:
        content["claim"]["lower_bound"] *= 0.9999
    path.write_text(json.dumps(content))
    with pytest.raises(DigestMismatchError, match="digest"):
        load_model(path)


@pytest.mark.parametrize("part", ["upper", "lower", "weights", "dual"])
def test_a_false_claim_fails_even_with_a_recomputed_digest(solved, tmp_path, part):
    X, y, _, path = saved(solved, tmp_path)
    content = json.loads(path.read_text())
    claims = content["claim"]
    if part == "upper":
        claims["upper_bound"] *= 0.999
        claims["lower_bound"] *= 0.99
    elif part == "lower":
        claims["lower_bound"] = claims["upper_bound"]
    elif part == "weights":
        content["network"]["weights"][0][0] += 0.1
    else:
        claims["dual"] = claims["dual"][::-1]
    path.write_text(json.dumps(sealed(content)))
    with pytest.raises(ClaimNotReproducedError, match="claimed"):
        certify_model(load_model(path), X, y)


def test_other_data_fail_the_digest_of_the_data(solved, tmp_path):
    X, y, _, path = saved(solved, tmp_path)
    other = y.copy()
    other[3] = np.nextafter(other[3], 9)
    with pytest.raises(DigestMismatchError, match="data"):
        certify_model(load_model(path), X, other)


def test_what_is_no_model_file_is_one_clear_error(tmp_path):
    for name, text in (("a", ""), ("b", "[]"), ("c", "{}"), ("d", '{"format": 1}')):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(ModelFileError, match=name):
            load_model(path)
    with pytest.raises(ModelFileError, match="cannot read"):
        load_model(tmp_path / "missing")


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_labels_are_certified_too(loss):
    X, y = planted(10, 2, seed=3)
    solution = solve(ConvexProgram(X, labels(y), 0.1, loss=loss))
    again = certify(solution.network, X, labels(y), 0.1, loss=loss)
    assert again.upper_bound == solution.certificate.upper_bound
    assert solution.gap < 1e-6


def test_five_points_gap_is_not_negative():
    solution = solve(ConvexProgram(FIVE, FIVE_Y, 1e-4))
    assert 0 <= solution.gap < 1e-7
    assert solution.lower_bound <= solution.objective


def test_the_covering_and_the_listing_find_the_same_bound(solved):
    X, y, solution = solved
    dual = solution.certificate.dual
    cover = certify(solution.network, X, y, 0.1, dual=dual, method="covering")
    chambers = certify(solution.network, X, y, 0.1, dual=dual, method="chambers")
    assert cover.n_patterns is None
    assert cover.n_cones > 8
    assert "cones that cover all directions" in cover.proof
    assert chambers.n_cones is None
    assert chambers.n_patterns == cover.cover_bound == chambers.cover_bound
    assert cover.max_price == pytest.approx(chambers.max_price, rel=1e-10)
    assert cover.lower_bound == pytest.approx(chambers.lower_bound, rel=1e-9)
    assert cover.gap < 1e-6


def test_chambers_are_listed_where_the_covering_needs_too_many_cones(
    solved, monkeypatch
):
    X, y, solution = solved

    def few(X, v, **options):
        return cover_sphere(X, v, **(options | {"max_cones": 4}))

    monkeypatch.setattr("convex_solver.certificates.prices.cover_sphere", few)
    assert certify(solution.network, X, y, 0.1).n_patterns is not None
    # too many chambers, or none wanted: a bound that holds, and says that it is loose
    loose = certify(solution.network, X, y, 0.1, method="covering")
    monkeypatch.setattr("convex_solver.certificates.prices.MOST_CHAMBERS", 4)
    same = certify(solution.network, X, y, 0.1)
    assert "loose" in loose.proof
    assert "quadratic form" in same.proof
    assert solution.certificate.max_price <= same.max_price < loose.max_price
    assert same.lower_bound <= solution.lower_bound


def test_no_listing_limits_how_many_rows_are_certified():
    X, y = planted(2000, 3, seed=4)
    hidden = np.maximum(X @ np.random.default_rng(0).standard_normal((3, 60)), 0)
    v = hidden @ np.linalg.lstsq(hidden, y, rcond=None)[0] - y
    found = certify(TwoLayerReLU(np.zeros((0, 3)), []), X, y, 10.0, dual=v)
    assert found.n_patterns is None
    assert found.cover_bound > 3_900_000
    u = np.random.default_rng(1).standard_normal((3, 5000))
    u /= np.linalg.norm(u, axis=0)
    assert np.abs(found.dual @ np.maximum(X @ u, 0)).max() <= 10.0
    assert found.max_price >= np.abs(v @ np.maximum(X @ u, 0)).max()
    assert found.n_cones < 100_000


def test_wrong_methods_are_refused(solved):
    X, y, solution = solved
    with pytest.raises(InputError, match="method='fast' is unknown"):
        certify(solution.network, X, y, 0.1, method="fast")
    with pytest.raises(InputError, match="patterns are given"):
        certify(
            solution.network,
            X,
            y,
            0.1,
            method="covering",
            patterns=enumerate_patterns(X),
        )


def test_a_model_certified_by_a_covering_is_read_back(solved, tmp_path):
    X, y, solution = solved
    path = tmp_path / "covered.json"
    certificate = certify(solution.network, X, y, 0.1)
    save_model(path, replace(solution, certificate=certificate))
    found = certify_model(load_model(path), X, y)
    assert found.n_patterns is None
    assert found.n_cones == certificate.n_cones


def test_a_certificate_has_a_time_limit():
    X, y = planted(30, 4, seed=1)
    solution = solve(ConvexProgram(X, y, 0.1))
    dual = solution.certificate.dual
    options = {"dual": dual, "method": "covering"}
    whole = certify(solution.network, X, y, 0.1, **options)
    same = certify(solution.network, X, y, 0.1, time_limit=1e6, **options)
    assert same.lower_bound == whole.lower_bound
    late = certify(solution.network, X, y, 0.1, time_limit=1e-9, **options)
    assert late.upper_bound == whole.upper_bound
    assert late.n_cones < whole.n_cones
    assert 0.0 <= late.lower_bound < whole.lower_bound
    with pytest.raises(InputError, match=r"time_limit=0\.0; expected"):
        certify(solution.network, X, y, 0.1, time_limit=0.0)


def test_a_certificate_of_interpolation_has_a_time_limit():
    X, y = planted(8, 3, seed=1)
    found = interpolate(X, y)
    options = {"dual": found.dual}
    whole = certify_interpolation(found.network, X, y, time_limit=1e6, **options)
    assert whole.lower_bound == pytest.approx(found.lower_bound, rel=1e-9)
    late = certify_interpolation(found.network, X, y, time_limit=1e-9, **options)
    assert late.lower_bound <= whole.lower_bound
    with pytest.raises(InputError, match=r"time_limit=0\.0; expected"):
        certify_interpolation(found.network, X, y, time_limit=0.0, **options)
