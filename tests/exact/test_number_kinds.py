"""Numbers of every kind, in containers of every kind, are read exactly or refused."""

from __future__ import annotations

import array
import numbers
from collections import deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from arrangement import count_patterns
from arrangement.errors import InputError, InputTypeError
from arrangement.exact import (
    MAX_DIGITS,
    exact_array,
    exact_number,
    exact_text,
    float_array,
    read_matrix,
    read_samples,
    read_vector,
    scalars,
)

# beside floats, float64 would make them equal
BIG, NEXT, HUGE, HUGER = 2**53, 2**53 + 1, 2**63, 2**63 + 1


def rows_of(values, floats="binary"):
    return [list(row) for row in read_matrix(values, floats=floats, name="X").rows()]


class SageRational:
    """Registered as Rational, with methods where Python has properties (as in Sage)."""

    def __init__(self, value):
        self.value = Fraction(value)

    def numerator(self):
        return self.value.numerator

    def denominator(self):
        return self.value.denominator

    def __float__(self):
        return float(self.value)

    @property
    def __array_interface__(self):
        return np.float64(float(self.value)).__array_interface__


numbers.Rational.register(SageRational)


class SageVector:
    def __init__(self, entries):
        self.entries = [SageRational(x) for x in entries]

    def __len__(self):
        return len(self.entries)

    def __getitem__(self, k):
        return self.entries[k]

    def __array__(self, dtype=None, copy=None):
        return np.array([float(x) for x in self.entries])


class SageMatrix:
    """No length, no dtype, rows by iteration, and a conversion that rounds."""

    def __init__(self, rows):
        self.vectors = [SageVector(row) for row in rows]

    def __iter__(self):
        return iter(self.vectors)

    def columns(self):
        return [SageVector(c) for c in zip(*self.vectors, strict=True)]

    def __array__(self, dtype=None, copy=None):
        return np.array([np.asarray(v) for v in self.vectors])


class Tensor:
    """An array of another library: a dtype of its own, and a conversion."""

    dtype = "float32"

    def __init__(self, values, error=None):
        self.values, self.error = np.asarray(values), error

    @property
    def ndim(self):
        return self.values.ndim

    def __array__(self, dtype=None, copy=None):
        if self.error is not None:
            raise self.error
        return self.values

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([Tensor(v) for v in self.values])


class SymbolicMatrix:
    """Iterates over its entries, not its rows; converts to objects (as sympy)."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter([x for row in self.rows for x in row])

    def __array__(self, dtype=None, copy=None):
        return np.array(self.rows, dtype=object)


INTEGERS_BESIDE_FLOATS = {
    "lists": [[NEXT, 0.5], [BIG, 0.5]],
    "tuples of NumPy scalars": ((np.int64(NEXT), np.float64(0.5)), (BIG, 0.5)),
    "list of columns of different kind": list(
        zip(np.array([NEXT, BIG]), np.array([0.5, 0.5]), strict=True)
    ),
    "pandas": pd.DataFrame({"a": [NEXT, BIG], "b": [0.5, 0.5]}),
    "pandas, nullable": pd.DataFrame(
        {
            "a": pd.array([NEXT, BIG], dtype="Int64"),
            "b": pd.array([0.5, 0.5], dtype="Float64"),
        }
    ),
    "pandas, one nullable": pd.DataFrame(
        {"a": pd.array([NEXT, BIG], dtype="Int64"), "b": [0.5, 0.5]}
    ),
    "pandas, objects": pd.DataFrame({"a": [NEXT, BIG], "b": [0.5, 0.5]}, dtype=object),
    "pandas, repeated labels": pd.DataFrame(
        [[NEXT, 0.5], [BIG, 0.5]], columns=["a", "a"]
    ).astype({"a": object}),
    "polars": pl.DataFrame({"a": [NEXT, BIG], "b": [0.5, 0.5]}),
    "polars, text and numbers": pl.DataFrame({"a": [NEXT, BIG], "b": ["0.5", "1/2"]}),
    "an array of objects": np.array([[NEXT, 0.5], [BIG, 0.5]], dtype=object),
    "series in a list": [pd.Series([NEXT, 0.5], dtype=object), [BIG, 0.5]],
}


@pytest.mark.parametrize("kind", INTEGERS_BESIDE_FLOATS)
def test_integers_beside_floats_are_not_rounded(kind):
    values = INTEGERS_BESIDE_FLOATS[kind]
    assert rows_of(values) == [[NEXT, Fraction(1, 2)], [BIG, Fraction(1, 2)]]


UNSIGNED = {
    "pandas": pd.DataFrame({"a": np.array([HUGER, HUGE], np.uint64), "b": [-1, 1]}),
    "polars": pl.DataFrame(
        {"a": [HUGER, HUGE], "b": [-1, 1]}, schema={"a": pl.UInt64, "b": pl.Int64}
    ),
    "lists of scalars": [[np.uint64(HUGER), -1], [np.uint64(HUGE), np.int8(1)]],
    "lists of arrays": [np.array([HUGER, -1], dtype=object), [np.uint64(HUGE), 1]],
}


@pytest.mark.parametrize("kind", UNSIGNED)
def test_unsigned_beside_signed_is_not_rounded(kind):
    assert rows_of(UNSIGNED[kind]) == [[HUGER, -1], [HUGE, 1]]


def test_four_patterns_where_rounding_leaves_two():
    frame = pd.DataFrame({"a": [NEXT, BIG], "b": [1.0, 1.0]})
    assert count_patterns(frame) == count_patterns(pl.from_pandas(frame)) == 4


TENTHS = np.array([[0.1, 2.5], [0.3, 1.0]], dtype=np.float32)
SINGLE_PRECISION = {
    "array": TENTHS,
    "list of arrays": list(TENTHS),
    "lists of scalars": [list(row) for row in TENTHS],
    "pandas": pd.DataFrame(TENTHS, columns=["a", "b"]),
    "pandas, nullable": pd.DataFrame(TENTHS).astype("Float32"),
    "pandas, mixed": pd.DataFrame(
        {"a": TENTHS[:, 0], "b": TENTHS[:, 1].astype(np.float64)}
    ),
    "polars": pl.DataFrame({"a": TENTHS[:, 0], "b": TENTHS[:, 1]}),
    "polars, mixed": pl.DataFrame({"a": TENTHS[:, 0], "b": ["5/2", "1"]}),
    "objects": np.array([list(row) for row in TENTHS], dtype=object),
    "tensor": Tensor(TENTHS),
    "lists of tensors": [[Tensor(x) for x in row] for row in TENTHS],
    "arrays without dimensions": [[np.array(x) for x in row] for row in TENTHS],
    "half precision": TENTHS.astype(np.float16),
}


@pytest.mark.parametrize("kind", SINGLE_PRECISION)
def test_single_precision_has_its_own_shortest_decimals(kind):
    values = SINGLE_PRECISION[kind]
    tenths = [[Fraction(1, 10), Fraction(5, 2)], [Fraction(3, 10), 1]]
    assert rows_of(values, "decimal") == tenths
    if kind != "half precision":
        exact = [[Fraction(float(x)) for x in row] for row in TENTHS]
        assert rows_of(values) == exact


def test_series_are_vectors():
    for series in (
        pd.Series([NEXT, 3]),
        pd.Series([NEXT, 3], dtype="UInt64"),
        pl.Series([NEXT, 3]),
        pd.Series([NEXT, 3], dtype="category"),
    ):
        assert [*read_vector(series, floats="binary", name="y")] == [NEXT, 3]
    single = pl.Series([0.1], dtype=pl.Float32)
    assert [*read_vector(single, floats="decimal", name="y")] == [Fraction(1, 10)]


def test_rationals_whose_parts_are_methods():
    third = [[Fraction(1, 3), 1], [1, 3]]
    for values in (
        SageMatrix(third),
        [SageVector(row) for row in third],
        [[SageRational(x) for x in row] for row in third],
        SymbolicMatrix(third),
    ):
        assert rows_of(values) == third
        assert count_patterns(values) == 2
    halves = [SageRational("1/2"), SageRational(0)]
    assert count_patterns([[1, 0], [0, 1]], offsets=halves) == 4
    column = read_vector(SageVector(["1/3"]), floats="binary", name="y")
    assert [*column] == [third[0][0]]


@pytest.mark.parametrize(
    "values",
    [
        np.matrix([[1, 2], [3, -1]]),
        np.matrix([[1.0, 2.0], [3.0, -1.0]]),
        [np.matrix([[1, 2]]).A1, [3, -1]],
        [array.array("d", [1, 2]), array.array("d", [3, -1])],
        memoryview(np.array([[1, 2], [3, -1]])),
        [deque([1, 2]), deque([3, -1])],
        [range(1, 3), (3, -1)],
        Tensor([[1, 2], [3, -1]]),
        np.ma.array([[1, 2], [3, -1]]),
        pd.DataFrame([[1, 2], [3, -1]], dtype="category").astype(int),
    ],
)
def test_containers(values):
    assert rows_of(values) == [[1, 2], [3, -1]]


def test_the_array_of_exact_entries():
    X = np.arange(6.0).reshape(2, 3)
    assert exact_array(X, name="X") is X
    single = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    assert exact_array(single, name="X").dtype == np.int64
    for dtype in (np.float64, np.float32, np.int64):
        assert exact_array(list(X.astype(dtype)), name="X").dtype == dtype
    assert exact_array(X.tolist(), name="X").dtype == np.float64
    assert exact_array([[1, 2**70]], name="X").tolist() == [[1, 2**70]]
    assert exact_array([[-(2**63), 2**63 - 1]], name="X").dtype == np.int64
    patches = exact_array([[[NEXT, 0.5]], [[BIG, 0.5]]], name="X")
    assert patches.shape == (2, 1, 2)
    assert patches.tolist() == [[[NEXT, 0.5]], [[BIG, 0.5]]]
    assert exact_array([[], []], name="X").shape == (2, 0)
    assert exact_array([], name="X").shape == (0,)


MISTAKES = {
    "sparse": (scipy.sparse.csr_matrix(np.eye(2)), r"csr_matrix.*X\.toarray\(\)"),
    "generator": (([1, 2] for _ in range(2)), r"generator.*list\(X\)"),
    "zip": (zip([1, 2], [3, 4], strict=True), r"zip.*list\(X\)"),
    "columns": ({"a": [1, 2]}, r"dict.*list\(zip\(\*X\.values\(\)\)\)"),
    "set": ({(1, 2)}, r"set.*order.*list"),
    "path": (Path("x.csv"), r"Path.*read_table"),
    "text": ("x.csv", r"str.*read_table"),
    "bytes": (b"1 2", r"bytes.*read_table"),
    "lazy": (pl.LazyFrame({"a": [1]}), r"LazyFrame.*collect\(\)"),
    "object": (object(), r"object came; expected an array"),
    "structured": (
        np.array([(1.0, 2)], dtype=[("a", float), ("b", int)]),
        r"structured.*'a', 'b'.*column_stack.*tolist",
    ),
    "generator as a row": ([(x for x in (1, 2))], r"holds generator"),
    "dictionaries as rows": ([{"a": 1}], r"holds dict|dict came"),
    "missing": ([[1, 2], [None, 1]], r"NoneType.*missing.*row 1, column 0"),
    "missing in a frame": (
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1, 2]}),
        r"NAType.*missing.*drop or fill.*row 1, column 'a'",
    ),
    "missing in polars": (
        pl.DataFrame({"b": [1, 2], "a": [1, None]}),
        r"NoneType.*missing.*drop or fill.*row 1, column 'a'",
    ),
    "missing beside floats in polars": (
        pl.DataFrame({"a": [1.5, None]}),
        r"NoneType.*missing.*row 1, column 'a'",
    ),
    "categories, though of numbers": (
        pd.DataFrame({"a": [1, 2], "b": pd.Categorical([1, 3])}),
        r"column 'b' holds categories.*get_dummies",
    ),
    "time": ([[np.timedelta64(1, "ns")]], r"timedelta64"),
    "dates": (
        pd.DataFrame({"a": [1], "t": pd.to_datetime(["2020-01-01"])}),
        r"came.*column 't'",
    ),
    "gradient": (
        Tensor(
            [[1.0]], RuntimeError("Can't call numpy() on Tensor that requires grad")
        ),
        r"Tensor came.*requires grad.*detach",
    ),
    "bfloat16": (
        Tensor([[1.0]], TypeError("Got unsupported ScalarType BFloat16")),
        r"Tensor came.*BFloat16.*float\(\)",
    ),
    "scalar tensor": (
        [[Tensor(1.0, TypeError("Got unsupported ScalarType BFloat16"))]],
        r"Tensor came.*BFloat16.*row 0, column 0",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_with_the_way_out(kind):
    values, message = MISTAKES[kind]
    with pytest.raises(InputTypeError, match=message) as caught:
        rows_of(values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


BAD_VALUES = {
    "NaN in a frame": (
        pd.DataFrame({"a": [1.0, np.nan], "b": [1, 2]}),
        r"nan.*drop or fill.*row 1, column 'a'",
    ),
    "ragged": ([[1, 2], [3]], r"ragged.*row 1 has 1, row 0 2"),
    "a number beside rows": ([[1, 2], 3], r"ragged.*int"),
    "a row beside numbers": ([1, [2, 3]], r"ragged"),
    "masked": (np.ma.array([[1, 2]], mask=[[True, False]]), r"masked"),
    "deep": ([[[[[[1]]]]]], r"nested more than"),
    "a long word": ([["7x" * 10**6]], r"not a number"),
    "many digits": ([["7" * (MAX_DIGITS + 1)]], r"more than 10,000 digits"),
    "a large exponent": ([["1e10000000"]], r"exponent beyond 10,000"),
    "a small exponent": ([["1e-10000000"]], r"exponent beyond 10,000"),
    "an exponent of megabytes": ([["1e" + "9" * 10**6]], r"digits|exponent"),
    "a large Decimal": ([[Decimal("1e10000000")]], r"Decimal.*digits"),
    "a small Decimal": ([[Decimal("1e-10000000")]], r"Decimal.*digits"),
    "a huge ratio": ([["1/" + "3" * 10**6]], r"number|digits"),
}


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_a_bad_value_is_refused_at_once_and_shortly(kind):
    values, message = BAD_VALUES[kind]
    with pytest.raises(InputError, match=message) as caught:
        rows_of(values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_deep_nesting_is_no_recursion():
    values: list = [1]
    for _ in range(10**5):
        values = [values]
    with pytest.raises(InputError, match="nested more than"):
        rows_of(values)


def test_a_vector_that_came_as_a_column():
    with pytest.raises(InputError, match=r"shape \(2, 1\).*Use y\['t'\]"):
        read_vector(pd.DataFrame({"t": [1, 2]}), floats="binary", name="y")
    with pytest.raises(InputError, match=r"shape \(2, 1\).*Use y\[:, 0\]"):
        read_vector(np.ones((2, 1)), floats="binary", name="y")


def test_text_of_many_digits_is_exact():
    # Python itself refuses more than 4300 digits
    digits = "7" * MAX_DIGITS
    assert exact_number(digits) % 10**20 == int("7" * 20)
    assert exact_number("-1e-4400") == Fraction(-1, 10**4400)
    assert exact_number(f"1/{'3' * 5000}") * (10**5000 - 1) == 3
    assert exact_number(f" {MAX_DIGITS}e0 ") == MAX_DIGITS
    assert exact_number(Decimal("-1.5e4000")) == -15 * 10**3999
    assert exact_number(10**400) == 10**400
    for text, value in (("1.", 1), (".5", Fraction(1, 2)), ("+2/4", Fraction(1, 2))):
        assert exact_number(text) == value
    for text in ("", ".", "1/0", "1_0", "1 0", "0x10", "1e", "--1", "1/2/3", "1e5/2"):
        with pytest.raises(InputError, match="is not a number"):
            exact_number(text)


def test_other_floats_are_read_as_binary_values_only():
    class Real:
        def as_integer_ratio(self):
            return (3, 2)

    numbers.Real.register(Real)
    assert exact_number(Real()) == Fraction(3, 2)
    with pytest.raises(InputTypeError, match="shortest decimal"):
        exact_number(Real(), floats="decimal")


def test_a_large_number_is_refused_before_it_is_made(monkeypatch):
    # making it takes minutes and hundreds of megabytes
    monkeypatch.setattr(scalars, "Fraction", None)
    for value in (
        "1e10000000",
        "1e-99999999",
        f"1e{'9' * 100}",
        f"1e{'9' * 5000}",
        f"1e{'9' * 10**6}",
        "9" * 10**6,
        Decimal("1e10000000"),
    ):
        with pytest.raises(InputError):
            exact_number(value)


def test_numbers_of_any_size_are_written():
    for value in (0, -7, Fraction(2, 4), 10**4299):
        assert exact_text(value) == str(value)
    assert exact_text(-(10**5000)) == f"-1{'0' * 5000}"
    assert exact_text(Fraction(3, 10**5000)) == f"3/1{'0' * 5000}"


SAMPLES = {
    "lists": [[[NEXT, 0.5], [1, 2]], [[BIG, 0.5], [3, 4]]],
    "list of arrays": [
        np.array([[NEXT, 0.5], [1, 2]], dtype=object),
        np.array([[BIG, 0.5], [3, 4]], dtype=object),
    ],
    "array": np.array([[[NEXT, 0.5], [1, 2]], [[BIG, 0.5], [3, 4]]], dtype=object),
    "list of frames": [
        pd.DataFrame({"a": [NEXT, 1], "b": [0.5, 2.0]}),
        pd.DataFrame({"a": [BIG, 3], "b": [0.5, 4.0]}),
    ],
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_of_several_patches(kind):
    half = Fraction(1, 2)
    found = read_samples(SAMPLES[kind], floats="binary", name="X")
    assert (found.n_patches, found.width) == (2, 2)
    assert found.rows() == [(NEXT, half), (1, 2), (BIG, half), (3, 4)]


def test_samples_of_single_precision_patches():
    values = [TENTHS, TENTHS]
    found = read_samples(values, floats="decimal", name="X")
    assert (found.n_patches, found.width) == (2, 2)
    rows = found.rows()
    assert rows[0] == rows[2] == (Fraction(1, 10), Fraction(5, 2))


def test_samples_that_are_refused():
    flat = read_samples([[1, 2]], floats="binary", name="X")
    assert (flat.n_patches, flat.width, flat.rows()) == (1, 2, [(1, 2)])
    with pytest.raises(InputError, match=r"nan.*sample 1, patch 1, column 0"):
        read_samples([[[1], [2]], [[3], [np.nan]]], floats="binary", name="X")
    with pytest.raises(InputError, match="ragged"):
        read_samples([[[1], [2]], [[3]]], floats="binary", name="X")
    with pytest.raises(InputError, match="at least one patch"):
        read_samples(np.zeros((2, 0, 3)), floats="binary", name="X")
    with pytest.raises(InputError, match=r"column 'a'"):
        read_samples(pd.DataFrame({"a": [np.inf]}), floats="binary", name="X")
    with pytest.raises(InputError, match=r"shape \(1,\)"):
        read_samples([1], floats="binary", name="X")


def test_nearest_floats_of_numbers_of_any_kind():
    third = SageMatrix([["1/3", NEXT]])
    assert float_array(third, name="X").tolist() == [[1 / 3, float(BIG)]]
    for values in ([["0.1", 2]], np.array([["0.1", "2"]]), [[Decimal("0.1"), 2]]):
        assert float_array(values, name="X").tolist() == [[0.1, 2.0]]
    single = float_array(TENTHS, name="X")
    assert single.dtype == np.float64
    assert single.tolist() == TENTHS.tolist()
    assert np.isnan(float_array([[np.nan]], name="X")).all()
    assert float_array(np.longdouble([1.5]), name="X").tolist() == [1.5]
    assert float_array([["1e-400"]], name="X").tolist() == [[0.0]]
    for values, message in (
        ([[10**400]], "beyond float64"),
        ([["1e400"]], "beyond float64"),
        ([["x", 1]], r"'x' is not a number.*entry 0, 0"),
    ):
        with pytest.raises(InputError, match=message):
            float_array(values, name="X")
    with pytest.raises(InputTypeError, match="entry 1"):
        float_array([1, None], name="y")
