"""Losses of given targets: the domain of the conjugate, bounds, scales and weights.

The targets and weights are fractions that float64 cannot hold: what is claimed has to
be true of those, not of their roundings.
"""

import decimal
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_solver.losses.loss import get_loss
from convex_solver.losses.terms import largest_factor
from convex_solver.rounding import float_below, sum_above

from reference import losses as exact
from reference.losses import LABELLED, SMOOTH_LOGS, SPECS, scale
from strategies import N_SAMPLES, lists, predictions, samples

LIMITED = [s for s in SPECS if s != "squared"]


class Problem:
    """A loss of exact targets and weights, with predictions and their errors."""

    def __init__(self, spec, f, f_error, y, c):
        self.spec, self.f, self.f_error, self.y, self.c = spec, f, f_error, y, c
        self.term = get_loss(spec).at(
            [float(x) for x in y],
            weights=[float(x) for x in c],
            y_exact=y,
            weights_exact=c,
        )

    def value(self, f):
        return exact.total(self.spec, f, self.y, self.c)

    def conjugate(self, v):
        return exact.total_conjugate(self.spec, v.tolist(), self.y, self.c)


@st.composite
def problems(draw, spec, errors=False):
    f = draw(lists(predictions(spec)))
    e = draw(lists(st.floats(0, 1e-3))) if errors else np.zeros(N_SAMPLES)
    if spec in LABELLED:
        y = st.sampled_from([1, -1])
    elif spec == "poisson":
        y = st.one_of(st.integers(0, 3), st.fractions(0, 100), st.integers(0, 10**18))
    else:
        y = st.one_of(st.integers(-3, 3), st.fractions(-100, 100))
    c = st.one_of(
        st.just(1),
        st.fractions(Fraction(1, 100), 100),
        st.sampled_from([Fraction(1, 3), Fraction(10**7, 3), Fraction(1, 3 * 10**290)]),
    )
    y, c = (draw(st.lists(x, min_size=N_SAMPLES, max_size=N_SAMPLES)) for x in (y, c))
    # some predictions are what the target rounds to: only its rounding is left
    fits = draw(lists(st.booleans())) & (spec != "poisson")
    f = np.where(fits, [float(x) for x in y], f)
    return Problem(spec, f, e, y, c)


def exactly(numbers):
    return [Fraction(x) for x in numbers.tolist()]


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_fenchel_young_holds_between_the_bounds_without_any_tolerance(spec, data):
    p = data.draw(problems(spec))
    other = data.draw(problems(spec)).f
    v = p.term.clip(p.term.gradient(other) * data.draw(st.floats(0, 1)))
    upper, lower = p.term.value_upper(p.f, p.f_error), p.term.dual_lower(v)
    product = sum(a * b for a, b in zip(exactly(v), exactly(p.f), strict=True))
    if math.isfinite(upper):
        assert Fraction(upper) - Fraction(lower) >= product


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_value_upper_is_above_the_exact_loss_over_the_box(spec, data):
    p = data.draw(problems(spec, errors=True))
    bound = p.term.value_upper(p.f, p.f_error)
    for _ in range(4):
        side = data.draw(lists(st.sampled_from([-1, 0, 1])))
        pairs = zip(exactly(p.f), exactly(p.f_error), side.tolist(), strict=True)
        corner = [f + s * e for f, e, s in pairs]
        assert p.value(corner) <= bound


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_value_upper_is_tight_where_nothing_is_rounded(spec, data):
    f, y, c, term = data.draw(samples(spec))
    bound = term.value_upper(f, np.zeros(N_SAMPLES))
    found = exact.total(spec, f.tolist(), y.tolist(), c.tolist())
    assert found <= bound
    # weights and sums round; what a dead zone or a margin takes off does before
    slack = 1e-14 * float(found) + 1e-36 * scale(spec, f, y, c) + 1e-36
    if found == 0 and spec != "poisson":
        slack = 0.0
    if spec.startswith("epsilon"):
        slack += 4e-16 * scale(spec, f, y, c)
    assert bound <= float(found) + slack


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_upper_at_is_above_the_loss_of_exact_predictions_and_tight(spec, data):
    p = data.draw(problems(spec))
    # nearer to each other, and to targets, than float64 tells apart
    more = st.fractions(-1, 1).map(lambda x: x / 10**20)
    # a count is no prediction: its exponential has too many digits to be written out
    at_target = st.just(False) if spec == "poisson" else st.booleans()
    f = [
        (Fraction(y) if data.draw(at_target) else Fraction(a)) + data.draw(more)
        for a, y in zip(p.f.tolist(), p.y, strict=True)
    ]
    bound, found = p.term.upper_at(f), p.value(f)
    assert found <= bound
    if spec not in SMOOTH_LOGS:
        assert found > Fraction(math.nextafter(bound, -math.inf))
    else:
        near = np.array([float(x) for x in f])
        assert bound <= p.term.value_upper(near, np.spacing(np.abs(near)))


@pytest.mark.parametrize("spec", SPECS)
def test_upper_at_predictions_beyond_float64_is_above_the_loss(spec):
    term, far = get_loss(spec).at([1.0]), Fraction(2) ** 1100
    for f in (far, -far):
        assert term.upper_at([f]) == math.inf or spec in ("hinge", "squared_hinge")
    if "hinge" in spec:
        assert term.upper_at([far]) == 0.0


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_corners_are_where_the_point_is_one_subgradient_of_many(spec, data):
    p = data.draw(problems(spec))
    term = p.term
    share = data.draw(lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])))
    v = term.clip(term.gradient(p.f) * share)
    corners, step = term.corners_at(v), Fraction(1, 10**6)
    assert len(corners) == v.size
    is_smooth = spec.split(":")[0] in ("squared", "huber", "squared_hinge")
    if is_smooth or spec in SMOOTH_LOGS:
        assert not any(corners)
    for i, corner in enumerate(corners):
        if corner is None:
            continue
        assert term.lo[i] < v[i] < term.hi[i]
        y, c, slope = p.y[i], Fraction(p.c[i]), Fraction(float(v[i]))
        here, above, below = (
            c * exact.value(spec, corner.at + k * step, y) for k in (0, 1, -1)
        )
        # a kink, and strictly above the line on either side
        assert above - here > slope * step
        assert below - here > -slope * step
        flat = [k for k, loss in ((1, above), (-1, below)) if loss == 0]
        assert flat == ([corner.inward] if corner.inward else [])


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_dual_lower_is_below_the_exact_dual_value_and_tight(spec, data):
    p = data.draw(problems(spec))
    share = data.draw(lists(st.sampled_from([0.0, 0.25, 0.9, 1.0])))
    v = p.term.clip(p.term.gradient(p.f) * share)
    bound, found = p.term.dual_lower(v), -p.conjugate(v)
    assert Fraction(bound) <= found
    if spec in SMOOTH_LOGS:
        terms = float(p.term.targets.weights @ (1 + np.abs(p.term.y * 6)))
        terms += float(np.abs(v) @ (1 + np.abs(np.log(np.abs(v) + 1e-300))))
        assert float(found) <= bound + 1e-14 * terms + 1e-36
    else:
        assert found < Fraction(math.nextafter(bound, math.inf))
    rounding = 1e-12 * (scale(spec, p.f, p.term.y, p.term.targets.weights) + 1e-300)
    rounding += 1e-36  # the margin of the decimals
    rounding += 1e-13 * float(np.abs(v) @ (1 + np.abs(p.f)))
    assert -p.term.conjugate(v) == pytest.approx(bound, rel=1e-12, abs=rounding)


def just_outside(term, v, ends):
    """Whether v with one entry a float further out is refused in both tests."""
    for k in range(v.size):
        if math.isfinite(ends[k]):
            out = v.copy()
            out[k] = ends[k]
            yield term.dual_lower(out) == -math.inf == -term.conjugate(out)


@pytest.mark.parametrize("spec", LIMITED)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_clip_is_the_nearest_float_in_the_domain_by_the_exact_test(spec, data):
    p = data.draw(problems(spec))
    size = np.abs(p.term.gradient(p.f)) + p.term.targets.weights
    v = data.draw(lists(st.floats(-3, 3))) * size
    found = p.term.clip(v)
    assert math.isfinite(p.term.dual_lower(found))
    assert math.isfinite(p.term.conjugate(found))
    assert np.array_equal(p.term.clip(found), found)
    # an entry that moved is at the last float: the next towards v is outside
    towards = np.where(found == v, np.nan, np.nextafter(found, v))
    assert all(just_outside(p.term, found, towards))
    for k in np.flatnonzero(found == v):
        assert exact.conjugate(spec, Fraction(v[k]) / p.c[k], p.y[k]) != math.inf


@pytest.mark.parametrize("spec", SPECS)
def test_one_float_outside_of_either_end_is_minus_infinity(spec):
    weights = [Fraction(1, 3), Fraction(1), Fraction(7, 10)]
    y = [1, 1, 1] if spec in LABELLED else [Fraction(1, 3), Fraction(2), Fraction(0)]
    p = Problem(spec, np.zeros(3), np.zeros(3), y, weights)
    low, high = (p.term.clip(np.full(3, end)) for end in (-1e99, 1e99))
    assert math.isfinite(p.term.dual_lower(high if spec == "poisson" else low))
    outside = [np.nextafter(low, -np.inf), np.nextafter(high, np.inf)]
    for end, out in zip((low, high), outside, strict=True):
        alive = np.abs(end) < 1e99
        assert all(just_outside(p.term, end, np.where(alive, out, np.nan)))
    # what is free on a side is what the definition says
    free = {"squared": (True, True), "squared_hinge": (True, False)}
    expected = free.get(spec, (False, spec == "poisson"))
    assert (bool(low[0] == -1e99), bool(high[0] == 1e99)) == expected


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_the_best_scale_is_allowed_and_no_other_is_better(spec, data):
    f, y, c, term = data.draw(samples(spec))
    v = term.clip(term.gradient(f) * data.draw(st.floats(1e-3, 2)))
    cap = data.draw(st.sampled_from([0.0, 0.3, 1.0, 2.5, 100.0]))
    best = term.best_scale(v, cap)
    assert 0.0 <= best <= cap
    reached = -term.conjugate(best * v)
    assert math.isfinite(reached)
    size = float(np.abs(v) @ (1 + np.abs(y))) + scale(spec, f, y, c)
    for t in np.concatenate(
        [np.linspace(0, cap, 21), best * (1 + 1e-3 * np.arange(3))]
    ):
        if t <= cap:
            assert -term.conjugate(t * v) <= reached + 1e-11 * size * (1 + t * t)


@pytest.mark.parametrize("spec", SPECS)
def test_the_best_scale_of_nothing_and_without_a_cap(spec):
    y = [1.0, -1.0, 1.0] if spec in LABELLED else [1.0, 2.0, 0.5]
    term = get_loss(spec).at(y, weights=[1.0, 2.0, 0.5])
    assert term.best_scale(np.zeros(3), 0.25) == 0.25
    assert term.best_scale(np.zeros(3), math.inf) == 1.0
    # at a gradient away from a kink, one is best: f = 0 is then the maximiser
    v = term.gradient(np.zeros(3))
    if spec in ("squared", "huber:1.35", "squared_hinge", "logistic", "poisson"):
        half = -term.conjugate(term.best_scale(0.5 * v, math.inf) * 0.5 * v)
        assert half >= -term.conjugate(v) - 1e-12
    t = term.best_scale(v, math.inf)
    assert math.isfinite(t)
    assert math.isfinite(term.dual_lower(term.clip(t * v)))


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_weight_counts_as_so_many_copies(spec, data):
    f, y, _, _ = data.draw(samples(spec))
    counts = np.array(data.draw(st.lists(st.integers(1, 4), min_size=4, max_size=4)))
    loss = get_loss(spec)
    weighted, plain = loss.at(y, weights=counts), loss.at(np.repeat(y, counts))
    size = scale(spec, f, y, counts)
    many = np.repeat(f, counts)
    assert weighted.value(f) == pytest.approx(plain.value(many), abs=1e-13 * size)
    v = plain.gradient(many)
    each = weighted.gradient(f)
    assert np.allclose(np.repeat(each / counts, counts), v, rtol=1e-14, atol=1e-14)
    v = np.repeat(weighted.clip(each * 0.5) / counts, counts)
    lower = plain.dual_lower(plain.clip(v))
    size += float(np.abs(v) @ (1 + np.abs(np.repeat(y, counts))))
    assert weighted.dual_lower(each * 0.5) == pytest.approx(lower, abs=1e-12 * size)
    assert weighted.conjugate(each * 0.5) == pytest.approx(-lower, abs=1e-12 * size)
    assert weighted.value_upper(f, 0 * f) == pytest.approx(
        plain.value_upper(many, 0 * many), abs=1e-12 * size
    )


SAME = [
    ("huber:1e9", "squared", 1.0),
    ("quantile:0.5", "absolute", 0.5),
    ("epsilon_insensitive:0", "absolute", 1.0),
]


@pytest.mark.parametrize(("spec", "other", "factor"), SAME)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_losses_that_are_others(spec, other, factor, data):
    f, y, c, term = data.draw(samples(spec, st.floats(-1e3, 1e3)))
    same = get_loss(other).at(y, weights=factor * c)
    assert term.value(f) == pytest.approx(same.value(f), rel=1e-15)
    assert np.array_equal(term.gradient(f), same.gradient(f))
    v = term.clip(data.draw(lists(st.floats(-2, 2))) * c)
    assert term.conjugate(v) == pytest.approx(same.conjugate(v), rel=1e-15)
    assert term.dual_lower(v) == same.dual_lower(v)
    assert np.array_equal(term.kinks(y), same.kinks(y))


@pytest.mark.parametrize("spec", SPECS)
def test_numbers_near_the_ends_of_float64_give_a_bound_or_infinity(spec):
    # never an error, never a bound on the wrong side
    y = [1.0, -1.0] if spec in LABELLED else [1.0, 1e18 if spec == "poisson" else 1e300]
    for c in ([1.0, 1.0], [1e300, 2e307]):
        term = get_loss(spec).at(y, weights=c)
        for f in ([1e300, -1e300], [-1e7, 1e7], [1e-300, 0.0], [1.0, 800.0]):
            with np.errstate(all="ignore"):
                bound = term.value_upper(np.array(f), np.zeros(2))
                if math.isfinite(bound):
                    found = exact.total(spec, f, y, c)
                    assert found <= bound
                for size in (1.0, 1e300):
                    v = term.clip(size * np.array([-1.0, 0.5]))
                    lower = term.dual_lower(v)
                    assert lower < math.inf
                    found = exact.total_conjugate(spec, v.tolist(), y, c)
                    if math.isfinite(lower):
                        assert Fraction(lower) <= -found


def test_digits_of_large_counts_are_not_lost_in_the_caller_s_decimal_context():
    # 28 digits, those of the default context, are 1e-11 of the terms here
    term = get_loss("poisson").at([1e16])
    with decimal.localcontext(decimal.Context(prec=6)):
        for v in (1e-3, 1.0, -3e-3):
            lower = term.dual_lower(np.array([v]))
            found = -exact.conjugate("poisson", v, 1e16)
            assert Fraction(lower) <= found
            assert lower == pytest.approx(float(found), rel=1e-15)
        f = np.array([math.log(1e16)])
        upper, found = term.value_upper(f, 0 * f), exact.value("poisson", f[0], 1e16)
        assert found <= upper <= float(found) * (1 + 1e-6)
        logistic = get_loss("logistic").at([1.0])
        lower = logistic.dual_lower(np.array([-0.3]))
        found = -exact.conjugate("logistic", -0.3, 1)
        assert Fraction(lower) <= found
        assert lower == pytest.approx(float(found), rel=1e-15)


@pytest.mark.parametrize(
    ("spec", "y", "f"),
    [
        ("poisson", [1.0, 1.0], [0.0, 0.0]),
        ("epsilon_insensitive:1", [1.0, -1.0], [0.0, 0.0]),
        ("epsilon_insensitive:0.4", [0.25, -3.0], [0.5, -3.25]),
        ("hinge", [1.0, -1.0], [1.0, -3.0]),
        ("absolute", [0.1, 0.7], [0.1, 0.7]),
    ],
)
def test_an_exact_fit_is_bounded_by_zero(spec, y, f):
    term = get_loss(spec).at(y)
    zero = np.zeros(2)
    assert term.value_upper(np.array(f), zero) == 0.0
    assert term.value_upper(np.nextafter(f, [9, -9]), zero + 0.5) > 0.0


def test_what_a_huge_weight_multiplies_is_in_the_margin_of_the_logistic_loss():
    c = 10**300
    term = get_loss("logistic").at([1.0], weights=[1e300], weights_exact=[c])
    for f in (135.0, 137.5, 140.0, 150.0):
        found = exact.total("logistic", [f], [1], [c])
        assert found <= term.value_upper(np.array([f]), np.zeros(1))
    for share in (1.6e-60, 2.4e-60, 0.7e-60, 1e-61, 1e-70):
        lower = term.dual_lower(np.array([-share * 1e300]))
        found = exact.total_conjugate("logistic", [-share * 1e300], [1], [c])
        assert Fraction(lower) <= -found


def test_at_the_edge_of_a_dead_zone_the_rounding_of_the_distance_counts():
    rng = np.random.default_rng(0)
    # small targets: the distance needs more digits than there are
    y, zero = rng.uniform(-1e-3, 1e-3, 300), np.zeros(1)
    for target in y:
        term = get_loss("epsilon_insensitive:0.4").at([target])
        for f in (target + 0.4, target - 0.4):
            found = exact.total("epsilon_insensitive:0.4", [f], [target], [1])
            assert found <= term.value_upper(np.array([f]), zero)


def test_squares_that_underflow_still_count():
    zero, tiny = np.zeros(1), np.full(1, 1e-170)
    assert get_loss("squared").at(tiny).value_upper(zero, zero) > 0.0
    assert get_loss("squared").at(tiny).value_upper(tiny, zero) == 0.0
    # and a large weight must not lose them either
    weighted = get_loss("squared").at(tiny, weights=[1e300])
    assert exact.total("squared", [0], [1e-170], [1e300]) <= weighted.value_upper(
        zero, zero
    )


def test_no_samples_cost_nothing():
    none = np.zeros(0)
    for spec in SPECS:
        term = get_loss(spec).at([])
        assert term.value(none) == term.value_upper(none, none) == 0.0
        assert term.conjugate(none) == term.dual_lower(none) == 0.0


@given(st.fractions())
def test_float_below_is_the_nearest_float_from_below(value):
    found = float_below(value)
    assert Fraction(found) <= value < Fraction(math.nextafter(found, math.inf))


def test_float_below_beyond_float64():
    assert float_below(10**400) == 1.7976931348623157e308
    assert float_below(-(10**400)) == -math.inf
    assert float_below(Fraction(-1, 10**400)) == -5e-324
    assert float_below(Fraction(1, 10**400)) == 0.0


@given(lists(st.floats(0, 1e300)))
def test_sum_above_is_above_the_exact_sum(x):
    assert sum(exactly(x)) <= sum_above(x)
    assert sum_above(np.zeros(3)) == 0.0
    assert sum_above(np.full(3, 1.7e308)) == math.inf


@given(lists(st.floats(-1e3, 1e3)), lists(st.floats(1e-3, 1e3)))
def test_the_largest_factor_keeps_inside_the_limits(v, limit):
    v = np.clip(v, -limit, limit)
    t = largest_factor(v, limit)
    assert t >= 1.0
    alive = v != 0.0  # t may be infinite beside a subnormal entry
    if np.any(alive) and t < math.inf:
        assert np.all(np.abs(t * v) <= limit)
        assert np.any(np.abs(t * v) * (1 + 1e-14) >= limit)
    elif np.any(alive):
        assert np.abs(v[alive]).min() < 1e-300


def test_the_largest_factor_of_all_small_fractions():
    for a in range(1, 150):
        for b in range(1, a + 1):
            t = largest_factor(np.array([b / 7]), np.array([a / 7]))
            assert Fraction(t) * Fraction(b / 7) <= Fraction(a / 7)
