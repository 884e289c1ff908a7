"""Random degenerate matrices: list, count and polynomial are those of a reference.

``pytest tests/fuzz/test_matrices.py --fuzz 1000000`` takes a million matrices, some two
hundred a second; a failing number can be run alone with ``--fuzz-first``.
"""

from __future__ import annotations

import io
import random
from contextlib import redirect_stdout
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from arrangement import (
    characteristic_polynomial,
    checker,
    count_patterns,
    enumerate_patterns,
    iter_patterns,
    verify,
)

from fuzz.alterations import run_cases
from reference import brute_force, deletion_restriction, small
from reference.listing_proofs import write_table

pytestmark = [pytest.mark.kernels, pytest.mark.usefixtures("second_opinion")]
# of so many cases one takes the longer way
SELDOM = 64
MOST_ROWS, MOST_COLUMNS = 8, 4
TENTHS = [Fraction(k, 10) for k in (-15, -3, -1, 0, 1, 2, 3, 7, 15)]


def entries(rng, kind, count):
    """Numbers of a kind, as fractions."""
    if kind == "bits":
        return [Fraction(rng.randrange(2)) for _ in range(count)]
    if kind == "signs":
        return [Fraction(rng.randint(-1, 1)) for _ in range(count)]
    if kind == "small":
        return [Fraction(rng.randint(-3, 3)) for _ in range(count)]
    if kind == "tenths":
        return [rng.choice(TENTHS) for _ in range(count)]
    if kind == "halves":
        return [Fraction(rng.randint(-5, 5), 2) for _ in range(count)]
    scale = 10 ** rng.choice((3, 9, 15, 20, 40))
    return [
        Fraction(rng.randint(-2, 2) * scale + rng.randint(-1, 1)) for _ in range(count)
    ]


def drawn(rng):
    """A matrix of fractions with coincidences, and offsets or None."""
    kind = rng.choice(("bits", "signs", "signs", "small", "tenths", "halves", "large"))
    n, d = rng.randint(1, MOST_ROWS), rng.randint(1, MOST_COLUMNS)
    X: list[list[Fraction]] = []
    for _ in range(n):
        what = rng.random()
        if what < 0.65 or not X:
            row = entries(rng, kind, d)
        elif what < 0.7:
            row = [Fraction(0)] * d
        elif what < 0.85:
            factor = rng.choice((-2, -1, 1, 3))
            row = [factor * x for x in rng.choice(X)]
        else:
            a, b = rng.choice(X), rng.choice(X)
            row = [x + rng.choice((-1, 1)) * y for x, y in zip(a, b, strict=True)]
        X.insert(rng.randint(0, len(X)), row)
    if d > 1 and rng.random() < 0.2:
        a, b = rng.sample(range(d), 2)
        for row in X:
            row[a] = rng.choice((0, 1, -1)) * row[b] if rng.random() < 0.1 else row[b]
    if rng.random() < 0.65:
        return X, None
    meeting = entries(rng, "signs", d)
    through = [sum(x * z for x, z in zip(row, meeting, strict=True)) for row in X]
    b = [t if rng.random() < 0.6 else entries(rng, kind, 1)[0] for t in through]
    return X, b


def given(rng, X, offsets):
    """The same numbers in a form that is read."""
    whole = all(x.denominator == 1 for row in X for x in row)
    small_ones = all(abs(x) < 2**31 for row in X for x in row)
    # with 24 bits, the half among them
    halves = all(x.denominator <= 2 and abs(x) < 2**22 for row in X for x in row)
    forms = ["fractions", "decimals", "text"]
    forms += ["integers"] * whole + ["int64"] * (whole and small_ones)
    forms += ["floats", "float32"] * halves
    form = rng.choice(forms)

    def one(x):
        if form == "integers":
            return int(x)
        if form != "decimals":
            return x
        return Decimal(int(x)) if x.denominator == 1 else Decimal(as_text(x))

    matrix: object = [[one(x) for x in row] for row in X]
    if form == "text":
        matrix = [[as_text(x) for x in row] for row in X]
    if form in ("int64", "floats", "float32"):
        kind = {"int64": np.int64, "floats": np.float64, "float32": np.float32}[form]
        matrix = np.array([[float(x) for x in row] for row in X], dtype=kind)
        matrix = matrix.reshape(len(X), -1)
    return matrix, offsets


def as_text(x):
    """The decimal of a fraction with tenths or halves."""
    return f"{'-' * (x < 0)}{abs(x.numerator) // x.denominator}.{abs(x) % 1 * 10}"


def check_longer(rng, X, offsets, true, found, folder):
    """What takes longer: slow references, other ways to list, proofs of files."""
    assert brute_force.chambers(X, offsets) == true
    slow = deletion_restriction.characteristic_polynomial(X, offsets)
    assert slow == characteristic_polynomial(X, offsets=offsets)
    size = rng.randint(1, 7)
    blocks = [
        block.packed for block in iter_patterns(X, offsets=offsets, block_size=size)
    ]
    assert np.array_equal(np.concatenate(blocks), found.packed)
    packed = found.packed[rng.sample(range(len(found)), len(found))]
    texts = [[as_text(x) if abs(x) < 10**6 else str(x) for x in row] for row in X]
    shifts = None if offsets is None else [as_text(b) for b in offsets]
    paths = [folder / "p.jsonl", folder / "d.csv"]
    paths[0].unlink(missing_ok=True)
    proof = verify(packed, texts, offsets=shifts, proof=paths[0])
    assert proof.count == len(true)
    write_table(paths[1], texts, shifts)
    with redirect_stdout(io.StringIO()) as out:
        assert checker.main([str(path) for path in paths]) == 0, out.getvalue()
    assert f"patterns  {len(true)}: " in out.getvalue()


def test_lists_counts_and_polynomials_are_those_of_the_definition(tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"matrix-{number}")
        X, offsets = drawn(rng)
        is_affine = offsets is not None
        rows = small.integer_rows(X, offsets)
        true = small.patterns(rows, len(rows[0]), is_affine=is_affine)
        polynomial = small.polynomial(rows, is_affine=is_affine)
        matrix, shifts = given(rng, X, offsets)
        found = enumerate_patterns(matrix, offsets=shifts)
        bits = found.to_bool().astype(int).tolist()
        assert len(bits) == len(true), f"{len(bits)} patterns, not {len(true)}"
        assert set(map(tuple, bits)) == true, "other patterns"
        assert found.proof is not None
        arrangement = found.arrangement
        assert characteristic_polynomial(arrangement) == polynomial
        assert count_patterns(arrangement) == len(true)
        values = [c * (-1) ** k for k, c in enumerate(polynomial)]
        assert abs(sum(values)) == len(true)
        if number % SELDOM == 0:
            check_longer(rng, X, offsets, true, found, tmp_path)
        return "affine" if is_affine else "central"

    run_cases(case, "matrix", fuzz_seeds)
