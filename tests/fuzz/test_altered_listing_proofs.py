"""Altered proofs of lists, and tables: what is accepted is true, or it is refused.

``pytest tests/fuzz/test_altered_listing_proofs.py --fuzz 10000`` alters ten thousand
times.
"""

from __future__ import annotations

import io
import json
import random
from contextlib import redirect_stdout

import pytest

from arrangement import checker, enumerate_patterns, verify

from fuzz.alterations import altered_bytes, run_cases
from fuzz.proofs import altered_line
from reference.listing_proofs import claimed, fault_of, write_table

pytestmark = [pytest.mark.kernels, pytest.mark.usefixtures("second_opinion")]
# Instances small enough for brute force; of most of them Cover's bound is not reached.
GENERIC = [[1, 2, 1], [3, -1, 1], [-2, 5, 2], [1, 1, -4], [4, -3, 7]]
CUBE = [[x, y, z, 1] for x in range(2) for y in range(2) for z in range(2)]
MATRICES = (
    (GENERIC, None),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [0, 1, -1], [0, 0, 0]], None),
    (CUBE[:7], None),
    ([[1, 0], [0, 1], [1, 1], [1, -1]], [0, 1, 1, 0]),
    ([["0.1", "0.2"], ["1.5", "3"], ["-0.5", "-1"], ["2", "-0.25"]], None),
    ([[2], [-1], [0]], [1, 1, 0]),
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Bytes of proofs, of their tables and of their lists."""
    folder = tmp_path_factory.mktemp("proofs")
    found = []
    for k, (X, offsets) in enumerate(MATRICES):
        paths = [folder / f"{k}.{end}" for end in ("jsonl", "csv", "npz")]
        patterns = enumerate_patterns(X, offsets=offsets)
        verify(patterns, X, offsets=offsets, proof=paths[0])
        write_table(paths[1], X, offsets)
        patterns.save(paths[2])
        found.append(tuple(path.read_bytes() for path in paths))
    return found


def answer(*paths):
    """The checker's code, and what it says."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = checker.main([str(path) for path in paths])
    text = out.getvalue()
    assert text.isascii()
    assert code == 0 or (code, text.count("\n")) == (1, 1), text
    return code, text


def near_point(rng, raw):
    """The bytes of a proof with a point moved, doubled or exchanged, or a tree."""
    lines = [json.loads(line) for line in raw.decode().splitlines()]
    k = rng.randrange(1, len(lines))
    if k == len(lines) - 1:
        tree = rng.choice((0, 1, 2, 3, [0] * rng.randrange(9), [1] * rng.randrange(9)))
        lines[k] = {"count": tree}
    else:
        place = rng.randrange(len(lines[k]))
        what = rng.randrange(4)
        if what == 0:
            lines[k][place] *= rng.choice((-1, 0, 2, 1000))
        elif what == 1:
            lines[k] = [rng.choice((-1, 2, 10**30)) * x for x in lines[k]]
        elif what == 2:
            lines[k] = [x + rng.choice((-1, 0, 1)) for x in lines[k]]
        else:
            del lines[k]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def test_no_altered_proof_of_a_list_is_believed(bases, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"listing-{number}")
        raw, data, listed = rng.choice(bases)
        old = raw, data
        what = rng.randrange(10)
        if what < 4:
            raw = altered_line(rng, raw)
        elif what < 6:
            raw = near_point(rng, raw)
        elif what < 8:
            raw = altered_bytes(rng, raw)
        else:
            data = altered_bytes(rng, data)
        proof, table = tmp_path / "proof.jsonl", tmp_path / "data.csv"
        proof.write_bytes(raw)
        table.write_bytes(data)
        code, text = answer(proof, table)
        if code:
            return "refused"
        assert fault_of(proof, table) is None
        _, _, found = claimed(proof, table)
        assert f"patterns  {len(found)}: all there are" in text
        if old == (raw, data):
            return "the same"
        other = tmp_path / "list.npz"
        other.write_bytes(listed)
        # with the same rows the list is the same, whatever else has changed
        code, _ = answer(proof, table, other)
        return "another that is true" if code else "true of the same list"

    outcomes = run_cases(case, "listing", fuzz_seeds)
    assert 2 * outcomes["refused"] >= len(fuzz_seeds)


def test_no_altered_list_is_taken_for_the_one_proven(bases, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"listed-{number}")
        raw, data, listed = rng.choice(bases)
        paths = [tmp_path / name for name in ("proof.jsonl", "data.csv", "list.npz")]
        content = altered_bytes(rng, listed)
        for path, new in zip(paths, (raw, data, content), strict=True):
            path.write_bytes(new)
        code, _ = answer(*paths)
        if code:
            return "refused"
        packed = [checker.read_list(path, 8) for path in paths[2:]]
        paths[2].write_bytes(listed)
        assert packed == [checker.read_list(paths[2], 8)]
        return "the same patterns"

    run_cases(case, "listed", fuzz_seeds)


def test_proofs_of_lists_as_they_were_are_accepted(bases, tmp_path):
    for base in bases:
        paths = [tmp_path / name for name in ("proof.jsonl", "data.csv", "list.npz")]
        for path, content in zip(paths, base, strict=True):
            path.write_bytes(content)
        assert answer(*paths)[0] == 0
