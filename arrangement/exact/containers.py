"""Containers of every kind to an array that holds each entry as it came.

NumPy promotes what is mixed: an int64 column beside a float column becomes float64,
and 2**53 + 1 becomes 2**53.  So lists and tables are read entry by entry or column by
column, each with its own dtype, and a conversion that an object offers is trusted only
where the object has a dtype to convert.
"""

from __future__ import annotations

import array
import numbers
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, TypeAlias

import numpy as np

from arrangement.errors import InputError, InputTypeError
from arrangement.options import first_line

AnyArray: TypeAlias = np.ndarray[Any, Any]

# samples, patches, columns and one to spare: deeper nesting is no matrix
_MAX_DEPTH = 4
# how the types of columns of categories are called (pandas, polars, Arrow)
_CATEGORICAL = ("category", "categorical", "enum", "dictionary")
ONE_HOT = (
    " Leave the column out, or make it columns of 0 and 1, as get_dummies of pandas "
    "and to_dummies of polars do."
)
# what a conversion to an array may raise: torch, JAX, pandas
_CONVERSION_ERRORS = (
    TypeError,
    ValueError,
    RuntimeError,
    OverflowError,
    AttributeError,
    NotImplementedError,
)


def exact_array(values: Any, *, name: str) -> AnyArray:
    """Return the entries of a container as they came; no number is rounded.

    Parameters
    ----------
    values : array_like or DataFrame
        Arrays and tensors of any library, nested lists, tuples and sequences, data
        frames and series (pandas, polars, Arrow), Sage matrices and vectors.  Not
        modified.
    name : str
        What the messages call it.

    Returns
    -------
    ndarray
        A numeric dtype where one holds all entries (it may be ``values`` itself),
        else object dtype.

    Raises
    ------
    InputError
        Ragged or too deeply nested sequences, masked entries.
    InputTypeError
        What is no array: sparse matrices, iterators, mappings, sets, paths, records.

    Examples
    --------
    >>> exact_array([[2**53 + 1, 0.5]], name="X")
    array([[9007199254740993, 0.5]], dtype=object)
    """
    if isinstance(values, np.ndarray):
        return _checked(values, name)
    columns = frame_columns(values)
    if columns is not None:
        return _beside(columns, name)
    advice = _advice(values, name)
    if advice:
        raise InputTypeError(f"{name}: {type(values).__name__} came{advice}.")
    if _is_series(values):
        return _series(values)
    if isinstance(values, numbers.Number):
        return _typed([values], ())
    if _is_buffer(values):
        return _checked(np.asarray(values), name)
    if hasattr(values, "__array__"):
        converted = _convert(values, name)
        if converted.dtype == object or hasattr(values, "dtype"):
            return _checked(converted, name)
        # a Sage matrix of rationals offers float64: its rows are read instead
        return _nested(values, name, shape=converted.shape)
    if not _is_sequence(values):
        raise InputTypeError(
            f"{name}: {type(values).__name__} came; expected an array, nested lists or "
            "a data frame of numbers."
        )
    return _nested(values, name)


def column_labels(values: Any) -> tuple[str, ...] | None:
    """Return how messages call the columns of a data frame; None for other things."""
    columns = frame_columns(values)
    return None if columns is None else tuple(repr(label) for label, _ in columns)


def column_names(values: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of a data frame; None where not all are texts."""
    columns = frame_columns(values)
    if columns is None or not all(isinstance(label, str) for label, _ in columns):
        return None
    return tuple(str(label) for label, _ in columns)


def frame_columns(values: Any) -> list[tuple[Any, Any]] | None:
    """Return ``(label, series)`` for each column of a data frame, else None."""
    if isinstance(values, (np.ndarray, list, tuple)):
        return None
    if hasattr(values, "iloc") and hasattr(values, "columns"):
        # by place: labels may be repeated
        return [(c, values.iloc[:, k]) for k, c in enumerate(values.columns)]
    if hasattr(values, "get_columns") and not hasattr(values, "collect"):
        return [(column.name, column) for column in values.get_columns()]
    if hasattr(values, "itercolumns") and hasattr(values, "column_names"):
        return list(zip(values.column_names, values.itercolumns(), strict=True))
    return None


def _checked(values: AnyArray, name: str) -> AnyArray:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(
            f"{name} has masked entries; fill them or drop their rows first."
        )
    if values.dtype.names is not None:
        fields = ", ".join(repr(field) for field in values.dtype.names[:4])
        more = ", ..." if len(values.dtype.names) > 4 else ""
        raise InputTypeError(
            f"{name} is a structured array with the fields {fields}{more}; expected "
            f"(n, d). Give np.column_stack([{name}[f] for f in {name}.dtype.names]), "
            f"or {name}.tolist() where integers stand beside floats."
        )
    # np.matrix stays two-dimensional when it is flattened
    return np.asarray(values)


def _advice(values: Any, name: str) -> str:
    """Say what to do with a thing that is taken for an array by mistake."""
    if hasattr(values, "toarray"):
        return f", a sparse matrix; give {name}.toarray()"
    if isinstance(values, (str, bytes, os.PathLike)):
        return (
            "; expected numbers. To read a file, give "
            "arrangement.io.read_table(path).numbers()"
        )
    if isinstance(values, Mapping):
        return (
            f"; expected (n, d). For columns give list(zip(*{name}.values())), for "
            f"rows list({name}.values())"
        )
    if isinstance(values, Set):
        return "; a set has no order. Give a list"
    if isinstance(values, Iterator):
        return f", which can be read only once; give list({name})"
    if hasattr(values, "collect"):
        return f"; give {name}.collect()"
    if hasattr(values, "compute") and hasattr(values, "columns"):
        return f"; give {name}.compute()"
    return ""


def _is_buffer(values: Any) -> bool:
    is_memory = isinstance(values, (memoryview, array.array))
    return is_memory or hasattr(values, "__array_interface__")


def _convert(values: Any, name: str) -> AnyArray:
    try:
        return np.asarray(values)
    except _CONVERSION_ERRORS as error:
        kind = type(values)
        raise InputTypeError(
            f"{name}: {kind.__module__.split('.')[0]}.{kind.__qualname__} came, which "
            f"does not turn into an array: {first_line(error)}. Give a NumPy array "
            f"({name}.detach().float().numpy() for a tensor)."
        ) from None


# data frames


def _is_series(values: Any) -> bool:
    has_nulls = hasattr(values, "isna") or hasattr(values, "null_count")
    return has_nulls and not isinstance(values, np.ndarray)


def _series(column: Any) -> AnyArray:
    """Return a column with its own dtype, or the entries themselves.

    True and False of a column of booleans are 1 and 0: a table that says so is no mask.
    """
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype):  # pandas
        values = np.asarray(column.to_numpy())
        return values.astype(np.int8) if values.dtype.kind == "b" else values
    if hasattr(column, "isna"):  # pandas, its own dtypes
        numeric = getattr(dtype, "numpy_dtype", None)
        is_plain = isinstance(numeric, np.dtype) and numeric.kind in "iufb"
        if numeric is not None and is_plain and not column.isna().any():
            kind = np.dtype(np.int8) if numeric.kind == "b" else numeric
            return np.asarray(column.to_numpy(dtype=kind))
        entries = list(column)
    else:  # polars, Arrow: their own lists keep integers, float32 must stay float32
        nulls = column.null_count
        is_complete = not (nulls() if callable(nulls) else nulls)
        kind = str(getattr(column, "type", dtype)).lower()
        if is_complete and kind.startswith(("float", "double", "halffloat")):
            return np.asarray(column.to_numpy())
        to_list = getattr(column, "to_list", None) or column.to_pylist
        entries = to_list()
    if str(getattr(column, "type", dtype)).lower().startswith("bool"):
        entries = [int(x) if isinstance(x, bool | np.bool_) else x for x in entries]
    return _typed(entries, (len(entries),))


def _beside(columns: Sequence[tuple[Any, Any]], name: str) -> AnyArray:
    for label, column in columns:
        dtype = str(getattr(column, "type", getattr(column, "dtype", ""))).lower()
        # also where they are numbers: what is called a category is no size
        if dtype.startswith(_CATEGORICAL):
            raise InputTypeError(
                f"{name}: column {label!r} holds categories ({dtype[:20]}); expected "
                f"numbers.{ONE_HOT}"
            )
    arrays = [_series(column) for _, column in columns]
    if not arrays:
        return np.zeros((0, 0))
    if len({array.dtype for array in arrays}) == 1:
        return np.stack(arrays, axis=1)
    # mixed dtypes would be promoted
    out = np.empty((len(arrays[0]), len(arrays)), dtype=object)
    for k, column in enumerate(arrays):
        out[:, k] = _objects(_entries(column))
    return out


# nested sequences


def _nested(values: Any, name: str, shape: tuple[int, ...] | None = None) -> AnyArray:
    """Read sequences in sequences; the shape is that of the first of each level."""
    level: list[Any] = [values]
    found: list[int] = []
    while level and (not found or _is_sequence(level[0])):
        if len(found) == _MAX_DEPTH:
            raise InputError(
                f"{name} is nested more than {_MAX_DEPTH} deep; expected (n, d)."
            )
        parts = [_items(part, name, depth=len(found)) for part in level]
        for place, part in enumerate(parts):
            if len(part) != len(parts[0]):
                raise InputError(
                    f"{name} is ragged; every row needs the same length "
                    f"({_place(place)} has {len(part)}, {_place(0)} {len(parts[0])})."
                )
        found.append(len(parts[0]))
        level = [entry for part in parts for entry in part]
    if shape is not None and tuple(found) != shape:
        raise InputTypeError(
            f"{name}: {type(values).__name__} came, whose rows do not have its shape "
            f"{shape}. Give nested lists of its entries."
        )
    return _typed(level, tuple(found))


def _items(part: Any, name: str, *, depth: int) -> Sequence[Any]:
    if isinstance(part, (list, tuple)):
        return part
    if isinstance(part, np.ndarray):
        return _entries(_checked(part, name))
    if not depth:
        return list(part)
    advice = _advice(part, name)
    if advice:
        raise InputTypeError(
            f"{name} holds {type(part).__name__}; expected rows of numbers. Give each "
            "row as a list or an array."
        )
    if not _is_sequence(part):
        raise InputError(
            f"{name} is ragged; every row needs the same length ({type(part).__name__} "
            "came beside rows)."
        )
    # a frame, a series, a row of another library
    return _entries(exact_array(part, name=name))


def _entries(values: AnyArray) -> list[Any]:
    """Return what iteration gives, Python numbers where they are the same number."""
    if values.ndim == 1 and (values.dtype.kind in "iu" or values.dtype == np.float64):
        listed: list[Any] = values.tolist()
        return listed
    # float32 keeps its type, and so its shortest decimals
    return list(values)


def _is_sequence(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return True
    if isinstance(value, (str, bytes, numbers.Number, np.generic)):
        return False
    if getattr(value, "ndim", None) == 0:
        return False
    # Sage vectors have no iterator of their own
    return hasattr(value, "__iter__") or (
        hasattr(value, "__len__") and hasattr(value, "__getitem__")
    )


def _place(position: int) -> str:
    return f"row {position}"


def _typed(entries: Sequence[Any], shape: tuple[int, ...]) -> AnyArray:
    """Return entries of one type in its dtype, and of several as objects."""
    kinds = set(map(type, entries))
    kind = kinds.pop() if len(kinds) == 1 else object
    if kind is int and all(-(2**63) <= entry < 2**63 for entry in entries):
        kind = np.int64
    if kind is float or (issubclass(kind, np.number) and np.dtype(kind).kind in "iuf"):
        return np.array(entries, dtype=kind).reshape(shape)
    return _objects(entries).reshape(shape)


def _objects(entries: Sequence[Any]) -> AnyArray:
    # np.array would look into entries that are sequences
    return np.fromiter(entries, dtype=object, count=len(entries))
