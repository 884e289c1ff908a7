"""Exceptions of :mod:`convex_solver`; every message says what came and what to do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arrangement import ArrangementError, InputError


class ConvexSolverError(ArrangementError):
    """Base class of the exceptions that only :mod:`convex_solver` raises.

    Bad input is an `arrangement.InputError` or `arrangement.InputTypeError` in both
    packages, so that one ``except`` catches it wherever it is found.
    """


class ProgramTooLargeError(ConvexSolverError, MemoryError):
    """A program would not fit in the memory allowed; nothing was started."""


class TrainingDivergedError(ConvexSolverError, ArithmeticError):
    """No start of a local search stayed finite."""


class NoInterpolationError(ConvexSolverError, ValueError):
    """No network takes all targets; ``obstruction`` names the rows that show it.

    An obstruction has ``rows``, ``coefficients``, ``value`` and ``reason``
    (`convex_solver.certificates.obstruction.Obstruction`).
    """

    def __init__(self, obstruction: Any) -> None:
        self.obstruction = obstruction
        pairs = zip(obstruction.coefficients, obstruction.rows, strict=True)
        terms = " ".join(f"{c:+d} f({i})" for c, i in pairs)
        # a decimal, as the value may be beyond float64
        value = Decimal(obstruction.value.numerator) / obstruction.value.denominator
        super().__init__(
            f"no two-layer ReLU network takes these targets: {obstruction.reason}. "
            f"For every network {terms} = 0, for the targets it is "
            f"{value:.6g}. Change these rows, or fit with a loss."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the obstruction: pickling takes the message by default."""
        return NoInterpolationError, (self.obstruction,)


class DataSetError(ConvexSolverError, ValueError):
    """What was read is not the data set that it should be."""


class MissingDataSetError(ConvexSolverError, OSError):
    """A data set is neither in a folder nor to be fetched."""


class MissingLibraryError(ConvexSolverError, ImportError):
    """A library that only some calls need is not installed; it is named."""


class LeavesError(InputError):
    """Leaves that do not cover the sphere, or belong to other data, prove nothing."""


class ModelFileError(ConvexSolverError, ValueError):
    """A model file cannot be read, or is not a model file."""


class ProofError(ConvexSolverError, ValueError):
    """No proof can be written: of this problem, in this form, or within a budget."""


class ConicFileError(ConvexSolverError, ValueError):
    """A file of a conic program cannot be read, or is none."""


class CertificateError(ConvexSolverError, RuntimeError):
    """A stored certificate does not hold for this model and these data."""


class DigestMismatchError(CertificateError):
    """Weights, dual point, settings or data are not those that were certified."""


class ClaimNotReproducedError(CertificateError):
    """The recomputed bounds are worse than the bounds that the file claims."""
