"""Restricted programs: their order, their true gaps, Figure 10 on real patches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import count_patterns
from convex_solver import ConvexProgram, InputError, ProgramTooLargeError, solve
from convex_solver.baselines import approximations as module
from convex_solver.baselines.approximations import alg1, alg2, alg3, approximate
from convex_solver.losses.loss import LOSSES
from convex_solver.reading.patches import extract_patches
from convex_solver.restricted import directions
from convex_solver.training import train

from instances import searchable

ALL = (approximate, alg1, alg2, alg3)


def program_of(loss="squared", k=0):
    X, y, beta = searchable(loss, k)
    return ConvexProgram(X, y, beta, loss=loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [2, 3])
def test_every_approximation_is_a_network_above_the_bound(loss, k):
    program = program_of(loss, k)
    solution = solve(program, tol=1e-8)
    for method in ALL:
        found = method(program, bound=solution)
        assert found.objective == program.network_objective(found.network)
        assert found.lower_bound == solution.lower_bound <= found.objective
        expected = 1.0 - solution.lower_bound / found.objective
        assert found.gap == pytest.approx(expected, abs=1e-12)
        assert 0 <= found.restricted_gap <= 2e-6
        assert 1 <= found.n_patterns <= count_patterns(program.X)
        if found.training is not None:
            assert found.objective <= found.training.objective * (1 + 1e-6)


@pytest.mark.slow
@settings(deadline=None, max_examples=12)
@given(st.sampled_from(LOSSES), st.integers(0, 19))
def test_all_patterns_leave_no_gap(loss, k):
    program = program_of(loss, k)
    solution = solve(program)
    for method in (approximate, alg2):
        found = method(program, n_directions=20000, tol=1e-8, bound=solution)
        if found.n_patterns == count_patterns(program.X):
            assert found.gap <= 2e-6


def test_neurons_on_a_hyperplane_count_for_a_chamber_beside_it():
    """Descent ends where neurons are exactly zero at a sample."""
    program = program_of("squared_hinge", 2)
    training = train(program, method="gd", steps=500)
    heights = np.abs(program.X @ training.last.directions.T)
    assert heights.min() < 1e-12
    found = alg3(program, training=training, bound=None)
    assert found.n_patterns >= len(training.last) - 1
    assert found.objective <= training.objective


def test_more_patterns_are_not_worse():
    program = program_of("squared", 2)
    values = [
        approximate(program, n_directions=count, tol=1e-8, bound=None).objective
        for count in (1, 5, 25, 125)
    ]
    assert np.all(np.diff(values) <= 1e-7 * values[0])
    assert values[-1] < 0.99 * values[0]


def test_the_gap_is_unknown_only_where_no_bound_is_wanted(monkeypatch):
    program = program_of()
    found = approximate(program, n_directions=5, bound=None)
    assert (found.lower_bound, found.gap) == (None, None)
    assert str(found).endswith("patterns, gap unknown")
    random = np.random.default_rng(0)
    wide = ConvexProgram(random.standard_normal((12, 8)), random.normal(size=12), 0.1)
    assert 0.0 < approximate(wide, n_directions=5).gap < 0.9
    known = approximate(program, n_directions=5)
    # a solve that is cut short bounds the optimum too
    monkeypatch.setattr(module, "BOUND_SECONDS", 1e-9)
    loose = approximate(program, n_directions=5)
    assert 0.0 <= loose.lower_bound <= known.lower_bound * (1 + 1e-6)
    assert f"gap {known.gap:.1e}" in str(known)


def test_a_number_serves_as_bound():
    program = program_of()
    found = approximate(program, n_directions=50, bound=0.0)
    assert (found.lower_bound, found.gap) == (0.0, 1.0)


def test_zero_targets_and_zero_rows():
    program = ConvexProgram([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], 0.1)
    found = approximate(program, n_directions=5, bound=0.0)
    assert (found.objective, found.gap, found.restricted_gap) == (0.0, 0.0, 0.0)
    nothing = ConvexProgram([[0.0], [0.0]], [1.0, 2.0], 0.1)
    for method in ALL:
        found = method(nothing)
        assert (found.objective, found.network.n_neurons) == (2.5, 0)
        assert found.gap < 1e-9
    heavy = ConvexProgram([[1.0, 2.0], [2.0, 1.0]], [1.0, -1.0], 1e3)
    # the zero network itself, not one of neurons that are next to nothing
    found = approximate(heavy, n_directions=20)
    assert (found.objective, found.network.n_neurons) == (1.0, 0)


def test_the_trajectory_of_a_training_is_used():
    program = program_of("squared", 2)
    training = train(program, method="sgd", n_neurons=4, steps=50, record=10)
    found = alg1(program, training=training, n_clusters=0, bound=None)
    # the network is the best one noted, which was not recorded every time
    both = np.vstack([training.trajectory.packed, training.last.packed])
    assert found.n_patterns == len(np.unique(both, axis=0))
    assert found.training is training
    assert found.source == "sgd trajectory and 0 clusters"
    last = alg3(program, training=training, bound=None)
    assert last.n_patterns == len(training.last)
    assert found.objective <= last.objective * (1 + 1e-6)
    more = alg1(program, training=training, n_clusters=5, bound=None)
    assert more.n_patterns > found.n_patterns


def test_sampling_in_the_column_space_does_not_see_the_coordinates():
    X, y, beta = searchable("squared", 2)
    A = np.diag([1.0, 1e-3, 1e3][: X.shape[1]])
    one = alg2(ConvexProgram(X, y, beta), n_directions=10, bound=None)
    # the same patterns, up to the orientation of singular vectors
    many = [
        alg2(ConvexProgram(X @ A, y, beta), n_directions=400, bound=None).n_patterns,
        alg2(ConvexProgram(X, y, beta), n_directions=400, bound=None).n_patterns,
    ]
    assert one.n_patterns <= 10
    assert abs(many[0] - many[1]) <= 0.25 * many[1]
    skewed = approximate(ConvexProgram(X @ A, y, beta), n_directions=400, bound=None)
    assert skewed.n_patterns < 0.7 * many[0]


def test_clusters_are_centres_less_the_mean_with_their_negatives():
    random = np.random.default_rng(0)
    middle = np.array([[10.0, 10.0], [20.0, 10.0], [10.0, 20.0]])
    rows = np.repeat(middle, 30, axis=0) + 0.1 * random.standard_normal((90, 2))
    program = ConvexProgram(rows, np.ones(90), 0.1)
    found = module.cluster_directions(program, 3, seed=1)
    expected = [rows[k : k + 30].mean(axis=0) - rows.mean(axis=0) for k in (0, 30, 60)]
    assert np.sort(found, axis=0) == pytest.approx(
        np.sort(np.vstack([expected, -np.array(expected)]), axis=0)
    )
    assert module.cluster_directions(program, 0).shape == (0, 2)
    # no more clusters than distinct rows, and none at the mean
    few = ConvexProgram([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.ones(3), 0.1)
    assert module.cluster_directions(few, 9).shape == (4, 2)
    same = ConvexProgram([[1.0, 0.0]] * 3, np.ones(3), 0.1)
    assert module.cluster_directions(same, 2).shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_directions": 0}, "n_directions=0; expected an integer >= 1"),
        ({"seed": -1}, "seed=-1; expected"),
        ({"tol": 0.0}, "tol=0.0; expected a finite number above 0"),
        ({"time_limit": 0.0}, "time_limit=0.0; expected a finite number above 0"),
        ({"bound": -1.0}, "bound=-1.0; expected a Solution, a lower bound"),
        ({"bound": "exact"}, "bound='exact'; expected a Solution"),
        ({"bound": True}, "bound=True; expected"),
        ({"bound": 1e9}, "is above the objective .* not one of this program"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        approximate(program_of(), **options)


def test_trainings_of_other_programs_and_clusters_are_refused():
    program = program_of("squared", 0)
    other = ConvexProgram(np.eye(4), np.ones(4), 0.1)
    training = train(other, n_neurons=2, steps=2)
    for method in (alg1, alg3):
        with pytest.raises(InputError, match="the training is of a program with 4 col"):
            method(program, training=training)
    with pytest.raises(InputError, match="n_clusters=-1; expected an integer"):
        alg1(program, n_clusters=-1)


def test_blocks_that_do_not_fit_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(directions, "MAX_BYTES", 1e5)
    with pytest.raises(ProgramTooLargeError, match=r"10,000 patterns of .* at most"):
        approximate(program_of(), n_directions=10_000)


@pytest.fixture(scope="module")
def patches(data_folder):
    """Image patches, 4 x 4 x 3 with stride 4, pixels / 256 - 1/2."""
    file = np.load(data_folder / "cifar10_airplane_automobile.npz")

    def of(n):
        images = file["X"][:n].astype(np.float64) / 256.0 - 0.5
        return extract_patches(images, (4, 4), stride=4), file["y"][:n].astype(float)

    return of


@pytest.mark.slow
def test_figure_10_in_small(patches):
    X, y = patches(20)
    program = ConvexProgram(X, y, 0.1)
    training = train(program, method="gd", n_neurons=5, steps=200, record=100)
    found = alg1(program, training=training, n_clusters=5, tol=1e-4)
    assert 0.0 < found.gap <= 1.0
    assert found.objective < 0.9 * training.objective
    assert found.restricted_gap <= 1e-4


@pytest.mark.slow
def test_figure_10(patches):
    """195 images, 12,480 patches: Alg1 beats gradient descent from the same start."""
    X, y = patches(195)
    program = ConvexProgram(X, y, 0.1)
    assert program.X.shape == (12480, 48)
    training = train(program, method="gd", n_neurons=10, steps=500, record=250)
    last = alg3(program, training=training, tol=1e-3)
    found = alg1(program, training=training, n_clusters=15, tol=1e-3)
    assert last.objective < training.objective
    assert found.objective < 0.5 * training.objective
    assert found.objective < last.objective
    assert found.restricted_gap <= 1e-3
