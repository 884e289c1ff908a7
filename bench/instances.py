"""The instances of all benchmarks: seeded, planted, degenerate and real ones.

They use nothing of the packages but what every checkout has, because ``--against``
gives them to another one; so they are not those of the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import data_folder

Array = NDArray[np.float64]
Question = dict[str, Any]

# The standardised data of the examples, read as the decimals they show.
DECIMAL: Question = {"standardize": True, "intercept": True, "floats": "decimal"}


def gaussian(n: int, r: int, seed: int | None = None) -> Array:
    """Rows in general position, whose count is Cover's bound."""
    seed = 1000 * n + r if seed is None else seed
    return np.random.default_rng(seed).normal(size=(n, r))


def with_planted_rows(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A generic integer matrix of rank 4, and one with duplicates and dependent fours.

    Five duplicates; each of twenty dependent quadruples costs one pair of chambers.
    """
    draw = np.random.default_rng(7)
    X = draw.integers(-(2**20), 2**20, size=(n, 4))
    Y = X.copy()
    for k in range(20):
        i = 20 + 8 * k
        Y[i + 3] = np.array([1, -2, 1]) @ Y[i : i + 3]
    Y[5:10] = Y[:5]
    return X, Y


def with_intercept(n: int, r: int, seed: Any) -> tuple[Array, np.random.Generator]:
    """Gaussian rows with a column of ones, and the source of what is drawn next."""
    random = np.random.default_rng(seed)
    return np.column_stack([random.standard_normal((n, r - 1)), np.ones(n)]), random


def planted_network(n: int, r: int, beta: float, seed: int = 1) -> Question:
    """A regression on targets of three ReLU neurons and noise of size 0.3."""
    X, random = with_intercept(n, r, [seed, n, r])
    weights = random.standard_normal((r, 3))
    alphas = random.standard_normal(3)
    y = np.maximum(X @ weights, 0.0) @ alphas + 0.3 * random.standard_normal(n)
    return {"X": X.tolist(), "y": y.tolist(), "beta": beta}


def interpolation(n: int, r: int, seed: int) -> tuple[Array, Array]:
    """Gaussian rows with a column of ones, Gaussian targets."""
    X, random = with_intercept(n, r, seed)
    return X, random.standard_normal(n)


LABELLED = ("logistic", "hinge", "squared_hinge")


def patches(n: int, K: int, d: int) -> tuple[Array, Array]:
    """Gaussian samples of K patches, targets of a linear CNN of rank 2 and noise."""
    random = np.random.default_rng([n, K, d])
    X = random.standard_normal((n, K, d))
    map_ = random.standard_normal((K, 2)) @ random.standard_normal((2, d))
    return X, np.tensordot(X, map_, 2) + 0.3 * random.standard_normal(n)


def blobs(n: int, d: int) -> tuple[Array, NDArray[np.bool_]]:
    """Two Gaussian blobs that overlap, and which point is of which."""
    random = np.random.default_rng(100 * d + n)
    labels = np.arange(n) % 2 == 0
    return random.normal(size=(n, d)) + 1.5 * labels[:, None], labels


def peer_rows(n: int, r: int) -> list[list[int]]:
    """Rows of small integers, which every peer reads."""
    random = np.random.default_rng(1000 * n + r)
    rows: list[list[int]] = random.integers(-99, 100, size=(n, r)).tolist()
    return rows


def real(name: str) -> dict[str, Any] | None:
    """Return the arrays of a data set that does not ship, or None without it."""
    folder = data_folder()
    if folder is None:
        return None
    with np.load(folder / f"{name}.npz", allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


def real_rows(name: str, columns: list[int] | None = None) -> Any:
    """Return a data set with an intercept as integers, or None without it.

    Its decimals times a power of ten, column by column: the same arrangement.
    """
    data = real(name)
    if data is None:
        return None
    integers = data["X_int"] if columns is None else data["X_int"][:, columns]
    return np.column_stack([integers, np.ones(len(integers), dtype=np.int64)])


def penguin_rows() -> list[list[Any]]:
    """Two sizes of the bill of 342 penguins, as written, and an intercept."""
    from convex_solver import load_penguins

    X, _ = load_penguins(("bill_length_mm", "bill_depth_mm"))
    return [[*row, "1"] for row in X]


def real_problems(*, quick: bool) -> dict[str, tuple[Question, float]]:
    """Return named questions with the relative gap to reach."""
    from convex_solver import load_penguins

    X, y = load_penguins(("bill_length_mm", "bill_depth_mm"))
    kilograms = [float(value) / 1000.0 for value in y]
    penguins = {"X": X, "y": kilograms, **DECIMAL}
    cases = {"penguins, beta 1": (penguins | {"beta": 1.0}, 1e-8)}
    mcycle, ripley = real("mcycle"), real("ripley_synth")
    haberman, iris = real("haberman"), real("iris")
    if quick or None in (mcycle, ripley, haberman, iris):
        return cases
    assert mcycle is not None
    assert ripley is not None
    assert haberman is not None
    assert iris is not None
    cases["penguins, beta 0.1"] = penguins | {"beta": 0.1}, 1e-8
    for beta in (1.0, 0.1, 0.01):
        question = {"X": mcycle["X"].tolist(), "y": mcycle["y"].tolist()}
        cases[f"mcycle, beta {beta:g}"] = question | DECIMAL | {"beta": beta}, 1e-8
        question = {
            "X": ripley["X"].tolist(),
            "y": np.where(ripley["y"] > 0, 1, -1).tolist(),
            "beta": beta,
            "intercept": True,
            "floats": "decimal",
        }
        for loss in ("hinge", "logistic"):
            name = f"ripley_synth, {loss}, beta {beta:g}"
            cases[name] = question | {"loss": loss}, 1e-8
    classes = np.where(haberman["y"] == haberman["y"].max(), 1, -1)
    question = {"X": haberman["X"].tolist(), "y": classes.tolist(), "beta": 1.0}
    cases["haberman, logistic"] = question | DECIMAL | {"loss": "logistic"}, 1e-6
    classes = np.where(iris["y"] == 1, 1, -1)
    question = {"X": iris["X"].tolist(), "y": classes.tolist(), "beta": 1.0}
    cases["iris, hinge, rank 5"] = question | DECIMAL | {"loss": "hinge"}, 1e-4
    return cases


def images(n: int) -> tuple[Array, Array] | None:
    """Return airplanes and automobiles, pixels 0 to 255, or None without them."""
    data = real("cifar10_airplane_automobile")
    if data is None:
        return None
    return data["X"][:n].astype(np.float64), data["y"][:n].astype(np.float64)
