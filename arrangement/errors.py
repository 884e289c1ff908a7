"""Exceptions of :mod:`arrangement`; every message says what came and what to do."""


class ArrangementError(Exception):
    """Base class of every exception raised on purpose by :mod:`arrangement`."""


class InputError(ArrangementError, ValueError):
    """The value of an argument is not acceptable (shape, NaN, range, file)."""


class InputTypeError(ArrangementError, TypeError):
    """The type of an argument is not acceptable (complex numbers, objects)."""


class IncompleteListingError(ArrangementError, RuntimeError):
    """A list of patterns is not the complete list: the message says why."""


class BudgetExceededError(ArrangementError, RuntimeError):
    """A stated budget (nodes, seconds, patterns) would be exceeded."""


class ListingTooLargeError(BudgetExceededError, MemoryError):
    """A listing would not fit in the memory allowed; nothing was started."""
