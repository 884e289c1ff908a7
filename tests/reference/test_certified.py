"""Two references of the losses and their conjugates agree."""

from fractions import Fraction

import pytest

from reference import losses
from reference.certified import largest_price_squared, sample_dual, sample_loss


@pytest.mark.slow
@pytest.mark.every
@pytest.mark.parametrize("spec", losses.SPECS)
def test_closed_forms_are_the_definitions(spec):
    name, parameter = losses.parts(spec)
    labels = (-1, 1) if name in losses.LABELLED else (0, 2, Fraction(7, 3))
    for y in map(Fraction, labels):
        for k in range(-9, 10):
            f = Fraction(k, 3)
            low, high = sample_loss(name, parameter, f, y)
            assert low <= losses.value(spec, f, y) + Fraction(1, 10**30)
            assert high >= losses.value(spec, f, y) - Fraction(1, 10**30)
        for k in range(-6, 7):
            v = Fraction(k, 6)
            found, other = (
                sample_dual(name, parameter, 3 * v, y, Fraction(3)),
                losses.conjugate(spec, v, y),
            )
            assert (found is None) == (other == float("inf"))
            if found is not None:
                assert found[0] - Fraction(1, 10**25) <= -3 * other
                assert -3 * other <= found[1] + Fraction(1, 10**25)


def test_prices_of_one_and_two_columns():
    # the row itself; 3 and 4 on the axes; opposite rows have both signs apart
    assert largest_price_squared([[Fraction(2)]], [3]) == 36
    assert largest_price_squared([[1, 0], [0, 1]], [3, 4]) == 25
    assert largest_price_squared([[1, 0], [-1, 0]], [3, 4]) == 16
