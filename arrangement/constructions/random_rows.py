"""Random integer rows in general position, proven so."""

from __future__ import annotations

import math

import numpy as np

from arrangement.constructions.families import empty_rows
from arrangement.counting import count_patterns, cover_bound
from arrangement.errors import InputError
from arrangement.model import Arrangement
from arrangement.options import Deadline, whole_number

# tries, with entries twice as large each time
_MOST_TRIES = 40
# largest entry: a machine word
_LARGEST = 2**62


def generic(
    n: int, r: int, seed: int = 0, *, time_limit: float | None = None
) -> Arrangement:
    """Return random integer rows of which every r are independent, proven so.

    Parameters
    ----------
    n, r : int
        Rows and columns, ``1 <= r <= n``.
    seed : int
        Of NumPy's generator, at least 0; the rows depend on n, r and seed alone.
    time_limit : float, optional
        Most seconds for the proof, kept within about one.

    Returns
    -------
    Arrangement
        ``cover_bound(n, r)`` chambers.  Entries are uniform in -m .. m, m about the
        r-th root of sixteen times the number of minors, doubled until no minor is 0.

    Raises
    ------
    InputError, InputTypeError
        n, r or seed out of range, or no integers.
    BudgetExceededError
        The time is up before the rows are proven.

    Notes
    -----
    Rows have as many chambers as Cover's bound exactly if every r of them are
    independent (Cover 1965, Theorem 1), and the characteristic polynomial counts the
    chambers: ``O(n**(r - 2))`` restrictions, where there are ``n**r / r!`` minors.

    Examples
    --------
    >>> from arrangement import count_patterns, cover_bound
    >>> count_patterns(generic(20, 4, seed=1)) == cover_bound(20, 4)
    True
    """
    n, r = whole_number(n, "n", 1), whole_number(r, "r", 1)
    seed = whole_number(seed, "seed", 0)
    deadline = Deadline(time_limit)
    if r > n:
        raise InputError(
            f"n={n}, r={r}; expected r <= n, as n rows have no higher rank."
        )
    empty_rows(n, r, f"generic({n}, {r})", n)
    random = np.random.default_rng([seed, n, r])
    most = 2 + math.ceil((16.0 * math.comb(n, r)) ** (1 / r) / 2)
    for _ in range(_MOST_TRIES):
        most = min(most, _LARGEST)
        rows = random.integers(-most, most, (n, r), endpoint=True)
        found = Arrangement(rows)
        if np.all(found.class_of >= 0) and (found.n_distinct == n or r == 1):
            count = count_patterns(found, time_limit=deadline.left())
            if count == cover_bound(n, r):
                return found
        most *= 2
    raise InputError(
        f"no {n} rows of {r} integers below 2**62 were found in general position in "
        f"{_MOST_TRIES} tries; take fewer rows or another seed."
    )
