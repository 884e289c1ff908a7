"""Loaders of data that do not ship: folders, checksums, OpenML without a network."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from convex_solver import (
    DataSetError,
    InputError,
    MissingDataSetError,
    load_airplanes_automobiles,
    load_table,
)

FOLDER = os.environ.get("ARRANGEMENT_DATA")
needs_data = pytest.mark.skipif(
    FOLDER is None, reason="ARRANGEMENT_DATA names no folder of data"
)
FILES = {
    "boston": "boston_housing.npz",
    "kin8nm": "kin8nm.npz",
    "bank32nh": "bank32nh.npz",
}
IMAGES = "cifar10_airplane_automobile.npz"


def copy_of(name: str) -> dict[str, np.ndarray]:
    path = Path(FOLDER) / name
    if not path.is_file():
        pytest.skip(f"there is no {name} in {FOLDER}")
    with np.load(path, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


@pytest.fixture
def no_network(monkeypatch):
    """Make scikit-learn's loader say what it says without a network."""
    sklearn = pytest.importorskip("sklearn.datasets")

    def fail(**options):
        raise OSError("no network")

    monkeypatch.delenv("ARRANGEMENT_DATA", raising=False)
    monkeypatch.setattr(sklearn, "fetch_openml", fail)


def answering(monkeypatch, **answer):
    """Make OpenML give an answer; return what it is asked."""
    sklearn = pytest.importorskip("sklearn.datasets")
    asked = {}

    def fetch(**options):
        asked.update(options)
        return SimpleNamespace(**answer)

    monkeypatch.delenv("ARRANGEMENT_DATA", raising=False)
    monkeypatch.setattr(sklearn, "fetch_openml", fetch)
    return asked


def test_an_unknown_table_is_refused_by_name():
    with pytest.raises(InputError, match="no table 'bonds'; expected one of boston"):
        load_table("bonds")


@pytest.mark.parametrize("name", FILES)
def test_a_named_folder_without_the_file_is_an_error_not_a_download(tmp_path, name):
    with pytest.raises(MissingDataSetError, match=f"no {FILES[name]} in .*put it"):
        load_table(name, tmp_path)
    with pytest.raises(MissingDataSetError, match=f"no {IMAGES} in"):
        load_airplanes_automobiles(tmp_path)


def test_without_a_network_the_error_says_what_to_do(no_network):
    with pytest.raises(
        MissingDataSetError, match=r"'kin8nm', version 1.*\(no network\).*into a folder"
    ):
        load_table("kin8nm")
    with pytest.raises(MissingDataSetError, match=r"'CIFAR_10', version 1.*a network"):
        load_airplanes_automobiles()


def test_without_scikit_learn_the_error_says_so(monkeypatch):
    monkeypatch.delenv("ARRANGEMENT_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDataSetError, match="pip install scikit-learn"):
        load_table("bank32nh")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"1,2,3\n"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / FILES["boston"]).write_bytes(content)
    with pytest.raises(DataSetError, match="is no npz file with X, y"):
        load_table("boston", tmp_path)


def test_a_wrong_shape_is_refused(tmp_path):
    names = np.array(["a"] * 8)
    for n, d, m in ((8191, 8, 8191), (8192, 7, 8192), (8192, 8, 8191)):
        X, y = np.zeros((n, d)), np.zeros(m)
        np.savez(tmp_path / FILES["kin8nm"], X=X, y=y, feature_names=names)
        with pytest.raises(DataSetError, match=r"kin8nm has \(8192, 8\)"):
            load_table("kin8nm", tmp_path)


def test_other_numbers_of_the_right_shape_fail_the_checksum(tmp_path):
    X, y = np.ones((506, 13)), np.ones(506)
    np.savez(tmp_path / FILES["boston"], X=X, y=y, feature_names=["a"] * 13)
    with pytest.raises(DataSetError, match=r"SHA-256 is .* expected fd87e476"):
        load_table("boston", tmp_path)


def images(kind=np.uint8):
    return {
        "X": np.zeros((500, 32, 32, 3), kind),
        "y": np.ones(500, np.int8),
        "X_test": np.zeros((200, 32, 32, 3), np.uint8),
        "y_test": np.ones(200, np.int8),
    }


def test_images_of_another_shape_type_or_content_are_refused(tmp_path):
    path = tmp_path / IMAGES
    np.savez(path, **images(np.float64))
    with pytest.raises(DataSetError, match=r"X has shape .* float64; expected"):
        load_airplanes_automobiles(tmp_path)
    np.savez(path, **images() | {"y_test": np.ones(199, np.int8)})
    with pytest.raises(DataSetError, match=r"y_test has shape \(199,\)"):
        load_airplanes_automobiles(tmp_path)
    np.savez(path, **images())
    with pytest.raises(DataSetError, match="SHA-256"):
        load_airplanes_automobiles(tmp_path)


@needs_data
@pytest.mark.parametrize("name", FILES)
def test_local_copies_are_read_whatever_the_order_of_their_rows(tmp_path, name):
    data = copy_of(FILES[name])
    table = load_table(name, FOLDER)
    assert table.X.shape == data["X"].shape
    assert np.array_equal(np.sort(table.y), np.sort(data["y"]))
    order = np.random.default_rng(0).permutation(len(data["y"]))
    data |= {"X": data["X"][order], "y": data["y"][order]}
    np.savez(tmp_path / FILES[name], **data)
    again = load_table(name, tmp_path)
    assert np.array_equal(table.X, again.X)
    assert np.array_equal(table.y, again.y)


@needs_data
def test_one_wrong_digit_fails_the_checksum(tmp_path):
    data = copy_of(FILES["boston"])
    data["X"][17, 3] = np.nextafter(data["X"][17, 3], 1.0)
    np.savez(tmp_path / FILES["boston"], **data)
    with pytest.raises(DataSetError, match="SHA-256"):
        load_table("boston", tmp_path)


@needs_data
def test_the_codes_of_openml_are_turned_into_numbers(monkeypatch):
    data = copy_of(FILES["boston"])
    X, names = data["X"].copy(), [str(name) for name in data["feature_names"]]
    categories = {}
    for name in ("CHAS", "RAD"):
        column = names.index(name)
        values = np.unique(X[:, column])[::-1]
        X[:, column] = [np.flatnonzero(values == x)[0] for x in X[:, column]]
        categories[name] = [f"{value:g}" for value in values]
    asked = answering(
        monkeypatch,
        data=X,
        target=data["y"],
        feature_names=names,
        categories=categories,
    )
    found = load_table("boston")
    assert asked["name"] == "boston"
    assert asked["version"] == 1
    assert np.array_equal(found.X, load_table("boston", FOLDER).X)


def test_images_are_taken_from_openml_in_their_order(monkeypatch):
    # a small CIFAR-10: labels 0, 1, 2 in turn, all pixels of a plane the plane's number
    n, n_test = 900, 450
    pixels = np.repeat(np.array([10, 20, 30]), 1024)[None] + np.zeros((n + n_test, 1))
    pixels[:, 0] = np.arange(n + n_test) % 251
    labels = np.array([str(k % 3) for k in range(n + n_test)])
    from convex_solver import datasets

    answering(monkeypatch, data=pixels, target=labels)
    monkeypatch.setattr(datasets, "_TRAINING", n)
    with pytest.raises(DataSetError, match="SHA-256 is") as failed:
        load_airplanes_automobiles()
    chosen = [k for k in range(n) if k % 3 < 2][:500]
    tested = [k for k in range(n, n + n_test) if k % 3 < 2][:200]
    digest = hashlib.sha256()
    for rows in (chosen, tested):
        planes = pixels[rows].reshape(-1, 3, 32, 32).astype(np.uint8)
        digest.update(np.moveaxis(planes, 1, 3).tobytes())
        digest.update(np.array([2 * (k % 3) - 1 for k in rows], np.int8).tobytes())
    assert digest.hexdigest() in str(failed.value)
