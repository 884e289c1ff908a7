"""Shared fixtures: the folder of data sets that cannot ship with the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder named by ARRANGEMENT_DATA; the test is skipped where there is none."""
    name = os.environ.get("ARRANGEMENT_DATA")
    if not name:
        pytest.skip(
            "ARRANGEMENT_DATA is not set: it names the folder of the data sets "
            "(iris.npz, isf_instances.npz, ...) that do not ship with the project"
        )
    folder = Path(name)
    if not folder.is_dir():
        pytest.skip(f"ARRANGEMENT_DATA={name!r} is not a folder")
    return folder
