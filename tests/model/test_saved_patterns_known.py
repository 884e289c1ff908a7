"""What a saved list of patterns may not say, and what cannot be changed in one."""

import copy
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from arrangement import InputError, PatternSet, Proof, enumerate_patterns, verify

X = [[1, 0], [0, 1], [1, 1]]


@pytest.fixture
def members(tmp_path):
    """The members of a saved list, name by name."""
    path = tmp_path / "whole.npz"
    enumerate_patterns(X).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def refused(tmp_path):
    """Write members to a file and return why it cannot be read."""

    def why(members):
        path = tmp_path / "altered.npz"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members:
                archive.writestr(name, content)
        with pytest.raises(InputError, match=r"altered\.npz") as caught:
            PatternSet.load(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return why


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def with_header(content, header):
    """An npy file with another header over the same numbers."""
    (size,) = struct.unpack_from("<H", content, 8)
    text = header.encode()
    return content[:8] + struct.pack("<H", len(text)) + text + content[10 + size :]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("packed", np.zeros((4, 1)), "'packed' is <f8 of shape"),
        ("packed", np.zeros((4, 2), np.uint64), "'packed' is <u8 of shape"),
        ("packed", np.zeros(4, np.uint64), "'packed' is <u8 of shape"),
        ("packed", np.zeros((7, 1), np.uint64), "'packed' has 7 rows; at most 6 can"),
        ("packed", np.full((2, 1), 8, np.uint64), "a padding bit is set"),
        ("packed", np.array([{}], object), "header of 'packed' is none"),
        ("n_rows", 3.0, "'n_rows' is <f8"),
        ("n_rows", [3], "'n_rows' is <i8 of shape"),
        ("n_rows", -3, "rank 2 and the bound do not fit"),
        ("rank", 4, "rank 4 and the bound do not fit"),
        ("bound", "1e3", "the bound do not fit"),
        ("bound", "9" * 5000, "'bound' is <U5000"),
        ("bound", "99", "bound is above 2"),
        ("plan", "two\nlines", "control characters"),
    ],
)
def test_members_that_cannot_be_are_named(members, refused, name, value, message):
    array = np.asarray(value)
    if array.dtype == np.int64:
        array = array.astype("<i8")
    assert message in refused([*(members | {f"{name}.npy": npy(array)}).items()])


def test_other_members_than_those_written_are_refused(members, refused):
    what = "does not hold the arrays packed, n_rows, rank, bound, plan, proof, each"
    some = [*members.items()]
    assert what in refused(some[1:])
    assert what in refused([*some, ("more.npy", npy(1))])
    with pytest.warns(UserWarning, match="Duplicate name"):
        assert what in refused([*some, some[0]])


def test_headers_are_not_believed(members, refused):
    def with_packed(header):
        packed = with_header(members["packed.npy"], header)
        return [*(members | {"packed.npy": packed}).items()]

    text = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n"
    assert "is not as long as its header" in refused(
        with_packed(text.format("<u8", (2, 1)))
    )
    assert "'packed' has 1,000,000,000,000,000 rows" in refused(
        with_packed(text.format("<u8", (10**15, 1)))
    )
    for header in ("(" * 5000, "9" * 5000, "{}", "", "{'descr': '|O'}\n"):
        assert "header of 'packed' is none" in refused(with_packed(header))


def test_every_altered_byte_of_the_words_is_noticed(tmp_path):
    path, other = tmp_path / "whole.npz", tmp_path / "other.npz"
    enumerate_patterns(X).save(path)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("packed.npy")
    begin = info.header_offset + 30 + len(info.filename)
    for place in range(begin + 20, begin + info.compress_size):
        other.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
        with pytest.raises(InputError, match=r"other\.npz: it is damaged"):
            PatternSet.load(other)


def test_what_a_file_says_of_its_completeness_is_a_claim(tmp_path):
    path, again = tmp_path / "a.npz", tmp_path / "b.npz"
    patterns = enumerate_patterns(X)
    assert patterns.claim == ""
    patterns.save(path)
    loaded = PatternSet.load(path)
    assert loaded.proof is None
    assert loaded.claim == str(patterns.proof)
    # it stays a claim when it is saved again, and a part claims nothing
    loaded.save(again)
    assert PatternSet.load(again).claim == loaded.claim
    assert loaded[:2].claim == ""
    assert isinstance(verify(loaded, X), Proof)


def test_the_words_that_a_proof_is_about_are_read_only():
    patterns = enumerate_patterns(X)
    copies = (patterns, copy.deepcopy(patterns), pickle.loads(pickle.dumps(patterns)))
    for found in (*copies, patterns[1:], patterns[[0, 1]]):
        with pytest.raises(ValueError, match="read-only"):
            found.packed[0, 0] = 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            found.packed.setflags(write=True)
    assert np.array_equal(copies[2].packed, patterns.packed)


def test_an_array_handed_in_cannot_change_the_list():
    whole = enumerate_patterns(X).packed.copy()
    part = PatternSet(whole[:3], 3, 2, 6)
    whole[0] ^= np.uint64(1)
    assert part.packed[0, 0] == whole[0, 0] ^ np.uint64(1)
    own = whole.copy()
    PatternSet(own, 3, 2, 6)
    with pytest.raises(ValueError, match="read-only"):
        own[0] = 0
