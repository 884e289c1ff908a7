"""A small matrix, and all bytes of the store of its patterns."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def matrix(n: int = 12, d: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, (n, d))


def tree(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}
