"""Numba kernels; see each module."""
