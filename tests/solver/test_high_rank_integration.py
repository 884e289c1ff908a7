"""High rank: networks that searches find, leaves that bound them, and what is kept."""

import copy
import json
import time
from dataclasses import replace

import numpy as np
import pytest

from convex_solver import (
    ConvexProgram,
    InputError,
    LeavesError,
    SolutionStatus,
    beta_max,
    beta_max_interval,
    certify,
    solve,
)
from convex_solver.certificates import bounds, certify_model, load_model, save_model
from convex_solver.certificates.leaf_claims import read_hints, write_hints
from convex_solver.cli import main
from convex_solver.errors import ClaimNotReproducedError, ModelFileError
from convex_solver.leaves import covers
from convex_solver.losses.loss import LOSSES
from convex_solver.networks import Fields
from convex_solver.program import blocks_from_network, network_from_blocks
from convex_solver.solver import RelaxedProgram, relaxed_certificate, solver
from convex_solver.solver.column_generation import ColumnGeneration
from convex_solver.solver.local_search import Found, local_searches, polished
from convex_solver.solver.sliding import slide_first
from convex_solver.training import Slide, train

from instances import planted, planted_program, searchable


@pytest.fixture(scope="module")
def proven():
    """A program of rank 7, its solution, and the relaxation after some halvings."""
    program = planted_program("squared", 40, 7, beta=1.0)
    solution = solve(program, tol=1e-3, time_limit=4.0)
    relaxed = RelaxedProgram(program)
    lines = []
    found = relaxed.refine(
        solution.objective,
        1e-9,
        time.monotonic() + 60.0,
        most=8,
        report=lines.append,
    )
    return program, solution, relaxed, found, lines


# --- local searches -----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_searches_end_near_the_optimum_and_say_what_they_found(loss):
    program = planted_program(loss, 25, 3, beta=0.3)
    optimum = solve(program).objective
    found = local_searches(program, 3, np.inf)
    assert len(found) == 3
    objectives = [each.objective for each in found]
    assert objectives == sorted(objectives)
    for each in found:
        sizes = np.linalg.norm(each.blocks, axis=1)
        used = sizes > 0.0
        network = program.network(
            each.blocks[used] / np.sqrt(sizes[used])[:, None],
            each.signs[used] * np.sqrt(sizes[used]),
        )
        # balanced weights are no worse than those of the search
        assert program.network_objective(network) <= each.objective * (1 + 1e-9)
    # also where the loss has kinks, at which a line search would stop
    assert optimum * (1 - 1e-6) <= objectives[0] <= 1.02 * optimum


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_newton_steps_take_a_search_further(loss):
    program = planted_program(loss, 80, 3, beta=1.0)
    optimum = solve(program).objective
    trained = train(program, n_neurons=20, steps=60, seed=0)
    rough = Found(trained.objective, *blocks_from_network(trained.network))
    found = polished(program, rough, np.inf)
    assert optimum * (1 - 1e-6) <= found.objective
    assert found.objective - optimum <= 0.3 * (rough.objective - optimum)
    network = network_from_blocks(program, found.blocks, found.signs)
    assert program.network_objective(network) == pytest.approx(found.objective)
    # a step is not cut short, and nothing worse is returned
    late = polished(program, rough, time.monotonic())
    assert found.objective * (1 - 1e-9) <= late.objective <= rough.objective


def test_steps_that_make_it_worse_are_not_taken(monkeypatch):
    program = planted_program("squared", 40, 3, beta=1.0)
    trained = train(program, n_neurons=10, steps=200, seed=0)
    rough = Found(trained.objective, *blocks_from_network(trained.network))

    def worse(self, data, *_):
        self.place(2.0 * self.blocks[0], self.blocks[1])
        return 1

    monkeypatch.setattr(Slide, "settle", lambda self, data: None)
    monkeypatch.setattr(Slide, "move", worse)
    assert polished(program, rough, np.inf) is rough


def test_a_network_that_is_worth_nothing_is_polished_away():
    program = planted_program("squared", 30, 3, beta=1e6)
    rough = Found(1e9, np.ones((2, 3)), np.array([1.0, -1.0]))
    found = polished(program, rough, np.inf)
    assert len(found.signs) == 0
    assert found.objective == program.data_term.value(np.zeros(30))


def test_what_cannot_be_polished_is_returned():
    program = planted_program("squared", 20, 2)
    for blocks, value in ((np.zeros((0, 2)), 3.0), (np.ones((1, 2)), np.inf)):
        rough = Found(value, blocks, np.ones(len(blocks)))
        assert polished(program, rough, np.inf) is rough


def test_searches_share_the_time():
    program = planted_program("squared", 400, 12)
    begin = time.monotonic()
    found = local_searches(program, 50, begin + 0.5)
    assert found
    assert time.monotonic() - begin < 5.0
    assert local_searches(program, 3, begin) == []


def test_a_first_network_comes_from_a_few_maxima_at_once():
    program = planted_program("squared", 60, 8)
    zero = program.data_term.value(np.zeros(60))
    run = ColumnGeneration(program, 1e-6, deadline=time.monotonic())
    largest = run.prices.maxima.largest
    near = ColumnGeneration(
        program.with_beta(0.9 * largest), 1e-6, deadline=time.monotonic()
    )
    near.begin_with_few()
    assert 1 <= near.network.n_neurons <= 5
    assert near.upper < zero
    assert program.with_beta(0.9 * largest).network_objective(
        near.network
    ) == pytest.approx(near.upper, rel=1e-12)


@pytest.mark.slow
def test_a_long_search_goes_by_batches(monkeypatch):
    P = np.random.default_rng(1).normal(size=(60, 4, 3))
    program = ConvexProgram(P, np.sin(np.arange(60.0)), 0.3)
    whole = local_searches(program, 2, np.inf)
    batches = []

    def noted(program, **options):
        batches.append(options.get("batch_size"))
        return train(program, **options)

    monkeypatch.setattr("convex_solver.solver.local_search.LONG", 100)
    monkeypatch.setattr("convex_solver.solver.local_search.train", noted)
    found = local_searches(program, 2, np.inf)
    assert set(batches) == {20}
    assert found[0].objective <= 1.05 * whole[0].objective


@pytest.mark.slow
def test_searches_take_patches():
    P = np.random.default_rng(0).normal(size=(12, 3, 2))
    program = ConvexProgram(P, np.sin(np.arange(12.0)), 0.1)
    found = local_searches(program, 2, np.inf)
    assert found[0].objective <= 1.1 * solve(program).objective


# --- leaves -------------------------------------------------------------------


@pytest.mark.slow
def test_halving_raises_the_bound_which_stays_below_every_network(proven):
    program, solution, _, found, lines = proven
    alone = RelaxedProgram(program).solve(1e-6)
    assert len(found.hints) > 2
    assert alone.estimate < found.estimate <= solution.objective
    certificate = relaxed_certificate(program, solution.network, found, np.inf)
    assert certificate.lower_bound == pytest.approx(found.estimate, rel=1e-4)
    assert certificate.lower_bound <= solution.objective
    assert f"{len(found.hints)} leaves that cover" in certificate.proof
    assert len(lines) >= 2
    for sign in (1.0, -1.0):
        assert covers([hint.leaf for hint in found.hints if hint.sign == sign])


@pytest.mark.slow
def test_a_refinement_goes_on_where_it_ended(proven):
    program, solution, _, found, _ = proven
    relaxed = RelaxedProgram(program)
    first = relaxed.refine(solution.objective, 1e-9, np.inf, most=2)
    assert len(first.hints) == 2
    again = relaxed.refine(solution.objective, 1e-9, np.inf, most=8)
    assert again.estimate == pytest.approx(found.estimate, rel=1e-6)
    assert relaxed.refine(solution.objective, 1e-9, np.inf, most=8) is again
    # nothing to do: no need, or no time
    assert relaxed.refine(again.estimate, 1e-9, np.inf, most=99) is again
    assert relaxed.refine(solution.objective, 1e-9, 0.0, most=99) is again


def test_ctrl_c_keeps_the_best_bound(proven, monkeypatch):
    program, solution, *_ = proven
    relaxed = RelaxedProgram(program)
    first = relaxed.refine(solution.objective, 1e-9, np.inf, most=2)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RelaxedProgram, "_begin_run", interrupt)
    lines = []
    best = relaxed.refine(solution.objective, 1e-9, np.inf, most=8, report=lines.append)
    assert best is first
    assert "interrupted" in lines[-1]
    assert RelaxedProgram(program).refine(1.0, 1e-9, np.inf) is None


@pytest.mark.slow
def test_ctrl_c_in_the_halving_begins_nothing_new(monkeypatch):
    """Else neurons would slide until the time is up, which nobody waits for."""
    program, told = planted_program("squared", 40, 8), []
    begin, slide = RelaxedProgram._begin_run, solver.slide_first

    def interrupt(*arguments):
        if "halving" in told:
            told.append("interrupted")
            raise KeyboardInterrupt
        told.append("halving")
        return begin(*arguments)

    def note(*arguments):
        told.append("slide")
        return slide(*arguments)

    monkeypatch.setattr(RelaxedProgram, "_begin_run", interrupt)
    monkeypatch.setattr(solver, "slide_first", note)
    found = solve(program, time_limit=4.0)
    assert told[-1] == "interrupted"
    assert found.stopped == "interrupted"
    assert 0.0 < found.lower_bound <= found.objective


@pytest.mark.slow
def test_a_hint_that_is_wrong_proves_less_but_nothing_false(proven):
    program, solution, _, found, _ = proven
    optimum = solution.objective
    random = np.random.default_rng(0)

    def lower(hints):
        return bounds(
            program.data, solution.network, found.v, program.beta, program.loss,
            method="relaxation", leaves=hints,
        ).lower_bound  # fmt: skip

    best = lower(found.hints)
    for change in (
        {"multipliers": np.zeros(0)},
        {"shares": np.zeros((4, program.n))},
        {"shares": np.full((4, program.n), np.nan)},
        {"softness": 1e6},
        {"softness": np.inf},
        {"price": 0.0},
        {"price": 1e9},
        {"m": np.full(7, np.nan)},
        {"m": random.normal(size=7)},
        {"M": np.eye(7)},
        {"M": -np.eye(7)},
        {"M": np.zeros((7, 7))},
    ):
        wrong = [replace(hint, **change) for hint in found.hints]
        assert 0.0 <= lower(wrong) <= optimum
        assert lower(wrong) <= best * (1 + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("k", range(11))
def test_a_sceptic_finds_no_network_below_a_bound(k):
    """Searches from many starts, and a solution to a tighter tolerance."""
    loss = LOSSES[k % len(LOSSES)]
    r = 2 + k % 11
    random = np.random.default_rng(k)
    program = planted_program(
        loss, 20 + 3 * r, r, beta=float(random.choice([0.1, 1.0]))
    )
    relaxed = RelaxedProgram(program)
    searched = local_searches(program, 10, np.inf, seed=k)
    found = relaxed.refine(searched[0].objective, 1e-3, time.monotonic() + 2.0, most=6)
    network = program.network(np.zeros((0, program.d)), np.zeros(0))
    bound = relaxed_certificate(program, network, found, np.inf).lower_bound
    best = min(
        searched[0].objective,
        solve(program, tol=1e-8, time_limit=2.0).objective,
    )
    assert 0.0 <= bound <= best
    assert bound == pytest.approx(found.estimate, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("loss", ["squared", "hinge", "poisson", "quantile:0.9"])
def test_leaves_of_programs_with_patches_and_weights(loss, k):
    X, y, beta = searchable(loss.partition(":")[0], k)
    weights = np.random.default_rng(k).uniform(0.5, 2.0, len(y))
    program = ConvexProgram(X, y, beta, loss=loss, sample_weight=weights)
    if program.rank < 2:
        pytest.skip("one line has no leaves")
    solution = solve(program, tol=1e-8)
    found = RelaxedProgram(program).refine(solution.objective, 1e-6, np.inf, most=6)
    proven = relaxed_certificate(program, solution.network, found, np.inf)
    assert proven.lower_bound <= solution.objective * (1 + 1e-12)
    assert proven.lower_bound >= 0.1 * solution.lower_bound


# --- solve --------------------------------------------------------------------


def test_solve_has_a_gap_in_rank_that_no_covering_ends_in():
    program = planted_program("squared", 60, 10, beta=3.0)
    solution = solve(program, tol=0.02)
    assert 0.0 <= solution.gap <= 0.02
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.certificate.leaves


@pytest.mark.slow
def test_what_halvings_leave_of_the_time_is_the_networks(monkeypatch):
    """Neurons move at last until nothing is gained, however far the proof is."""
    enough = []

    def slide(run, *_):
        enough.append((bool(run.history), run.enough))
        return slide_first(run, *_)

    monkeypatch.setattr("convex_solver.solver.solver.slide_first", slide)
    program = planted_program("squared", 150, 9, beta=1.0)
    solution = solve(program, tol=1e-9, time_limit=2.0)
    assert solution.gap > 1e-6
    assert enough[-1] == (True, 0.0)


@pytest.mark.slow
def test_solve_without_a_limit_ends():
    program = planted_program("squared", 30, 9, beta=3.0)
    lines = []
    solution = solve(program, tol=1e-3, progress=lambda p: lines.append(str(p)))
    assert solution.gap < 0.05
    assert any("local searches" in line for line in lines)
    assert any("leaves: the relaxation" in line for line in lines)


@pytest.mark.slow
def test_neurons_that_searches_leave_between_chambers_are_no_obstacle():
    """At a local optimum many are on hyperplanes of rows, to all digits."""
    random = np.random.default_rng(1)
    X = np.column_stack([random.normal(size=(20, 6)), np.ones(20)])
    program = ConvexProgram(X, np.maximum(X @ random.normal(size=7), 0.0), 1.0)
    run = ColumnGeneration(program, 1e-6)
    run.begin_set()
    before = len(run.columns.blocks)
    direction = np.linalg.svd(run.X[:6])[2][-1]  # on six hyperplanes
    assert np.abs(run.X[:6] @ direction).max() < 1e-12
    run.begin_near(Found(1.0, direction[None] @ run.basis.T, np.ones(1)))
    assert len(run.columns.blocks) == before + 1
    found = local_searches(program, 4, np.inf)
    for each in found:
        run.begin_near(each)
    assert run.upper <= found[0].objective * (1 + 1e-9)


# --- the model file -----------------------------------------------------------


@pytest.fixture
def model(proven, tmp_path):
    program, solution, _, found, _ = proven
    certificate = relaxed_certificate(program, solution.network, found, np.inf)
    path = tmp_path / "model.json"
    save_model(path, replace(solution, certificate=certificate))
    return path, program, certificate


def test_a_file_with_leaves_is_rechecked_from_the_data(model):
    path, program, certificate = model
    loaded = load_model(path)
    assert len(loaded.claim.leaves) == len(certificate.leaves)
    again = certify_model(loaded, program.X, program.y)
    assert again.lower_bound == pytest.approx(certificate.lower_bound, rel=1e-12)
    assert again.leaves


def test_leaves_that_do_not_cover_are_refused(model):
    path, program, _ = model
    loaded = load_model(path)
    leaves = loaded.claim.leaves
    for wrong in (leaves[1:], leaves[:-1], (*leaves, leaves[0])):
        changed = replace(loaded, claim=replace(loaded.claim, leaves=wrong))
        with pytest.raises(ClaimNotReproducedError, match="do not cover"):
            certify_model(changed, program.X, program.y)
    other = ConvexProgram(*planted(40, 6), 1.0)
    small = RelaxedProgram(other).solve(1e-2).hints
    changed = replace(loaded, claim=replace(loaded.claim, leaves=small))
    with pytest.raises(ClaimNotReproducedError, match="data of shape"):
        certify_model(changed, program.X, program.y)
    network, X, y = loaded.network, program.X, program.y
    again = certify(network, X, y, 1.0, dual=loaded.claim.dual, leaves=leaves)
    assert again.lower_bound >= loaded.claim.lower_bound
    with pytest.raises(LeavesError, match="do not cover"):
        certify(network, X, y, 1.0, method="relaxation", leaves=leaves[1:])


def test_hints_are_written_and_read_bit_by_bit(proven):
    hints = proven[3].hints
    text = json.loads(json.dumps({"leaves": write_hints(hints)}))
    for one, two in zip(
        hints, read_hints(Fields(text, "here", ("leaves",)), "here"), strict=True
    ):
        for name in ("m", "M", "shares", "multipliers"):
            assert np.array_equal(getattr(one, name), getattr(two, name)), name
        assert one.sign == two.sign
        assert (one.softness, one.price) == (two.softness, two.price)
        for name in ("normals", "thresholds", "above"):
            assert np.array_equal(getattr(one.leaf, name), getattr(two.leaf, name))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sign", 2.0, "sign is 2.0; expected 1 or -1"),
        ("normals", [[1.0]], "normals"),
        ("thresholds", [], "thresholds"),
        ("thresholds", None, "thresholds"),
        ("above", [1, 0], "above"),
        ("above", [True] * 99, "above"),
        ("second", [1.0], "second"),
        ("shares", 3, "shares"),
        ("shares", [[0.0]], "shares"),
        ("shares", [[0.0], [0.0], [0.0], [0.0, 1.0]], "shares"),
        ("softness", -1.0, "softness"),
        ("price", "much", "price"),
        ("mean", [[1.0]], "mean"),
        ("more", 1.0, "more"),
    ],
)
def test_leaves_that_cannot_be_are_one_clear_error(proven, name, value, message):
    parts = copy.deepcopy(write_hints(proven[3].hints))
    parts[1][name] = value
    claim = Fields({"leaves": parts}, "FILE: the claim", ("leaves",))
    with pytest.raises(ModelFileError, match=f"leaf 2.*{message}"):
        read_hints(claim, "FILE: the claim")


@pytest.mark.slow
def test_the_command_line_fits_and_rechecks_leaves(tmp_path, capsys):
    X, y = planted(40, 9)
    table, path = tmp_path / "data.csv", tmp_path / "model.json"
    names = [*(f"x{k}" for k in range(9)), "y"]
    rows = [",".join(f"{x:.4f}" for x in row) for row in np.column_stack([X, y])]
    table.write_text("\n".join([",".join(names), *rows]) + "\n")
    fit = ["fit", str(table), "--target", "y", "--beta", "2", "-o", str(path)]
    # short of the tolerance: 1, and a model with a gap that is certified
    assert main([*fit, "--time-limit", "4"]) in (0, 1)
    assert json.loads(path.read_text())["claim"]["leaves"]
    assert main(["certify", str(path), str(table)]) == 0
    assert "bounds recomputed from the data" in capsys.readouterr().out


# --- beta_max -----------------------------------------------------------------


def test_an_interval_around_the_largest_useful_beta():
    program = planted_program("squared", 30, 3)
    lower, upper = beta_max_interval(program)
    assert lower <= beta_max(program) <= upper * (1 + 1e-9)
    assert upper == pytest.approx(lower, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("r", [8, 12])
def test_the_interval_of_high_rank_says_where_the_zero_network_is_best(r):
    program = planted_program("squared", 60, r)
    lower, upper = beta_max_interval(program, time_limit=5.0, max_cones=1000)
    assert 0.0 < lower <= upper < 1.2 * lower
    solution = solve(program.with_beta(upper * (1 + 1e-9)), time_limit=3.0)
    assert solution.network.n_neurons == 0
    assert solution.gap <= 1e-6
    lowered = solve(program.with_beta(0.9 * lower), time_limit=1.0)
    assert lowered.objective < solution.objective


def test_no_interval_where_the_loss_has_a_kink():
    program = ConvexProgram([[1.0, 2.0], [2.0, 1.0]], [0.0, 1.0], 1.0, loss="absolute")
    with pytest.raises(InputError, match="kink"):
        beta_max_interval(program)
