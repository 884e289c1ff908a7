"""A store that tests may damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrangement import write_patterns

from reference.stores import matrix


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "list.zarr"
    write_patterns(path, matrix(), block_size=32)
    return path
