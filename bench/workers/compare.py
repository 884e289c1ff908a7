"""Time pieces of work with the packages of the checkout that PYTHONPATH names.

``python bench/workers/compare.py CHECKOUT`` imports both packages from there, and then
the work from the checkout of this file.  It reads one name a line: the first time it
prepares the work and runs it once, untimed, and answers with the answer; then with the
seconds and CPU seconds of one run.  Answers are JSON, one a line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def packages_of(checkout: Path) -> float:
    """Import both packages; return the seconds, and stop if they are not of there."""
    start = time.perf_counter()
    import arrangement
    import convex_solver

    seconds = time.perf_counter() - start
    for package in (arrangement, convex_solver):
        place = Path(str(package.__file__)).resolve()
        if checkout.resolve() not in place.parents:
            raise SystemExit(f"{package.__name__} is of {place}, not of {checkout}")
    return seconds


def serve(answers: Any) -> None:
    from bench.works import WORKS

    by_name = {f"{work.room}, {work.name}": work for work in WORKS}
    jobs: dict[str, Any] = {}
    for line in sys.stdin:
        name = line.rstrip("\n")
        reply: dict[str, Any]
        try:
            if name not in jobs:
                work = by_name[name]
                jobs[name] = work.prepare()
                reply = {"answer": work.answer(jobs[name]())}
            else:
                start, cpu = time.perf_counter(), time.process_time()
                jobs[name]()
                cpu = time.process_time() - cpu
                reply = {"seconds": time.perf_counter() - start, "cpu": cpu}
        except Exception as error:  # told to the other side, which shows it
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    # what the packages print must not mix with the answers
    output, sys.stdout = sys.stdout, sys.stderr
    seconds = packages_of(Path(sys.argv[1]))
    print(json.dumps({"import": seconds}), file=output, flush=True)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    serve(output)
