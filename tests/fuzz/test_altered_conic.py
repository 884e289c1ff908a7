"""Altered files of conic programs, text and binary: the same program, or refused."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
import re
import struct

import numpy as np
import pytest

from convex_solver import ConicFileError, ConvexProgram, read_conic, write_conic

from fuzz.alterations import (
    altered_bytes,
    altered_document,
    attempt,
    check_refusal,
    run_cases,
    to_json,
    with_twin,
)

X = [[1.0, 2.0], [3.0, -1.0], [-0.5, 1.0]]
PROGRAMS = (
    (ConvexProgram(X, [1.0, 0.25, -1.0], 0.1), "dense"),
    (ConvexProgram(X, [1.0, -1.0, 1.0], 0.1, loss="logistic"), "tree"),
    (ConvexProgram(X, [1.0, 2.0, 0.0], 0.5, loss="poisson", intercept=True), "dense"),
    (ConvexProgram(X, [1.0, -1.0, 1.0], 2.0, loss="hinge"), "tree"),
)
HEAD = struct.Struct("<8sQ")
MAGIC_SIZE = 8
NUMBERS = (
    "0",
    "-1",
    "1",
    "2.5",
    "-0.0",
    "1e400",
    "-1e400",
    "nan",
    "inf",
    "1e-400",
    "9" * 5000,
    str(10**15),
    str(2**63),
    "1_0",
    "0x10",
    "",
    "x",
    "1 1",
    "\u0661",
)


def meaning(program):
    """Everything that a program says, as values that can be compared exactly."""
    P, A = program.P.tocsc(), program.A.tocsc()
    return (
        *(P.shape, P.indptr.tolist(), P.indices.tolist(), P.data.tolist()),
        *(A.shape, A.indptr.tolist(), A.indices.tolist(), A.data.tolist()),
        *(program.q.tolist(), program.b.tolist(), program.cones, program.constant),
        *(program.n_chambers, program.first_block, program.n_blocks, program.rank),
        *(program.n_cone_rows, program.form),
    )


def check_valid(program):
    """Check that the parts of a program fit together."""
    n_rows, n_columns = program.A.shape
    assert program.P.shape == (n_columns, n_columns)
    assert program.q.shape == (n_columns,)
    assert program.b.shape == (n_rows,)
    for values in (program.q, program.b, program.A.data, program.P.data):
        assert np.all(np.isfinite(values)), "a number is not finite"
    assert np.all(program.P.data >= 0.0), "the cost is not convex"
    assert math.isfinite(program.constant)
    program.A.check_format(full_check=True)
    assert program.A.has_canonical_format, "an entry stands twice"
    kinds = {"zero", "nonnegative", "second_order", "exponential"}
    assert all(kind in kinds and size > 0 for kind, size in program.cones)
    assert all(size == 3 for kind, size in program.cones if kind == "exponential")
    assert sum(size for _, size in program.cones) == n_rows
    assert program.n_blocks == 2 * program.n_chambers
    end = program.first_block + program.n_blocks * (program.rank + 1)
    assert 0 <= program.first_block <= end <= n_columns
    assert 0 <= program.n_cone_rows <= n_rows


def written(tmp_path_factory, ending):
    folder = tmp_path_factory.mktemp("conic")
    found = []
    for k, (program, form) in enumerate(PROGRAMS):
        path = folder / f"{k}{ending}"
        write_conic(path, program, form=form)
        found.append((path.read_bytes(), meaning(read_conic(path))))
    return found


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return written(tmp_path_factory, ".cbf")


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    return written(tmp_path_factory, ".conic")


def run(files, alter, kind, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"{kind}-{number}")
        raw, original = rng.choice(files)
        data, is_sealed = alter(rng, raw)
        path = tmp_path / str(number)
        path.write_bytes(data)
        found, error = attempt(Exception, lambda: read_conic(path))
        path.unlink()
        if error is not None:
            check_refusal(error, path, ConicFileError)
            return "refused"
        if meaning(found) == original:
            return "the same program"
        assert is_sealed, "another program was read"
        check_valid(found)
        return "another program"

    outcomes = run_cases(case, kind, fuzz_seeds)
    assert 2 * outcomes["refused"] >= len(fuzz_seeds)


# ---- CBF ---------------------------------------------------------------------------


def seal_text(text):
    """Compute the digest of the last line anew, as an attacker can."""
    body, mark, _ = text.rpartition("# sha256 ")
    if not mark:
        return text
    return f"{body}{mark}{hashlib.sha256(body.encode()).hexdigest()}\n"


def altered_cbf(rng, raw):
    what = rng.randrange(10)
    if what <= 2:
        return altered_bytes(rng, raw), False
    text = raw.decode()
    lines = text.splitlines(keepends=True)
    k = rng.randrange(len(lines))
    keywords = [i for i, line in enumerate(lines) if re.match(r"[A-Z]+\n", line)]
    if what == 3:
        del lines[k]
    elif what == 4:
        lines.insert(k, lines[rng.randrange(len(lines))])
    elif what == 5:
        j = rng.randrange(len(lines))
        lines[j], lines[k] = lines[k], lines[j]
    elif what == 6:
        # the counts after a keyword
        k = min(rng.choice(keywords) + 1, len(lines) - 1)
        words = lines[k].split() or [""]
        words[rng.randrange(len(words))] = rng.choice(NUMBERS)
        lines[k] = " ".join(words) + "\n"
    elif what == 7:
        words = lines[k].split() or [""]
        words[rng.randrange(len(words))] = rng.choice(NUMBERS)
        lines[k] = " ".join(words) + "\n"
    elif what == 8:
        place = next(i for i, line in enumerate(lines) if line.startswith("# layout"))
        layout = json.loads(lines[place].removeprefix("# layout "))
        changed, twin = altered_document(rng, layout)
        part = to_json(changed)
        if twin is not None:
            part = with_twin(part, str(twin[0][-1]), twin[1])
        lines[place] = f"# layout {part}\n"
    else:
        lines[k] = rng.choice(
            ("EXP 4\n", "Q 0\n", "L+ 00\n", "INT\n", "PSDVAR\n1\n4\n", "# end\n", "\n")
        )
    out = "".join(lines)
    is_sealed = rng.random() < 0.6
    if is_sealed:
        out = seal_text(out)
    return out.encode("utf-8", errors="surrogatepass"), is_sealed


def test_no_altered_cbf_is_believed(texts, tmp_path, fuzz_seeds):
    run(texts, altered_cbf, "cbf", tmp_path, fuzz_seeds)


# ---- binary ------------------------------------------------------------------------


def parts_of(raw):
    """Header and chunks: the JSON document, then names and contents."""
    (size,) = struct.unpack_from("<Q", raw, MAGIC_SIZE)
    place = MAGIC_SIZE + 8
    document = json.loads(raw[place : place + size])
    place += size + 32
    chunks = []
    while place < len(raw):
        name, size = HEAD.unpack_from(raw, place)
        place += HEAD.size
        chunks.append((name, raw[place : place + size]))
        place += size + 32
    return document, chunks[:-1]


def sealed_binary(magic, text, chunks):
    """A file of these parts with all digests as they must be."""
    head = struct.pack("<Q", len(text)) + text
    digests = [hashlib.sha256(head).digest()]
    out = [magic, head, digests[0]]
    for name, content in chunks:
        part = HEAD.pack(name, len(content)) + content
        digests.append(hashlib.sha256(part).digest())
        out += [part, digests[-1]]
    content = hashlib.sha256(b"".join(digests)).digest()
    part = HEAD.pack(b"end", len(content)) + content
    return b"".join([*out, part, hashlib.sha256(part).digest()])


def altered_binary(rng, raw):
    what = rng.randrange(8)
    if what <= 1:
        return altered_bytes(rng, raw), False
    document, chunks = parts_of(raw)
    document, twin = copy.deepcopy(document), None
    k = rng.randrange(len(chunks))
    name, content = chunks[k]
    if what <= 4:
        document, twin = altered_document(rng, document)
    elif what == 5:
        kind = rng.choice(("<f8", "<i8", "<i4"))
        numbers = np.frombuffer(content[: len(content) // 8 * 8], dtype=kind).copy()
        if numbers.size:
            values = (
                (0, -1, 1, 2**31 - 1)
                if kind[1] == "i"
                else (math.nan, math.inf, -0.0, 1e308, 5e-324, -1.0)
            )
            numbers[rng.randrange(numbers.size)] = rng.choice(values)
        chunks[k] = (name, numbers.tobytes())
    elif what == 6:
        place = rng.randrange(4)
        if place == 0:
            del chunks[k]
        elif place == 1:
            chunks.insert(k, (name, content))
        elif place == 2:
            chunks.insert(k, (rng.choice((b"other", b"end", b"\xff", b"")), content))
        else:
            j = rng.randrange(len(chunks))
            chunks[j], chunks[k] = chunks[k], chunks[j]
    else:
        chunks[k] = (name, altered_bytes(rng, content))
    text = to_json(document)
    if twin is not None:
        text = with_twin(text, str(twin[0][-1]), twin[1])
    data = text.encode("utf-8", errors="surrogatepass")
    return sealed_binary(raw[:MAGIC_SIZE], data, chunks), True


def test_no_altered_binary_is_believed(binaries, tmp_path, fuzz_seeds):
    run(binaries, altered_binary, "binary", tmp_path, fuzz_seeds)
