"""Ctrl-C at the end of a call: a result that is there is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Hold Ctrl-C back in a block that is soon done, and forget it afterwards.

    Yield a list with an entry for each that came.  Only the main thread hears Ctrl-C;
    in others, and where a program has no handler of Python, nothing is held.
    """
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not callable(before):
        yield came
        return

    def hold(number: int, _: Any) -> None:
        came.append(number)

    signal.signal(signal.SIGINT, hold)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
