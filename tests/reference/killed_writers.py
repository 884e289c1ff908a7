"""What writes a store and is killed: ``python killed_writers.py FOLDER``.

Reads lines, and for each begins a process that writes ``store.zarr`` of ``X.npy`` in
the folder, or goes on with it:

``alone``
    Without an executor.
``pool``
    On a pool of two processes.
``dask ADDRESS``
    On a cluster.

It says ``begun`` and its number, then ``done`` and the proof, or ``lost`` where the
executor has lost its workers; and when it is no more, ``ended`` and its exit code.

``python killed_writers.py`` is a cluster of two workers: it says its address and, at
each line, the numbers of the processes of its workers.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import traceback
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np

from arrangement import WorkersLostError, enumerate_patterns, write_patterns

BLOCK = 100


def compiled() -> int:
    """Load the kernels; the number of the process."""
    enumerate_patterns(np.random.default_rng(0).integers(-3, 4, (12, 4)))
    return os.getpid()


def write(folder: Path, executor: Executor | None) -> None:
    """Write the store and say so."""
    X = np.load(folder / "X.npy")
    print("begun", os.getpid(), flush=True)
    try:
        stored = write_patterns(
            folder / "store.zarr", X, block_size=BLOCK, resume=True, executor=executor
        )
    except WorkersLostError:
        print("lost", flush=True)
    else:
        print("done", stored.proof, flush=True)


def write_somehow(folder: Path, kind: str, address: str = "") -> None:
    """Write in one of the ways."""
    if kind == "alone":
        write(folder, None)
    elif kind == "dask":
        from dask.distributed import Client

        with Client(address) as client:
            write(folder, client.get_executor())
    else:
        # copies of this process, with all files that it has opened when they begin; a
        # fresh one takes seconds, which are not those that are looked at
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            write(folder, pool)


def serve(folder: Path) -> None:
    """Begin a process for each line, one after another."""
    compiled()
    if importlib.util.find_spec("distributed"):
        import dask.distributed  # noqa: F401 - the copies have it
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                write_somehow(folder, *line.split())
            except BaseException:
                print("failed", traceback.format_exc().encode(), flush=True)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print("ended", code, flush=True)


def be_cluster() -> None:
    """Keep a cluster until the input ends."""
    from dask.distributed import Client, LocalCluster

    # no dashboard and no ports that others may use
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        client.run(compiled)
        print(cluster.scheduler_address, flush=True)
        for _ in sys.stdin:
            try:
                client.wait_for_workers(2, timeout=30)
            except TimeoutError:
                # its nanny gives a worker up that is killed while it begins
                cluster.scale(0)
                cluster.scale(2)
                client.wait_for_workers(2, timeout=120)
            print(*client.run(compiled).values(), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1])) if sys.argv[1:] else be_cluster()
