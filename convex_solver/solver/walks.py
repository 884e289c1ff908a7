"""Paths of one program or several, side by side: all at one beta, then at the next.

Of a cross-validation every beta is so complete, whenever the time ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace

from arrangement.io import ProgressLike
from arrangement.options import Progress
from convex_solver.networks import TwoLayerReLU
from convex_solver.program import ConvexProgram
from convex_solver.reading import Limits, part_of_time
from convex_solver.solver.solver import Solution, solve_from, teller
from convex_solver.typing import Array


class Walk:
    """One program, solved for one beta after another, each begun at the last."""

    def __init__(self, program: ConvexProgram, limits: Limits) -> None:
        self.program = program
        self.limits = limits
        self._network: TwoLayerReLU | None = None
        self._guesses: Array | None = None

    def step(self, beta: float, deadline: float, progress: ProgressLike) -> Solution:
        """Solve for a beta, near the last one's network and chambers."""
        solution, self._guesses = solve_from(
            self.program.with_beta(beta),
            "column-generation",
            self.limits,
            deadline,
            progress,
            self._guesses,
            self._network,
        )
        self._network = solution.network
        return solution


class Walks:
    """The solutions of all programs at each beta, as they come.

    Parameters
    ----------
    programs : sequence of ConvexProgram
        At least one.
    betas : sequence of float
    limits : Limits
        One program is solved with ``n_jobs`` threads; of several, so many are solved at
        a time.  Without a deadline the solutions do not depend on it.
    deadline : float
        Of `time.monotonic`.  Each solution has an equal share of what is left, and no
        beta but the first is begun when it is over.
    progress : callable, optional

    Attributes
    ----------
    stopped : str
        Why it ended early: ``"time limit"``, ``"interrupted"``, or ``""``.

    Notes
    -----
    After Ctrl-C the solution of a single program is certified as far as it is, and
    comes last; of several, what is not complete is dropped.
    """

    def __init__(
        self,
        programs: Sequence[ConvexProgram],
        betas: Sequence[float],
        limits: Limits,
        deadline: float,
        progress: ProgressLike = None,
    ) -> None:
        several = len(programs) > 1
        self._tell = teller(progress)
        self._progress = progress
        self._betas = tuple(betas)
        self._n_jobs = min(limits.n_jobs, len(programs)) if several else 1
        own = replace(limits, n_jobs=1) if several else limits
        self._walks = [Walk(program, own) for program in programs]
        self._deadline = deadline
        self.stopped = ""

    def __iter__(self) -> Iterator[list[Solution]]:
        """Go through the betas; for each yield a solution of every program."""
        for k, beta in enumerate(self._betas):
            if k and time.monotonic() >= self._deadline:
                self.stopped = "time limit"
                return
            self._tell(f"beta = {beta:.6g} ({k + 1} of {len(self._betas)})")
            try:
                found = self._solve(beta, len(self._betas) - k)
            except KeyboardInterrupt:
                self.stopped = "interrupted"
                return
            if any(one.stopped == "interrupted" for one in found):
                self.stopped = "interrupted"
                if len(self._walks) == 1:
                    yield found
                return
            yield found

    def _solve(self, beta: float, n_betas: int) -> list[Solution]:
        """Solve all programs at a beta, which has so many left, itself included."""
        if self._n_jobs > 1:
            return self._solve_at_once(beta, n_betas)
        found: list[Solution] = []
        n_left = n_betas * len(self._walks)
        for done, walk in enumerate(self._walks):
            end = part_of_time(self._deadline, 1.0 / (n_left - done))
            found.append(walk.step(beta, end, self._progress))
            if found[-1].stopped == "interrupted":
                break
        return found

    def _solve_at_once(self, beta: float, n_betas: int) -> list[Solution]:
        """Solve the programs in threads; kernels release the lock of Python."""
        is_over = False

        def listen(_: Progress) -> None:
            if is_over:  # only the main thread hears Ctrl-C
                raise KeyboardInterrupt

        turns = -(-len(self._walks) // self._n_jobs)
        with ThreadPoolExecutor(self._n_jobs) as pool:

            def one(k: int) -> Solution:
                left = n_betas * turns - k // self._n_jobs
                end = part_of_time(self._deadline, 1.0 / left)
                return self._walks[k].step(beta, end, listen)

            futures = [pool.submit(one, k) for k in range(len(self._walks))]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                return [future.result() for future in futures]
            except BaseException:
                is_over = True
                pool.shutdown(cancel_futures=True)
                raise
