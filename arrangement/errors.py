"""Exceptions of :mod:`arrangement`; every message says what came and what to do."""

from __future__ import annotations

from typing import Any


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


class WorkersLostError(ArrangementError, RuntimeError):
    """The workers of an executor died, and it does not start others."""


class ListingTooLargeError(BudgetExceededError, MemoryError):
    """A listing would not fit in the memory allowed; nothing was started."""


class ListingStoppedError(BudgetExceededError):
    """A limit ended a listing before it was complete.

    ``patterns`` is the `PatternSet` found so far, or None where the blocks of a
    stream have been handed out already.
    """

    def __init__(self, message: str, patterns: Any = None) -> None:
        super().__init__(message)
        self.patterns = patterns


class ListingInterruptedError(KeyboardInterrupt):
    """Ctrl-C ended a listing before it was complete; ``patterns`` are those found.

    A `KeyboardInterrupt` like any other for whoever does not ask for them.
    """

    def __init__(self, message: str, patterns: Any) -> None:
        super().__init__(message)
        self.patterns = patterns
