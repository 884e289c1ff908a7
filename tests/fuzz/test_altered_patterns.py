"""Altered lists of patterns, npz files and Zarr stores: refused, or the list written.

What the file says about its own completeness is a claim; `verify` decides.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import struct
import zipfile

import numpy as np
import pytest
import zarr

from arrangement import (
    ArrangementError,
    PatternSet,
    enumerate_patterns,
    open_patterns,
    verify,
    write_patterns,
)

from fuzz.alterations import (
    altered_bytes,
    altered_document,
    attempt,
    check_refusal,
    run_cases,
    to_json,
    with_twin,
)

GENERIC = [[1, 2], [3, -1], [-2, 5], [1, 1], [4, -3], [2, 7]]
MANY = [[i * i - 40 * i + 3, 2 * i + 1] for i in range(66)]
MATRICES = (
    (GENERIC, None),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [0, 1, -1], [0, 0, 0]], None),
    (GENERIC[:4], [1, 0, -1, 2]),
    (MANY, None),
)
BIG = (-1, 0, 1, 63, 64, 65, 2**31, 2**62, 2**63 - 1)
TEXTS = ("", "0", "-1", "1e3", "10" * 3000, "x", "nan", "4294967296", "line\nline")


def same_list(found, patterns):
    """Whether two lists say the same about their patterns."""
    return (
        np.array_equal(found.packed[:], patterns.packed[:])
        and found.packed.dtype == np.uint64
        and (found.n_rows, found.rank, found.bound)
        == (patterns.n_rows, patterns.rank, patterns.bound)
        and found.plan == patterns.plan
    )


def check_verified(found, patterns, matrix, offsets):
    """Whether `verify` confirms exactly the complete list."""
    rows = [words.tobytes() for words in patterns.packed]
    listed = [words.tobytes() for words in found.packed]
    is_true = sorted(rows) == sorted(listed) and found.n_rows == patterns.n_rows
    proof, error = attempt(
        ArrangementError, lambda: verify(found, matrix, offsets=offsets)
    )
    if error is not None:
        assert not is_true, error
        return "refused by the matrix"
    assert is_true, "a false list was verified"
    assert proof.n_patterns == proof.count == len(rows)
    return "the list that was written"


# ---- npz ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files as they were written: bytes, what is read from them, the matrix."""
    folder = tmp_path_factory.mktemp("patterns")
    found = []
    for k, (matrix, offsets) in enumerate(MATRICES):
        path = folder / f"{k}.npz"
        enumerate_patterns(matrix, offsets=offsets, prove=k != 1).save(path)
        found.append((path.read_bytes(), PatternSet.load(path), matrix, offsets))
    return found


def npy(array, header=None):
    """An npy member, with another header if asked for."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    raw = stream.getvalue()
    if header is None:
        return raw
    begin = 10 + struct.unpack_from("<H", raw, 8)[0]
    text = header.encode()
    return raw[:8] + struct.pack("<H", len(text)) + text + raw[begin:]


def zipped(members, compression=zipfile.ZIP_DEFLATED, n_zeros=0):
    """An archive; so many zero bytes follow the last member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression, compresslevel=1) as archive:
        for name, content in members[:-1]:
            archive.writestr(name, content)
        with archive.open(members[-1][0], "w") as last:
            last.write(members[-1][1])
            for _ in range(n_zeros >> 20):
                last.write(bytes(1 << 20))
    return stream.getvalue()


def lying_header(rng, array):
    """A header that claims another shape, type or order; some are no header at all."""
    shape = rng.choice(
        (
            "(0,)",
            "()",
            "(-1, 1)",
            "(1,)",
            "(2, 2)",
            f"({10**15}, 1)",
            f"({2**64}, {2**64})",
            f"({array.size * 2},)",
            "(1.5, 1)",
            "None",
            "('a',)",
            "(True, 1)",
            str(array.shape),
        )
    )
    kind = rng.choice(
        ("'<u8'", "'<i8'", "'>u8'", "'|O'", "'<f8'", "'|V8'", "'<U9'", "None", "[]")
    )
    kind = rng.choice((kind, repr(array.dtype.str)))
    order = rng.choice(("False", "False", "True", "2", "None"))
    return rng.choice(
        (
            f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n",
            f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}",
            "(" * 5000,
            "[" * 90 + "]" * 90,
            "-" * 30000 + "1",
            "__import__('os').getcwd()",
            f"{{'shape': {shape}}}",
            "",
            "9" * 6000,
        )
    )


def altered_value(rng, name, array):
    """Another array for a member: another type, shape or number."""
    if name == "packed" and rng.random() < 0.6 and array.size:
        packed = array.copy()
        what = rng.randrange(8)
        if what == 0:
            row, word = rng.randrange(len(packed)), rng.randrange(packed.shape[1])
            packed[row, word] ^= np.uint64(1 << rng.randrange(64))
        elif what == 1:
            packed = packed[: rng.randrange(len(packed))]
        elif what == 2:
            packed = np.concatenate([packed, packed[:2]])
        elif what == 3:
            packed[0] = packed[-1]
        elif what == 4:
            packed = packed[::-1]
        elif what == 5:
            packed = packed.astype(rng.choice((">u8", "<i8", "<f8", "<u4", "|O")))
        elif what == 6:
            packed = packed.T.copy()
        else:
            packed = np.asfortranarray(packed)
        return packed
    return rng.choice(
        (
            np.int64(rng.choice(BIG)),
            np.float64(rng.choice((0.5, float("nan"), float("inf"), 2.0, 1e300))),
            np.array(rng.choice(TEXTS)),
            np.array(rng.choice(TEXTS).encode()),
            np.array([rng.choice(BIG)]),
            np.array([[1, 2], [3, 4]]),
            np.zeros((0, 1), dtype=np.uint64),
            np.zeros((3, 2**20), dtype=np.uint64),
            np.array({"a": 1}, dtype=object),
            np.array(10**400, dtype=object),
            np.zeros(2, dtype=[("a", "<i4"), ("b", "<f8")]),
            np.array("2020-01-01", dtype="datetime64[D]"),
            np.array(1 + 2j),
            np.array(True),
            np.float16(3.0),
        )
    )


def altered_npz(rng, raw):
    """The bytes of an altered file."""
    if rng.random() < 0.35:
        return altered_bytes(rng, raw)
    with np.load(io.BytesIO(raw), allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    members = [(f"{name}.npy", npy(array)) for name, array in arrays.items()]
    k = rng.randrange(len(members))
    if rng.random() < 0.5:
        k = list(arrays).index("packed")
    name = list(arrays)[k]
    what = rng.randrange(10)
    if what <= 2:
        members[k] = (members[k][0], npy(altered_value(rng, name, arrays[name])))
    elif what == 3:
        del members[k]
    elif what == 4:
        members.append((members[k][0], npy(altered_value(rng, name, arrays[name]))))
    elif what == 5:
        header = lying_header(rng, arrays[name])
        members[k] = (members[k][0], npy(arrays[name], header))
    elif what == 6:
        members[k] = (members[k][0], altered_bytes(rng, members[k][1]))
    elif what == 7:
        # what unpacks to a thousand times its size, as its header says or not
        shape = rng.choice((f"({1 << 25}, 1)", str(arrays[name].shape)))
        kind = rng.choice(("<u8", arrays[name].dtype.str))
        header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"
        last = members.pop(k)
        members.append((last[0], npy(np.zeros(0), header)))
        return zipped(members, n_zeros=1 << 28)
    elif what == 8:
        members[k] = (rng.choice(("../" + members[k][0], name, "x.npy")), members[k][1])
    else:
        out = bytearray(zipped(members))
        # the sizes and checksums that the central directory claims
        place = out.rfind(b"PK\x01\x02") + rng.choice((10, 16, 20, 24, 42))
        out[place : place + 4] = struct.pack("<I", rng.choice((0, 1, 2**31, 2**32 - 1)))
        return bytes(out)
    return zipped(members, rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_altered_npz_is_believed(files, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"npz-{number}")
        raw, patterns, matrix, offsets = rng.choice(files)
        path = tmp_path / f"{number}.npz"
        path.write_bytes(altered_npz(rng, raw))
        found, error = attempt(Exception, lambda: PatternSet.load(path))
        path.unlink()
        if error is not None:
            check_refusal(error, path, ArrangementError)
            return "refused when read"
        assert found.proof is None, "a proof came out of a file"
        if same_list(found, patterns):
            check_verified(found, patterns, matrix, offsets)
            return "the list that was written"
        assert 0 <= found.rank <= found.n_rows + 1
        assert len(found) <= found.bound, "a bound below the number was believed"
        padding = found.to_bool()
        assert padding.shape == (len(found), found.n_rows)
        return check_verified(found, patterns, matrix, offsets)

    outcomes = run_cases(case, "npz", fuzz_seeds)
    assert 3 * outcomes["refused when read"] >= len(fuzz_seeds)


# ---- Zarr stores -------------------------------------------------------------------


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Stores as they were written: folder, the list in memory, the matrix."""
    folder = tmp_path_factory.mktemp("stores")
    found = []
    for k, (matrix, offsets) in enumerate(MATRICES):
        path = folder / f"{k}.zarr"
        size = (4, 4, 1000, 300)[k]
        write_patterns(path, matrix, offsets=offsets, block_size=size, prove=k != 1)
        found.append((path, open_patterns(path), matrix, offsets))
    return found


def seal(document):
    """Compute the digest of the header anew, as an attacker can."""
    try:
        values = document["attributes"]["arrangement"]
        fields = {key: value for key, value in values.items() if key != "sha256"}
        text = json.dumps(fields, sort_keys=True)
        values["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    except Exception:
        pass
    return document


def rewrite_chunk(rng, folder):
    """Change a pattern and compute all digests anew."""
    array = zarr.open_array(folder, mode="r+")
    size = array.chunks[0]
    packed = array[:size]
    row = rng.randrange(len(packed))
    packed[row, 0] ^= np.uint64(1 << rng.randrange(6))
    array[:size] = packed
    digest = hashlib.sha256(packed.astype("<u8").tobytes()).hexdigest()
    lines = (folder / "checksums").read_text().splitlines(keepends=True)
    size = (folder / "c.0.0").stat().st_size
    lines[0] = f"{digest}  {size}  c.0.0\n"
    (folder / "checksums").write_text("".join(lines))
    document = json.loads((folder / "zarr.json").read_text())
    chain = hashlib.sha256("".join(lines).encode()).hexdigest()
    document["attributes"]["arrangement"]["checksums_sha256"] = chain
    (folder / "zarr.json").write_text(json.dumps(seal(document)))


def alter_store(rng, folder):
    """Alter one file of a store, or remove, add or exchange files.

    Returns whether all digests were computed anew.
    """
    if rng.random() < 0.1:
        rewrite_chunk(rng, folder)
        return True
    metadata = folder / "zarr.json"
    names = sorted(p.name for p in folder.iterdir())
    name = rng.choice((*names, "zarr.json", "zarr.json", "checksums"))
    path = folder / name
    what = rng.randrange(8)
    if what == 0:
        path.unlink()
    elif what == 1:
        path.write_bytes(altered_bytes(rng, path.read_bytes()))
    elif what == 2:
        other = folder / rng.choice(names)
        raw = path.read_bytes()
        path.write_bytes(other.read_bytes())
        other.write_bytes(raw)
    elif what == 3:
        path.unlink()
        path.mkdir()
    elif what == 4 and rng.random() < 0.3:
        (folder / "strange").write_bytes(b"strange")
    else:
        document = json.loads(metadata.read_text())
        fields = document["attributes"]["arrangement"]
        if what == 5:
            claims = {
                "proof": "proven by hand",
                "proof_method": rng.choice(("cover bound", "none", "", 7, None)),
                "status": rng.choice(("complete", "incomplete", 1)),
                "bound": rng.choice(("6", "1e3", "-1", 10**30, "9" * 5000, None)),
                "rank": rng.choice((0, 1, -1, 10**9, 2.5, None, "2")),
                "count": rng.choice((0, 1, 2**62, -1, 2.5, "3", True)),
                "chunks": rng.choice((0, 1, 10**12, -1, 2.5, "3", True)),
                "block_size": rng.choice((0, 1, -1, 10**15, 2.5, "3", None)),
                "n_rows": rng.choice((0, 1, 64, 65, 10**15, -1, 2.5, "3")),
                "plan": rng.choice(("another plan", 5, None, "line\nline")),
                "matrix_sha256": "0" * 64,
                "antipodes": "none",
                "checksums_sha256": hashlib.sha256().hexdigest(),
            }
            chosen = rng.choice(list(claims))
            fields[chosen] = claims[chosen]
            if chosen in ("count", "chunks") and rng.random() < 0.5:
                document["shape"][0] = claims[chosen]
            if chosen == "n_rows" and isinstance(fields["n_rows"], int):
                document["shape"][1] = -(-fields["n_rows"] // 64)
            twin = None
        else:
            document, twin = altered_document(rng, document)
        is_sealed = rng.random() < 0.6
        if is_sealed:
            document = seal(document)
        text = to_json(document)
        if twin is not None:
            text = with_twin(text, str(twin[0][-1]), twin[1])
        metadata.write_text(text, encoding="utf-8", errors="surrogatepass")
        return is_sealed
    return False


@pytest.mark.slow
def test_no_altered_store_is_believed(stores, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"store-{number}")
        original, patterns, matrix, offsets = rng.choice(stores)
        folder = tmp_path / f"{number}.zarr"
        shutil.copytree(original, folder)
        try:
            is_sealed = alter_store(rng, folder)
            found, error = attempt(Exception, lambda: open_patterns(folder))
            listed = None
            if error is None:
                listed, error = attempt(Exception, lambda: found[:])
            if error is not None:
                check_refusal(error, folder, ArrangementError)
                return "refused when read"
            is_same = same_list(found, patterns)
            assert is_same or is_sealed, "another list was read"
            assert not getattr(found, "is_proven", False), "a claim reads as proven"
            assert listed.proof is None, "a proof came out of a store"
            assert len(listed) <= found.bound, "a bound below the number was believed"
            assert 0 <= found.rank <= found.n_rows + 1
            outcome = check_verified(listed, patterns, matrix, offsets)
            _, error = attempt(
                ArrangementError, lambda: found.verify(matrix, offsets=offsets)
            )
            if error is None:
                assert outcome == "the list that was written"
            else:
                assert not is_same or found.matrix_sha256 != patterns.matrix_sha256
                assert "\n" not in str(error)
            return outcome if is_same else "another list"
        finally:
            shutil.rmtree(folder)

    outcomes = run_cases(case, "store", fuzz_seeds)
    assert 3 * outcomes["refused when read"] >= len(fuzz_seeds)
