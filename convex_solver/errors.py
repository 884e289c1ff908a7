"""Exceptions of :mod:`convex_solver`; every message says what came and what to do."""


class ConvexSolverError(Exception):
    """Base class of every exception raised on purpose by :mod:`convex_solver`."""


class InputError(ConvexSolverError, ValueError):
    """The value of an argument is not acceptable (shape, range, labels, name)."""


class InputTypeError(ConvexSolverError, TypeError):
    """The type of an argument is not acceptable."""


class ProgramTooLargeError(ConvexSolverError, MemoryError):
    """A program would not fit in the memory allowed; nothing was started."""


class ModelFileError(ConvexSolverError, ValueError):
    """A model file cannot be read, or is not a model file."""


class CertificateError(ConvexSolverError, RuntimeError):
    """A stored certificate does not hold for this model and these data."""


class DigestMismatchError(CertificateError):
    """Weights, dual point, settings or data are not those that were certified."""


class ClaimNotReproducedError(CertificateError):
    """The recomputed bounds are worse than the bounds that the file claims."""
