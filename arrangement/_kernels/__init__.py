"""Numba kernels; see each module.

What is compiled is told of from here on: the notice comes before any kernel.
"""

from arrangement._kernels import notice

__all__ = ["notice"]
