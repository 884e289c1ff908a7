"""Shared fixtures: the folder of data sets that cannot ship with the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how many cases a fuzzer makes, and from which seed on."""
    group = parser.getgroup("fuzz")
    group.addoption("--fuzz", type=int, default=0, help="cases of each fuzzer")
    group.addoption("--fuzz-first", type=int, default=0, help="seed of the first case")


@pytest.fixture
def fuzz_seeds(request: pytest.FixtureRequest) -> range:
    """Seeds of the cases that a fuzzer makes; each is reproduced from its seed."""
    first = request.config.getoption("--fuzz-first")
    return range(first, first + request.config.getoption("--fuzz"))


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
