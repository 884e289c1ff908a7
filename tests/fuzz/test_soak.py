"""Hours of random calls in one process: its memory does not grow.

``pytest tests/fuzz/test_soak.py --soak 36000`` calls for ten hours what is public in
both packages; without the option some seconds.  The first third of the time fills
caches and the allocator's reserves; from then on the resident memory may grow by a
small part, however long it takes.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import arrangement as ar
import convex_solver as cs
from arrangement.cli import main as arrangement_main
from convex_solver.cli import main as solver_main

FAMILY = (ar.ArrangementError, cs.ConvexSolverError)
# bytes by which memory may grow after the warm-up: pages that the allocator keeps
# apart, and arrays of a call larger than those before
ROOM = 24 << 20
LOSSES = (
    "squared",
    "absolute",
    "huber:0.5",
    "quantile:0.25",
    "epsilon_insensitive:0.1",
)


def resident():
    """Bytes of memory of this process, after what can be freed is."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def matrix(rng, n, d):
    random_ = np.random.default_rng(rng.randrange(2**32))
    if rng.random() < 0.5:
        return random_.integers(-3, 4, (n, d))
    return random_.standard_normal((n, d))


def listing(rng, folder):
    X = matrix(rng, rng.randint(1, 24), rng.randint(1, 4))
    offsets = matrix(rng, len(X), 1)[:, 0] if rng.random() < 0.3 else None
    found = ar.enumerate_patterns(X, offsets=offsets, n_jobs=rng.choice((1, 2)))
    assert len(found) == ar.count_patterns(X, offsets=offsets)
    ar.verify(found, X, offsets=offsets)
    for pattern in (found.witnesses, found.facets, found.rays):
        pattern()


def streams(rng, folder):
    X = matrix(rng, rng.randint(4, 24), rng.randint(2, 4))
    for k, _ in enumerate(ar.iter_patterns(X, block_size=rng.randint(2, 99))):
        if k > rng.randrange(20):
            break  # the rest is never asked for
    sum(len(faces) for faces in ar.iter_covectors(X[:6]))
    ar.face_numbers(X[:8])
    few = ar.Arrangement(X[:8])
    ar.restricted_counts(few, ar.count_patterns(few), earlier=rng.random() < 0.5)


def lists_on_disk(rng, folder):
    X = matrix(rng, rng.randint(4, 16), 3)
    found = ar.enumerate_patterns(X)
    found.save(folder / "list.npz")
    ar.verify(ar.PatternSet.load(folder / "list.npz"), X, proof=folder / "p.jsonl")
    pytest.importorskip("zarr")
    ar.write_patterns(folder / "list.zarr", X, block_size=16)
    ar.open_patterns(folder / "list.zarr").verify(X)


def program_of(rng):
    n, d = rng.randint(4, 14), rng.randint(1, 3)
    X, y = matrix(rng, n, d).astype(float), matrix(rng, n, 1)[:, 0].astype(float)
    return cs.ConvexProgram(X, y, 10 ** rng.uniform(-2, 1), loss=rng.choice(LOSSES))


def solving(rng, folder):
    program = program_of(rng)
    solution = cs.solve(program, tol=1e-3, time_limit=10)
    cs.save_model(folder / "model.json", solution)
    cs.load_model(folder / "model.json")
    solution.network.predict(program.X)


def conic(rng, folder):
    program = program_of(rng)
    path = folder / rng.choice(("a.cbf", "a.conic"))
    cs.write_conic(path, program)
    cs.read_conic(path)
    cs.build_conic(program)


def others(rng, folder):
    X = matrix(rng, 6, 3).astype(float)
    y = X @ np.ones(3)
    cs.interpolate(X, y, time_limit=5)
    cs.solve_linear_cnn(cs.LinearCNNProgram(X.reshape(6, 3, 1), y, 0.5))
    cs.solve_circular_cnn(cs.CircularCNNProgram(X, y, 0.5))
    cs.train(program_of(rng), n_neurons=4, steps=20)


def commands(rng, folder):
    table = folder / "t.csv"
    X = np.round(matrix(rng, 8, 2).astype(float), 3)
    table.write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in X.tolist()))
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        arrangement_main(["enumerate", str(table), "-o", str(folder / "l.npz")])
        arrangement_main(["verify", str(folder / "l.npz"), str(table), "--json"])
        solver_main(
            ["fit", str(table), "--target", "b", "--beta", "1", "-o",
             str(folder / "m.json")]
        )  # fmt: skip
        solver_main(["certify", str(folder / "m.json"), str(table)])


def refusals(rng, folder):
    """Errors hold frames, and frames hold arrays."""
    big = np.full((2000, 20), np.nan)
    for call in (
        lambda: ar.enumerate_patterns(big),
        lambda: ar.count_patterns(matrix(rng, 40, 5), max_nodes=3),
        lambda: ar.enumerate_patterns(matrix(rng, 40, 4), max_patterns=10),
        lambda: cs.ConvexProgram(big, big[:, 0], 0.1),
        lambda: cs.load_model(folder / "nowhere.json"),
        lambda: ar.PatternSet.load(folder / "nowhere.npz"),
    ):
        with pytest.raises(FAMILY):
            call()


CALLS = (listing, streams, lists_on_disk, solving, conic, others, commands, refusals)


@pytest.mark.slow
def test_memory_does_not_grow(tmp_path, request):
    seconds = request.config.getoption("--soak")
    begin, number = time.monotonic(), 0
    counts, sizes = Counter(), []
    # each call at least once, and until the time is up
    while number < len(CALLS) or time.monotonic() - begin < seconds:
        rng = random.Random(f"soak-{number}")
        call = CALLS[number % len(CALLS)]
        folder = tmp_path / str(number)
        folder.mkdir()
        with contextlib.suppress(cs.ConvexSolverError):
            call(rng, folder)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        counts[call.__name__] += 1
        number += 1
        if number % len(CALLS) == 0:
            sizes.append((time.monotonic() - begin, resident()))
    start = next((size for t, size in sizes if 3 * t >= sizes[-1][0]), sizes[0][1])
    grown = sizes[-1][1] - start
    mib = [round(size / 2**20) for _, size in sizes[:: max(len(sizes) // 20, 1)]]
    print(f"\n{number} calls {dict(counts)}; MiB {mib}; {grown / 2**20:+.1f} at last")
    if len(sizes) > 20:
        assert grown < ROOM
