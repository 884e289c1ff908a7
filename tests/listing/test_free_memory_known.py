"""How much memory a list may take: what the system and its control groups leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arrangement import ListingTooLargeError, enumerate_patterns, options

MIB = 1 << 20


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Files of a system with 300 MiB available, of which 100 MiB nobody uses."""
    groups = tmp_path / "cgroup"
    groups.mkdir()
    (tmp_path / "meminfo").write_text(
        f"MemTotal: {4096 * 1024} kB\nMemFree: {100 * 1024} kB\n"
        f"MemAvailable:   {300 * 1024} kB\nBuffers: 7 kB\n"
    )
    (tmp_path / "self").write_text("")
    monkeypatch.setattr(options, "_MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(options, "_GROUPS_OF_PROCESS", tmp_path / "self")
    monkeypatch.setattr(options, "_GROUPS", groups)
    options._limited_groups.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    options._limited_groups.cache_clear()


def group(folder: Path, version: int, limit: str, used: int, files: int) -> None:
    """Write what a control group says of itself."""
    folder.mkdir(parents=True, exist_ok=True)
    names = options._NAMES[version]
    prefix = "total_" if version == 1 else ""
    said = f"anon 5\n{prefix}inactive_file {files}\nactive_file 3\n"
    for name, text in zip(names, (f"{limit}\n", f"{used}\n", said), strict=True):
        (folder / name).write_text(text)


def test_files_that_the_system_would_drop_count_as_free(system):
    assert options.free_bytes() == 300 * MIB


def test_without_a_figure_of_what_is_available_free_pages_count(system, monkeypatch):
    (system / "meminfo").write_text("MemTotal: 4096 kB\nMemFree: 1024 kB\n")
    monkeypatch.setattr(options, "_pages", {"SC_AVPHYS_PAGES": 7 * MIB}.get)
    assert options.free_bytes() == 7 * MIB
    (system / "meminfo").unlink()
    assert options.free_bytes() == 7 * MIB


@pytest.mark.parametrize("version", [1, 2])
def test_a_control_group_leaves_its_limit_less_what_is_used(system, version):
    root = system / "cgroup" / ("memory" if version == 1 else "")
    word = "4:cpu,memory" if version == 1 else "0:"
    (system / "self").write_text(f"9:name=systemd:/\n{word}:/job.slice/step\n")
    group(root / "job.slice" / "step", version, str(80 * MIB), 50 * MIB, 20 * MIB)
    assert options.free_bytes() == 50 * MIB
    # a parent that leaves less, found anew by a new process only
    group(root / "job.slice", version, str(90 * MIB), 80 * MIB, 0)
    assert options.free_bytes() == 50 * MIB
    options._limited_groups.cache_clear()
    assert options.free_bytes() == 10 * MIB
    # full, then lifted, then gone
    group(root / "job.slice", version, str(90 * MIB), 91 * MIB, 0)
    assert options.free_bytes() == 0
    group(root / "job.slice", version, "max", 91 * MIB, 0)
    assert options.free_bytes() == 50 * MIB
    for name in options._NAMES[version]:
        (root / "job.slice" / "step" / name).unlink()
    assert options.free_bytes() == 300 * MIB


def test_a_container_sees_its_own_group_at_the_root(system):
    (system / "self").write_text("0::/\n")
    group(system / "cgroup", 2, str(64 * MIB), 4 * MIB, 0)
    assert options.free_bytes() == 60 * MIB


def test_a_limit_above_all_memory_is_none(system):
    (system / "self").write_text("4:memory:/a\n0::/\n")
    group(system / "cgroup" / "memory" / "a", 1, str((1 << 63) - 4096), 5, 0)
    assert options._limited_groups() == []
    assert options.free_bytes() == 300 * MIB


def test_a_list_that_no_group_has_room_for_is_refused(system):
    X = np.random.default_rng(0).normal(size=(40, 3))
    assert len(enumerate_patterns(X)) == 1562
    (system / "self").write_text("0::/job\n")
    group(system / "cgroup" / "job", 2, str(MIB), MIB - 2 * 8 * 1561, 0)
    options._limited_groups.cache_clear()
    with pytest.raises(ListingTooLargeError, match="12,488 bytes are allowed"):
        enumerate_patterns(X)
