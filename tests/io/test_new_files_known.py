"""A new file is whole or not there, and no other is ever written over."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from arrangement import InputError, enumerate_patterns
from arrangement.io import files, new_file, parse_json, write_new

WITHOUT_LINKS = [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS]


def refuse_links(monkeypatch, code):
    def refuse(source, target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "link", refuse)


def write_while_another_does(path):
    with new_file(path) as stream:
        stream.write(b"ours")
        path.write_bytes(b"theirs")


def write_half(path):
    with new_file(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError


def test_a_file_that_came_in_between_is_left_as_it_is(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(InputError, match=r"a\.txt exists: it came to be while this"):
        write_while_another_does(path)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("code", WITHOUT_LINKS)
def test_so_too_where_there_are_no_links(tmp_path, monkeypatch, code):
    refuse_links(monkeypatch, code)
    path = tmp_path / "a.txt"
    write_new(path, b"ours")
    assert path.read_bytes() == b"ours"
    path.unlink()
    with pytest.raises(InputError, match="it came to be"):
        write_while_another_does(path)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == []


def test_a_link_to_nowhere_is_a_name_that_is_taken(tmp_path):
    path = tmp_path / "a.txt"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"a\.txt exists; give another path"):
        write_new(path, b"ours")


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(InputError, match=r"cannot write .*a\.txt: No space left on"):
        write_new(tmp_path / "a.txt", b"ours")
    assert os.listdir(tmp_path) == []


def test_lists_of_patterns_are_not_written_over_either(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save = np.savez_compressed

    def slow(stream, **arrays):
        save(stream, **arrays)
        path.write_bytes(b"theirs")

    monkeypatch.setattr(np, "savez_compressed", slow)
    with pytest.raises(InputError, match="it came to be"):
        enumerate_patterns([[1, 0], [0, 1]]).save(path)
    assert Path(path).read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 1}', "the key 'a' stands twice"),
        ("[NaN]", "NaN is no finite number"),
        ("[1e400]", "the number 1e400 is beyond float64"),
        ("[" + "9" * 5000 + "]", "an integer has 5,000 digits"),
        ("[" * 10**5, "nested too deeply"),
        (b"\xff", "byte 0 is no UTF-8 text"),
        ("[1,]", "no JSON at line 1, column 4"),
    ],
)
def test_json_says_one_thing_only(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)
