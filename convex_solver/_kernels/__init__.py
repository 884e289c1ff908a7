"""Compiled kernels; no validation, no Python objects."""
