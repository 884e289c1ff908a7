"""Written, read and solved: the same optimum as `solve`, and arrays bit for bit."""

import os
import tracemalloc

import numpy as np
import pytest

from convex_solver import (
    ConvexProgram,
    InputError,
    build_conic,
    conic_sizes,
    read_conic,
    solve,
    write_conic,
)
from convex_solver.conic import columns as conic_columns

from reference import cbf
from reference.conic import solve_conic
from reference.losses import LABELLED

LOSSES = (
    "squared",
    "hinge",
    "squared_hinge",
    "logistic",
    "poisson",
    "huber:0.7",
    "quantile:0.3",
    "epsilon_insensitive:0.2",
)


def problem(loss, X, seed=0, beta=0.1, **options):
    rng = np.random.default_rng(seed)
    y = np.round(rng.standard_normal(len(X)), 3)
    if loss in LABELLED:
        y = np.where(y > 0, 1.0, -1.0)
    if loss == "poisson":
        y = np.abs(y)
    return ConvexProgram(X, y, beta, loss=loss, **options)


def gaussian(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def assert_same(conic, other):
    for a, b in ((conic.A, other.A), (conic.P, other.P)):
        assert a.shape == b.shape
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(conic.q, other.q)
    np.testing.assert_array_equal(conic.b, other.b)
    fields = "cones n_chambers first_block n_blocks rank n_cone_rows constant form"
    for name in fields.split():
        assert getattr(conic, name) == getattr(other, name)


@pytest.mark.parametrize("form", ["dense", "tree"])
@pytest.mark.parametrize("loss", LOSSES)
def test_both_formats_come_back_to_the_certified_optimum(loss, form, tmp_path):
    program = problem(loss, gaussian(9, 3), sample_weight=np.linspace(0.5, 2, 9))
    best = solve(program).objective
    conic = build_conic(program, form=form)
    assert solve_conic(conic)[0] == pytest.approx(best, rel=1e-6)
    for name in ("program.conic", "program.cbf"):
        sizes = write_conic(tmp_path / name, program, form=form)
        assert sizes == conic_sizes(program, form=form)
        back = read_conic(tmp_path / name)
        assert solve_conic(back)[0] == pytest.approx(best, rel=1e-6)
        if name.endswith("conic"):
            assert_same(back, conic)
    assert cbf.optimum(tmp_path / "program.cbf") == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    "X",
    [
        [[1, 0, 1], [1, 0, 1], [0, 0, 0], [-2, 0, -2], [0, 1, 1], [1, 1, 2]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1.0], [0.0], [-2.0]],
        gaussian(5, 2, 2),
        [[[1, 0], [2, 0]], [[0, 0], [0, 1]], [[-1, 0], [1, 0]]],
    ],
    ids=["degenerate", "zero", "one column", "patches", "parallel patches"],
)
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_degenerate_data_and_patches_come_back(loss, X, tmp_path):
    program = problem(loss, X)
    best = solve(program).objective
    for form in ("dense", "tree"):
        for name in (f"{form}.conic", f"{form}.cbf"):
            write_conic(tmp_path / name, program, form=form)
            value, _ = solve_conic(read_conic(tmp_path / name))
            assert value == pytest.approx(best, rel=1e-6)
        value = cbf.optimum(tmp_path / f"{form}.cbf")
        assert value == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("form", ["dense", "tree"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
def test_mosek_reads_the_same_numbers(loss, form, tmp_path):
    mosek = pytest.importorskip("mosek", reason="MOSEK's reader is not installed")
    program = problem(loss, gaussian(8, 3))
    path = tmp_path / "program.cbf"
    write_conic(path, program, form=form)
    conic = read_conic(path)
    kinds = {
        mosek.domaintype.rzero: "zero",
        mosek.domaintype.rplus: "nonnegative",
        mosek.domaintype.quadratic_cone: "second_order",
        mosek.domaintype.primal_exp_cone: "exponential",
    }
    with mosek.Task() as task:  # reading needs no licence
        task.readdata(os.fspath(path))
        n_columns, n_rows = task.getnumvar(), task.getnumafe()
        costs = np.zeros(n_columns)
        task.getc(costs)
        rows, columns, values = map(np.array, task.getafeftrip())
        F, g = np.zeros((n_rows, n_columns)), np.zeros(n_rows)
        F[rows, columns] = values
        g[:] = [task.getafeg(i) for i in range(n_rows)]
        cones, order = [], []
        for k in range(task.getnumacc()):
            members = np.zeros(task.getaccn(k), dtype=np.int64)
            task.getaccafeidxlist(k, members)
            kind = kinds[task.getdomaintype(task.getaccdomain(k))]
            cones.append((kind, len(members)))
            order.extend(members[::-1] if kind == "exponential" else members)
        assert task.getcfix() == conic.constant
        assert task.getnumcon() == 0
    assert cones == conic.cones
    np.testing.assert_array_equal(costs, conic.q)
    np.testing.assert_array_equal(-F[order], conic.A.toarray())
    np.testing.assert_array_equal(g[order], conic.b)


def test_counts_come_before_the_data_and_no_entry_twice(tmp_path):
    path = tmp_path / "program.cbf"
    program = problem("logistic", gaussian(7, 3))
    sizes = write_conic(path, program)
    parts = cbf.read(path)  # which refuses an entry that comes twice
    data = ["OBJACOORD", "ACOORD", "BCOORD"]
    assert parts["names"] == ["OBJSENSE", "VAR", "CON", *data]
    assert parts["version"] == 3
    assert parts["A"].shape == (sizes.n_rows, sizes.n_variables)
    assert parts["A"].nnz == sizes.n_entries


@pytest.mark.parametrize("name", ["program.conic", "program.cbf"])
def test_the_file_does_not_depend_on_the_pieces(name, tmp_path, monkeypatch):
    program = problem("squared", gaussian(12, 3))
    for form in ("dense", "tree"):
        (tmp_path / form).mkdir()
        write_conic(tmp_path / form / name, program, form=form)
        monkeypatch.setattr(conic_columns, "_ENTRIES", 100)
        monkeypatch.setattr(conic_columns, "_SHORT", 7)
        monkeypatch.setattr("convex_solver.conic.cbf._LINES", 5)
        monkeypatch.setattr("convex_solver.conic.binary._NUMBERS", 11)
        write_conic(tmp_path / form / f"small-{name}", program, form=form)
        assert_same(
            read_conic(tmp_path / form / name),
            read_conic(tmp_path / form / f"small-{name}"),
        )
        monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["program.conic", "program.cbf"])
def test_writing_holds_a_small_part_of_the_program(name, tmp_path, monkeypatch):
    monkeypatch.setattr(conic_columns, "_ENTRIES", 1 << 11)
    monkeypatch.setattr("convex_solver.conic.cbf._LINES", 1 << 11)
    program = problem("squared", gaussian(50, 3))
    write_conic(tmp_path / f"first-{name}", problem("squared", gaussian(9, 3)))
    tracemalloc.start()
    sizes = write_conic(tmp_path / name, program)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # the enumerator's blocks are most of it, and do not grow
    assert sizes.n_bytes > 2 * peak


@pytest.mark.slow
def test_building_holds_little_more_than_the_result(monkeypatch):
    monkeypatch.setattr(conic_columns, "_ENTRIES", 1 << 11)
    program = problem("squared", gaussian(60, 3))
    build_conic(problem("squared", gaussian(9, 3)))
    tracemalloc.start()
    conic = build_conic(program)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.7 * (conic.A.data.nbytes + conic.A.indices.nbytes)


def test_a_cone_of_one_row_is_written_as_a_half_line(tmp_path):
    program = problem("hinge", [[0.0, 0.0], [0.0, 0.0]])
    write_conic(tmp_path / "program.cbf", program)
    assert cbf.read(tmp_path / "program.cbf")["CON"][-2:] == [("L+", 1)] * 2


def test_existing_files_other_endings_and_forms_are_refused(tmp_path):
    program = problem("squared", gaussian(4, 2))
    path = tmp_path / "program.conic"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists; give another path"):
        write_conic(path, program)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match=r"ends in '.txt'; expected .cbf .* .conic"):
        write_conic(tmp_path / "program.txt", program)
    with pytest.raises(InputError, match="form='sparse' is unknown"):
        write_conic(tmp_path / "program.cbf", program, form="sparse")
    with pytest.raises(InputError, match=r"cannot write .*missing is not a folder"):
        write_conic(tmp_path / "missing" / "program.cbf", program)
    assert os.listdir(tmp_path) == ["program.conic"]


def test_a_writer_that_stops_leaves_no_file(tmp_path, monkeypatch):
    def stops(*arguments):
        raise KeyboardInterrupt

    for module in ("cbf", "binary"):
        monkeypatch.setattr(f"convex_solver.conic.{module}.iter_columns", stops)
    for name in ("program.cbf", "program.conic"):
        with pytest.raises(KeyboardInterrupt):
            write_conic(tmp_path / name, problem("squared", gaussian(4, 2)))
    assert os.listdir(tmp_path) == []
