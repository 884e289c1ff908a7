"""The assembled program against its definition, chamber by chamber in plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrangement import Arrangement, enumerate_patterns
from arrangement.counting.restrictions import restricted_counts
from convex_solver import ConvexProgram, build_conic, iter_batches, solve, to_cvxpy
from convex_solver.conic import columns as conic_columns
from convex_solver.conic.tree import TreeFinder

from strategies import SMALL_KINDS, matrices, program_of


def chambers(program):
    """Bits and facets of each chamber, in the order of the stream."""
    listed = [
        (bits, facets)
        for batch in iter_batches(program)
        for bits, facets in zip(batch.patterns, batch.facets, strict=True)
    ]
    return [bits for bits, _ in listed], [facets for _, facets in listed]


def predictions(program, x, first):
    """``sum_i D_i X (v_i - w_i)``, patches added up, by loops."""
    X, _ = program.reduced()
    r, K = X.shape[1], program.n_patches
    out = np.zeros(program.n)
    for p, bits in enumerate(chambers(program)[0]):
        v = x[first + 2 * p * r : first + (2 * p + 1) * r]
        w = x[first + (2 * p + 1) * r : first + (2 * p + 2) * r]
        for row in np.flatnonzero(bits):
            out[row // K] += X[row] @ (v - w)
    return out


@given(
    matrices(max_rows=6, max_columns=3, kinds=SMALL_KINDS), st.sampled_from([1, 1, 2])
)
@settings(deadline=None, max_examples=50)
def test_rows_of_the_program_are_those_of_its_definition(X, n_patches):
    program = program_of(X, n_patches)
    X, _ = program.reduced()
    conic = build_conic(program)
    x = np.random.default_rng(0).standard_normal(conic.A.shape[1])
    slack = conic.b - conic.A @ x
    n, r, first = program.n, conic.rank, conic.first_block
    # squared loss: its variables are the residuals z - y
    expected = x[:n] + program.y - predictions(program, x, first)
    np.testing.assert_allclose(-slack[:n], expected, atol=1e-9, rtol=1e-9)
    place = n
    for p, (bits, facets) in enumerate(zip(*chambers(program), strict=True)):
        for copy in (0, 1):
            begin = first + (2 * p + copy) * r
            for row in facets:
                side = (1 if bits[row] else -1) * X[row]
                # rows have unit length; squares of tiny entries are zero
                side = side / (np.abs(side).max() or 1.0)
                value = side @ x[begin : begin + r] / (np.linalg.norm(side) or 1.0)
                assert slack[place] == pytest.approx(value, abs=1e-9)
                place += 1
    norms = first + conic.n_blocks * r
    for k in range(conic.n_blocks):
        assert slack[place] == x[norms + k]
        block = x[first + k * r : first + (k + 1) * r]
        np.testing.assert_array_equal(slack[place + 1 : place + 1 + r], block)
        place += r + 1
    assert place == conic.A.shape[0]
    np.testing.assert_array_equal(conic.q[norms:], program.beta)


@given(
    matrices(max_rows=7, max_columns=4, kinds=SMALL_KINDS), st.sampled_from([1, 1, 2])
)
@settings(deadline=None, max_examples=60)
def test_flows_are_determined_and_carry_the_same_predictions(X, n_patches):
    program = program_of(X, n_patches)
    dense, tree = build_conic(program), build_conic(program, form="tree")
    n, r, P = program.n, tree.rank, tree.n_chambers
    flows = tree.A.shape[1] - P * r
    assert flows == dense.A.shape[1]
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(flows), np.zeros(P * r)])
    # the balances have one solution exactly when the edges are a spanning tree
    balance = tree.A[n : n + P * r].toarray()
    assert np.abs(np.round(np.linalg.det(balance[:, flows:]))) == 1
    x[flows:] = np.linalg.solve(balance[:, flows:], -balance[:, :flows] @ x[:flows])
    by_tree = tree.A[:n] @ x
    by_map = dense.A[:n] @ x[:flows]
    scale = 1 + np.abs(dense.A[:n]).sum()
    np.testing.assert_allclose(by_tree / scale, by_map / scale, atol=1e-11)
    # all else is the same
    assert (tree.A[n + P * r :, :flows] != dense.A[n:]).nnz == 0
    assert tree.A[n + P * r :, flows:].nnz == 0
    np.testing.assert_array_equal(tree.q[:flows], dense.q)
    assert not tree.q[flows:].any()


@given(
    matrices(max_rows=8, max_columns=4, kinds=SMALL_KINDS),
    st.sampled_from([2, 6, 10, 4096]),
)
@settings(deadline=None, max_examples=60)
def test_edges_join_chambers_that_one_parallel_class_separates(X, size):
    program = program_of(X)
    arrangement = program.arrangement
    finder = TreeFinder(arrangement)
    for batch in iter_batches(program, batch_size=size):
        finder.add(batch)
    bits = np.array(chambers(program)[0])
    plus, minus, classes = finder.edges()
    assert len(plus) == len(bits) - 1
    for a, b, k in zip(plus, minus, classes, strict=True):
        members = arrangement.class_of == k
        np.testing.assert_array_equal(bits[a] != bits[b], members)
        assert bits[a][np.flatnonzero(members)[0]]
    counts = restricted_counts(arrangement, len(bits), earlier=True)
    assert np.bincount(classes, minlength=len(counts)).tolist() == counts


def test_columns_of_a_block_are_the_masked_data():
    X = np.random.default_rng(3).standard_normal((4, 2, 3))
    program = ConvexProgram(X, np.ones(4), 0.1)
    for batch in iter_batches(program, batch_size=6):
        columns = batch.loss_columns()
        assert columns.shape == (len(batch.patterns), 3, 4)
        for bits, maps in zip(batch.patterns, columns, strict=True):
            masked = bits.reshape(4, 2, 1) * X
            np.testing.assert_allclose(maps.T, masked.sum(axis=1))
    assert program.reduced()[0] is batch.X


@pytest.mark.parametrize("form", ["dense", "tree"])
def test_the_program_does_not_depend_on_the_pieces(form, monkeypatch):
    X = np.random.default_rng(3).standard_normal((9, 3))
    program = ConvexProgram(X, np.ones(9), 0.1)
    whole = build_conic(program, form=form)
    monkeypatch.setattr(conic_columns, "_ENTRIES", 1)
    monkeypatch.setattr(conic_columns, "_SHORT", 5)
    parts = build_conic(program, form=form)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(whole.A, name), getattr(parts.A, name))


def test_a_wrong_count_is_an_error_and_not_a_wrong_program(monkeypatch):
    from convex_solver.conic import build as builder
    from convex_solver.errors import ConvexSolverError

    X = np.random.default_rng(3).standard_normal((5, 3))
    program = ConvexProgram(X, np.ones(5), 0.1)
    pieces = builder.iter_columns
    monkeypatch.setattr(builder, "iter_columns", lambda *args: list(pieces(*args))[:-1])
    with pytest.raises(ConvexSolverError, match="another size than was counted"):
        build_conic(program)
    monkeypatch.setattr(builder, "iter_columns", lambda *args: [*pieces(*args)] * 2)
    with pytest.raises(ConvexSolverError, match="another size than was counted"):
        build_conic(program)


def test_a_stream_in_another_order_is_refused():
    from convex_solver.errors import ConvexSolverError

    X = np.random.default_rng(3).standard_normal((6, 3))
    program = ConvexProgram(X, np.ones(6), 0.1)
    (batch,) = iter_batches(program)
    listed = enumerate_patterns(Arrangement(X))
    order = np.random.default_rng(0).permutation(len(listed) // 2)
    both = np.stack([2 * order, 2 * order + 1], axis=1).ravel()
    finder = TreeFinder(program.arrangement)
    facets = [batch.facets[i] for i in both]
    finder.add(type(batch)(batch.patterns[both], facets, batch.X))
    with pytest.raises(ConvexSolverError, match="does not have the order"):
        finder.edges()


@pytest.mark.parametrize("loss", ["poisson", "squared_hinge", "huber:0.7"])
def test_cvxpy_gets_every_loss_and_the_patches(loss):
    X = np.random.default_rng(5).integers(-2, 3, (5, 2, 3))
    program = ConvexProgram(X, [1, 1, -1, 1, -1], 0.1, loss="squared_hinge")
    if loss != "squared_hinge":
        program = ConvexProgram(X, [2, 1, 0, 3, 0.5], 0.1, loss=loss)
    best = solve(program).objective
    for cones in ("facets", "rows"):
        value = to_cvxpy(program, cones=cones).solve(solver="CLARABEL")
        assert value == pytest.approx(best, rel=1e-6)
