"""What executors are compared with, and what kills their workers."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numba
import numpy as np


def processes(count=2):
    """A pool of fresh processes, as on every system."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context)


class Deadly(ProcessPoolExecutor):
    """Two fresh processes: the task of this number kills the one that has it.

    However fast the others are, this one has no result.
    """

    def __init__(self, number):
        super().__init__(2, mp_context=multiprocessing.get_context("spawn"))
        self._number = number
        self.n_sent = 0

    def submit(self, function, /, *arguments):
        self.n_sent += 1
        if self.n_sent == self._number:
            return super().submit(kill_this_process)
        return super().submit(function, *arguments)


def kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


class Twice(ThreadPoolExecutor):
    """Runs every task twice and gives the first result, as an engine may."""

    def submit(self, function, /, *arguments):
        def both():
            first = function(*arguments)
            function(*arguments)
            return first

        return super().submit(both)


class Lazy(ThreadPoolExecutor):
    """Runs tasks when their result is asked for, the last ones first if need be."""

    def submit(self, function, /, *arguments):
        future = Future()
        future.result = lambda timeout=None: function(*arguments)
        return future


def bytes_of(folder):
    """Digests of all files of a folder, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@numba.njit
def count_ones(state, pattern):
    """How many patterns have each number of ones."""
    ones = 0
    for word in pattern:
        while word != np.uint64(0):
            word &= word - np.uint64(1)
            ones += 1
    state[ones] += 1


def add(state, part):
    state += part
