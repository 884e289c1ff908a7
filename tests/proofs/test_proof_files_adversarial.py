"""Damaged and hostile proofs are refused in one line, at once."""

from __future__ import annotations

import json
import time

import pytest

from convex_solver import checker

from instances import planted, proof_of

pytestmark = pytest.mark.kernels
DEEP = 100_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A proof and its table."""
    folder = tmp_path_factory.mktemp("proofs")
    X, y = planted(10, 3, seed=4)
    _, proof, table = proof_of(folder, X, y, 0.2)
    return proof, table


@pytest.fixture
def refuse(made, tmp_path, capsys):
    """Check that an altered proof, or table, is refused in a line that says so."""

    def call(proof=None, table=None):
        paths = []
        for name, content, own in zip(("p", "d"), (proof, table), made, strict=True):
            path = own
            if content is not None:
                path = tmp_path / name
                raw = content if isinstance(content, bytes) else content.encode()
                path.write_bytes(raw)
            paths.append(str(path))
        begin = time.process_time()
        assert checker.main(paths) == 1
        assert time.process_time() - begin < 5.0
        out = capsys.readouterr().out
        assert out.startswith("not proven: ")
        assert (out.count("\n"), out.isascii(), len(out) < 302) == (1, True, True)
        return out

    return call


def test_a_proof_that_is_cut_off_is_refused(made, refuse):
    raw = made[0].read_bytes()
    lines = raw.splitlines(keepends=True)
    for k in [*range(6), len(lines) // 2, len(lines) - 1]:
        refuse(b"".join(lines[:k]))
    for size in range(1, len(raw) - 1, len(raw) // 40):
        refuse(raw[:size])
    refuse(raw + b"\n")
    refuse(raw + lines[-1])
    refuse(raw + raw)


@pytest.mark.parametrize(
    "text",
    [
        "1" + "0" * 10**6,
        "1e1000000",
        "1e400",
        "-1e-400",
        "NaN",
        "Infinity",
        "0.5",
        "1.0",
        "true",
        "null",
        '"a"',
        '"1"',
        "[1]",
        "{}",
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        str(2**5000),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_integer_is_refused(text, made, refuse):
    lines = made[0].read_text().splitlines(keepends=True)
    heads = [json.loads(line) for line in lines[:4]]
    mark = "@@"
    paths = (("beta", 0), ("alphas", 0), ("values", 3), ("bits", 0))
    for k, path in enumerate(paths):
        part = heads[k]
        for key in path[:-1]:
            part = part[key]
        old, part[path[-1]] = part[path[-1]], mark
        altered = json.dumps(heads[k]).replace(f'"{mark}"', text) + "\n"
        part[path[-1]] = old
        refuse("".join([*lines[:k], altered, *lines[k + 1 :]]))
    leaf = next(k for k, line in enumerate(lines) if line.startswith('["p"'))
    kind, mix, top, scale, p = json.loads(lines[leaf])[:5]
    for new in (
        f'["{kind}",{mix},{top},{scale},[{p[0]},{p[1]},{text}]]\n',
        f'["{kind}",{mix},{top},{text},{p}]\n',
        f'["{kind}",{mix},{top},{scale},{text}]\n',
        f'["{kind}",{text},{top},{scale},{p}]\n',
        f'["{kind}",{mix},{top},{scale},{p},{text},[]]\n',
        f'["{kind}",{mix},{top},{scale},{p},[[0,{text}]],[]]\n',
        f'["{kind}",{mix},{top},{scale},{p},[],[{text}]]\n',
        f'["b",0,{text}]\n',
        f'["s",{text}]\n',
        f"{text}\n",
    ):
        refuse("".join([*lines[:leaf], new, *lines[leaf + 1 :]]))


def test_other_bytes_are_refused(made, refuse, monkeypatch):
    raw = made[0].read_bytes()
    for content in (b"", b"\0" * 100, b"\xff\xfe" + raw, raw.decode().encode("utf-16")):
        refuse(content)
    lines = raw.splitlines(keepends=True)
    monkeypatch.setattr(checker, "LONGEST", 2**16)
    long = b"[" + b"1," * 2**15 + b"1]\n"
    refuse(long + raw)
    assert "too long" in refuse(b"".join([*lines[:4], long, *lines[4:]]))


def test_tables_that_do_not_fit_are_refused(made, refuse):
    text = made[1].read_text()
    lines = text.splitlines(keepends=True)
    cell = lines[0].split(",")[0]
    for new in (
        text.replace(cell, "1e999999999", 1),
        text.replace(cell, "1e999", 1),
        text.replace(cell, "nan", 1),
        text.replace(cell, "inf", 1),
        text.replace(cell, "9" * 10**6, 1),
        text.replace(cell, "", 1),
        text.replace(cell, "1_0", 1),
        text.replace(cell, '"', 1),
        text.replace(cell, "\0", 1),
        text.replace(cell, repr(1.5 * float(cell)), 1),
        "".join(lines[1:]),
        text + lines[0],
        lines[0].rpartition(",")[0] + "\n" + "".join(lines[1:]),
        "",
        "\n" * 1000,
    ):
        assert refuse(table=new)
    refuse(table=b"\xff\xfe\x00")
    why = refuse(table=text.replace(lines[2], lines[2].rpartition(",")[0] + "\n"))
    assert "line 1, 2, 3 or 4: record 3 of the table is too short" in why


def test_missing_files_are_named(made, capsys):
    assert checker.main([str(made[0]), "nowhere.csv"]) == 1
    assert "nowhere.csv" in capsys.readouterr().out
    assert checker.main(["nowhere.jsonl", str(made[1])]) == 1
    assert "nowhere.jsonl" in capsys.readouterr().out
    assert checker.main([]) == 2


def test_a_false_leaf_is_found_at_its_line(made, refuse):
    """Shorter vectors, and shorter betas, prove nothing."""
    lines = made[0].read_text().splitlines(keepends=True)
    for k, line in list(enumerate(lines))[::3]:
        if line.startswith('["p"'):
            kind, mix, top, scale, p, *rest = json.loads(line)
            longer = [x + (2**scale if x >= 0 else -(2**scale)) for x in p]
            leaf = json.dumps([kind, mix, top, scale, longer, *rest]) + "\n"
            out = refuse("".join([*lines[:k], leaf, *lines[k + 1 :]]))
            assert f"line {k + 1}: " in out
            assert "the vector is too" in out or "at a vertex" in out
    claim = json.loads(lines[0])
    m, e = claim["beta"]
    claim["beta"] = [m * 999, e - 10]
    refuse("".join([json.dumps(claim) + "\n", *lines[1:]]))
