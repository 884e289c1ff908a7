"""Data that come with the package, and loaders of those that do not.

What may not be shipped is read from a folder of npz files, or fetched from OpenML by
scikit-learn.  Either way the numbers are those of a digest below, or an error says so.
"""

from __future__ import annotations

import csv
import hashlib
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arrangement import InputError, InputTypeError
from arrangement.options import said
from convex_solver.errors import DataSetError, MissingDataSetError
from convex_solver.reading import check_kind
from convex_solver.typing import Array

# Names the folder of local copies where none is given.
FOLDER_VARIABLE = "ARRANGEMENT_DATA"


class Table(NamedTuple):
    """Numbers of a regression: X (n, d) and y (n,) float64, and their names."""

    X: Array
    y: Array
    feature_names: tuple[str, ...]
    target_name: str


class Images(NamedTuple):
    """Images (n, 32, 32, 3) uint8 in RGB and labels (n,) int8, -1 or 1."""

    X: NDArray[np.uint8]
    y: NDArray[np.int8]
    X_test: NDArray[np.uint8]
    y_test: NDArray[np.int8]


@dataclass(frozen=True)
class _Source:
    """Where a data set is found, and by what it is known.

    ``sha256`` is of the bytes of the arrays as they are returned, little-endian.
    """

    file: str
    openml: str
    version: int
    shape: tuple[int, ...]
    target: str
    sha256: str


_TABLES = {
    "boston": _Source(
        file="boston_housing.npz",
        openml="boston",
        version=1,
        shape=(506, 13),
        target="MEDV",
        sha256="fd87e47646e384f7ff6c76ebe85c988b5690f797e804708235d3fecdfcb9ceb9",
    ),
    "kin8nm": _Source(
        file="kin8nm.npz",
        openml="kin8nm",
        version=1,
        shape=(8192, 8),
        target="y",
        sha256="20d07850db8d874ed774aa79ff721947fd912b77b089c88322a2aeeb72801fd7",
    ),
    "bank32nh": _Source(
        file="bank32nh.npz",
        openml="bank32nh",
        version=1,
        shape=(8192, 32),
        target="rej",
        sha256="3d8a16767b646ae604ad4b3713bf4c622b4ce3d4b211a6d24de7a3f41e33d268",
    ),
}
_IMAGES = _Source(
    file="cifar10_airplane_automobile.npz",
    openml="CIFAR_10",
    version=1,
    shape=(500, 32, 32, 3),
    target="class",
    sha256="0d8b01766ddbedcf6384d66b24b3be1f33dbbe14c0fe96db56e39a27ab8a9221",
)
# Of CIFAR-10: samples for training, of them and of the others taken of each class, and
# the classes that are taken.
_TRAINING, _KEPT, _KEPT_TEST = 50_000, 250, 100
_AIRPLANE, _AUTOMOBILE = 0, 1


def penguins_csv() -> Path:
    """Return the path of the Palmer penguins (342 rows, CC0; Gorman et al. 2014).

    Columns: bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, species
    (0, 1, 2 for Adelie, Chinstrap, Gentoo).

    Examples
    --------
    >>> penguins_csv().name
    'penguins.csv'
    """
    return Path(__file__).with_name("data") / "penguins.csv"


def load_penguins(
    features: tuple[str, ...] = ("flipper_length_mm",), target: str = "body_mass_g"
) -> tuple[list[list[str]], list[str]]:
    """Return ``(X, y)`` as decimal strings, which are read without rounding.

    Raises
    ------
    InputError, InputTypeError
        If a column does not exist.

    Examples
    --------
    >>> X, y = load_penguins()
    >>> len(X), X[0], y[0]
    (342, ['181'], '3750')
    """
    if isinstance(features, str) or not isinstance(features, Iterable):
        raise InputTypeError(
            f"{said('features', features)}; expected the names of columns, such as "
            "('flipper_length_mm',)."
        )
    with penguins_csv().open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in (*features, target):
        if not isinstance(name, str) or name not in rows[0]:
            raise InputError(f"no column {name!r}; there are {', '.join(rows[0])}.")
    return [[row[name] for name in features] for row in rows], [r[target] for r in rows]


def load_table(name: str, folder: str | os.PathLike[str] | None = None) -> Table:
    """Return a table of numbers that does not come with the package.

    Parameters
    ----------
    name : {"boston", "kin8nm", "bank32nh"}
        Boston housing (506, 13), Harrison & Rubinfeld 1978; a robot arm (8192, 8) and
        simulated banks (8192, 32), both of DELVE.
    folder : path, optional
        Of ``boston_housing.npz``, ``kin8nm.npz`` and ``bank32nh.npz``, which hold ``X``
        (n, d) and ``y`` (n,).  When omitted, the one that ARRANGEMENT_DATA names; if
        the file is not there either, scikit-learn fetches version 1 from OpenML, once,
        and keeps it.

    Returns
    -------
    Table
        Its rows in lexicographic order, so that a seeded shuffle gives the same split
        wherever they come from; as given, not scaled.

    Raises
    ------
    InputError
        Another name.
    MissingDataSetError
        Not in the folder that is named, not to be fetched.
    DataSetError
        What was read is something else: no npz, another shape, another checksum.
    """
    if name not in _TABLES:
        known = ", ".join(_TABLES)
        raise InputError(f"no table {name!r}; expected one of {known}.")
    source = _TABLES[name]
    path = _local(source, folder)
    X, y, names = _table_of(path) if path else _fetched_table(source)
    where = str(path or f"OpenML's {source.openml}")
    if X.shape != source.shape or y.shape != X.shape[:1]:
        raise DataSetError(
            f"{where}: X has shape {X.shape} and y {y.shape}; {name} has "
            f"{source.shape} and {source.shape[:1]}. Replace the file."
        )
    # 0.0 is added as -0.0 has other bytes
    rows = np.column_stack([X, y]).astype("<f8") + 0.0
    rows = np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])])
    _check_digest(where, source, rows)
    values = rows.astype(np.float64)
    return Table(
        np.ascontiguousarray(values[:, :-1]), values[:, -1].copy(), names, source.target
    )


def load_airplanes_automobiles(folder: str | os.PathLike[str] | None = None) -> Images:
    """Return the first 500 airplanes (-1) and automobiles (+1) of CIFAR-10.

    250 of each class for training and 100 for tests, in the order of CIFAR-10's own
    training and test images (Krizhevsky 2009).

    Parameters
    ----------
    folder : path, optional
        Of ``cifar10_airplane_automobile.npz``, which holds ``X``, ``y``, ``X_test`` and
        ``y_test``; as in `load_table`.  OpenML has all of CIFAR-10 (60,000 images,
        which take some minutes and 3 GB of memory to read).

    Returns
    -------
    Images

    Raises
    ------
    MissingDataSetError, DataSetError
        As `load_table`.
    """
    path = _local(_IMAGES, folder)
    images = _images_of(path) if path else _fetched_images()
    where = str(path or f"OpenML's {_IMAGES.openml}")
    _check_images(where, images)
    _check_digest(where, _IMAGES, *images)
    return images


def _local(source: _Source, folder: str | os.PathLike[str] | None) -> Path | None:
    """Return the path of a local copy, or None where OpenML is to be asked."""
    if folder is not None:
        check_kind(folder, (str, os.PathLike), "folder")
    named = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    path = Path(named) / source.file if named else None
    if path is not None and path.is_file():
        return path
    if folder is None:
        return None
    raise MissingDataSetError(
        f"there is no {source.file} in {os.fspath(folder)}; put it there, name another "
        "folder, or name none to have it fetched from OpenML."
    )


def _arrays_of(path: Path, names: tuple[str, ...]) -> list[NDArray[Any]]:
    try:
        # a file of our own: numpy leaves its one open when the archive is broken
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            return [data[name] for name in names]
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataSetError(
            f"{path} is no npz file with {', '.join(names)} ({error}). Replace it."
        ) from error


def _table_of(path: Path) -> tuple[Array, Array, tuple[str, ...]]:
    X, y, names = _arrays_of(path, ("X", "y", "feature_names"))
    return X, y, tuple(str(name) for name in names)


def _images_of(path: Path) -> Images:
    return Images(*_arrays_of(path, Images._fields))


def _fetch(source: _Source, **options: Any) -> Any:
    """Return what scikit-learn makes of a data set of OpenML, as arrays."""
    advice = (
        f"Put {source.file} into a folder and name it, as an argument or by "
        f"{FOLDER_VARIABLE}"
    )
    try:
        from sklearn.datasets import fetch_openml  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise MissingDataSetError(
            f"{source.file} is not at hand, and scikit-learn, which would fetch "
            f"{source.openml!r} from OpenML, is not installed. {advice}, or "
            "pip install scikit-learn."
        ) from error
    try:
        return fetch_openml(
            name=source.openml, version=source.version, as_frame=False, **options
        )
    except (OSError, ValueError, ImportError) as error:
        raise MissingDataSetError(
            f"{source.openml!r}, version {source.version}, could not be fetched from "
            f"OpenML ({error}). {advice}, or try again with a network."
        ) from error


def _fetched_table(source: _Source) -> tuple[Array, Array, tuple[str, ...]]:
    # of the parsers the one that needs no pandas and keeps what codes stand for
    found = _fetch(source, parser="liac-arff")
    X = np.array(found.data, dtype=np.float64)
    for name, values in (found.categories or {}).items():
        if name in found.feature_names:
            column = found.feature_names.index(name)
            meaning = np.array([float(value) for value in values])
            X[:, column] = meaning[X[:, column].astype(np.int64)]
    y = np.asarray(found.target).astype(np.float64)
    return X, y, tuple(found.feature_names)


def _fetched_images() -> Images:
    found = _fetch(_IMAGES, parser="auto")
    pixels, labels = np.asarray(found.data), np.asarray(found.target).astype(np.int64)
    if pixels.shape[1:] != (3072,) or len(labels) != len(pixels):
        raise DataSetError(
            f"OpenML's {_IMAGES.openml}: data have shape {pixels.shape}; expected rows "
            "of 3 x 32 x 32 pixels."
        )

    def first(start: int, stop: int | None, most: int) -> list[NDArray[Any]]:
        part = labels[start:stop]
        rows = [np.flatnonzero(part == k)[:most] for k in (_AIRPLANE, _AUTOMOBILE)]
        chosen = np.sort(np.concatenate(rows)) + start
        # one plane of a colour after the other
        images = pixels[chosen].astype(np.uint8).reshape(-1, 3, 32, 32)
        signs = np.where(labels[chosen] == _AUTOMOBILE, 1, -1).astype(np.int8)
        return [np.ascontiguousarray(images.transpose(0, 2, 3, 1)), signs]

    return Images(*first(0, _TRAINING, _KEPT), *first(_TRAINING, None, _KEPT_TEST))


def _check_images(where: str, images: Images) -> None:
    n, n_test = 2 * _KEPT, 2 * _KEPT_TEST
    expected: list[tuple[tuple[int, ...], str]] = [
        (_IMAGES.shape, "uint8"),
        ((n,), "int8"),
        ((n_test, *_IMAGES.shape[1:]), "uint8"),
        ((n_test,), "int8"),
    ]
    for name, array, (shape, kind) in zip(
        Images._fields, images, expected, strict=True
    ):
        if array.shape != shape or array.dtype != kind:
            raise DataSetError(
                f"{where}: {name} has shape {array.shape} and dtype {array.dtype}; "
                f"expected {shape} and {kind}. Replace the file."
            )


def _check_digest(where: str, source: _Source, *arrays: NDArray[Any]) -> None:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    if digest.hexdigest() != source.sha256:
        raise DataSetError(
            f"{where} has the shape expected but other numbers: their SHA-256 is "
            f"{digest.hexdigest()}, expected {source.sha256}. Get another copy."
        )
