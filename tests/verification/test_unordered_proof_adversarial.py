"""The proof of a list in no order of signs: nothing twice, antipodes in place."""

import numpy as np
import pytest

from arrangement import (
    Arrangement,
    IncompleteListingError,
    InputTypeError,
    enumerate_patterns,
    verify,
)
from arrangement.listing.plan import Plan
from arrangement.listing.runs import run
from arrangement.verification.prover import Prover

X = np.random.default_rng(3).normal(size=(40, 4))


@pytest.fixture(scope="module")
def listed():
    arrangement = Arrangement(X)
    plan = Plan(arrangement)
    assert plan.by_vertices
    parts, scales = [], []

    def keep(block, points, shifts, bases):
        parts.append((block.copy(), points.copy(), bases.copy()))
        scales.append(shifts)

    for _ in run(plan, check=keep):
        pass
    assert all(scale == scales[0] for scale in scales)
    joined = (np.concatenate(column) for column in zip(*parts, strict=True))
    return arrangement, *joined, scales[0]


def prove(arrangement, patterns, witnesses, bases, shifts, *, block):
    prover = Prover(arrangement, is_ordered=False)
    for k in range(0, len(patterns), block):
        part = np.ascontiguousarray(patterns[k : k + block])
        half = slice(k // 2, (k + block) // 2)
        prover.append(part, prover.check(part, witnesses[half], shifts, bases[half]))
    return prover.conclude(patterns)


@pytest.mark.parametrize("block", [2, 1000, 10**6])
def test_the_list_is_proven_in_blocks_of_any_size(listed, block):
    arrangement, patterns, witnesses, bases, shifts = listed
    # from a smaller part where blocks are tiny: conclude then says how many miss
    if block == 2:
        with pytest.raises(IncompleteListingError, match="missing"):
            prove(
                arrangement, patterns[:200], witnesses[:100], bases[:100], shifts,
                block=2,
            )  # fmt: skip
        return
    proof = prove(arrangement, patterns, witnesses, bases, shifts, block=block)
    assert proof.n_patterns == proof.bound


@pytest.mark.parametrize(("kept", "lost"), [(0, 1), (5, 4000), (100, 101)])
def test_a_pattern_that_comes_twice_is_found_where_the_number_is_right(
    listed, kept, lost
):
    arrangement, patterns, witnesses, bases, shifts = listed
    patterns, witnesses, bases = patterns.copy(), witnesses.copy(), bases.copy()
    patterns[2 * lost : 2 * lost + 2] = patterns[2 * kept : 2 * kept + 2]
    witnesses[lost], bases[lost] = witnesses[kept], bases[kept]
    with pytest.raises(IncompleteListingError, match="occur twice"):
        prove(arrangement, patterns, witnesses, bases, shifts, block=1000)


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize(("kept", "lost"), [(0, 1), (5, 4000), (4000, 5)])
def test_a_chamber_that_comes_again_as_an_antipode_is_found(
    listed, kept, lost, is_turned
):
    arrangement, patterns, witnesses, bases, shifts = listed
    patterns, witnesses, bases = patterns.copy(), witnesses.copy(), bases.copy()
    pair = patterns[2 * kept : 2 * kept + 2]
    patterns[2 * lost : 2 * lost + 2] = pair[::-1] if is_turned else pair
    witnesses[lost] = -witnesses[kept] if is_turned else witnesses[kept]
    bases[lost] = bases[kept]
    with pytest.raises(IncompleteListingError, match="occur twice"):
        prove(arrangement, patterns, witnesses, bases, shifts, block=10**6)


@pytest.mark.parametrize("word", [0, 17, 32])
@pytest.mark.parametrize("change", ["swapped word", "bit", "doubled", "lost"])
def test_a_list_of_one_line_is_proven_as_it_is_and_not_altered(change, word):
    """2,100 rows in the plane: the patterns are written, and proven, all at once."""
    rows = np.random.default_rng(8).standard_normal((2100, 2))
    arrangement = Arrangement(rows)
    plan = Plan(arrangement)
    assert plan.by_vertices
    prover = Prover(arrangement, is_ordered=False)
    is_altered = False

    def check(block, points, shifts, bases):
        nonlocal is_altered
        if len(block) > 1000 and not is_altered:
            is_altered = True
            if change == "swapped word":
                # what a walk that writes words of one vertex to another would do
                there = next(
                    k for k in range(42, 1000, 2) if block[k, word] != block[40, word]
                )
                block[[40, there], word] = block[[there, 40], word]
                block[[41, there + 1], word] = block[[there + 1, 41], word]
            elif change == "bit":
                free = word * 64 + (0 if word * 64 != bases[20, 0] else 1)
                block[40:42, free // 64] ^= np.uint64(1 << (free % 64))
            elif change == "doubled":
                block[40:42], bases[20] = block[word : word + 2], bases[word // 2]
                if word % 2:
                    block[40:42] = block[[word + 1, word]]
            else:
                keep = [*range(40), *range(42, len(block))]
                found = prover.check(
                    block[keep], points[1:], shifts, np.delete(bases, 20, axis=0)
                )
                prover.append(block[keep], found)
                return
        prover.append(block, prover.check(block, points, shifts, bases))

    def prove_all():
        listed = [block.patterns.copy() for block in run(plan, check=check)]
        prover.conclude(np.concatenate(listed))

    with pytest.raises(IncompleteListingError):
        prove_all()
    assert is_altered
    proof = enumerate_patterns(rows).proof
    assert proof.n_patterns == 4200
    assert proof.n_exact_witnesses == 0


@pytest.mark.parametrize("k", [1, 777, 2001])
def test_an_altered_antipode_is_found(listed, k):
    arrangement, patterns, witnesses, bases, shifts = listed
    patterns = patterns.copy()
    patterns[k, 0] ^= np.uint64(1 << 17)
    with pytest.raises(IncompleteListingError, match=f"pattern {k} of the list"):
        prove(arrangement, patterns, witnesses, bases, shifts, block=1000)


def test_what_is_no_list_of_patterns_is_refused_by_name():
    with pytest.raises(InputTypeError, match="patterns is str; expected a PatternSet"):
        verify("x", X)
