"""The reader of imports, on packages of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from walls.import_graph import ImportGraph, circle, longest_chain


@pytest.fixture
def graph(tmp_path: Path):
    """Return a function that writes files of a package ``p`` and reads them."""

    def read(files: dict[str, str]) -> ImportGraph:
        for name, text in {"__init__": "", **files}.items():
            path = tmp_path / "p" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return ImportGraph(tmp_path / "p")

    return read


ROOM = {
    "room/__init__": "from p.room.one import f\nfrom p.room.two import g as h\n",
    "room/one": "def f(): ...\n",
    "room/two": "from p.low import x as g\n",
    "low": "x = 1\n",
}


@pytest.mark.parametrize(
    "text",
    [
        "from p.room import f",
        "def late():\n    from p.room import f",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.room import f",
        "try:\n    from .room import f\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_counts_wherever_it_stands(graph, text):
    read = graph({"user": text, **ROOM})
    assert read.direct["p.user"] == {"p.room"}
    assert read.resolved["p.user"] == {"p.room.one"}


def test_a_name_leads_through_its_door_to_the_file_that_defines_it(graph):
    read = graph({"user": "from p.room import h", **ROOM})
    assert read.resolved["p.user"] == {"p.room.two"}
    assert read.reached("p.user") == {
        "p.user": ["p.user"],
        "p.room.two": ["p.user", "p.room.two"],
        "p.low": ["p.user", "p.room.two", "p.low"],
    }


def test_a_door_taken_whole_counts_with_all_it_hands_on(graph):
    for text in ("import p.room", "from p import room", "from p.room import *"):
        assert "p.low" in graph({"user": text, **ROOM}).reached("p.user")


def test_a_file_may_be_taken_from_its_folder(graph):
    read = graph({"user": "from p.room import two", **ROOM})
    assert read.direct["p.user"] == read.resolved["p.user"] == {"p.room.two"}


def test_rooms_are_folders_and_the_files_of_halls(graph):
    files = ["_kernels/__init__", "_kernels/bits", "_kernels/sub/__init__"]
    kernels = dict.fromkeys([*files, "_kernels/sub/walk"], "")
    read = graph({"user": "from p.room import f", **kernels, **ROOM})
    rooms = {name: read.room(name) for name in read.paths}
    assert rooms["p.room.one"] == rooms["p.room"] == "p.room"
    assert rooms["p._kernels.bits"] == "p._kernels.bits"
    assert rooms["p._kernels.sub.walk"] == "p._kernels.sub"
    assert read.rooms["p.user"] == {"p.room"}
    assert read.rooms["p.room"] == {"p.low"}


def test_circles_are_found_and_chains_are_longest():
    edges = {"a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}}
    assert circle(edges) == []
    assert longest_chain(edges) == ["a", "b", "c", "d"]
    edges["d"] = {"b"}
    assert circle(edges) == ["b", "c", "d", "b"]
    assert circle({"a": {"a"}}) == ["a", "a"]


def test_packages_of_others_are_told_by_their_first_name(graph):
    read = graph(
        {"user": "import a.b\nfrom c.d import e\nfrom p.room import f", **ROOM}
    )
    assert read.outside("p.user") == {"a", "c"}
