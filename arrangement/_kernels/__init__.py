"""Numba kernels; see each module."""

# before any kernel: what is compiled from here on is told of
from arrangement._kernels import notice as _notice  # noqa: F401
