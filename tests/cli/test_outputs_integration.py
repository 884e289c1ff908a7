"""What is written is what the name says: every ``-o`` of both commands, and ``-``."""

from __future__ import annotations

import csv
import io
import itertools
import json

import numpy as np
import pytest

from arrangement import PatternSet, checker, enumerate_patterns
from arrangement import cli as arrangement_cli
from convex_solver import checker as solver_checker
from convex_solver import cli as solver_cli
from convex_solver import load_model

ROWS = "x,y\n-2,1\n-1,-1\n0,1\n1,1\n2,-1\n"
FIT = ("--target", "y", "--beta", "0.1")
LISTING = ("enumerate", "t.csv", "-o")
# what is written, with an option before the name, and the endings that are known
WRITERS = {
    "list": (LISTING, (".csv", ".npz", ".zarr"), True),
    "list proof": (("verify", "l.npz", "t.csv", "--proof"), (".jsonl",), True),
    "fit": (("fit", "t.csv", *FIT, "-o"), (".json",), True),
    "picture": (
        ("fit", "t.csv", *FIT, "-o", "n.json", "--plot"),
        (".png", ".svg", ".pdf"),
        False,
    ),
    "report": (("fit", "t.csv", *FIT, "-o", "n.json", "--report"), (".html",), False),
    "path": (
        ("path", "t.csv", "--target", "y", "--cv", "2", "--n-betas", "2", "-o"),
        (".json",),
        True,
    ),
    "path picture": (
        ("path", "t.csv", "--target", "y", "--cv", "0", "--n-betas", "2", "--plot"),
        (".png", ".svg", ".pdf"),
        False,
    ),
    "proof": (("prove", "m.json", "t.csv", "-o"), (".jsonl",), True),
    "network": (("export", "m.json", "-o"), (".onnx", ".pt", ".pth"), False),
}
OTHERS = (".txt", ".dat", ".CSV2", ".tsv", ".npy", ".text", ".v2", ".gz", ".xlsx")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Call a command in a folder with a table, a list and a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)

    def call(*argv):
        words = [str(word) for word in argv]
        is_list = words[0] in ("count", "enumerate", "verify")
        code = (arrangement_cli if is_list else solver_cli).main(words)
        return code, *capsys.readouterr()

    assert call("enumerate", "t.csv", "-o", "l.npz")[0] == 0
    assert call("fit", "t.csv", *FIT, "-o", "m.json")[0] == 0
    return call


def test_other_endings_are_refused_and_the_known_ones_named(run, tmp_path):
    before = sorted(tmp_path.iterdir())
    for (name, (words, known, _)), ending in itertools.product(WRITERS.items(), OTHERS):
        code, out, err = run(*words, f"o{ending}")
        assert (code, out) == (2, ""), (name, ending)
        assert f"not written as {ending.lower()}" in err
        assert all(each in err for each in known), err
        assert err.endswith(".\n")
        assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_minus_is_standard_output_or_refused(run, tmp_path):
    before = sorted(tmp_path.iterdir())
    for name, (words, known, is_text) in WRITERS.items():
        code, out, err = run(*words, "-")
        if is_text:
            assert code == 0, name
            assert out.endswith("\n")
            assert "standard output" in err
            code, out, err = run(*words, "-", "--json")
            assert (code, out) == (2, "")
            assert "both write to standard output; choose one." in err
            continue
        assert (code, out) == (2, ""), name
        assert "not written to standard output" in err
        assert all(each in err for each in known)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_printed_is_what_would_be_written(run, tmp_path):
    for name, ending in (
        ("list", ".csv"),
        ("list proof", ".jsonl"),
        ("proof", ".jsonl"),
        ("fit", ".json"),
        ("path", ".json"),
    ):
        words = WRITERS[name][0]
        printed = run(*words, "-")[1]
        assert run(*words, f"o{ending}")[0] == 0
        assert (tmp_path / f"o{ending}").read_text() == printed
        (tmp_path / f"o{ending}").unlink()


def test_names_without_an_ending_or_with_a_number_will_do(run, tmp_path):
    for words in (WRITERS["fit"][0], LISTING, WRITERS["proof"][0]):
        for name in ("plain", "beta-0.1", ".hidden"):
            assert run(*words, name)[0] == 0
            (tmp_path / name).unlink()


def test_a_list_as_csv_is_verified_and_proven(run, tmp_path):
    assert run("enumerate", "t.csv", "-o", "l.csv")[0] == 0
    patterns = PatternSet.load(tmp_path / "l.npz")
    head, *lines = csv.reader(io.StringIO((tmp_path / "l.csv").read_text()))
    assert head == [f"row{k}" for k in range(1, 6)]
    assert np.array_equal(np.array(lines, dtype=int), patterns.to_bool())
    assert "yes: 20 patterns" in run("verify", "l.csv", "t.csv")[1]
    assert run("verify", "l.csv", "t.csv", "--proof", "l.jsonl")[0] == 0
    assert checker.main([str(tmp_path / "l.jsonl"), str(tmp_path / "t.csv")]) == 0
    short = (tmp_path / "l.csv").read_text().splitlines(keepends=True)[:-2]
    (tmp_path / "short.csv").write_text("".join(short))
    code, _, err = run("verify", "short.csv", "t.csv")
    assert (code, "not proven" in err) == (1, True)
    (tmp_path / "bad.csv").write_text("row1,row2\n1,2\n")
    code, _, err = run("verify", "bad.csv", "t.csv")
    assert (code, "bad.csv, line 2: expected 2 cells of 0 or 1" in err) == (2, True)
    (tmp_path / "other.csv").write_text("row1,row2\n1,0\n")
    code, _, err = run("verify", "other.csv", "t.csv")
    assert (code, "the patterns have 2 rows" in err) == (1, True)


def test_threads_and_limits_of_a_list(run, tmp_path, monkeypatch):
    assert run(*LISTING, "one.csv", "--jobs", "2")[0] == 0
    written = (tmp_path / "one.csv").read_bytes()
    assert written == b"".join(PatternSet.load(tmp_path / "l.npz").iter_csv())
    for more, part in (
        (["--jobs", "0"], "--jobs is 0; expected at least 1, or -1."),
        (["--time-limit", "0"], "expected seconds above 0."),
        (["--time-limit", "1e-9"], "the time is up"),
    ):
        code, out, err = run(*LISTING, "two.csv", *more)
        assert (code, out) == (2, "")
        assert part in err
    given = {}

    def listed(X, **options):
        given.update(options)
        return enumerate_patterns(X)

    monkeypatch.setattr(arrangement_cli, "enumerate_patterns", listed)
    assert run(*LISTING, "-", "--time-limit", "90", "--jobs", "3")[0] == 0
    assert given["n_jobs"] == 3
    assert 0 < given["time_limit"] <= 90
    assert "stop the writing" in run(*LISTING, "s.zarr", "--time-limit", "1")[2]
    assert "the time is up" in run("verify", "l.npz", "t.csv", "--time-limit=1e-9")[2]
    assert not (tmp_path / "two.csv").exists()


def test_printed_models_and_proofs_are_whole(run, tmp_path):
    model = run(*WRITERS["path"][0], "-")[1]
    (tmp_path / "p.json").write_text(model)
    assert load_model(tmp_path / "p.json").target_name == "y"
    proof = run(*WRITERS["proof"][0], "-")[1]
    (tmp_path / "p.jsonl").write_text(proof)
    paths = [str(tmp_path / name) for name in ("p.jsonl", "t.csv")]
    assert solver_checker.main(paths) == 0


# every file that a command writes, in the place of every other
FILES = ("t.csv", "l.npz", "l.csv", "l.zarr", "l.jsonl", "m.json", "m.jsonl", "m.html")
SAYS = {
    "l.npz": "list of 20 patterns (arrangement verify takes it",
    "l.csv": "list of 20 patterns (arrangement verify takes it",
    "l.zarr": "list of patterns (arrangement verify takes it",
    "l.jsonl": "a proof that arrangement verify wrote (python -m arrangement.checker",
    "m.json": "a model that convex-solver fit wrote (convex-solver certify, predict",
    "m.jsonl": "a proof that convex-solver prove wrote (python -m convex_solver",
    "m.html": "a page for a browser",
}
PLACES = {
    "table of count": (["count", "?"], ("t.csv",)),
    "table of enumerate": (["enumerate", "?", "-o", "o.npz"], ("t.csv",)),
    "list of verify": (["verify", "?", "t.csv"], ("l.npz", "l.csv", "l.zarr")),
    "table of verify": (["verify", "l.npz", "?"], ("t.csv",)),
    "table of fit": (["fit", "?", *FIT, "-o", "o.json"], ("t.csv",)),
    "table of path": (["path", "?", "--target", "y", "--cv=0"], ("t.csv",)),
    "model of certify": (["certify", "?", "t.csv"], ("m.json",)),
    "table of certify": (["certify", "m.json", "?"], ("t.csv",)),
    "model of predict": (["predict", "?", "t.csv"], ("m.json",)),
    "table of predict": (["predict", "m.json", "?"], ("t.csv",)),
    "model of prove": (["prove", "?", "t.csv", "-o", "o.jsonl"], ("m.json",)),
    "table of prove": (["prove", "m.json", "?", "-o", "o.jsonl"], ("t.csv",)),
    "model of export": (["export", "?", "-o", "o.onnx"], ("m.json",)),
}


@pytest.mark.slow
def test_a_file_in_the_place_of_another_is_told_by_name(run, tmp_path):
    pytest.importorskip("zarr")
    run("enumerate", "t.csv", "-o", "l.csv")
    run("enumerate", "t.csv", "-o", "l.zarr")
    run("verify", "l.npz", "t.csv", "--proof", "l.jsonl")
    run("prove", "m.json", "t.csv", "-o", "m.jsonl")
    run("fit", "t.csv", *FIT, "-o", "n.json", "--report", "m.html")
    for (place, (words, right)), file in itertools.product(PLACES.items(), FILES):
        if file in right:
            continue
        code, out, err = run(*(file if word == "?" else word for word in words))
        assert (code, out) == (2, ""), (place, file)
        assert err.count("\n") == 1
        assert err.endswith(".\n")
        if (file, place.split()[0]) == ("t.csv", "list"):
            assert "t.csv is no list of patterns; expected what arrangement" in err
        elif file == "t.csv":
            assert "t.csv is no JSON" in err
            assert "a model or a network (JSON), which comes before the data" in err
        else:
            assert SAYS[file] in err, (place, err)
    assert not any(tmp_path.glob("o.*"))


def test_words_of_a_list_are_numbers_only_when_asked_for(run, tmp_path):
    X = np.random.default_rng(0).integers(-50, 50, (130, 3))
    enumerate_patterns(X, prove=False).save(tmp_path / "big.npz")
    assert "is a list of" in run("count", "big.npz", "--time-limit", "2")[2]
    code, out, err = run("count", "big.npz", "--key=packed", "--time-limit=0.5")
    assert (code, out) == (2, "")
    assert "the time is up" in err
    code, out, _ = run("count", "l.csv" if (tmp_path / "l.csv").exists() else "t.csv")
    assert code == 0


def test_json_says_where_proofs_went(run):
    words = ("verify", "l.npz", "t.csv", "--proof", "q.jsonl", "--json")
    assert json.loads(run(*words)[1])["proof_file"] == "q.jsonl"
