"""What the header of a store may not say, with a digest that fits."""

import hashlib
import json
import struct

import numpy as np
import pytest

from arrangement import (
    IncompleteListingError,
    InputError,
    open_patterns,
    verify,
    write_patterns,
)

zarr = pytest.importorskip("zarr")
X = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "a.zarr"
    write_patterns(path, X, block_size=4, prove=False)
    return path


def change(store, **fields):
    """Change fields of the header, and compute its digest anew."""
    path = store / "zarr.json"
    document = json.loads(path.read_text())
    values = document["attributes"]["arrangement"] | fields
    values.pop("sha256")
    text = json.dumps(values, sort_keys=True)
    values["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    document["attributes"]["arrangement"] = values
    document["shape"] = [values["count"], document["shape"][1]]
    path.write_text(json.dumps(document))


def test_a_claim_of_completeness_proves_nothing(store):
    change(store, proof="proven by hand", proof_method="cover bound")
    stored = open_patterns(store)
    assert stored.proof is None
    assert stored.claim == "proven by hand"
    assert stored[:].proof is None
    # going on with it lists and compares, whatever it says
    again = write_patterns(store, X, block_size=4, resume=True)
    assert again.proof.n_patterns == len(again) == 14
    assert open_patterns(store).claim == str(again.proof)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rank": 5}, "its rank is 5 of 4 rows"),
        ({"rank": 2.0}, "rank is 2.0"),
        ({"rank": True}, "rank is True"),
        ({"n_rows": 10**15}, "its chunks would have 4 patterns"),
        ({"bound": "13"}, "14 patterns and its bound do not fit"),
        ({"bound": "17"}, "14 patterns and its bound do not fit"),
        ({"bound": "9" * 5000}, "its bound is no number"),
        ({"bound": 14}, "bound is 14"),
        ({"block_size": 0}, "its chunks would have 0 patterns"),
        ({"block_size": 10**12}, "its chunks would have 1,000,000,000,000 patterns"),
        ({"chunks": 3}, "14 patterns are not in 3 chunks"),
        ({"count": 12}, "12 patterns are not in 4 chunks"),
        ({"count": -1}, "count is negative"),
        ({"status": "done"}, "its status is 'done'"),
        ({"total": None}, "its total is not what is there"),
        ({"plan": "two\nlines"}, "plan holds control characters"),
        ({"more": 1}, "'more' is unknown"),
    ],
)
def test_headers_that_cannot_be_are_named(store, fields, message):
    change(store, **fields)
    with pytest.raises(InputError, match=r"zarr\.json is altered: ") as caught:
        open_patterns(store)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_that_says_two_things_is_damaged(store):
    path = store / "zarr.json"
    text = path.read_text()
    for other, what in (
        (text.replace('"count"', '"count": 1, "count"', 1), "'count' stands twice"),
        (text.replace("14", "NaN", 1), "NaN is no finite number"),
        ("[" * 10**5, "nested too deeply"),
    ):
        path.write_text(other)
        with pytest.raises(InputError, match=rf"zarr\.json is damaged: .*{what}"):
            open_patterns(store)


def test_folders_in_place_of_files_are_named(store):
    for name in ("checksums", "zarr.json"):
        (store / name).unlink()
        (store / name).mkdir()
        with pytest.raises(InputError, match=rf"cannot read .*{name}"):
            open_patterns(store)


def test_a_frame_that_claims_another_size_is_refused_before_it_is_read(store):
    chunk = store / "c.0.0"
    raw = bytearray(chunk.read_bytes())
    struct.pack_into("<I", raw, 4, 2**31 - 1)
    chunk.write_bytes(raw)
    with pytest.raises(InputError, match=r"chunk 0 of .*its frame is not one of 32 b"):
        open_patterns(store)[:]


def test_a_list_that_is_false_in_every_digest_is_not_verified(store):
    array = zarr.open_array(store, mode="r+")
    packed = array[:4]
    packed[0, 0] ^= np.uint64(1)
    array[:4] = packed
    lines = (store / "checksums").read_text().splitlines(keepends=True)
    digest = hashlib.sha256(packed.tobytes()).hexdigest()
    lines[0] = f"{digest}  {(store / 'c.0.0').stat().st_size}  c.0.0\n"
    (store / "checksums").write_text("".join(lines))
    chain = hashlib.sha256("".join(lines).encode()).hexdigest()
    change(store, checksums_sha256=chain)
    stored = open_patterns(store)
    for attempt in (lambda: stored.verify(X), lambda: verify(stored[:], X)):
        with pytest.raises(IncompleteListingError):
            attempt()
    with pytest.raises(InputError, match="differs from what the matrix gives now"):
        write_patterns(store, X, block_size=4, resume=True)
