"""Pieces of work that are dominated by the kernels of one room.

They use public names only, with the few exceptions said below, so that the same file
times the packages of any checkout: `bench_kernels` those of this one, ``--against``
two. Each answer is compared: lists by the digest of their bytes, objectives to 1e-9.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from bench import instances

from reference import families

Job = Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """Something to time: ``prepare()`` gives a job, whose result gives an answer."""

    room: str
    name: str
    prepare: Callable[[], Job]
    answer: Callable[[Any], Any]
    unit: str = ""
    is_quick: bool = False

    def items(self, answer: Any) -> int | None:
        """How many there are of ``unit`` in an answer."""
        return int(answer[0]) if self.unit else None


def attribute(names: tuple[str, ...], wanted: str) -> Any:
    """Return an internal from the first of several modules that has it.

    Checkouts before and after a move keep it in different places.
    """
    for name in names:
        try:
            return getattr(importlib.import_module(name), wanted)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"none of {', '.join(names)} has {wanted}")


def field(thing: Any, *names: str) -> Any:
    """Return an attribute that has one of several names."""
    name = next(name for name in names if hasattr(thing, name))
    return getattr(thing, name)


# Listing: cells, vertices, proofs, the tree.


@numba.njit
def xor_of_bits(state, pattern):
    state[0] += 1
    for word in pattern:
        state[1] ^= np.int64(word)


def streamed(make: Callable[[], Any]) -> Callable[[], Job]:
    """List all patterns without keeping them; a digest that costs next to nothing."""

    def prepare() -> Job:
        from arrangement import Arrangement, fold

        arrangement = Arrangement(make())

        def job() -> list[int]:
            state = np.zeros(2, dtype=np.int64)
            found: list[int] = fold(arrangement, xor_of_bits, state).tolist()
            return found

        return job

    return prepare


def kept(make: Callable[[], Any], *, prove: bool) -> Callable[[], Job]:
    def prepare() -> Job:
        from arrangement import Arrangement, enumerate_patterns

        arrangement = Arrangement(make())
        return lambda: enumerate_patterns(arrangement, prove=prove)

    return prepare


def many_small() -> Job:
    """List with proof what is small: what a call costs beside its kernels."""
    from arrangement import enumerate_patterns

    matrices = [instances.gaussian(10, 3, k) for k in range(20)]
    matrices += [families.generic(8, 3, k) for k in range(20)]
    return lambda: [sum(len(enumerate_patterns(X)) for X in matrices)]


def big_integers() -> Any:
    """Braid arrangement in other coordinates: degenerate, integers of 40 bits."""
    change = np.random.default_rng(5).integers(-(2**38), 2**38, size=(7, 7))
    return np.array(families.braid(6), dtype=object) @ change.astype(object)


def verified(make: Callable[[], Any]) -> Callable[[], Job]:
    """Prove a list from its bits alone."""

    def prepare() -> Job:
        from arrangement import enumerate_patterns, verify

        X = make()
        patterns = enumerate_patterns(X, prove=False)

        def job() -> list[int]:
            assert "distinct" in str(verify(patterns.packed, X))
            return [len(patterns)]

        return job

    return prepare


@numba.njit
def deepest(state, pattern, witness, changed, depth, is_new):
    state[0] += is_new
    state[1] = max(state[1], depth)
    state[2] += changed.size


def along_tree(make: Callable[[], Any]) -> Callable[[], Job]:
    def prepare() -> Job:
        from arrangement import Arrangement, fold

        arrangement = Arrangement(make())

        def job() -> list[int]:
            state = np.zeros(3, dtype=np.int64)
            found: list[int] = fold(arrangement, deepest, state, order="tree").tolist()
            return found

        return job

    return prepare


def faces() -> Job:
    from arrangement import Arrangement, iter_covectors

    arrangement = Arrangement(instances.gaussian(25, 4))
    return lambda: [sum(len(block) for block in iter_covectors(arrangement))]


def counted(make: Callable[[], Any]) -> Callable[[], Job]:
    def prepare() -> Job:
        from arrangement import Arrangement, count_patterns

        arrangement = Arrangement(make())
        return lambda: [count_patterns(arrangement)]

    return prepare


def sizes() -> Job:
    """Count the chambers of every restriction."""
    from convex_solver import ConvexProgram, conic_sizes

    asked = instances.planted_network(100, 4, 0.1)
    program = ConvexProgram(asked["X"], asked["y"], asked["beta"])
    return lambda: [conic_sizes(program).n_chambers, conic_sizes(program).n_cone_rows]


# Certificates and solver.


def problem(n: int, r: int, beta: float, loss: str = "squared") -> Callable[[], Any]:
    def make() -> Any:
        from convex_solver import ConvexProgram

        asked = instances.planted_network(n, r, beta)
        y = np.array(asked["y"])
        if loss in ("hinge", "logistic"):
            y = np.where(y > np.median(y), 1.0, -1.0)
        return ConvexProgram(asked["X"], y, beta, loss=loss)

    return make


def certified(n: int, r: int, method: str) -> Callable[[], Job]:
    """Bound a network of random neurons, with a dual point that is given too."""

    def prepare() -> Job:
        from convex_solver import TwoLayerReLU, certify

        asked = instances.planted_network(n, r, 0.1)
        X, y = np.array(asked["X"]), np.array(asked["y"])
        random = np.random.default_rng(n)
        weights = random.standard_normal((20, r))
        hidden = np.maximum(X @ weights.T, 0.0)
        alphas = np.linalg.lstsq(hidden, y, rcond=None)[0]
        v = np.round(hidden @ alphas - y, 6)
        network = TwoLayerReLU(np.round(weights, 3), np.round(alphas, 3))

        def job() -> Any:
            return certify(network, X, y, 0.1, dual=v, method=method)

        return job

    return prepare


def bounds(certificate: Any) -> list[Any]:
    """Cones or chambers that were priced, and both bounds."""
    count = field(certificate, "n_cones", "n_cells") or certificate.n_patterns
    return [count, certificate.lower_bound, certificate.upper_bound]


def solved(make: Callable[[], Any], tol: float) -> Callable[[], Job]:
    def prepare() -> Job:
        from convex_solver import solve

        # the program too: reading it is part of every use
        return lambda: solve(make(), tol=tol)

    return prepare


def restricted(n: int, r: int, loss: str = "squared") -> Callable[[], Job]:
    """The interior point method over the chambers of 1,000 directions."""

    def prepare() -> Job:
        from convex_solver import approximate

        program = problem(n, r, 0.1, loss)()
        return lambda: approximate(program, n_directions=1000, tol=1e-9, bound=None)

    return prepare


def climbed() -> Job:
    """Climb from 300 directions, both signs; the pricer is not public."""
    from arrangement import Arrangement

    Pricer = attribute(PRICERS, "Pricer")
    asked = instances.planted_network(200, 6, 0.1)
    X, y = np.array(asked["X"]), np.array(asked["y"])
    arrangement = Arrangement(X)
    seeds = np.random.default_rng(0).standard_normal((300, 6))

    def job() -> list[Any]:
        found = Pricer(X, arrangement).maxima(y - y.mean(), seeds, 0)
        return [len(found.values), float(found.largest)]

    return job


PRICERS = (
    "convex_solver.solver",
    "convex_solver.solver.pricing",
    "convex_solver.pricing",
)


def interpolated(n: int) -> Callable[[], Job]:
    def prepare() -> Job:
        from convex_solver import interpolate

        X, y = instances.interpolation(n, 3, 0)
        return lambda: interpolate(X, y, tol=1e-6)

    return prepare


def convolved() -> Job:
    from convex_solver import LinearCNNProgram, solve_linear_cnn

    patches, y = instances.patches(200, 8, 10)
    beta = 0.03 * LinearCNNProgram(patches, y, 1.0).beta_max()
    return lambda: solve_linear_cnn(LinearCNNProgram(patches, y, beta))


def built() -> Job:
    from convex_solver import build_conic

    program = problem(100, 3, 0.1)()
    return lambda: build_conic(program, form="tree")


def trained() -> Job:
    from convex_solver import train

    program = problem(50, 3, 0.1)()
    return lambda: train(program, method="adam", n_starts=5, steps=500)


def digest(patterns: Any) -> list[Any]:
    return [len(patterns), hashlib.sha256(patterns.packed.tobytes()).hexdigest()]


def objective(found: Any) -> list[Any]:
    return [float(found.objective)]


def norm(found: Any) -> list[Any]:
    return [float(found.norm)]


def entries(conic: Any) -> list[Any]:
    return [int(conic.A.nnz)]


def as_is(found: list[Any]) -> list[Any]:
    return found


def _listing(name: str, make: Callable[[], Any], *, quick: bool = False) -> Work:
    room, _, _ = name.partition(":")
    return Work(room, name.split(": ")[1], streamed(make), as_is, "patterns", quick)


WORKS = (
    _listing("cells: threshold n=5", lambda: families.threshold(5), quick=True),
    _listing("cells: resonance n=6", lambda: families.resonance(6)),
    _listing("cells: big integers", big_integers, quick=True),
    _listing("vertices: Gaussian (100, 4)", lambda: instances.gaussian(100, 4)),
    _listing("vertices: Gaussian (1000, 3)", lambda: instances.gaussian(1000, 3)),
    _listing(
        "vertices: Gaussian (60, 4)", lambda: instances.gaussian(60, 4), quick=True
    ),
    _listing("vertices: planted", lambda: instances.with_planted_rows(200)[1]),
    Work(
        "tree",
        "threshold n=4",
        along_tree(lambda: families.threshold(4)),
        as_is,
        "chambers",
        True,
    ),
    Work(
        "tree",
        "Gaussian (40, 4)",
        along_tree(lambda: instances.gaussian(40, 4)),
        as_is,
        "chambers",
    ),
    Work(
        "tree",
        "threshold n=5",
        along_tree(lambda: families.threshold(5)),
        as_is,
        "chambers",
    ),
    Work("listing", "40 small matrices, proven", many_small, as_is, "patterns", True),
    Work("listing", "faces of Gaussian (25, 4)", faces, as_is, "faces"),
    Work(
        "listing",
        "Gaussian (1000, 3), kept",
        kept(lambda: instances.gaussian(1000, 3), prove=False),
        digest,
        "patterns",
    ),
    Work(
        "listing",
        "Gaussian (1000, 3), proven",
        kept(lambda: instances.gaussian(1000, 3), prove=True),
        digest,
        "patterns",
    ),
    Work(
        "listing",
        "resonance n=6, proven",
        kept(lambda: families.resonance(6), prove=True),
        digest,
        "patterns",
    ),
    Work(
        "verification",
        "resonance n=5, from bits",
        verified(lambda: families.resonance(5)),
        as_is,
        "patterns",
        True,
    ),
    Work(
        "verification",
        "Gaussian (100, 3), from bits",
        verified(lambda: instances.gaussian(100, 3)),
        as_is,
        "patterns",
    ),
    Work(
        "counting",
        "Gaussian (100, 4)",
        counted(lambda: instances.gaussian(100, 4)),
        as_is,
    ),
    Work(
        "counting",
        "resonance n=6",
        counted(lambda: families.resonance(6)),
        as_is,
        "",
        True,
    ),
    Work("counting", "restrictions of (100, 4)", sizes, as_is, "", True),
    Work("covering", "(100, 3)", certified(100, 3, "covering"), bounds, "cones", True),
    Work("covering", "(50, 5)", certified(50, 5, "covering"), bounds, "cones"),
    Work("covering", "(1000, 3)", certified(1000, 3, "covering"), bounds, "cones"),
    Work("certificates", "(100, 3) by chambers", certified(100, 3, "chambers"), bounds),
    Work("interior point", "(100, 3)", restricted(100, 3), objective),
    Work("interior point", "(20, 3)", restricted(20, 3), objective, "", True),
    Work(
        "interior point", "(50, 3), logistic", restricted(50, 3, "logistic"), objective
    ),
    Work("climbing", "(200, 6), 300 directions", climbed, as_is, "", True),
    Work(
        "solver", "(20, 3), 0.1", solved(problem(20, 3, 0.1), 1e-9), objective, "", True
    ),
    Work("solver", "(50, 3), 0.1", solved(problem(50, 3, 0.1), 1e-9), objective),
    Work("solver", "(50, 4), 0.1", solved(problem(50, 4, 0.1), 1e-9), objective),
    Work("solver", "(200, 3), 0.1", solved(problem(200, 3, 0.1), 1e-9), objective),
    Work("solver", "(100, 3), 0.001", solved(problem(100, 3, 1e-3), 1e-9), objective),
    Work(
        "solver",
        "(50, 3), hinge",
        solved(problem(50, 3, 0.1, "hinge"), 1e-7),
        objective,
    ),
    Work(
        "solver",
        "(50, 3), absolute",
        solved(problem(50, 3, 0.1, "absolute"), 1e-7),
        objective,
    ),
    Work("interpolation", "(20, 3)", interpolated(20), norm, "", True),
    Work("interpolation", "(40, 3)", interpolated(40), norm),
    Work("linear_cnn", "(200, 8, 10)", convolved, objective, "", True),
    Work("conic", "tree form of (100, 3)", built, entries, "", True),
    Work("baselines", "Adam, 5 starts", trained, objective, "", True),
)
ROOMS = tuple(dict.fromkeys(work.room for work in WORKS))
