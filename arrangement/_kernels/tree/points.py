"""Points of the data from scaled coordinates."""

from __future__ import annotations

from arrangement._kernels.compile import bare_kernel
from arrangement._kernels.powers import exponent_of, times_power

# of an entry that is zero
_NONE = -(1 << 30)


@bare_kernel
def unscale(scaled, shifts, columns, is_affine, points, bad):
    """Write points whose largest entry is about 1, from coordinates that are scaled.

    ``scaled`` (points, r) are finite, and ``2**shift`` times what they stand for;
    ``points`` (points, d) gets them in ``columns`` (r,), each times a power of two of
    its own.  ``bad`` (points,) bool marks those too where an entry underflows, or whose
    last entry is not above 0 where they are ``is_affine``.
    """
    width = shifts.size
    for p in range(scaled.shape[0]):
        highest = _NONE
        for k in range(width):
            if scaled[p, k] != 0.0:
                highest = max(highest, exponent_of(scaled[p, k]) - shifts[k])
        if highest == _NONE:
            highest = 0
        for k in range(width):
            power = -shifts[k] - highest
            value = times_power(scaled[p, k], power)
            points[p, columns[k]] = value
            # a power of two changes no sign unless the entry underflows
            bad[p] |= times_power(value, -power) != scaled[p, k]
        if is_affine:
            bad[p] |= not points[p, columns[width - 1]] > 0.0
