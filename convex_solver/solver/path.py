"""`solve_path`: the certified optima of many weight decays, each begun at the last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from arrangement import InputError
from arrangement.io import ProgressLike, shows_progress
from arrangement.options import whole_number
from convex_solver.program import ConvexProgram
from convex_solver.reading import (
    MAX_CONES,
    TOL,
    Limits,
    check_kind,
    deadline_after,
    read_beta,
    read_number,
    read_seconds,
)
from convex_solver.solver.largest_beta import beta_max_interval
from convex_solver.solver.solver import Solution
from convex_solver.solver.walks import Walks
from convex_solver.typing import Array

# Betas of a grid, and its smallest as a share of its largest.  Scikit-learn's LassoCV
# has 100, which take no time there, and 1e-3; here the largest beta is for targets that
# are not centred, and 1e-4 is that of glmnet for more rows than columns.
N_BETAS, EPS = 20, 1e-4
# An interval for beta_max of this relative width is one number.
_SAME = 1e-5
# Share of the time that the search for beta_max may take, and cones of its covering.
_GRID_SHARE, _GRID_CONES = 0.1, 10**6


@dataclass(frozen=True, eq=False)
class SolutionPath(Sequence[Solution]):
    """Solutions of one program for several weight decays: a sequence, and arrays.

    Attributes
    ----------
    solutions : tuple of Solution
        One for each beta that was solved, in that order.
    betas : ndarray, shape (len(solutions),), float64
        Their weight decays.
    unsolved : tuple of float
        Betas that were left when the path was stopped.
    stopped : str
        Why it ended early: ``"time limit"``, ``"interrupted"``, or ``""``.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> path = solve_path(ConvexProgram(X, [1, -1, 1, 1, -1], 1.0), [1.0, 0.01])
    >>> path
    SolutionPath(2 betas from 1 to 0.01, 2 to 4 neurons, every gap at most 1e-06)
    >>> path.objectives.round(3).tolist(), path[1].status.value
    ([2.448, 0.1], 'optimal')
    """

    solutions: tuple[Solution, ...]
    betas: Array
    unsolved: tuple[float, ...] = ()
    stopped: str = ""
    tol: float = field(default=TOL, repr=False)

    def __len__(self) -> int:
        """Return how many betas were solved."""
        return len(self.solutions)

    @overload
    def __getitem__(self, index: int) -> Solution: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Solution, ...]: ...
    def __getitem__(self, index: int | slice) -> Solution | tuple[Solution, ...]:
        """Return a solution, or a tuple of them."""
        return self.solutions[index]

    def __iter__(self) -> Iterator[Solution]:
        """Go through the solutions in the order in which they were solved."""
        return iter(self.solutions)

    @property
    def objectives(self) -> Array:
        """Objectives of the networks, (len(self),)."""
        return np.array([one.objective for one in self.solutions], dtype=np.float64)

    @property
    def lower_bounds(self) -> Array:
        """Certified: no network has a smaller objective at that beta, (len(self),)."""
        return np.array([one.lower_bound for one in self.solutions], dtype=np.float64)

    @property
    def gaps(self) -> Array:
        """Certified relative gaps, (len(self),)."""
        return np.array([one.gap for one in self.solutions], dtype=np.float64)

    @property
    def neurons(self) -> Array:
        """Numbers of neurons of the networks, (len(self),), int64."""
        return np.array([s.network.n_neurons for s in self.solutions], dtype=np.int64)

    @property
    def seconds(self) -> float:
        """Time that the solutions took together."""
        return sum(one.seconds for one in self.solutions)

    def __repr__(self) -> str:
        """Return the ranges of betas, neurons and gaps, on one line."""
        if not self.solutions:
            return f"SolutionPath(no beta{self._end()})"
        counts = f"{len(self)} beta{'s' if len(self) > 1 else ''}"
        low, high = self.neurons.min(), self.neurons.max()
        worst = float(self.gaps.max())
        gaps = f"every gap at most {self.tol:g}"
        if worst > self.tol:
            above = int(np.sum(self.gaps > self.tol))
            gaps = f"{above} gaps above {self.tol:g}, up to {worst:.1e}"
        return (
            f"SolutionPath({counts} from {self.betas[0]:.6g} to {self.betas[-1]:.6g}, "
            f"{low} to {high} neurons, {gaps}{self._end()})"
        )

    def _end(self) -> str:
        if not self.stopped:
            return ""
        return f"; {len(self.unsolved)} left: {self.stopped}"

    def summary(self) -> str:
        """Return a table of text: a line for each beta.

        Examples
        --------
        >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
        >>> program = ConvexProgram(X, [1, -1, 1, 1, -1], 1.0)
        >>> print(solve_path(program, [4.0, 1.0]).summary())  # doctest: +ELLIPSIS
                beta       objective      gap  neurons  status
                   4             2.5  ...        0  optimal
                   1     2.447794359  ...        2  optimal
        """
        lines = [f"{'beta':>12}  {'objective':>14}  {'gap':>7}  neurons  status"]
        for beta, one in zip(self.betas.tolist(), self.solutions, strict=True):
            lines.append(
                f"{beta:>12.6g}  {one.objective:>14.10g}  {one.gap:>7.1e}  "
                f"{one.network.n_neurons:>7,}  {one.status.value}"
            )
        return "\n".join(lines)


@shows_progress
def solve_path(
    program: ConvexProgram,
    betas: Iterable[float] | None = None,
    *,
    n_betas: int = N_BETAS,
    eps: float = EPS,
    tol: float = TOL,
    time_limit: float | None = None,
    max_cones: int = MAX_CONES,
    n_jobs: int = 1,
    progress: ProgressLike = None,
) -> SolutionPath:
    """Solve for several weight decays, each begun at the network of the last.

    Parameters
    ----------
    program : ConvexProgram
        Its own beta is not used.
    betas : iterable of float, optional
        In the order in which they are solved; falling is cheapest.  `beta_grid` by
        default.
    n_betas, eps
        Of `beta_grid`.
    tol, max_cones, n_jobs, progress
        As in `solve`.
    time_limit : float, optional
        Seconds for the whole call, the search for the largest beta included; each beta
        gets an equal share of what is left.  What is not solved in time is solved as
        far as it goes, with its certified gap; betas that were not begun are in
        ``unsolved``.

    Returns
    -------
    SolutionPath
        A sequence of solutions, one for each beta, every one with a certificate.  Also
        after Ctrl-C: the beta at hand is certified as far as it is, and the last.

    Raises
    ------
    InputError, InputTypeError
        A beta that is no number above 0, before anything is solved; as `beta_grid`, and
        as `solve`.

    Notes
    -----
    The working set of a beta begins with the chambers that the last one ended with, and
    its network is an upper bound from the start.  Each certificate is as independent as
    that of `solve`: it is computed for its own beta from the data.

    Examples
    --------
    >>> X = [[-2, 1], [-1, 1], [0, 1], [1, 1], [2, 1]]
    >>> program = ConvexProgram(X, [1, -1, 1, 1, -1], 1.0)
    >>> path = solve_path(program, n_betas=4)
    >>> path.neurons.tolist(), bool(path.gaps.max() <= 1e-6)
    ([0, 4, 4, 4], True)
    """
    check_kind(program, ConvexProgram, "program")
    limits = Limits(tol, time_limit, None, max_cones, n_jobs)
    deadline = deadline_after(limits.time_limit)
    if betas is None:
        chosen = beta_grid(
            program,
            n_betas=n_betas,
            eps=eps,
            max_cones=max_cones,
            time_limit=None if time_limit is None else _GRID_SHARE * time_limit,
        )
    else:
        chosen = read_betas(betas)
    walks = Walks([program], chosen.tolist(), limits, deadline, progress)
    solutions = tuple(together[0] for together in walks)
    if walks.stopped and not solutions and len(chosen):
        raise KeyboardInterrupt
    n = len(solutions)
    unsolved = tuple(chosen[n:].tolist())
    return SolutionPath(solutions, chosen[:n], unsolved, walks.stopped, limits.tol)


def beta_grid(
    *programs: ConvexProgram,
    n_betas: int = N_BETAS,
    eps: float = EPS,
    time_limit: float | None = None,
    max_cones: int = _GRID_CONES,
) -> Array:
    """Return weight decays from `beta_max` down, each the same share of the last.

    Parameters
    ----------
    *programs : ConvexProgram
        One, or several that share a grid: its largest beta is that of all.  Their own
        betas are not used.
    n_betas : int
        How many, at least 1.
    eps : float
        The smallest as a share of the largest, above 0 and below 1.
    time_limit : float, optional
        Seconds for the largest.
    max_cones : int
        Most cones of the covering that bounds it, for each sign.

    Returns
    -------
    ndarray, shape (n_betas,), float64
        Falling.  At the first the zero network is optimal.  Where beta_max is not known
        to five digits (many columns), the first is the largest at which a neuron is
        known to help, or nearly so.

    Raises
    ------
    InputError
        A size out of range; a loss with a kink at zero (as `beta_max`), or no beta at
        which a neuron helps.

    Examples
    --------
    >>> program = ConvexProgram([[1.0], [2.0]], [1.0, 1.0], 1.0)
    >>> beta_grid(program, n_betas=3, eps=0.01).round(6).tolist()
    [3.0, 0.3, 0.03]
    """
    for program in programs:
        check_kind(program, ConvexProgram, "program")
    count = whole_number(n_betas, "n_betas", 1)
    share = read_number(eps, "eps", above=0.0, below=1.0)
    if not programs:
        raise InputError("beta_grid() got no program; give one, or several.")
    seconds = read_seconds(time_limit)
    each = None if seconds is None else seconds / len(programs)
    first = max(_first_beta(one, each, max_cones) for one in programs)
    if not 0.0 < first * share < math.inf:
        raise InputError(
            "no weight decay is small enough for a neuron to help: the zero network is "
            f"optimal at every beta (targets or columns are zero; beta_max is {first:g}"
            "). Look at the data, or give betas."
        )
    return np.geomspace(first, share * first, count)


def _first_beta(
    program: ConvexProgram, time_limit: float | None, max_cones: int
) -> float:
    try:
        low, high = beta_max_interval(
            program, time_limit=time_limit, max_cones=max_cones
        )
    except InputError as error:
        raise InputError(f"{error} Give betas.") from None
    return high if high <= low * (1.0 + _SAME) else low


def read_betas(betas: Iterable[float]) -> Array:
    """Return weight decays as an array, (m,), float64.

    Raises
    ------
    InputError, InputTypeError
        One that is no finite number above 0.
    """
    check_kind(betas, Iterable, "betas")
    return np.array([read_beta(beta) for beta in betas], dtype=np.float64)
