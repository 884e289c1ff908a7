"""Exit codes are those that ``--help`` names; messages are sentences."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from arrangement import cli as arrangement_cli
from convex_solver import cli as solver_cli

ROWS = "x,y\n-2,1\n-1,-1\n0,1\n1,1\n2,-1\n"
FIT = ("fit", "t.csv", "--target", "y", "--beta")
COMMANDS = {
    arrangement_cli: ("", "count", "enumerate", "verify"),
    solver_cli: ("", "fit", "path", "certify", "prove", "export", "predict"),
}


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)

    def call(*words):
        cli = arrangement_cli if words[0] in COMMANDS[arrangement_cli] else solver_cli
        return cli.main(words), *capsys.readouterr()

    return call


@pytest.mark.every
@pytest.mark.parametrize("cli", COMMANDS, ids=lambda cli: cli.__name__)
def test_every_help_names_the_exit_codes(cli, capsys):
    for command in COMMANDS[cli]:
        with pytest.raises(SystemExit) as caught:
            cli.main([command, "--help"] if command else ["--help"])
        assert caught.value.code == 0
        out = capsys.readouterr().out
        codes = re.findall(r"^ +(\d+)  \w", out.partition("exit codes:")[2], re.M)
        assert codes == ["0", "1", "2", "130", "141"]


def test_the_codes_are_those_named(run, tmp_path, monkeypatch):
    assert run("count", "t.csv")[0] == 0
    assert run("enumerate", "t.csv", "-o", "l.csv")[0] == 0
    lines = (tmp_path / "l.csv").read_text().splitlines(keepends=True)
    (tmp_path / "s.csv").write_text("".join(lines[:-2]))
    assert run("verify", "l.csv", "t.csv")[0] == 0
    assert run("verify", "s.csv", "t.csv")[0] == 1
    assert run("verify", "l.csv", "none.csv")[0] == 2
    assert run(*FIT, "0.1", "-o", "m.json")[0] == 0
    assert run(*FIT, "0.1", "-o", "s.json", "--tol=1e-300", "--max-cones=1")[0] == 1
    assert run(*FIT, "-1", "-o", "n.json")[0] == 2
    assert run("certify", "m.json", "t.csv")[0] == 0
    (tmp_path / "o.csv").write_text(ROWS.replace("2,-1", "3,-1"))
    assert run("certify", "m.json", "o.csv")[0] == 1
    assert run("certify", "none.json", "t.csv")[0] == 2
    assert run("unknown")[0] == 2

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(arrangement_cli, "count_patterns", interrupted)
    code, out, err = run("count", "t.csv")
    assert (code, out, err) == (130, "", "arrangement: interrupted\n")


@pytest.mark.slow
def test_a_reader_that_goes_away(tmp_path):
    # more than a pipe holds: a writer that is quicker than its reader waits for it
    (tmp_path / "t.csv").write_text(
        "x,y\n" + "".join(f"{k * k},{k * 7 % 31}\n" for k in range(300))
    )
    words = [sys.executable, "-m", "arrangement", "enumerate", "t.csv", "-o", "-"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("row1,row2")
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=120) == 141
    assert "Traceback" not in err


BAD = [
    ("count",),
    ("count", "none.csv"),
    ("count", "t.csv", "--time-limit", "0"),
    ("count", "t.csv", "--columns", "q"),
    ("enumerate", "t.csv", "-o", "n.txt"),
    ("enumerate", "t.csv", "-o", "-", "--json"),
    ("enumerate", "t.csv", "-o", "l.npz", "--max-bytes", "0"),
    ("enumerate", "t.csv", "-o", "l.zarr", "--max-bytes", "9"),
    ("enumerate", "t.csv", "-o", "l.zarr", "--time-limit", "9"),
    ("enumerate", "t.csv", "-o", "l.npz", "--resume"),
    ("enumerate", "t.csv", "-o", "l.npz", "--jobs", "-2"),
    ("verify", "t.csv", "t.csv"),
    (*FIT, "x", "-o", "m.json"),
    (*FIT, "0x", "-o", "m.json"),
    (*FIT, "1", "-o", "n.txt"),
    (*FIT, "1", "-o", "-", "--json"),
    (*FIT, "1", "-o", "m.json", "--tol", "0"),
    (*FIT, "1", "-o", "m.json", "--max-cones", "0"),
    (*FIT, "1", "-o", "m.json", "--jobs", "0"),
    (*FIT, "1", "-o", "m.json", "--features", "y"),
    (*FIT, "1", "-o", "m.json", "--weights", "y"),
    (*FIT, "1", "-o", "m.json", "--one-hot", "q"),
    (*FIT, "1", "-o", "m.json", "--loss", "cubic"),
    (*FIT, "0.1x", "-o", "m.json", "--loss", "absolute:1"),
    (*FIT, "1", "-o", "m.json", "--report", "m.json"),
    ("path", "t.csv", "--target", "y", "--cv", "1"),
    ("path", "t.csv", "--target", "y", "--cv", "9"),
    ("path", "t.csv", "--target", "y", "--cv", "0", "-o", "m.json"),
    ("path", "t.csv", "--target", "y", "--betas", "1,q"),
    ("path", "t.csv", "--target", "y", "--seed", "-1"),
    ("path", "t.csv", "--target", "y", "--n-betas", "0"),
    ("path", "t.csv", "--target", "y", "--eps", "2"),
    ("certify", "-", "-"),
    ("prove", "none.json", "t.csv", "-o", "p.jsonl"),
    ("prove", "none.json", "t.csv", "-o", "p.jsonl", "--max-cones", "0"),
    ("export", "none.json", "-o", "a"),
    ("export", "none.json", "-o", "a.bin"),
    ("frobnicate",),
    (),
]


@pytest.mark.every
@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_every_refusal_is_one_sentence(words, run, tmp_path):
    code, out, err = run(*(words or ("",)))
    assert (code, out) == (2, "")
    assert re.fullmatch(r"(arrangement|convex-solver): error: \S.*\.\n", err), err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
