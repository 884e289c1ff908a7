"""``arrangement verify --proof`` on real files, and the checker on what it writes."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from arrangement import checker
from arrangement.cli import main

from reference.listing_proofs import fault_of

pytestmark = pytest.mark.usefixtures("second_opinion")
ROWS = [(-2, 1), (-1, -1), (0, 1), (1, 1), (2, -1), (3.25, 0.5), (1, 1)]


@pytest.fixture
def run(capsys):
    def call(*argv):
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def text_of(names, separator, decimal):
    lines = [separator.join(names)] if names else []
    for k, row in enumerate(ROWS):
        cells = [repr(float(x)).replace(".", decimal) for x in row]
        lines.append(separator.join([f'"r{k}"', *cells] if len(names) == 3 else cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("names", "separator", "decimal", "above"),
    [
        (("a", "b"), ",", ".", ""),
        (("name", "a", "b"), ";", ",", "\ufeff"),
        ((), "\t", ".", "# a comment\n\n"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--no-intercept",)])
@pytest.mark.parametrize("ending", ["npz", "zarr"])
def test_from_table_to_proof(
    names, separator, decimal, above, more, ending, tmp_path, run, capsys
):
    if ending == "zarr":
        pytest.importorskip("zarr")
    table, proof = tmp_path / "table.csv", tmp_path / "proof.jsonl"
    table.write_text(above + text_of(names, separator, decimal), encoding="utf-8")
    options = ("--decimal", decimal) if decimal == "," else ()
    options += ("--columns", "a,b") if len(names) == 3 else ()
    listed = tmp_path / f"list.{ending}"
    assert run("enumerate", table, "-o", listed, *options, *more)[0] == 0
    words = ("verify", listed, table, "--proof", proof, *options, *more)
    code, out, err = run(*words, "--json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert values["proof_bytes"] == proof.stat().st_size
    paths = [str(proof), str(table)] + [str(listed)] * (ending == "npz")
    assert checker.main(paths) == 0
    assert f"patterns  {values['patterns']}: all" in capsys.readouterr().out
    assert fault_of(proof, table) is None
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "exists" in err
    table.write_text(table.read_text(encoding="utf-8").replace("25", "26"))
    assert checker.main([str(proof), str(table)]) == 1


def test_the_report_says_how_to_check(tmp_path, run):
    table, proof, listed = (tmp_path / name for name in ("t.csv", "p.jsonl", "l.npz"))
    table.write_text(text_of(("a", "b"), ",", "."))
    run("enumerate", table, "-o", listed)
    code, out, _ = run("verify", listed, table, "--proof", proof)
    assert code == 0
    assert f"python -m arrangement.checker {proof} {table} {listed}" in out
    assert f"{len(proof.read_text().splitlines())} lines" in out


def test_a_list_that_is_not_complete_has_no_proof(tmp_path, run):
    table, proof, listed = (tmp_path / name for name in ("t.csv", "p.jsonl", "l.npz"))
    table.write_text(text_of(("a", "b"), ",", "."))
    run("enumerate", table, "-o", listed)
    with np.load(listed) as arrays:
        values = dict(arrays)
    values["packed"] = values["packed"][:-2]
    listed.unlink()
    np.savez(listed, **values)
    code, _, err = run("verify", listed, table, "--proof", proof)
    assert code == 1
    assert "2 missing" in err
    assert not proof.exists()


def test_tables_that_the_checker_cannot_read_are_refused(tmp_path, run):
    table, proof, listed = (tmp_path / name for name in ("t.csv", "p.jsonl", "l.npz"))
    table.write_text(text_of(("a", "b"), ",", "."))
    run("enumerate", table, "-o", listed)
    blanks, packed = tmp_path / "table.txt", tmp_path / "table.csv.gz"
    blanks.write_text(text_of(("a", "b"), " ", "."))
    packed.write_bytes(gzip.compress(table.read_bytes()))
    arrays, holes = tmp_path / "table.npy", tmp_path / "holes.csv"
    np.save(arrays, np.array(ROWS))
    holes.write_text(table.read_text() + "NA,1\n")
    for other, more in ((blanks, ()), (packed, ()), (arrays, ()), (holes, ("drop",))):
        words = ["--missing", *more] if more else []
        code, out, err = run("verify", listed, other, "--proof", proof, *words)
        assert (code, out) == (2, "")
        assert "Write a CSV in UTF-8" in err
        assert err.count("\n") == 1
    assert not proof.exists()
    code, _, err = run("verify", listed, table, "--proof", tmp_path / "p.json")
    assert code == 2
    assert "end the name in .jsonl" in err
