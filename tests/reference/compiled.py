"""Ways in to kernels that have none from Python (see `_kernels/compile.py`)."""

from __future__ import annotations

import numba

from arrangement._kernels.cells import float_rays, walk_floats


def plain(kernel):
    """Return the Python function of a kernel; with NUMBA_DISABLE_JIT that is all."""
    return getattr(kernel, "py_func", kernel)


# never cached: a cached caller does not notice an edited callee in another file


@numba.njit
def solve_ray(rows, rays, masks, valid, pending, solver, ray):
    """Call the kernel of this name."""
    return float_rays.solve_ray(rows, rays, masks, valid, pending, solver, ray)


@numba.njit
def value_and_error(rows, rays, row, ray):
    """Return the value of a row at a ray and the bound on its error."""
    return (
        float_rays.value_at(rows, rays, row, ray),
        float_rays.value_error(rows, rays, row, ray),
    )


@numba.njit
def combine(rows, rays, row, new, p, q):
    """Combine two rays on the positive and on the negative side of a row."""
    value_p = walk_floats.side_value(rows, rays, row, p, 1.0)
    value_q = walk_floats.side_value(rows, rays, row, q, -1.0)
    walk_floats.combine(rows, rays, row, new, p, q, value_p, value_q)
