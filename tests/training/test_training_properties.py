"""Local searches: gradients, what a run notes, and what it refuses."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement.model.patterns import unpack
from convex_solver import ConvexProgram, InputError, InputTypeError
from convex_solver.errors import TrainingDivergedError
from convex_solver.losses.loss import LOSSES
from convex_solver.training import descent, train
from convex_solver.training import runs as baselines

from instances import searchable

SMOOTH = ("squared", "huber", "squared_hinge", "logistic", "poisson")


def program_of(loss, k=0, **options):
    X, y, beta = searchable(loss, k)
    return ConvexProgram(X, y, beta, loss=loss, **options)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [0, 1])
def test_slopes_of_many_starts_are_those_of_each(loss, k):
    n = len(searchable(loss, k)[1])
    weights = np.random.default_rng(2).uniform(0.5, 2.0, n)
    program = program_of(loss, k, sample_weight=weights)
    F = np.random.default_rng(1).standard_normal((4, n))
    F[0] = program.y  # kinks and ties
    together = program.data_term.gradient(F)
    assert together.shape == F.shape
    for row, f in zip(together, F, strict=True):
        assert np.array_equal(row, program.data_term.gradient(f))


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("k", [0, 1])
def test_gradients_are_those_of_objective_2(loss, k):
    program = program_of(loss, k)
    task = descent.Task(program, 3)
    point = np.random.default_rng(k).standard_normal((2, 3 * (program.d + 1)))
    values, gradient = task.slope(point)
    for s in range(2):
        weights, alphas = task.split(point[s][None])
        network = program.network(weights, alphas[0])
        assert values[s] == pytest.approx(program.network_objective(network))
    for j in range(point.shape[1]):
        step = np.zeros_like(point)
        step[:, j] = 1e-6
        rise = task.slope(point + step)[0] - task.slope(point - step)[0]
        assert gradient[:, j] == pytest.approx(rise / 2e-6, rel=1e-4, abs=1e-5)


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from(descent.METHODS),
    st.sampled_from(LOSSES),
    st.integers(0, 19),
    st.integers(1, 6),
)
def test_what_is_reported_is_what_the_network_has(method, loss, k, m):
    program = program_of(loss, k)
    found = train(program, method=method, n_neurons=m, n_starts=3, steps=30, record=7)
    assert found.objective == program.network_objective(found.network)
    assert found.objective == found.objectives.min()
    assert found.objectives.shape == (3,)
    assert found.steps.tolist() == [*range(31)]
    assert found.history.shape == (31, 3)
    # a balanced network is not worse than any point noted
    assert np.all(found.objectives <= found.history.min(axis=0) * (1 + 1e-12))
    norms = np.linalg.norm(found.network.weights, axis=1)
    assert norms == pytest.approx(np.abs(found.network.alphas), rel=1e-9)
    for seen in (found.trajectory, found.last):
        bits = unpack(seen.packed, len(program.X))
        assert np.array_equal(bits, seen.directions @ program.X.T >= 0.0)
        assert len(np.unique(seen.packed, axis=0)) == len(seen)
    assert len(found.last) <= found.network.n_neurons
    # steps 0, 7, 14, 21, 28 and the last one
    assert 1 <= len(found.trajectory) <= 6 * 3 * m


@pytest.mark.parametrize("method", descent.METHODS)
def test_a_start_depends_on_its_number_only(method, monkeypatch):
    program = program_of("squared")
    options = {"method": method, "n_neurons": 4, "steps": 20, "seed": 5}
    whole = train(program, n_starts=5, **options)
    few = train(program, n_starts=2, **options)
    assert few.objectives == pytest.approx(whole.objectives[:2], rel=1e-9)
    monkeypatch.setattr(baselines, "CHUNK", 1)
    alone = train(program, n_starts=5, **options)
    assert alone.history == pytest.approx(whole.history, rel=1e-6)
    other = train(program, n_starts=2, **(options | {"seed": 6}))
    assert np.all(other.history[0] != few.history[0])


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_descent_never_rises_and_settles(loss):
    program = program_of(loss, 3)
    found = train(program, method="gd", n_neurons=3, n_starts=4, steps=3000)
    assert np.all(np.diff(found.history, axis=0) <= 0.0)
    early, late = found.history[-20], found.history[-1]
    assert np.all(early - late <= 0.01 * late)


@pytest.mark.parametrize("method", descent.METHODS)
@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_every_method_improves_on_its_start(method, loss):
    program = program_of(loss, 3)
    found = train(program, method=method, n_neurons=10, n_starts=5, steps=300)
    assert np.median(found.history[-1] / found.history[0]) < 0.6


def test_sgd_draws_every_sample_once_an_epoch(monkeypatch):
    program = program_of("squared", 1)
    task = descent.Task(program, 2)
    options = descent.Options("sgd", 2, 1, 8, 1e-9, 3, 0.5, 0)
    point = descent.start_point(task, 0, 0)
    rule = descent._sgd(task, options, point, 0)
    rows = []
    outputs = task.outputs
    monkeypatch.setattr(
        task, "outputs", lambda point, X: rows.append(X) or outputs(point, X)
    )
    epoch = -(-program.n // 3)
    for step in range(epoch):
        rule(point, step)
    drawn = np.sort(np.vstack(rows), axis=0)
    assert np.array_equal(drawn, np.sort(program.X, axis=0))
    # patches of a sample stay together
    first = rows[0].reshape(-1, program.n_patches, program.d)
    whole = program.X.reshape(program.n, program.n_patches, program.d)
    assert all(np.any(np.all(sample == whole, axis=(1, 2))) for sample in first)


def test_batches_weigh_what_the_whole_sum_does():
    """An epoch of single samples moves as far as that many whole gradients."""
    program = program_of("squared", 1)
    task = descent.Task(program, 2)
    options = descent.Options("sgd", 2, 1, 10**12, 1e-9, 1, 0.0, 0)
    start = descent.start_point(task, 0, 0)
    point = start.copy()
    rule = descent._sgd(task, options, point, 0)
    for step in range(program.n):
        rule(point, step)
    whole = -1e-9 * program.n * task.slope(start)[1]
    assert point - start == pytest.approx(whole, rel=1e-4, abs=1e-14)


def test_full_batches_without_momentum_are_gradient_descent():
    program = program_of("squared", 3)
    options = {"n_neurons": 3, "steps": 1, "step_size": 1e-3}
    sgd = train(program, method="sgd", batch_size=10**6, momentum=0.0, **options)
    gd = train(program, method="gd", **options)
    assert sgd.history == pytest.approx(gd.history, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_adam_on_batches(loss):
    """Batches of all samples are none; those of some end not far above."""
    program = program_of(loss, 3)
    options = {"n_neurons": 8, "steps": 1500, "seed": 1, "n_starts": 4}
    whole = train(program, **options)
    for size in (program.n, 10**6):
        assert train(program, batch_size=size, **options).history == pytest.approx(
            whole.history, rel=1e-12
        )
    few = train(program, batch_size=program.n // 3, **options)
    assert few.steps[-1] == whole.steps[-1]
    assert few.objective <= 1.2 * whole.objective
    assert not np.array_equal(few.history, whole.history)


def test_momentum_adds_up_steps():
    program = program_of("squared", 3)
    task = descent.Task(program, 2)
    options = descent.Options("sgd", 2, 1, 10**9, 1e-3, 10**6, 0.5, 0)
    point = descent.start_point(task, 0, 0)
    by_hand, speed = point.copy(), 0.0
    rule = descent._sgd(task, options, point, 0)
    for step in range(4):
        rule(point, step)
        speed = 0.5 * speed - task.slope(by_hand)[1]
        by_hand = by_hand + 1e-3 * speed
    assert point == pytest.approx(by_hand, rel=1e-9)


def test_kinks_are_smoothed_while_steps_are_long_and_not_at_the_end():
    """With absolute loss the mean slope over a window is seen at a residual of 0."""
    program = ConvexProgram([[1.0]], [2.0], 0.1, loss="absolute")
    task = descent.Task(program, 1)
    options = descent.Options("adam", 1, 1, 100, None, 1, 0.9, 0)
    asked = []
    slopes = program.data_term.gradient
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            program.data_term, "gradient", lambda f: asked.append(f) or slopes(f)
        )
        point = descent.start_point(task, 0, 0)
        rule = descent._adam(task, options, point, 0)
        rule(point, 0)
        early = np.ptp(asked)
        asked.clear()
        rule(point, 100)
        late = np.ptp(asked)
    assert early == pytest.approx(2.0 * 0.9 * descent.WINDOW * 2.0)
    assert late == 0.0


@pytest.mark.parametrize("method", descent.METHODS)
def test_divergence_is_an_error_when_no_start_is_left(method):
    program = program_of("squared")
    with pytest.raises(TrainingDivergedError, match="smaller one"):
        train(program, method=method, n_neurons=3, n_starts=2, step_size=1e200)


def test_starts_that_diverge_are_reported_and_their_beginning_is_not_used():
    program = program_of("squared")
    options = {"method": "gd", "n_neurons": 5, "n_starts": 40, "steps": 50}
    with pytest.warns(RuntimeWarning, match="of 40 starts diverged; step_size=0.02"):
        found = train(program, step_size=0.02, **options)
    lost = np.isinf(found.objectives)
    assert 0 < lost.sum() == found.n_diverged < 40
    assert np.all(np.isinf(found.history[-1, lost]))
    assert np.isfinite(found.objective)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(program, **options).n_diverged == 0


def test_targets_of_zero_and_rows_of_zero():
    program = ConvexProgram([[0.0, 0.0], [1.0, 0.0]], [0.0, 0.0], 0.1)
    for method in descent.METHODS:
        found = train(program, method=method, n_neurons=2, n_starts=3, steps=400)
        assert 0.0 <= found.objective < 0.2
        # a zero row is on for every direction: 1[x . u >= 0]
        bits = unpack(found.trajectory.packed, 2)
        assert len(bits) >= 1
        assert np.all(bits[:, 0])
    nothing = ConvexProgram([[0.0], [0.0]], [1.0, 2.0], 0.1)
    assert train(nothing, n_neurons=2, steps=20).objective >= 2.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "newton"}, "method='newton' is unknown; use one of"),
        ({"n_neurons": 0}, "n_neurons=0; expected an integer >= 1"),
        ({"n_starts": 1.5}, "n_starts=1.5; expected an integer"),
        ({"steps": True}, "steps=True; expected an integer"),
        ({"batch_size": 0}, "batch_size=0; expected"),
        ({"record": -1}, "record=-1; expected an integer >= 0"),
        ({"seed": -1}, "seed=-1; expected an integer >= 0"),
        ({"step_size": 0.0}, "step_size=0.0; expected a finite number above 0"),
        ({"step_size": float("inf")}, "step_size=inf"),
        ({"momentum": 1.0}, "momentum=1.0; expected a finite number of at least 0"),
        (
            {"record": 1, "steps": 10**6, "n_starts": 1000},
            "may keep .* GiB of patterns; record less often",
        ),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        train(program_of("squared"), **options)
