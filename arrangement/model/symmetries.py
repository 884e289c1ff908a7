"""Symmetries of an arrangement: permutations of its hyperplanes, checked exactly.

A permutation ``s`` of the rows ``x_1 .. x_m`` of an essential central arrangement is a
symmetry when a linear map ``A`` and numbers ``c_i``, none zero, have
``A x_i = c_i x_s(i)``: then it permutes flats and keeps dimensions, and
``z -> A^-T z`` takes chambers to chambers; sign ``i`` of one is sign ``s(i)`` of the
other times that of ``c_i``. An affine arrangement is taken with its row at infinity.

The check. Let rows ``b_1 .. b_r`` be a basis, with dual vectors ``u_k`` (``b_k . u_k >
0``, all other products 0), and ``v_k`` the same for their images, which have to be
independent. ``A`` is fixed by what it makes of the basis, ``A b_k = g_k s(b_k)`` up to
positive numbers that go into ``g_k``, and ``A x_i = c_i x_s(i)`` says, coordinate by
coordinate,

    (x_i . u_k) g_k = c_i (x_s(i) . v_k)    for all i and k.

So both products vanish together, and where they do not, they fix the ratio of ``c_i``
and ``g_k``. The ratios are followed from row to row; what they leave open is one
factor for each component of the matroid. Then all equations are checked, in integers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrangement.errors import InputError, InputTypeError
from arrangement.exact import IntRow, dual_basis, independent_rows, multiply
from arrangement.model.arrangement import Arrangement, Cone
from arrangement.options import said

Permutation = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Symmetry:
    """A symmetry of the rows of a cone.

    Attributes
    ----------
    images : ndarray, shape (m,), int32
        Where each row goes; an affine arrangement has its row at infinity last.
    signs : ndarray, shape (m,), int8
        Signs of the ``c_i`` of one map behind it.  For each component of the matroid
        the opposite map is one as well.
    components : ndarray, shape (m,), int64
        A number of the component of each row.
    """

    images: Permutation
    signs: NDArray[np.int8]
    components: NDArray[np.int64]


class Frame:
    """The rows of a cone, infinity last, and a basis of them: what checks share."""

    def __init__(self, cone: Cone) -> None:
        ends = [] if cone.infinity is None else [cone.infinity]
        self.rows: list[IntRow] = [*cone.rows, *ends]
        self.rank = cone.rank
        self.basis = independent_rows(self.rows, self.rank)[0]
        self._products = self._coordinates(self.rows, self.basis)

    def _coordinates(
        self, rows: Sequence[IntRow], basis: Sequence[int]
    ) -> NDArray[Any] | None:
        """Return the products with a dual basis, (m, r) integers; None: dependent."""
        found = [rows[i] for i in basis]
        if len(independent_rows(found, self.rank)[0]) < self.rank:
            return None
        dual = dual_basis(found)
        table = multiply(rows, list(zip(*dual, strict=True)))
        return np.array(table, dtype=object).reshape(len(rows), self.rank)

    def symmetry(self, images: Permutation) -> Symmetry | None:
        """Return a permutation of the rows as a symmetry, or None if it is none."""
        if not self.rows:
            return Symmetry(images, np.zeros(0, np.int8), np.zeros(0, np.int64))
        moved = [self.rows[i] for i in images]
        here, there = self._products, self._coordinates(moved, self.basis)
        if here is None or there is None:
            return None
        is_used = here != 0
        if not np.array_equal(is_used, there != 0):
            return None
        factors, parts = _follow(here, there, is_used)
        scale = math.lcm(*(factor.denominator for factor in factors))
        whole = np.array([int(factor * scale) for factor in factors], dtype=object)
        scaled = here * whole
        lead = np.argmax(is_used, axis=1)
        every = np.arange(len(moved))
        left = scaled * there[every, lead][:, None]
        right = scaled[every, lead][:, None] * there
        if not np.array_equal(left, right):
            return None
        signs = np.sign(scaled[every, lead] * there[every, lead]).astype(np.int8)
        return Symmetry(
            np.asarray(images, dtype=np.int32), signs, np.array(parts)[lead]
        )


def _follow(
    here: NDArray[Any], there: NDArray[Any], is_used: NDArray[np.bool_]
) -> tuple[list[Fraction], list[int]]:
    """Return the factors ``g_k`` that the rows ask for, and the component of each k."""
    r = here.shape[1]
    factors: list[Fraction] = [Fraction(0)] * r
    parts = [-1] * r
    columns = [np.flatnonzero(row).tolist() for row in is_used]
    for root in range(r):
        if parts[root] >= 0:
            continue
        factors[root], parts[root] = Fraction(1), root
        waiting = [root]
        for k in waiting:
            if -1 not in parts:
                break
            for i in np.flatnonzero(is_used[:, k]).tolist():
                for other in columns[i]:
                    if parts[other] < 0:
                        ratio = Fraction(
                            here[i, k] * there[i, other], there[i, k] * here[i, other]
                        )
                        factors[other] = factors[k] * ratio
                        parts[other] = root
                        waiting.append(other)
    return factors, parts


def read_symmetries(
    arrangement: Arrangement, symmetry: Any, frame: Frame
) -> list[Symmetry]:
    """Return symmetries given as permutations of input rows, each checked exactly.

    Raises
    ------
    InputError
        One is no permutation of the rows, or no symmetry.
    InputTypeError
        What came is no sequence of sequences of integers.
    """
    if isinstance(symmetry, str) or not hasattr(symmetry, "__iter__"):
        raise InputTypeError(
            f"{said('symmetry', symmetry)}; expected 'auto', None or a list of "
            "permutations of the rows."
        )
    found = []
    for place, given in enumerate(symmetry):
        name = f"symmetry[{place}]"
        images = _permutation(given, arrangement.n_hyperplanes, name)
        classes = _of_classes(arrangement, images, name)
        if frame.rank == 0:
            continue
        checked = frame.symmetry(classes)
        if checked is None:
            raise InputError(
                f"{name} is no symmetry of the rows: no linear map takes every row to "
                "a multiple of its image. Give permutations that do, or "
                "symmetry='auto'."
            )
        found.append(checked)
    return found


def _permutation(given: Any, n: int, name: str) -> NDArray[np.int64]:
    """Read one permutation of ``n`` rows."""
    try:
        images = np.asarray(given)
    except ValueError:
        images = np.zeros((0, 0))
    if images.size and images.dtype.kind not in "iu":
        raise InputTypeError(
            f"{name} has entries of type {images.dtype}; expected row numbers."
        )
    if images.shape != (n,):
        raise InputError(
            f"{name} has shape {images.shape}; expected ({n},), the row to which each "
            "row goes."
        )
    if not np.array_equal(np.sort(images), np.arange(n)):
        raise InputError(
            f"{name} is no permutation; expected each of 0 .. {n - 1} once."
        )
    return images.astype(np.int64)


def _of_classes(
    arrangement: Arrangement, images: NDArray[np.int64], name: str
) -> Permutation:
    """Return what a permutation of the rows does to the distinct hyperplanes."""
    before = arrangement.class_of
    after = before[images]
    m = arrangement.n_distinct
    extra = 0 if arrangement.is_central else 1
    out = np.arange(m + extra, dtype=np.int32)
    out[before[before >= 0]] = after[before >= 0]
    is_kept = np.array_equal(before >= 0, after >= 0)
    if not is_kept or not np.array_equal(out[before[before >= 0]], after[after >= 0]):
        raise InputError(
            f"{name} is no symmetry of the rows: rows of one hyperplane go to rows of "
            "several, or a row without a hyperplane to one with. Give permutations of "
            "the hyperplanes."
        )
    if not np.array_equal(np.sort(out), np.arange(m + extra)):
        raise InputError(
            f"{name} is no symmetry of the rows: two hyperplanes go to one. Give "
            "permutations of the hyperplanes."
        )
    return out
