"""The pieces of a covering: all orthants once, whatever the number of threads."""

import numpy as np
import pytest

import convex_solver.certificates.covering_pieces as pieces
from convex_solver._kernels.certify import covering
from convex_solver.certificates.covering import cover_sphere
from convex_solver.certificates.signed_rows import merge_rows

from instances import ridge_residual

pytestmark = pytest.mark.kernels
OPENING = pieces.OPENING


def test_what_is_left_on_the_stack_is_part_of_the_bound():
    problem = merge_rows(np.eye(2), np.ones(2), np.zeros((2, 2)))
    side = pieces.side_of(problem, 1.0)
    piece = pieces.piece_of(side, 3, 4, 0)
    piece.counters[[covering.HEIGHT, covering.ORTHANT]] = 2, 4
    piece.stack.bounds[:3] = 0.1, 0.3, 0.7
    assert piece.left == 0.3
    both = pieces.Pieces([side], np.zeros(6), np.zeros(2), 0)
    whole = pytest.approx(2.0 * problem.rows.max())
    assert both.left == whole
    assert not both.is_done
    # three orthants that are not begun
    both.begun = [piece]
    assert both.left == whole
    both.n_begun = [4]
    assert both.left == 0.3
    assert not both.is_done
    piece.counters[covering.ORTHANT] = 3
    piece.stack.bounds[:3] = 0.0
    assert both.left == whole
    piece.is_done = True
    assert both.left == 0.0
    assert both.is_done


def recorded(monkeypatch):
    """The pieces that begin, and the orthants that they begin with."""
    begun = []
    piece_of = pieces.piece_of

    def note(side, first, end, n_peaks):
        begun.append((piece_of(side, first, end, n_peaks), first))
        return begun[-1][0]

    monkeypatch.setattr(pieces, "piece_of", note)
    return begun


@pytest.mark.parametrize("opening", [0, 2, 17, OPENING])
@pytest.mark.parametrize("most", [2, 5, 32])
def test_each_orthant_of_each_sign_is_in_one_piece(monkeypatch, most, opening):
    begun = recorded(monkeypatch)
    monkeypatch.setattr(pieces, "MOST_PIECES", most)
    monkeypatch.setattr(pieces, "OPENING", opening)
    X, v = ridge_residual(30, 3, seed=1)
    assert cover_sphere(X, v).is_reached
    for sign in (-1.0, 1.0):
        parts = [
            (first, int(piece.counters[covering.END]))
            for piece, first in begun
            if piece.side.sign == sign
        ]
        assert [k for part in sorted(parts) for k in range(*part)] == list(range(8))
    assert len(begun) == {0: 18, OPENING: 2}.get(opening, len(begun))
    assert all(piece.is_done for piece, _ in begun)


@pytest.mark.parametrize("opening", [0, 50, OPENING])
@pytest.mark.parametrize("n_peaks", [0, 30])
@pytest.mark.parametrize("r", [1, 2, 3, 4, 5])
def test_the_number_of_threads_changes_nothing(monkeypatch, r, n_peaks, opening):
    monkeypatch.setattr(pieces, "OPENING", opening)
    X, v = ridge_residual(30, r, seed=r)
    best = cover_sphere(X, v, rtol=0.1).value
    for options in ({}, {"max_cones": 900}, {"rtol": 1e-3}):
        options = {"floor": 0.6 * best, "n_peaks": n_peaks, **options}
        options = {"max_cones": 20_000, **options}
        one, *others = (cover_sphere(X, v, n_jobs=k, **options) for k in (1, 2, 3))
        for other in others:
            assert other.bound == one.bound
            assert other.value == one.value
            assert other.n_cones == one.n_cones
            assert other.is_reached == one.is_reached
            assert (other.direction == one.direction).all()
            assert (other.peaks == one.peaks).all()
            assert (other.peak_values == one.peak_values).all()


@pytest.mark.parametrize("opening", [0, 1, 50])
@pytest.mark.parametrize("r", [2, 4])
def test_a_covering_that_is_opened_proves_the_same(monkeypatch, r, opening):
    X, v = ridge_residual(30, r, seed=r)
    whole = cover_sphere(X, v)
    monkeypatch.setattr(pieces, "OPENING", opening)
    other = cover_sphere(X, v)
    assert other.bound == pytest.approx(whole.bound, rel=1e-11)
    assert other.is_reached
    # and what is not covered is part of the bound
    few = cover_sphere(X, v, max_cones=2**r)
    assert not few.is_reached
    assert few.bound > whole.bound


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_what_a_thread_raises_ends_the_covering(monkeypatch, n_jobs):
    def broken(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(pieces, "cover", broken)
    monkeypatch.setattr(pieces, "OPENING", 0)  # which is of this thread
    X, v = ridge_residual(30, 3, seed=1)
    with pytest.raises(KeyboardInterrupt):
        cover_sphere(X, v, n_jobs=n_jobs)
