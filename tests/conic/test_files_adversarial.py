"""Files that were cut off, altered, or are something else."""

import hashlib
import json
import math
import struct

import numpy as np
import pytest

from convex_solver import ConicFileError, ConvexProgram, read_conic, write_conic
from convex_solver.conic.binary import MAGIC

PROGRAM = ConvexProgram([[1.0, 2.0], [3.0, -1.0]], [1.0, 0.25], 0.1)


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    path = tmp_path_factory.mktemp("conic") / "program.conic"
    write_conic(path, PROGRAM, form="tree")
    return path.read_bytes()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("conic") / "program.cbf"
    write_conic(path, PROGRAM)
    return path.read_text()


@pytest.fixture
def refused(tmp_path):
    """Write bytes or text to a file and return why it cannot be read."""

    def why(content):
        path = tmp_path / "altered"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ConicFileError) as caught:
            read_conic(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return why


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ConicFileError, match=r"cannot read .*missing: No such file"):
        read_conic(tmp_path / "missing")
    with pytest.raises(ConicFileError, match=r"cannot read .*: Is a directory"):
        read_conic(tmp_path)


def test_every_altered_byte_is_noticed(binary, refused):
    for place in range(0, len(binary), 7):
        altered = bytearray(binary)
        altered[place] ^= 1 << (place % 8)
        refused(bytes(altered))


def test_every_cut_is_noticed(binary, refused):
    for length in range(0, len(binary), 11):
        refused(binary[:length])
    assert "bytes follow the end" in refused(binary + b"\0")


def chunks_of(binary):
    """Header and chunks as they stand in the file."""
    begin = len(MAGIC)
    (size,) = struct.unpack_from("<Q", binary, begin)
    end = begin + 8 + size + 32
    parts = [binary[:end]]
    while end < len(binary):
        _, size = struct.unpack_from("<8sQ", binary, end)
        parts.append(binary[end : end + 16 + size + 32])
        end += 16 + size + 32
    return parts


def chunk(name, content):
    head = struct.pack("<8sQ", name, len(content)) + content
    return head + hashlib.sha256(head).digest()


def sealed(parts):
    """A file of these parts with an end that fits."""
    digests = b"".join(part[-32:] for part in parts)
    return b"".join(parts) + chunk(b"end", hashlib.sha256(digests).digest())


def test_messages_name_the_chunk(binary, refused):
    header, *chunks, _ = chunks_of(binary)
    names = [part[:8].rstrip(b"\0") for part in chunks]
    place = names.index(b"A.value")
    altered = bytearray(chunks[place])
    altered[20] ^= 1
    parts = [header, *chunks[:place], bytes(altered), *chunks[place + 1 :]]
    message = refused(sealed(parts))
    assert f"chunk {place + 1} ('A.value') was altered" in message
    message = refused(binary[:-10])
    assert f"chunk {len(chunks) + 1} ('end') is cut off" in message
    assert "the header was altered" in refused(
        header.replace(b'"tree"', b'"tier"') + b"".join(chunks)
    )
    assert "shorter than its header says" in refused(header)


def test_chunks_that_are_missing_exchanged_or_unknown_are_noticed(binary, refused):
    header, *chunks, end = chunks_of(binary)
    assert sealed([header, *chunks]) == binary
    order = "chunks are missing, or not in their order"
    swapped = [chunks[1], chunks[0], *chunks[2:]]
    assert order in refused(b"".join([header, *swapped, end]))
    assert order in refused(b"".join([header, *chunks[:-1], end]))
    assert "hold less than the header says" in refused(sealed([header, *chunks[:-1]]))
    twice = [header, *chunks, chunks[-1]]
    assert "holds more than the header says" in refused(sealed(twice))
    other = chunk(b"other", b"12345678")
    assert "none that write_conic writes" in refused(sealed([header, *chunks, other]))
    broken = chunk(b"q", b"1234567")
    assert "none that write_conic writes" in refused(sealed([header, broken, *chunks]))


def test_indices_out_of_range_are_no_crash(binary, refused):
    header, *chunks, _ = chunks_of(binary)
    names = [part[:8].rstrip(b"\0") for part in chunks]
    for name, dtype in ((b"A.row", "<i4"), (b"P.index", "<i8"), (b"A.count", "<i8")):
        for value in (-5, 10**6):
            place = names.index(name)
            numbers = np.frombuffer(chunks[place][16:-32], dtype=dtype).copy()
            numbers[-1] = value
            parts = [header, *chunks]
            parts[place + 1] = chunk(name, numbers.tobytes())
            assert "do not fit together" in refused(sealed(parts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("VER\n3", "VER\n5"), "line 4: a version of the format after 4"),
        (("VER\n3", "VER\nthree"), "does not hold 1 numbers"),
        (("MIN", "MAX"), "expected MIN"),
        (("F 27", "L+ 27"), "expected free variables only"),
        (("VAR\n27 1", "VAR\n-2 1"), "expected two counts"),
        (("VAR", "INT"), "'INT' is none that write_conic uses"),
        (("Q 4", "QR 4"), "'QR 4' is no cone that write_conic uses"),
        (("L+ 16", "L+ 15"), "the cones do not have 46 rows together"),
        (("OBJACOORD\n9", "OBJACOORD\n8"), "'26 1.0' is none"),
        (("OBJACOORD\n9", "OBJACOORD\n10"), "does not hold 2 numbers"),
        (("ACOORD\n78", "ACOORD\n999999"), "999999 is no count, or the file is cut"),
        (("ACOORD\n78", "ACOORD\n7.5"), "7.5 is no count"),
        (("26 1.0", "27 1.0"), "an index is not one of 0 .. 26"),
        (("26 1.0", "2.5 1.0"), "an index is not one of 0 .. 26"),
        (("26 1.0", "26 nan"), "a number is not finite"),
        (("BCOORD\n4", "BCOORD\n5"), "does not hold 2 numbers"),
        (("# sha256 ", "# end "), "it ends without '# sha256 ..' and is cut off"),
        (('"rank": 2', '"rang": 2'), "the layout has other fields"),
        (("# layout {", "# layout ["), "the layout cannot be read"),
        (('"rank": 2', '"rank": 2, "rank": 2'), "the key 'rank' stands twice"),
        (('"rank": 2', '"rank": NaN'), "NaN is no finite number"),
        (('"rank": 2', '"rank": null'), "a size in the layout is no count"),
        (('"rank": 2', '"rank": "x"'), "a size in the layout is no count"),
        (('"rank": 2', '"rank": -2'), "a size in the layout is no count"),
        (('"rank": 2', '"rank": 2000'), "the blocks do not end within 27 columns"),
        (('"form": "', '"form": "z'), "a size is no count, or the form is unknown"),
        (("L+ 16", "L+ 016\nL+"), "'L+' is no cone"),
        (("Q 3", "EXP 3\nEXP 4"), "'EXP 4' is no cone"),
        (("26 1.0", "25 1.0"), "an entry of a vector stands twice"),
        (("1 2 3.0", "0 2 3.0"), "an entry of ACOORD stands twice"),
        (("OBJSENSE\nMIN\n", ""), "the file ends without OBJSENSE"),
        (("OBJSENSE\nMIN\n", "VER\n3\n"), "VER came twice"),
    ],
)
def test_messages_of_the_text_reader(change, message, text, refused):
    assert change[0] in text
    assert message in refused(resealed(text.replace(*change, 1)))


def resealed(text):
    """The text with the digest of what it says now in its last line."""
    body, mark, _ = text.rpartition("# sha256 ")
    return (
        f"{body}{mark}{hashlib.sha256(body.encode()).hexdigest()}\n" if mark else text
    )


def test_the_digest_of_the_text_shows_a_digit(text, refused):
    assert resealed(text) == text
    assert "26 1.0" in text
    message = refused(text.replace("26 1.0", "26 1.5"))
    assert "the digest is not that of the lines above" in message
    assert "a line follows the digest" in refused(text + "# more\n")
    assert "the layout came twice" in refused(
        resealed(text.replace("VER\n", text.splitlines()[1] + "\nVER\n"))
    )


def test_every_cut_of_the_text_is_noticed(text, refused):
    for length in range(0, len(text) - 2, 7):
        refused(text[:length])


def test_other_files_are_refused(refused):
    assert "the file ends without" in refused(b"")
    assert "is none that write_conic uses" in refused(b"\x89PNG\r\n\x1a\n\0\0")
    assert "is none that write_conic uses" in refused("hello\n")


def with_header(binary, **changes):
    """The file with other entries in its header, and digests that fit."""
    header, *chunks, _ = chunks_of(binary)
    entries = json.loads(header[len(MAGIC) + 8 : -32]) | changes
    text = json.dumps({k: v for k, v in entries.items() if v is not None}).encode()
    head = struct.pack("<Q", len(text)) + text
    return sealed([MAGIC + head + hashlib.sha256(head).digest(), *chunks])


def with_numbers(binary, name, change):
    """The file with other numbers in a chunk, and digests that fit."""
    header, *chunks, _ = chunks_of(binary)
    names = [part[:8].rstrip(b"\0") for part in chunks]
    place = max(k for k, found in enumerate(names) if found == name)
    kind = {b"A.row": "<i4", b"A.count": "<i8"}.get(name, "<f8")
    numbers = np.frombuffer(chunks[place][16:-32], dtype=kind).copy()
    change(numbers)
    chunks[place] = chunk(name, numbers.tobytes())
    return sealed([header, *chunks])


@pytest.mark.parametrize("name", [b"q", b"b", b"A.value", b"P.value"])
def test_numbers_that_fit_their_digest_are_finite(name, binary, refused):
    for value in (np.nan, np.inf):

        def change(numbers, value=value):
            numbers[-1] = value

        assert "a number is infinite or NaN" in refused(
            with_numbers(binary, name, change)
        )


def test_entries_that_stand_twice_and_negative_costs_are_refused(binary, refused):
    def twice(numbers):
        numbers[:] = numbers[0]

    def negative(numbers):
        numbers[0] = -1.0

    message = refused(with_numbers(binary, b"A.row", twice))
    assert "stand twice, or not in their order" in message
    assert "is not convex" in refused(with_numbers(binary, b"P.value", negative))


def test_headers_that_fit_their_digest_are_still_doubted(binary, refused):
    assert with_header(binary, form="tree") == binary
    for changes in (
        {"n_rows": None},
        {"index": None},
        {"more": 1},
        {"constant": math.nan},
    ):
        message = refused(with_header(binary, **changes))
        assert "the header cannot be understood" in message
    entries = json.loads(chunks_of(binary)[0][len(MAGIC) + 8 : -32])
    for changes in (
        {"n_chambers": -1},
        {"n_entries": 2.5},
        {"rank": True},
        {"index": "<f8"},
        {"constant": "much"},
        {"cones": [["zero", 3]]},
        {"n_rows": entries["n_rows"] + 1},
        {"cones": [["zero", 0, 10**18], *entries["cones"]]},
        {"cones": [["zero", 10**18, 10**18]]},
    ):
        message = refused(with_header(binary, **changes))
        assert "the header contradicts itself" in message
    for changes, part in (
        ({"form": "other"}, "the form is unknown"),
        ({"rank": 2000}, "the blocks do not end within 34 columns"),
        ({"n_cone_rows": 10**6}, "the blocks have more rows than there are"),
    ):
        assert part in refused(with_header(binary, **changes))
    for name in ("n_entries", "n_variables", "n_quadratic"):
        message = refused(with_header(binary, **{name: 10**15}))
        assert "shorter than its header says" in message
