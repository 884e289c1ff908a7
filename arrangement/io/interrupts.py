"""Ctrl-C at the end of a call: a result that is there is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Handlers of the blocks below, each with the program's own, which was there before all
_HEARS: dict[Any, Callable[[int, Any], Any]] = {}


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

    _HEARS[hold] = _HEARS.get(before, before)
    signal.signal(signal.SIGINT, hold)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
        del _HEARS[hold]


@contextmanager
def heard_once() -> Iterator[None]:
    """Let Ctrl-C end a block, and hold back what comes until that is taken care of.

    Where an ``except KeyboardInterrupt`` within the block, or in the function that this
    decorates, makes a result of what there is, another Ctrl-C would come before its
    first line and lose it.  A block within hears one of its own, also where this one,
    or `held_interrupts`, holds them back.
    """
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not callable(before):
        yield
        return
    handler = _HEARS.get(before, before)
    has_heard = False

    def hear(number: int, frame: Any) -> None:
        nonlocal has_heard
        if has_heard:
            return
        has_heard = True
        handler(number, frame)
        has_heard = False  # a handler that raises nothing ends nothing

    _HEARS[hear] = handler
    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        del _HEARS[hear]
