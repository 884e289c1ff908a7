"""Write a store on two workers of Dask, one of which is killed in the middle.

``python cluster.py FOLDER``: writes ``killed.zarr`` beside the matrix ``X.npy``, folds
it, and prints what came of both and whether a worker died.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    from dask.distributed import Client, LocalCluster

    from arrangement import fold, iter_patterns, write_patterns

    from reference.executors import add, count_ones

    X = np.load(folder / "X.npy")
    # no dashboard and no ports that others may use
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        executor = client.get_executor()
        workers = client.run(os.getpid)
        victim = next(iter(workers.values()))
        told = []

        def kill(progress) -> None:
            told.append(progress.done)
            if len(told) == 2:
                os.kill(victim, signal.SIGKILL)

        path = folder / "killed.zarr"
        stored = write_patterns(
            path, X, executor=executor, block_size=500, progress=kill
        )
        state = fold(X, count_ones, np.zeros(len(X) + 1, int), executor=executor,
                     merge=add)  # fmt: skip
        alive = set(client.run(os.getpid).values())
        stream = iter_patterns(X, executor=executor, prove=True)
        total = sum(len(block) for block in stream)
        print(stored.proof)
        print(stream.proof)
        print(total, victim not in alive, state.tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
