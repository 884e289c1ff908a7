"""What ``progress=`` of every function may be, and the bar that True draws.

Functions hand a callable on to what they call.  Here alone True becomes one: a bar of
`tqdm.auto`, which is a widget in a notebook and a line on standard error elsewhere.
"""

from __future__ import annotations

import functools
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from arrangement.errors import InputTypeError
from arrangement.options import Listener, Progress, short

ProgressLike = Listener | bool | None

_Function = TypeVar("_Function", bound=Callable[..., Any])
# of stages that count nothing: no share, no rate
_WORDS = "{desc} [{elapsed}]"
# totals beyond float64 cannot be divided by
_MOST_BITS = 1000


class Bar:
    """A bar that is drawn from the first `Progress` on; a `Listener`.

    Parameters
    ----------
    unit : str
        What is counted.
    **options
        Of `tqdm.auto.tqdm`.
    """

    def __init__(self, unit: str = " patterns", **options: Any) -> None:
        self._options = {"unit": unit, "unit_scale": True} | options
        self._bar: Any = None

    def __call__(self, latest: Progress) -> None:
        """Show how far it is."""
        if self._bar is None:
            words = {"bar_format": _WORDS} if latest.done is None else {}
            total = _drawable(latest.total)
            self._bar = _tqdm()(total=total, **words, **self._options)
        bar = self._bar
        if latest.done is None:
            bar.bar_format = _WORDS if bar.total is None else None
            bar.set_description_str(_on_a_line(latest.message))
            return
        total = _drawable(latest.total)
        if total != bar.total:
            bar.reset(total)
        bar.bar_format = None
        bar.set_description_str("", refresh=False)
        bar.update(latest.done - bar.n)

    def close(self, *, is_done: bool = True) -> None:
        """End the bar: what is done is all there is, where a bound was not reached."""
        bar, self._bar = self._bar, None
        if bar is None:
            return
        if is_done and bar.total is not None:
            bar.total = bar.n
        bar.refresh()
        bar.close()


def listener(progress: Any) -> Listener | None:
    """Return what to call: the callable that came, a new `Bar` for True, or None.

    Whoever asked closes the bar.

    Raises
    ------
    InputTypeError
        What came is none of these.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        return Bar()
    if not callable(progress):
        raise InputTypeError(
            f"progress={progress!r}; expected True for a bar, or a function of one "
            "`Progress` such as print."
        )
    found: Listener = progress
    return found


@contextmanager
def listening(progress: Any) -> Iterator[Listener | None]:
    """Yield what to call, and close the bar that was made for it."""
    found = listener(progress)
    is_done = False
    try:
        yield found
        is_done = True
    finally:
        if found is not progress and isinstance(found, Bar):
            found.close(is_done=is_done)


def shows_progress(function: _Function) -> _Function:
    """Let a function take ``progress=True``: within, it is a callable or None."""

    @functools.wraps(function)
    def call(*args: Any, progress: Any = None, **options: Any) -> Any:
        if progress is None:
            return function(*args, **options)
        with listening(progress) as found:
            return function(*args, progress=found, **options)

    return cast(_Function, call)


def _tqdm() -> Any:
    """Return the bar that suits where this runs."""
    with warnings.catch_warnings():
        # a notebook without ipywidgets has lines of text instead, which will do
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm


def _on_a_line(message: str) -> str:
    """Return the part of a message that a terminal shows without breaking the line."""
    if sys.stderr is None or not sys.stderr.isatty():
        return message
    return short(message, max(20, shutil.get_terminal_size().columns - 12))


def _drawable(total: int | None) -> int | None:
    """Return a total that a bar can divide by: None for what is beyond float64."""
    return None if total is None or total.bit_length() > _MOST_BITS else total
