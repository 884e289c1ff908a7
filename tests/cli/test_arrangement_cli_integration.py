"""The command line ``arrangement`` on real files: reports, exit codes, clean errors."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from arrangement import Arrangement, PatternSet, Progress, cli, enumerate_patterns
from arrangement.errors import InputError
from arrangement.io import progress_bar, say_compiling
from arrangement.io.tables import read_table, with_ones

Run = tuple[int, str, str]

POINTS = "a,b,kind\n0.1,2,x\n0.2,4,y\n0.3,6,x\n1,-1,y\n"


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(POINTS)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*argv: object) -> Run:
        code = cli.main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def assert_refused(result: Run, *parts: str) -> None:
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("arrangement: error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def test_count_reads_the_decimals_that_a_csv_shows(run, points):
    # the first three rows are collinear as decimals and not as binary floats
    code, out, err = run("count", points, "--columns", "a,b", "--json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    exact = [["0.1", "2", 1], ["0.2", "4", 1], ["0.3", "6", 1], [1, -1, 1]]
    assert values["patterns"] == len(enumerate_patterns(exact)) == 12
    assert (values["n"], values["d"], values["rank"]) == (4, 3, 3)
    assert values["bound"] == 14
    assert values["distinct_hyperplanes"] == 4


def test_count_tells_a_person(run, points):
    code, out, _ = run("count", points, "--columns", "a,b", "--no-intercept")
    assert code == 0
    assert "n = 4" in out
    assert "r = 2" in out
    assert "2 distinct" in out
    assert "4 = Cover's bound" in out
    assert "no pattern was listed" in out


def test_enumerate_verify_and_a_dropped_pattern(run, points, tmp_path):
    out_file = tmp_path / "list.npz"
    code, out, _ = run("enumerate", points, "--columns", "a,b", "-o", out_file)
    assert code == 0
    assert "yes: 12 patterns" in out
    assert "12 of Cover's bound 14 (85.7%)" in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.npz", "points.csv"]
    code, out, _ = run("verify", out_file, points, "--columns", "a,b", "--json")
    assert code == 0
    assert json.loads(out)["proven"] is True
    PatternSet.load(out_file)[:-2].save(tmp_path / "short.npz")
    code, out, err = run(
        "verify", tmp_path / "short.npz", points, "--columns", "a,b", "--json"
    )
    assert code == 1
    assert json.loads(out)["proven"] is False
    assert err.startswith("arrangement: not proven: ")
    assert err.count("\n") == 1


def test_no_proof_is_said(run, points, tmp_path):
    argv = ["enumerate", points, "--columns", "a,b", "--no-proof", "-o"]
    code, out, _ = run(*argv, tmp_path / "a.npz")
    assert code == 0
    assert "no, as asked" in out
    code, out, _ = run(*argv, tmp_path / "b.npz", "--json")
    values = json.loads(out)
    assert values["proven"] is False
    assert values["proof"] is None


def test_array_files(run, tmp_path):
    X = np.array([[0.1, 2.0], [0.2, 4.0], [0.3, 6.0], [1.0, -1.0]])
    np.save(tmp_path / "a.npy", X)
    np.savez(
        tmp_path / "b.npz",
        X=X,
        other=X[:2],
        y=np.arange(4),
        feature_names=np.array(["a", "b"]),
    )
    for argv, patterns in (
        (["a.npy"], 14),
        (["a.npy", "--floats", "decimal"], 12),
        (["b.npz", "--floats", "decimal", "--columns", "b,a"], 12),
        (["b.npz", "--columns", "y"], 8),
        (["b.npz", "--key", "other"], 4),
    ):
        code, out, _ = run("count", tmp_path / argv[0], *argv[1:], "--json")
        assert code == 0
        assert json.loads(out)["patterns"] == patterns
    assert_refused(run("count", tmp_path / "b.npz", "--key", "q"), "no array 'q'")
    assert_refused(run("count", tmp_path / "a.npy", "--columns", "q"), "'x1', 'x2'")
    assert_refused(run("count", tmp_path / "a.npy", "--key", "X"), "no keys")
    np.savez(tmp_path / "two.npz", p=X, q=X)
    assert_refused(run("count", tmp_path / "two.npz"), "--key", "'p', 'q'")


@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.zeros(3), "shape (3,)"),
        (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
        (np.array([[1.0, np.nan]]), "row 0, column 'x2': nan"),
        (np.array([[np.inf, 1.0]]), "inf"),
        (np.ones((2, 2), dtype=complex), "complex"),
        (np.array([["1", "2"]]), "dtype"),
        (np.zeros((0, 2)), "no rows"),
        (np.zeros((2, 0)), "no columns"),
    ],
)
def test_bad_arrays(run, tmp_path, array, part):
    np.save(tmp_path / "a.npy", array)
    assert_refused(run("count", tmp_path / "a.npy"), part)


def test_pickles_and_broken_archives(run, tmp_path):
    np.save(tmp_path / "p.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert_refused(run("count", tmp_path / "p.npy"), "cannot read")
    (tmp_path / "z.npz").write_bytes(b"PK\x03\x04 not an archive")
    assert_refused(run("count", tmp_path / "z.npz"), "cannot read")
    (tmp_path / "n.npy").write_bytes(b"\x93NUMPY\x01")
    assert_refused(run("count", tmp_path / "n.npy"), "cannot read")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty"]),
        ("\n \n", ["is empty"]),
        ("a,b\n", ["no rows"]),
        ("a,b\n1,2\n3\n", ["line 3", "1 cells", "line 1 has 2"]),
        ("a,b\n1,2\n3,4,5\n", ["line 3"]),
        ("a,b\n1,2\n3,\n", ["line 3, column 'b'", "empty"]),
        ("a,b\n1,2\n\n3,nan\n", ["line 4, column 'b'", "finite"]),
        ("a,b\n1,2\n3,-inf\n", ["line 3, column 'b'", "finite"]),
        ("a,b\n1,2\n3,NA\n", ["line 3, column 'b'", "'NA' is not a number"]),
        ("a,b\n1,1+2j\n", ["not a number"]),
        ("a,b\n1,1_000\n", ["not a number"]),
        ("a,b\n1,1/2\n", ["not a number"]),
        ("a,b\n1,1e999999999\n", ["exponent"]),
        ("a,a\n1,2\n", ["two columns are named 'a'"]),
        ("1,x\n2,y\n", ["line 1", "--no-header"]),
        ('a,b\n1,"2\n', ["line"]),
        ("a,b\n1,\0\n", ["neither text"]),
    ],
)
def test_bad_csv(run, tmp_path, text, parts):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert_refused(run("count", path), *parts)
    out_file = tmp_path / "out.npz"
    assert_refused(run("enumerate", path, "-o", out_file), *parts)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


def test_csv_that_is_not_utf8(run, tmp_path):
    (tmp_path / "l.csv").write_bytes("a,b\n1,2\n3,caf\xe9\n".encode("latin-1"))
    assert_refused(run("count", tmp_path / "l.csv"), "line 3", "UTF-8")


def test_csv_forms(tmp_path):
    path = tmp_path / "t.csv"
    for text in (
        "1,2\n3,4\n",
        "1;2\n3;4\n",
        "1\t2\n3\t4",
        "\ufeff1, 2\r\n\r\n3, 4\r\n",
    ):
        path.write_text(text, encoding="utf-8")
        table = read_table(path)
        assert table.names == ("x1", "x2")
        assert table.numbers().tolist() == [["1", "2"], ["3", "4"]]
    path.write_text('"first, name",\n1e-300,.5\n', encoding="utf-8")
    table = read_table(path)
    assert table.names == ("first, name", "x2")
    assert cli.column_list('"first, name",x2') == list(table.names)
    assert Fraction(table.numbers()[0, 0]) == Fraction(1, 10**300)
    path.write_text("1,x\n2,y\n", encoding="utf-8")
    assert read_table(path, header=False).numbers(["x1"]).tolist() == [["1"], ["2"]]
    assert read_table(path, header=True).names == ("1", "x")
    with pytest.raises(InputError, match="chosen twice"):
        read_table(path, header=False).numbers(["x1", "x1"])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_ones_are_exact_and_keep_the_dtype(dtype):
    X = with_ones(np.array([[3], [200]], dtype=dtype))
    assert X.dtype == dtype
    assert X.tolist() == [[3, 1], [200, 1]]


def test_columns_and_paths(run, points, tmp_path):
    assert_refused(run("count", points), "line 2, column 'kind'", "'x' is not a number")
    missing = run("count", points, "--columns", "a,q")
    assert_refused(missing, "no column 'q'", "'a', 'b', 'kind'")
    assert_refused(run("count", tmp_path), "directory")
    assert_refused(run("count", tmp_path / "none.csv"), "No such file")
    assert_refused(run("count", "a\0b"), "cannot read")
    assert_refused(run("verify", tmp_path / "none.npz", points), "cannot read")
    refused = run("verify", points, points)
    assert_refused(refused, "no list of patterns; expected what arrangement enumerate")


def test_output_paths(run, points, tmp_path):
    argv = ["enumerate", points, "--columns", "a,b", "-o"]
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert_refused(run(*argv, taken), "exists")
    assert taken.read_text() == "mine"
    assert_refused(run(*argv, tmp_path), "exists")
    assert_refused(run(*argv, tmp_path / "no" / "out.npz"), "is not a folder")
    assert_refused(run(*argv, taken / "out.npz"), "is not a folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["points.csv", "taken"]


@pytest.mark.parametrize(
    "name", ["o.tsv", "o.NPY", "o.dat", "o.v2", "o.json", "o.csv.gz"]
)
def test_a_list_is_not_written_as_another_format(run, points, tmp_path, name):
    argv = ["enumerate", points, "--columns", "a,b", "-o", tmp_path / name]
    refused = run(*argv)
    assert_refused(refused, "patterns are not written as .", "in .csv, .npz or .zarr.")
    assert [p.name for p in tmp_path.iterdir()] == ["points.csv"]


def test_patterns_are_no_data(run, tmp_path):
    path = tmp_path / "patterns.npz"
    enumerate_patterns(np.eye(3)).save(path)
    for command in (["count"], ["enumerate", "-o", tmp_path / "o.npz"]):
        refused = f"error: {path} is a list of 8 patterns (arrangement verify takes it"
        assert_refused(run(*command, path), refused, "expected a table.")
    assert run("count", path, "--key", "packed")[0] == 0


def test_a_count_has_a_time_limit(run, points, tmp_path):
    argv = ["count", points, "--columns", "a,b"]
    assert run(*argv, "--time-limit", "1e6")[0] == 0
    for bad in ("0", "nan", "-1"):
        assert_refused(run(*argv, "--time-limit", bad), "expected seconds above 0")
    path = tmp_path / "X.npy"
    np.save(path, np.random.default_rng(0).normal(size=(100, 5)))
    refused = run("count", path, "--no-intercept", "--time-limit", "1e-9", "--json")
    assert_refused(refused, "the time is up")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(run, points, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    argv = ["enumerate", points, "--columns", "a,b", "-o", locked / "o.npz"]
    assert_refused(run(*argv), "cannot be written")


def test_list_too_large(run, points, tmp_path):
    argv = ["enumerate", points, "--columns", "a,b", "-o", tmp_path / "o.npz"]
    argv.append("--json")  # a first run would say that it compiles
    assert_refused(run(*argv, "--max-bytes", 64), "patterns", "bytes", "iter_patterns")
    assert_refused(run(*argv, "--max-bytes", 0), "at least 1")
    assert [p.name for p in tmp_path.iterdir()] == ["points.csv"]


def test_usage_errors(run):
    assert_refused(run(), "COMMAND")
    assert_refused(run("count"), "FILE", "--help")
    assert_refused(run("guess"), "invalid choice")
    assert_refused(run("count", "f.csv", "--floats", "rounded"), "invalid choice")


def test_interruption(run, points, monkeypatch):
    def interrupt(_, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "count_patterns", interrupt)
    code, out, err = run("count", points, "--columns", "a,b", "--json")
    assert (code, out, err) == (130, "", "arrangement: interrupted\n")


def test_compiling_is_said_once_and_not_to_machines(capsys, monkeypatch):
    index: dict[str, str] = {}
    cache = SimpleNamespace(_cache_file=SimpleNamespace(_load_index=lambda: index))
    kernel = SimpleNamespace(signatures=[], _cache=cache)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    say_compiling((kernel, kernel), quiet=True)
    assert capsys.readouterr().err == ""
    say_compiling((kernel, kernel), quiet=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Compiling the kernels (first run only, up to a minute)...\n"
    index["signature"] = "compiled"
    say_compiling((kernel, kernel), quiet=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "rows", [None, [[0, 0]], [[1, 2], [3, 4]], [[1e300, 2], [3, 1e-300]]]
)
def test_the_kernels_asked_about_can_be_asked(rows):
    entries = cli._COUNTING + cli._VERIFYING
    if rows is not None:
        entries = cli.listing_kernels(Arrangement(rows))
    # a dispatcher of this Numba answers; only another Numba may not
    assert all(isinstance(kernel.signatures, list) for kernel in entries)
    assert all(callable(kernel._cache._cache_file._load_index) for kernel in entries)


def test_progress_bar_on_a_terminal_only(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with progress_bar(" patterns", quiet=False) as pipe:
        assert pipe is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(" patterns", quiet=True) as quiet:
        assert quiet is None
    with progress_bar(" patterns", quiet=False) as show:
        assert show is not None
        show(Progress("", 5, 10))
    assert "patterns" in sys.stderr.getvalue()


@pytest.mark.slow
def test_as_a_program(points, tmp_path):
    command = [sys.executable, "-m", "arrangement"]
    bad = subprocess.run(
        [*command, "count", str(points)], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.count("\n") == 1
    assert "Traceback" not in bad.stderr
    good = subprocess.run(
        [*command, "count", str(points), "--columns", "a,b", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(good.stdout)["patterns"] == 12
    assert good.stderr == ""
